"""The time of day, with the signals of other clocks."""

from datetime import timedelta

from functions.aws.runtime.clock import SignalClock, read_clock


def test_the_clock_is_not_behind_a_signal() -> None:
    """A signal that comes from a clock that is ahead moves the time of day."""
    clock = SignalClock()
    ahead = read_clock() + timedelta(minutes=3)

    clock.advance(ahead)
    clock.advance(ahead - timedelta(hours=1))

    assert clock.read() == ahead


def test_an_old_signal_does_not_hold_the_clock_back() -> None:
    """A late signal leaves the time of day as it is."""
    clock, before = SignalClock(), read_clock()

    clock.advance(before - timedelta(hours=1))

    assert clock.read() >= before
