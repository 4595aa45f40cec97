"""What an event graph is made of: nodes, edges with their certainty and reason, loops, cuts.

What the certainties mean, edge by edge, is said in `build`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from functions.domain.detection.arrivals import Source
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.paths.cycles import least_rotation


class NodeKind(StrEnum):
    """What a node is."""

    FUNCTION = "function"
    QUEUE = "queue"
    TOPIC = "topic"
    BUCKET = "bucket"
    TABLE = "table"  # with its stream: writing to the table writes to the stream
    STREAM = "Kinesis stream"
    BUS = "event bus"
    STATE_MACHINE = "state machine"
    LOG_GROUP = "log group"
    DELIVERY_STREAM = "Firehose stream"
    API = "API"  # API, function URL, load balancer
    BROKER = "broker"  # Kafka, MQ, DocumentDB
    SCHEDULE = "schedule"
    SERVICE = "service"  # events that an AWS service sends about itself
    OTHER = "resource"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A function or resource. `arn` of a function carries no qualifier, of a table no stream."""

    kind: NodeKind
    arn: str
    name: str


class Certainty(StrEnum):
    """How sure it is that events pass along an edge."""

    CERTAIN = "certain"
    POSSIBLE = "possible"
    RULED_OUT = "ruled_out"


_RANKS: Final = {Certainty.CERTAIN: 0, Certainty.POSSIBLE: 1, Certainty.RULED_OUT: 2}


def weakest(*certainties: Certainty) -> Certainty:
    """The certainty of a chain: that of its weakest edge."""
    return max(certainties, key=_RANKS.__getitem__)


class Means(StrEnum):
    """How events pass from one node to the next."""

    MAPPING = "event source mapping"
    NOTIFICATION = "bucket notification"
    EVENTBRIDGE_CONFIGURATION = "EventBridge configuration of the bucket"
    REPLICATION = "bucket replication"
    SUBSCRIPTION = "subscription"
    RULE = "rule"
    SCHEDULE = "schedule"
    PIPE = "pipe"
    LOG_SUBSCRIPTION = "log subscription filter"
    ACCOUNT_LOG_SUBSCRIPTION = "log subscription of the account"
    TRANSFORM = "transformation of a Firehose stream"
    DELIVERY = "delivery of a Firehose stream"
    REDRIVE = "redrive policy"
    MOVED_BACK = "move of what failed"
    TASK = "state machine definition"
    HTTP = "HTTP integration"
    RESOURCE_POLICY = "resource policy"
    PERMISSION = "permission"
    RUNTIME_LOGS = "logs of the runtime"
    DESTINATION = "destination"
    DEAD_LETTER = "dead-letter target"
    CALL = "call of a URL"


class EdgeReason(StrEnum):
    """Why an edge has its certainty."""

    UNDECIDED = "undecided"  # whether it exists, or what its filter says, is not known yet
    # Triggers: whether what lies in the source passes.
    UNFILTERED = "unfiltered"
    FILTER_FITS = "filter_fits"
    FILTER_MAY_FIT = "filter_may_fit"
    FILTER_UNREADABLE = "filter_unreadable"
    FILTER_EXCLUDES = "filter_excludes"
    OTHER_EVENT_TYPE = "other_event_type"
    DISABLED = "disabled"
    CONFIGURED = "configured"  # a destination, a task, a redrive policy names the target
    ONLY_ON_FAILURE = "only_on_failure"
    ONLY_SOMETIMES = "only_sometimes"  # behind a Choice or Catch of a state machine
    NOT_ASYNCHRONOUS = "not_asynchronous"  # destinations only hear of asynchronous invocations
    ONLY_PERMITTED = "only_permitted"  # a resource policy allows it; the trigger was not seen
    # Writes: whether the writer may put something there, and would.
    NAMED_BY_STATEMENT = "named_by_statement"
    NAMED_BY_ENVIRONMENT = "named_by_environment"
    FOR_DESTINATION = "for_destination"  # a destination or dead-letter queue needs the permission
    SHARED_ROLE = "shared_role"  # of several functions, and this one names the target nowhere
    ASSUMED_ROLE = "assumed_role"  # another role may, which this one may assume
    ONLY_ONCE = "only_once"  # what is removed has to be put back before it is removed again
    WILDCARD = "wildcard"
    CONDITION = "condition"
    UNREADABLE = "unreadable"
    SERVICE_CALL = "service_call"  # what the role may change makes the service send events
    EXPLICIT_DENY = "explicit_deny"
    BOUNDARY = "boundary"
    NOT_ALLOWED = "not_allowed"  # the environment names it, but no statement allows it


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeSpec:
    """All that is known of an edge but its two nodes.

    Attributes
    ----------
    id
        What people find the means by: UUID of a mapping, ARN of a subscription or rule, name of a
        notification, ARN of the role of a permission.
    label
        One or two words for a drawing.
    actions
        For a permission: the IAM actions, such as ``dynamodb:PutItem``.
    policy, sid
        The statement that decided, where one did.
    detail
        What else decided: the prefix, the field of the pattern, a condition, an error.
    """

    means: Means
    certainty: Certainty
    reason: EdgeReason
    id: str = ""
    label: str = ""
    actions: tuple[str, ...] = ()
    policy: str = ""
    sid: str = ""
    detail: str = ""

    def weaken(self, reason: EdgeReason) -> Self:
        """Make it possible for a reason, where it is certain."""
        if self.certainty is not Certainty.CERTAIN:
            return self
        return replace(self, certainty=Certainty.POSSIBLE, reason=reason)

    def refuse(self, reason: EdgeReason, policy: str, sid: str) -> Self:
        """Rule it out by a statement, or for want of one."""
        return replace(self, certainty=Certainty.RULED_OUT, reason=reason, policy=policy, sid=sid)

    def between(self, source: Node, target: Node) -> "Edge":
        """Lead from one node to another."""
        return Edge(
            source=source,
            target=target,
            means=self.means,
            certainty=self.certainty,
            reason=self.reason,
            id=self.id,
            label=self.label,
            actions=self.actions,
            policy=self.policy,
            sid=self.sid,
            detail=self.detail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge(EdgeSpec):
    """Events pass from `source` to `target`."""

    source: Node
    target: Node

    @property
    def is_write(self) -> bool:
        """Whether the code of a function (or its role) makes the event pass."""
        return self.means in _WRITES

    @property
    def is_broad(self) -> bool:
        """Whether only a wildcard over many resources makes it possible."""
        return self.reason is EdgeReason.WILDCARD

    @property
    def is_by_wildcard(self) -> bool:
        """Whether the statement that allows it names more than this resource."""
        return self.is_broad or self.reason is EdgeReason.NAMED_BY_ENVIRONMENT

    @property
    def change(self) -> "Change":
        """The change that would take this edge away."""
        if self.means is Means.PERMISSION:
            is_named = self.target.kind is NodeKind.SERVICE or not self.is_by_wildcard
            what = self.target.arn if is_named else wildcards_of(self.target.kind)
            return Change(means=self.means, id=self.id, what=what)
        if self.means in _BY_ID:
            return Change(means=self.means, id=self.id, what=self.target.arn)
        return Change(means=self.means, id=self.source.arn, what=self.target.arn)


def wildcards_of(kind: NodeKind) -> str:
    """What a change is about that narrows every wildcard of a role over a kind of resource."""
    return f"every {kind.value}"


_WRITES: Final = frozenset(
    {
        Means.PERMISSION,
        Means.RUNTIME_LOGS,
        Means.DESTINATION,
        Means.DEAD_LETTER,
        Means.CALL,
    }
)
_BY_ID: Final = frozenset(
    {
        Means.MAPPING,
        Means.NOTIFICATION,
        Means.SUBSCRIPTION,
        Means.RULE,
        Means.PIPE,
        Means.LOG_SUBSCRIPTION,
        Means.DESTINATION,
        Means.REDRIVE,
        Means.RUNTIME_LOGS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Change:
    """One change of the configuration: this mapping, this permission, this subscription.

    `id` is as in `Edge`; `what` is the resource that it is about, or ``every queue`` for
    permissions that wildcards over many of them give: narrowing one of two would change nothing.
    """

    means: Means
    id: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Changes that break loops, together.

    Attributes
    ----------
    loops_broken, loops
        Of the `loops` that are listed of the component, so many are broken: their functions are on
        no common cycle any more, listed or not.
    is_complete
        Whether nothing in the component can loop any more, listed or not.
    """

    changes: tuple[Change, ...]
    words: tuple[str, ...]
    loops_broken: int
    loops: int
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A person's word that a loop is intended. `by`: the function that carries the tag."""

    by: str
    reason: str


class NativeStop(StrEnum):
    """Whether AWS's own detection would stop a loop. It takes a recent SDK all the same."""

    PROBABLY = "probably"
    UNLESS_ALLOWED = "unless_allowed"  # a function's setting `RecursiveLoop` was not read
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A cycle through at least one function.

    Attributes
    ----------
    edges
        Each begins where the one before ends, the first where the last ends: at what triggers the
        first function.
    is_protected_by_aws
        Whether AWS's own detection covers it: all of it by Lambda, SQS, SNS and S3, and no
        function on it says ``RecursiveLoop=Allow``. It takes a recent SDK all the same.
    allowing
        Functions on it that say ``RecursiveLoop=Allow``.
    unread
        Functions on it of which that setting was not read.
    cuts
        What breaks it, best first.
    """

    edges: tuple[Edge, ...]
    is_protected_by_aws: bool = False
    allowing: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    accepted: Acceptance | None = None
    cuts: tuple[Cut, ...] = ()

    @property
    def native_stop(self) -> NativeStop:
        """Whether AWS would stop it: what every text and picture of it says."""
        if not self.is_protected_by_aws:
            return NativeStop.NO
        return NativeStop.UNLESS_ALLOWED if self.unread else NativeStop.PROBABLY

    @property
    def certainty(self) -> Certainty:
        """That of its weakest edge."""
        return weakest(*(edge.certainty for edge in self.edges))

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions on it, in its order."""
        return tuple(
            edge.source.name for edge in self.edges if edge.source.kind is NodeKind.FUNCTION
        )

    @property
    def is_broad(self) -> bool:
        """Whether at least one of its writes is only given by a wildcard over many resources."""
        return any(edge.is_broad for edge in self.edges)

    @property
    def key(self) -> "LoopKey":
        """What the loop is known by: its edges and certainties, wherever one begins to read."""
        parts = [
            f"{edge.source.arn} {edge.means.name} {edge.certainty.name} {edge.target.arn}"
            for edge in self.edges
        ]
        first = least_rotation(parts)
        text = "\n".join(parts[first:] + parts[:first])
        digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
        return LoopKey(digest[:_KEY_LENGTH])

    def seen_from(self, function: str) -> "Loop":
        """The same loop, its edges beginning with a trigger of `function` (if it is on it)."""
        for index, edge in enumerate(self.edges):
            if edge.target.kind is NodeKind.FUNCTION and edge.target.name == function:
                return replace(self, edges=self.edges[index:] + self.edges[:index])
        return self


_KEY_LENGTH: Final = 16


class LoopKey(str):
    """A stable name of a loop: 16 hexadecimal digits. It changes when the loop changes."""

    __slots__ = ()


class Doubt(StrEnum):
    """Why a function without a loop is not said to be free of one."""

    HTTP = "http"  # it, or what leads to it, is called by a URL, which takes no permission
    BROKER = "broker"  # it reads from a broker, which takes no permission of IAM to write to
    LOGS = "logs"  # its role may write to other log groups than its own
    SCHEDULES = "schedules"  # it may make schedules, which invoke whatever they are told to
    ROLE = "role"  # a policy of a role could not be read
    AREA = "area"  # a part of the account could not be read
    RESOURCE = "resource"  # a resource on the way could not be read
    ELSEWHERE = "elsewhere"  # it writes to another account or Region
    ROLES = "roles"  # its role may assume more roles than were looked at
    ACCESS_POINT = "access_point"  # its role may write through an access point of S3
    DURABLE = "durable"  # it is a durable function, which Lambda itself invokes again
    UNKNOWN_TARGET = "unknown_target"  # events go to something that this graph does not follow
    BUDGET = (
        "budget"  # it, or something on the way, takes more work than one graph may: see `limits`
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSize:
    """How large the graph is, and how much of it is not listed."""

    functions: int = 0
    nodes: int = 0
    edges: int = 0
    certain: int = 0  # functions on a certain loop
    possible: int = 0
    unknown: int = 0
    ruled_out: int = 0
    loops_unlisted: int = 0  # functions on a loop for which no loop is listed
    unreadable_policies: int = 0
    unreadable_filters: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventGraph:
    """What was concluded from an account as it was at `at`.

    Attributes
    ----------
    loops
        Certain ones first. One shortest loop for each function and each way it is triggered.
    proofs
        By function name; every function of the account has one.
    doubts
        For functions whose proof is UNKNOWN: why.
    sources
        By function name: what invokes it, and which of that lies on its loops.
    """

    account: str
    region: str
    at: datetime
    loops: tuple[Loop, ...] = ()
    proofs: Mapping[str, LoopProof] = field(default_factory=lambda: MappingProxyType({}))
    doubts: Mapping[str, tuple[Doubt, ...]] = field(default_factory=lambda: MappingProxyType({}))
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=lambda: MappingProxyType({}))
    gaps: tuple[str, ...] = ()
    counts: GraphSize = field(default_factory=GraphSize)
