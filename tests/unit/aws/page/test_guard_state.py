"""The guard's own alarms, reservations and tags, as AWS tells them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.page.guard_state import AwsGuardState
from functions.domain.errors import BusyError, RefusedError
from functions.domain.page.overview import GuardAlarm
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

AT = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
ASKED: dict[str, Any] = {"AlarmNamePrefix": "Loopbreaker-", "AlarmTypes": ["MetricAlarm"]}


cloudwatch = scripted("cloudwatch")
lambdas = scripted("lambda")
tagging = scripted("resourcegroupstaggingapi")


@pytest.fixture
def state(cloudwatch: Script, lambdas: Script, tagging: Script) -> AwsGuardState:
    """What is tested."""
    return AwsGuardState(
        cloudwatch.client, lambdas.client, lambda: tagging.client, prefix="Loopbreaker-"
    )


def test_alarms(state: AwsGuardState, cloudwatch: Script) -> None:
    """Sorted by name; a queue and a query over all functions are told by their metrics."""
    cloudwatch.answer(
        "describe_alarms",
        {
            "MetricAlarms": [
                {
                    "AlarmName": "Loopbreaker-signal-function",
                    "StateValue": "OK",
                    "StateUpdatedTimestamp": AT,
                    "Metrics": [{"Id": "q", "Expression": "SELECT SUM(x) GROUP BY FunctionName"}],
                },
                {
                    "AlarmName": "Loopbreaker-guard-failed",
                    "AlarmDescription": "Read the queue",
                    "StateValue": "ALARM",
                    "StateUpdatedTimestamp": AT.replace(year=2027),
                    "StateTransitionedTimestamp": AT,
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateNumberOfMessagesVisible",
                    "Dimensions": [{"Name": "QueueName", "Value": "Failed-1"}],
                    "Period": 300,
                },
            ]
        },
        **ASKED,
    )

    assert state.read_alarms() == (
        GuardAlarm(
            name="Loopbreaker-guard-failed",
            state="ALARM",
            since=AT,
            description="Read the queue",
            period_seconds=300,
            queue="Failed-1",
        ),
        GuardAlarm(name="Loopbreaker-signal-function", state="OK", since=AT, is_per_function=True),
    )


def test_reservations(state: AwsGuardState, lambdas: Script) -> None:
    """AWS leaves the key out when nothing is reserved."""
    lambdas.answer("get_function_concurrency", {"ReservedConcurrentExecutions": 5})
    lambdas.answer("get_function_concurrency", {})

    assert state.read_reserved("Loopbreaker-contain") == 5
    assert state.read_reserved("Loopbreaker-restore") is None


def test_tags(state: AwsGuardState, tagging: Script) -> None:
    """The ARNs of functions."""
    tagging.answer(
        "get_resources",
        {"ResourceTagMappingList": [{"ResourceARN": "arn:aws:lambda:r:1:function:orders"}]},
        TagFilters=[{"Key": "loopbreaker:snapshot"}],
        ResourceTypeFilters=["lambda:function"],
    )

    assert state.find_tagged("loopbreaker:snapshot") == ("arn:aws:lambda:r:1:function:orders",)


def test_what_aws_refuses(
    state: AwsGuardState, cloudwatch: Script, lambdas: Script, tagging: Script
) -> None:
    """In its own words; what passes by itself is told apart."""
    cloudwatch.refuse("describe_alarms", "AccessDenied")
    lambdas.refuse("get_function_concurrency", "TooManyRequestsException")
    tagging.refuse("get_resources", "AccessDeniedException")

    with pytest.raises(RefusedError, match="AccessDenied: AWS's words"):
        state.read_alarms()
    with pytest.raises(BusyError):
        state.read_reserved("Loopbreaker-contain")
    with pytest.raises(RefusedError):
        state.find_tagged("loopbreaker:snapshot")
