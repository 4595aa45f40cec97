"""The events about findings, and about remedies that were applied or undone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, assert_never

from functions.domain.diagnosis.evaluated import EvaluatedFinding, ExaminedFunction
from functions.domain.diagnosis.finding import Certainty, Finding
from functions.domain.diagnosis.finding_registry import (
    Change,
    ChangeKind,
    FindingBook,
    OpenFinding,
)
from functions.domain.diagnosis.remediation import Remediation, RemediationEvent
from functions.domain.diagnosis.remedy import RemedyOutcome
from functions.domain.notices.diagnosis.remediation import describe_step
from functions.domain.notices.events.diagnosis_facts import FindingFact, RemedyFact, StepFact
from functions.domain.notices.events.encode import (
    LONGEST_NAME,
    MOST_ENTRIES,
    count_rest,
    cut_name,
    cut_text,
    cut_texts,
    encode_facts,
)
from functions.domain.notices.events.facts import EventFacts
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent

MOST_FINDINGS: Final = 20
_OPEN: Final = "open"


def describe_finding(change: Change, judged: EvaluatedFinding, now: datetime) -> NoticeEvent:
    """The event of a finding that is new, has a new cause, or is back."""
    finding = judged.finding
    remedy = judged.decision.remedy or next(iter(finding.remedies), None)
    fact = FindingFact(
        function=cut_name(finding.function),
        entry=finding.entry,
        title=cut_text(finding.title),
        summary=cut_text(finding.summary),
        certainty=finding.certainty.value,
        state=change.kind.value,
        causes=cut_texts(finding.causes, LONGEST_NAME),
        causes_left_out=count_rest(finding.causes),
        evidence=cut_texts([one.compose_sentence() for one in finding.evidence]),
        evidence_left_out=count_rest(finding.evidence),
        remedy=None if remedy is None else cut_text(remedy.words),
        first_seen_at=change.record.first_seen,
    )
    return NoticeEvent(
        kind=EventKind.FINDING_OPENED,
        severity=_rate(finding),
        at=now,
        function=fact.function,
        function_arn=cut_text(finding.function_arn),
        facts=encode_facts(EventFacts(finding=fact)),
    )


def describe_resolved(change: Change, now: datetime) -> NoticeEvent:
    """The event of a finding whose cause is gone."""
    return NoticeEvent(
        kind=EventKind.FINDING_RESOLVED,
        severity=EventSeverity.INFO,
        at=now,
        function=cut_name(change.record.function),
        facts=encode_facts(EventFacts(finding=_describe_record(change.record, change.kind.value))),
    )


def describe_changes(changes: Sequence[Change], now: datetime) -> NoticeEvent:
    """The event of many findings that are new, or resolved, at once."""
    are_closed = all(one.kind is ChangeKind.CLOSED for one in changes)
    severity = EventSeverity.INFO
    if not are_closed and any(one.record.certainty is Certainty.CERTAIN for one in changes):
        severity = EventSeverity.WARNING
    return NoticeEvent(
        kind=EventKind.FINDINGS_LISTED,
        severity=severity,
        at=now,
        facts=_list_findings(
            [_describe_record(one.record, one.kind.value) for one in changes[:MOST_FINDINGS]],
            len(changes),
        ),
    )


def describe_open_findings(
    book: FindingBook, now: datetime, kind: EventKind = EventKind.FINDINGS_LISTED
) -> NoticeEvent:
    """The event of the weekly list, or of findings for which there is no room."""
    is_full = kind is EventKind.FINDINGS_LEFT_OUT
    return NoticeEvent(
        kind=kind,
        severity=EventSeverity.WARNING if is_full else EventSeverity.INFO,
        at=now,
        facts=_list_findings(
            [_describe_record(one, _OPEN) for one in book.open[:MOST_FINDINGS]],
            len(book.open) + len(book.left_out),
        ),
    )


def describe_answer(evaluated: Sequence[ExaminedFunction], now: datetime) -> NoticeEvent:
    """The event of the answer to ``-c diagnose=``."""
    found = [one.finding for each in evaluated for one in each.judged]
    first = evaluated[0].facts if evaluated else None
    return NoticeEvent(
        kind=EventKind.DIAGNOSIS_ANSWERED,
        severity=EventSeverity.INFO,
        at=now,
        function="" if first is None else cut_name(first.name),
        function_arn="" if first is None else cut_text(first.function.arn),
        facts=_list_findings(
            [
                FindingFact(
                    function=cut_name(one.function),
                    entry=one.entry,
                    title=cut_text(one.title),
                    summary=cut_text(one.summary),
                    certainty=one.certainty.value,
                    state=_OPEN,
                )
                for one in found[:MOST_FINDINGS]
            ],
            len(found),
        ),
    )


def describe_remediation(
    event: RemediationEvent, remediation: Remediation, now: datetime
) -> NoticeEvent:
    """The event of a remedy that was applied or undone, or that AWS refused."""
    kind, severity = _choose_remedy_kind(event)
    return NoticeEvent(
        kind=kind,
        severity=severity,
        at=now,
        function=cut_name(remediation.function),
        facts=encode_facts(EventFacts(remedy=describe_remedy(remediation))),
    )


def _choose_remedy_kind(event: RemediationEvent) -> tuple[EventKind, EventSeverity]:
    match event:
        case RemediationEvent.APPLIED:
            return EventKind.REMEDY_APPLIED, EventSeverity.INFO
        case RemediationEvent.APPLY_FAILED:
            return EventKind.REMEDY_NOT_APPLIED, EventSeverity.WARNING
        case RemediationEvent.UNDONE:
            return EventKind.REMEDY_UNDONE, EventSeverity.INFO
        case RemediationEvent.UNDO_FAILED:
            return EventKind.REMEDY_NOT_UNDONE, EventSeverity.WARNING
        case RemediationEvent.DELETED:
            return EventKind.REMEDY_ENDED, EventSeverity.INFO
        case _:
            assert_never(event)


def describe_remedy(remediation: Remediation) -> RemedyFact:
    """How a remedy stands."""
    return RemedyFact(
        id=cut_text(remediation.id),
        function=cut_name(remediation.function),
        entry=cut_name(remediation.entry),
        kind=remediation.kind.value,
        title=cut_text(remediation.title),
        summary=cut_text(remediation.summary),
        remedy=cut_text(remediation.remedy),
        state=remediation.state.value,
        opened_at=remediation.opened_at,
        steps=tuple(map(_describe_outcome, remediation.steps[:MOST_ENTRIES])),
        steps_left_out=count_rest(remediation.steps),
        asked_by=cut_text(remediation.actor) or None,
    )


def _describe_outcome(outcome: RemedyOutcome) -> StepFact:
    return StepFact(
        step=cut_text(describe_step(outcome.step)),
        status=outcome.status.value,
        restored=None if outcome.restored is None else outcome.restored.value,
    )


def _list_findings(found: Sequence[FindingFact], count: int) -> str:
    left_out = max(0, count - len(found))
    return encode_facts(EventFacts(findings=tuple(found), findings_left_out=left_out))


def _describe_record(record: OpenFinding, state: str) -> FindingFact:
    return FindingFact(
        function=cut_name(record.function),
        entry=cut_name(record.entry),
        title=cut_text(record.title),
        summary=cut_text(record.summary),
        certainty=record.certainty.value,
        state=state,
        causes=cut_texts(record.causes, LONGEST_NAME),
        causes_left_out=count_rest(record.causes),
        first_seen_at=record.first_seen,
    )


def _rate(finding: Finding) -> EventSeverity:
    is_certain = finding.certainty is Certainty.CERTAIN
    return EventSeverity.WARNING if is_certain else EventSeverity.INFO
