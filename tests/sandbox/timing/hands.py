"""A clock whose real time a test moves."""

from __future__ import annotations

from sandbox.timing.clock import VirtualClock

SPEED = 60.0


class Hands:
    """Real time that a test moves."""

    def __init__(self) -> None:
        self.real = 6000.0

    def clock(self, speed: float = SPEED) -> VirtualClock:
        """A clock by this time."""
        return VirtualClock(speed, real=lambda: self.real, monotonic=lambda: self.real)
