"""How late, how slowly and how often things happen is drawn, and stays within its bounds."""

from __future__ import annotations

import itertools
import threading

from hypothesis import given
from hypothesis import strategies as st

from sandbox.timing.clock import VirtualClock
from sandbox.timing.delayed import Delayed
from sandbox.timing.later import Later
from sandbox.weather.lateness import (
    TWICE_GAP_SECONDS,
    Duplicates,
    Occurrences,
    concurrency_seconds,
    iam_seconds,
    mapping_transition_seconds,
    trail_seconds,
)
from sandbox.weather.seeded import Weather, WeatherKind

AWS = Weather(kind=WeatherKind.AWS, seed=7)
MOMENTS = st.floats(min_value=0, max_value=1000)


@given(st.lists(st.tuples(MOMENTS, MOMENTS), max_size=8))
def test_a_delayed_value_ends_as_what_it_was_last_changed_to(
    changes: list[tuple[float, float]],
) -> None:
    """However late each change counts, no earlier one comes back after it."""
    value, now = Delayed(-1), 0.0
    for number, (pause, delay) in enumerate(changes):
        now += pause
        value.change(number, now + delay)

    assert value.value_at(1e9) == len(changes) - 1 == value.latest
    assert value.is_settled(1e9)
    seen = [value.value_at(moment) for moment in range(0, 12_000, 50)]
    assert seen == sorted(seen)


def test_a_delayed_value_is_what_it_was_until_the_change_counts() -> None:
    """The old rights go on to hold, and nothing in between."""
    value = Delayed("old")
    value.change("new", 10.0)

    assert (value.value_at(9.9), value.value_at(10.0)) == ("old", "new")
    assert not value.is_settled(9.9)
    assert value.latest == "new"


def test_delays_are_spread_over_their_ranges() -> None:
    """Each range is drawn from end to end."""
    ranges = {
        mapping_transition_seconds: (10.0, 90.0),
        concurrency_seconds: (0.0, 5.0),
        iam_seconds: (5.0, 30.0),
    }

    for seconds, (low, high) in ranges.items():
        drawn = [seconds(AWS, "f", number) for number in range(500)]
        margin = (high - low) / 50
        assert low <= min(drawn) < low + margin
        assert high - margin < max(drawn) <= high


def test_the_concurrency_is_in_force_at_once_in_calm_weather() -> None:
    """CloudFormation notes its changes in either weather."""
    assert concurrency_seconds(Weather(), "f", 0) == 0.0


def test_cloudtrail_is_late_seldom_very_late_and_seldom_tells_twice() -> None:
    """One in thirty comes five minutes late, one in fifty comes twice."""
    drawn = [trail_seconds(AWS, "lambda", "Invoke", number) for number in range(3000)]
    first = [seconds[0] for seconds in drawn]

    usual = [seconds for seconds in first if seconds != 300.0]
    assert 5.0 <= min(usual) < 6.0
    assert 59.0 < max(usual) <= 60.0
    assert 60 <= first.count(300.0) <= 140
    assert 30 <= sum(len(seconds) > 1 for seconds in drawn) <= 90


def test_events_of_cloudtrail_overtake_each_other() -> None:
    """What happened later may be told first."""
    due = [at + trail_seconds(AWS, "lambda", "TagResource", at)[0] for at in range(100)]

    assert due != sorted(due)


def test_one_delivery_in_fifty_comes_twice() -> None:
    """Deliveries that are far apart come twice at the stated rate, and soon after."""
    duplicates = Duplicates(AWS)
    seconds = [
        duplicates.second_after(at * (TWICE_GAP_SECONDS + 1.0), "rule", "target")
        for at in range(3000)
    ]

    again = [one for one in seconds if one is not None]
    assert 30 <= len(again) <= 90
    assert 0.1 <= min(again) <= max(again) <= 20.0


def test_a_loop_is_not_multiplied_by_the_weather() -> None:
    """However many deliveries a receiver gets, one in ten minutes comes twice at most."""
    duplicates = Duplicates(AWS)
    moments = [number * 0.05 for number in range(100_000)]
    again = [at for at in moments if duplicates.second_after(at, "async", "f") is not None]

    assert again
    gaps = [after - before for before, after in itertools.pairwise(again)]
    assert min(gaps) >= TWICE_GAP_SECONDS


def test_nothing_comes_twice_in_calm_weather() -> None:
    """Unit tests of the sandbox rely on it."""
    duplicates = Duplicates(Weather())

    assert all(
        duplicates.second_after(at * (TWICE_GAP_SECONDS + 1.0), "f") is None for at in range(1000)
    )


def test_occurrences_count_each_thing_by_itself() -> None:
    """The nth time of one thing is no nth time of another."""
    occurrences = Occurrences()

    assert [occurrences.number("a"), occurrences.number("b"), occurrences.number("a")] == [0, 0, 1]
    occurrences.clear()
    assert occurrences.number("a") == 0


def test_tasks_are_done_in_the_order_in_which_they_are_due() -> None:
    """The order in which they were asked for does not matter, and a failing one does no harm."""
    clock, stop, done = VirtualClock(60.0), threading.Event(), threading.Event()
    later, order = Later(clock, stop), list[str]()

    def finish() -> None:
        order.append("last")
        done.set()

    later.after(20.0, finish)
    later.after(10.0, lambda: order.append("second"))
    later.after(5.0, lambda: 1 / 0)
    later.after(1.0, lambda: order.append("first"))

    assert done.wait(10.0)
    stop.set()
    assert order == ["first", "second", "last"]
