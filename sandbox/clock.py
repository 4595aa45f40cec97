"""Virtual time: one CloudWatch minute lasts ``60 / speed`` real seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

SECONDS_PER_MINUTE = 60


class VirtualClock:
    """The time by which the sandbox's CloudWatch and EventBridge live.

    It starts at the real time and runs ``speed`` times as fast, so it is never behind the clock of
    the functions under test. At a speed above one it starts at most half a real second before a
    minute boundary, so that the first whole minute begins at once.
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
        self._origin_monotonic = monotonic()
        self._origin = real()
        if speed > 1:
            boundary = (self._origin // SECONDS_PER_MINUTE + 1) * SECONDS_PER_MINUTE
            self._origin = max(self._origin, boundary - speed / 2)

    def now(self) -> float:
        """The virtual time in seconds since the epoch."""
        elapsed = self._monotonic() - self._origin_monotonic
        return max(self._origin + elapsed * self.speed, self._real())

    def minute(self) -> int:
        """The virtual minute that is running, counted from the epoch."""
        return int(self.now() // SECONDS_PER_MINUTE)

    def real_seconds_until(self, virtual: float) -> float:
        """How long to wait, in real seconds, until a virtual moment has come."""
        return max(0.0, (virtual - self.now()) / self.speed)

    def wait_until(self, virtual: float, stop: threading.Event) -> bool:
        """Wait for a virtual moment; true when it came, false when ``stop`` was set before."""
        return not stop.wait(self.real_seconds_until(virtual))


class VirtualTimeModule:
    """Stands in for the ``time`` module where a service's whole clock has to be virtual."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def time(self) -> float:
        """What ``time.time`` would answer in virtual time."""
        return self._clock.now()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)
