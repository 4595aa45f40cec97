"""The metrics of the page: one call each, on the grid that is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.page.page_metrics import CloudWatchPageMetrics
from functions.domain.errors import MetricsUnavailableError
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

NOW = datetime(2026, 11, 23, 3, 15, 20, tzinfo=UTC)
START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
END = START + timedelta(minutes=15)


cloudwatch = scripted("cloudwatch")


def answer(**points: list[tuple[datetime, float]]) -> dict[str, Any]:
    """Datapoints by the id of the query."""
    return {
        "MetricDataResults": [
            {
                "Id": name,
                "Label": name,
                "Timestamps": [at for at, _ in found],
                "Values": [value for _, value in found],
                "StatusCode": "Complete",
            }
            for name, found in points.items()
        ]
    }


def test_traffic_on_its_grid(cloudwatch: Script) -> None:
    """Where CloudWatch has no datapoint there is none."""
    cloudwatch.answer(
        "get_metric_data",
        answer(invocations=[(START, 5.0), (START + timedelta(minutes=10), 7.0)], throttles=[]),
    )

    found = CloudWatchPageMetrics(cloudwatch.client).read_traffic("orders", START, END, 300)

    assert found.start == START
    assert found.period_seconds == 300
    assert found.invocations == (5.0, None, 7.0)
    assert found.throttles == (None, None, None)


def test_activity(cloudwatch: Script) -> None:
    """The newest minute with a run, the errors of a day, the last value of a queue."""
    minute = NOW.replace(second=0)
    cloudwatch.answer(
        "get_metric_data",
        answer(
            pulse=[(minute - timedelta(minutes=3), 1.0), (minute - timedelta(minutes=2), 0.0)],
            e0=[(minute - timedelta(hours=9), 2.0), (minute - timedelta(hours=1), 1.0)],
            e1=[],
            q0=[(minute - timedelta(minutes=20), 1.0), (minute - timedelta(minutes=5), 4.0)],
            q1=[(minute - timedelta(hours=7), 9.0)],
        ),
    )

    found = CloudWatchPageMetrics(cloudwatch.client).read_activity(
        ("Loopbreaker-contain", "Loopbreaker-restore"), ("Failed", "Undelivered"), NOW
    )

    assert found.pulse_at == minute - timedelta(minutes=3)
    assert found.errors == {"Loopbreaker-contain": 3.0, "Loopbreaker-restore": 0.0}
    assert found.waiting == {"Failed": 4.0, "Undelivered": None}


def test_a_guard_that_never_ran(cloudwatch: Script) -> None:
    """No datapoint at all."""
    cloudwatch.answer("get_metric_data", answer())

    found = CloudWatchPageMetrics(cloudwatch.client).read_activity(("contain",), (), NOW)

    assert (found.pulse_at, found.errors, found.waiting) == (None, {"contain": 0.0}, {})


def test_a_refusal_is_said_in_aws_words(cloudwatch: Script) -> None:
    """As the page shows it."""
    cloudwatch.refuse("get_metric_data", "AccessDenied", "not authorized")

    with pytest.raises(MetricsUnavailableError, match="AccessDenied: not authorized"):
        CloudWatchPageMetrics(cloudwatch.client).read_traffic("orders", START, END, 300)


def test_an_internal_error_is_no_empty_answer(cloudwatch: Script) -> None:
    """CloudWatch tells it for each query, in an answer that is no error."""
    failed = answer(invocations=[])
    failed["MetricDataResults"][0]["StatusCode"] = "InternalError"
    cloudwatch.answer("get_metric_data", failed)

    with pytest.raises(MetricsUnavailableError, match="InternalError"):
        CloudWatchPageMetrics(cloudwatch.client).read_traffic("orders", START, END, 300)
