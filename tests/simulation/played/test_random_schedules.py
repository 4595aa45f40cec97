"""Every rule holds in random schedules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.workflows.rollback.rollback import Rollback
from tests.simulation.__main__ import replay, show
from tests.simulation.drawing import draw
from tests.simulation.play import play
from tests.simulation.played.playing import (
    FOUND,
    LATE,
    LATE_PULSES,
    PART,
    SEEDS,
    STOPPED,
    rules_broken,
)
from tests.simulation.schedule import (
    Wakes,
    Weather,
)
from tests.simulation.shorten import shorten


@pytest.mark.parametrize("seed", FOUND)
def test_a_seed_that_broke_a_rule_breaks_none(seed: int) -> None:
    """What was found once is not lost when others are drawn."""
    assert play(draw(seed)).broken == []


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_every_rule_holds_in_random_schedules(first: int) -> None:
    """Whatever goes wrong, whoever changes what: see `tests.simulation.rules`."""
    broken = {
        seed: sorted({one.rule for one in told.broken})
        for seed in range(first, first + PART)
        if (told := play(draw(seed))).broken
    }

    assert not broken, f"{broken}\n\n{show(min(broken), shortens=True)}"


@pytest.mark.parametrize("first", range(0, LATE_PULSES, PART))
def test_every_rule_holds_with_pulses_that_wait(first: int) -> None:
    """Late in the minute, each waits for the next one while others change what it has read."""
    drawn = {seed: draw(seed) for seed in range(first, first + PART)}
    broken = {
        seed: rules
        for seed, one in drawn.items()
        if (rules := rules_broken(replace(one, weather=replace(one.weather, pulse_second=LATE))))
    }

    assert not broken


def test_a_seed_tells_the_same_story_again() -> None:
    """The order of things follows from the seed, not from the machine's threads."""
    once, again = (play(draw(7), tells=True).story for _ in range(2))

    assert once == again


def test_a_simple_schedule_breaks_no_rule() -> None:
    """The schedule that the tests below sabotage holds every rule by itself."""
    told = play(STOPPED)

    assert told.broken == []
    assert told.changes > 0
    assert told.mails > 0


def test_a_schedule_is_made_as_short_as_it_still_breaks_the_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has nothing to do with it is left out."""
    monkeypatch.setattr(Rollback, "of", lambda *_given: ())
    late = Wakes(at=200.0, kind="contributor", function="orders", twice=10.0)
    slow = replace(
        STOPPED, events=(*STOPPED.events, late), weather=Weather(slowness=1, late_minutes=1)
    )

    shortest = shorten(slow, "prior")

    assert len(shortest.events) == 1
    assert shortest.weather == Weather()


def test_a_seed_is_told_in_plain_english() -> None:
    """With the command that plays it again."""
    told = show(7, shortens=True)

    assert "seed 7:" in told
    assert "what happened" in told
    assert replay(7) in told
