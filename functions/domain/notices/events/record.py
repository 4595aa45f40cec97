"""The twin of a notice: what happened as data, for programs, kept beside the text for people."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

# Bytes of the facts of an event. An outbox of 40 notices stays far below a record's limit.
MOST_FACT_BYTES: Final = 5_500
NO_FACTS: Final = "{}"


class EventSeverity(StrEnum):
    """How urgent it is, in the terms of paging services."""

    CRITICAL = "critical"  # something is stopped, is being lost, or goes on burning: act now
    WARNING = "warning"  # look at it in working hours
    INFO = "info"  # nothing to do


class EventKind(StrEnum):
    """What happened. The detail type of an event follows from it: ``Function Stopped``."""

    FUNCTION_NOT_STOPPED = "function_not_stopped"
    FUNCTION_STOPPED = "function_stopped"
    FUNCTION_HELD = "function_held"
    LOOP_CONFIRMED = "loop_confirmed"
    EVENTS_EXPIRING = "events_expiring"
    FUNCTION_RELEASED = "function_released"
    FUNCTION_RUNNING_AWAY_AGAIN = "function_running_away_again"
    FUNCTION_RESTORED = "function_restored"
    RESTORE_FAILED = "restore_failed"
    STOP_FAILED = "stop_failed"
    HOLD_ENDED = "hold_ended"
    PROBATION_BEGUN = "probation_begun"
    PROBATION_FAILED = "probation_failed"
    PROBATION_REFUSED = "probation_refused"
    INCIDENT_ENDED = "incident_ended"
    FUNCTION_DELETED = "function_deleted"
    FUNCTION_STOPPED_WITHOUT_RECORD = "function_stopped_without_record"
    TAG_IN_DOUBT = "tag_in_doubt"
    TAG_UNREADABLE = "tag_unreadable"
    RECORD_UNREADABLE = "record_unreadable"
    GUARD_DELETED = "guard_deleted"
    GUARD_UNPROTECTED = "guard_unprotected"
    LOOP_FOUND = "loop_found"
    LOOPS_FOUND = "loops_found"
    PERMISSIONS_MISSING = "permissions_missing"
    FINDING_OPENED = "finding_opened"
    FINDING_RESOLVED = "finding_resolved"
    FINDINGS_LISTED = "findings_listed"
    FINDINGS_LEFT_OUT = "findings_left_out"
    DIAGNOSIS_ANSWERED = "diagnosis_answered"
    REMEDY_APPLIED = "remedy_applied"
    REMEDY_NOT_APPLIED = "remedy_not_applied"
    REMEDY_UNDONE = "remedy_undone"
    REMEDY_NOT_UNDONE = "remedy_not_undone"
    REMEDY_ENDED = "remedy_ended"
    NOTICE_SENT = "notice_sent"  # of an earlier version, which kept the text alone

    @property
    def detail_type(self) -> str:
        """The detail type of its events on the bus."""
        return self.value.replace("_", " ").title()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEvent:
    """What a notice is about, as data.

    Attributes
    ----------
    at
        When it happened.
    function, function_arn
        Of the one function that it is about; empty where it is about none or many.
    facts
        A JSON object of at most `MOST_FACT_BYTES`, with what else the event says.
    """

    kind: EventKind
    severity: EventSeverity
    at: datetime
    function: str = ""
    function_arn: str = ""
    facts: str = NO_FACTS
