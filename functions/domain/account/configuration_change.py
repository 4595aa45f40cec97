"""A change of the account's configuration: what is to be read again, not what it is now."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from functions.domain.account.inventory import Area


class ChangeKind(StrEnum):
    """What is to be read again."""

    FUNCTION = "function"
    PERMISSION = "permission"
    MAPPING = "mapping"
    DESTINATIONS = "destinations"
    RECURSION = "recursion"
    URL = "url"
    TAGS = "tags"
    ROLE = "role"
    POLICY = "policy"
    BUCKET = "bucket"
    BUCKET_GONE = "bucket_gone"
    SUBSCRIPTION = "subscription"
    RULE = "rule"
    SCHEDULE = "schedule"
    SCHEDULE_GROUP = "schedule_group"
    PIPE = "pipe"
    LOG_GROUP = "log_group"
    ACCOUNT_LOGS = "account_logs"
    MACHINE = "machine"
    MACHINE_GONE = "machine_gone"
    STREAM = "stream"
    STREAM_GONE = "stream_gone"
    QUEUE = "queue"
    RESOURCE_POLICY = "resource_policy"
    BUS_POLICY = "bus_policy"
    API = "api"


AREAS: Final[Mapping[ChangeKind, Area]] = {
    ChangeKind.FUNCTION: Area.FUNCTIONS,
    ChangeKind.PERMISSION: Area.POLICIES,
    ChangeKind.MAPPING: Area.MAPPINGS,
    ChangeKind.DESTINATIONS: Area.DESTINATIONS,
    ChangeKind.RECURSION: Area.RECURSION,
    ChangeKind.URL: Area.APIS,
    ChangeKind.TAGS: Area.TAGS,
    ChangeKind.ROLE: Area.ROLES,
    ChangeKind.POLICY: Area.ROLES,
    ChangeKind.BUCKET: Area.BUCKETS,
    ChangeKind.BUCKET_GONE: Area.BUCKETS,
    ChangeKind.SUBSCRIPTION: Area.TOPICS,
    ChangeKind.RULE: Area.RULES,
    ChangeKind.SCHEDULE: Area.SCHEDULES,
    ChangeKind.SCHEDULE_GROUP: Area.SCHEDULES,
    ChangeKind.PIPE: Area.PIPES,
    ChangeKind.LOG_GROUP: Area.LOGS,
    ChangeKind.ACCOUNT_LOGS: Area.LOGS,
    ChangeKind.MACHINE: Area.STATE_MACHINES,
    ChangeKind.MACHINE_GONE: Area.STATE_MACHINES,
    ChangeKind.STREAM: Area.DELIVERY_STREAMS,
    ChangeKind.STREAM_GONE: Area.DELIVERY_STREAMS,
    ChangeKind.QUEUE: Area.QUEUES,
    ChangeKind.RESOURCE_POLICY: Area.RESOURCE_POLICIES,
    ChangeKind.BUS_POLICY: Area.RULES,
    ChangeKind.API: Area.APIS,
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Change:
    """One thing to read again.

    Attributes
    ----------
    name
        What its kind goes by: the name of a function, a bucket or a group of schedules, a mapping's
        UUID, the ARN of a subscription, managed policy or state machine. A rule is ``bus|rule``, a
        schedule ``group|name``, a queue ``its ARN|the ARN of its dead-letter queue``.
    """

    kind: ChangeKind
    name: str
