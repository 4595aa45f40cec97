"""Which moments are marked, and over which time traffic is drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.page.timeline import (
    HISTORY_DAYS,
    MOST_POINTS,
    choose_window,
    count_days,
    list_moments,
)
from tests.unit.domain.notices.samples.account import NOW, told
from tests.unit.domain.notices.samples.holds import held, stopped_after_hold
from tests.unit.domain.notices.samples.stops import (
    contained,
    contained_after_cap,
    ordered,
    released,
)
from tests.unit.domain.page.pages import risen


@pytest.mark.parametrize(
    ("incident", "labels"),
    [
        (contained(), ["rise begins", "stopped"]),
        (contained_after_cap(), ["rise begins", "capped", "stopped"]),
        (held(Lever.PAUSE), ["rise begins", "held"]),
        (ordered(), ["stopped"]),
        (told(DecisionReason.OBSERVE_MODE), ["rise begins", "reported"]),
    ],
)
def test_moments(incident: object, labels: list[str]) -> None:
    """What happened, in the order of time."""
    found = list_moments(incident)  # type: ignore[arg-type]

    assert [one.label for one in found] == labels
    assert [one.at for one in found] == sorted(one.at for one in found)


def test_moments_of_a_hold_and_of_a_release() -> None:
    """Each step of a hold is one; so is what others did."""
    assert {"held", "stopped"} <= {one.label for one in list_moments(stopped_after_hold())}
    assert "released by others" in {one.label for one in list_moments(released())}


@given(minutes=st.integers(0, 500 * 24 * 60))
def test_a_window_is_one_that_cloudwatch_can_answer(minutes: int) -> None:
    """Few points, on the grid, of a period that is still kept for that age."""
    incident = risen(contained(hours=minutes / 60))
    window = choose_window(incident, NOW)
    seconds = (window.end - window.start).total_seconds()
    age = NOW - window.start

    assert window.start < window.end
    assert seconds / window.period_seconds <= MOST_POINTS
    assert int(window.start.timestamp()) % window.period_seconds == 0
    assert seconds % window.period_seconds == 0
    assert window.period_seconds % 60 == 0
    if age > timedelta(days=15):
        assert window.period_seconds >= 300
    if age > timedelta(days=63):
        assert window.period_seconds >= 3_600


def test_the_window_holds_the_rise_and_the_stop() -> None:
    """With some of what was usual before."""
    incident = risen(contained(hours=2))
    window = choose_window(incident, NOW)

    for one in list_moments(incident):
        assert window.start + timedelta(minutes=30) < one.at < window.end


def test_of_a_function_held_for_weeks_the_beginning_is_drawn() -> None:
    """What follows is a line at zero."""
    window = choose_window(risen(contained(hours=30 * 24)), NOW)

    assert NOW - window.end > timedelta(days=20)


def test_an_incident_ahead_of_the_clock_has_a_window() -> None:
    """Moments of two clocks may differ."""
    ahead = replace(told(DecisionReason.OBSERVE_MODE), opened_at=NOW + timedelta(hours=1))

    assert choose_window(ahead, NOW).start < choose_window(ahead, NOW).end


def test_days() -> None:
    """By the day of UTC on which it ended; older ones are not counted."""
    ended = [
        (NOW, "restored", True),
        (NOW - timedelta(hours=3), "lifted", True),
        (NOW - timedelta(hours=4), "ended", False),
        (NOW - timedelta(days=HISTORY_DAYS), "restored", True),
    ]

    days = count_days(ended, NOW)

    assert len(days) == HISTORY_DAYS
    assert (days[-1].day.hour, days[-1].day.date()) == (0, NOW.date())
    assert (days[-1].loops, days[-1].lifted, days[-1].reported) == (1, 1, 0)
    assert days[-2].reported == 1
    assert sum(one.total for one in days) == 3
