"""The chart's memory without DynamoDB, and a book of loops for those who only read it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.aws.records.chart_store import ChartStore
from functions.aws.records.graph_summary import BOOK, CHART, unpack_summary
from functions.aws.records.items import build_key
from functions.domain.notices.outbox import NoticeStatus, OutboxNotice
from tests.fake_table import MemoryTable
from tests.fakes.faults import SimulatedCrash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from functions.domain.graph.refresh import ChartState, NotedChange
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

    table: MemoryTable = field(default_factory=MemoryTable)
    crash_before: str = ""
    crash_after: str = ""

    @contextmanager
    def dying(self, call: str) -> Iterator[None]:
        """Make a call that the process may die at."""
        if self.crash_before == call:
            self.crash_before = ""
            raise SimulatedCrash(call)
        yield
        if self.crash_after == call:
            self.crash_after = ""
            raise SimulatedCrash(call)

    def store(self, holder: str = "a test") -> ChartStore:
        """The memory as a run that does not die sees it."""
        return ChartStore(self.table, holder=holder)

    def begin_with(self, state: ChartState, now: datetime) -> None:
        """Let a run have left a state behind."""
        store = self.store()
        store.take_turn(now, now)
        store.save(state)

    @property
    def state(self) -> ChartState:
        """Where charting stands."""
        return self.store().state()

    @property
    def book(self) -> LoopBook | None:
        """The book that `contain` reads."""
        item = self.table.get(build_key(CHART, BOOK))
        return None if item is None else unpack_summary(item["data"]["B"])


class FakeChartStore(ChartStore):
    """`ChartStore` over a table in memory, with a process that may die."""

    def __init__(self, memory: FakeChartMemory, *, holder: str = "run") -> None:
        super().__init__(memory.table, holder=holder)
        self.memory = memory

    def save(self, state: ChartState, notices: Sequence[OutboxNotice] = ()) -> None:
        """See `ChartStore`."""
        with self.memory.dying("save"):
            super().save(state, notices)

    def forget(self, noted: Iterable[NotedChange]) -> None:
        """See `ChartStore`."""
        with self.memory.dying("forget"):
            super().forget(noted)

    def keep_notice(self, notice: OutboxNotice) -> None:
        """See `ChartStore`; a process may die at keeping one that was sent apart from others."""
        is_sent = notice.status is NoticeStatus.SENT
        with self.memory.dying("drop_notice" if is_sent else "keep_notice"):
            super().keep_notice(notice)

    def write_book(self, book: LoopBook) -> None:
        """See `ChartStore`."""
        with self.memory.dying("write_book"):
            super().write_book(book)


def a_notice(number: int = 1) -> OutboxNotice:
    """A notice that waits to be sent."""
    return OutboxNotice(
        id=f"2026-03-10T12:00:00.000000+00:00#{number:03}#abc",
        subject=f"subject {number}",
        body=f"body {number}",
    )
