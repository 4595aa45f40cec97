"""The account and Region as the control plane tells it: what an event graph is built from.

Descriptions only: no conclusion is drawn here. Policies, patterns and filters are the texts that
AWS returned, because what they mean is for the code that reads them to say, and a text that cannot
be read is a fact too. Names, ARNs and texts come from the account: nothing about them is certain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from functions.domain.account.environment_references import Environment


def _make_empty() -> Mapping[str, str]:
    """No entries: a default of its own must be hashable, which this is not before Python 3.12."""
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPolicy:
    """A policy document with the name that people find it by.

    `text` is the JSON document, URL-decoded (IAM's APIs return it encoded).
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role of the account, as GetAccountAuthorizationDetails tells it.

    Attributes
    ----------
    policies
        Inline and attached ones; managed policies in their default version.
    boundary
        The permissions boundary; ``None`` for none.
    is_complete
        False where a policy of the role could not be read: what is missing may allow or deny.
    trust
        Its trust policy, where somebody of the account may assume it; empty where only services,
        other accounts or federated users may.
    """

    arn: str
    policies: tuple[NamedPolicy, ...] = ()
    boundary: NamedPolicy | None = None
    is_complete: bool = True
    trust: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionDescription:
    """A function as ListFunctions tells it, with what other calls added.

    Attributes
    ----------
    environment
        What its environment variables name, never what they say.
    resource_policies
        Resource policy by qualifier (empty text: the unqualified function), as JSON. A qualifier
        that has none is left out.
    is_policy_known
        False where the resource policy could not be read.
    on_success_arn, on_failure_arn
        Destinations of asynchronous invocations; empty for none or unknown.
    log_group
        The log group its logs go to.
    recursive_loop
        ``Terminate`` or ``Allow``; empty where it was not asked for.
    """

    name: str
    arn: str
    role_arn: str
    environment: Environment = Environment()  # noqa: RUF009 (it is frozen)
    tags: Mapping[str, str] = field(default_factory=_make_empty)
    resource_policies: Mapping[str, str] = field(default_factory=_make_empty)
    is_policy_known: bool = True
    dead_letter_arn: str = ""
    on_success_arn: str = ""
    on_failure_arn: str = ""
    log_group: str = ""
    recursive_loop: str = ""
    memory_mb: int = 128
    timeout_seconds: int = 3
    runtime: str = ""
    tracing_mode: str = "PassThrough"
    last_modified: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingDescription:
    """An event source mapping: SQS, Kinesis, DynamoDB stream, Kafka, MQ, DocumentDB.

    Attributes
    ----------
    function_arn
        With its qualifier, if it has one.
    source_arn
        ARN of queue, stream or broker; for self-managed Kafka the bootstrap servers.
    filters
        JSON patterns of its FilterCriteria: an event that matches one of them passes. Empty: every
        event passes.
    is_filter_known
        False for filter criteria that are encrypted with a key of the customer.
    on_failure_arn
        Where batches go that failed for good; empty for none.
    """

    uuid: str
    function_arn: str
    source_arn: str
    is_enabled: bool = True
    filters: tuple[str, ...] = ()
    is_filter_known: bool = True
    on_failure_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One entry of a bucket's notification configuration.

    `target_arn` is a function, queue or topic. `events` are S3's names, such as
    ``s3:ObjectCreated:*``. `prefix` and `suffix` are empty where no key is filtered out.
    """

    target_arn: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket that notifies or is copied.

    Attributes
    ----------
    has_event_bridge
        Whether all its events go to the default bus.
    replicates_to
        The objects of other buckets that its own become, as ARNs with a prefix:
        ``arn:aws:s3:::copies/in/*``. The ARN of a bucket alone where it is not known which of its
        objects are copied.
    """

    name: str
    notifications: tuple[Notification, ...] = ()
    has_event_bridge: bool = False
    replicates_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription of a topic.

    Attributes
    ----------
    endpoint
        ARN of the function, queue or Firehose stream.
    filter_policy
        JSON; empty where every message passes.
    filter_scope
        ``MessageAttributes`` or ``MessageBody``.
    dead_letter_arn
        The queue for messages that could not be delivered; empty for none.
    """

    arn: str
    topic_arn: str
    protocol: str
    endpoint: str
    filter_policy: str = ""
    filter_scope: str = "MessageAttributes"
    is_filter_known: bool = True
    dead_letter_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTarget:
    """A target of a rule. `input_is_constant`: every event reaches it with the same content."""

    arn: str
    id: str = ""
    dead_letter_arn: str = ""
    role_arn: str = ""
    input_is_constant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An EventBridge rule; a pattern, a schedule, or both."""

    arn: str
    name: str
    bus_arn: str
    pattern: str = ""
    schedule: str = ""
    is_enabled: bool = True
    targets: tuple[RuleTarget, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule of EventBridge Scheduler."""

    arn: str
    target_arn: str
    role_arn: str = ""
    dead_letter_arn: str = ""
    is_enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipe:
    """An EventBridge pipe. `filters` as for a mapping; `dead_letter_arn` is of its source."""

    arn: str
    source_arn: str
    target_arn: str
    enrichment_arn: str = ""
    filters: tuple[str, ...] = ()
    role_arn: str = ""
    is_enabled: bool = True
    dead_letter_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSubscription:
    """A subscription filter of a log group, or of the account.

    Attributes
    ----------
    log_group
        Empty for an account-level policy, which covers every log group but those of
        `excluded_groups`.
    destination_arn
        Function, Kinesis stream, Firehose stream or logs destination.
    """

    name: str
    log_group: str
    destination_arn: str
    pattern: str = ""
    excluded_groups: tuple[str, ...] = ()
    is_selection_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """What of an API leads to a function.

    Attributes
    ----------
    function_arn
        With the version or alias, where one is named.
    source_arn
        What the API invokes as, for every stage: ``...:a1b2c3/*/GET/orders``.
    role_arn
        The role that the API invokes with; empty where the function's resource policy admits it.
    """

    function_arn: str
    source_arn: str
    role_arn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API, function URL or load balancer that invokes functions when it is called.

    Attributes
    ----------
    integrations
        Those that are known; `function_arns` names their functions too.
    target_arns
        What else it sends to: queues, topics, buses, tables, streams, buckets, state machines.
    """

    arn: str
    function_arns: tuple[str, ...]
    url: str = ""
    kind: str = "api"
    integrations: tuple[Integration, ...] = ()
    target_arns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """A state machine; `definition` is its Amazon States Language, as JSON."""

    arn: str
    role_arn: str
    definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue.

    Attributes
    ----------
    dead_letter_arn
        The target of its redrive policy; empty for none.
    visibility_seconds
        Its VisibilityTimeout; ``None`` where it is unknown.
    """

    arn: str
    url: str = ""
    dead_letter_arn: str = ""
    visibility_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStream:
    """A Firehose stream: what it writes to, and the function that transforms its records."""

    arn: str
    destination_arns: tuple[str, ...] = ()
    transform_arn: str = ""
    source_arn: str = ""


class Area(StrEnum):
    """A part of the account that a reading may not be allowed to see."""

    FUNCTIONS = "functions"
    MAPPINGS = "event source mappings"
    POLICIES = "resource policies of functions"
    DESTINATIONS = "destinations of asynchronous invocations"
    ROLES = "roles and their policies"
    BUCKETS = "bucket notifications"
    TOPICS = "topic subscriptions"
    RULES = "EventBridge rules"
    SCHEDULES = "schedules"
    PIPES = "pipes"
    LOGS = "log subscription filters"
    APIS = "APIs, function URLs and load balancers"
    STATE_MACHINES = "state machines"
    QUEUES = "queues"
    TABLES = "tables and their streams"
    DELIVERY_STREAMS = "Firehose streams"
    TAGS = "tags"
    RECURSION = "recursive loop settings"
    RESOURCE_POLICIES = "resource policies of queues, topics, buckets, buses, streams and tables"


# The part of `Area.LOGS` that is no log group: a subscription of the whole account.
ACCOUNT_POLICIES: Final = "account policies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that could not be read, in AWS's words.

    `resource` is the ARN or name of the one thing; empty where the whole area is missing.
    `action` is the IAM action that is missing; empty where the reason is another.
    """

    area: Area
    words: str
    resource: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All that was read of one account and Region, at `at`.

    Attributes
    ----------
    resource_policies
        Resource policies, as JSON, by ARN of queue, topic, bucket, bus, stream or table: within
        an account such a policy alone lets a role write that its own policies do not let. One
        that has none is left out or has an empty text; one that could not be read is a gap.
    gaps
        What could not be read. Edges that depend on it are possible, never ruled out.
    undecided
        What may exist or not, by its ARN or by what an edge goes by (the UUID of a mapping, the
        ARN of a subscription, rule or role): edges by it are possible, never certain. Templates
        with conditions have such things, an account that is read has none.
    """

    account: str
    region: str
    at: datetime
    partition: str = "aws"
    functions: tuple[FunctionDescription, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=lambda: MappingProxyType({}))
    mappings: tuple[MappingDescription, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    rules: tuple[Rule, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    pipes: tuple[Pipe, ...] = ()
    log_subscriptions: tuple[LogSubscription, ...] = ()
    apis: tuple[Api, ...] = ()
    state_machines: tuple[StateMachine, ...] = ()
    queues: tuple[Queue, ...] = ()
    delivery_streams: tuple[DeliveryStream, ...] = ()
    resource_policies: Mapping[str, str] = field(default_factory=_make_empty)
    gaps: tuple[Gap, ...] = ()
    undecided: frozenset[str] = frozenset()

    def sees(self, area: Area) -> bool:
        """Whether the whole area was read (single things in it may still be missing)."""
        return not any(gap.area is area and not gap.resource for gap in self.gaps)

    @property
    def sees_account_policies(self) -> bool:
        """Whether it was read which log subscriptions are of the whole account."""
        parts = {gap.resource for gap in self.gaps if gap.area is Area.LOGS}
        return parts.isdisjoint({"", ACCOUNT_POLICIES})
