"""Notices that are written down with their transition, until they are sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from functions.domain.incidents.states import Transition

# How long a claimed notice may stay unconfirmed before it is sent again, marked as a repeat.
NOTICE_LEASE = timedelta(seconds=60)
# How long a notice waits that SNS did not confirm so often. It may have been delivered all the
# same, and a try a minute would be a mail a minute for as long as answers are lost.
_RESENT_AFTER: Final = tuple(timedelta(minutes=one) for one in (0, 2, 4, 8, 10))
# Notices that are sent stay in the record up to this number, unsent ones up to that.
_MOST_SENT: Final = 20
_MOST_UNSENT: Final = 40


class NoticeStatus(StrEnum):
    """Where a notice of the outbox stands."""

    PENDING = "pending"
    CLAIMED = "claimed"  # a run is sending it, or died while it did
    SENT = "sent"


def is_to_be_sent(
    status: NoticeStatus, claimed_at: datetime | None, attempts: int, now: datetime
) -> bool:
    """Whether a notice is to be sent now.

    A new one is, one that SNS did not confirm after a pause that grows with the attempts, and one
    that was claimed by a run that seems to have died.
    """
    match status:
        case NoticeStatus.SENT:
            return False
        case NoticeStatus.CLAIMED:
            return claimed_at is None or now - claimed_at >= NOTICE_LEASE
        case NoticeStatus.PENDING:
            pause = _RESENT_AFTER[min(max(0, attempts - 1), len(_RESENT_AFTER) - 1)]
            return claimed_at is None or now - claimed_at >= pause


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxNotice:
    """A notice that was written down together with the transition that it tells of."""

    id: str
    transition: Transition
    subject: str
    body: str
    status: NoticeStatus = NoticeStatus.PENDING
    claimed_at: datetime | None = None
    attempts: int = 0

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now, see `is_to_be_sent`."""
        return is_to_be_sent(self.status, self.claimed_at, self.attempts, now)


def number_of(notice_id: str) -> int:
    """Which notice of its transition it is, counted from 1."""
    number = notice_id.rpartition("/")[2].rpartition("-")[2]
    return int(number) if number.isdigit() else 1


def trim_outbox(outbox: tuple[OutboxNotice, ...]) -> tuple[OutboxNotice, ...]:
    """The outbox within its limits: a record has to fit into the ledger, whatever happens.

    The newest notice of each transition stays: it tells that people were told.
    """
    newest = {one.transition: one.id for one in outbox}
    sent = [one.id for one in outbox if one.status is NoticeStatus.SENT]
    unsent = [one.id for one in outbox if one.status is not NoticeStatus.SENT]
    kept = {*sent[-_MOST_SENT:], *unsent[-_MOST_UNSENT:], *newest.values()}
    return tuple(one for one in outbox if one.id in kept)
