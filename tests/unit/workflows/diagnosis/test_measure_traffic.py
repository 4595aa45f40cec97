"""What datapoints say of functions, and how few are asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from functions.domain.diagnosis.collection.failure_metrics import query_rule_failures
from functions.domain.diagnosis.collection.metric_queries import Window
from functions.domain.diagnosis.collection.traffic import compute_window
from functions.workflows.diagnosis.measure_traffic import count_failures, measure_traffic
from tests.fake_diagnosis import NOON, Ward

if TYPE_CHECKING:
    from functions.domain.diagnosis.collection.traffic import Measured

MIDNIGHT = datetime(2026, 11, 23, tzinfo=NOON.tzinfo)
YESTERDAY = MIDNIGHT - timedelta(days=1)
ELEVEN = MIDNIGHT + timedelta(hours=11)


@pytest.fixture
def ward() -> Ward:
    """An account with one function."""
    ward = Ward()
    ward.add("orders")
    return ward


def measured(ward: Ward) -> Measured:
    """What is measured of the function."""
    found = measure_traffic(tuple(ward.functions.values()), ward.readers.metrics, NOON)
    return found["orders"]


def test_the_window_ends_with_the_running_period() -> None:
    """Whole periods of five minutes, over a day."""
    assert compute_window(NOON) == Window(
        since=NOON.replace(minute=5) - timedelta(days=1),
        until=NOON.replace(minute=5),
        period_seconds=300,
    )


def test_a_function_that_was_not_invoked_is_asked_about_once(ward: Ward) -> None:
    """CloudWatch is paid by the metric: nothing else of it is asked for."""
    found = measured(ward)

    assert found.traffic.invocations == 0
    assert found.traffic.first_invoked_at is None
    assert (found.traffic.errors, found.logged) == (None, None)


def test_what_was_invoked(ward: Ward) -> None:
    """Sums, extremes, the first and the last period, and what was logged."""
    ward.invoked("orders", 60)
    ward.record("Invocations", "orders", (ELEVEN, 60.0), (ELEVEN + timedelta(minutes=5), 40.0))
    ward.record("Errors", "orders", (ELEVEN, 3.0))
    ward.record(
        "Duration",
        "orders",
        (ELEVEN, 900.0),
        (ELEVEN + timedelta(minutes=5), 1200.0),
        statistic="Maximum",
    )

    found = measured(ward)

    assert found.traffic.invocations == 100
    assert found.traffic.errors == 3
    assert found.traffic.first_invoked_at == ELEVEN
    assert found.traffic.last_invoked_at == ELEVEN + timedelta(minutes=5)
    assert found.traffic.max_duration_ms == 1200
    assert found.logged == ((ELEVEN, 180.0),)


def test_days_are_weighed_by_their_invocations(ward: Ward) -> None:
    """A day's percentile counts as much as was invoked on it."""
    before = MIDNIGHT - timedelta(hours=2)
    ward.record("Invocations", "orders", (before, 25.0), (ELEVEN, 75.0))
    ward.record("Duration", "orders", (YESTERDAY, 400.0), (MIDNIGHT, 800.0), statistic="p95")

    assert measured(ward).traffic.p95_duration_ms == 0.25 * 400 + 0.75 * 800


def test_the_mean_is_asked_for_where_a_price_is_told(ward: Ward) -> None:
    """Only of functions that come close to their timeout of three seconds."""
    ward.record("Invocations", "orders", (ELEVEN, 75.0))
    ward.record("Duration", "orders", (MIDNIGHT, 800.0), statistic="Average")
    ward.record("Duration", "orders", (ELEVEN, 1000.0), statistic="Maximum")
    assert measured(ward).traffic.mean_duration_ms is None

    ward.record("Duration", "orders", (ELEVEN, 1600.0), statistic="Maximum")

    assert measured(ward).traffic.mean_duration_ms == 800


def test_what_was_before_a_change_does_not_count(ward: Ward) -> None:
    """Datapoints of another configuration say nothing of this one."""
    changed = ELEVEN + timedelta(minutes=2)
    ward.add("orders", last_modified=changed)
    after = ELEVEN + timedelta(minutes=5)
    ward.record("Invocations", "orders", (ELEVEN, 60.0), (after, 40.0))
    ward.record("Duration", "orders", (ELEVEN, 9000.0), (after, 100.0), statistic="Maximum")
    ward.record("Duration", "orders", (ELEVEN, 8000.0), (after, 90.0), statistic="p95")

    found = measured(ward).traffic

    assert found.since == changed
    assert (found.invocations, found.max_duration_ms, found.p95_duration_ms) == (40, 100, 90)


def test_a_percentile_out_of_short_periods_is_not_their_mean(ward: Ward) -> None:
    """One invocation in ten is slow, and alone in its period: that is seen."""
    ward.add("orders", last_modified=ELEVEN - timedelta(hours=2))
    points = [ELEVEN + timedelta(minutes=5 * number) for number in range(10)]
    ward.record("Invocations", "orders", *((at, 1.0) for at in points))
    ward.record(
        "Duration",
        "orders",
        *((at, 2900.0 if number == 3 else 100.0) for number, at in enumerate(points)),
        statistic="p95",
    )

    assert measured(ward).traffic.p95_duration_ms == 2900


def test_failures_of_rules(ward: Ward) -> None:
    """Only rules, and groups of schedules, that failed are in it; all are asked for at once."""
    rule = ward.add_rule("nightly", "orders")
    ward.add_rule("hourly", "orders")
    ward.series[query_rule_failures(rule)] = ((YESTERDAY, 2.0), (MIDNIGHT, 5.0))
    ward.group_fails("shop", (MIDNIGHT, 3.0))

    found = count_failures(ward.rules, ("default", "shop"), ward.readers.metrics, NOON)

    assert found == {rule.arn: 7, "shop": 3}
    assert ward.asked["metrics"] == 1
