"""Virtual time."""

from __future__ import annotations

import threading

import pytest

from sandbox.timing.clock import VirtualClock, VirtualTimeModule


class _Hands:
    """A real and a monotonic clock that a test moves."""

    def __init__(self, real: float) -> None:
        self.real = real
        self.monotonic = 0.0

    def advance(self, seconds: float) -> None:
        self.real += seconds
        self.monotonic += seconds

    def clock(self, speed: float) -> VirtualClock:
        return VirtualClock(speed, real=lambda: self.real, monotonic=lambda: self.monotonic)


def test_at_speed_one_it_is_real_time() -> None:
    """At a speed of one the virtual time is the real time."""
    hands = _Hands(1000.5)
    clock = hands.clock(1)

    hands.advance(61)

    assert clock.now() == 1061.5


def test_a_minute_takes_sixty_seconds_divided_by_the_speed() -> None:
    """Virtual time runs as many times as fast as it was told."""
    hands = _Hands(6000)
    clock = hands.clock(30)
    start = clock.now()

    hands.advance(2)

    assert clock.now() - start == 60


def test_the_first_minute_begins_at_once() -> None:
    """A fast clock starts just before a minute boundary."""
    clock = _Hands(6000).clock(30)

    assert clock.real_seconds_until(6060) <= 0.5


def test_it_is_never_behind_real_time() -> None:
    """A jump of the real clock is followed."""
    hands = _Hands(6000)
    clock = hands.clock(2)

    hands.real += 10_000

    assert clock.now() >= hands.real


def test_a_slow_clock_is_refused() -> None:
    """A speed under one would fall behind real time."""
    with pytest.raises(ValueError, match="cannot fall behind"):
        VirtualClock(0.5)


def test_waiting_ends_when_the_world_stops() -> None:
    """A wait tells whether the moment came or the world stopped."""
    clock, stop = VirtualClock(60), threading.Event()

    assert clock.wait_until(clock.now() + 1, stop)
    stop.set()
    assert not clock.wait_until(clock.now() + 1000, stop)


def test_the_time_module_stand_in_answers_virtual_time_only_for_time() -> None:
    """Everything but ``time.time`` is the real module's."""
    hands = _Hands(6000)
    module = VirtualTimeModule(hands.clock(2))

    assert module.time() >= 6000
    assert module.strftime("%Y", module.gmtime(0)) == "1970"
