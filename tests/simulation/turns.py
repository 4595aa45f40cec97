"""Runs that take turns on a virtual clock: one at a time, in an order that the seed decides.

A run is a thread that stops before each call of a port, for as long as that call takes. Whatever
comes first on the clock goes on: the run itself, another run, a person, an event. So the order of
things follows from the times alone, and the same times give the same order.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.faults import SimulatedCrash

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

_STACK_BYTES: Final = 512 * 1024


@dataclass(slots=True, eq=False)
class Process:
    """An execution environment of a guard function: it carries out one run after the other.

    Attributes
    ----------
    skew_seconds
        By how much its clock is ahead of the true time.
    has_key
        Whether it has read the key that seals tags.
    away_since
        When the ledger failed it first, by its own clock; ``None`` while all is well.
    """

    skew_seconds: float = 0.0
    has_key: bool = True
    away_since: datetime | None = None


@dataclass(slots=True, eq=False)
class Run:
    """One invocation of a guard function.

    Attributes
    ----------
    began, deadline
        Seconds on the virtual clock; Lambda ends the run at its deadline.
    calls
        How many calls of ports it has begun.
    read_at
        When it last read a thing that it may change, by the thing's key.
    memory
        What else is noted about it.
    """

    label: str
    began: float
    deadline: float
    random: Random
    calls: int = 0
    is_dead: bool = False
    is_over: bool = False
    error: BaseException | None = None
    read_at: dict[Any, float] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    process: Process = field(default_factory=Process)
    worker: _Worker | None = None

    def die(self, why: str) -> SimulatedCrash:
        """Let every later call fail, too; the error is to be raised."""
        self.is_dead = True
        self.memory.setdefault("died", why)
        return SimulatedCrash(f"{self.label}: {why}")


class _Worker:
    """A thread that carries out one run after the other."""

    idle: Final[deque[_Worker]] = deque()

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.turn.acquire()
        self.back = threading.Lock()
        self.back.acquire()
        self.job: Callable[[], None] | None = None
        threading.Thread(target=self._work, daemon=True, name="run").start()

    def _work(self) -> None:
        while True:
            self.turn.acquire()
            if self.job is not None:
                self.job()
            self.job = None
            self.idle.append(self)
            self.back.release()

    def let(self) -> None:
        """Give the worker its turn, and wait until it gives it back."""
        self.turn.release()
        self.back.acquire()

    def rest(self) -> None:
        """Give the turn back, and wait for the next one."""
        self.back.release()
        self.turn.acquire()


class Turns:
    """The virtual clock with everything that is to happen.

    Attributes
    ----------
    now
        Seconds since the schedule began.
    after
        Called whenever something has happened and no run is at work.
    run
        The run whose turn it is; ``None`` while people and events have theirs.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.run: Run | None = None
        self.active: list[Run] = []
        self._next: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._is_over = False
        self.after: Callable[[], None] = _nothing

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Let something happen at a moment."""
        self._number += 1
        heapq.heappush(self._next, (max(moment, self.now), self._number, action))

    def go(self, until: float) -> None:
        """Let everything happen up to a moment, and the clock stand there."""
        while self._next and self._next[0][0] <= until:
            moment, _, action = heapq.heappop(self._next)
            self.now = max(self.now, moment)
            action()
            if not self.active:
                self.after()
        self.now = max(self.now, until)

    def begin(self, run: Run, body: Callable[[], None]) -> None:
        """Start a run now; it goes on by itself, turn by turn."""

        def job() -> None:
            try:
                body()
            except BaseException as error:  # noqa: BLE001 - the run's end, whatever it was
                run.error = error

        worker = _Worker.idle.popleft() if _Worker.idle else _new_worker()
        worker.job = job
        run.worker = worker
        self.active.append(run)
        self._let(run)

    def pause(self, seconds: float) -> None:
        """Let the run whose turn it is wait, as for an answer of AWS.

        Raises
        ------
        SimulatedCrash
            When Lambda ends the run meanwhile.
        """
        run = self.run
        if run is None:
            return
        moment = min(self.now + seconds, run.deadline)
        if self._next and self._next[0][0] <= moment:
            self.at(moment, lambda: self._let(run))
            assert run.worker is not None
            run.worker.rest()
            self.run = run
        else:
            self.now = moment
        if self._is_over or moment >= run.deadline:
            raise run.die("Lambda ended it: its time was over")

    def stop(self) -> None:
        """End every run that is still there, and forget what was to come."""
        self._is_over = True
        self._next.clear()
        while self.active:
            self._let(self.active[0])

    def _let(self, run: Run) -> None:
        self.run = run
        assert run.worker is not None
        run.worker.let()
        self.run = None
        if run.worker.job is None:
            run.is_over = True
            run.worker = None
            self.active.remove(run)
            ended = run.memory.pop("ended", None)
            if ended is not None:
                ended()
            if not self.active and not self._is_over:
                self.after()


def _nothing() -> None:
    return None


def _new_worker() -> _Worker:
    before = threading.stack_size(_STACK_BYTES)
    try:
        return _Worker()
    finally:
        threading.stack_size(before)
