"""Pages, failures and impossible datapoints of the answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.errors import MetricsUnavailableError
from tests.unit.aws.detection.metrics.conftest import (
    END,
    NOW,
    entry,
    page,
    query,
)

if TYPE_CHECKING:
    from datetime import datetime

    from functions.aws.detection.lambda_metrics import CloudWatchMetrics
    from tests.unit.aws.stubs import Script


def test_pages_are_put_together(metrics: CloudWatchMetrics, script: Script) -> None:
    """A series that is spread over pages is one; partial data that goes on is no failure."""
    early = entry("invocations", 1, 2, status="PartialData", end=END - timedelta(minutes=2))
    script.answer("get_metric_data", page(early, NextToken="more"))
    script.answer("get_metric_data", page(entry("invocations", 3, 4)))

    assert metrics.account(NOW).invocations.values[-5:] == (None, 1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("status", ["InternalError", "PartialData"])
def test_what_failed_is_asked_once_more(
    metrics: CloudWatchMetrics, script: Script, status: str
) -> None:
    """Only the series that CloudWatch could not read are asked for again."""
    script.answer(
        "get_metric_data", page(entry("invocations", 1), entry("throttles", 7, status=status))
    )
    script.answer(
        "get_metric_data",
        page(entry("throttles", 8, 9)),
        MetricDataQueries=[query("throttles", "Throttles", "Sum")],
        StartTime=END - timedelta(hours=3),
        EndTime=END,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    account = metrics.account(NOW)

    assert account.invocations.values[-1] == 1.0
    assert account.throttles.values[-2:] == (8.0, 9.0)


def test_what_fails_twice_is_no_gap(metrics: CloudWatchMetrics, script: Script) -> None:
    """A series that cannot be read is an error: a gap would pass for standing still."""
    for _ in range(2):
        script.answer("get_metric_data", page(entry("invocations", status="InternalError")))

    with pytest.raises(MetricsUnavailableError, match="failed to read invocations"):
        metrics.account(NOW)


@pytest.mark.parametrize(
    "call",
    [
        lambda metrics: metrics.account(NOW),
        lambda metrics: metrics.account_precedent(NOW),
        lambda metrics: metrics.recent(["a"], NOW),
        lambda metrics: metrics.precedent(["a"], NOW),
    ],
)
def test_refusals_are_the_domains(metrics: CloudWatchMetrics, script: Script, call: Any) -> None:
    """Throttled beyond the retries, CloudWatch is unavailable, in its own words."""
    script.refuse("get_metric_data", "Throttling", "Rate exceeded")

    with pytest.raises(MetricsUnavailableError, match="Throttling: Rate exceeded"):
        call(metrics)


@pytest.mark.parametrize(
    ("moment", "value"),
    [
        (END - timedelta(minutes=1), -1.0),
        (END - timedelta(minutes=1), float("nan")),
        (END - timedelta(seconds=30), 1.0),
    ],
)
def test_impossible_datapoints_are_no_series(
    metrics: CloudWatchMetrics, script: Script, moment: datetime, value: float
) -> None:
    """Negative counts, NaN and datapoints off the grid are not passed on as facts."""
    wrong = {**entry("invocations"), "Timestamps": [moment], "Values": [value]}
    script.answer("get_metric_data", page(wrong))

    with pytest.raises(MetricsUnavailableError, match="makes no series"):
        metrics.account(NOW)
