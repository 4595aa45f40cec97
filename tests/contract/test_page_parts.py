"""What the page of the dashboard is read from."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import pytest

from functions.aws.page.guard_state import AwsGuardState
from functions.aws.page.page_metrics import CloudWatchPageMetrics
from functions.aws.runtime import clients
from functions.domain.errors import LoopbreakerError
from functions.domain.page.overview import GuardAlarm
from tests.contract.stage import ACCOUNT, unique
from tests.contract.staging.aws import AwsStage
from tests.contract.staging.fake import FakeStage
from tests.functional.page import read_fake_traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from functions.domain.page.overview import ShownTraffic
    from tests.contract.stage import Stage

    ReadTraffic: TypeAlias = Callable[[str, datetime, datetime, int], ShownTraffic]

PREFIX = "Loopbreaker"


@pytest.fixture
def traffic(stage: Stage) -> ReadTraffic:
    """`read_traffic` of the port, in both worlds."""
    if isinstance(stage, AwsStage):
        return CloudWatchPageMetrics(clients.make_cloudwatch_client()).read_traffic
    assert isinstance(stage, FakeStage)
    fake = stage

    def read(function: str, start: datetime, end: datetime, period_seconds: int) -> ShownTraffic:
        return read_fake_traffic(fake.metrics, function, (start, end), period_seconds, fake.now)

    return read


def record(stage: Stage, **metrics: Sequence[float | None]) -> tuple[str, datetime]:
    """Give a new function datapoints; the function, and the time within whose minute that was."""
    while True:
        name, now = unique("orders"), stage.now
        stage.record(name, **metrics)
        if stage.now.replace(second=0, microsecond=0) == now.replace(second=0, microsecond=0):
            return name, now


@pytest.fixture
def guard(aws_stage: AwsStage) -> AwsGuardState:
    """The adapter on a local AWS."""
    return AwsGuardState(
        clients.make_cloudwatch_client(),
        clients.make_lambda_client(),
        clients.make_tagging_client,
        prefix=PREFIX,
    )


def find_end(now: datetime) -> datetime:
    """The last five minutes that are over: both periods of the page are on its grid."""
    return now - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)


def test_traffic_by_the_minute(stage: Stage, traffic: ReadTraffic) -> None:
    """One value a minute, gaps where nothing came, and throttles beside them."""
    invocations = tuple(float(one) for one in range(1, 31))
    throttles = (None,) * 20 + (0.0, 3.0) + (None,) * 8
    name, now = record(stage, invocations=invocations, throttles=throttles)
    end = find_end(now)
    late = (now - end) // timedelta(minutes=1)

    found = traffic(name, end - timedelta(minutes=20), end, 60)

    last = len(invocations) - late
    assert (found.start, found.period_seconds) == (end - timedelta(minutes=20), 60)
    assert found.invocations == invocations[last - 20 : last]
    assert found.throttles == throttles[last - 20 : last]


def test_traffic_in_sums(stage: Stage, traffic: ReadTraffic) -> None:
    """A longer period has the sum of its minutes, and a gap only if all of them are gaps."""
    name, now = record(stage, invocations=(2.0,) * 9 + (None,) * 11, throttles=(1.0,) * 20)
    end = find_end(now)
    late = (now - end) // timedelta(minutes=1)

    found = traffic(name, end - timedelta(minutes=15), end, 300)

    minutes = ((2.0,) * 9 + (None,) * 11)[5 - late :][:15]
    periods = [[one for one in minutes[at : at + 5] if one is not None] for at in (0, 5, 10)]
    assert found.invocations == tuple(sum(one) if one else None for one in periods)
    assert found.throttles == (5.0, 5.0, 5.0)


def test_traffic_of_nobody(stage: Stage, traffic: ReadTraffic) -> None:
    """A function that never ran has gaps, not no minutes."""
    end = find_end(stage.now)

    found = traffic(unique("idle"), end - timedelta(minutes=5), end, 60)

    assert found.invocations == found.throttles == (None,) * 5


def test_what_the_guard_did(aws_stage: AwsStage) -> None:
    """Errors of a day by function, the newest minute of the pulse, and what waits in a queue."""
    chart, queue = unique("chart"), unique("events")
    contain, now = record(
        aws_stage, invocations=(1.0, 1.0, 0.0, None), errors=(0.0, 2.0, 1.0, None)
    )
    aws_stage.aws.client("cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": queue}],
                "Timestamp": now - timedelta(minutes=6),
                "Value": 4.0,
            }
        ],
    )

    found = CloudWatchPageMetrics(clients.make_cloudwatch_client()).read_activity(
        (contain, chart), (queue, unique("never")), now
    )

    minute = now.replace(second=0, microsecond=0)
    assert found.pulse_at == minute - timedelta(minutes=3)
    assert found.errors == {contain: 3.0, chart: 0.0}
    assert list(found.waiting.values()) == [4.0, None]


def test_the_guards_alarms(aws_stage: AwsStage, guard: AwsGuardState) -> None:
    """Those whose names begin as the guard's do, by name; nothing of other people's."""
    cloudwatch = aws_stage.aws.client("cloudwatch")
    common = {
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "Statistic": "Maximum",
        "Period": 300,
    }
    cloudwatch.put_metric_alarm(
        AlarmName=f"{PREFIX}-queue",
        AlarmDescription="events wait",
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": "events"}],
        **common,
    )
    cloudwatch.put_metric_alarm(
        AlarmName=f"{PREFIX}-contain", Namespace="AWS/Lambda", MetricName="Errors", **common
    )
    cloudwatch.put_metric_alarm(
        AlarmName="somebody-elses", Namespace="AWS/Lambda", MetricName="Errors", **common
    )
    cloudwatch.set_alarm_state(
        AlarmName=f"{PREFIX}-queue", StateValue="ALARM", StateReason="a test"
    )

    contain, queue = guard.read_alarms()

    assert (contain.name, contain.queue) == (f"{PREFIX}-contain", "")
    assert isinstance(queue, GuardAlarm)
    assert (queue.name, queue.state, queue.queue) == (f"{PREFIX}-queue", "ALARM", "events")
    assert (queue.description, queue.period_seconds) == ("events wait", 300)
    assert queue.since is not None
    assert not queue.is_per_function


def test_reservations_of_the_guard(aws_stage: AwsStage, guard: AwsGuardState) -> None:
    """A number, zero included; nothing for none; an error for a function that is not there."""
    reserved, stopped, free = (unique(one) for one in ("reserved", "stopped", "free"))
    aws_stage.add(reserved, reserved=3)
    aws_stage.add(stopped, reserved=0)
    aws_stage.add(free)

    assert [guard.read_reserved(one) for one in (reserved, stopped, free)] == [3, 0, None]
    with pytest.raises(LoopbreakerError):
        guard.read_reserved(unique("missing"))


def test_tagged_functions(aws_stage: AwsStage, guard: AwsGuardState) -> None:
    """The ARNs of the functions with the tag, whatever its value."""
    key = unique("loopbreaker:stopped")
    names = [unique("tagged") for _ in range(2)]
    for name, value in zip(names, ("0", ""), strict=True):
        aws_stage.add(name, tags={key: value})
    aws_stage.add(unique("untagged"), tags={"team": key})

    found = guard.find_tagged(key)

    assert sorted(found) == [f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{one}" for one in names]
