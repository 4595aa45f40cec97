"""A round: what was examined is entered, cured where that is allowed, and told.

Everything in it may be repeated. Treatments have a record and notices of their own, so that a round
that dies between a cure and the book loses neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.domain.diagnosis.authorization import (
    Authorization,
    RemedyDecision,
    RemedyPolicy,
    decide,
)
from functions.domain.diagnosis.checks.registry import CHECKS, examine
from functions.domain.diagnosis.evaluated import EvaluatedFinding, ExaminedFunction
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.finding import Examination, Finding, FindingKey
from functions.domain.diagnosis.finding_registry import (
    Advance,
    Change,
    ChangeKind,
    FindingBook,
    advance,
    listed,
)
from functions.domain.diagnosis.ports import RemediationContext
from functions.domain.diagnosis.remediation import Treatment, TreatmentState
from functions.domain.errors import StaleIncidentError
from functions.domain.notices.diagnosis.digest import (
    compose_digest,
    compose_registry_full,
    compose_weekly,
)
from functions.domain.notices.diagnosis.finding import compose_finding, compose_resolved
from functions.domain.notices.outbox import are_all_sent
from functions.workflows.diagnosis.remediate import planned, treat, undo
from functions.workflows.notices.deliver import deliver_due

# Above so many in one round they come in one notice.
MOST_SINGLE: Final = 5
_TRIES: Final = 4
_OPEN: Final = frozenset({TreatmentState.APPLYING, TreatmentState.APPLIED, TreatmentState.UNDOING})


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisRun:
    """What a round did."""

    patients: tuple[ExaminedFunction, ...]
    changes: tuple[Change, ...]


def make_round(
    examined: Sequence[FunctionUnderDiagnosis],
    practice: RemediationContext,
    policy: RemedyPolicy,
    now: datetime,
    gone: Sequence[str] = (),
) -> DiagnosisRun:
    """Examine functions, cure what may be cured, tell what is new or over.

    Parameters
    ----------
    gone
        Names of functions of the book that no longer exist.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the remediation store does. Making the round again is harmless.
    """
    patients = tuple(_seen(facts, practice, policy, now) for facts in examined)
    if gone:
        for treatment in practice.remediations.treatments(gone):
            if treatment.state in _OPEN and not treatment.is_leased(now):
                undo(treatment, practice, now, closing=TreatmentState.DELETED)
    examinations = (
        *(one.examination for one in patients),
        *(Examination(function=name, exists=False) for name in gone),
    )
    moved = _entered(examinations, patients, practice, now)
    return DiagnosisRun(patients=patients, changes=moved.changes)


def tend(practice: RemediationContext, now: datetime) -> None:
    """Finish treatments that a dead run left, send what is due, and the weekly list.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the remediation store does. Tending again is harmless.
    """
    for treatment in practice.remediations.treatments():
        if treatment.is_leased(now):
            continue
        if treatment.state is TreatmentState.APPLYING:
            treat(treatment, practice, now)
        elif treatment.state is TreatmentState.UNDOING:
            undo(treatment, practice, now, treatment.actor, treatment.closing)
        elif not are_all_sent(treatment):
            save = practice.remediations.save
            deliver_due(treatment, save, practice.publisher, lambda: practice.present(now))
    book = practice.remediations.book()
    if book.is_list_due(now):
        notice = compose_weekly(book, practice.deployment, now)
        name = f"list/{now:%Y%m%dT%H%M%S}Z"
        book = practice.remediations.save_book(listed(book, name, notice.subject, notice.body, now))
    _deliver(book, practice, now)


def followed(practice: RemediationContext) -> frozenset[str]:
    """Names of the functions of which something is open: who no longer exists belongs to `gone`.

    Raises
    ------
    LedgerUnavailableError
        As the remediation store does.
    """
    treated = (one.function for one in practice.remediations.treatments() if one.state in _OPEN)
    return frozenset((*(one.function for one in practice.remediations.book().open), *treated))


def undo_for(
    functions: Sequence[str], practice: RemediationContext, now: datetime, actor: str = ""
) -> tuple[Treatment, ...]:
    """Undo every treatment that is in force on some functions (none named: on all).

    Returns
    -------
    tuple
        The treatments as they are now; `treating.failures` says what AWS refused.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the remediation store does. Undoing again goes on where it stopped.
    """
    return tuple(
        undo(one, practice, now, actor)
        for one in practice.remediations.treatments(functions)
        if one.state in _OPEN
    )


def _seen(
    facts: FunctionUnderDiagnosis, practice: RemediationContext, policy: RemedyPolicy, now: datetime
) -> ExaminedFunction:
    examination = examine(facts)
    return ExaminedFunction(
        facts=facts,
        examination=examination,
        checks=len(CHECKS),
        judged=tuple(
            _judged(finding, facts, practice, policy, now) for finding in examination.findings
        ),
    )


def _judged(
    finding: Finding,
    facts: FunctionUnderDiagnosis,
    practice: RemediationContext,
    policy: RemedyPolicy,
    now: datetime,
) -> EvaluatedFinding:
    """Decide about a finding, and cure it where that is allowed."""
    decision = decide(finding, facts, policy)
    if not decision.is_applied:
        return EvaluatedFinding(finding=finding, decision=decision)
    earlier = practice.remediations.find(finding.function, finding.entry)
    decision = decide(finding, facts, policy, earlier)
    if not decision.is_applied or decision.remedy is None:
        return EvaluatedFinding(finding=finding, decision=decision, treatment=earlier)
    treatment = planned(finding, decision.remedy, now, earlier)
    try:
        if earlier is not None and treatment.id == earlier.id:
            stored = practice.remediations.save(treatment)
        else:
            stored = practice.remediations.open(treatment)
    except StaleIncidentError:
        stored = None
    if stored is None or stored.id != treatment.id or stored.state is not treatment.state:
        # Another run is at it.
        refused = RemedyDecision(consent=Authorization.TREATED_BEFORE, remedy=decision.remedy)
        return EvaluatedFinding(finding=finding, decision=refused, treatment=stored)
    return EvaluatedFinding(
        finding=finding, decision=decision, treatment=treat(stored, practice, now)
    )


def _entered(
    examinations: Sequence[Examination],
    patients: Sequence[ExaminedFunction],
    practice: RemediationContext,
    now: datetime,
) -> Advance:
    """Enter the examinations into the book, with the notices of what is new.

    Another run may write the book at the same time: then both look again.
    """
    for attempt in range(_TRIES):
        book = practice.remediations.book()
        moved = advance(book, examinations, now)
        told = _with_notices(moved, book, patients, practice, now)
        if told == book:
            return moved
        try:
            stored = practice.remediations.save_book(told)
        except StaleIncidentError:
            if attempt == _TRIES - 1:
                raise
            continue
        _deliver(stored, practice, now)
        return moved
    raise AssertionError("unreachable")


def _with_notices(
    moved: Advance,
    before: FindingBook,
    patients: Sequence[ExaminedFunction],
    practice: RemediationContext,
    now: datetime,
) -> FindingBook:
    judged = {one.finding.key: one for patient in patients for one in patient.judged}
    found = [
        one
        for one in moved.changes
        if one.kind is not ChangeKind.CLOSED and not _tells_itself(judged.get(one.record.key))
    ]
    closed = [one for one in moved.changes if one.kind is ChangeKind.CLOSED]
    book = moved.book
    stamp = f"{now:%Y%m%dT%H%M%S}Z"
    for changes in (found, closed):
        if len(changes) > MOST_SINGLE:
            notice = compose_digest(changes, practice.deployment, now)
            name = f"digest/{'closed' if changes is closed else 'found'}/{stamp}"
            book = book.with_notice(name, notice.subject, notice.body)
            continue
        for change in changes:
            one = judged.get(change.record.key)
            notice = (
                compose_resolved(change, practice.deployment, now)
                if change.kind is ChangeKind.CLOSED or one is None
                else compose_finding(change, one, practice.deployment, now)
            )
            name = _name(change.record.key, change.kind, stamp)
            book = book.with_notice(name, notice.subject, notice.body)
    if book.left_out and not before.left_out:
        notice = compose_registry_full(book, practice.deployment, now)
        book = book.with_notice(f"full/{stamp}", notice.subject, notice.body)
    return book


def _tells_itself(judged: EvaluatedFinding | None) -> bool:
    """Whether a remedy was applied in this round, whose own notice says all about the finding."""
    return judged is not None and judged.decision.is_applied and judged.treatment is not None


def _name(key: FindingKey, kind: ChangeKind, stamp: str) -> str:
    return f"{key.function}/{key.entry}/{kind}/{stamp}"


def _deliver(book: FindingBook, practice: RemediationContext, now: datetime) -> None:
    """Send what is due and forget what is sent."""
    save = practice.remediations.save_book
    book = deliver_due(book, save, practice.publisher, lambda: practice.present(now))
    if book.without_sent() != book:
        save(book.without_sent())
