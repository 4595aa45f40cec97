"""The chart's memory without DynamoDB, and a book of loops for those who only read it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from functions.aws.records.chart_store import (
    ChartNotice,
    ChartState,
    NotedChange,
    TurnLostError,
)
from functions.domain.incidents.incident import NoticeStatus
from tests.fakes import SimulatedCrash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from functions.aws.account.configuration_changes import Change
    from functions.domain.graph.summary import LoopBook


class FakeLoopBooks:
    """The port `LoopBooks`, with a book that tests put there."""

    def __init__(self, book: LoopBook | None = None) -> None:
        self.book = book
        self.reads = 0

    def load(self) -> LoopBook | None:
        """See the port."""
        self.reads += 1
        return self.book


@dataclass(slots=True)
class FakeChartMemory:
    """What all runs share.

    `crash_before` and `crash_after` name the call that the process dies at, once.
    """

    state: ChartState = field(default_factory=ChartState)
    holder: str = ""
    until: datetime | None = None
    changes: dict[Change, str] = field(default_factory=dict)
    notices: dict[str, ChartNotice] = field(default_factory=dict)
    book: LoopBook | None = None
    crash_before: str = ""
    crash_after: str = ""


class FakeChartStore:
    """`ChartStore`, as one run uses it."""

    def __init__(self, memory: FakeChartMemory, *, holder: str = "run") -> None:
        self.memory = memory
        self._holder = holder

    def _step(self, name: str, act: Any) -> Any:
        memory = self.memory
        if memory.crash_before == name:
            memory.crash_before = ""
            raise SimulatedCrash(name)
        answer = act()
        if memory.crash_after == name:
            memory.crash_after = ""
            raise SimulatedCrash(name)
        return answer

    def take_turn(self, now: datetime, until: datetime) -> ChartState | None:
        """See `ChartStore`."""
        memory = self.memory
        is_held = memory.until is not None and memory.until > now
        if is_held and memory.holder != self._holder:
            return None
        memory.holder, memory.until = self._holder, until
        return memory.state

    def end_turn(self) -> None:
        """See `ChartStore`."""
        if self.memory.holder == self._holder:
            self.memory.until = None

    def save(self, state: ChartState, notices: Sequence[ChartNotice] = ()) -> None:
        """See `ChartStore`."""
        if self.memory.holder != self._holder:
            raise TurnLostError(self._holder)

        def act() -> None:
            self.memory.state = state
            self.memory.notices |= {one.id: one for one in notices}

        self._step("save", act)

    def note(self, changes: Iterable[Change], mark: str, now: datetime) -> None:
        """See `ChartStore`."""
        self.memory.changes |= dict.fromkeys(changes, mark)

    def noted(self) -> tuple[NotedChange, ...]:
        """See `ChartStore`."""
        changes = sorted(self.memory.changes.items())
        return tuple(NotedChange(change=change, mark=mark) for change, mark in changes)

    def forget(self, noted: Iterable[NotedChange]) -> None:
        """See `ChartStore`."""

        def act() -> None:
            for one in noted:
                if self.memory.changes.get(one.change) == one.mark:
                    del self.memory.changes[one.change]

        self._step("forget", act)

    def notices(self) -> tuple[ChartNotice, ...]:
        """See `ChartStore`."""
        return tuple(one for _, one in sorted(self.memory.notices.items()))

    def keep_notice(self, notice: ChartNotice) -> None:
        """See `ChartStore`."""

        def act() -> None:
            self.memory.notices[notice.id] = notice

        self._step("keep_notice", act)

    def drop_notice(self, notice: ChartNotice) -> None:
        """See `ChartStore`."""
        self._step("drop_notice", lambda: self.memory.notices.pop(notice.id, None))

    def write_book(self, book: LoopBook) -> None:
        """See `ChartStore`."""

        def act() -> None:
            self.memory.book = book

        self._step("write_book", act)


def a_notice(number: int = 1) -> ChartNotice:
    """A notice that waits to be sent."""
    return ChartNotice(
        id=f"2026-03-10T12:00:00.000000+00:00#{number:03}#abc",
        subject=f"subject {number}",
        body=f"body {number}",
    )


def claimed(notice: ChartNotice, at: datetime) -> ChartNotice:
    """The same notice, as a run left it that died while it sent it."""
    return replace(notice, status=NoticeStatus.CLAIMED, claimed_at=at)
