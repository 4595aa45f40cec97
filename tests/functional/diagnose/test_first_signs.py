"""Who begins to fail is looked at within the hour, and who always failed is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from functions.domain.diagnosis.collection.failure_metrics import (
    group_of,
    query_group_failures,
    query_rule_failures,
)
from functions.domain.diagnosis.collection.first_signs import begins, is_unusual
from functions.domain.errors import MetricsUnavailableError
from tests.fake_diagnosis import NOON, Ward
from tests.unit.domain.diagnosis.samples import allow

if TYPE_CHECKING:
    from functions.domain.diagnosis.collection.metric_queries import Datapoints

HOUR = timedelta(hours=1)
RECENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
# The tick after the one that examined everything.
LATER = NOON + 3 * HOUR
LATE = RECENT + 3 * HOUR
SILENT = (allow("s3:GetObject"),)


def hourly(*values: float, until: datetime = RECENT) -> Datapoints:
    """One value an hour, the last one of the hour that is running."""
    first = until - HOUR * (len(values) - 1)
    return tuple((first + HOUR * n, value) for n, value in enumerate(values))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((), False),
        (hourly(0, 0, 0), False),
        (hourly(0, 0, 1), True),
        (hourly(0, 1, 0), True),
        (hourly(1, 0, 1), False),
        (hourly(1, 0, 0), False),
        (hourly(1, *[0] * 23, 1), False),
    ],
    ids=["no data", "none", "now", "an hour ago", "again", "over", "daily"],
)
def test_first_are_those_that_no_hour_of_the_day_before_had(
    points: Datapoints, *, expected: bool
) -> None:
    """A failure of every night is nobody's first one."""
    assert begins(points, NOON) is expected


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((), False),
        (hourly(5, 5, 5), False),
        (hourly(5, 0, 6), True),
        (hourly(5, 6, 0), True),
        (hourly(7, 0, 6), False),
        (hourly(1), True),
    ],
    ids=["no data", "as usual", "now", "an hour ago", "less than once", "the first hour"],
)
def test_an_hour_is_unusual_above_every_hour_of_the_day_before(
    points: Datapoints, *, expected: bool
) -> None:
    """The usual noise of an account asks for nothing."""
    assert is_unusual(points, NOON) is expected


@pytest.fixture
def ward() -> Ward:
    """An account that was gone over, and two functions that came since and log nothing."""
    ward = Ward()
    ward.triage.tick(NOON)
    for name in ("orders", "steady"):
        ward.add(name, *SILENT)
        ward.invoked(name, logged=False)
    return ward


def test_first_errors_are_looked_at_within_the_hour(ward: Ward) -> None:
    """The function that begins to fail is examined; the other waits for its day."""
    ward.record("Errors", "orders", (LATE, 3.0))

    ward.triage.tick(LATER)

    assert ward.hospital.subjects == ["[Loopbreaker] FOUND orders: logs do not appear"]
    assert ward.memory.marks == {}


def test_errors_as_usual_are_not(ward: Ward) -> None:
    """A function that failed on the day before is left to the daily round."""
    ward.record("Errors", "orders", (LATE - 12 * HOUR, 1.0), (LATE, 30.0))

    ward.triage.tick(LATER)

    assert ward.hospital.subjects == []


def test_first_errors_in_the_noise_of_others_wait(ward: Ward) -> None:
    """An account with as many errors as ever is not asked function by function."""
    ward.record("Errors", "steady", (LATE - 12 * HOUR, 50.0))
    ward.record("Errors", "orders", (LATE, 3.0))
    asked = ward.asked["signs"]

    ward.triage.tick(LATER)

    assert ward.hospital.subjects == []
    assert ward.asked["signs"] == asked + 4  # two kinds of rules, schedules, and the account


@pytest.mark.parametrize("bus", ["default", "shop"])
def test_first_failed_invocations_are_looked_at_within_the_hour(ward: Ward, bus: str) -> None:
    """The functions that the rule invokes are examined, on whatever bus it is."""
    rule = ward.add_rule("nightly", "orders")
    home = rule.bus_arn.rpartition("/")[0]
    ward.rules[-1] = replace(rule, bus_arn=f"{home}/{bus}")
    ward.series[query_rule_failures(ward.rules[-1])] = ((LATE, 2.0),)

    ward.triage.tick(LATER)

    assert any("FOUND orders: logs do not appear" in one for one in ward.hospital.subjects)
    assert not any("steady" in one for one in ward.hospital.subjects)


def test_first_failures_of_schedules_are_looked_at_within_the_hour(ward: Ward) -> None:
    """The functions that schedules of the group invoke are examined."""
    schedule = ward.add_schedule("nightly", "orders", *SILENT)
    ward.series[query_group_failures(group_of(schedule.arn))] = ((LATE, 2.0),)

    ward.triage.tick(LATER)

    assert any("FOUND orders: logs do not appear" in one for one in ward.hospital.subjects)
    assert any("FOUND orders: a caller is not authorized" in one for one in ward.hospital.subjects)
    assert not any("steady" in one for one in ward.hospital.subjects)


def test_a_rule_that_goes_on_failing_is_not_looked_at_again(ward: Ward) -> None:
    """It was looked at when it began."""
    rule = ward.add_rule("nightly", "orders")
    ward.series[query_rule_failures(rule)] = tuple((LATE - n * HOUR, 2.0) for n in range(5))
    read = ward.asked["account"]

    ward.triage.tick(LATER)

    assert ward.asked["account"] == read


def test_signs_that_are_not_known_keep_nothing_from_being_done(ward: Ward) -> None:
    """What CloudWatch does not tell is logged; what was changed is examined all the same."""
    ward.refusals["signs"] = MetricsUnavailableError("try later")
    ward.memory.touch(("orders",), NOON)

    ward.triage.tick(LATER)

    assert ward.hospital.subjects == ["[Loopbreaker] FOUND orders: logs do not appear"]
    assert ("first errors are not known", {"why": "try later"}) in ward.log.lines


def test_what_a_changed_role_calls_is_looked_at(ward: Ward) -> None:
    """The role of a caller decides whether a function can be invoked."""
    ward.add_machine("shop", "orders", *SILENT)
    ward.memory.touch(("role/shop-role",), NOON)

    ward.triage.tick(LATER)

    assert any("FOUND orders" in one for one in ward.hospital.subjects)
    assert not any("steady" in one for one in ward.hospital.subjects)
