"""What the sandbox's tests look through and build with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.local_aws import SandboxTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws


class Inbox:
    """A queue whose messages a test waits for."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self._aws = aws
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

        def found() -> Any:
            return next((body for body in self.bodies() if matches(body)), None)

        try:
            return self._aws.wait_until(found, "a message that matches", timeout_seconds)
        except SandboxTimeoutError as error:
            raise AssertionError(f"nothing that matches among {self.bodies()}") from error


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
