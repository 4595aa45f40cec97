"""One local AWS for all tests of a process, emptied before each of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.local_aws import LocalAws
from sandbox.scenarios.provision import package_code
from tests.sandbox.support import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROLE = "arn:aws:iam::123456789012:role/any"
SPEED = 60.0


@pytest.fixture(scope="session")
def shared_aws() -> Iterator[LocalAws]:
    """A local AWS in which a minute takes a second."""
    with LocalAws(speed=SPEED, worker_cap=4) as aws:
        yield aws


@pytest.fixture(scope="module")
def strict_aws() -> Iterator[LocalAws]:
    """A local AWS that enforces IAM."""
    with LocalAws(speed=SPEED, auth=True, worker_cap=4) as aws:
        yield aws


@pytest.fixture
def aws(shared_aws: LocalAws) -> LocalAws:
    """The local AWS, empty."""
    shared_aws.reset()
    return shared_aws


@pytest.fixture
def inbox(aws: LocalAws) -> Callable[[str], Inbox]:
    """Makes queues to look into."""
    return lambda name: Inbox(aws, name)


@pytest.fixture
def cloudwatch_events(aws: LocalAws) -> Inbox:
    """What CloudWatch publishes on the default bus."""
    seen = Inbox(aws, "cloudwatch-events")
    events = aws.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.cloudwatch"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": seen.arn}])
    return seen


@pytest.fixture
def function(aws: LocalAws) -> Callable[..., str]:
    """Makes functions."""

    def make(
        name: str, code: str = "def handler(event, context): return event", **more: Any
    ) -> str:
        answer = aws.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=ROLE,
            Handler="index.handler",
            Code={"ZipFile": package_code(code)},
            Timeout=10,
            **more,
        )
        return str(answer["FunctionArn"])

    return make


@pytest.fixture
def counted(aws: LocalAws) -> Callable[..., float]:
    """Reads a statistic of a metric, over all that there is."""
    cloudwatch = aws.client("cloudwatch")

    def read(namespace: str, name: str, statistic: str = "Sum", **dimensions: str) -> float:
        now = aws.clock.timestamp()
        answer = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            Period=86_400,
            StartTime=now - 86_400,
            EndTime=now + 60,
            Statistics=[statistic],
        )
        return float(sum(point[statistic] for point in answer["Datapoints"]))

    return read


@pytest.fixture
def read(aws: LocalAws) -> Callable[..., list[dict[str, Any]]]:
    """Answers metric data queries on the last minutes."""

    def ask(
        queries: Sequence[dict[str, Any]], minutes: int = 60, **more: Any
    ) -> list[dict[str, Any]]:
        now = aws.clock.timestamp()
        answer = aws.client("cloudwatch").get_metric_data(
            MetricDataQueries=list(queries), StartTime=now - minutes * 60, EndTime=now + 60, **more
        )
        return list(answer["MetricDataResults"])

    return ask
