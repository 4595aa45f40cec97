"""Holds in every phase that is stored."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from functions.domain.detection.arrivals import SourceKind
from functions.domain.incidents.policy import Mode, Policy
from tests.fakes.faults import SimulatedCrash
from tests.frozen.told.staging import begin_held, begin_suspected, play_until
from tests.functional.contain.danger.callers import USUAL, callers

if TYPE_CHECKING:
    from tests.frozen.stage import Stage


def capping(stage: Stage) -> None:
    """The run died just after it had set the cap."""
    story = begin_suspected(stage, SourceKind.ASYNCHRONOUS, reserved=50)
    story.scene.account.faults.fail("reserve", SimulatedCrash("died"), lost=True)
    story.scene.survives(story.scene.contributor)


def held_by_cap(stage: Stage) -> None:
    """Held by a cap, for watching."""
    begin_held(stage, SourceKind.ASYNCHRONOUS, reserved=50)


def held_at_zero(stage: Stage) -> None:
    """Held at 0, for watching: the records of its table wait."""
    begin_held(stage, SourceKind.TABLE, reserved=50)


def held_paused(stage: Stage) -> None:
    """Its queue is paused, for watching."""
    begin_held(stage, SourceKind.QUEUE, reserved=50)


def trial_by_cap(stage: Stage) -> None:
    """A little is let go."""
    play_until(begin_held(stage, SourceKind.ASYNCHRONOUS, reserved=50), "capped trial")


def trial_of_queue(stage: Stage) -> None:
    """A little is let go: the mapping is enabled, and limited."""
    play_until(begin_held(stage, SourceKind.QUEUE, reserved=50), "capped trial")


def held_again(stage: Stage) -> None:
    """Held for the second time."""
    play_until(begin_held(stage, SourceKind.QUEUE, reserved=50), "capped held again")


def shown(stage: Stage) -> None:
    """It is shown to feed itself, and stays held until people decide."""
    story = begin_held(stage, SourceKind.QUEUE, reserved=50)
    story.pass_minutes(25)


def expiring(stage: Stage) -> None:
    """The same, and people were told that events which wait are given up soon."""
    story = begin_held(stage, SourceKind.QUEUE, reserved=50)
    story.pass_minutes(25)
    story.scene.now += timedelta(hours=48)
    story.pass_minutes(3)


def second_trial(stage: Stage) -> None:
    """The event graph is certain: it has to be shown twice."""
    story = begin_held(stage, SourceKind.TABLE, reserved=50, is_certain=True)
    play_until(story, "capped held again")
    play_until(story, "capped trial")


def stopped_after_hold(stage: Stage) -> None:
    """It was shown twice, and is stopped."""
    story = begin_held(stage, SourceKind.QUEUE, reserved=50, is_certain=True)
    story.pass_minutes(45)


def capped_in_danger(stage: Stage) -> None:
    """Its callers wait, and it is in danger: capped at its normal peak."""
    story = callers()
    stage.begin(story.scene)
    story.scene.contributor()


def danger_over(stage: Stage) -> None:
    """The same after its callers gave up: the cap was taken back, and the incident is filed."""
    story = callers()
    stage.begin(story.scene)
    story.scene.contributor()
    story.asked = USUAL
    story.pass_minutes(18)


def would_be_capped(stage: Stage) -> None:
    """In observe mode people were told of the cap that there would be."""
    story = callers(policy=Policy(mode=Mode.OBSERVE))
    stage.begin(story.scene)
    story.scene.contributor()


def lifted(stage: Stage) -> None:
    """People feed it: it was let go, and the incident is filed."""
    story = begin_held(stage, SourceKind.ASYNCHRONOUS, is_loop=False, reserved=50)
    story.pass_minutes(14)
