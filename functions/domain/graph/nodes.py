"""Nodes out of ARNs.

Shapes: `Actions, resources, and condition keys for AWS services` of the service authorization
reference.
"""

from functools import lru_cache
from typing import Final

from functions.domain.graph.model import Node, NodeKind

_FIELDS: Final = 6
_CACHED: Final = 65_536
_PLAIN: Final = {
    "sqs": NodeKind.QUEUE,
    "sns": NodeKind.TOPIC,
    "kafka": NodeKind.BROKER,
    "mq": NodeKind.BROKER,
    "rds": NodeKind.BROKER,
    "docdb-elastic": NodeKind.BROKER,
    "execute-api": NodeKind.API,
    "apigateway": NodeKind.API,
    "elasticloadbalancing": NodeKind.API,
    "scheduler": NodeKind.SCHEDULE,
}


@lru_cache(maxsize=_CACHED)
def node_of(arn: str) -> Node:  # noqa: C901 (one case for each service)
    """The node that an ARN names.

    Qualifiers of functions, streams of tables, versions of state machines and the ``:*`` of log
    groups are left out: what is written to one is written to the same place.

    >>> node_of("arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01").name
    'orders'
    """
    fields = arn.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS or fields[0] != "arn":
        return Node(NodeKind.OTHER, arn, arn)
    *head, resource = fields
    prefix, service = ":".join(head), head[2]
    first, _, rest = resource.partition("/")
    match service:
        case "lambda" if resource.startswith("function:"):
            name = resource.split(":")[1]
            return Node(NodeKind.FUNCTION, f"{prefix}:function:{name}", name)
        case "s3":
            return Node(NodeKind.BUCKET, f"{prefix}:{first}", first)
        case "dynamodb" if first == "table":
            name = rest.split("/", 1)[0]
            return Node(NodeKind.TABLE, f"{prefix}:table/{name}", name)
        case "kinesis" if first == "stream":
            name = rest.split("/", 1)[0]  # without an enhanced fan-out consumer
            return Node(NodeKind.STREAM, f"{prefix}:stream/{name}", name)
        case "firehose":
            return Node(NodeKind.DELIVERY_STREAM, arn, rest)
        case "events" if first == "event-bus":
            return Node(NodeKind.BUS, arn, rest)
        case "events" if first == "rule":
            return Node(NodeKind.SCHEDULE, arn, rest.rsplit("/", 1)[-1])
        case "states" if resource.startswith("stateMachine:"):
            name = resource.split(":")[1]
            return Node(NodeKind.STATE_MACHINE, f"{prefix}:stateMachine:{name}", name)
        case "logs" if resource.startswith("log-group:"):
            name = resource.removeprefix("log-group:").split(":", 1)[0]
            return Node(NodeKind.LOG_GROUP, f"{prefix}:log-group:{name}", name)
    kind = _PLAIN.get(service, NodeKind.OTHER)
    return Node(kind, arn, _shorten(kind, resource))


def _shorten(kind: NodeKind, resource: str) -> str:
    if kind is NodeKind.BROKER:
        parts = resource.replace(":", "/").split("/")
        return parts[1] if len(parts) > 1 else resource
    if kind is NodeKind.SCHEDULE:
        return resource.rsplit("/", 1)[-1]
    return resource.strip("/")


def broker_of(source: str) -> Node:
    """A self-managed broker, known by its bootstrap servers only."""
    return Node(NodeKind.BROKER, source, source.split(",", 1)[0])


def log_group_arn(partition: str, region: str, account: str, name: str) -> str:
    """ARN of a log group, as IAM knows it without the streams."""
    return f"arn:{partition}:logs:{region}:{account}:log-group:{name}"


def bucket_arn(partition: str, name: str) -> str:
    """ARN of a bucket."""
    return f"arn:{partition}:s3:::{name}"


def bus_arn(partition: str, region: str, account: str, name: str = "default") -> str:
    """ARN of an event bus."""
    return f"arn:{partition}:events:{region}:{account}:event-bus/{name}"


def is_elsewhere(arn: str, account: str, region: str) -> bool:
    """Whether an ARN certainly names something of another account or Region.

    Buckets name neither; a wildcard in their place says nothing.
    """
    fields = arn.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS:
        return False
    found_region, found_account = fields[3], fields[4]
    return _differs(found_region, region) or _differs(found_account, account)


def _differs(found: str, own: str) -> bool:
    return bool(found) and found != own and not any(one in found for one in "*?$")
