from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.aws.detection.lambda_metrics import CloudWatchMetrics
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.traffic import is_candidate
from functions.domain.errors import MetricsUnavailableError
from tests.unit.aws.stubs import scripts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.aws.stubs import Script

NOW = datetime(2026, 3, 10, 12, 3, 30, tzinfo=UTC)
END = datetime(2026, 3, 10, 12, 3, tzinfo=UTC)
INSIGHTS = (
    'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
    "GROUP BY FunctionName ORDER BY SUM() DESC"
)


@pytest.fixture
def script() -> Iterator[Script]:
    """CloudWatch, as it is to answer."""
    yield from scripts("cloudwatch")


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


def _query(query: str, metric: str, stat: str, *, period: int = 60, name: str = "") -> Any:
    dimensions = [{"Name": "FunctionName", "Value": name}] if name else []
    return {
        "Id": query,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": metric,
                "Dimensions": dimensions,
            },
            "Period": period,
            "Stat": stat,
        },
    }


def test_the_account_is_one_call(metrics: CloudWatchMetrics, script: Script) -> None:
    """Three series without a dimension, 3 hours, in one GetMetricData."""
    script.answer(
        "get_metric_data",
        page(entry("invocations", 1, 2), entry("concurrency", 3)),
        MetricDataQueries=[
            _query("invocations", "Invocations", "Sum"),
            _query("concurrency", "ConcurrentExecutions", "Maximum"),
            _query("throttles", "Throttles", "Sum"),
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
        MetricDataQueries=[_query("p0", "Invocations", "Sum", period=300, name="orders")],
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
            _query("peaks", "ConcurrentExecutions", "Maximum", period=300, name="orders")
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
            _query("m0", "Invocations", "Sum", name="orders"),
            _query("m1", "Invocations", "Sum", name="enrich"),
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

    def query(name: str, namespace: str, metric: str, stat: str, **dimensions: str) -> Any:
        asked = _query(name, metric, stat)
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
            query("a0_0", "AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", TableName="orders"),
            query("a0_1", "AWS/DynamoDB", "TimeToLiveDeletedItemCount", "Sum", TableName="orders"),
            query("a2_0", "AWS/SQS", "NumberOfMessagesSent", "Sum", QueueName="work"),
            query(
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
        MetricDataQueries=[_query("lag", "IteratorAge", "Maximum", name="orders")],
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
        MetricDataQueries=[_query("throttles", "Throttles", "Sum")],
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


def test_the_busiest_are_one_query(metrics: CloudWatchMetrics, script: Script) -> None:
    """One Metrics Insights query finds them; labels name the functions."""
    script.answer(
        "get_metric_data",
        page(
            entry("leading", 5, 6, label="small"),
            entry("leading", 900, label="FunctionName large"),
            entry("leading", label="silent"),
            entry("leading", 1, label=" "),
        ),
        MetricDataQueries=[{"Id": "leading", "Expression": INSIGHTS, "Period": 60}],
        StartTime=END - timedelta(minutes=10),
        EndTime=END,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    busiest = metrics.busiest(NOW)

    assert list(busiest) == ["large", "small"]
    assert busiest["small"].values == (*[None] * 8, 5.0, 6.0)


def test_drops_leave_out_zeros(metrics: CloudWatchMetrics, script: Script) -> None:
    """Functions of which nothing was dropped are not named."""
    script.answer(
        "get_metric_data",
        page(entry("leading", 16, label="looping"), entry("leading", 0, 0, label="calm")),
    )

    assert list(metrics.dropped(NOW)) == ["looping"]


def test_a_busy_account_is_partly_told(metrics: CloudWatchMetrics, script: Script) -> None:
    """Beyond its limits Insights answers partially; the busiest are what matters."""
    script.answer("get_metric_data", page(entry("leading", 9, label="large", status="PartialData")))

    assert list(metrics.busiest(NOW)) == ["large"]


def _listed(*names: str) -> dict[str, Any]:
    return {
        "Metrics": [
            {
                "Namespace": "AWS/Lambda",
                "MetricName": "Invocations",
                "Dimensions": [{"Name": "FunctionName", "Value": name}],
            }
            for name in names
        ]
    }


@pytest.mark.parametrize(
    "code", ["ValidationError", "AccessDenied", "Throttling", "LimitExceededException"]
)
def test_without_insights_the_slow_way(
    metrics: CloudWatchMetrics, script: Script, code: str
) -> None:
    """Where Insights is refused, the active functions are listed and asked for in one batch."""
    script.refuse("get_metric_data", code)
    with_resource = _listed("by-version")
    with_resource["Metrics"][0]["Dimensions"].append({"Name": "Resource", "Value": "small:1"})
    script.answer(
        "list_metrics",
        {"Metrics": [*_listed("small", "large")["Metrics"], *with_resource["Metrics"]]},
        Namespace="AWS/Lambda",
        MetricName="Invocations",
        Dimensions=[{"Name": "FunctionName"}],
        RecentlyActive="PT3H",
    )
    script.answer(
        "get_metric_data",
        page(entry("m0", 1), entry("m1", 1000)),
        MetricDataQueries=[
            _query("m0", "Invocations", "Sum", name="small"),
            _query("m1", "Invocations", "Sum", name="large"),
        ],
        StartTime=END - timedelta(minutes=10),
        EndTime=END,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    assert list(metrics.busiest(NOW)) == ["large", "small"]


def test_insights_failing_inside_takes_the_slow_way(
    metrics: CloudWatchMetrics, script: Script
) -> None:
    """An answer that is itself an error counts as a refusal."""
    script.answer("get_metric_data", page(entry("leading", status="InternalError")))
    script.answer("list_metrics", {"Metrics": []})

    assert metrics.busiest(NOW) == {}


def test_the_slow_way_in_batches_of_500(metrics: CloudWatchMetrics, script: Script) -> None:
    """More than 500 active functions take a second call."""
    script.refuse("get_metric_data", "ValidationError")
    script.answer("list_metrics", {**_listed(*(f"a{n}" for n in range(500))), "NextToken": "more"})
    script.answer("list_metrics", _listed("last"))
    script.answer("get_metric_data", page(entry("m3", 1)))
    script.answer("get_metric_data", page(entry("m0", 2)))

    assert list(metrics.busiest(NOW)) == ["last", "a3"]


def test_no_way_is_open(metrics: CloudWatchMetrics, script: Script) -> None:
    """Where the slow way is refused, too, CloudWatch is unavailable."""
    script.refuse("get_metric_data", "AccessDenied")
    script.refuse("list_metrics", "AccessDenied")

    with pytest.raises(MetricsUnavailableError):
        metrics.busiest(NOW)


@pytest.mark.parametrize("late", [0, 1, 2, 3, 4])
def test_late_minutes_hide_no_candidate(
    metrics: CloudWatchMetrics, script: Script, late: int
) -> None:
    """Whatever is not published yet, a function is chosen by the newest minutes that are known."""
    end = END - timedelta(minutes=late)
    burst = entry("leading", 900, 0, 0, 0, 0, 1, label="burst", end=end)
    script.answer("get_metric_data", page(burst, entry("leading", 7, label="other", end=end)))

    series = metrics.busiest(NOW)["burst"]

    assert is_candidate(series, 500)
    assert series.end == end


def test_a_half_filled_newest_minute_hides_no_candidate(
    metrics: CloudWatchMetrics, script: Script
) -> None:
    """The newest minute counts as little as it holds; the ones before it decide."""
    script.answer("get_metric_data", page(entry("leading", 600, 650, 90, label="looping")))

    assert is_candidate(metrics.busiest(NOW)["looping"], 500)


def test_at_most_four_minutes_pass_for_late(metrics: CloudWatchMetrics, script: Script) -> None:
    """What is missing of all functions for longer is a standstill."""
    end = END - timedelta(minutes=7)
    script.answer("get_metric_data", page(entry("leading", 900, label="burst", end=end)))

    series = metrics.busiest(NOW)["burst"]

    assert series.end == END - timedelta(minutes=4)
    assert series.values == (None, None, 900.0, None, None, None)


def test_a_function_that_stopped_alone_is_not_late(
    metrics: CloudWatchMetrics, script: Script
) -> None:
    """Where others have newer minutes, a function without them stands still."""
    ended = entry("leading", 900, label="ended", end=END - timedelta(minutes=6))
    script.answer("get_metric_data", page(ended, entry("leading", 3, label="other")))

    assert not is_candidate(metrics.busiest(NOW)["ended"], 500)


def _large(script: Script, clock: Callable[[], float] = lambda: 0.0) -> CloudWatchMetrics:
    return CloudWatchMetrics(script.client, lambda: 10_001, clock)


@pytest.mark.parametrize("count", [None, 0, 10_000])
def test_one_query_sees_a_small_account(script: Script, count: int | None) -> None:
    """Up to 10,000 functions there are no parts, and nothing is asked for."""
    assert CloudWatchMetrics(script.client, lambda: count).part("", 10_000, NOW) is None


def test_a_part_follows_the_one_before(script: Script) -> None:
    """The functions behind the given name are read, by name, and the busiest come first."""
    script.answer("list_metrics", _listed("d", "b", "a", "c"))
    script.answer(
        "get_metric_data",
        page(entry("m0", 1), entry("m1", 900)),
        MetricDataQueries=[
            _query("m0", "Invocations", "Sum", name="b"),
            _query("m1", "Invocations", "Sum", name="c"),
        ],
        StartTime=END - timedelta(minutes=10),
        EndTime=END,
        ScanBy="TimestampAscending",
        MaxDatapoints=100_800,
    )

    part = _large(script).part("a", 2, NOW)

    assert part is not None
    assert list(part.series) == ["c", "b"]
    assert (part.active, part.seen, part.last) == (4, 2, "c")


def test_the_last_part_goes_on_with_the_first_functions(script: Script) -> None:
    """The round is closed: no part is smaller, none is left out."""
    script.answer("list_metrics", _listed("a", "b", "c"))
    script.answer("get_metric_data", page())

    part = _large(script).part("b", 2, NOW)

    assert part is not None
    assert (part.seen, part.last) == (2, "a")


def test_what_takes_too_long_is_left_to_the_next_part(script: Script) -> None:
    """At the end of its time a part ends with what was read."""
    times = iter([0.0, 1.0, 50.0])
    script.answer("list_metrics", _listed(*(f"f{number:04}" for number in range(2100))))
    for _ in range(4):
        script.answer("get_metric_data", page())

    part = _large(script, lambda: next(times)).part("", None, NOW)

    assert part is not None
    assert (part.active, part.seen, part.last) == (2100, 2000, "f1999")


def test_an_account_without_traffic_has_an_empty_part(script: Script) -> None:
    """With no active function the place stays where it was."""
    script.answer("list_metrics", {"Metrics": []})

    part = _large(script).part("m", 10, NOW)

    assert part is not None
    assert (part.active, part.seen, part.last) == (0, 0, "m")


@given(
    names=st.sets(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=30),
    most=st.integers(1, 12),
    after=st.text("abc", max_size=4),
)
def test_every_function_is_seen_within_the_parts(names: set[str], most: int, after: str) -> None:
    """Whatever the place to begin, as many parts as the number takes see every function."""
    read: set[str] = set()
    metrics = CloudWatchMetrics(cast("Any", _Account(names, read)), lambda: 10_001)

    for _ in range(math.ceil(len(names) / most)):
        part = metrics.part(after, most, NOW)
        assert part is not None
        after = part.last

    assert read == names


class _Account:
    """CloudWatch with some functions; keeps whom it was asked for."""

    def __init__(self, names: set[str], read: set[str]) -> None:
        self._names = names
        self._read = read

    def get_paginator(self, _operation: str) -> Any:
        """The only listing there is."""
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        """One page."""
        return [_listed(*self._names)]

    def get_metric_data(self, *, MetricDataQueries: Any, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Nothing of anybody."""
        for one in MetricDataQueries:
            self._read.add(one["MetricStat"]["Metric"]["Dimensions"][0]["Value"])
        return page()
