"""What leads from a resource to a function or to another resource, whoever writes to it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import Account, Area, FunctionDescription, Rule, RuleTarget
from functions.domain.account.state_machines import Place
from functions.domain.graph.edges.payloads import (
    ANYTHING,
    OPEN,
    Announced,
    BackOnly,
    Called,
    Changed,
    Content,
    Gate,
    KeyFilter,
    LineFilter,
    Message,
    MessageFilter,
    Open,
    Passed,
    Put,
    RecordFilter,
    RulePattern,
    Stored,
    asked_calls,
    asked_sources,
    is_created,
    may_ask_for,
    passes,
)
from functions.domain.graph.model import (
    Certainty,
    EdgeReason,
    EdgeSpec,
    Means,
    Node,
    NodeKind,
    weakest,
)
from functions.domain.graph.nodes import (
    broker_of,
    bucket_arn,
    bus_arn,
    is_elsewhere,
    log_group_arn,
    node_of,
)
from functions.domain.iam.document import Effect, MalformedPolicyError, Statement, parse_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Events go from `source` to `target` by themselves.

    Attributes
    ----------
    id, label
        As of an edge.
    arrives
        What lies in the target afterwards; ``None`` where it is the event as it was.
    is_only_on_failure
        Whether only what fails goes this way.
    """

    source: Node
    target: Node
    means: Means
    id: str
    label: str
    gate: Gate = OPEN
    arrives: Content | None = ANYTHING
    is_enabled: bool = True
    is_only_on_failure: bool = False

    def passes(self, content: Content) -> Passed | None:
        """Whether a content goes this way; ``None`` if the hop has nothing to do with it."""
        found = passes(self.gate, content)
        if found is None or (self.means is Means.REPLICATION and not is_created(content)):
            return None
        if found.certainty is Certainty.RULED_OUT:
            return found
        if not self.is_enabled:
            return Passed(Certainty.RULED_OUT, EdgeReason.DISABLED)
        if self.is_only_on_failure:
            return Passed(weakest(found.certainty, Certainty.POSSIBLE), EdgeReason.ONLY_ON_FAILURE)
        return found

    def edge(self, passed: Passed) -> EdgeSpec:
        """The edge of a content, by the answer of `passes`."""
        return EdgeSpec(
            means=self.means,
            certainty=passed.certainty,
            reason=passed.reason,
            id=self.id,
            label=self.label,
            detail=passed.detail,
        )

    def after(self, content: Content) -> Content:
        """What lies in the target then."""
        if self.means is Means.EVENTBRIDGE_CONFIGURATION and isinstance(content, Stored):
            return Announced(content)
        if self.means is Means.REPLICATION and isinstance(content, Stored):
            return replace(content, bucket=self.target.name, action="s3:ReplicateObject")
        return content if self.arrives is None else self.arrives


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Somebody who hears of calls of an AWS service's API: who may call it makes events.

    Attributes
    ----------
    service
        Prefix of the IAM actions, such as ``ec2``; empty for every service.
    actions
        IAM actions that are listened for; empty for everything that changes something.
    """

    node: Node
    content: Called
    service: str
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """All that leads on from resources.

    Attributes
    ----------
    url_callable
        Functions that an API or a URL may invoke, as their resource policies say.
    unreadable_filters
        How many filters could not be read.
    """

    hops: tuple[Hop, ...]
    listeners: tuple[Listener, ...] = ()
    url_callable: frozenset[Node] = frozenset()
    unreadable_filters: int = 0


# Service principals of Lambda triggers whose configuration the account's description holds.
_DESCRIBED: Final[Mapping[str, Area]] = MappingProxyType(
    {
        "s3.amazonaws.com": Area.BUCKETS,
        "sns.amazonaws.com": Area.TOPICS,
        "events.amazonaws.com": Area.RULES,
        "logs.amazonaws.com": Area.LOGS,
        "scheduler.amazonaws.com": Area.SCHEDULES,
        "pipes.amazonaws.com": Area.PIPES,
        "states.amazonaws.com": Area.STATE_MACHINES,
        "firehose.amazonaws.com": Area.DELIVERY_STREAMS,
    }
)
_URL_PRINCIPALS: Final = frozenset(
    {"apigateway.amazonaws.com", "elasticloadbalancing.amazonaws.com"}
)
_URL_KEYS: Final = frozenset({"lambda:functionurlauthtype", "lambda:invokedviafunctionurl"})
# What makes the services invoke functions that the description does not hold the triggers of.
_FEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "iot.amazonaws.com": ("iot:Publish",),
        "ses.amazonaws.com": ("ses:SendEmail", "ses:SendRawEmail"),
        "lambda.alarms.cloudwatch.amazonaws.com": (
            "cloudwatch:PutMetricData",
            "cloudwatch:SetAlarmState",
        ),
        "secretsmanager.amazonaws.com": ("secretsmanager:RotateSecret",),
        "cognito-idp.amazonaws.com": (
            "cognito-idp:AdminCreateUser",
            "cognito-idp:AdminInitiateAuth",
            "cognito-idp:SignUp",
            "cognito-idp:InitiateAuth",
        ),
        "codecommit.amazonaws.com": ("codecommit:GitPush", "codecommit:CreateCommit"),
        "cloudformation.amazonaws.com": (
            "cloudformation:CreateStack",
            "cloudformation:UpdateStack",
            "cloudformation:ExecuteChangeSet",
        ),
        "appsync.amazonaws.com": ("appsync:GraphQL",),
        "codepipeline.amazonaws.com": ("codepipeline:StartPipelineExecution",),
    }
)
# Sources whose events no call of a role's makes.
_UNCAUSED: Final = frozenset({"aws.health", "aws.events", "aws.scheduler", "aws.trustedadvisor"})
_PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {"aws.emr": "elasticmapreduce", "aws.macie": "macie2", "aws.efs": "elasticfilesystem"}
)
_CLOUDTRAIL: Final = "AWS API Call via CloudTrail"
_MAPPING_LABELS: Final[Mapping[NodeKind, str]] = MappingProxyType(
    {
        NodeKind.TABLE: "stream",
        NodeKind.QUEUE: "SQS",
        NodeKind.STREAM: "Kinesis",
        NodeKind.BROKER: "broker",
    }
)
_RECORDS: Final[Mapping[NodeKind, str]] = MappingProxyType(
    {
        NodeKind.TABLE: "aws:dynamodb",
        NodeKind.QUEUE: "aws:sqs",
        NodeKind.STREAM: "aws:kinesis",
    }
)


def read_triggers(account: Account) -> Triggers:
    """Everything that leads on from a resource."""
    place = Place(partition=account.partition, region=account.region, account=account.account)
    hops = [
        *_mappings(account),
        *_buckets(account, place),
        *_subscriptions(account),
        *_rules(account),
        *_schedules(account),
        *_pipes(account),
        *_logs(account, place),
        *_apis(account),
        *_deliveries(account),
        *_redrives(account),
    ]
    services, listeners = _service_events(account, place)
    policies = _policies(account, hops)
    hops += [*services, *policies.hops]
    return Triggers(
        hops=tuple(sorted(hops, key=_order)),
        listeners=tuple(sorted({*listeners, *policies.listeners}, key=_listener_order)),
        url_callable=policies.url_callable,
        unreadable_filters=sum(
            isinstance(hop.gate, RecordFilter | MessageFilter) and not hop.gate.is_known
            for hop in hops
        ),
    )


def _order(hop: Hop) -> tuple[Node, Node, str, str, str]:
    return hop.source, hop.target, hop.means.value, hop.id, repr((hop.gate, hop.is_enabled))


def _listener_order(listener: Listener) -> tuple[Node, str, str]:
    return listener.node, listener.content.rule, listener.service


def arriving(target: Node) -> Content:
    """What is known of something that reached a node in a way that says nothing of it."""
    match target.kind:
        case NodeKind.BUCKET:
            return Stored(target.name, "s3:PutObject")
        case NodeKind.TABLE:
            return Changed()
        case NodeKind.BUS:
            return Put()
        case _:
            return ANYTHING


def source_node(arn: str) -> Node:
    """The node of an event source mapping or pipe: self-managed brokers have no ARN."""
    return node_of(arn) if arn.startswith("arn:") else broker_of(arn)


def _mappings(account: Account) -> Iterator[Hop]:
    for one in account.mappings:
        source = source_node(one.source_arn)
        yield Hop(
            source=source,
            target=node_of(one.function_arn),
            means=Means.MAPPING,
            id=one.uuid,
            label=_MAPPING_LABELS.get(source.kind, "mapping"),
            gate=_record_filter(source, one.filters, is_known=one.is_filter_known),
            is_enabled=one.is_enabled,
        )


def _record_filter(source: Node, filters: tuple[str, ...], *, is_known: bool) -> Gate:
    if is_known and not filters:
        return OPEN
    return RecordFilter(filters, _RECORDS.get(source.kind, ""), is_known=is_known)


def _buckets(account: Account, place: Place) -> Iterator[Hop]:
    default_bus = node_of(bus_arn(place.partition, place.region, place.account))
    for bucket in account.buckets:
        source = node_of(bucket_arn(place.partition, bucket.name))
        for one in bucket.notifications:
            yield Hop(
                source=source,
                target=node_of(one.target_arn),
                means=Means.NOTIFICATION,
                id=one.id or one.target_arn,
                label=_event_label(one.events),
                gate=KeyFilter(one.events, one.prefix, one.suffix),
                arrives=Message(is_bare=True),
            )
        if bucket.has_event_bridge:
            yield Hop(
                source=source,
                target=default_bus,
                means=Means.EVENTBRIDGE_CONFIGURATION,
                id=bucket.name,
                label="EventBridge",
            )
        for name in bucket.replicates_to:
            yield Hop(
                source=source,
                target=node_of(bucket_arn(place.partition, name.rsplit(":", 1)[-1])),
                means=Means.REPLICATION,
                id=bucket.name,
                label="replication",
            )


def _event_label(events: tuple[str, ...]) -> str:
    """``ObjectCreated`` for ``s3:ObjectCreated:*``."""
    kinds = dict.fromkeys(event.split(":")[1] for event in events if event.count(":") > 0)
    return next(iter(kinds)) if len(kinds) == 1 else "notification"


def _subscriptions(account: Account) -> Iterator[Hop]:
    by_url = _nodes_by_host(account)
    for one in account.subscriptions:
        target = by_url.get(_host(one.endpoint)) if "://" in one.endpoint else None
        if target is None:
            if not one.endpoint.startswith("arn:"):
                continue  # mail, SMS, somebody else's URL
            target = node_of(one.endpoint)
        hop = Hop(
            source=node_of(one.topic_arn),
            target=target,
            means=Means.SUBSCRIPTION,
            id=one.arn,
            label="SNS",
            gate=MessageFilter(one.filter_policy, one.filter_scope, is_known=one.is_filter_known)
            if one.filter_policy or not one.is_filter_known
            else OPEN,
        )
        yield hop
        yield from _failing(hop, one.dead_letter_arn)


def _rules(account: Account) -> Iterator[Hop]:
    for rule in account.rules:
        if rule.pattern:
            yield from _rule_hops(rule, node_of(rule.bus_arn))
        elif rule.schedule:
            schedule = Node(NodeKind.SCHEDULE, rule.arn, rule.name)
            for target in rule.targets:
                yield Hop(
                    source=schedule,
                    target=node_of(target.arn),
                    means=Means.SCHEDULE,
                    id=rule.arn,
                    label="schedule",
                    arrives=arriving(node_of(target.arn)),
                    is_enabled=rule.is_enabled,
                )


def _rule_hops(rule: Rule, source: Node) -> Iterator[Hop]:
    for target in rule.targets:
        yield from _target_hops(rule, target, source)


def _target_hops(rule: Rule, target: RuleTarget, source: Node) -> Iterator[Hop]:
    gate = RulePattern(rule.pattern, rule.arn)
    node = node_of(target.arn)
    hop = Hop(
        source=source,
        target=node,
        means=Means.RULE,
        id=rule.arn,
        label=f"rule {rule.name}",
        gate=gate,
        arrives=_delivered(node),
        is_enabled=rule.is_enabled,
    )
    yield hop
    yield from _failing(hop, target.dead_letter_arn)


def _failing(hop: Hop, dead_letter_arn: str) -> Iterator[Hop]:
    """What could not be delivered goes to a queue instead."""
    if dead_letter_arn:
        target = node_of(dead_letter_arn)
        yield replace(hop, target=target, arrives=ANYTHING, is_only_on_failure=True)


def _delivered(target: Node) -> Content | None:
    """What a rule delivers: to another bus the event as it is, which has no attributes."""
    if target.kind is NodeKind.BUS:
        return None
    return Message(is_bare=True) if target.kind is NodeKind.TOPIC else arriving(target)


def _schedules(account: Account) -> Iterator[Hop]:
    for one in account.schedules:
        target = node_of(one.target_arn)
        yield Hop(
            source=node_of(one.arn),
            target=target,
            means=Means.SCHEDULE,
            id=one.arn,
            label="schedule",
            arrives=arriving(target),
            is_enabled=one.is_enabled,
        )


def _pipes(account: Account) -> Iterator[Hop]:
    unread = {gap.resource for gap in account.gaps if gap.area is Area.PIPES}
    for pipe in account.pipes:
        source = source_node(pipe.source_arn)
        name = pipe.arn.rsplit("/", 1)[-1]
        is_known = not unread & {pipe.arn, name}
        gate = _record_filter(source, pipe.filters, is_known=is_known)
        for arn in (pipe.target_arn, pipe.enrichment_arn):
            if arn:
                target = node_of(arn)
                hop = Hop(
                    source=source,
                    target=target,
                    means=Means.PIPE,
                    id=pipe.arn,
                    label=f"pipe {name}",
                    gate=gate,
                    arrives=arriving(target),
                    is_enabled=pipe.is_enabled,
                )
                yield hop
                yield from _failing(hop, pipe.dead_letter_arn)


def _logs(account: Account, place: Place) -> Iterator[Hop]:
    groups = {one.log_group for one in account.functions if one.log_group}
    groups |= {one.log_group for one in account.log_subscriptions if one.log_group}
    own = {node_of(one.arn): one.log_group for one in account.functions}
    for one in account.log_subscriptions:
        target = node_of(one.destination_arn)
        is_of_account = not one.log_group
        if is_of_account:
            # It does not forward the log group of the function that it sends to: `Log recursion
            # prevention` of the CloudWatch Logs user guide.
            left_out = {*one.excluded_groups, own.get(target, "")}
            covered: Iterable[str] = sorted(groups - left_out)
        else:
            covered = (one.log_group,)
        gate: Gate = LineFilter(one.pattern)
        if is_of_account and not one.is_selection_known:
            gate = Open(Certainty.POSSIBLE, EdgeReason.FILTER_UNREADABLE, "selection criteria")
        for group in covered:
            yield Hop(
                source=node_of(log_group_arn(place.partition, place.region, place.account, group)),
                target=target,
                means=Means.ACCOUNT_LOG_SUBSCRIPTION if is_of_account else Means.LOG_SUBSCRIPTION,
                id=one.name,
                label="log subscription",
                gate=gate,
            )


def _apis(account: Account) -> Iterator[Hop]:
    for api in account.apis:
        for arn in api.function_arns:
            yield Hop(
                source=api_node(api.arn, api.url, api.kind),
                target=node_of(arn),
                means=Means.HTTP,
                id=api.arn,
                label="HTTP",
            )


def api_node(arn: str, url: str, kind: str) -> Node:
    """The node of an API, function URL or load balancer."""
    short = _host(url) or arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return Node(NodeKind.API, f"{kind} {arn}", short)


def _host(url: str) -> str:
    return url.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0].lower() if url else ""


def _nodes_by_host(account: Account) -> dict[str, Node]:
    return {_host(one.url): api_node(one.arn, one.url, one.kind) for one in account.apis if one.url}


def _deliveries(account: Account) -> Iterator[Hop]:
    for one in account.delivery_streams:
        source = node_of(one.arn)
        if one.source_arn:
            yield Hop(
                source=source_node(one.source_arn),
                target=source,
                means=Means.DELIVERY,
                id=one.arn,
                label="Firehose source",
            )
        if one.transform_arn:
            yield Hop(
                source=source,
                target=node_of(one.transform_arn),
                means=Means.TRANSFORM,
                id=one.arn,
                label="transform",
            )
        for arn in one.destination_arns:
            target = node_of(arn)
            if target.kind is NodeKind.OTHER:
                continue  # a warehouse or a search index: nothing is triggered by it
            yield Hop(
                source=source,
                target=target,
                means=Means.DELIVERY,
                id=one.arn,
                label="delivery",
                arrives=arriving(target),
            )


def _redrives(account: Account) -> Iterator[Hop]:
    for queue in account.queues:
        if queue.dead_letter_arn:
            own, dead_letters = node_of(queue.arn), node_of(queue.dead_letter_arn)
            yield Hop(
                source=own,
                target=dead_letters,
                means=Means.REDRIVE,
                id=queue.arn,
                label="redrive",
                arrives=None,
                is_only_on_failure=True,
            )
            yield Hop(
                source=dead_letters,
                target=own,
                means=Means.MOVED_BACK,
                id=queue.arn,
                label="moved back",
                gate=BackOnly(),
            )


def _service_events(account: Account, place: Place) -> tuple[list[Hop], list[Listener]]:
    """Rules that hear of what AWS services do, and what would make the services speak."""
    default_bus = node_of(bus_arn(place.partition, place.region, place.account))
    hops: list[Hop] = []
    listeners: list[Listener] = []
    for rule in account.rules:
        if not rule.pattern or not rule.targets or node_of(rule.bus_arn) != default_bus:
            continue
        for source in asked_sources(rule.pattern):
            if source in _UNCAUSED or not _hears_calls(rule, source):
                continue
            service = _PREFIXES.get(source, source.removeprefix("aws."))
            node = Node(NodeKind.SERVICE, source, f"{service} events" if service else "AWS events")
            hops.extend(_rule_hops(rule, node))
            listeners.append(
                Listener(
                    node=node,
                    content=Called(source, rule.arn),
                    service=service,
                    actions=tuple(f"{service}:{_call(name)}" for name in asked_calls(rule.pattern))
                    if service
                    else (),
                )
            )
    return hops, listeners


def _call(name: str) -> str:
    """The IAM action of a call as CloudTrail names it: ``UpdateFunctionCode20150331v2``."""
    head, digits = name.rstrip("v2"), "0123456789"
    bare = head.rstrip(digits)
    return bare if len(head) - len(bare) >= len("20150331") else name


def _hears_calls(rule: Rule, source: str) -> bool:
    """Whether a rule hears of anything of a service but of objects in buckets.

    These the bucket's own configuration sends, and the keys that may be written count for them.
    """
    if source != "aws.s3":
        return True
    return may_ask_for(rule.pattern, source, _CLOUDTRAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policies:
    hops: tuple[Hop, ...]
    listeners: tuple[Listener, ...]
    url_callable: frozenset[Node]


def _policies(account: Account, found: Iterable[Hop]) -> _Policies:
    """What resource policies of functions say beside the triggers that were found."""
    known = {(hop.source, hop.target) for hop in found}
    hops: dict[tuple[Node, Node], Hop] = {}
    listeners: dict[Node, Listener] = {}
    callable_by_url: set[Node] = set()
    for function in account.functions:
        node = node_of(function.arn)
        for service, source in _grants(function):
            if service in _URL_PRINCIPALS:
                callable_by_url.add(node)
                continue
            origin = _origin(account, service, source)
            if origin is None or (origin, node) in known:
                continue
            hops[origin, node] = Hop(
                source=origin,
                target=node,
                means=Means.RESOURCE_POLICY,
                id=function.arn,
                label=service.removesuffix(".amazonaws.com"),
                gate=Open(Certainty.POSSIBLE, EdgeReason.ONLY_PERMITTED, service),
            )
            if origin.kind is NodeKind.SERVICE:
                listeners[origin] = Listener(
                    node=origin,
                    content=Called(origin.arn, origin.arn),
                    service="",
                    actions=_FEEDS[service],
                )
    return _Policies(
        hops=tuple(hops.values()),
        listeners=tuple(listeners.values()),
        url_callable=frozenset(callable_by_url),
    )


def _origin(account: Account, service: str, source: str) -> Node | None:
    """Where a service that a resource policy allows gets its events; ``None`` for nowhere."""
    area = _DESCRIBED.get(service)
    if area is None:
        name = service.removesuffix(".amazonaws.com")
        return Node(NodeKind.SERVICE, service, name) if service in _FEEDS else None
    if not source or "*" in source:
        return None
    is_seen = account.sees(area) and (area is not Area.LOGS or account.sees_account_policies)
    if is_seen and not is_elsewhere(source, account.account, account.region):
        return None  # it was looked for, and is not there
    node = node_of(source)
    if service == "events.amazonaws.com":
        prefix, _, path = source.partition(":rule/")
        bus = path.rpartition("/")[0] or "default"
        return node_of(f"{prefix}:event-bus/{bus}")
    return None if node.kind is NodeKind.OTHER else node


def _grants(function: FunctionDescription) -> Iterator[tuple[str, str]]:
    """Service principals with their source ARN. What roles may is read from `resource_grants`."""
    for text in function.resource_policies.values():
        try:
            document = parse_policy(text, "resource policy")
        except MalformedPolicyError:
            continue  # a gap: see resource_grants
        for statement in document.statements:
            if statement.effect is Effect.ALLOW and statement.principals:
                if _is_for_url(statement):
                    yield "apigateway.amazonaws.com", ""
                    continue
                source = _source_arn(statement)
                for principal in statement.principals.listed:
                    if principal.kind == "Service":
                        yield principal.value, source


def _is_for_url(statement: Statement) -> bool:
    """Whether a statement lets the function's URL be called (`Control access to function URLs`)."""
    return any("FunctionUrl" in one for one in statement.actions.patterns) or any(
        line.key.lower() in _URL_KEYS for line in statement.conditions
    )


def _source_arn(statement: Statement) -> str:
    for line in statement.conditions:
        if line.key.lower() == "aws:sourcearn" and len(line.values) == 1:
            return line.values[0]
    return ""
