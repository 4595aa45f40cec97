"""Sending the notices that records carry; `functions.domain.notices.outbox` says how it is safe."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from functions.domain.errors import NoticeUndeliveredError
from functions.domain.notices.layout import mark_as_repeated
from functions.domain.notices.outbox import HasOutbox, NoticeStatus, OutboxNotice
from functions.domain.ports import Publisher

_R = TypeVar("_R", bound=HasOutbox)
_N = TypeVar("_N", bound=OutboxNotice)


def deliver_due(
    record: _R,
    save: Callable[[_R], _R],
    publisher: Publisher,
    clock: Callable[[], datetime],
    sinks: Collection[str] = (),
) -> _R:
    """Send the notices of a record that are due, saving the record before and after each.

    A notice that SNS does not take stays in the outbox for the next run, and then for later ones.

    Parameters
    ----------
    clock
        The time of day: a claim that is as old as a long run would be over when it is written.
    sinks
        Names of what the events of the notices go to beside.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As `save` does.
    """

    def keep(moved: OutboxNotice) -> None:
        nonlocal record
        record = save(record.with_notice_as(moved))

    now = clock()
    for notice in [one for one in record.outbox if one.is_due(now)]:
        send(notice, keep, publisher, clock(), sinks)
    for notice in record.outbox:
        # A sink that was there before may be turned off: nobody waits for its events any more.
        if (settled := notice.settled(sinks)) != notice:
            keep(settled)
    return record


def send(
    notice: _N,
    keep: Callable[[_N], None],
    publisher: Publisher,
    now: datetime,
    sinks: Collection[str] = (),
) -> str:
    """Send one notice that is due.

    Parameters
    ----------
    keep
        Writes down what becomes of it: that it is being sent, and how that ended.
    sinks
        Names of what its event goes to beside.

    Returns
    -------
    str
        Why it was not sent; empty where it was.
    """
    claimed = notice.claimed(now)
    text = claimed.notice
    if notice.status is NoticeStatus.CLAIMED:
        text = mark_as_repeated(text)
    keep(claimed)
    try:
        publisher.publish(text)
    except NoticeUndeliveredError as error:
        keep(claimed.refused(notice.status))
        return str(error)
    keep(claimed.sent().settled(sinks))
    return ""
