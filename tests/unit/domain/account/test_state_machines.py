"""State machine definitions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from functions.domain.account.inventory import StateMachine
from functions.domain.account.state_machines import AccountLocation, parse_queue_arn, read_machine
from functions.domain.graph.payloads import Changed, Put, Stored

if TYPE_CHECKING:
    from functions.domain.account.state_machines import MachineReading

HOME: Final = AccountLocation(partition="aws", region="eu-west-1", account="123456789012")
BASE: Final = "eu-west-1:123456789012"


def read(states: dict[str, Any], start: str = "A") -> MachineReading:
    """What a definition of these states says."""
    definition = json.dumps({"StartAt": start, "States": states})
    machine = StateMachine(
        arn=f"arn:aws:states:{BASE}:stateMachine:m", role_arn="r", definition=definition
    )
    return read_machine(machine, HOME)


def task(resource: str, **arguments: object) -> dict[str, Any]:
    """A task state that ends the machine."""
    return {"Type": "Task", "Resource": resource, "Parameters": arguments, "End": True}


def test_a_long_chain_of_states() -> None:
    """Every one of 5,000 states that follow each other is on the way of every execution."""
    states: dict[str, Any] = {
        f"s{number}": {
            "Type": "Task",
            "Resource": f"arn:aws:lambda:{BASE}:function:f",
            "Next": f"s{number + 1}",
        }
        for number in range(5_000)
    }
    states["s5000"] = {"Type": "Succeed"}

    tasks = read(states, start="s0").tasks

    assert len(tasks) == 5_000
    assert all(one.is_always for one in tasks)


@pytest.mark.parametrize(
    ("state", "arn"),
    [
        (task(f"arn:aws:lambda:{BASE}:function:f"), f"arn:aws:lambda:{BASE}:function:f"),
        (
            task("arn:aws:states:::lambda:invoke", FunctionName="f:live"),
            f"arn:aws:lambda:{BASE}:function:f",
        ),
        (
            task("arn:aws:states:::lambda:invoke.waitForTaskToken", FunctionName="f"),
            f"arn:aws:lambda:{BASE}:function:f",
        ),
        (
            task(
                "arn:aws:states:::sqs:sendMessage",
                QueueUrl="https://sqs.eu-west-1.amazonaws.com/123456789012/q",
            ),
            f"arn:aws:sqs:{BASE}:q",
        ),
        (
            task("arn:aws:states:::sns:publish", TopicArn=f"arn:aws:sns:{BASE}:t"),
            f"arn:aws:sns:{BASE}:t",
        ),
        (
            task("arn:aws:states:::aws-sdk:dynamodb:putItem", TableName="orders"),
            f"arn:aws:dynamodb:{BASE}:table/orders",
        ),
        (
            task(
                "arn:aws:states:::states:startExecution.sync:2",
                StateMachineArn=f"arn:aws:states:{BASE}:stateMachine:n",
            ),
            f"arn:aws:states:{BASE}:stateMachine:n",
        ),
        (task("arn:aws:states:::aws-sdk:s3:putObject", Bucket="b", Key="k"), "arn:aws:s3:::b"),
        (
            task("arn:aws:states:::events:putEvents", Entries=[{"Source": "shop"}]),
            f"arn:aws:events:{BASE}:event-bus/default",
        ),
    ],
)
def test_targets(state: dict[str, Any], arn: str) -> None:
    """Each integration names its target in its own way."""
    assert [arn] == [one.target.arn for one in read({"A": state}).tasks]


def test_contents() -> None:
    """What a task leaves behind is kept as far as it is written out."""
    reading = read(
        {
            "A": {**task("arn:aws:states:::dynamodb:deleteItem", TableName="t"), "Next": "B"},
            "B": {
                **task("arn:aws:states:::aws-sdk:s3:putObject", Bucket="b", Key="a*b"),
                "Next": "C",
            },
            "C": task(
                "arn:aws:states:::events:putEvents", Entries=[{"Source": "shop", "DetailType": "x"}]
            ),
        }
    )

    assert [
        Changed(("REMOVE",)),
        Stored("b", "s3:PutObject", "a${*}b"),
        Put(("shop",), ("x",)),
    ] == [one.payload for one in reading.tasks]


def test_arguments_of_jsonata() -> None:
    """The newer language writes arguments, and expressions in {% %}."""
    literal = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "f"},
    }
    dynamic = {**literal, "Arguments": {"FunctionName": "{% $states.input.name %}"}}

    assert len(read({"A": literal}).tasks) == 1
    assert read({"A": dynamic}).open_actions == ("lambda:InvokeFunction",)


def test_targets_from_the_input_are_open() -> None:
    """A target that only the execution knows is told by its action."""
    state = task("arn:aws:states:::lambda:invoke", **{"FunctionName.$": "$.name"})

    found = read({"A": state})

    assert (found.open_actions, found.tasks) == (("lambda:InvokeFunction",), ())


def test_always_and_sometimes() -> None:
    """Every execution comes by what stands before a Choice, and inside Parallel and Map."""
    invoke = "arn:aws:states:::lambda:invoke"
    reading = read(
        {
            "A": {
                "Type": "Parallel",
                "Branches": [{"StartAt": "X", "States": {"X": task(invoke, FunctionName="x")}}],
                "Next": "M",
            },
            "M": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "Y", "States": {"Y": task(invoke, FunctionName="y")}},
                "Next": "C",
            },
            "C": {"Type": "Choice", "Choices": [{"Next": "D"}], "Default": "E"},
            "D": task(invoke, FunctionName="d"),
            "E": {**task(invoke, FunctionName="e"), "Catch": [{"Next": "F"}]},
            "F": task(invoke, FunctionName="f"),
        }
    )

    assert {one.target.name: one.is_always for one in reading.tasks} == {
        "x": True,
        "y": True,
        "d": False,
        "e": False,
        "f": False,
    }


@pytest.mark.parametrize("text", ["", "[]", "{", '{"States": []}', '{"StartAt": "A"}'])
def test_unreadable_definitions(text: str) -> None:
    """What is no definition is said to be unreadable, and raises nothing."""
    machine = StateMachine(arn="a", role_arn="r", definition=text)

    assert not read_machine(machine, HOME).is_readable


@pytest.mark.parametrize(
    "states",
    [
        {"A": 1},
        {"A": {"Type": "Task", "Resource": 1}},
        {"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": []}},
        {"A": {"Type": "Pass", "Next": "A"}},
        {"A": {"Type": "Parallel", "Branches": {}}},
        {"A": task("arn:aws:states:::events:putEvents", Entries="all")},
    ],
)
def test_strange_definitions(states: dict[str, Any]) -> None:
    """States that are not what the language says are passed over."""
    assert read(states).tasks == ()


@pytest.mark.parametrize(
    "url", ["", "jobs", "https://example.com/a/b/c", "https://sqs.eu-west-1.amazonaws.com/x/jobs"]
)
def test_no_queue_url(url: str) -> None:
    """Only URLs of queues are taken for such."""
    assert parse_queue_arn(url) == ""
