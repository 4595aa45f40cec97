"""Triggers by configuration: what leads from a resource to a function or to another resource."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from functions.domain.account.inventory import Account, Area, Rule, RuleTarget
from functions.domain.account.state_machines import AccountLocation
from functions.domain.graph.model import Certainty, EdgeReason, Means, Node, NodeKind
from functions.domain.graph.nodes import broker_of, bucket_arn, bus_arn, log_group_arn, node_of
from functions.domain.graph.payloads import ANYTHING, Message, Payload, describe_arrival
from functions.domain.graph.triggers.filters import (
    OPEN,
    BackOnly,
    Filter,
    KeyFilter,
    LineFilter,
    MessageFilter,
    Open,
    RecordFilter,
    RulePattern,
)
from functions.domain.graph.triggers.trigger_edge import TriggerEdge

if TYPE_CHECKING:
    from collections.abc import Iterable

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

_UNKNOWN_KEYS: Final = Open(Certainty.POSSIBLE, EdgeReason.UNDECIDED, "which objects are copied")


def read_configured(account: Account, place: AccountLocation) -> Iterator[TriggerEdge]:
    """Everything that leads on from a resource because it is configured to."""
    yield from _read_mappings(account)
    yield from _read_buckets(account, place)
    yield from _read_subscriptions(account)
    yield from _read_rules(account)
    yield from _read_schedules(account)
    yield from _read_pipes(account)
    yield from _read_log_subscriptions(account, place)
    yield from _read_apis(account)
    yield from _read_delivery_streams(account)
    yield from _read_redrives(account)


def source_node(arn: str) -> Node:
    """The node of an event source mapping or pipe: self-managed brokers have no ARN."""
    return node_of(arn) if arn.startswith("arn:") else broker_of(arn)


def _read_mappings(account: Account) -> Iterator[TriggerEdge]:
    for one in account.mappings:
        source = source_node(one.source_arn)
        yield TriggerEdge(
            source=source,
            target=node_of(one.function_arn),
            means=Means.MAPPING,
            id=one.uuid,
            label=_MAPPING_LABELS.get(source.kind, "mapping"),
            event_filter=_read_record_filter(source, one.filters, is_known=one.is_filter_known),
            is_enabled=one.is_enabled,
        )


def _read_record_filter(source: Node, filters: tuple[str, ...], *, is_known: bool) -> Filter:
    if is_known and not filters:
        return OPEN
    return RecordFilter(filters, _RECORDS.get(source.kind, ""), is_known=is_known)


def _read_buckets(account: Account, place: AccountLocation) -> Iterator[TriggerEdge]:
    default_bus = node_of(bus_arn(place.partition, place.region, place.account))
    for bucket in account.buckets:
        source = node_of(bucket_arn(place.partition, bucket.name))
        for one in bucket.notifications:
            yield TriggerEdge(
                source=source,
                target=node_of(one.target_arn),
                means=Means.NOTIFICATION,
                id=one.id or one.target_arn,
                label=_label_events(one.events),
                event_filter=KeyFilter(one.events, one.prefix, one.suffix),
                arrives=Message(is_bare=True),
            )
        if bucket.has_event_bridge:
            yield TriggerEdge(
                source=source,
                target=default_bus,
                means=Means.EVENTBRIDGE_CONFIGURATION,
                id=bucket.name,
                label="EventBridge",
            )
        for arn in bucket.replicates_to:
            name, has_keys, keys = arn.rsplit(":", 1)[-1].partition("/")
            yield TriggerEdge(
                source=source,
                target=node_of(bucket_arn(place.partition, name)),
                means=Means.REPLICATION,
                id=bucket.name,
                label="replication",
                event_filter=_read_replicated_keys(keys) if has_keys else _UNKNOWN_KEYS,
            )


def _read_replicated_keys(keys: str) -> Filter:
    prefix = keys.removesuffix("*")
    return KeyFilter(("s3:ObjectCreated:*",), prefix) if prefix else OPEN


def _label_events(events: tuple[str, ...]) -> str:
    """``ObjectCreated`` for ``s3:ObjectCreated:*``."""
    kinds = dict.fromkeys(event.split(":")[1] for event in events if event.count(":") > 0)
    return next(iter(kinds)) if len(kinds) == 1 else "notification"


def _read_subscriptions(account: Account) -> Iterator[TriggerEdge]:
    by_url = _index_by_host(account)
    for one in account.subscriptions:
        target = by_url.get(_read_host(one.endpoint)) if "://" in one.endpoint else None
        if target is None:
            if not one.endpoint.startswith("arn:"):
                continue  # mail, SMS, somebody else's URL
            target = node_of(one.endpoint)
        edge = TriggerEdge(
            source=node_of(one.topic_arn),
            target=target,
            means=Means.SUBSCRIPTION,
            id=one.arn,
            label="SNS",
            event_filter=MessageFilter(
                one.filter_policy, one.filter_scope, is_known=one.is_filter_known
            )
            if one.filter_policy or not one.is_filter_known
            else OPEN,
        )
        yield edge
        yield from _lead_failures(edge, one.dead_letter_arn)


def _read_rules(account: Account) -> Iterator[TriggerEdge]:
    for rule in account.rules:
        if rule.pattern:
            yield from read_rule(rule, node_of(rule.bus_arn))
        elif rule.schedule:
            schedule = Node(NodeKind.SCHEDULE, rule.arn, rule.name)
            for target in rule.targets:
                yield TriggerEdge(
                    source=schedule,
                    target=node_of(target.arn),
                    means=Means.SCHEDULE,
                    id=rule.arn,
                    label="schedule",
                    arrives=describe_arrival(node_of(target.arn)),
                    is_enabled=rule.is_enabled,
                )


def read_rule(rule: Rule, source: Node) -> Iterator[TriggerEdge]:
    """Where a rule leads what it hears of from a bus or service."""
    for target in rule.targets:
        yield from _read_target(rule, target, source)


def _read_target(rule: Rule, target: RuleTarget, source: Node) -> Iterator[TriggerEdge]:
    event_filter = RulePattern(rule.pattern, rule.arn)
    node = node_of(target.arn)
    edge = TriggerEdge(
        source=source,
        target=node,
        means=Means.RULE,
        id=rule.arn,
        label=f"rule {rule.name}",
        event_filter=event_filter,
        arrives=_describe_delivery(node),
        is_enabled=rule.is_enabled,
    )
    yield edge
    yield from _lead_failures(edge, target.dead_letter_arn)


def _lead_failures(edge: TriggerEdge, dead_letter_arn: str) -> Iterator[TriggerEdge]:
    """What could not be delivered goes to a queue instead."""
    if dead_letter_arn:
        target = node_of(dead_letter_arn)
        yield replace(edge, target=target, arrives=ANYTHING, is_only_on_failure=True)


def _describe_delivery(target: Node) -> Payload | None:
    """What a rule delivers: to another bus the event as it is, which has no attributes."""
    if target.kind is NodeKind.BUS:
        return None
    return Message(is_bare=True) if target.kind is NodeKind.TOPIC else describe_arrival(target)


def _read_schedules(account: Account) -> Iterator[TriggerEdge]:
    for one in account.schedules:
        target = node_of(one.target_arn)
        yield TriggerEdge(
            source=node_of(one.arn),
            target=target,
            means=Means.SCHEDULE,
            id=one.arn,
            label="schedule",
            arrives=describe_arrival(target),
            is_enabled=one.is_enabled,
        )


def _read_pipes(account: Account) -> Iterator[TriggerEdge]:
    unread = {gap.resource for gap in account.gaps if gap.area is Area.PIPES}
    for pipe in account.pipes:
        source = source_node(pipe.source_arn)
        name = pipe.arn.rsplit("/", 1)[-1]
        is_known = not unread & {pipe.arn, name}
        event_filter = _read_record_filter(source, pipe.filters, is_known=is_known)
        for arn in (pipe.target_arn, pipe.enrichment_arn):
            if arn:
                target = node_of(arn)
                edge = TriggerEdge(
                    source=source,
                    target=target,
                    means=Means.PIPE,
                    id=pipe.arn,
                    label=f"pipe {name}",
                    event_filter=event_filter,
                    arrives=describe_arrival(target),
                    is_enabled=pipe.is_enabled,
                )
                yield edge
                yield from _lead_failures(edge, pipe.dead_letter_arn)


def _read_log_subscriptions(account: Account, place: AccountLocation) -> Iterator[TriggerEdge]:
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
        event_filter: Filter = LineFilter(one.pattern)
        if is_of_account and not one.is_selection_known:
            event_filter = Open(
                Certainty.POSSIBLE, EdgeReason.FILTER_UNREADABLE, "selection criteria"
            )
        for group in covered:
            yield TriggerEdge(
                source=node_of(log_group_arn(place.partition, place.region, place.account, group)),
                target=target,
                means=Means.ACCOUNT_LOG_SUBSCRIPTION if is_of_account else Means.LOG_SUBSCRIPTION,
                id=one.name,
                label="log subscription",
                event_filter=event_filter,
            )


def _read_apis(account: Account) -> Iterator[TriggerEdge]:
    for api in account.apis:
        for arn in (*api.function_arns, *api.target_arns):
            target = node_of(arn)
            yield TriggerEdge(
                source=api_node(api.arn, api.url, api.kind),
                target=target,
                means=Means.HTTP,
                id=api.arn,
                label="HTTP",
                arrives=describe_arrival(target),
            )


def api_node(arn: str, url: str, kind: str) -> Node:
    """The node of an API, function URL or load balancer."""
    short = _read_host(url) or arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return Node(NodeKind.API, f"{kind} {arn}", short)


def _read_host(url: str) -> str:
    return url.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0].lower() if url else ""


def _index_by_host(account: Account) -> dict[str, Node]:
    return {
        _read_host(one.url): api_node(one.arn, one.url, one.kind) for one in account.apis if one.url
    }


def _read_delivery_streams(account: Account) -> Iterator[TriggerEdge]:
    for one in account.delivery_streams:
        source = node_of(one.arn)
        if one.source_arn:
            yield TriggerEdge(
                source=source_node(one.source_arn),
                target=source,
                means=Means.DELIVERY,
                id=one.arn,
                label="Firehose source",
            )
        if one.transform_arn:
            yield TriggerEdge(
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
            yield TriggerEdge(
                source=source,
                target=target,
                means=Means.DELIVERY,
                id=one.arn,
                label="delivery",
                arrives=describe_arrival(target),
            )


def _read_redrives(account: Account) -> Iterator[TriggerEdge]:
    for queue in account.queues:
        if queue.dead_letter_arn:
            own, dead_letters = node_of(queue.arn), node_of(queue.dead_letter_arn)
            yield TriggerEdge(
                source=own,
                target=dead_letters,
                means=Means.REDRIVE,
                id=queue.arn,
                label="redrive",
                arrives=None,
                is_only_on_failure=True,
            )
            yield TriggerEdge(
                source=dead_letters,
                target=own,
                means=Means.MOVED_BACK,
                id=queue.arn,
                label="moved back",
                event_filter=BackOnly(),
            )
