"""Resources in environment variables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.account.environment_references import read_environment
from functions.domain.account.named_resources import Mentions
from functions.domain.graph.model import Node
from functions.domain.graph.nodes import broker_of, node_of
from functions.domain.graph.triggers.configured import api_node

ACCOUNT = "123456789012"
HOME = f"eu-west-1:{ACCOUNT}"
TABLE = node_of(f"arn:aws:dynamodb:{HOME}:table/orders")
SALES = node_of(f"arn:aws:dynamodb:{HOME}:table/sales")
QUEUE = node_of(f"arn:aws:sqs:{HOME}:jobs")
BUCKET = node_of("arn:aws:s3:::pictures")
BROKER = broker_of("b1.example:9092,b2.example:9092")
API = api_node("a1b2c3", "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod", "api")
FUNCTION = node_of(f"arn:aws:lambda:{HOME}:function:orders")
NODES = [TABLE, SALES, QUEUE, BUCKET, BROKER, API, FUNCTION]
MENTIONS = Mentions(NODES, "aws", account=ACCOUNT, qualified=["orders:live"])


def found(value: str, variable: str = "X") -> list[str]:
    """What a value names."""
    environment = read_environment({variable: value}, MENTIONS.find_named)
    return [one.resource for one in environment.references]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("sales", [SALES]),
        (" sales ", [SALES]),
        ("sales-archive", []),
        ("sales,pictures", [SALES, BUCKET]),
        ('{"table": "sales"}', [SALES]),
        (f"arn:aws:dynamodb:{HOME}:table/orders", [TABLE]),
        (f"arn:aws:dynamodb:{HOME}:table/orders/stream/2026", [TABLE]),
        ("arn:aws:dynamodb:us-east-1:1:table/orders", []),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", [QUEUE]),
        ("https://sqs.eu-west-1.amazonaws.com/999999999999/jobs", []),
        ("s3://pictures/in/", [BUCKET]),
        ("s3://jobs", []),
        ("arn:aws:s3:::pictures/in/hunter2", [BUCKET]),
        ("b2.example:9092", [BROKER]),
        ("https://A1B2C3.execute-api.eu-west-1.amazonaws.com/prod/items", [API]),
        ("https://example.com", []),
        ("", []),
    ],
)
def test_value(value: str, expected: list[object]) -> None:
    """Names, ARNs and URLs are found as whole words, and nothing else is."""
    environment = read_environment({"X": value}, MENTIONS.find_named)

    assert MENTIONS.of(environment) == set(expected)
    assert len(environment.references) == len(expected)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("ORDERS_TABLE", "orders", [TABLE]),
        ("ordersTableName", "orders", [TABLE]),
        ("DYNAMODB_TABLES", "orders,sales", [TABLE, SALES]),
        ("ORDERS", "orders", []),
        ("ORDERS", "sales", [SALES]),
        ("TABLE_NAME", "jobs", []),
        ("JOB_QUEUE", "jobs", [QUEUE]),
        ("SQS", "jobs", [QUEUE]),
        ("EVENT_BUS", "jobs", []),
        ("S3_BUCKET", "pictures", [BUCKET]),
        ("EVENT_QUEUE_TABLE", "orders", [TABLE]),
        ("POWERTOOLS_SERVICE_NAME", "jobs", []),
        ("OTEL_SERVICE_NAME", "jobs", []),
        ("STAGE", "jobs", []),
        ("APP_ENV", "jobs", []),
        ("SERVICE", "b2.example:9092", [BROKER]),
        ("SERVICE", "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", [QUEUE]),
    ],
)
def test_bare_names(variable: str, value: str, expected: list[Node]) -> None:
    """A bare name means the kind that the variable speaks of, and in others' variables nothing."""
    assert sorted(one.arn for one in expected) == found(value, variable)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("ORDERS_FUNCTION", "orders", [FUNCTION.arn]),
        ("AWS_FUNCTION", "orders", []),
        ("LAMBDA", "orders:live", [f"{FUNCTION.arn}:live"]),
        ("LAMBDA", "orders:$LATEST", [f"{FUNCTION.arn}:$LATEST"]),
        ("LAMBDA", f"{ACCOUNT}:function:orders", [FUNCTION.arn]),
        ("LAMBDA", "999999999999:function:orders", []),
        ("LAMBDA_LOGIN", "orders:hunter2", []),
        ("STAGE", "orders:live", []),
        ("TARGET", f"{FUNCTION.arn}:v2", [f"{FUNCTION.arn}:v2"]),
    ],
)
def test_functions(variable: str, value: str, expected: list[str]) -> None:
    """A bare name means a function where the variable speaks of one, with a known qualifier."""
    assert expected == found(value, variable)


def test_short_names_say_nothing() -> None:
    """A resource called `a` is not found wherever an `a` stands by itself."""
    short = Mentions([node_of(f"arn:aws:sqs:{HOME}:a")], "aws")

    assert read_environment({"X": "a"}, short.find_named).references == ()


@given(
    value=st.text(max_size=80)
    | st.builds(
        "{}{}{}".format,
        st.sampled_from(
            ["arn:aws:s3:::pictures/", "s3://pictures/", "orders:", "orders=", f"{QUEUE.arn}/"]
        ),
        st.text(max_size=30),
        st.sampled_from(["", ",orders", "@b2.example:9092", "?orders"]),
    ),
    variable=st.sampled_from(["X", "LAMBDA_FUNCTION"]),
)
def test_nothing_but_known_resources_is_kept(value: str, variable: str) -> None:
    """Whatever a value is, what is kept of it was known before, word for word."""
    known = {one.arn for one in NODES} | {f"{FUNCTION.arn}:live", f"{FUNCTION.arn}:$LATEST"}

    assert set(found(value, variable)) <= known


def test_what_is_nameable_has_a_key() -> None:
    """A new resource, a new host of one and a new alias each make a key that was not there."""
    keys = MENTIONS.keys

    assert Mentions(NODES, "aws", account=ACCOUNT, qualified=["orders:live"]).keys == keys
    assert Mentions(NODES[:-1], "aws", qualified=["orders:live"]).keys < keys
    assert Mentions(NODES, "aws").keys < keys
