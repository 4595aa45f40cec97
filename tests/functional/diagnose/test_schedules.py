"""Schedules whose role may not invoke: what is asked, what is found, and when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from functions.domain.account.inventory import Role
from functions.domain.diagnosis.facts import DenialSource, Part
from functions.domain.errors import BusyError, MetricsUnavailableError, RefusedError
from functions.workflows.diagnosis.read_schedules import MOST_READ
from tests.fake_diagnosis import NOON, Ward, facts_of, open_ward
from tests.unit.domain.diagnosis.samples import allow, policy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from functions.domain.account.inventory import Schedule

DAY = timedelta(days=1)
INVOKE = "lambda:InvokeFunction"
NOTHING = allow("s3:GetObject")
FOUND = "[Loopbreaker] FOUND orders: a caller is not authorized"
RESOLVED = "[Loopbreaker] RESOLVED orders: a caller is not authorized"


@pytest.fixture
def ward() -> Ward:
    """An account with a healthy function."""
    return open_ward()


def fails(ward: Ward, at: datetime = NOON, group: str = "default") -> None:
    """Let a group have counted errors two hours before a moment, and never else."""
    ward.group_fails(group, (at - timedelta(hours=2), 12.0))


def may(ward: Ward, schedule: Schedule, *statements: Mapping[str, Any]) -> None:
    """Give a schedule's role these rights and no other."""
    ward.roles[schedule.role_arn] = Role(arn=schedule.role_arn, policies=(policy(*statements),))


# -- what is asked


def test_no_schedule_is_read_while_nothing_fails(ward: Ward) -> None:
    """Thousands of schedules take one metric for their group."""
    for number in range(1000):
        ward.add_schedule(f"s{number}", "orders", NOTHING)
    before = ward.asked.total()

    facts = facts_of(ward)

    assert ward.asked["schedules"] == 0
    assert facts.gaps == ()
    assert ward.asked.total() - before < 10


def test_only_schedules_of_the_failing_group_that_invoke_functions_are_read(ward: Ward) -> None:
    """Not those of other groups, of other targets, or disabled ones."""
    ward.add_schedule("nightly", "orders", NOTHING, group="shop")
    ward.add_schedule("hourly", "orders", NOTHING)
    off = ward.add_schedule("off", "orders", NOTHING, group="shop")
    ward.schedules[off.arn] = replace(off, is_enabled=False)
    queue = ward.add_schedule("queue", "orders", NOTHING, group="shop")
    ward.schedules[queue.arn] = replace(queue, target_arn="arn:aws:sqs:us-east-1:123456789012:q")
    fails(ward, group="shop")

    facts = facts_of(ward)

    assert ward.asked["schedules"] == 1
    (denied,) = facts.denials
    assert (denied.source, denied.count) == (DenialSource.SCHEDULE, 12)
    assert denied.principal_arn.endswith("role/nightly-role")


def test_so_many_are_read_and_others_the_next_day(ward: Ward) -> None:
    """The rest is said; in time each has its turn."""
    days = 4
    for number in range(days * MOST_READ):
        ward.add_schedule(f"s{number}", "orders", NOTHING)
    ward.series.clear()
    seen: set[str] = set()
    for day in range(days):
        fails(ward, NOON + day * DAY)
        ward.asked.clear()
        collector = ward.collector(NOON + day * DAY)
        seen |= {one.arn for one in collector.account.schedules if one.role_arn}
        assert ward.asked["schedules"] == MOST_READ

    (facts,) = collector.facts(("orders",), NOON)

    assert seen == set(ward.schedules)
    (gap,) = facts.describe_gaps(Part.SCHEDULES)
    assert gap.startswith("the roles of schedules: those of 150 more were not asked for")


def test_who_is_looked_at_closely_takes_no_turn_of_the_others(ward: Ward) -> None:
    """A function with very many schedules hides no failing group."""
    for number in range(2 * MOST_READ):
        ward.add_schedule(f"s{number}", "orders", group="busy")
    ward.add("billing")
    ward.add_schedule("nightly", "billing", NOTHING)
    fails(ward)

    (facts,) = ward.collector(fresh=("orders",)).facts(("billing",), NOON)

    assert [one.source for one in facts.denials] == [DenialSource.SCHEDULE]
    assert ward.asked["schedules"] == MOST_READ + 1


def test_a_question_about_a_function_reads_its_schedules(ward: Ward) -> None:
    """Who asks gets an answer, also about a schedule that has never run."""
    ward.add_schedule("yearly", "orders", NOTHING)

    (examined_function,) = ward.triage.examine_one("orders", NOON).evaluated

    assert [one.finding.entry for one in examined_function.judged] == ["not_authorized"]


# -- what is found


def test_a_schedule_that_may_not_invoke_is_found(ward: Ward) -> None:
    """With what its group counts, and what would cure it."""
    ward.add_schedule("nightly", "orders", NOTHING)
    fails(ward)

    ward.triage.tick(NOON)

    ((subject, body),) = ward.hospital.sent
    words = " ".join(body.split())
    assert subject == FOUND
    assert "Role nightly-role is set up to invoke orders and may not." in words
    assert "Failed invocations of its schedule group, whichever schedule they were of: 12." in words
    assert "never gives an identity the right to invoke" in words
    assert ward.hospital.policies == {}


@pytest.mark.parametrize(("qualifier", "resource"), [("", ""), ("live", ":live"), ("live", ":*")])
def test_a_schedule_that_may_invoke_is_never_reported(
    ward: Ward, qualifier: str, resource: str
) -> None:
    """However often its group fails, by whatever version it invokes."""
    arn = ward.functions["orders"].arn
    ward.add_schedule("nightly", "orders", allow(INVOKE, f"{arn}{resource}"), qualifier=qualifier)
    fails(ward)

    ward.triage.tick(NOON)

    assert ward.hospital.sent == []
    assert ward.asked["schedules"] == 1
    assert ward.asked["simulator"] == 0


@pytest.mark.parametrize(("qualifier", "resource"), [("", ":live"), ("live", ""), ("live", ":v1")])
def test_a_right_to_another_version_is_none(ward: Ward, qualifier: str, resource: str) -> None:
    """An alias needs a right of its own."""
    arn = ward.functions["orders"].arn
    ward.add_schedule("nightly", "orders", allow(INVOKE, f"{arn}{resource}"), qualifier=qualifier)
    fails(ward)

    ward.triage.tick(NOON)

    assert ward.hospital.subjects == [FOUND]


def test_only_the_one_that_may_not_is_named(ward: Ward) -> None:
    """Its neighbours in the group are left alone."""
    ward.add_schedule("nightly", "orders", NOTHING)
    ward.add_schedule("hourly", "orders", allow(INVOKE))
    fails(ward)

    ward.triage.tick(NOON)

    ((_, body),) = ward.hospital.sent
    assert "nightly" in body
    assert "hourly" not in body


def test_metrics_that_are_not_told_lead_to_no_call(ward: Ward) -> None:
    """What is not known is a gap, and nothing is found."""
    ward.add_schedule("nightly", "orders", NOTHING)
    fails(ward)
    ward.refusals["metrics"] = MetricsUnavailableError("try later")

    facts = facts_of(ward)

    assert ward.asked["schedules"] == 0
    assert facts.lacks(Part.DENIALS)


@pytest.mark.parametrize("error", [RefusedError("AccessDenied: not you"), BusyError("slowly")])
def test_schedules_that_are_not_told_are_a_gap(ward: Ward, error: Exception) -> None:
    """Of the functions that they invoke, and of no other."""
    ward.add("billing")
    ward.add_schedule("nightly", "orders", NOTHING)
    fails(ward)
    ward.refusals["schedules"] = error

    assert facts_of(ward).describe_gaps(Part.SCHEDULES) == (f"the roles of schedules: {error}",)
    assert facts_of(ward, "billing").gaps == ()


# -- when it is over


@pytest.fixture
def found(ward: Ward) -> Schedule:
    """A schedule that was found on the first day."""
    schedule = ward.add_schedule("nightly", "orders", NOTHING)
    fails(ward)
    ward.triage.tick(NOON)
    assert ward.hospital.subjects == [FOUND]
    return schedule


def test_a_quiet_group_ends_nothing(ward: Ward, found: Schedule) -> None:
    """A schedule that runs once a month still may not invoke: its role is read all the same."""
    ward.triage.tick(NOON + 3 * DAY)

    assert ward.hospital.subjects == [FOUND]
    assert [one.causes for one in ward.hospital.stored_book.open] == [
        (f"identity policy:{found.role_arn}",)
    ]
    assert ward.asked["schedules"] == 2


@pytest.mark.parametrize("reader", ["schedules", "metrics"])
@pytest.mark.parametrize("is_quiet", [True, False])
def test_what_could_not_be_read_ends_nothing(
    ward: Ward,
    found: Schedule,
    reader: str,
    *,
    is_quiet: bool,
) -> None:
    """Neither a refused schedule nor a refused metric."""
    later = NOON + 3 * DAY
    fails(ward, NOON if is_quiet else later)
    error = MetricsUnavailableError if reader == "metrics" else RefusedError
    ward.refusals[reader] = error("AccessDenied: not you")

    ward.triage.tick(later)

    assert ward.hospital.subjects == [FOUND]


@pytest.mark.parametrize("is_quiet", [True, False])
def test_a_role_that_may_invoke_ends_it(ward: Ward, found: Schedule, *, is_quiet: bool) -> None:
    """Though the errors of the day before are still counted."""
    later = NOON + DAY
    fails(ward, NOON - DAY if is_quiet else later)
    may(ward, found, allow(INVOKE))

    ward.triage.tick(later)

    assert ward.hospital.subjects == [FOUND, RESOLVED]


@pytest.mark.parametrize("how", ["gone", "gone since", "disabled", "disabled since", "elsewhere"])
def test_a_schedule_that_does_not_invoke_any_more_ends_it(
    ward: Ward, found: Schedule, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the list tells it already or only the schedule itself."""
    listed = ward.account
    match how:
        case "gone" | "gone since":
            ward.schedules.clear()
        case "elsewhere":
            ward.schedules[found.arn] = replace(found, target_arn="arn:aws:sqs:::q")
        case _:
            ward.schedules[found.arn] = replace(found, is_enabled=False)
    if how not in {"gone", "disabled"}:
        monkeypatch.setattr(Ward, "account", listed)

    ward.triage.tick(NOON + DAY)

    assert ward.hospital.subjects == [FOUND, RESOLVED]


@pytest.mark.thorough
def test_a_function_with_very_many_schedules(ward: Ward) -> None:
    """Nobody reads them all: what was found stays until the role that it names may invoke."""
    first = ward.add_schedule("s0", "orders", NOTHING)
    for number in range(1, 20 * MOST_READ):
        one = ward.add_schedule(f"s{number}", "orders")
        ward.schedules[one.arn] = replace(one, role_arn=first.role_arn)
    fails(ward)
    ward.triage.tick(NOON)
    assert ward.hospital.subjects == [FOUND]

    # Their role is another one from now on, all but for one of them.
    for one in [one for one in ward.schedules.values() if one.arn != first.arn]:
        role = f"{first.role_arn}-new"
        ward.schedules[one.arn] = replace(one, role_arn=role)
        ward.roles[role] = Role(arn=role, policies=(policy(allow(INVOKE)),))
    for day in range(1, 4):
        ward.triage.tick(NOON + day * DAY)
    assert ward.hospital.subjects == [FOUND]

    may(ward, first, allow(INVOKE))
    ward.triage.tick(NOON + 4 * DAY)
    assert ward.hospital.subjects == [FOUND, RESOLVED]
