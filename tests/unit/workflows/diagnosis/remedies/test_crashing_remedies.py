"""Runs that die anywhere, come late, or come twice."""

from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.record import LEASE
from functions.domain.diagnosis.remediation import RemediationState
from functions.domain.diagnosis.remedy import (
    RemedyKind,
)
from functions.domain.notices.outbox import NoticeStatus
from functions.workflows.diagnosis.remediate import (
    remediate,
    undo,
)
from functions.workflows.diagnosis.run import reconcile, undo_remediations
from tests.unit.domain.diagnosis.samples import (
    NOW,
)
from tests.unit.workflows.diagnosis.remedies.cases import (
    CASES,
    LATER,
    MINUTE,
    RUNS,
    applied,
    calls,
    case,
    opened,
    stored,
    survives,
)


def test_every_kind_has_a_case() -> None:
    """Whatever is applied is tried, undone and interrupted below."""
    assert {case(name).kind for name in CASES} == set(RemedyKind), "add a function to CASES"


@pytest.mark.parametrize("name", CASES)
def test_undone_is_as_before(name: str) -> None:
    """Remediating changes something, and undoing puts exactly that back; each is told once."""
    hospital, remediation = opened(name)
    before = hospital.state

    remediation = remediate(remediation, hospital.context, NOW)
    changed = hospital.state
    undone = undo(remediation, hospital.context, LATER, "alice")

    assert changed != before
    assert hospital.state == before
    assert (remediation.state, undone.state) == (RemediationState.APPLIED, RemediationState.UNDONE)
    assert [one.split(" orders")[0] for one in hospital.subjects] == [
        "[Loopbreaker] REMEDY APPLIED:",
        "[Loopbreaker] REMEDY UNDONE:",
    ]
    assert all(one.status is NoticeStatus.SENT for one in undone.outbox)


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "is_undo", "number", "moment"), RUNS)
def test_a_crash_anywhere_converges(
    name: str,
    is_undo: bool,  # noqa: FBT001 - a row of the table
    number: int,
    moment: str,
) -> None:
    """The next run finishes what a dead one left: same state, told once, or again if unknown."""
    hospital, remediation = applied(name) if is_undo else opened(name)
    before = opened(name)[0].state
    run = undo if is_undo else remediate
    hospital.crash(number, moment)

    assert not survives(lambda: run(remediation, hospital.context, NOW))
    hospital.revive()
    for pulse in range(1, 5):
        reconcile(hospital.context, NOW + pulse * timedelta(minutes=2))
    if is_undo and stored(hospital).state is RemediationState.APPLIED:
        undo_remediations(
            ("orders",), hospital.context, LATER
        )  # it died before it began: asked again

    is_over = stored(hospital).state
    assert is_over is (RemediationState.UNDONE if is_undo else RemediationState.APPLIED)
    assert (hospital.state == before) is is_undo
    told = [one for one in hospital.subjects if "(again)" not in one]
    repeated = [one for one in hospital.subjects if "(again)" in one]
    assert len(told) <= 1
    assert len(repeated) <= 1
    assert len(told) + len(repeated) >= 1
    if not is_undo:
        undo_remediations((), hospital.context, LATER)
        assert hospital.state == before


def test_the_crashes_above_cover_whole_runs() -> None:
    """The number of calls of a run is what the parametrisation counted, and not none."""
    assert {"inline_policy", "put_inline_policy", "set_description", "publish"} <= set(
        calls("logs", is_undo=False)
    )
    assert len(RUNS) > 100


def test_the_snapshot_is_written_before_the_first_change() -> None:
    """Whatever happens, what was there before is in the ledger first."""
    for name in CASES:
        run = calls(name, is_undo=False)
        changes = [
            index for index, call in enumerate(run) if call.startswith(("set", "put", "add"))
        ]

        assert run[: changes[0]].count("save") >= 2


@pytest.mark.parametrize("name", CASES)
def test_what_a_dead_run_has_undone_is_not_said_to_have_been_so_already(name: str) -> None:
    """It died between the change and its record; the mail says that Loopbreaker undid it."""
    numbers = [
        number
        for number, call in enumerate(calls(name, is_undo=True), start=1)
        if call.startswith(("set", "delete", "remove"))
    ]
    for number in numbers:
        hospital, remediation = applied(name)
        hospital.crash(number, "after")
        assert not survives(lambda: undo(remediation, hospital.context, NOW))  # noqa: B023
        hospital.revive()
        undone = undo(stored(hospital), hospital.context, LATER)

        assert {one.restored for one in undone.steps} == {StepStatus.DONE}


def test_a_lease_goes_by_the_clock_of_a_long_run() -> None:
    """A run that began minutes ago holds the record for as long as one that has just begun."""
    hospital, remediation = opened("logs")
    hospital.clock_at = NOW + 4 * MINUTE
    hospital.crash(len(calls("logs", is_undo=False)) - 3, "before")
    assert not survives(lambda: remediate(remediation, hospital.context, NOW))

    assert stored(hospital).is_leased(NOW + 4 * MINUTE + LEASE / 2)


def test_treating_twice_equals_treating_once() -> None:
    """A remediation that is applied already does nothing when it is resumed."""
    hospital, remediation = opened("logs")
    hospital.crash(len(calls("logs", is_undo=False)) - 3, "before")
    assert not survives(lambda: remediate(remediation, hospital.context, NOW))
    hospital.revive()
    remediate(stored(hospital), hospital.context, LATER)

    assert hospital.journal.count("put_inline_policy") == 1
    assert hospital.journal.count("set_description") == 1


@pytest.mark.parametrize("number", range(1, len(calls("logs", is_undo=False)) + 1))
def test_an_undo_in_the_middle_of_a_treatment_wins(number: int) -> None:
    """A person's rollback, at whatever moment, leaves nothing of the remediation behind."""
    hospital, remediation = opened("logs")
    before = hospital.state

    def interrupt(count: int, name: str) -> None:
        if count == number:
            hospital.before_call = None
            undo_remediations(("orders",), hospital.context, NOW)

    hospital.calls = 0
    hospital.before_call = interrupt
    remediate(remediation, hospital.context, NOW)
    reconcile(hospital.context, LATER)
    undo_remediations((), hospital.context, LATER)

    assert hospital.state == before
    assert stored(hospital).state is RemediationState.UNDONE
