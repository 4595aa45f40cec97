"""What sends events to functions and takes what they write: buckets, topics, queues, log groups."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.account.scope import describe_unknown
from cdk_loopbreaker.templates.property_values import (
    find_doubt,
    is_doubtful,
    is_unknown,
    read_flag,
    read_list,
    read_path,
    read_text,
    write_json,
)
from functions.domain.account.inventory import (
    Area,
    Bucket,
    LogSubscription,
    Notification,
    Queue,
    Subscription,
)
from functions.domain.account.log_selection import parse_selection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.templates.account.scope import AccountScope
    from cdk_loopbreaker.templates.model import Resource, Value

_BUCKET: Final = "AWS::S3::Bucket"
# What the CDK makes of `bucket.add_event_notification`: its function puts the configuration in
# the shape of S3's API onto the bucket.
_CUSTOM: Final = "Custom::S3BucketNotifications"
# By list: where an entry has its target; first as CloudFormation has it, then as the API has it.
_OF_BUCKET: Final = {
    "LambdaConfigurations": "Function",
    "QueueConfigurations": "Queue",
    "TopicConfigurations": "Topic",
}
_OF_API: Final = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}
_FOLLOWED: Final = frozenset({"lambda", "sqs", "firehose", "http", "https"})


# -- buckets


@dataclass(slots=True)
class _Notifying:
    """A bucket while what it sends is collected."""

    notifications: list[Notification] = field(default_factory=list)
    has_event_bridge: bool = False
    replicates_to: list[str] = field(default_factory=list)


def describe_buckets(scope: AccountScope) -> Iterator[Bucket]:
    """The buckets that notify, whether they say so themselves or a custom resource does."""
    found: dict[str, _Notifying] = {}
    for resource in scope.list_of(_BUCKET):
        told = resource.properties
        scope.place(resource, resource.arn, resource.ref)
        own = found.setdefault(resource.ref, _Notifying())
        configuration = told.get("NotificationConfiguration")
        _read_notifications(scope, resource, resource.ref, configuration, own)
        event_bridge = read_path(configuration, "EventBridgeConfiguration")
        if event_bridge is not None:
            enabled = read_path(event_bridge, "EventBridgeEnabled")
            own.has_event_bridge = is_doubtful(enabled) or read_flag(enabled, default=True)
            if find_doubt(event_bridge):
                scope.undecided.add(resource.ref)
        _read_replication(scope, resource, own)
    for resource in scope.list_of(_CUSTOM):
        told = resource.properties
        name = read_text(told.get("BucketName"))
        if not name:
            _open_targets(scope, resource)
            continue
        own = found.setdefault(name, _Notifying())
        configuration = told.get("NotificationConfiguration")
        _read_notifications(scope, resource, name, configuration, own)
        if read_path(configuration, "EventBridgeConfiguration") is not None:
            own.has_event_bridge = True
            scope.place(resource, name)
    for name, own in found.items():
        if own.notifications or own.has_event_bridge or own.replicates_to:
            yield Bucket(
                name=name,
                notifications=tuple(own.notifications),
                has_event_bridge=own.has_event_bridge,
                replicates_to=tuple(dict.fromkeys(own.replicates_to)),
            )


def _list_entries(configuration: Value) -> Iterator[tuple[Value, Value]]:
    """Each entry of a notification configuration with its target, in both shapes."""
    for shape in (_OF_BUCKET, _OF_API):
        for name, target in shape.items():
            for entry in read_list(read_path(configuration, name)):
                if is_unknown(entry):
                    yield entry, entry
                elif (found := read_path(entry, target)) is not None:
                    yield entry, found


def _read_notifications(
    scope: AccountScope, resource: Resource, name: str, configuration: Value, own: _Notifying
) -> None:
    arn = scope.read_bucket(name)
    if is_unknown(configuration):
        why = describe_unknown(configuration)
        scope.open_exit(resource, arn, f"its notifications are {why}")
    for entry, target in _list_entries(configuration):
        _, target_arn = scope.link(resource, arn, target, "bucket notification")
        if not target_arn:
            continue
        events = tuple(
            read_text(one)
            for one in (
                *read_list(read_path(entry, "Event")),
                *read_list(read_path(entry, "Events")),
            )
        )
        rules = read_list(
            read_path(entry, "Filter", "S3Key", "Rules")
            or read_path(entry, "Filter", "Key", "FilterRules")
        )
        identity = read_text(read_path(entry, "Id")) or f"{name} {len(own.notifications) + 1}"
        scope.place(resource, identity)
        hidden = find_doubt(read_path(entry, "Filter"))
        limits = {
            read_text(read_path(one, "Name")).lower(): read_text(read_path(one, "Value"))
            for one in (() if hidden else rules)
        }
        if hidden or not all(events):
            # A filter that is not known may let everything pass, or nothing.
            words = f"a filter of its notifications is not known: {find_doubt(entry)}"
            scope.note_problem(resource, words)
            scope.undecided.add(identity)
            events = tuple(one for one in events if one) or ("s3:*",)
        own.notifications.append(
            Notification(
                id=identity,
                target_arn=target_arn,
                events=events,
                prefix=limits.get("prefix", ""),
                suffix=limits.get("suffix", ""),
            )
        )


def _open_targets(scope: AccountScope, resource: Resource) -> None:
    """Note what a bucket notifies of which it is not known which one it is."""
    bucket = resource.properties.get("BucketName")
    targets = list(_list_entries(resource.properties.get("NotificationConfiguration")))
    for _, target in targets:
        scope.link(resource, bucket, target, "bucket notification")
    if not targets:
        scope.note_problem(
            resource, f"the bucket of these notifications is {describe_unknown(bucket)}"
        )


def _read_replication(scope: AccountScope, resource: Resource, own: _Notifying) -> None:
    configuration = resource.properties.get("ReplicationConfiguration")
    for rule in read_list(read_path(configuration, "Rules")):
        status = read_path(rule, "Status")
        if not is_doubtful(status) and read_text(status) == "Disabled":
            continue
        target = read_path(rule, "Destination", "Bucket")
        _, arn = scope.link(resource, resource.arn, target, "replication")
        if arn:
            own.replicates_to.append(_name_copies(rule, arn))


def _name_copies(rule: Value, bucket_arn: str) -> str:
    """The objects that a rule makes: all, or those with a prefix; tags may exclude any of them."""
    told = [read_path(rule, "Prefix"), read_path(rule, "Filter")]
    by_tags = [read_path(rule, "Filter", one) for one in ("And", "TagFilter")]
    if find_doubt(told) or any(one is not None for one in by_tags):
        return bucket_arn
    prefix = read_text(read_path(rule, "Filter", "Prefix")) or read_text(told[0])
    return f"{bucket_arn}/{prefix}*"


# -- queues


def describe_queues(scope: AccountScope) -> Iterator[Queue]:
    """The queues, with what their redrive policies say, as an object or as JSON."""
    for resource in scope.list_of("AWS::SQS::Queue"):
        scope.place(resource, resource.arn)
        yield Queue(
            arn=resource.arn,
            url=resource.ref,
            dead_letter_arn=_read_redrive(scope, resource, "redrive policy"),
        )


def _read_redrive(scope: AccountScope, resource: Resource, words: str) -> str:
    """The ARN of the dead-letter queue; empty for none, or for one that is not known."""
    policy = resource.properties.get("RedrivePolicy")
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except (ValueError, RecursionError):
            policy = None
    target = read_path(policy, "deadLetterTargetArn")
    if is_unknown(target):
        scope.note_problem(resource, f"the queue of its {words} is {describe_unknown(target)}")
    return read_text(target)


# -- topics


def describe_subscriptions(scope: AccountScope) -> Iterator[Subscription]:
    """The subscriptions, of their own and within topics."""
    for resource in scope.list_of("AWS::SNS::Topic"):
        scope.place(resource, resource.arn)
        inline = read_list(resource.properties.get("Subscription"))
        for number, one in enumerate(inline, 1):
            arn = f"{resource.arn}:{resource.logical_id}-{number}"
            yield from _describe_subscription(
                scope, resource, arn, {"TopicArn": resource.arn, **_as_properties(one)}
            )
    for resource in scope.list_of("AWS::SNS::Subscription"):
        yield from _describe_subscription(scope, resource, resource.arn, resource.properties)


def _as_properties(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, Mapping) else {"Endpoint": value, "Protocol": "lambda"}


def _describe_subscription(
    scope: AccountScope, resource: Resource, arn: str, told: Mapping[str, Value]
) -> Iterator[Subscription]:
    protocol = read_text(told.get("Protocol"))
    if protocol and protocol not in _FOLLOWED:
        return
    topic, endpoint = scope.link(
        resource, told.get("TopicArn"), told.get("Endpoint"), "subscription"
    )
    if not topic:
        return
    scope.place(resource, arn)
    policy = told.get("FilterPolicy")
    scope_of_filter = told.get("FilterPolicyScope")
    hidden = find_doubt(policy) or find_doubt(scope_of_filter)
    if hidden:
        scope.note_problem(resource, f"the filter of this subscription: {hidden}")
    text = "" if hidden or policy is None else write_json(policy)
    yield Subscription(
        arn=arn,
        topic_arn=topic,
        protocol=protocol or "lambda",
        endpoint=endpoint,
        filter_policy="" if text == "{}" else text,
        filter_scope=read_text(scope_of_filter) or "MessageAttributes",
        is_filter_known=not hidden,
        dead_letter_arn=_read_redrive(scope, resource, "subscription's redrive policy")
        if resource.type == "AWS::SNS::Subscription"
        else "",
    )


# -- log groups


def describe_log_subscriptions(scope: AccountScope) -> Iterator[LogSubscription]:
    """The subscription filters of log groups, and those of the whole account."""
    for resource in scope.list_of("AWS::Logs::SubscriptionFilter"):
        told = resource.properties
        name = resource.ref or f"{resource.stack}-{resource.logical_id}"
        group = told.get("LogGroupName")
        target = _resolve_destination(scope, told.get("DestinationArn"))
        target_arn = read_text(target)
        if not target_arn or not read_text(group):
            _open_log_subscription(scope, resource, group, target)
            continue
        scope.place(resource, name)
        pattern = told.get("FilterPattern")
        if is_doubtful(pattern):
            scope.note_problem(resource, f"its pattern is {describe_unknown(pattern)}")
            scope.undecided.add(name)
        yield LogSubscription(
            name=name,
            log_group=read_text(group),
            destination_arn=target_arn,
            pattern=read_text(pattern),
        )
    for resource in scope.list_of("AWS::Logs::AccountPolicy"):
        yield from _describe_account_policy(scope, resource)


def _open_log_subscription(
    scope: AccountScope, resource: Resource, group: Value, target: Value
) -> None:
    name = read_text(group)
    if name:
        words = f"the target of this log subscription is {describe_unknown(target)}"
        scope.note_gap(resource, Area.LOGS, words, name)
    else:
        scope.link(resource, group, target, "log subscription")


def _describe_account_policy(scope: AccountScope, resource: Resource) -> Iterator[LogSubscription]:
    told = resource.properties
    if read_text(told.get("PolicyType")) != "SUBSCRIPTION_FILTER_POLICY":
        return
    document = told.get("PolicyDocument")
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            document = None
    target = _resolve_destination(scope, read_path(document, "DestinationArn"))
    name = read_text(told.get("PolicyName")) or resource.logical_id
    if not read_text(target):
        words = f"the target of this log subscription is {describe_unknown(target)}"
        scope.note_gap(resource, Area.LOGS, words, "")
        return
    scope.place(resource, name)
    criteria = told.get("SelectionCriteria")
    selection = parse_selection(read_text(criteria))
    if is_doubtful(criteria):
        scope.note_problem(resource, f"its selection is {describe_unknown(criteria)}")
    pattern = read_path(document, "FilterPattern")
    if is_doubtful(pattern):
        scope.undecided.add(name)
    yield LogSubscription(
        name=name,
        log_group="",
        destination_arn=read_text(target),
        pattern=read_text(pattern),
        excluded_groups=selection or (),
        is_selection_known=selection is not None and not is_doubtful(criteria),
    )


def _resolve_destination(scope: AccountScope, value: Value) -> Value:
    """What a logs destination of the templates delivers to, in place of the destination."""
    for resource in scope.list_of("AWS::Logs::Destination"):
        if resource.arn and resource.arn == value:
            return resource.properties.get("TargetArn")
    return value
