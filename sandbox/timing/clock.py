"""Virtual time: one CloudWatch minute lasts ``60 / speed`` real seconds, or as long as it needs."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_PER_MINUTE = 60
SHORTEST_WAIT_SECONDS = 0.005
"""Real seconds between two looks at a clock that stands still."""


class VirtualClock:
    """The time by which the sandbox's CloudWatch and EventBridge live.

    It starts at the real time and runs ``speed`` times as fast, so it is never behind the clock of
    the functions under test. At a speed above one it starts at most half a real second before a
    minute boundary, so that the first whole minute begins at once. It can be told to go no
    further than a moment, see `sandbox.timing.pacing`, and then stands still there, and to run
    slower, see `sandbox.timing.starvation`.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        real: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed < 1:
            raise ValueError(f"speed is {speed}, but virtual time cannot fall behind real time")
        self.speed = speed
        self._real = real
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._limit = math.inf
        self._pace = speed
        self._origin_monotonic = monotonic()
        self._origin = real()
        if speed > 1:
            boundary = (self._origin // SECONDS_PER_MINUTE + 1) * SECONDS_PER_MINUTE
            self._origin = max(self._origin, boundary - speed / 2)

    def now(self) -> float:
        """The virtual time in seconds since the epoch."""
        with self._lock:
            return max(min(self._unlimited(), self._limit), self._real())

    def _unlimited(self) -> float:
        return self._origin + (self._monotonic() - self._origin_monotonic) * self._pace

    def run_slower(self, times: float) -> None:
        """Run so many times slower from now on; 1 is as fast as it is meant to be.

        Never slower than real time.
        """
        with self._lock:
            self._origin = min(self._unlimited(), self._limit)
            self._origin_monotonic = self._monotonic()
            self._pace = max(1.0, self.speed / times)

    @property
    def pace(self) -> float:
        """How many times faster than real time it runs at this moment."""
        return self._pace

    def go_no_further_than(self, virtual: float) -> None:
        """Stand still at a virtual moment; from an earlier limit the clock goes on as it was."""
        with self._lock:
            if self._unlimited() > self._limit:
                self._origin, self._origin_monotonic = self._limit, self._monotonic()
            self._limit = virtual

    def is_standing(self) -> bool:
        """Whether the clock has come as far as it may."""
        with self._lock:
            return self._unlimited() >= self._limit

    def wait_while_standing(self, stop: threading.Event) -> None:
        """Wait until the clock may go on, or ``stop`` is set."""
        while self.is_standing() and not stop.wait(SHORTEST_WAIT_SECONDS):
            pass

    def minute(self) -> int:
        """The virtual minute that is running, counted from the epoch."""
        return int(self.now() // SECONDS_PER_MINUTE)

    def real_seconds_until(self, virtual: float) -> float:
        """How long to wait at least, in real seconds, until a virtual moment has come."""
        # At the speed that it may have again at any moment.
        seconds = (virtual - self.now()) / self.speed
        # Whoever waits for a clock that stands still just before does not look all the time.
        return max(seconds, SHORTEST_WAIT_SECONDS) if seconds > 0 else 0.0

    def wait_until(self, virtual: float, stop: threading.Event) -> bool:
        """Wait for a virtual moment; true when it came, false when ``stop`` was set before."""
        while (seconds := self.real_seconds_until(virtual)) > 0:
            if stop.wait(seconds):
                return False
        return not stop.is_set()


class VirtualTimeModule:
    """Stands in for the ``time`` module where a service's whole clock has to be virtual."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def time(self) -> float:
        """What ``time.time`` would answer in virtual time."""
        return self._clock.now()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)
