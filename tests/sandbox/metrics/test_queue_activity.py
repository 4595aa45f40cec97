"""Which queues CloudWatch shows, and from when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sandbox.patches.metrics.queue_metrics import ACTIVE_SECONDS, WAKING_SECONDS, QueueActivity
from sandbox.weather.seeded import Weather, WeatherKind

LONGEST = WAKING_SECONDS[1]
NAMES = "abcdefgh"


def _aws(seed: int) -> QueueActivity:
    return QueueActivity(Weather(kind=WeatherKind.AWS, seed=seed))


@given(seed=st.integers(0, 2**31), idle=st.floats(ACTIVE_SECONDS + 1, 10 * ACTIVE_SECONDS))
def test_a_queue_is_shown_for_six_hours_after_its_last_use(seed: int, idle: float) -> None:
    """At once when it is new, and after six hours no longer."""
    activity = _aws(seed)

    activity.created("q", 0.0)

    assert activity.is_shown("q", 0.0)
    assert activity.is_shown("q", ACTIVE_SECONDS)
    assert not activity.is_shown("q", idle)


@given(
    seed=st.integers(0, 2**31),
    uses=st.lists(st.floats(0.0, LONGEST), max_size=5),
)
def test_a_queue_that_is_used_again_is_shown_within_fifteen_minutes(
    seed: int, uses: list[float]
) -> None:
    """However often it is used until then."""
    activity, woken = _aws(seed), 2 * ACTIVE_SECONDS
    activity.created("q", 0.0)

    for moment in (0.0, *sorted(uses)):
        activity.used("q", woken + moment)

    assert activity.is_shown("q", woken + LONGEST)


def test_the_first_minutes_of_a_queue_that_is_used_again_are_not_shown() -> None:
    """Which ones differs by queue."""
    activity, woken = _aws(1), 2 * ACTIVE_SECONDS
    for name in NAMES:
        activity.created(name, 0.0)
        activity.used(name, woken)

    shown = {activity.is_shown(name, woken + LONGEST / 2) for name in NAMES}

    assert shown == {True, False}
    assert not any(activity.is_shown(name, woken) for name in NAMES)


def test_in_calm_weather_a_queue_is_shown_as_soon_as_it_is_used() -> None:
    """Everything is there at once."""
    activity = QueueActivity(Weather())
    activity.created("q", 0.0)

    activity.used("q", 2 * ACTIVE_SECONDS)

    assert activity.is_shown("q", 2 * ACTIVE_SECONDS)
