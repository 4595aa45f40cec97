"""Sending the events of notices, at the end of a run: nothing of a containment waits for them.

The mail is what is guaranteed. An event is sent to each sink at least once, with the same id each
time, or given up after hours; `functions.domain.notices.outbox` keeps the marks. A run that dies
anywhere leaves the event in its record for the next pulse.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from functions.domain.errors import LedgerUnavailableError, StaleIncidentError
from functions.domain.notices.events.envelope import OutgoingEvent, compose_event
from functions.domain.notices.events.ports import EventSink, Receipt
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.outbox import (
    HasOutbox,
    OutboxNotice,
)
from functions.workflows.event_log import EventLog

_R = TypeVar("_R", bound=HasOutbox)
# A sink that does not answer is given up after 3 s; then the record is written.
LEAST_SECONDS: Final = 10.0


@dataclass(slots=True)
class _Kept:
    """A record with events, and what writes it."""

    record: Any
    save: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDelivery:
    """The port `EventOutlet`.

    Attributes
    ----------
    to
        The sinks of this deployment.
    clock
        The time of day.
    """

    to: tuple[EventSink, ...]
    deployment: Deployment
    clock: Callable[[], datetime]
    log: EventLog
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _unrecorded: list[tuple[Notice, str]] = field(default_factory=list)

    @property
    def sinks(self) -> Collection[str]:
        """See the port."""
        return tuple(one.name for one in self.to)

    def keep(self, key: str, record: _R, save: Callable[[_R], _R]) -> None:
        """See the port."""
        self._kept.pop(key, None)
        if any(one.twin is not None for one in record.outbox):
            self._kept[key] = _Kept(record, save)

    def keep_unrecorded(self, notice: Notice, key: str) -> None:
        """See the port."""
        self._unrecorded.append((notice, key))

    def flush(self, seconds_left: Callable[[], float]) -> None:
        """Send what is due. What there is no time for stays in its record for the next pulse.

        A sink that took nothing is left alone for the rest of the run.
        """
        kept, unrecorded = list(self._kept.values()), list(self._unrecorded)
        self._kept.clear()
        self._unrecorded.clear()
        down: set[str] = set()
        for notice, key in unrecorded:
            if seconds_left() < LEAST_SECONDS:
                break
            self._send_unrecorded(notice, key, down)
        for one in kept:
            if seconds_left() < LEAST_SECONDS:
                self.log.info("events left to the next pulse")
                break
            self._send_of_record(one, down)

    def _send_unrecorded(self, notice: Notice, key: str, down: set[str]) -> None:
        event = compose_event(notice, key, self.deployment)
        if event is None:
            return
        for sink in self.to:
            if sink.name in down or event.id not in self._put(sink, [event], down).taken:
                self.log.error("EVENT LOST", sink=sink.name, subject=notice.subject)

    def _send_of_record(self, kept: _Kept, down: set[str]) -> None:
        now = self.clock()
        before: HasOutbox = kept.record
        due = {one.id: one for one in before.outbox if self._is_due(one, now)}
        events = {
            name: event
            for name, one in due.items()
            if (event := compose_event(one.notice, name, self.deployment)) is not None
        }
        took: dict[str, set[str]] = {name: set() for name in events}
        for sink in self.to:
            pending = {
                name: event for name, event in events.items() if _lacks(due[name], sink.name)
            }
            if not pending or sink.name in down:
                continue
            receipt = self._put(sink, list(pending.values()), down)
            for name, event in pending.items():
                if event.id in receipt.taken:
                    took[name].add(sink.name)
        after = before
        for one in before.outbox:
            moved = one.event_tried(now, took[one.id]) if one.id in events else one
            after = after.with_notice_as(self._settle(moved))
        if after.outbox == before.outbox:
            return
        try:
            kept.save(after)
        except (LedgerUnavailableError, StaleIncidentError) as error:
            # Whoever finds the record next sends them again, with the same ids.
            self.log.info("events not recorded as sent", why=str(error))

    def _is_due(self, notice: OutboxNotice, now: datetime) -> bool:
        twin = notice.twin
        return twin is not None and twin.is_due(now) and not twin.is_settled(self.sinks)

    def _put(self, sink: EventSink, events: list[OutgoingEvent], down: set[str]) -> Receipt:
        receipt = sink.put(events)
        if not receipt.taken:
            down.add(sink.name)
        if receipt.why:
            self.log.info("events not sent", sink=sink.name, why=receipt.why)
        return receipt

    def _settle(self, notice: OutboxNotice) -> OutboxNotice:
        twin = notice.twin
        settled = notice.settled(self.sinks)
        if twin is not None and settled.twin is None and not set(self.sinks) <= set(twin.delivered):
            left = ", ".join(sorted(set(self.sinks) - set(twin.delivered)))
            self.log.error(
                "EVENT GIVEN UP", sinks=left, subject=notice.subject, attempts=twin.attempts
            )
        return settled


def _lacks(notice: OutboxNotice, sink: str) -> bool:
    return notice.twin is not None and sink not in notice.twin.delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleNotice:
    """A notice that is kept apart from any record, as a record with nothing else."""

    outbox: tuple[OutboxNotice, ...]

    def with_notice_as(self, notice: OutboxNotice) -> "SingleNotice":
        """The same with what became of it."""
        return SingleNotice(outbox=(notice,))
