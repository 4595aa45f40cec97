"""What sends events to functions and takes what they write: buckets, topics, queues, log groups.

Where AWS has no list of that, only those are asked for that can matter: the replication of
buckets that a replicating role names, the queues that are polled, the resource policies of what
triggers something, the subscriptions of log groups from which a subscription can lead anywhere.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from functions.aws.account import facts as f
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_client import GoneError, Operation, Paging
from functions.domain.account.inventory import (
    ACCOUNT_POLICIES,
    Area,
    Bucket,
    LogSubscription,
    Notification,
    Subscription,
)
from functions.domain.account.log_selection import parse_selection
from functions.domain.account.names import compose_queue_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from functions.aws.account.read_session import Entry, ReadSession

_LIST_BUCKETS: Final = Operation(
    service="s3", method="list_buckets", action="s3:ListAllMyBuckets", lane=Quota.S3
)
_GET_NOTIFICATIONS: Final = Operation(
    service="s3",
    method="get_bucket_notification_configuration",
    action="s3:GetBucketNotification",
    lane=Quota.S3,
)
_GET_REPLICATION: Final = Operation(
    service="s3",
    method="get_bucket_replication",
    action="s3:GetReplicationConfiguration",
    lane=Quota.S3,
)
_LIST_SUBSCRIPTIONS: Final = Operation(
    service="sns", method="list_subscriptions", action="sns:ListSubscriptions", lane=Quota.SNS
)
_GET_SUBSCRIPTION: Final = Operation(
    service="sns",
    method="get_subscription_attributes",
    action="sns:GetSubscriptionAttributes",
    lane=Quota.SNS,
)
_LIST_DEAD_LETTER_SOURCES: Final = Operation(
    service="sqs",
    method="list_dead_letter_source_queues",
    action="sqs:ListDeadLetterSourceQueues",
    lane=Quota.SQS,
)
_GET_QUEUE: Final = Operation(
    service="sqs",
    method="get_queue_attributes",
    action="sqs:GetQueueAttributes",
    lane=Quota.SQS,
)
_GET_TOPIC: Final = Operation(
    service="sns", method="get_topic_attributes", action="sns:GetTopicAttributes", lane=Quota.SNS
)
_GET_BUCKET_POLICY: Final = Operation(
    service="s3", method="get_bucket_policy", action="s3:GetBucketPolicy", lane=Quota.S3
)
_GET_TABLE_POLICY: Final = Operation(
    service="dynamodb",
    method="get_resource_policy",
    action="dynamodb:GetResourcePolicy",
    lane=Quota.TABLES,
)
_GET_STREAM_POLICY: Final = Operation(
    service="kinesis",
    method="get_resource_policy",
    action="kinesis:GetResourcePolicy",
    lane=Quota.KINESIS,
)
_LIST_ACCOUNT_POLICIES: Final = Operation(
    service="logs",
    method="describe_account_policies",
    action="logs:DescribeAccountPolicies",
    lane=Quota.LOGS,
)
_LIST_SUBSCRIPTION_FILTERS: Final = Operation(
    service="logs",
    method="describe_subscription_filters",
    action="logs:DescribeSubscriptionFilters",
    lane=Quota.LOGS,
)
OPERATIONS: Final = (
    _LIST_BUCKETS,
    _GET_NOTIFICATIONS,
    _GET_REPLICATION,
    _LIST_SUBSCRIPTIONS,
    _GET_SUBSCRIPTION,
    _LIST_DEAD_LETTER_SOURCES,
    _GET_QUEUE,
    _GET_TOPIC,
    _GET_BUCKET_POLICY,
    _GET_TABLE_POLICY,
    _GET_STREAM_POLICY,
    _LIST_ACCOUNT_POLICIES,
    _LIST_SUBSCRIPTION_FILTERS,
)
IAM_ACTIONS: Final = frozenset(one.action for one in OPERATIONS)

_TOKENS: Final = Paging()
_LOWER_TOKENS: Final = Paging(ask="nextToken", answer="nextToken")
_CONTINUATIONS: Final = Paging(ask="ContinuationToken", answer="ContinuationToken")
_BUCKETS_PER_PAGE: Final = 1000

_TARGETS: Final = (
    ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ("QueueConfigurations", "QueueArn"),
    ("TopicConfigurations", "TopicArn"),
)
_QUEUE_ATTRIBUTES: Final = ("Policy", "RedrivePolicy", "VisibilityTimeout")
_FOLLOWED: Final = frozenset({"lambda", "sqs", "firehose"})
_BUCKET_IN_TEXT: Final = re.compile(r"arn:aws[a-z-]*:s3:::([^/*\"]+)")
_MOST_REPLICATIONS: Final = 50
_CONFIRMED: Final = "arn:"  # before that it is `PendingConfirmation` or `Deleted`


# -- buckets


def list_buckets(reading: ReadSession) -> None:
    """The buckets of this Region."""

    def take(entry: Entry) -> None:
        if entry.get("BucketRegion", reading.facts.region) == reading.facts.region:
            reading.facts.put(f.BUCKET_NAMES, entry["Name"], True)  # noqa: FBT003 - it is there

    reading.read_listing(
        "buckets",
        Area.BUCKETS,
        _LIST_BUCKETS,
        "Buckets",
        take,
        paging=_CONTINUATIONS,
        BucketRegion=reading.facts.region,
        MaxBuckets=_BUCKETS_PER_PAGE,
    )


def read_buckets(reading: ReadSession) -> None:
    """The notifications of each bucket."""

    def read(name: str) -> Bucket:
        answer = reading.asker.ask(
            _GET_NOTIFICATIONS, Bucket=name, ExpectedBucketOwner=reading.facts.account
        )
        found = [
            _parse_notification(entry, entry[arn])
            for kind, arn in _TARGETS
            for entry in answer.get(kind) or ()
        ]
        return Bucket(
            name=name,
            notifications=tuple(found),
            has_event_bridge=answer.get("EventBridgeConfiguration") is not None,
        )

    names = reading.facts.of(f.BUCKET_NAMES)
    reading.read_details(f.BUCKETS, Area.BUCKETS, names, read, if_gone=None)


def read_replications(reading: ReadSession) -> None:
    """Where buckets are replicated to: only those that a role for replication names.

    A replication needs a role of the account that S3 may assume (S3 user guide, *Setting up
    permissions for live replication*). A role that names no bucket lets the first ones be asked.
    """
    names = reading.facts.of(f.BUCKET_NAMES)
    wanted: dict[str, None] = {}
    for role in reading.facts.of(f.ROLES).values():
        if role is None or "s3" not in role.trusts:
            continue
        managed = (reading.facts.of(f.MANAGED).get(one) for one in role.attached)
        texts = [one.text for one in (*role.inline, *managed) if one is not None]
        if not any("eplicat" in text or '"s3:*"' in text for text in texts):
            continue
        named = {bucket for text in texts for bucket in _BUCKET_IN_TEXT.findall(text)}
        wanted.update(dict.fromkeys(sorted(named & names.keys()) or sorted(names)))
    few = list(wanted)[:_MOST_REPLICATIONS]

    def read(name: str) -> tuple[str, ...]:
        answer = reading.asker.ask(_GET_REPLICATION, Bucket=name)
        rules = (answer.get("ReplicationConfiguration") or {}).get("Rules") or ()
        return tuple(
            dict.fromkeys(_name_copies(one) for one in rules if one.get("Status") == "Enabled")
        )

    reading.read_details(f.REPLICATIONS, Area.BUCKETS, few, read, if_gone=())


def _name_copies(rule: Entry) -> str:
    """The objects that a rule makes: all, or those with a prefix; tags may exclude any of them."""
    bucket: str = rule["Destination"]["Bucket"]
    told = rule.get("Filter") or {}
    if "And" in told or "Tag" in told:
        return bucket
    return f"{bucket}/{told.get('Prefix') or rule.get('Prefix') or ''}*"


def reread_bucket(reading: ReadSession, name: str) -> None:
    """A bucket after a change of its notifications or its replication."""
    for section in (f.BUCKETS, f.REPLICATIONS):
        reading.facts.drop(section, name)
    reading.facts.put(f.BUCKET_NAMES, name, True)  # noqa: FBT003 - it is there


def forget_bucket(reading: ReadSession, name: str) -> None:
    """A bucket that was deleted."""
    for section in (f.BUCKETS, f.REPLICATIONS, f.BUCKET_NAMES):
        reading.facts.drop(section, name)


def _parse_notification(entry: Entry, target_arn: str) -> Notification:
    rules = ((entry.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
    filters = {str(one["Name"]).lower(): one.get("Value", "") for one in rules}
    return Notification(
        target_arn=target_arn,
        events=tuple(entry.get("Events") or ()),
        prefix=filters.get("prefix", ""),
        suffix=filters.get("suffix", ""),
        id=entry.get("Id", ""),
    )


# -- topics


def list_subscriptions(reading: ReadSession) -> None:
    """The subscriptions that lead on to a function, a queue or a Firehose stream."""

    def take(entry: Entry) -> None:
        if entry["Protocol"] in _FOLLOWED and entry["SubscriptionArn"].startswith(_CONFIRMED):
            reading.facts.put(f.SUBSCRIPTIONS, entry["SubscriptionArn"], _parse_subscription(entry))

    reading.read_listing("subscriptions", Area.TOPICS, _LIST_SUBSCRIPTIONS, "Subscriptions", take)


def read_filters(reading: ReadSession) -> None:
    """The filter policy of each subscription."""

    def read(arn: str) -> f.FilterFacts:
        answer = reading.asker.ask(_GET_SUBSCRIPTION, SubscriptionArn=arn).get("Attributes") or {}
        return _filter(answer)

    arns = reading.facts.of(f.SUBSCRIPTIONS)
    reading.read_details(f.FILTERS, Area.TOPICS, arns, read, if_gone=f.FilterFacts())


def reread_subscription(reading: ReadSession, arn: str) -> None:
    """A subscription after a change; its attributes describe all of it."""
    try:
        answer = reading.asker.ask(_GET_SUBSCRIPTION, SubscriptionArn=arn).get("Attributes") or {}
    except GoneError:
        reading.facts.drop(f.SUBSCRIPTIONS, arn)
        reading.facts.drop(f.FILTERS, arn)
        return
    if answer.get("Protocol") in _FOLLOWED:
        reading.facts.put(
            f.SUBSCRIPTIONS, arn, _parse_subscription({"SubscriptionArn": arn, **answer})
        )
        reading.facts.put(f.FILTERS, arn, _filter(answer))


def _parse_subscription(entry: Entry) -> Subscription:
    return Subscription(
        arn=entry["SubscriptionArn"],
        topic_arn=entry["TopicArn"],
        protocol=entry["Protocol"],
        endpoint=entry.get("Endpoint", ""),
    )


def _filter(attributes: Entry) -> f.FilterFacts:
    policy = attributes.get("FilterPolicy", "")
    return f.FilterFacts(
        policy="" if policy == "{}" else policy,
        scope=attributes.get("FilterPolicyScope") or "MessageAttributes",
        dead_letter_arn=_parse_dead_letters(attributes),
    )


def _parse_dead_letters(attributes: Entry) -> str:
    """The queue of a redrive policy, which queues and subscriptions have alike."""
    found = json.loads(attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn", "")
    return str(found)


# -- queues


def read_queues(reading: ReadSession, arns: Iterable[str]) -> None:
    """Policy, dead-letter queue and visibility timeout of queues that something polls."""

    def read(arn: str) -> f.QueueFacts:
        answer = reading.asker.ask(
            _GET_QUEUE, QueueUrl=compose_queue_url(arn), AttributeNames=[*_QUEUE_ATTRIBUTES]
        )
        attributes = answer.get("Attributes") or {}
        visibility = attributes.get("VisibilityTimeout")
        return f.QueueFacts(
            policy=attributes.get("Policy", ""),
            dead_letter_arn=_parse_dead_letters(attributes),
            visibility_seconds=None if visibility is None else int(visibility),
        )

    reading.read_details(
        f.QUEUES, Area.QUEUES, _select_ours(reading, arns), read, if_gone=f.QueueFacts()
    )


def read_dead_letter_sources(reading: ReadSession, arns: Iterable[str]) -> None:
    """The queues whose dead letters go to one of these, also those that nothing here polls."""

    def read(arn: str) -> tuple[str, ...]:
        urls = [
            url
            for page, _ in reading.asker.read_pages(
                _LIST_DEAD_LETTER_SOURCES, _TOKENS, QueueUrl=compose_queue_url(arn)
            )
            for url in page.get("queueUrls") or ()
        ]
        return tuple(compose_queue_arn(url, arn) for url in urls)

    ours = _select_ours(reading, arns)
    reading.read_details(f.DEAD_LETTER_SOURCES, Area.QUEUES, ours, read, if_gone=())


def reread_queue(reading: ReadSession, queue: str, target: str) -> None:
    """What is known of a queue, after its attributes were changed; `target` gets its dead letters.

    The lists show whether something still depends on it.
    """
    known = reading.facts.of(f.DEAD_LETTER_SOURCES)
    before = [arn for arn, queues in known.items() if queue in (queues or ())]
    for arn in (*before, target):
        reading.facts.drop(f.DEAD_LETTER_SOURCES, arn)
    reading.facts.drop(f.QUEUES, queue)


def _select_ours(reading: ReadSession, arns: Iterable[str]) -> list[str]:
    """Those of this account and Region: the attributes of others are for others to read."""
    return [arn for arn in arns if arn.split(":")[3:5] == reading.place.split(":")]


def compose_queue_arn(url: str, like: str) -> str:
    """The ARN of the queue with this URL, in the Region of another one."""
    account, name = url.split("/")[-2:]
    return ":".join([*like.split(":")[:4], account, name])


# -- resource policies


def read_resource_policies(reading: ReadSession, arns: Iterable[str]) -> None:
    """The resource policies of topics, buckets, tables and Kinesis streams."""

    def read(arn: str) -> str:
        service, name = arn.split(":")[2], arn.rpartition(":")[2]
        match service:
            case "sns":
                answer = reading.asker.ask(_GET_TOPIC, TopicArn=arn).get("Attributes") or {}
                return str(answer.get("Policy", ""))
            case "s3":
                answer = reading.asker.ask(
                    _GET_BUCKET_POLICY, Bucket=name, ExpectedBucketOwner=reading.facts.account
                )
            case "dynamodb":
                answer = reading.asker.ask(_GET_TABLE_POLICY, ResourceArn=arn)
            case _:
                answer = reading.asker.ask(_GET_STREAM_POLICY, ResourceARN=arn)
        return str(answer.get("Policy", ""))

    reading.read_details(f.RESOURCE_POLICIES, Area.RESOURCE_POLICIES, arns, read, if_gone="")


# -- log groups


def list_account_log_subscriptions(reading: ReadSession) -> None:
    """The subscription that is in force for all log groups of the account, if there is one."""

    def take(entry: Entry) -> None:
        document = json.loads(entry["policyDocument"])
        excluded = parse_selection(entry.get("selectionCriteria") or "")
        reading.facts.put(
            f.ACCOUNT_LOG_SUBSCRIPTIONS,
            entry["policyName"],
            LogSubscription(
                name=entry["policyName"],
                log_group="",
                destination_arn=document["DestinationArn"],
                pattern=document.get("FilterPattern", ""),
                excluded_groups=excluded or (),
                is_selection_known=excluded is not None,
            ),
        )

    reading.read_listing(
        "account log subscriptions",
        Area.LOGS,
        _LIST_ACCOUNT_POLICIES,
        "accountPolicies",
        take,
        paging=_LOWER_TOKENS,
        part=ACCOUNT_POLICIES,
        policyType="SUBSCRIPTION_FILTER_POLICY",
    )


def reread_account_log_subscriptions(reading: ReadSession) -> None:
    """The account's subscription after a change."""
    reading.facts.keep(f.ACCOUNT_LOG_SUBSCRIPTIONS, lambda _: False)
    reading.facts.begin_again("account log subscriptions")
    list_account_log_subscriptions(reading)


def read_log_subscriptions(reading: ReadSession, groups: Iterable[str]) -> None:
    """The subscription filters of these log groups."""

    def read(group: str) -> tuple[LogSubscription, ...]:
        return tuple(
            LogSubscription(
                name=one["filterName"],
                log_group=group,
                destination_arn=one["destinationArn"],
                pattern=one.get("filterPattern", ""),
            )
            for page, _ in reading.asker.read_pages(
                _LIST_SUBSCRIPTION_FILTERS, _LOWER_TOKENS, logGroupName=group
            )
            for one in page.get("subscriptionFilters") or ()
        )

    reading.read_details(f.LOG_SUBSCRIPTIONS, Area.LOGS, groups, read, if_gone=())
