"""The mails about an incident: plain text that can be read on a phone at 3 a.m.

The most important comes first: what was done and to which function; then how fast, what it costs,
why, what becomes of its events and until when, and what to do, with commands to paste. Anything
may be unknown: the text then says so, or leaves it out.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import Transition
from functions.domain.notices.events.incident import describe_transition
from functions.domain.notices.incident.ended import (
    compose_deleted,
    compose_ended,
    compose_released,
    compose_running_away_again,
)
from functions.domain.notices.incident.held import compose_expiring, compose_held, compose_kept
from functions.domain.notices.incident.not_stopped import compose_notified
from functions.domain.notices.incident.probation import (
    compose_begun,
    compose_failed,
    compose_refused,
)
from functions.domain.notices.incident.restored import (
    compose_lifted,
    compose_restore_failed,
    compose_restored,
)
from functions.domain.notices.incident.stopped import compose_contain_failed, compose_contained
from functions.domain.notices.notice import Notice, NoticeContext, with_event

_COMPOSERS: Final[dict[Transition, Callable[[Incident, NoticeContext, datetime], Notice]]] = {
    Transition.NOTIFIED: compose_notified,
    Transition.CONTAINED: compose_contained,
    Transition.CAPPED: compose_held,
    Transition.SHOWN: compose_kept,
    Transition.EXPIRING: compose_expiring,
    Transition.RELEASED: compose_released,
    Transition.RUNNING_AWAY_AGAIN: compose_running_away_again,
    Transition.RESTORED: compose_restored,
    Transition.RESTORE_FAILED: compose_restore_failed,
    Transition.CONTAIN_FAILED: compose_contain_failed,
    Transition.LIFTED: compose_lifted,
    Transition.PROBATION: compose_begun,
    Transition.PROBATION_FAILED: compose_failed,
    Transition.PROBATION_REFUSED: compose_refused,
    Transition.ENDED: compose_ended,
    Transition.DELETED: compose_deleted,
}


def compose_notice(
    transition: Transition, incident: Incident, context: NoticeContext, now: datetime
) -> Notice:
    """Compose the mail of one transition of an incident, with its event."""
    notice = _COMPOSERS[transition](incident, context, now)
    return with_event(notice, describe_transition(transition, incident, context, now))
