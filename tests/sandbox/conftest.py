"""One local AWS for all tests of a process, emptied before each of them."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.local_aws import LocalAws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROLE = "arn:aws:iam::123456789012:role/any"
SPEED = 60.0


@pytest.fixture(scope="session")
def shared_aws() -> Iterator[LocalAws]:
    """A local AWS in which a minute takes a second."""
    with LocalAws(speed=SPEED, worker_cap=4) as aws:
        yield aws


@pytest.fixture
def aws(shared_aws: LocalAws) -> LocalAws:
    """The local AWS, empty."""
    shared_aws.reset()
    return shared_aws


class Inbox:
    """A queue whose messages a test waits for."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self._sqs = aws.client("sqs")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        self.received: list[dict[str, Any]] = []

    def poll(self) -> None:
        """Take what has arrived."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        self.received += answer.get("Messages", [])
        for message in answer.get("Messages", []):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    def bodies(self) -> list[Any]:
        """What has arrived so far, parsed."""
        self.poll()
        return [json.loads(message["Body"]) for message in self.received]

    def wait(self, matches: Callable[[Any], bool] = bool, timeout_seconds: float = 15.0) -> Any:
        """The first document that matches."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            for body in self.bodies():
                if matches(body):
                    return body
            time.sleep(0.05)
        raise AssertionError(f"nothing that matches among {self.bodies()}")


@pytest.fixture
def inbox(aws: LocalAws) -> Callable[[str], Inbox]:
    """Makes queues to look into."""
    return lambda name="seen": Inbox(aws, name)


@pytest.fixture
def cloudwatch_events(aws: LocalAws) -> Inbox:
    """What CloudWatch publishes on the default bus."""
    seen = Inbox(aws, "cloudwatch-events")
    events = aws.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.cloudwatch"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": seen.arn}])
    return seen


def package(code: str) -> bytes:
    """A deployment package of one file."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", code)
    return archive.getvalue()


@pytest.fixture
def function(aws: LocalAws) -> Callable[..., str]:
    """Makes functions."""

    def make(name: str, code: str = "def handler(event, context): return event", **more: Any) -> str:
        answer = aws.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=ROLE,
            Handler="index.handler",
            Code={"ZipFile": package(code)},
            Timeout=10,
            **more,
        )
        return str(answer["FunctionArn"])

    return make


def metric(name: str, statistic: str, function: str | None = None, **more: Any) -> dict[str, Any]:
    """A query for an AWS/Lambda metric."""
    dimensions = [{"Name": "FunctionName", "Value": function}] if function else []
    return {
        "Id": f"{name}_{statistic}".lower(),
        "MetricStat": {
            "Metric": {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": dimensions},
            "Period": 60,
            "Stat": statistic,
        },
    } | more


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
