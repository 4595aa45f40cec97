"""Resources in environment variables."""

import pytest

from functions.domain.eventgraph.mentions import Mentions
from functions.domain.eventgraph.nodes import broker_of, node_of
from functions.domain.eventgraph.triggers import api_node

HOME = "eu-west-1:123456789012"
TABLE = node_of(f"arn:aws:dynamodb:{HOME}:table/orders")
QUEUE = node_of(f"arn:aws:sqs:{HOME}:jobs")
BUCKET = node_of("arn:aws:s3:::pictures")
BROKER = broker_of("b1.example:9092,b2.example:9092")
API = api_node("a1b2c3", "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod", "api")
MENTIONS = Mentions([TABLE, QUEUE, BUCKET, BROKER, API], "aws")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("orders", {TABLE}),
        (" orders ", {TABLE}),
        ("orders-archive", set()),
        ("orders,pictures", {TABLE, BUCKET}),
        ('{"table": "orders"}', {TABLE}),
        (f"arn:aws:dynamodb:{HOME}:table/orders", {TABLE}),
        (f"arn:aws:dynamodb:{HOME}:table/orders/stream/2026", {TABLE}),
        ("arn:aws:dynamodb:us-east-1:1:table/orders", set()),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", {QUEUE}),
        ("https://sqs.eu-west-1.amazonaws.com/999999999999/jobs", set()),
        ("s3://pictures/in/", {BUCKET}),
        ("s3://jobs", set()),
        ("b2.example:9092", {BROKER}),
        ("https://A1B2C3.execute-api.eu-west-1.amazonaws.com/prod/items", {API}),
        ("https://example.com", set()),
        ("", set()),
    ],
)
def test_value(value: str, expected: set[object]) -> None:
    """Names, ARNs and URLs are found as whole words, and nothing else is."""
    assert expected == MENTIONS.of({"X": value})


def test_short_names_say_nothing() -> None:
    """A resource called `a` is not found wherever an `a` stands by itself."""
    assert Mentions([node_of(f"arn:aws:sqs:{HOME}:a")], "aws").of({"X": "a"}) == frozenset()
