"""One run of the diagnosis: findings are entered, remediated where that is allowed, and notified.

Everything in it may be repeated. Remediations have a record and notices of their own, so that a
round that dies between a remedy and the registry loses neither.
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
    add_weekly_list,
    advance,
)
from functions.domain.diagnosis.ports import RemediationContext
from functions.domain.diagnosis.remediation import IN_FORCE_STATES, Remediation, RemediationState
from functions.domain.errors import StaleIncidentError
from functions.domain.notices.diagnosis.digest import (
    compose_digest,
    compose_registry_full,
    compose_weekly,
)
from functions.domain.notices.diagnosis.finding import compose_finding, compose_resolved
from functions.domain.notices.events.diagnosis import (
    describe_changes,
    describe_finding,
    describe_open_findings,
    describe_resolved,
)
from functions.domain.notices.events.record import EventKind
from functions.domain.notices.notice import Deployment, Notice, with_event
from functions.domain.notices.outbox import is_settled
from functions.workflows.diagnosis.remediate import plan_remediation, remediate, undo
from functions.workflows.notices.deliver import deliver_due

# Above so many in one round they come in one notice.
MOST_SINGLE: Final = 5
_TRIES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisRun:
    """What a round did."""

    evaluated: tuple[ExaminedFunction, ...]
    changes: tuple[Change, ...]


def run_diagnosis(
    examined: Sequence[FunctionUnderDiagnosis],
    context: RemediationContext,
    policy: RemedyPolicy,
    now: datetime,
    gone: Sequence[str] = (),
) -> DiagnosisRun:
    """Examine functions, remedy what may be remedied, report what is new or over.

    Parameters
    ----------
    gone
        Names of functions with a finding or a remedy that no longer exist.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the remediation store does. Making the round again is harmless.
    """
    evaluated = tuple(_evaluate_function(facts, context, policy, now) for facts in examined)
    if gone:
        for remediation in context.remediations.read_remediations(gone):
            if remediation.state in IN_FORCE_STATES and not remediation.is_leased(now):
                undo(remediation, context, now, closing=RemediationState.DELETED)
    examinations = (
        *(one.examination for one in evaluated),
        *(Examination(function=name, exists=False) for name in gone),
    )
    moved = _enter(examinations, evaluated, context, now)
    return DiagnosisRun(evaluated=evaluated, changes=moved.changes)


def reconcile(context: RemediationContext, now: datetime) -> None:
    """Finish remediations that a dead run left, send what is due, and the weekly list.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the remediation store does. Tending again is harmless.
    """
    for remediation in context.remediations.read_remediations():
        if remediation.is_leased(now):
            continue
        if remediation.state is RemediationState.APPLYING:
            remediate(remediation, context, now)
        elif remediation.state is RemediationState.UNDOING:
            undo(remediation, context, now, remediation.actor, remediation.closing)
        elif not is_settled(remediation):
            save = context.remediations.save
            told = deliver_due(
                remediation,
                save,
                context.publisher,
                lambda: context.present(now),
                context.events.sinks,
            )
            context.events.keep(told.id, told, save)
    book = context.remediations.read_findings()
    if book.is_list_due(now):
        notice = with_event(
            compose_weekly(book, context.describe_place(), now), describe_open_findings(book, now)
        )
        name = f"list/{now:%Y%m%dT%H%M%S}Z"
        book = context.remediations.save_book(add_weekly_list(book, name, notice, now))
    _deliver(book, context, now)


def followed(context: RemediationContext) -> frozenset[str]:
    """Names of the functions of which something is open: who no longer exists belongs to `gone`.

    Raises
    ------
    LedgerUnavailableError
        As the remediation store does.
    """
    treated = (
        one.function
        for one in context.remediations.read_remediations()
        if one.state in IN_FORCE_STATES
    )
    return frozenset(
        (*(one.function for one in context.remediations.read_findings().open), *treated)
    )


def undo_remediations(
    functions: Sequence[str], context: RemediationContext, now: datetime, actor: str = ""
) -> tuple[Remediation, ...]:
    """Undo every remediation that is in force on some functions (none named: on all).

    Returns
    -------
    tuple
        The remediations as they are now; `remediating.failures` says what AWS refused.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the remediation store does. Undoing again goes on where it stopped.
    """
    return tuple(
        undo(one, context, now, actor)
        for one in context.remediations.read_remediations(functions)
        if one.state in IN_FORCE_STATES
    )


def _evaluate_function(
    facts: FunctionUnderDiagnosis, context: RemediationContext, policy: RemedyPolicy, now: datetime
) -> ExaminedFunction:
    examination = examine(facts)
    return ExaminedFunction(
        facts=facts,
        examination=examination,
        checks=len(CHECKS),
        judged=tuple(
            _evaluate_finding(finding, facts, context, policy, now)
            for finding in examination.findings
        ),
    )


def _evaluate_finding(
    finding: Finding,
    facts: FunctionUnderDiagnosis,
    context: RemediationContext,
    policy: RemedyPolicy,
    now: datetime,
) -> EvaluatedFinding:
    """Decide about a finding, and cure it where that is allowed."""
    decision = decide(finding, facts, policy)
    if not decision.is_applied:
        return EvaluatedFinding(finding=finding, decision=decision)
    earlier = context.remediations.find(finding.function, finding.entry)
    decision = decide(finding, facts, policy, earlier)
    if not decision.is_applied or decision.remedy is None:
        return EvaluatedFinding(finding=finding, decision=decision, remediation=earlier)
    remediation = plan_remediation(finding, decision.remedy, now, earlier)
    try:
        if earlier is not None and remediation.id == earlier.id:
            stored = context.remediations.save(remediation)
        else:
            stored = context.remediations.open(remediation)
    except StaleIncidentError:
        stored = None
    if stored is None or stored.id != remediation.id or stored.state is not remediation.state:
        # Another run is at it.
        refused = RemedyDecision(consent=Authorization.TREATED_BEFORE, remedy=decision.remedy)
        return EvaluatedFinding(finding=finding, decision=refused, remediation=stored)
    return EvaluatedFinding(
        finding=finding, decision=decision, remediation=remediate(stored, context, now)
    )


def _enter(
    examinations: Sequence[Examination],
    evaluated: Sequence[ExaminedFunction],
    context: RemediationContext,
    now: datetime,
) -> Advance:
    """Enter the examinations into the book, with the notices of what is new.

    Another run may write the book at the same time: then both look again.
    """
    for attempt in range(_TRIES):
        book = context.remediations.read_findings()
        moved = advance(book, examinations, now)
        told = _add_notices(moved, book, evaluated, context, now)
        if told == book:
            return moved
        try:
            stored = context.remediations.save_book(told)
        except StaleIncidentError:
            if attempt == _TRIES - 1:
                raise
            continue
        _deliver(stored, context, now)
        return moved
    raise AssertionError("unreachable")


def _add_notices(
    moved: Advance,
    before: FindingBook,
    evaluated: Sequence[ExaminedFunction],
    context: RemediationContext,
    now: datetime,
) -> FindingBook:
    judged = {
        one.finding.key: one for examined_function in evaluated for one in examined_function.judged
    }
    found = [
        one
        for one in moved.changes
        if one.kind is not ChangeKind.CLOSED and not _has_own_notice(judged.get(one.record.key))
    ]
    closed = [one for one in moved.changes if one.kind is ChangeKind.CLOSED]
    book = moved.book
    stamp = f"{now:%Y%m%dT%H%M%S}Z"
    for changes in (found, closed):
        if len(changes) > MOST_SINGLE:
            notice = with_event(
                compose_digest(changes, context.describe_place(), now),
                describe_changes(changes, now),
            )
            name = f"digest/{'closed' if changes is closed else 'found'}/{stamp}"
            book = book.with_notice(name, notice.subject, notice.body, notice.event)
            continue
        for change in changes:
            one = judged.get(change.record.key)
            notice = _compose(change, one, context.describe_place(), now)
            name = _name_notice(change.record.key, change.kind, stamp)
            book = book.with_notice(name, notice.subject, notice.body, notice.event)
    if book.left_out and not before.left_out:
        notice = with_event(
            compose_registry_full(book, context.describe_place(), now),
            describe_open_findings(book, now, EventKind.FINDINGS_LEFT_OUT),
        )
        book = book.with_notice(f"full/{stamp}", notice.subject, notice.body, notice.event)
    return book


def _compose(
    change: Change, judged: EvaluatedFinding | None, deployment: Deployment, now: datetime
) -> Notice:
    """The mail about one finding, with its event."""
    if change.kind is ChangeKind.CLOSED or judged is None:
        return with_event(compose_resolved(change, deployment, now), describe_resolved(change, now))
    return with_event(
        compose_finding(change, judged, deployment, now), describe_finding(change, judged, now)
    )


def _has_own_notice(judged: EvaluatedFinding | None) -> bool:
    """Whether a remedy was applied in this round, whose own notice says all about the finding."""
    return judged is not None and judged.decision.is_applied and judged.remediation is not None


def _name_notice(key: FindingKey, kind: ChangeKind, stamp: str) -> str:
    return f"{key.function}/{key.entry}/{kind}/{stamp}"


def _deliver(book: FindingBook, context: RemediationContext, now: datetime) -> None:
    """Send what is due and forget what is sent."""
    save = context.remediations.save_book
    book = deliver_due(
        book, save, context.publisher, lambda: context.present(now), context.events.sinks
    )
    if book.without_sent() != book:
        book = save(book.without_sent())
    context.events.keep("findings", book, lambda one: save(one.without_sent()))
