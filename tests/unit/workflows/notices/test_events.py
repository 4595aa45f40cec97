"""Sending events: last of all, to each sink at least once, and never at the mail's expense."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.errors import LedgerUnavailableError, StaleIncidentError
from functions.domain.notices.events.ports import Receipt, Sink
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.outbox import (
    MOST_EVENT_ATTEMPTS,
    OutboxNotice,
    is_settled,
    make_twin,
)
from functions.workflows.notices.deliver import deliver_due
from functions.workflows.notices.events import LEAST_SECONDS, EventDelivery
from tests.unit.workflows.notices.record import CrashError, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.domain.notices.events.envelope import OutgoingEvent

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class FakeSink:
    """A sink that takes what it gets, but for some calls.

    Attributes
    ----------
    refused_at, loses_at, partial_at
        Numbers of the calls that it refuses, whose answer is lost, and of which it takes the first
        entry only.
    """

    name: Sink
    took: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    calls: int = 0
    refused_at: frozenset[int] = frozenset()
    loses_at: frozenset[int] = frozenset()
    partial_at: frozenset[int] = frozenset()

    def put(self, events: Sequence[OutgoingEvent]) -> Receipt:
        """See the port."""
        number, self.calls = self.calls, self.calls + 1
        if number in self.refused_at:
            return Receipt(taken=frozenset(), why="ThrottlingException: no")
        taken = list(events[:1]) if number in self.partial_at else list(events)
        self.took += [one.id for one in taken]
        self.subjects += [str(one.detail["subject"]) for one in taken]
        if number in self.loses_at:
            return Receipt(taken=frozenset(), why="ReadTimeoutError: no answer")
        return Receipt(taken=frozenset(one.id for one in taken))


@dataclass
class Log:
    """What was logged."""

    lines: list[str] = field(default_factory=list)

    def info(self, message: str, **fields: object) -> None:
        """See the port."""

    def error(self, message: str, **fields: object) -> None:
        """See the port."""
        self.lines.append(f"{message} {fields}")

    def exception(self, message: str, **fields: object) -> None:
        """See the port."""


@dataclass
class Scene:
    """A stored record, a topic, two sinks and a clock."""

    record: Record
    now: datetime = NOON
    mails: list[str] = field(default_factory=list)
    bus: FakeSink = field(default_factory=lambda: FakeSink(Sink.BUS))
    chat: FakeSink = field(default_factory=lambda: FakeSink(Sink.CHAT))
    log: Log = field(default_factory=Log)
    saves: int = 0
    dies_at: frozenset[int] = frozenset()
    fails: Exception | None = None

    def save(self, record: Record) -> Record:
        """Store the record, or not."""
        number, self.saves = self.saves, self.saves + 1
        if self.fails is not None:
            raise self.fails
        self.record = record
        if number in self.dies_at:
            raise CrashError
        return record

    def publish(self, notice: Notice) -> None:
        """Take a mail."""
        self.mails.append(notice.subject)

    def run(self, *, seconds: float = 60.0, sinks: tuple[str, ...] = ("bus", "chat")) -> None:
        """One run: the mails, and the events after them."""
        events = EventDelivery(
            to=tuple(one for one in (self.bus, self.chat) if one.name in sinks),
            deployment=Deployment(account="123456789012", region="eu-west-1"),
            clock=lambda: self.now,
            log=self.log,
        )
        told = deliver_due(self.record, self.save, self, lambda: self.now, events.sinks)
        events.keep("record", told, self.save)
        events.flush(lambda: seconds)

    def pulses(self, minutes: int) -> None:
        """One run a minute."""
        for _ in range(minutes):
            self.now += MINUTE
            self.run()


def scene(*names: str) -> Scene:
    """A record with so many new notices."""
    return Scene(
        Record(
            tuple(
                OutboxNotice(
                    id=one,
                    subject=one,
                    body="body",
                    twin=make_twin(
                        NoticeEvent(
                            kind=EventKind.FUNCTION_STOPPED,
                            severity=EventSeverity.CRITICAL,
                            at=NOON,
                            function="orders",
                        )
                    ),
                )
                for one in names
            )
        )
    )


def test_each_event_comes_once_to_each_sink_after_the_mail() -> None:
    """In the order of the notices, and nothing is left of it in the record."""
    stage = scene("a", "b")
    stage.run()
    stage.pulses(3)

    assert stage.mails == stage.bus.subjects == stage.chat.subjects == ["a", "b"]
    assert stage.bus.took == stage.chat.took
    assert is_settled(stage.record)
    assert stage.saves == 5  # two for each mail, one for the events


def test_a_sink_that_is_away_costs_one_call_a_run_and_no_mail_twice() -> None:
    """The other one has its events at once; this one gets them when it is back."""
    stage = scene("a", "b")
    stage.bus.refused_at = frozenset(range(3))
    stage.run()

    assert stage.mails == stage.chat.subjects == ["a", "b"]
    assert stage.bus.calls == 1
    stage.pulses(30)
    assert stage.bus.subjects == ["a", "b"]
    assert stage.chat.subjects == ["a", "b"]
    assert stage.mails == ["a", "b"]
    assert is_settled(stage.record)


def test_of_a_request_some_entries_may_fail() -> None:
    """Only those are sent again."""
    stage = scene("a", "b", "c")
    stage.bus.partial_at = frozenset({0, 1})
    stage.run()
    stage.pulses(10)

    assert stage.bus.subjects == ["a", "b", "c"]


def test_an_answer_that_is_lost_makes_an_event_come_twice_with_its_id() -> None:
    """Whoever reads events drops the second."""
    stage = scene("a")
    stage.bus.loses_at = frozenset({0})
    stage.run()
    stage.pulses(3)

    assert len(stage.bus.took) == 2
    assert len(set(stage.bus.took)) == 1
    assert len(stage.chat.took) == 1


def test_a_sink_that_never_answers_is_given_up_loudly() -> None:
    """The record does not wait for ever, and the log says what is lost."""
    stage = scene("a")
    stage.bus.refused_at = frozenset(range(10_000))
    stage.run()
    stage.pulses(10 * 60)

    assert stage.bus.calls == MOST_EVENT_ATTEMPTS
    assert is_settled(stage.record)
    assert stage.mails == ["a"]
    (line,) = stage.log.lines
    assert "EVENT GIVEN UP" in line
    assert "'sinks': 'bus'" in line


@pytest.mark.parametrize("error", [StaleIncidentError("moved on"), LedgerUnavailableError("away")])
def test_a_record_that_cannot_be_written_is_left_to_the_next_run(error: Exception) -> None:
    """The event may come again; no error reaches the signal that the run was about."""
    stage = scene("a")
    stage.run(sinks=())
    stage = scene("a")
    events = EventDelivery(
        to=(stage.bus,), deployment=Deployment(), clock=lambda: NOON, log=stage.log
    )
    told = deliver_due(stage.record, stage.save, stage, lambda: NOON, events.sinks)
    events.keep("record", told, stage.save)
    stage.fails = error
    events.flush(lambda: 60.0)

    assert stage.bus.subjects == ["a"]
    assert not is_settled(stage.record)
    stage.fails = None
    stage.pulses(1)
    assert is_settled(stage.record)


def test_no_event_is_sent_where_time_is_short() -> None:
    """What the run was about counts, and its time-out is not risked for an event."""
    stage = scene("a")
    stage.run(seconds=LEAST_SECONDS - 1)

    assert (stage.mails, stage.bus.calls) == (["a"], 0)
    stage.pulses(1)
    assert stage.bus.subjects == ["a"]


def test_without_sinks_nothing_is_left_in_the_record() -> None:
    """Also of what an earlier deployment with sinks has left."""
    stage = scene("a")
    stage.bus.refused_at = stage.chat.refused_at = frozenset(range(100))
    stage.run()
    assert not is_settled(stage.record)
    stage.run(sinks=())

    assert is_settled(stage.record)
    assert stage.bus.took == []


def test_a_notice_without_a_record_is_sent_once() -> None:
    """As well as it goes."""
    stage = scene()
    event = NoticeEvent(kind=EventKind.TAG_IN_DOUBT, severity=EventSeverity.WARNING, at=NOON)
    events = EventDelivery(
        to=(stage.bus, stage.chat), deployment=Deployment(), clock=lambda: NOON, log=stage.log
    )
    events.keep_unrecorded(Notice(subject="tag", body="b", event=event), "key")
    events.flush(lambda: 60.0)
    events.flush(lambda: 60.0)

    assert stage.bus.subjects == stage.chat.subjects == ["tag"]


@given(
    dies_at=st.frozensets(st.integers(0, 12), max_size=5),
    refused_at=st.frozensets(st.integers(0, 8), max_size=5),
    loses_at=st.frozensets(st.integers(0, 8), max_size=5),
    partial_at=st.frozensets(st.integers(0, 8), max_size=5),
)
def test_every_event_arrives_whatever_dies_or_is_refused(
    dies_at: frozenset[int],
    refused_at: frozenset[int],
    loses_at: frozenset[int],
    partial_at: frozenset[int],
) -> None:
    """At least once in each sink, with one id each; mails are repeated for deaths alone."""
    stage = scene("a", "b")
    stage.dies_at = dies_at
    stage.bus.refused_at, stage.bus.loses_at, stage.bus.partial_at = (
        refused_at,
        loses_at,
        partial_at,
    )
    for minutes in (*[1] * 30, *[30] * 12):
        stage.now += minutes * MINUTE
        try:
            stage.run()
        except CrashError:
            continue

    assert is_settled(stage.record)
    for sink in (stage.bus, stage.chat):
        assert set(sink.subjects) == {"a", "b"}
        assert len(set(sink.took)) == 2
    assert len(stage.mails) <= 2 + len(dies_at)
