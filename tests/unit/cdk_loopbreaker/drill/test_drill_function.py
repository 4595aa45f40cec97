"""The code of a drill's functions: a loop ends by its counter, its clock, and at a double."""

from __future__ import annotations

import json
import sys
import time
from types import ModuleType
from typing import Any, Final

import pytest

from cdk_loopbreaker.drill.template import read_code

ROUNDS: Final = 5
TABLE: Final = "progress"


class RefusedError(Exception):
    """A condition that does not hold."""


class FakeTable:
    """The items of the table of rounds; conditions are those that the code writes."""

    class exceptions:  # noqa: N801 - as a client of boto3 has them
        """What it raises."""

        ConditionalCheckFailedException = RefusedError

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.sent: list[dict[str, Any]] = []

    def update_item(self, **request: Any) -> None:
        """Write a round down, or that a token came back."""
        item = self.items[request["Key"]["token"]["S"]]
        values = request["ExpressionAttributeValues"]
        match request["ConditionExpression"]:
            case "attribute_exists(closed)":
                if not item.get("closed"):
                    raise RefusedError
                item["came_back"] = True
            case "attribute_not_exists(closed) AND rounds_left = :left":
                if item.get("closed") or item["left"] != int(values[":left"]["N"]):
                    raise RefusedError
                item["left"] = int(values[":next"]["N"])
            case other:
                raise AssertionError(other)

    def send_message(self, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
        """Send to a queue."""
        assert QueueUrl == "target"
        self.sent.append({"Records": [{"body": MessageBody}]})

    def put_events(self, Entries: list[dict[str, Any]]) -> None:  # noqa: N803
        """Send to a bus."""
        self.sent.append({"detail": json.loads(Entries[0]["Detail"])})

    def put_item(self, TableName: str, Item: dict[str, Any]) -> None:  # noqa: N803
        """Write to a table with a stream."""
        assert TableName == "target"
        self.sent.append({"Records": [{"dynamodb": {"NewImage": Item}}]})


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> FakeTable:
    """What the functions find instead of AWS."""
    found = FakeTable()
    boto3 = ModuleType("boto3")
    boto3.client = lambda _service: found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setenv("TABLE", TABLE)
    monkeypatch.setenv("TARGET", "target")
    return found


def load(kind: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The handler of a kind of function."""
    monkeypatch.setenv("KIND", kind)
    names: dict[str, Any] = {}
    exec(compile(read_code(), "index.py", "exec"), names)  # noqa: S102 - it is the code under test
    return names["handler"]


def first_event(kind: str, table: FakeTable, *, ends: float = 60.0) -> dict[str, Any]:
    """What starts a loop."""
    token = {"token": f"{kind}-0", "left": ROUNDS, "ends": time.time() + ends, "period": 0.0}
    table.items[f"progress-{kind}-0"] = {"left": ROUNDS}
    body = json.dumps(token)
    match kind:
        case "events":
            return {"detail": token}
        case "dynamodb":
            image = {"token": {"S": "event"}, "next": {"S": body}}
            return {"Records": [{"dynamodb": {"NewImage": image}}]}
        case _:
            return {"Records": [{"body": body}]}


@pytest.mark.parametrize("kind", ["sqs", "dynamodb", "events"])
@pytest.mark.parametrize("copies", [1, 2])
def test_a_loop_ends_by_its_counter_however_often_events_come(
    kind: str, copies: int, table: FakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second delivery of the same round begins none."""
    handler = load(kind, monkeypatch)
    waiting = [first_event(kind, table)]
    while waiting:
        event = waiting.pop()
        for _ in range(copies):
            handler(event, None)
        waiting += table.sent
        assert len(table.sent) <= 1
        table.sent.clear()

    assert table.items[f"progress-{kind}-0"]["left"] == 0


@pytest.mark.parametrize("kind", ["sqs", "dynamodb", "events"])
def test_a_loop_ends_by_the_clock(
    kind: str, table: FakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its counter says."""
    load(kind, monkeypatch)(first_event(kind, table, ends=-1.0), None)

    assert table.sent == []
    assert table.items[f"progress-{kind}-0"]["left"] == ROUNDS


@pytest.mark.parametrize("kind", ["sqs", "dynamodb", "events"])
def test_a_closed_loop_is_counted_and_goes_no_further(
    kind: str, table: FakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the drill sees which events came back."""
    event = first_event(kind, table)
    table.items[f"progress-{kind}-0"]["closed"] = True

    load(kind, monkeypatch)(event, None)

    assert table.sent == []
    assert table.items[f"progress-{kind}-0"]["came_back"]


def test_the_healthy_function_sends_nothing(
    table: FakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It only takes its time."""
    load("healthy", monkeypatch)(first_event("sqs", table), None)

    assert table.sent == []


def test_a_probe_answers(table: FakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its execution environment, the same in each invocation."""
    handler = load("probe", monkeypatch)

    assert handler({"probe": ""}, None) == handler({"probe": ""}, None)
