"""A function that people protect while the guard is at it: nothing more of it is changed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.errors import RefusedError
from functions.domain.incidents.policy import Mode
from functions.domain.incidents.states import IncidentState
from tests.functional.contain.danger.capped import (
    NORMAL_PEAK,
    minutes_under_the_cap,
    suspected,
)
from tests.functional.scene import QUEUE, Scene

PROTECTIONS = ("tag", "flag", "mode", "own")


def protect(scene: Scene, how: str) -> None:
    """What people do, or deploy."""
    match how:
        case "tag":
            scene.account.by_name["orders"].tags["loopbreaker:exempt"] = "true"
        case "flag":
            scene.policy = replace(scene.policy, exempt=frozenset({"orders"}))
        case "own":
            scene.policy = replace(scene.policy, own_functions=frozenset({"orders"}))
        case _:
            scene.policy = replace(scene.policy, mode=Mode.OBSERVE)


@pytest.mark.thorough
@pytest.mark.parametrize("how", PROTECTIONS)
@pytest.mark.parametrize("pinned", [True, False])
def test_a_capped_function_that_is_protected_is_put_back_and_never_stopped(
    how: str, *, pinned: bool
) -> None:
    """Whatever it does under the cap; people are notified of the reason, once."""
    scene = suspected(reserved=50)
    scene.contributor()
    minutes_under_the_cap(scene, 1, pinned=pinned)
    scene.account.journal.clear()
    protect(scene, how)

    minutes_under_the_cap(scene, 14, pinned=pinned)

    assert scene.account.by_name["orders"].reserved == 50
    assert [one.arguments["concurrency"] for one in scene.account.calls("reserve")] == [50]
    told = [one for one in scene.account.publisher.sent if "RESTORED BY LOOPBREAKER" in one.subject]
    assert len(told) == 1
    assert "RESTORED orders, without being asked: " in told[0].body
    assert scene.account.ledger.filed("orders")[0].state is IncidentState.LIFTED


def test_what_was_put_back_for_a_protection_is_not_explained_by_it() -> None:
    """The same spike is capped again as soon as the exemption is gone."""
    scene = suspected()
    scene.contributor()
    protect(scene, "flag")
    minutes_under_the_cap(scene, 1, pinned=True)
    scene.policy = replace(scene.policy, exempt=frozenset())

    live = scene.account.ledger.read_live()

    assert not live.was_lifted("orders", scene.now - timedelta(hours=1))
    assert live.troubles("orders") != ()


def test_a_lift_that_iam_denies_because_of_the_tag_is_told_once() -> None:
    """The policy keeps `contain` off an exempt function; a person's rollback is not refused."""
    scene = suspected(reserved=50)
    scene.contributor()
    protect(scene, "tag")
    scene.account.faults.fail("reserve", RefusedError("AccessDeniedException"), times=-1)

    minutes_under_the_cap(scene, 40, pinned=True)

    assert scene.account.by_name["orders"].reserved == NORMAL_PEAK
    assert scene.incident().state is IncidentState.CAPPED
    told = [one for one in scene.account.publisher.sent if "RESTORE FAILED" in one.subject]
    assert len(told) == 1
    assert "Loopbreaker tries again by itself" in told[0].body
    scene.account.faults.clear()  # the role of `restore` is not denied
    scene.rollback("orders")
    assert scene.account.by_name["orders"].reserved == 50


@pytest.mark.thorough
@pytest.mark.parametrize("how", PROTECTIONS)
@pytest.mark.parametrize("number", range(1, 5))
def test_a_half_done_containment_of_a_protected_function_is_put_back(how: str, number: int) -> None:
    """The run died somewhere between the snapshot and its end."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)
    mapping = scene.account.add_mapping("orders", QUEUE)
    first = next(one.number for one in _undisturbed().account.calls("open"))
    scene.account.faults.crash_after(first + number - 1)
    assert not scene.survives(scene.contributor)
    protect(scene, how)
    scene.account.journal.clear()
    scene.now += timedelta(minutes=2)

    scene.pulse(3)

    assert (orders.reserved, mapping.enabled) == (7, True)
    assert not [one for one in scene.account.calls("reserve") if not one.arguments["concurrency"]]
    stored = scene.account.ledger.stored("orders")
    assert stored is None or stored.state is IncidentState.NOTIFIED


def _undisturbed() -> Scene:
    scene = Scene()
    scene.add_runaway(reserved=7)
    scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    return scene


@pytest.mark.parametrize("how", PROTECTIONS)
def test_a_stopped_function_that_is_protected_stays_stopped_and_keeps_its_mappings(
    how: str,
) -> None:
    """What is done is for a person to undo; what is not done yet is not done any more."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.account.faults.fail("switch_mapping", RefusedError("no"))
    scene.contributor()
    assert (orders.reserved, mapping.enabled) == (0, True)
    protect(scene, how)

    scene.pulse(10)

    assert (orders.reserved, mapping.enabled) == (0, True)
    assert scene.incident().state is IncidentState.CONTAINED
    scene.rollback("orders")
    assert orders.reserved == 7


def test_a_function_that_is_exempt_by_the_time_of_the_plan_is_not_held() -> None:
    """What the plan reads of a function decides as well, not only what was read before it."""
    scene = suspected()
    scene.account.faults.before("functions.mappings", lambda: protect(scene, "tag"))

    scene.contributor()

    assert scene.account.by_name["orders"].reserved is None
    assert scene.account.calls("reserve", "schedule") == []
