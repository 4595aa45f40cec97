"""Containing while AWS is not ready: what counts as a no, and what as a not yet."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from functions.domain.errors import BusyError, InvalidValueError, RefusedError
from functions.domain.incidents.states import IncidentState
from functions.workflows.detection.report import PartlyFailedError
from tests.fakes.faults import SimulatedCrash
from tests.functional.scene import QUEUE, Scene

OTHER_WORDS = InvalidValueError("InvalidParameterValueException: still more than 0 allocated")


def test_a_removal_under_way_is_a_not_yet_whatever_aws_calls_it() -> None:
    """The provisioned concurrency stays away, and the next pulse stops the function."""
    scene = Scene()
    scene.add_runaway(provisioned={"live": 4})
    scene.account.faults.fail("reserve", OTHER_WORDS, skip=1)

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    orders = scene.account.by_name["orders"]
    assert (orders.provisioned, scene.incident().state) == ({}, IncidentState.CONTAINING)

    scene.pulse()

    assert (orders.reserved, scene.incident().state) == (0, IncidentState.CONTAINED)
    scene.calm("orders")
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned) == (None, {"live": 4})


@pytest.mark.parametrize("requested", [4, 9])
def test_provisioned_concurrency_that_is_requested_anew_meanwhile_is_removed_too(
    requested: int,
) -> None:
    """By a person or auto scaling: else a loop could not be stopped for as long as it is there."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 4})

    def request() -> None:
        orders.provisioned["live"] = requested

    scene.account.faults.before("remove_provisioned", lambda: _before_next_reserve(scene, request))
    assert scene.survives(scene.contributor)
    assert (orders.reserved, orders.provisioned) == (None, {"live": requested})

    scene.survives(lambda: scene.pulse(4))

    assert (orders.reserved, orders.provisioned) == (0, {})
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned) == (None, {"live": requested})


def test_provisioned_concurrency_that_is_changed_before_a_resumed_removal_comes_back() -> None:
    """A run died between its plan and the removal: the one that goes on looks again."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 4})
    scene.account.faults.fail("remove_provisioned", SimulatedCrash("before its effect"))
    assert not scene.survives(scene.contributor)
    orders.provisioned["live"] = 9

    scene.pulse(2)

    assert (orders.reserved, orders.provisioned) == (0, {})
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned) == (None, {"live": 9})


def _before_next_reserve(scene: Scene, action: Callable[[], None]) -> None:
    scene.account.faults.before("reserve", action)


def test_a_refusal_long_after_the_removal_is_a_no() -> None:
    """What was removed is put back, and people are notified."""
    scene = Scene()
    scene.add_runaway(provisioned={"live": 4})
    scene.account.faults.fail("reserve", OTHER_WORDS, skip=1, times=-1)
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.pulse()
    orders = scene.account.by_name["orders"]
    assert orders.provisioned == {}

    scene.now += timedelta(minutes=1)
    scene.pulse()

    assert orders.provisioned == {"live": 4}
    assert scene.incident().state is IncidentState.NOTIFIED


def test_the_mappings_are_not_looked_for_before_the_throttle() -> None:
    """Finding them takes long in a large account: provisioned concurrency is asked for alone."""
    scene = Scene()
    scene.add_runaway(provisioned={"live": 4})
    scene.account.add_mapping("orders", QUEUE)

    scene.contributor()

    names = [one.method for one in scene.account.calls("reserve", "mappings", "provisioned")]
    assert names == ["reserve", "provisioned", "reserve", "mappings"]
    assert [one.enabled for one in scene.account.by_uuid.values()] == [False]


@pytest.mark.parametrize("error", [BusyError("Rate exceeded"), RefusedError("AccessDenied")])
def test_mappings_that_cannot_be_found_now_are_found_by_a_pulse(error: Exception) -> None:
    """The function is stopped and people are notified at once; its mappings are paused later."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.account.faults.fail("mappings", error, times=2)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 0
    assert (scene.incident().state, mapping.enabled) == (IncidentState.CONTAINED, True)
    assert "STOPPED orders" in scene.subjects[0]

    scene.pulse()
    assert mapping.enabled is False

    scene.calm("orders")
    scene.rollback("orders")
    assert (scene.account.by_name["orders"].reserved, mapping.enabled) == (5, True)
