"""Notices that are written down together with what they tell, and sent from there.

As with incidents (`functions.workflows.incidents.announce`): claimed before it is sent, marked
after, and sent again, marked as a repeat, where a run died in between. Better twice than never.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol, Self, TypeVar

from functions.domain.errors import NoticeUndeliveredError
from functions.domain.incidents.outbox import NoticeStatus, is_to_be_sent
from functions.domain.notices.layout import mark_as_repeated
from functions.domain.notices.notice import Notice
from functions.domain.ports import Publisher

_SHORTEST_BODY: Final = 2_000
_CUT: Final = "\n(Cut here: the rest does not fit into the record.)\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A notice in an outbox. `id` is unique within its record."""

    id: str
    subject: str
    body: str
    status: NoticeStatus = NoticeStatus.PENDING
    claimed_at: datetime | None = None
    attempts: int = 0

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now, see `is_to_be_sent`."""
        return is_to_be_sent(self.status, self.claimed_at, self.attempts, now)


class Posted(Protocol):
    """A record with an outbox: a treatment, or the book of findings."""

    @property
    def outbox(self) -> tuple[Posting, ...]:
        """Its notices, oldest first."""
        ...

    def with_outbox(self, outbox: tuple[Posting, ...]) -> Self:
        """The record with another outbox."""
        ...


_R = TypeVar("_R", bound=Posted)


def deliver(record: _R, save: Callable[[_R], _R], publisher: Publisher, now: datetime) -> _R:
    """Send the notices of a record that are due, saving the record before and after each.

    A notice that SNS does not take stays in the outbox for the next run, and then for later ones.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As `save` does.
    """
    for posting in record.outbox:
        if not posting.is_due(now):
            continue
        record = save(_marked(record, posting.id, NoticeStatus.CLAIMED, now))
        text = Notice(subject=posting.subject, body=posting.body)
        if posting.status is NoticeStatus.CLAIMED:
            text = mark_as_repeated(text)
        try:
            publisher.publish(text.subject, text.body)
        except NoticeUndeliveredError:
            record = save(_marked(record, posting.id, NoticeStatus.PENDING, now))
            continue
        record = save(_marked(record, posting.id, NoticeStatus.SENT))
    return record


def lighter(outbox: tuple[Posting, ...]) -> tuple[Posting, ...] | None:
    """An outbox that takes less room; ``None`` where nothing of it can be spared.

    Texts of what is sent go first, then those are cut that are longer than half of the longest.
    """
    if any(one.body and one.status is NoticeStatus.SENT for one in outbox):
        return tuple(
            replace(one, body="") if one.status is NoticeStatus.SENT else one for one in outbox
        )
    longest = max((len(one.body) for one in outbox), default=0)
    if longest <= _SHORTEST_BODY:
        return None
    most = max(_SHORTEST_BODY, longest // 2)
    return tuple(
        replace(one, body=one.body[: most - len(_CUT)] + _CUT) if len(one.body) > most else one
        for one in outbox
    )


def is_settled(record: Posted) -> bool:
    """Whether all notices of a record are known to be sent."""
    return all(one.status is NoticeStatus.SENT for one in record.outbox)


def _marked(record: _R, posting_id: str, status: NoticeStatus, at: datetime | None = None) -> _R:
    return record.with_outbox(
        tuple(
            replace(
                one,
                status=status,
                claimed_at=at,
                attempts=one.attempts + (status is NoticeStatus.CLAIMED),
            )
            if one.id == posting_id
            else one
            for one in record.outbox
        )
    )
