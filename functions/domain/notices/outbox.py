"""Notices that are written down together with what they tell, until they are sent.

SNS has no way to tell whether it took a message whose answer was lost. So a notice is claimed in
its record before it is sent, and marked after. One that a run has claimed and not marked may have
arrived or not: once the claim has aged it is sent again, marked as a repeat. Better twice than
never.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, Self, TypeVar

# How long a claimed notice may stay unconfirmed before it is sent again, marked as a repeat.
NOTICE_LEASE = timedelta(seconds=60)
CUT: Final = "\n(Cut here: the rest does not fit into the record.)\n"
# How long a notice waits that SNS did not confirm so often. It may have been delivered all the
# same, and a try a minute would be a mail a minute for as long as answers are lost.
_RESENT_AFTER: Final = tuple(timedelta(minutes=one) for one in (0, 2, 4, 8, 10))
# Characters that are left of a text where a record is too long.
LEAST_LEFT: Final = 200
_LEFT_OF_UNSENT: Final = 2_000


class NoticeStatus(StrEnum):
    """Where a notice of the outbox stands."""

    PENDING = "pending"
    CLAIMED = "claimed"  # a run is sending it, or died while it did: it may have arrived
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxNotice:
    """A notice in an outbox.

    Attributes
    ----------
    id
        Unique within the outbox.
    claimed_at
        When a run began to send it last; ``None`` before that, and once it is sent.
    """

    id: str
    subject: str
    body: str
    status: NoticeStatus = NoticeStatus.PENDING
    claimed_at: datetime | None = None
    attempts: int = 0

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now.

        A new one is, one that SNS did not confirm after a pause that grows with the attempts, and
        one that was claimed by a run that seems to have died.
        """
        match self.status:
            case NoticeStatus.SENT:
                return False
            case NoticeStatus.CLAIMED:
                pause = max(NOTICE_LEASE, self._pause)
            case NoticeStatus.PENDING:
                pause = self._pause
        return self.claimed_at is None or now - self.claimed_at >= pause

    def claimed(self, at: datetime) -> Self:
        """The notice as a run sends it."""
        return replace(self, status=NoticeStatus.CLAIMED, claimed_at=at, attempts=self.attempts + 1)

    def refused(self, before: NoticeStatus) -> Self:
        """The notice after SNS did not take it; in doubt where it was so `before` that."""
        return replace(self, status=before)

    def sent(self) -> Self:
        """The notice after SNS took it."""
        return replace(self, status=NoticeStatus.SENT, claimed_at=None)

    @property
    def _pause(self) -> timedelta:
        return _RESENT_AFTER[min(max(0, self.attempts - 1), len(_RESENT_AFTER) - 1)]


_N = TypeVar("_N", bound=OutboxNotice)


class HasOutbox(Protocol):
    """A record with notices in it."""

    @property
    def outbox(self) -> tuple[OutboxNotice, ...]:
        """Its notices, oldest first."""
        ...

    def with_notice_as(self, notice: OutboxNotice) -> Self:
        """The record with a notice in the place of the one of the same id."""
        ...


def are_all_sent(record: HasOutbox) -> bool:
    """Whether all notices of a record are known to be sent."""
    return all(one.status is NoticeStatus.SENT for one in record.outbox)


def replace_notice(outbox: tuple[_N, ...], notice: OutboxNotice) -> tuple[_N, ...]:
    """The outbox with what became of a notice."""
    return tuple(
        replace(one, status=notice.status, claimed_at=notice.claimed_at, attempts=notice.attempts)
        if one.id == notice.id
        else one
        for one in outbox
    )


def shorten_outbox(
    outbox: tuple[_N, ...], left_of_unsent: int = _LEFT_OF_UNSENT
) -> tuple[_N, ...] | None:
    """An outbox that takes less room; ``None`` where nothing of it can be spared.

    The longest text of what is sent is cut first, then the longest of the others is halved.

    Parameters
    ----------
    left_of_unsent
        How many characters stay of a text that is not sent, `LEAST_LEFT` or more.
    """

    def left_of(notice: OutboxNotice) -> int:
        return LEAST_LEFT if notice.status is NoticeStatus.SENT else left_of_unsent

    candidates = [one for one in outbox if len(one.body) > left_of(one)]
    if not candidates:
        return None
    longest = max(candidates, key=lambda one: (one.status is NoticeStatus.SENT, len(one.body)))
    left = left_of(longest)
    if longest.status is not NoticeStatus.SENT:
        left = max(left, len(longest.body) // 2)
    shorter = replace(longest, body=longest.body[: left - len(CUT)] + CUT)
    return tuple(shorter if one is longest else one for one in outbox)
