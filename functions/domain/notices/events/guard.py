"""The events about the guard itself: its records, its tags, its capacity, and its end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.detection.evidence import FunctionFacts
from functions.domain.diagnosis.remediation import Remediation
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import build_own_restore_command
from functions.domain.notices.events.diagnosis import describe_remedy
from functions.domain.notices.events.encode import (
    count_rest,
    cut_name,
    cut_text,
    encode_facts,
    take_command,
)
from functions.domain.notices.events.facts import CommandsFact, EventFacts, GuardFact
from functions.domain.notices.events.incident import describe_left
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.notice import Deployment

_MOST_LEFT: Final = 10


def describe_doubtful_tag(
    facts: FunctionFacts, deployment: Deployment, at: datetime
) -> NoticeEvent:
    """The event of a tag without the guard's seal."""
    detail = "A tag says that Loopbreaker stopped the function. It has no seal of Loopbreaker's."
    restore = take_command(build_own_restore_command(facts.name, deployment.region))
    return NoticeEvent(
        kind=EventKind.TAG_IN_DOUBT,
        severity=EventSeverity.WARNING,
        at=at,
        function=cut_name(facts.name),
        function_arn=cut_text(facts.arn),
        facts=encode_facts(
            EventFacts(
                guard=GuardFact(trouble=EventKind.TAG_IN_DOUBT.value, detail=detail),
                commands=CommandsFact(restore=restore),
            )
        ),
    )


def describe_unreadable_tag(facts: FunctionFacts, at: datetime) -> NoticeEvent:
    """The event of a tag that the guard cannot have written."""
    detail = "A tag of Loopbreaker's name holds what Loopbreaker never writes."
    return NoticeEvent(
        kind=EventKind.TAG_UNREADABLE,
        severity=EventSeverity.WARNING,
        at=at,
        function=cut_name(facts.name),
        function_arn=cut_text(facts.arn),
        facts=encode_facts(
            EventFacts(guard=GuardFact(trouble=EventKind.TAG_UNREADABLE.value, detail=detail))
        ),
    )


def describe_unreadable_record(function: str, at: datetime) -> NoticeEvent:
    """The event of a record that nobody can read: the function may be held."""
    detail = "The record of the function cannot be read. It may be held, and nobody looks after it."
    return NoticeEvent(
        kind=EventKind.RECORD_UNREADABLE,
        severity=EventSeverity.CRITICAL,
        at=at,
        function=cut_name(function),
        facts=encode_facts(
            EventFacts(guard=GuardFact(trouble=EventKind.RECORD_UNREADABLE.value, detail=detail))
        ),
    )


def describe_guard_unprotected(text: str, at: datetime) -> NoticeEvent:
    """The event of a guard without concurrency of its own."""
    guard = GuardFact(trouble=EventKind.GUARD_UNPROTECTED.value, detail=cut_text(text, 600))
    return NoticeEvent(
        kind=EventKind.GUARD_UNPROTECTED,
        severity=EventSeverity.WARNING,
        at=at,
        facts=encode_facts(EventFacts(guard=guard)),
    )


def describe_functions_left(
    incidents: Sequence[Incident], deployment: Deployment, at: datetime
) -> NoticeEvent:
    """The event of a deleted guard, with the functions that stay held."""
    facts = EventFacts(
        incidents=describe_left(incidents[:_MOST_LEFT], deployment),
        incidents_left_out=count_rest(incidents, _MOST_LEFT),
        guard=GuardFact(trouble="functions_left", detail="The functions stay as they are."),
    )
    return NoticeEvent(
        kind=EventKind.GUARD_DELETED,
        severity=EventSeverity.CRITICAL,
        at=at,
        facts=encode_facts(facts),
    )


def describe_remedies_left(remediations: Sequence[Remediation], at: datetime) -> NoticeEvent:
    """The event of a deleted guard, with the remedies that stay in force."""
    facts = EventFacts(
        remedies=tuple(map(describe_remedy, remediations[:_MOST_LEFT])),
        remedies_left_out=count_rest(remediations, _MOST_LEFT),
        guard=GuardFact(trouble="remedies_left", detail="The remedies stay in force."),
    )
    return NoticeEvent(
        kind=EventKind.GUARD_DELETED,
        severity=EventSeverity.WARNING,
        at=at,
        facts=encode_facts(facts),
    )
