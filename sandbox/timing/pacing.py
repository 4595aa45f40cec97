"""Ends no virtual minute before what had begun in it is done, however slow this machine is.

On AWS an invocation takes a second or two of a minute's sixty. In a sandbox whose minute lasts one
real second the same invocation takes minutes on a busy machine, and CloudWatch runs away from the
guard that watches it. So the clock stands still at the end of each minute until everything that
was under way at that moment has finished: a slow machine makes minutes longer, and nothing else.
"""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox.timing.clock import SECONDS_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from sandbox.timing.clock import VirtualClock

LONGEST_HOLD_SECONDS = 20.0
"""Real seconds for which a minute, and a piece of work, is waited for at most.

A function that waits for virtual time while virtual time waits for it would stop both.
"""

END_SECONDS = 0.001
"""How long before the boundary, in virtual seconds, a minute is held."""

SOON_SECONDS = 2 * END_SECONDS
"""Virtual seconds after which what is handed on is due.

What is handed on while a minute is held is thereby due in the next one.
"""

POLL_SECONDS = 0.005


class Work:
    """What is being done at this moment, whoever asked for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._open: set[int] = set()

    def begin(self) -> int:
        """Note that something begins; its number."""
        with self._lock:
            number = next(self._numbers)
            self._open.add(number)
        return number

    def end(self, number: int) -> None:
        """Note that it is done."""
        with self._lock:
            self._open.discard(number)

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Something that is done within a ``with`` block."""
        number = self.begin()
        try:
            yield
        finally:
            self.end(number)

    def unfinished(self) -> frozenset[int]:
        """The numbers of all that has begun and is not done."""
        with self._lock:
            return frozenset(self._open)


class Pacer:
    """Holds the clock at the end of each minute while work of that minute is unfinished.

    Parameters
    ----------
    sources
        Each answers what is unfinished at this moment. Only what is unfinished when the end of
        the minute comes is waited for: what begins later belongs to the next minute.
    """

    def __init__(
        self,
        clock: VirtualClock,
        sources: Iterable[Callable[[], Iterable[Hashable]]],
        *,
        longest_hold_seconds: float = LONGEST_HOLD_SECONDS,
    ) -> None:
        self._clock = clock
        self._sources = sources
        self._longest_hold_seconds = longest_hold_seconds
        self._given_up: frozenset[Hashable] = frozenset()
        self.held_seconds = 0.0

    def start(self, stop: threading.Event) -> threading.Thread | None:
        """Hold in the background until ``stop``; real time cannot be held, and is not."""
        if self._clock.speed <= 1:
            return None
        self._allow((self._clock.minute() + 1) * SECONDS_PER_MINUTE)
        thread = threading.Thread(
            target=self._run, args=(stop,), name="sandbox-pacing", daemon=True
        )
        thread.start()
        return thread

    def _run(self, stop: threading.Event) -> None:
        boundary = (self._clock.minute() + 1) * SECONDS_PER_MINUTE
        while self._clock.wait_until(boundary - END_SECONDS, stop):
            self.hold(stop)
            # The real clock may have jumped past the boundary meanwhile.
            boundary = max(boundary, self._clock.minute() * SECONDS_PER_MINUTE)
            boundary += SECONDS_PER_MINUTE
            self._allow(boundary)

    def _allow(self, boundary: int) -> None:
        self._clock.go_no_further_than(boundary - END_SECONDS)

    def hold(self, stop: threading.Event) -> None:
        """Wait until all that is unfinished now is done, or was waited for long enough."""
        began = time.monotonic()
        unfinished = self._unfinished()
        # What was given up is not waited for again, and forgotten once it is done.
        self._given_up &= unfinished
        waited_for = unfinished - self._given_up
        while waited_for and not stop.is_set():
            if time.monotonic() - began > self._longest_hold_seconds:
                self._given_up |= waited_for
                break
            stop.wait(POLL_SECONDS)
            waited_for &= self._unfinished()
        self.held_seconds += time.monotonic() - began

    def _unfinished(self) -> frozenset[Hashable]:
        return frozenset(
            (number, one) for number, source in enumerate(self._sources) for one in source()
        )
