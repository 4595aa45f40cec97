"""CloudWatch with a script of answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.detection.lambda_metrics import CloudWatchMetrics
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

NOW = datetime(2026, 3, 10, 12, 3, 30, tzinfo=UTC)
END = datetime(2026, 3, 10, 12, 3, tzinfo=UTC)
INSIGHTS = (
    'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
    "GROUP BY FunctionName ORDER BY SUM() DESC"
)


script = scripted("cloudwatch")


@pytest.fixture
def metrics(script: Script) -> CloudWatchMetrics:
    """The adapter."""
    return CloudWatchMetrics(script.client)


def entry(
    query: str, *values: float, status: str = "Complete", label: str = "", end: datetime = END
) -> dict[str, Any]:
    """A part of an answer whose last datapoint lies in the minute before `end`."""
    first = end - timedelta(minutes=len(values))
    return {
        "Id": query,
        "Label": label or query,
        "Timestamps": [first + timedelta(minutes=number) for number in range(len(values))],
        "Values": list(values),
        "StatusCode": status,
    }


def page(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A page of an answer."""
    return {"MetricDataResults": list(entries), **more}


def query(query: str, metric: str, stat: str, *, period: int = 60, name: str = "") -> Any:
    """A query of one metric, of one function or of all."""
    dimensions = {"Dimensions": [{"Name": "FunctionName", "Value": name}]} if name else {}
    return {
        "Id": query,
        "MetricStat": {
            "Metric": {"Namespace": "AWS/Lambda", "MetricName": metric, **dimensions},
            "Period": period,
            "Stat": stat,
        },
    }
