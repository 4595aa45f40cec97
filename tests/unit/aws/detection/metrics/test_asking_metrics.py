"""Which calls are made, and how much of a page each takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.detection.arrivals import Source, SourceKind
from tests.unit.aws.detection.metrics.conftest import (
    END,
    NOW,
    entry,
    page,
    query,
)

if TYPE_CHECKING:
    from functions.aws.detection.lambda_metrics import CloudWatchMetrics
    from tests.unit.aws.stubs import Script


def test_the_account_is_one_call(metrics: CloudWatchMetrics, script: Script) -> None:
    """Three series without a dimension, 3 hours, in one GetMetricData."""
    script.answer(
        "get_metric_data",
        page(entry("invocations", 1, 2), entry("concurrency", 3)),
        MetricDataQueries=[
            query("invocations", "Invocations", "Sum"),
            query("concurrency", "ConcurrentExecutions", "Maximum"),
            query("throttles", "Throttles", "Sum"),
        ],
        StartTime=END - timedelta(hours=3),
        EndTime=END,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    account = metrics.account(NOW)

    assert account.invocations.values[-3:] == (None, 1.0, 2.0)
    assert account.concurrency.values[-1] == 3.0
    assert set(account.throttles.values) == {None}


def test_the_precedent_is_one_call(metrics: CloudWatchMetrics, script: Script) -> None:
    """14 days of 5-minute sums that end on the grid before the recent series begin."""
    end = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    script.answer(
        "get_metric_data",
        page(),
        MetricDataQueries=[query("p0", "Invocations", "Sum", period=300, name="orders")],
        StartTime=end - timedelta(days=14),
        EndTime=end,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    assert metrics.precedent(["orders"], NOW)["orders"].end == end


def test_the_peaks_of_a_function_are_one_call(metrics: CloudWatchMetrics, script: Script) -> None:
    """14 days of 5-minute maxima, on the same grid."""
    end = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
    script.answer(
        "get_metric_data",
        page(
            {
                "Id": "peaks",
                "Label": "peaks",
                "Timestamps": [end - timedelta(minutes=5)],
                "Values": [12.0],
                "StatusCode": "Complete",
            }
        ),
        MetricDataQueries=[
            query("peaks", "ConcurrentExecutions", "Maximum", period=300, name="orders")
        ],
        StartTime=end - timedelta(days=14),
        EndTime=end,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    found = metrics.peaks("orders", NOW)

    assert (found.end, found.period_seconds) == (end, 300)
    assert found.values[-2:] == (None, 12.0)


def test_one_call_for_a_function(metrics: CloudWatchMetrics, script: Script) -> None:
    """The six series of a function come from one call; a name given twice is asked once."""
    script.answer("get_metric_data", page(entry("invocations_0", 5)))

    assert metrics.recent(["orders", "orders"], NOW)["orders"].invocations.values[-1] == 5.0


@pytest.mark.parametrize(("count", "calls"), [(37, 1), (38, 2), (74, 2)])
def test_batches_stay_within_the_limits(
    metrics: CloudWatchMetrics, script: Script, count: int, calls: int
) -> None:
    """37 functions make 222 queries and 39,960 datapoints: a call's limits are 500 and 100,800."""
    for _ in range(calls):
        script.answer("get_metric_data", page())

    assert len(metrics.recent([f"f{number}" for number in range(count)], NOW)) == count


def test_precedents_take_part_of_a_page(metrics: CloudWatchMetrics, script: Script) -> None:
    """10 functions of 4,032 datapoints go into a call, two fifths of what a page holds."""
    for _ in range(2):
        script.answer("get_metric_data", page())

    assert len(metrics.precedent([f"f{number}" for number in range(20)], NOW)) == 20


def test_invocations_alone_are_one_metric_of_each(
    metrics: CloudWatchMetrics, script: Script
) -> None:
    """Three hours of them, in calls of a few hundred functions."""
    script.answer(
        "get_metric_data",
        page(entry("m0", 3, 4), entry("m1", 5)),
        MetricDataQueries=[
            query("m0", "Invocations", "Sum", name="orders"),
            query("m1", "Invocations", "Sum", name="enrich"),
        ],
        StartTime=END - timedelta(minutes=180),
        EndTime=END,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    read = metrics.invocations(["orders", "enrich"], NOW)

    assert read["orders"].values[-2:] == (3.0, 4.0)
    assert read["enrich"].values[-2:] == (None, 5.0)


def test_many_invocations_are_few_calls(metrics: CloudWatchMetrics, script: Script) -> None:
    """Never more than 500 metrics in one, nor more than two fifths of what a page holds."""
    for _ in range(3):
        script.answer("get_metric_data", page())

    assert len(metrics.invocations([f"f{number}" for number in range(600)], NOW)) == 600


def test_nobody_is_no_call(metrics: CloudWatchMetrics) -> None:
    """Without functions there is nothing to ask."""
    assert metrics.recent([], NOW) == {}
    assert metrics.precedent([], NOW) == {}
    assert metrics.invocations([], NOW) == {}


def test_all_sources_are_one_call(metrics: CloudWatchMetrics, script: Script) -> None:
    """By each one's own namespace and dimension; what waits in a queue is a maximum."""
    sources = [
        Source(kind=SourceKind.TABLE, name="orders"),
        Source(kind=SourceKind.OTHER, name="mq"),
        Source(kind=SourceKind.QUEUE, name="work"),
    ]

    def query_of(name: str, namespace: str, metric: str, stat: str, **dimensions: str) -> Any:
        asked = query(name, metric, stat)
        asked["MetricStat"]["Metric"] = {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        return asked

    script.answer(
        "get_metric_data",
        page(
            entry("a0_0", 10, 20),
            entry("a0_1", 5, end=END - timedelta(minutes=2)),
            entry("a2_0", 7),
            entry("w2", 900),
        ),
        MetricDataQueries=[
            query_of(
                "a0_0", "AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", TableName="orders"
            ),
            query_of(
                "a0_1", "AWS/DynamoDB", "TimeToLiveDeletedItemCount", "Sum", TableName="orders"
            ),
            query_of("a2_0", "AWS/SQS", "NumberOfMessagesSent", "Sum", QueueName="work"),
            query_of(
                "w2", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", QueueName="work"
            ),
        ],
        StartTime=END - timedelta(minutes=4),
        EndTime=END,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    table, other, queue = metrics.arrivals(sources, NOW - timedelta(minutes=4), NOW)

    assert table.counts is not None
    # Deletions by TTL are added; a series without a datapoint adds nothing.
    assert table.counts.values == (None, 5.0, 10.0, 20.0)
    assert other.counts is None
    assert queue.counts is not None
    assert queue.waiting is not None
    assert (queue.counts.values[-1], queue.waiting.values[-1]) == (7.0, 900.0)


def test_the_lag_is_the_most_of_each_minute(metrics: CloudWatchMetrics, script: Script) -> None:
    """By function: several streams that it polls are one series."""
    script.answer(
        "get_metric_data",
        page(entry("lag", 1_200, 900)),
        MetricDataQueries=[query("lag", "IteratorAge", "Maximum", name="orders")],
        StartTime=END - timedelta(minutes=4),
        EndTime=END,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    found = metrics.lag("orders", NOW - timedelta(minutes=4), NOW)

    assert found.values == (None, None, 1_200.0, 900.0)


def test_nothing_to_count_is_no_call(metrics: CloudWatchMetrics) -> None:
    """Of a broker nothing is counted."""
    source = Source(kind=SourceKind.OTHER, name="mq")

    (found,) = metrics.arrivals([source], NOW - timedelta(minutes=4), NOW)

    assert (found.counts, found.waiting) == (None, None)
