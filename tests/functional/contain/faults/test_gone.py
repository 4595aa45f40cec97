"""What is gone, or is another function's by now, keeps no incident open and fails no rollback."""

from datetime import timedelta

from functions.domain.errors import RefusedError
from functions.domain.incidents.states import IncidentState
from functions.workflows.rollback.results import Restored
from tests.functional.scene import QUEUE, Scene


def _contained() -> Scene:
    scene = Scene()
    scene.add_runaway(reserved=9, provisioned={"live": 3})
    scene.contributor()
    assert scene.account.by_name["orders"].provisioned == {}
    return scene


def test_provisioned_concurrency_of_a_deleted_alias_is_gone() -> None:
    """There is nothing to give it back to."""
    scene = _contained()
    scene.account.by_name["orders"].gone.add("live")

    (result,) = scene.rollback("all")

    assert isinstance(result, Restored)
    assert scene.account.by_name["orders"].reserved == 9
    assert scene.account.ledger.stored("orders") is None


def test_a_released_function_whose_alias_is_gone_is_over_when_it_stays_calm() -> None:
    """So is one that was deleted and created again without it."""
    scene = _contained()
    scene.account.delete("orders")
    scene.account.add("orders", reserved=4, gone={"live"})
    scene.calm("orders", 180)
    scene.pulse(2)
    assert scene.incident().state is IncidentState.RELEASED

    scene.now += timedelta(hours=2)
    scene.calm("orders", 180)
    scene.pulse(6)

    assert scene.account.ledger.stored("orders") is None
    assert scene.account.by_name["orders"].reserved == 4


def test_a_released_function_whose_alias_waits_for_its_provisioned_concurrency_stays_open() -> None:
    """Only the record knows how much there was."""
    scene = _contained()
    scene.account.reserves("orders", 20)
    scene.calm("orders", 180)
    scene.pulse()
    scene.now += timedelta(hours=2)
    scene.calm("orders", 180)
    scene.pulse(6)
    assert scene.incident().state is IncidentState.RELEASED

    scene.rollback("orders")

    assert scene.account.by_name["orders"].provisioned == {"live": 3}


def test_a_mapping_that_invokes_another_function_by_now_is_left_alone() -> None:
    """Whoever gave it away decides whether it polls."""
    scene = Scene()
    scene.add_runaway(reserved=9)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    scene.account.add("shipments")
    mapping.function = "shipments"

    (result,) = scene.rollback("orders")

    assert "it invokes shipments now" in result.text
    assert mapping.enabled is False
    assert scene.account.ledger.stored("orders") is None


def test_a_mapping_that_was_given_away_before_it_was_paused_is_not_paused() -> None:
    """It is none of the stopped function's any more."""
    scene = Scene()
    scene.add_runaway(reserved=9)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.account.faults.fail("switch_mapping", RefusedError("no"))
    scene.contributor()
    mapping.function = "shipments"

    scene.pulse(3)

    assert mapping.enabled is True
    scene.rollback("orders")
    assert scene.account.ledger.stored("orders") is None


def test_a_mapping_that_aws_refuses_to_enable_is_tried_again_by_itself() -> None:
    """The function runs; what a person asked for is completed as soon as AWS lets it."""
    scene = Scene()
    scene.add_runaway(reserved=9)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    scene.account.faults.fail("switch_mapping", RefusedError("no"), times=3)
    scene.rollback("orders")
    assert scene.incident().state is IncidentState.RELEASED
    scene.calm("orders", 30)

    for _ in range(9):
        scene.calm("orders", 1)
        scene.pulse()

    assert mapping.enabled is True
    assert scene.account.ledger.stored("orders") is None
    assert sum("RESTORE FAILED" in one for one in scene.subjects) == 1
