"""The busiest functions, with Metrics Insights, without, and in large accounts."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.aws.detection.lambda_metrics import CloudWatchMetrics
from functions.domain.detection.traffic import is_candidate
from functions.domain.errors import MetricsUnavailableError
from tests.unit.aws.detection.metrics.conftest import (
    END,
    INSIGHTS,
    NOW,
    entry,
    page,
    query,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.aws.stubs import Script


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
            query("m0", "Invocations", "Sum", name="small"),
            query("m1", "Invocations", "Sum", name="large"),
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
            query("m0", "Invocations", "Sum", name="b"),
            query("m1", "Invocations", "Sum", name="c"),
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
