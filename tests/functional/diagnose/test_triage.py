"""The diagnosis through days: what is found, cured, told and closed, and how often it looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.account.inventory import Area, Gap
from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.collection.guard_state import GuardState
from functions.domain.diagnosis.facts import DenialSource, DeniedCall
from functions.domain.diagnosis.remediation import RemediationState
from functions.domain.diagnosis.remedy import RemedyKind
from functions.domain.diagnosis.triage import DeniedInvocation, Tick, Touched
from functions.domain.errors import (
    BusyError,
    LedgerUnavailableError,
    MetricsUnavailableError,
    RefusedError,
)
from functions.workflows.diagnosis import triage as module
from functions.workflows.diagnosis.run import run_diagnosis
from functions.workflows.diagnosis.triage import UnknownFunctionError, UnreadAccountError
from tests.fake_diagnosis import LOGS, NOON, Ward
from tests.unit.domain.diagnosis.samples import allow

if TYPE_CHECKING:
    from tests.unit.domain.diagnosis.samples import Hospital

DAY = timedelta(days=1)
ALL = RemedyPolicy(kinds=frozenset(RemedyKind), memory_ceiling_mb=1024)


@pytest.fixture
def ward() -> Ward:
    """An account with a function that is well, and one that logs nothing."""
    ward = Ward()
    ward.add("well")
    ward.invoked("well")
    ward.add("orders", allow("s3:GetObject"))
    ward.invoked("orders", logged=False)
    return ward


# -- when it looks


def test_the_first_tick_goes_over_all_functions(ward: Ward) -> None:
    """What it finds is told, one notice for one thing."""
    ward.triage.tick(NOON)

    assert ward.hospital.subjects == ["[Loopbreaker] FOUND orders: logs do not appear"]
    assert ward.memory.stored is not None
    assert ward.memory.stored.finished_at == NOON


def test_the_next_hours_do_nothing(ward: Ward) -> None:
    """Until a day has passed nothing is read."""
    for hour in range(24):
        ward.triage.tick(NOON + timedelta(hours=hour))

    assert ward.asked["account"] == 1


def test_the_next_day_finds_the_same_and_is_silent(ward: Ward) -> None:
    """A finding is told once."""
    for day in range(3):
        ward.triage.tick(NOON + day * DAY)

    assert ward.asked["account"] == 3
    assert len(ward.hospital.subjects) == 1


def test_a_change_is_looked_at_within_the_hour(ward: Ward) -> None:
    """The function that was changed, and those whose role was, and no other."""
    ward.triage.tick(NOON)
    soon = NOON + timedelta(minutes=10)
    ward.add("late", allow("s3:GetObject"))
    ward.invoked("late", logged=False)
    ward.triage.handle(Touched(at=soon, names=("role/late-role",)), soon)

    ward.triage.tick(NOON + timedelta(hours=1))

    assert ward.hospital.subjects[-1] == "[Loopbreaker] FOUND late: logs do not appear"
    assert ward.memory.marks == {}
    examined = [fields for text, fields in ward.log.lines if text == "examined"]
    assert examined[-1]["functions"] == 1


def test_events_alone_read_nothing(ward: Ward) -> None:
    """A deployment of a hundred changes leads to one reading."""
    for number in range(100):
        ward.triage.handle(Touched(at=NOON, names=(f"f{number}",)), NOON)

    assert ward.asked["account"] == 0


def test_what_was_found_is_read_afresh(ward: Ward) -> None:
    """A finding is closed by nothing that is older than the look."""
    ward.triage.tick(NOON)
    ward.triage.tick(NOON + DAY)

    assert ward.fresh == [[], ["orders"]]


def test_a_denied_invocation_is_remembered_and_examined(ward: Ward) -> None:
    """CloudTrail's data events are facts of the next look."""
    caller = "arn:aws:iam::123456789012:role/caller"
    call = DeniedCall(source=DenialSource.CLOUDTRAIL, principal_arn=caller, last_at=NOON)

    ward.triage.handle(DeniedInvocation(at=NOON, function="well", call=call), NOON)

    assert ward.memory.denied == [("well", call)]
    assert set(ward.memory.marks) == {"well"}


# -- when time runs out


def test_a_long_round_goes_on_where_it_stopped(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function is examined once, in however many runs."""
    monkeypatch.setattr(module, "BATCH", 1)
    triage = ward.triage
    left = iter([900.0, 10.0])
    hurried = replace(triage, seconds_left=lambda: next(left))

    hurried.tick(NOON)
    progress = ward.memory.stored
    ward.triage.tick(NOON + timedelta(hours=1))

    assert progress is not None
    assert (progress.after, progress.finished_at) == ("orders", None)
    counts = [f["functions"] for text, f in ward.log.lines if text == "examined"]
    assert counts == [1, 1]
    assert ward.memory.stored is not None
    assert ward.memory.stored.finished_at is not None


def test_an_account_that_cannot_be_read_in_time_is_said(ward: Ward) -> None:
    """The run fails, so that an alarm rings, and the next one tries again."""
    ward.is_time_up = True

    with pytest.raises(UnreadAccountError):
        ward.triage.tick(NOON)

    assert ward.memory.stored is None


# -- cures


def test_nothing_is_cured_by_default(ward: Ward) -> None:
    """Without the flag nothing is changed."""
    healthy = ward.hospital.state

    for day in range(3):
        ward.triage.tick(NOON + day * DAY)

    assert ward.hospital.state == healthy


def test_a_cure_and_its_end(ward: Ward) -> None:
    """Applied, told, and closed once the logs appear."""
    ward.policy = ALL
    ward.triage.tick(NOON)
    assert list(ward.hospital.policies) == [("orders-role", "Loopbreaker-logs-orders")]

    ward.add("orders")
    ward.invoked("orders")
    ward.triage.tick(NOON + DAY - timedelta(hours=1))
    ward.triage.handle(Touched(at=NOON, names=("orders",)), NOON)
    ward.triage.tick(NOON + timedelta(minutes=30))

    assert ward.hospital.subjects == [
        "[Loopbreaker] REMEDY APPLIED: orders, logs do not appear",
        "[Loopbreaker] RESOLVED orders: logs do not appear",
    ]


@pytest.mark.parametrize(
    "guard",
    [GuardState(contained=frozenset({"orders"})), GuardState(exempt=frozenset({"orders"}))],
)
def test_contained_and_exempt_functions_are_never_changed(ward: Ward, guard: GuardState) -> None:
    """Whatever the flags say."""
    ward.policy = ALL
    ward.guard = guard
    healthy = ward.hospital.state

    ward.triage.tick(NOON)

    assert ward.hospital.state == healthy
    assert ward.hospital.stored == {}


def test_held_functions_are_not_examined(ward: Ward) -> None:
    """What they do now says nothing of them: their findings stay as they are."""
    ward.triage.tick(NOON)
    ward.guard = GuardState(contained=frozenset({"orders"}))
    ward.add("orders")
    ward.invoked("orders")

    ward.triage.tick(NOON + DAY)

    assert len(ward.hospital.stored_book.open) == 1
    examined = [fields for text, fields in ward.log.lines if text == "examined"]
    assert examined[-1]["functions"] == 1


@pytest.mark.thorough
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_dies_anywhere_is_finished_by_the_next(moment: str) -> None:
    """At every call of a round with a remediation: the end is the same, and told."""
    calls = _calls_of_a_round()
    assert calls > 10
    for number in range(1, calls + 1):
        ward = _silent_ward()
        _die_at(number, moment, ward.hospital)
        try:
            ward.triage.tick(NOON)
        except ProcessDiedError:
            ward.hospital.revive()
            ward.triage.tick(NOON + timedelta(hours=1))
        ward.hospital.revive()

        assert list(ward.hospital.policies) == [("orders-role", "Loopbreaker-logs-orders")], number
        (remediation,) = ward.hospital.stored.values()
        assert remediation.state is RemediationState.APPLIED, (number, moment)
        told = [one for one in ward.hospital.subjects if "REMEDY APPLIED" in one]
        assert told, (number, moment)
        assert {one.was for one in remediation.snapshot or ()} == {None, "takes orders"}, number


class ProcessDiedError(BaseException):
    """No code survives it."""


def _die_at(number: int, moment: str, hospital: Hospital) -> None:
    def die(count: int, name: str) -> None:
        if count == number:
            raise ProcessDiedError(name)

    hospital.calls = 0
    if moment == "before":
        hospital.before_call = die
    else:
        hospital.after_call = die


def _silent_ward() -> Ward:
    ward = Ward(policy=ALL)
    ward.add("orders", allow("s3:GetObject"))
    ward.invoked("orders", logged=False)
    return ward


def _calls_of_a_round() -> int:
    ward = _silent_ward()
    ward.triage.tick(NOON)
    return ward.hospital.calls


@pytest.mark.parametrize(
    "error", [RefusedError("AccessDenied: not you"), BusyError("Rate exceeded")]
)
def test_a_refused_cure_stops_nothing_else(ward: Ward, error: Exception) -> None:
    """The other function is examined and told of."""
    ward.policy = ALL
    ward.add("another", tracing_mode="Active", tags={"tracing": "active"})
    ward.invoked("another")
    ward.hospital.refusals["put_inline_policy"] = error

    ward.triage.tick(NOON)

    assert ward.hospital.policies == {}
    assert any("another" in one for one in ward.hospital.subjects)


def test_a_function_that_is_deleted_during_its_cure_is_closed(ward: Ward) -> None:
    """Nothing is left behind, and people are notified."""
    ward.policy = ALL
    ward.hospital.is_deleted = True

    ward.triage.tick(NOON)

    (remediation,) = ward.hospital.stored.values()
    assert remediation.is_closed
    assert ward.hospital.policies == {}


# -- what is gone, and what is not told


def test_a_deleted_function_closes_its_findings(ward: Ward) -> None:
    """The round that does not find it any more says so."""
    ward.triage.tick(NOON)
    ward.functions.pop("orders")

    ward.triage.tick(NOON + DAY)

    assert ward.hospital.stored_book.open == ()
    assert ward.hospital.subjects[-1].startswith("[Loopbreaker] RESOLVED orders")


def test_a_list_that_was_not_told_closes_nothing(ward: Ward) -> None:
    """A function that could not be listed is not gone."""
    ward.triage.tick(NOON)
    ward.functions.pop("orders")
    ward.gaps = (Gap(area=Area.FUNCTIONS, words="AccessDenied"),)

    ward.triage.tick(NOON + DAY)

    assert len(ward.hospital.stored_book.open) == 1


def _cure(ward: Ward) -> None:
    """Let a finding be remedied and be over."""
    ward.policy = ALL
    ward.triage.tick(NOON)
    ward.add("orders", LOGS)
    ward.invoked("orders")
    ward.triage.tick(NOON + DAY)
    assert ward.hospital.policies
    assert ward.hospital.stored_book.open == ()


def _delete_orders(ward: Ward) -> None:
    ward.functions.pop("orders")
    ward.hospital.is_deleted = True


def test_a_remedy_does_not_outlive_its_function(ward: Ward) -> None:
    """Its finding was over long before, and its role may serve others."""
    _cure(ward)
    _delete_orders(ward)

    ward.triage.tick(NOON + 2 * DAY)

    assert ward.hospital.policies == {}
    (remediation,) = ward.hospital.stored.values()
    assert remediation.state is RemediationState.DELETED
    assert ward.hospital.subjects[-1].startswith("[Loopbreaker] REMEDY UNDONE: orders")


def test_a_remedy_stays_while_not_all_functions_are_listed(ward: Ward) -> None:
    """Who is missing in a part of the list may exist."""
    _cure(ward)
    _delete_orders(ward)
    ward.gaps = (Gap(area=Area.FUNCTIONS, words="AccessDenied"),)

    ward.triage.tick(NOON + 2 * DAY)

    assert ward.hospital.policies


@pytest.mark.parametrize("answer", [None, BusyError("Rate exceeded")])
def test_a_remedy_stays_where_its_function_may_exist(ward: Ward, answer: Exception | None) -> None:
    """The list may be older than the function, which was created again."""

    def ask(_function: str) -> None:
        if answer is not None:
            raise answer

    _cure(ward)
    ward.functions.pop("orders")

    replace(ward.triage, exists=ask).tick(NOON + 2 * DAY)

    assert ward.hospital.policies


def test_a_remedy_that_stays_on_a_role_is_told_once(ward: Ward) -> None:
    """Each round tries again, and says when it is taken back."""
    _cure(ward)
    _delete_orders(ward)
    ward.hospital.refusals["delete_inline_policy"] = RefusedError("AccessDenied: not you")
    told = len(ward.hospital.subjects)

    for number in range(2, 6):
        ward.triage.tick(NOON + number * DAY)
    assert [one.split(" orders")[0] for one in ward.hospital.subjects[told:]] == [
        "[Loopbreaker] REMEDY NOT UNDONE:"
    ]
    ward.hospital.revive()
    ward.triage.tick(NOON + 6 * DAY)

    assert ward.hospital.policies == {}
    assert ward.hospital.subjects[-1].startswith("[Loopbreaker] REMEDY UNDONE: orders")
    assert len(ward.hospital.subjects) == told + 2


def test_metrics_that_are_not_told_close_nothing(ward: Ward) -> None:
    """Silence that proves nothing leaves a finding as it is, and the gap is said once."""
    ward.triage.tick(NOON)
    ward.refusals["metrics"] = MetricsUnavailableError("AccessDenied: not you")

    ward.triage.tick(NOON + DAY)

    assert len(ward.hospital.stored_book.open) == 1
    (gaps,) = [f["gaps"] for text, f in ward.log.lines if text == "examined"][-1:]
    assert [one for one in gaps if "CloudWatch metrics" in one] == [
        "CloudWatch metrics: AccessDenied: not you"
    ]


def test_the_record_being_down_is_raised(ward: Ward) -> None:
    """Lambda tries again, then it is a dead letter."""
    ward.hospital.refusals["read_findings"] = LedgerUnavailableError("down")

    with pytest.raises(LedgerUnavailableError):
        ward.triage.handle(Tick(at=NOON), NOON)


def test_a_function_that_nobody_expected_stops_no_other(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong with one is logged, and the others are examined."""
    ward.add("odd")
    ward.invoked("odd")
    usual = run_diagnosis

    def odd(examined: Any, *rest: Any, **more: Any) -> Any:
        if any(one.name == "odd" for one in examined):
            raise ZeroDivisionError
        return usual(examined, *rest, **more)

    monkeypatch.setattr(module, "run_diagnosis", odd)

    ward.triage.tick(NOON)

    assert ward.hospital.subjects == ["[Loopbreaker] FOUND orders: logs do not appear"]
    failed = [f["function"] for text, f in ward.log.lines if "could not be examined" in text]
    assert failed == ["odd"]
    assert ward.memory.stored is not None
    assert ward.memory.stored.finished_at == NOON


# -- on demand


def test_a_question_about_one_function(ward: Ward) -> None:
    """It is examined alone."""
    done = ward.triage.examine_one("orders", NOON)

    assert [one.facts.name for one in done.evaluated] == ["orders"]
    assert [one.finding.entry for one in done.evaluated[0].judged] == ["no_logs"]
    assert ward.fresh == [("orders",)]


def test_a_question_about_nobody(ward: Ward) -> None:
    """It names the function, and reads nothing."""
    with pytest.raises(UnknownFunctionError, match="there is no function nobody"):
        ward.triage.examine_one("nobody", NOON)

    assert ward.asked["account"] == 0
