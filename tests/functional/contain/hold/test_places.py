"""What counts within the blast radius, told as stories."""

from datetime import timedelta

import pytest

from functions.domain.errors import RefusedError
from functions.domain.incidents.decision import Contain, Notify
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
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


def test_stops_without_the_ledger_count_once_it_is_back() -> None:
    """Three of them use the blast radius up; the fourth function is for a person to judge."""
    scene = Scene()
    scene.account.ledger.is_down = True
    for name in ("a", "b", "c"):
        scene.add_runaway(name)
        with pytest.raises(PartlyFailedError):
            scene.contributor(name)
    scene.account.ledger.is_down = False
    for name in ("a", "b", "c"):
        scene.calm(name)
    scene.pulse()

    scene.add_runaway("orders")
    scene.contributor("orders")

    assert scene.account.by_name["orders"].reserved is None
    assert any("NOT STOPPED" in one and "orders" in one for one in scene.subjects)


def test_a_stop_that_was_refused_excuses_no_other_function_on_the_loop() -> None:
    """A loop is cut by a function that stands still, not by the attempt."""
    scene = Scene()
    scene.loops.together = frozenset({"a", "b"})
    for name in ("a", "b"):
        scene.add_runaway(name)
    scene.account.faults.fail("reserve", RefusedError("AccessDeniedException"))

    report = scene.signal(SignalKind.CONTRIBUTOR, "a", "b")

    assert [type(one) for one in report.decisions] == [Notify, Contain]
    assert scene.account.by_name["b"].reserved == 0
