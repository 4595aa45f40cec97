"""Remediating and undoing: the guard dies anywhere, people interfere, AWS refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.record import LEASE
from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.record import REMEDIATION_RECORD
from functions.domain.diagnosis.remediation import Remediation, RemediationState
from functions.domain.diagnosis.remedy import (
    AddPermission,
    RefreshCredentials,
    Remedy,
    RemedyKind,
)
from functions.domain.errors import SnapshotOverwriteError
from functions.domain.notices.outbox import NoticeStatus
from functions.workflows.diagnosis.remediate import (
    is_statement_of,
    plan_remediation,
    remediate,
    undo,
)
from functions.workflows.diagnosis.run import reconcile, undo_remediations
from tests.unit.domain.diagnosis.checks.test_no_traces import EXPECTED, TRACING_ROLE
from tests.unit.domain.diagnosis.samples import (
    BUSY,
    NOW,
    REFUSED,
    UNDELIVERED,
    CrashError,
    Hospital,
    facts,
    logless,
    reports,
    rule,
    traffic,
)

MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
HOURLY = rule(source_arn=rule().source_arn.replace("nightly", "hourly"))

CASES: dict[str, FunctionUnderDiagnosis] = {
    "logs": logless(),
    "traces": facts(role=TRACING_ROLE, environment=EXPECTED),
    "permissions": facts(triggers=(rule(), HOURLY)),
    "memory": facts(traffic=traffic(p95_duration_ms=2_900), memory_mb=128, reports=reports()),
}
KEY = ("orders", "no_logs")


def case(name: str) -> Remediation:
    """The remediation of the one finding of a case."""
    (finding,) = examine(CASES[name]).findings
    return plan_remediation(finding, finding.remedies[0], NOW)


def opened(name: str) -> tuple[Hospital, Remediation]:
    """An account with the remediation of a case written down, and nothing done."""
    hospital = Hospital()
    return hospital, hospital.context.remediations.open(case(name))


def applied(name: str) -> tuple[Hospital, Remediation]:
    """An account in which a case was remediated."""
    hospital, remediation = opened(name)
    remediation = remediate(remediation, hospital.context, NOW)
    hospital.sent.clear()
    hospital.journal.clear()
    return hospital, remediation


def stored(hospital: Hospital) -> Remediation:
    """The one remediation of an account."""
    (remediation,) = hospital.stored.values()
    return remediation


def survives(run: Callable[[], object]) -> bool:
    """Whether a run ends by itself."""
    try:
        run()
    except CrashError:
        return False
    return True


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


def calls(name: str, *, is_undo: bool) -> list[str]:
    """The calls of an undisturbed run, in order."""
    hospital, remediation = applied(name) if is_undo else opened(name)
    hospital.journal.clear()
    (undo if is_undo else remediate)(remediation, hospital.context, NOW)
    return hospital.journal


RUNS = [
    pytest.param(name, is_undo, number, moment, id=f"{name}-{verb}-{moment}-{number}")
    for name in CASES
    for is_undo, verb in ((False, "treat"), (True, "undo"))
    for moment in ("before", "after")
    for number in range(1, len(calls(name, is_undo=is_undo)) + 1)
]


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


@pytest.mark.parametrize("name", CASES)
def test_what_people_changed_meanwhile_is_left_alone(name: str) -> None:
    """An inverse looks first, and says what it found."""
    hospital, remediation = applied(name)
    hospital.memory_mb, hospital.tracing_mode, hospital.description_ = 3_008, "Off", "mine"
    for key in hospital.policies:
        hospital.policies[key] = '{"Statement": []}'
    for own, text in hospital.statements.items():
        hospital.statements[own] = json.dumps({**json.loads(text), "Action": "lambda:*"})
    before = hospital.state

    undone = undo(remediation, hospital.context, LATER)

    assert hospital.state == before
    assert {one.restored for one in undone.steps} == {StepStatus.CHANGED_MEANWHILE}
    assert undone.state is RemediationState.UNDONE
    assert "left alone" in hospital.subjects[0]


@pytest.mark.parametrize("name", CASES)
def test_what_people_undid_by_hand_is_undone_already(name: str) -> None:
    """Undoing what is not there any more changes nothing."""
    before = Hospital().state
    hospital, remediation = applied(name)
    hospital.memory_mb, hospital.tracing_mode, hospital.description_ = (
        128,
        "PassThrough",
        "takes orders",
    )
    hospital.policies.clear()
    hospital.statements.clear()

    undone = undo(remediation, hospital.context, LATER)

    assert hospital.state == before
    assert {one.restored for one in undone.steps} == {StepStatus.ALREADY}


def test_a_plan_that_is_out_of_date_changes_nothing() -> None:
    """Somebody gave the function memory between the look and the remediation."""
    hospital, remediation = opened("memory")
    hospital.memory_mb = 1_024

    remediation = remediate(remediation, hospital.context, NOW)

    assert hospital.memory_mb == 1_024
    assert remediation.state is RemediationState.FAILED
    assert remediation.steps[0].status is StepStatus.CHANGED_MEANWHILE


def test_what_was_there_before_is_nobody_elses_to_undo() -> None:
    """A setting that somebody else had made already is not put back on rollback."""
    hospital, remediation = opened("traces")
    hospital.tracing_mode = "Active"

    remediation = remediate(remediation, hospital.context, NOW)

    assert remediation.state is RemediationState.FAILED
    assert remediation.steps[0].status is StepStatus.ALREADY
    assert hospital.tracing_mode == "Active"


def test_somebody_elses_policy_of_the_name_is_not_overwritten() -> None:
    """A policy that says something else under the guard's name is left alone."""
    hospital, remediation = opened("logs")
    hospital.policies["orders-role", "Loopbreaker-logs-orders"] = '{"Statement": []}'

    remediation = remediate(remediation, hospital.context, NOW)

    assert remediation.state is RemediationState.FAILED
    assert hospital.policies == {("orders-role", "Loopbreaker-logs-orders"): '{"Statement": []}'}
    assert hospital.description_ == "takes orders"


def test_a_refusal_changes_nothing_and_is_told_with_aws_words() -> None:
    """Where AWS refuses the right, the function is not updated for nothing."""
    hospital, remediation = opened("logs")
    hospital.refusals = {"put_inline_policy": REFUSED}

    remediation = remediate(remediation, hospital.context, NOW)

    assert remediation.state is RemediationState.FAILED
    assert hospital.description_ == "takes orders"
    ((subject, body),) = hospital.sent
    assert subject.startswith("[Loopbreaker] REMEDY NOT APPLIED: orders")
    assert "iam:PutRolePolicy" in body


def test_a_refusal_to_look_changes_nothing() -> None:
    """What cannot be looked at is not changed."""
    hospital, remediation = opened("logs")
    before = hospital.state
    hospital.refusals = {"inline_policy": REFUSED}

    remediation = remediate(remediation, hospital.context, NOW)

    assert (remediation.state, hospital.state) == (RemediationState.FAILED, before)


def test_a_part_that_fails_leaves_the_rest_in_force() -> None:
    """The rights are there, the refresh was refused: told as a part, and undone whole."""
    hospital, remediation = opened("logs")
    before = hospital.state
    hospital.refusals = {"set_description": REFUSED}

    remediation = remediate(remediation, hospital.context, NOW)

    assert remediation.state is RemediationState.APPLIED
    assert "IN PART" in hospital.subjects[0]
    hospital.revive()
    undo(remediation, hospital.context, LATER)
    assert hospital.state == before


@pytest.mark.parametrize("call", ["put_inline_policy", "set_description", "read_configuration"])
def test_a_busy_aws_is_tried_again_by_the_next_run(call: str) -> None:
    """A remediation that AWS was too busy for stays open and is finished later."""
    hospital, remediation = opened("logs")
    hospital.refusals = {call: BUSY}

    waiting = remediate(remediation, hospital.context, NOW)
    hospital.revive()
    reconcile(hospital.context, NOW + MINUTE)

    assert (waiting.state, waiting.lease_until) == (RemediationState.APPLYING, None)
    assert stored(hospital).state is RemediationState.APPLIED
    assert len(hospital.sent) == 1


def test_a_refused_undo_stays_in_force_and_may_be_asked_for_again() -> None:
    """What AWS refuses to put back is told with its words."""
    hospital, remediation = applied("memory")
    hospital.refusals = {"set_memory": REFUSED}

    held = undo(remediation, hospital.context, LATER)

    assert held.state is RemediationState.APPLIED
    assert held.failures == (str(REFUSED),)
    assert hospital.subjects[0].startswith("[Loopbreaker] REMEDY NOT UNDONE: orders")
    hospital.revive()
    (undone,) = undo_remediations(("orders",), hospital.context, LATER + MINUTE)
    assert (undone.state, hospital.memory_mb) == (RemediationState.UNDONE, 128)


@pytest.mark.parametrize(
    "number", range(1, calls("logs", is_undo=False).index("set_description") + 2)
)
def test_a_function_that_is_deleted_meanwhile_leaves_nothing_on_its_role(number: int) -> None:
    """The role outlives its function: what was given to it is taken back."""
    hospital, remediation = opened("logs")

    def delete(count: int, name: str) -> None:
        if count == number:
            hospital.is_deleted = True

    hospital.calls = 0
    hospital.before_call = delete
    remediate(remediation, hospital.context, NOW)

    assert hospital.policies == {}
    assert stored(hospital).state in {RemediationState.DELETED, RemediationState.FAILED}


def test_an_undelivered_notice_is_sent_by_the_next_run() -> None:
    """SNS being down delays the notice, not the remedy."""
    hospital, remediation = opened("traces")
    hospital.refusals = {"publish": UNDELIVERED}

    remediate(remediation, hospital.context, NOW)
    assert hospital.tracing_mode == "Active"
    assert hospital.sent == []
    hospital.revive()
    reconcile(hospital.context, LATER)

    assert len(hospital.sent) == 1


def test_a_treatment_is_continued_with_another_step() -> None:
    """A second trigger joins the same record, so that one rollback undoes both."""
    one = facts(triggers=(rule(),))
    (first,) = examine(one).findings
    hospital = Hospital()
    before = hospital.state
    remediation = remediate(
        hospital.context.remediations.open(plan_remediation(first, first.remedies[0], NOW)),
        hospital.context,
        NOW,
    )
    (second,) = examine(CASES["permissions"]).findings

    more = plan_remediation(second, second.remedies[0], LATER, remediation)
    more = remediate(hospital.context.remediations.save(more), hospital.context, LATER)

    assert more.id == remediation.id
    assert len(hospital.statements) == 2
    assert hospital.journal.count("add_permission") == 2
    undo(more, hospital.context, LATER + MINUTE)
    assert hospital.state == before


def test_only_what_may_be_done_is_ever_planned() -> None:
    """A remedy that is only named cannot become a remediation."""
    (finding,) = examine(CASES["memory"]).findings
    for remedy in (finding.remedies[1], replace(finding.remedies[0], named_only="Never.")):
        with pytest.raises(ValueError, match="never applied"):
            plan_remediation(finding, remedy, NOW)
    with pytest.raises(ValueError, match="never applied"):
        plan_remediation(finding, Remedy(words=""), NOW)


def test_the_snapshot_is_never_overwritten() -> None:
    """What a step found is written once."""
    _, remediation = applied("memory")
    assert remediation.snapshot is not None

    with pytest.raises(SnapshotOverwriteError):
        remediation.with_prior(remediation.snapshot[0])
    assert remediation.was("memory") == "128"


def test_a_long_description_gives_way_to_the_mark_and_comes_back_whole() -> None:
    """The mark always fits, and the description is put back to the letter."""
    hospital, remediation = opened("logs")
    hospital.description_ = "d" * 256

    remediation = remediate(remediation, hospital.context, NOW)
    marked = hospital.description_
    undo(remediation, hospital.context, LATER)

    assert len(marked) <= 256
    assert marked.endswith("(Loopbreaker: credentials refreshed 2026-11-23T09:30Z)")
    assert hospital.description_ == "d" * 256


def test_an_old_mark_is_replaced() -> None:
    """Two refreshes leave one mark."""
    hospital, remediation = opened("logs")
    hospital.description_ = "takes orders (Loopbreaker: credentials refreshed 2026-01-01T00:00Z)"
    remediate(remediation, hospital.context, NOW)

    assert hospital.description_ == (
        "takes orders (Loopbreaker: credentials refreshed 2026-11-23T09:30Z)"
    )


@pytest.mark.parametrize("name", CASES)
def test_the_record_is_read_as_it_was_written(name: str) -> None:
    """A remediation survives being stored as text, before and after it was applied."""
    before, (_, after) = case(name), applied(name)

    assert REMEDIATION_RECORD.load(REMEDIATION_RECORD.dump(before)) == before
    assert REMEDIATION_RECORD.load(REMEDIATION_RECORD.dump(after)) == after


def test_a_statement_is_recognised_in_any_of_its_spellings() -> None:
    """AWS writes keys and operators as it likes; more or fewer conditions are another statement."""
    (first, *_) = case("permissions").steps
    step = first.step
    assert isinstance(step, AddPermission)
    statement = {
        "Sid": step.statement_id,
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": "arn",
        "Condition": {"ArnLike": {"aws:sourceArn": step.source_arn}},
    }
    wider = {**statement, "Condition": {}}

    assert is_statement_of(step, json.dumps(statement))
    assert is_statement_of(step, json.dumps({**statement, "Principal": "events.amazonaws.com"}))
    others: tuple[object, ...] = (wider, {**statement, "Effect": "Deny"}, {}, [], "x")
    for other in others:
        assert not is_statement_of(step, json.dumps(other))
    assert not is_statement_of(step, "not JSON")


def test_a_refresh_is_fixed_when_the_snapshot_is_taken() -> None:
    """The description of the moment counts, not the one of the examination."""
    hospital, remediation = opened("logs")
    hospital.description_ = "new words"
    remediation = remediate(remediation, hospital.context, NOW)
    refresh = remediation.steps[1].step

    assert isinstance(refresh, RefreshCredentials)
    assert refresh.prior == "new words"
    assert hospital.description_.startswith("new words (Loopbreaker")
