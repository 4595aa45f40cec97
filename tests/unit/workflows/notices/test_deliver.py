"""Sending notices: once each where all goes well, never not at all, and marked where in doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.errors import NoticeUndeliveredError
from functions.domain.notices.outbox import (
    NOTICE_LEASE,
    NoticeStatus,
    OutboxNotice,
    are_all_sent,
)
from functions.workflows.notices.deliver import deliver_due, send
from tests.unit.workflows.notices.record import CrashError, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from functions.domain.notices.notice import Notice

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Scene:
    """A stored record, a topic and a clock.

    Attributes
    ----------
    dies_at
        Numbers of the calls, counted over all runs, after which a run dies.
    refused_at
        Numbers of the calls that SNS refuses.
    """

    record: Record
    now: datetime = NOON
    sent: list[str] = field(default_factory=list)
    saved: list[Record] = field(default_factory=list)
    dies_at: frozenset[int] = frozenset()
    refused_at: frozenset[int] = frozenset()
    takes: timedelta = timedelta(0)
    calls: int = 0

    def save(self, record: Record) -> Record:
        """Store the record."""
        self.record = record
        self.saved.append(record)
        self._called()
        return record

    def publish(self, notice: Notice) -> None:
        """Take a notice, or not."""
        assert notice.body
        self.now += self.takes
        if self.calls in self.refused_at:
            self._called()
            raise NoticeUndeliveredError("SNS is away")
        self.sent.append(notice.subject)
        self._called()

    def run(self) -> Record:
        """Deliver what is due, as one run."""
        return deliver_due(self.record, self.save, self, lambda: self.now)

    def _called(self) -> None:
        self.calls += 1
        if self.calls - 1 in self.dies_at:
            raise CrashError


def _scene(*names: str) -> Scene:
    return Scene(Record(tuple(OutboxNotice(id=one, subject=one, body="body") for one in names)))


def test_each_notice_is_sent_once_and_in_order() -> None:
    """A second run finds nothing to do."""
    scene = _scene("a", "b")

    record = scene.run()
    scene.run()

    assert scene.sent == ["a", "b"]
    assert are_all_sent(record)
    assert [one.attempts for one in record.outbox] == [1, 1]


def test_a_notice_is_claimed_before_it_is_sent() -> None:
    """Whoever finds the record meanwhile leaves it alone."""
    scene = _scene("a")
    scene.run()

    assert [one.outbox[0].status for one in scene.saved] == [
        NoticeStatus.CLAIMED,
        NoticeStatus.SENT,
    ]
    assert not scene.saved[0].outbox[0].is_due(NOON + NOTICE_LEASE - timedelta(seconds=1))
    assert scene.saved[0].outbox[0].is_due(NOON + NOTICE_LEASE)


def test_claims_go_by_the_clock_of_a_long_run() -> None:
    """Each claim is good for its whole time, however long the notices before it took."""
    scene = _scene("a", "b", "c")
    scene.takes = 5 * MINUTE
    scene.run()

    claims = [one.outbox for one in scene.saved[::2]]
    assert [claims[number][number].claimed_at for number in range(3)] == [
        NOON,
        NOON + 5 * MINUTE,
        NOON + 10 * MINUTE,
    ]


def test_pauses_grow_while_sns_takes_nothing() -> None:
    """A topic that is away for an hour is asked some seven times, not sixty."""
    scene = _scene("a")
    scene.refused_at = frozenset(range(10_000))
    asked = set()
    for minute in range(60):
        scene.now = NOON + minute * MINUTE
        before = scene.record.outbox[0].attempts
        scene.run()
        if scene.record.outbox[0].attempts != before:
            asked.add(minute)

    assert sorted(asked) == [0, 1, 3, 7, 15, 25, 35, 45, 55]
    assert scene.sent == []


@pytest.mark.parametrize("dies_at", range(3))
def test_a_run_that_dies_leaves_the_notice_to_a_later_one(dies_at: int) -> None:
    """It arrives in the end, and is marked where it may have arrived before."""
    scene = _scene("a")
    scene.dies_at = frozenset({dies_at})
    with pytest.raises(CrashError):
        scene.run()
    scene.now += 2 * NOTICE_LEASE
    scene.run()

    again = ["[Loopbreaker] (again) a"]
    assert scene.sent == {0: again, 1: ["a", *again], 2: ["a"]}[dies_at]
    assert are_all_sent(scene.record)


@given(
    dies_at=st.frozensets(st.integers(0, 12), max_size=5),
    refused_at=st.frozensets(st.integers(0, 12), max_size=5),
    minutes=st.lists(st.integers(0, 12), min_size=20, max_size=20),
)
def test_every_notice_arrives_and_no_repeat_is_unmarked(
    dies_at: frozenset[int], refused_at: frozenset[int], minutes: list[int]
) -> None:
    """Whatever dies or is refused: in the end all has arrived, and only repeats are marked so."""
    scene = _scene("a", "b")
    scene.dies_at, scene.refused_at = dies_at, refused_at
    for pause in [*minutes, *[60] * 8]:
        scene.now += pause * MINUTE
        try:
            scene.run()
        except CrashError:
            continue

    assert are_all_sent(scene.record)
    for name in ("a", "b"):
        assert scene.sent.count(name) <= 1
        assert any(one.endswith(name) for one in scene.sent)


def test_a_notice_in_doubt_stays_so_while_sns_refuses_it() -> None:
    """It may have arrived when a run died; that the next one is refused does not settle it."""
    scene = _scene("a")
    scene.dies_at, scene.refused_at = frozenset({1}), frozenset({3})
    with pytest.raises(CrashError):
        scene.run()
    for _ in range(2):
        scene.now += 10 * MINUTE
        scene.run()

    assert scene.sent == ["a", "[Loopbreaker] (again) a"]


def test_why_a_notice_was_not_sent_is_said() -> None:
    """For the log of whoever keeps notices apart from a record."""
    kept: list[OutboxNotice] = []

    def refuse(notice: Notice) -> None:
        raise NoticeUndeliveredError(f"{notice.subject}, {notice.body}")

    notice = OutboxNotice(id="a", subject="s", body="b")
    why = send(notice, kept.append, _Topic(refuse), NOON)

    assert "s, b" in why
    assert [one.status for one in kept] == [NoticeStatus.CLAIMED, NoticeStatus.PENDING]


@dataclass
class _Topic:
    publish: Callable[[Notice], None]
