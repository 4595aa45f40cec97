"""Schedules that end holds: the same with the fake and in EventBridge Scheduler."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from tests.contract.stage import Stage

ID = "orders-20260310T120030Z"
OTHER = "orders-20260310T130000Z"


def soon(stage: Stage, minutes: int) -> datetime:
    """A full minute that is not over for long."""
    return stage.now.replace(second=0, microsecond=0) + timedelta(hours=1, minutes=minutes)


def test_the_same_incident_again_moves_the_time(stage: Stage) -> None:
    """There is one schedule for each incident."""
    stage.way_back.schedule(ID, "orders", soon(stage, 15))
    assert stage.ends_at(ID) == soon(stage, 15)

    stage.way_back.schedule(ID, "orders", soon(stage, 20))

    assert stage.ends_at(ID) == soon(stage, 20)


def test_scheduling_twice_is_scheduling_once(stage: Stage) -> None:
    """A run that is repeated does no harm."""
    for _ in range(2):
        stage.way_back.schedule(ID, "orders", soon(stage, 15))

    assert stage.ends_at(ID) == soon(stage, 15)


def test_cancels_one_incident_and_no_other(stage: Stage) -> None:
    """Each incident of a function has its own."""
    stage.way_back.schedule(ID, "orders", soon(stage, 15))
    stage.way_back.schedule(OTHER, "orders", soon(stage, 15))

    stage.way_back.cancel(ID)

    assert stage.ends_at(ID) is None
    assert stage.ends_at(OTHER) == soon(stage, 15)


def test_what_is_not_scheduled_is_cancelled(stage: Stage) -> None:
    """It may have fired by itself, or been cancelled before."""
    stage.way_back.cancel(ID)

    assert stage.ends_at(ID) is None


def test_schedules_again_after_it_was_cancelled(stage: Stage) -> None:
    """Held anew: a name may be used again."""
    stage.way_back.schedule(ID, "orders", soon(stage, 15))
    stage.way_back.cancel(ID)

    stage.way_back.schedule(ID, "orders", soon(stage, 30))

    assert stage.ends_at(ID) == soon(stage, 30)
