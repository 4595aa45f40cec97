"""Does things at a later moment of virtual time."""

from __future__ import annotations

import contextvars
import heapq
import itertools
import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.timing.clock import VirtualClock

logger = logging.getLogger("sandbox.timing.later")

_LONGEST_WAIT_SECONDS = 1.0


@dataclass(order=True, slots=True)
class _Task:
    due: float
    order: int
    context: contextvars.Context = field(compare=False)
    action: Callable[[], object] = field(compare=False)


class Later:
    """Tasks that wait for their moment, done one after the other on one thread.

    A task runs in the context of who asked for it: the emulator keeps account and Region there. It
    must not wait for anything itself, because the others wait for it.
    """

    def __init__(self, clock: VirtualClock, stop: threading.Event) -> None:
        self._clock = clock
        self._stop = stop
        self._heap: list[_Task] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None

    def at(self, due: float, action: Callable[[], object]) -> None:
        """Run ``action`` once the virtual time ``due`` (seconds since the epoch) has come."""
        task = _Task(due, next(self._order), contextvars.copy_context(), action)
        with self._wake:
            heapq.heappush(self._heap, task)
            self._wake.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-later", daemon=True)
                self._thread.start()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Run ``action`` after so many virtual seconds."""
        self.at(self._clock.now() + seconds, action)

    def clear(self) -> None:
        """Forget what has not been done yet."""
        with self._wake:
            self._heap.clear()

    def _run(self) -> None:
        while (task := self._next()) is not None:
            try:
                task.context.run(task.action)
            except Exception:
                logger.exception("a task of the sandbox failed")

    def _next(self) -> _Task | None:
        with self._wake:
            while not self._stop.is_set():
                wait = _LONGEST_WAIT_SECONDS
                if self._heap:
                    wait = min(wait, self._clock.real_seconds_until(self._heap[0].due))
                    if wait <= 0:
                        return heapq.heappop(self._heap)
                self._wake.wait(wait)
        return None
