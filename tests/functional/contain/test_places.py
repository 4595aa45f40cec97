"""What counts within the blast radius, told as stories."""

from datetime import timedelta

import pytest

from functions.domain.errors import RefusedError
from functions.domain.incident import IncidentState
from tests.functional.scene import Scene


def test_three_refused_stops_leave_the_guard_able_to_act() -> None:
    """A policy that forbids three of them does not protect the fourth, a real loop."""
    scene = Scene()
    for name in ("a", "b", "c"):
        scene.add_runaway(name)
        scene.account.faults.fail("reserve", RefusedError("AccessDeniedException"))
        scene.contributor(name)
        assert scene.incident(name).state is IncidentState.NOTIFIED

    scene.add_runaway("orders")
    scene.contributor("orders")

    assert scene.account.by_name["orders"].reserved == 0


@pytest.mark.parametrize("times", [1, 3])
def test_one_function_that_is_restored_and_stopped_again_leaves_room_for_two(times: int) -> None:
    """The blast radius counts functions."""
    scene = Scene()
    scene.add_runaway("again")
    for _ in range(times):
        scene.burn("again")
        scene.contributor("again")
        assert scene.account.by_name["again"].reserved == 0
        scene.rollback("again")
        scene.now += timedelta(minutes=9)

    for name in ("a", "b", "c"):
        scene.add_runaway(name)
        scene.contributor(name)

    reserved = [scene.account.by_name[name].reserved for name in ("a", "b", "c")]
    assert reserved == [0, 0, None]
    assert any("NOT STOPPED" in one and " c" in one for one in scene.subjects)
