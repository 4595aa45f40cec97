"""Nodes out of ARNs."""

import pytest

from functions.domain.graph.model import NodeKind
from functions.domain.graph.nodes import is_elsewhere, node_of

HOME = "eu-west-1:123456789012"


@pytest.mark.parametrize(
    ("arn", "kind", "name"),
    [
        (f"arn:aws:lambda:{HOME}:function:resize", NodeKind.FUNCTION, "resize"),
        (f"arn:aws:lambda:{HOME}:function:resize:live", NodeKind.FUNCTION, "resize"),
        (f"arn:aws:sqs:{HOME}:jobs", NodeKind.QUEUE, "jobs"),
        (f"arn:aws:sns:{HOME}:news.fifo", NodeKind.TOPIC, "news.fifo"),
        ("arn:aws:s3:::pictures", NodeKind.BUCKET, "pictures"),
        (f"arn:aws:dynamodb:{HOME}:table/orders", NodeKind.TABLE, "orders"),
        (f"arn:aws:dynamodb:{HOME}:table/orders/stream/2026-01-01", NodeKind.TABLE, "orders"),
        (f"arn:aws:kinesis:{HOME}:stream/clicks", NodeKind.STREAM, "clicks"),
        (f"arn:aws:firehose:{HOME}:deliverystream/lake", NodeKind.DELIVERY_STREAM, "lake"),
        (f"arn:aws:events:{HOME}:event-bus/default", NodeKind.BUS, "default"),
        (f"arn:aws:events:{HOME}:event-bus/aws.partner/x/y", NodeKind.BUS, "aws.partner/x/y"),
        (f"arn:aws:states:{HOME}:stateMachine:flow:3", NodeKind.STATE_MACHINE, "flow"),
        (f"arn:aws:logs:{HOME}:log-group:/aws/lambda/x:*", NodeKind.LOG_GROUP, "/aws/lambda/x"),
        (f"arn:aws:kafka:{HOME}:cluster/clicks/1-2", NodeKind.BROKER, "clicks"),
        (f"arn:aws:ecs:{HOME}:cluster/batch", NodeKind.OTHER, "cluster/batch"),
        ("something else", NodeKind.OTHER, "something else"),
        ("", NodeKind.OTHER, ""),
    ],
)
def test_kind_and_name(arn: str, kind: NodeKind, name: str) -> None:
    """Every kind of ARN is known by its service and called by its short name."""
    node = node_of(arn)

    assert (kind, name) == (node.kind, node.name)


def test_qualifiers_and_streams_are_one_node() -> None:
    """Versions of a function are the function, and a stream is its table."""
    base = f"arn:aws:lambda:{HOME}:function:resize"
    table = f"arn:aws:dynamodb:{HOME}:table/orders"

    assert node_of(base) == node_of(f"{base}:$LATEST")
    assert node_of(table) == node_of(f"{table}/stream/2026-01-01T00:00:00.000")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:jobs", False),
        ("arn:aws:sqs:us-east-1:123456789012:jobs", True),
        ("arn:aws:sqs:eu-west-1:999999999999:jobs", True),
        ("arn:aws:sqs:*:*:jobs", False),
        ("arn:aws:s3:::bucket", False),
        ("*", False),
    ],
)
def test_elsewhere(arn: str, *, expected: bool) -> None:
    """Another account or Region is only one that is written out."""
    assert expected == is_elsewhere(arn, "123456789012", "eu-west-1")
