"""Notices that are written down together with what they tell, until they are sent.

SNS has no way to tell whether it took a message whose answer was lost. So a notice is claimed in
its record before it is sent, and marked after. One that a run has claimed and not marked may have
arrived or not: once the claim has aged it is sent again, marked as a repeat. Better twice than
never.

The twin of a notice, its event, goes to other sinks than people, each by itself. Whether one takes
it changes nothing about the mail: an event has its own marks beside it, is tried again in growing
pauses, and is given up after `MOST_EVENT_ATTEMPTS`. It needs no claim, because an event that comes
twice carries the same id.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, Self, TypeVar

from functions.domain.notices.events.record import (
    EventKind,
    EventSeverity,
    NoticeEvent,
)
from functions.domain.notices.notice import Notice

# How long a claimed notice may stay unconfirmed before it is sent again, marked as a repeat.
NOTICE_LEASE = timedelta(seconds=60)
CUT: Final = "\n(Cut here: the rest does not fit into the record.)\n"
# How long a notice waits that SNS did not confirm so often. It may have been delivered all the
# same, and a try a minute would be a mail a minute for as long as answers are lost.
_RESENT_AFTER: Final = tuple(timedelta(minutes=one) for one in (0, 2, 4, 8, 10))
# The same of an event that a sink did not take. All of its attempts together take about 7 hours.
_EVENT_RETRIED_AFTER: Final = tuple(
    timedelta(minutes=one) for one in (0, 1, 2, 4, 8, 15, 30, 60, 60, 60, 60, 60, 60)
)
MOST_EVENT_ATTEMPTS: Final = len(_EVENT_RETRIED_AFTER)
# Characters that are left of a text where a record is too long.
LEAST_LEFT: Final = 200
_LEFT_OF_UNSENT: Final = 2_000


class NoticeStatus(StrEnum):
    """Where a notice of the outbox stands."""

    PENDING = "pending"
    CLAIMED = "claimed"  # a run is sending it, or died while it did: it may have arrived
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """The event of a notice, until every sink has taken it.

    Attributes
    ----------
    delivered
        Names of the sinks that took it.
    tried_at
        When sinks were asked last; ``None`` before that.
    """

    event: NoticeEvent
    delivered: tuple[str, ...] = ()
    attempts: int = 0
    tried_at: datetime | None = None

    @property
    def is_given_up(self) -> bool:
        """Whether it was tried so often that it is not tried again."""
        return self.attempts >= MOST_EVENT_ATTEMPTS

    def is_settled(self, sinks: Collection[str]) -> bool:
        """Whether each of the sinks has taken it, or it is given up."""
        return self.is_given_up or set(sinks) <= set(self.delivered)

    def is_due(self, now: datetime) -> bool:
        """Whether the sinks that did not take it are to be asked now."""
        pause = _EVENT_RETRIED_AFTER[min(self.attempts, MOST_EVENT_ATTEMPTS - 1)]
        return self.tried_at is None or now - self.tried_at >= pause

    def tried(self, now: datetime, took: Collection[str]) -> Self:
        """The event after sinks were asked, of which some took it."""
        return replace(
            self,
            delivered=tuple(sorted({*self.delivered, *took})),
            attempts=self.attempts + 1,
            tried_at=now,
        )


def make_twin(event: NoticeEvent | None) -> OutboxEvent | None:
    """The event of a notice that is written down; ``None`` for none."""
    return None if event is None else OutboxEvent(event=event)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxNotice:
    """A notice in an outbox.

    Attributes
    ----------
    id
        Unique within the outbox.
    claimed_at
        When a run began to send it last; ``None`` before that, and once it is sent.
    twin
        Its event; ``None`` once that needs nothing more, and in a record of an earlier version.
    """

    id: str
    subject: str
    body: str
    status: NoticeStatus = NoticeStatus.PENDING
    claimed_at: datetime | None = None
    attempts: int = 0
    twin: OutboxEvent | None = None

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
        """The notice as a run sends it; one of an earlier version gets a minimal event."""
        return replace(
            self,
            status=NoticeStatus.CLAIMED,
            claimed_at=at,
            attempts=self.attempts + 1,
            twin=self.twin or OutboxEvent(event=self._make_minimal_event(at)),
        )

    def refused(self, before: NoticeStatus) -> Self:
        """The notice after SNS did not take it; in doubt where it was so `before` that."""
        return replace(self, status=before)

    def sent(self) -> Self:
        """The notice after SNS took it."""
        return replace(self, status=NoticeStatus.SENT, claimed_at=None)

    def event_tried(self, now: datetime, took: Collection[str]) -> Self:
        """The notice after sinks were asked to take its event, of which some did."""
        return self if self.twin is None else replace(self, twin=self.twin.tried(now, took))

    def settled(self, sinks: Collection[str]) -> Self:
        """The notice without an event that nothing needs any more."""
        is_needed = self.status is not NoticeStatus.SENT or (
            self.twin is not None and not self.twin.is_settled(sinks)
        )
        return self if is_needed else replace(self, twin=None)

    @property
    def notice(self) -> Notice:
        """What is sent."""
        event = None if self.twin is None else self.twin.event
        return Notice(subject=self.subject, body=self.body, event=event)

    @property
    def is_settled(self) -> bool:
        """Whether it is sent, and its event delivered or given up."""
        return self.status is NoticeStatus.SENT and self.twin is None

    def _make_minimal_event(self, at: datetime) -> NoticeEvent:
        return NoticeEvent(kind=EventKind.NOTICE_SENT, severity=EventSeverity.WARNING, at=at)

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


def is_settled(record: HasOutbox) -> bool:
    """Whether all notices of a record are sent, and their events delivered or given up."""
    return all(one.is_settled for one in record.outbox)


def replace_notice(outbox: tuple[_N, ...], notice: OutboxNotice) -> tuple[_N, ...]:
    """The outbox with what became of a notice."""
    return tuple(
        replace(
            one,
            status=notice.status,
            claimed_at=notice.claimed_at,
            attempts=notice.attempts,
            twin=notice.twin,
        )
        if one.id == notice.id
        else one
        for one in outbox
    )


def shorten_outbox(
    outbox: tuple[_N, ...], left_of_unsent: int = _LEFT_OF_UNSENT
) -> tuple[_N, ...] | None:
    """An outbox that takes less room; ``None`` where nothing of it can be spared.

    The events of what is sent go first, then the longest text of it is cut, then the other events
    go: what is guaranteed is the mail. Last the longest of the other texts is halved.

    Parameters
    ----------
    left_of_unsent
        How many characters stay of a text that is not sent, `LEAST_LEFT` or more.
    """
    sent = [one for one in outbox if one.status is NoticeStatus.SENT]
    unsent = [one for one in outbox if one.status is not NoticeStatus.SENT]
    shorter = (
        _without_event(sent)
        or _with_cut_text(sent, LEAST_LEFT)
        or _without_event(unsent)
        or _with_cut_text(unsent, left_of_unsent, is_halved=True)
    )
    if shorter is None:
        return None
    longest, changed = shorter
    return tuple(changed if one is longest else one for one in outbox)


def _without_event(notices: list[_N]) -> tuple[_N, _N] | None:
    """The notice whose event takes the most room, and the same without it."""
    having = [(len(one.twin.event.facts), one) for one in notices if one.twin is not None]
    if not having:
        return None
    _, largest = max(having, key=lambda one: one[0])
    return largest, replace(largest, twin=None)


def _with_cut_text(
    notices: list[_N], left: int, *, is_halved: bool = False
) -> tuple[_N, _N] | None:
    """The notice with the longest text, and the same with less of it."""
    longest = max(notices, key=lambda one: len(one.body), default=None)
    if longest is None or len(longest.body) <= left:
        return None
    if is_halved:
        left = max(left, len(longest.body) // 2)
    return longest, replace(longest, body=longest.body[: left - len(CUT)] + CUT)
