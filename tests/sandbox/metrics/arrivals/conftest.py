"""Queues, tables, rules and state machines that something arrives at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
QUEUES = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
ANYONE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        ],
    }
)
OK = "def handler(event, context): return 'ok'"


@pytest.fixture
def reaches(aws: LocalAws, counted: Callable[..., float]) -> Callable[..., None]:
    """Waits until a total is reached, and demands that it stays so for a virtual minute."""

    def wait(number: float, namespace: str, name: str, **dimensions: str) -> None:
        aws.wait_until(
            lambda: counted(namespace, name, **dimensions) >= number, f"{number:g} {name}"
        )
        aws.wait_minutes(1)
        assert counted(namespace, name, **dimensions) == number

    return wait


def make_queue(aws: LocalAws, name: str, **attributes: str) -> str:
    """A queue that anyone may send to, by its URL."""
    answer = aws.client("sqs").create_queue(
        QueueName=name, Attributes={"Policy": ANYONE, **attributes}
    )
    return str(answer["QueueUrl"])


def put_rule(aws: LocalAws, name: str, *targets: str, bus: str = "default") -> None:
    """A rule on the events of the shop."""
    events = aws.client("events")
    pattern = json.dumps({"source": ["shop"]})
    events.put_rule(Name=name, EventPattern=pattern, EventBusName=bus)
    events.put_targets(
        Rule=name,
        EventBusName=bus,
        Targets=[{"Id": str(number), "Arn": arn} for number, arn in enumerate(targets)],
    )


def put_events(aws: LocalAws, *sources: str, bus: str = "default") -> None:
    """Events of these sources."""
    entries = [
        {"Source": one, "DetailType": "d", "Detail": "{}", "EventBusName": bus} for one in sources
    ]
    aws.client("events").put_events(Entries=entries)


def make_state_machine(aws: LocalAws, name: str, state: dict[str, Any]) -> str:
    """A state machine of one state, by its ARN."""
    definition = {"StartAt": "only", "States": {"only": {**state, "End": True}}}
    answer = aws.client("stepfunctions").create_state_machine(
        name=name, roleArn=ROLE, definition=json.dumps(definition)
    )
    return str(answer["stateMachineArn"])


def make_table(aws: LocalAws, name: str, **more: Any) -> str:
    """A table, by the ARN of its stream."""
    answer = aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return str(answer["TableDescription"].get("LatestStreamArn", ""))
