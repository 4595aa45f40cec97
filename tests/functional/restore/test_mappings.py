"""Restoring while AWS is still changing an event source mapping."""

from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import LimitMapping, StepOutcome
from functions.domain.errors import BusyError, RefusedError
from functions.domain.incidents.states import IncidentState
from functions.workflows.incidents.restore import PENDING_AT_MOST
from functions.workflows.rollback.results import Refused, Restored
from tests.functional.scene import QUEUE, TABLE_STREAM, Scene

IN_USE = BusyError("ResourceInUseException: Cannot update the event source mapping in use.")


def contained(scene: Scene, name: str = "orders") -> None:
    """A function with a mapping, stopped by the guard."""
    scene.add_runaway(name, reserved=5)
    scene.account.add_mapping(name, QUEUE)
    scene.contributor(name)
    scene.account.journal.clear()


def enabled(scene: Scene) -> list[bool]:
    """The switches of all mappings."""
    return [one.enabled for one in scene.account.by_uuid.values()]


def test_a_function_may_run_before_its_mappings_are_enabled() -> None:
    """Messages that are polled while it may not run would go to a dead-letter queue."""
    scene = Scene()
    contained(scene)

    scene.rollback("orders")

    changes = [one.method for one in scene.account.calls("reserve", "switch_mapping")]
    assert changes == ["reserve", "switch_mapping"]


def test_a_refused_reservation_leaves_the_mappings_disabled() -> None:
    """The function stays as contained as it was."""
    scene = Scene()
    contained(scene)
    scene.account.faults.fail("reserve", RefusedError("AWS says no"))

    (result,) = scene.rollback("orders")

    assert isinstance(result, Refused)
    assert enabled(scene) == [False]
    assert scene.incident().state is IncidentState.CONTAINED


def test_a_mapping_that_is_still_being_disabled_is_waited_for() -> None:
    """The deployment ends with everything restored, a minute later."""
    scene = Scene()
    contained(scene)
    scene.account.faults.fail("switch_mapping", IN_USE, times=12)

    (result,) = scene.rollback("orders")

    assert result == Restored(function="orders", text="restored")
    assert (scene.slept, enabled(scene)) == (60.0, [True])
    assert scene.account.ledger.stored("orders") is None
    assert sum("RESTORED" in one for one in scene.subjects) == 1


def test_every_function_runs_again_before_a_mapping_is_waited_for() -> None:
    """The mapping of one function keeps no other function waiting."""
    scene = Scene()
    contained(scene, "a")
    contained(scene, "b")
    scene.account.faults.fail("switch_mapping", IN_USE, times=1)
    reserved: list[int | None] = []
    scene.account.faults.before(
        "switch_mapping", lambda: reserved.append(scene.account.by_name["a"].reserved)
    )
    rollbacks = scene.rollbacks

    rollbacks.of(("a", "b"))

    reserves = [one.number for one in scene.account.calls("reserve")]
    last_switch = [one.number for one in scene.account.calls("switch_mapping")][-1]
    assert len(reserves) == 2
    assert max(reserves) < last_switch
    assert (reserved, enabled(scene)) == ([5], [True, True])


@pytest.mark.parametrize("left", [0.0, 60.0, 90.0])
def test_a_deployment_without_time_succeeds_and_a_pulse_enables_the_mapping(left: float) -> None:
    """It runs again; what is pending is said, kept, and done by the next pulse."""
    scene = Scene()
    contained(scene)
    scene.account.faults.fail("switch_mapping", IN_USE, times=-1)

    (result,) = scene.rollbacks.of(("orders",), lambda: left - scene.slept)

    assert isinstance(result, Restored)
    assert "still changing an event source mapping" in result.text
    assert "ResourceInUseException" in result.text
    assert scene.slept <= max(0.0, left - 60.0)
    assert scene.account.by_name["orders"].reserved == 5
    assert scene.incident().state is IncidentState.RESTORING
    assert not any("RESTORE" in one for one in scene.subjects)

    scene.account.faults.clear()
    scene.calm("orders")
    scene.pulse()

    assert enabled(scene) == [True]
    assert scene.account.ledger.stored("orders") is None
    assert sum("RESTORED" in one for one in scene.subjects) == 1


def test_a_pulse_that_comes_first_is_no_obstacle() -> None:
    """The deployment sees that what it waited for is done."""
    scene = Scene()
    contained(scene)
    scene.account.faults.fail("switch_mapping", IN_USE, times=2)

    def pulse_first(seconds: float) -> None:
        scene.slept += seconds
        scene.account.faults.clear()
        scene.calm("orders")
        scene.pulse()

    rollbacks = scene.rollbacks
    object.__setattr__(rollbacks, "sleep", pulse_first)

    (result,) = rollbacks.of(("orders",))

    assert result == Restored(function="orders", text="restored")
    assert enabled(scene) == [True]
    assert sum("RESTORED" in one for one in scene.subjects) == 1


def test_a_mapping_that_stays_busy_is_reported_in_the_end() -> None:
    """After some minutes people are notified, and the function is watched as a released one."""
    scene = Scene()
    contained(scene)
    scene.account.faults.fail("switch_mapping", IN_USE, times=-1)
    scene.rollback("orders")

    scene.now += PENDING_AT_MOST + timedelta(minutes=1)
    scene.calm("orders")
    scene.pulse()

    assert scene.incident().state is IncidentState.RELEASED
    assert any("NOT RESTORED" in one or "RESTORE" in one for one in scene.subjects)

    scene.account.faults.clear()
    (result,) = scene.rollback("orders")

    assert (result.text, enabled(scene)) == ("restored", [True])


def test_the_next_rollback_goes_on_with_what_is_pending() -> None:
    """Asking again does what is left and nothing twice."""
    scene = Scene()
    contained(scene)
    scene.account.add_mapping("orders", TABLE_STREAM, enabled=False)
    scene.account.faults.fail("switch_mapping", IN_USE, times=-1)
    scene.rollback("orders")
    scene.account.faults.clear()
    scene.account.journal.clear()

    (result,) = scene.rollback("orders")

    assert result == Restored(function="orders", text="restored")
    assert [one.method for one in scene.account.calls("reserve", "switch_mapping")] == [
        "switch_mapping"
    ]
    assert enabled(scene) == [True, False]


def limited(scene: Scene, *, prior: int | None) -> None:
    """The same with a limit of 5 that the guard has set."""
    contained(scene)
    (mapping,) = scene.account.by_uuid.values()
    limit = LimitMapping(function="orders", uuid=mapping.uuid, source_arn=QUEUE, to=5, prior=prior)
    done = StepOutcome(step=limit, status=StepStatus.DONE)
    scene.account.ledger.save(scene.incident().with_step(done))
    mapping.maximum_concurrency = 5
    scene.account.journal.clear()


@pytest.mark.parametrize("prior", [None, 40])
def test_a_restored_mapping_has_its_former_limit_before_it_is_enabled(prior: int | None) -> None:
    """It runs as before, from its first message on."""
    scene = Scene()
    limited(scene, prior=prior)

    (result,) = scene.rollback("orders")

    changes = scene.account.calls("reserve", "limit_mapping", "switch_mapping")
    assert [one.method for one in changes] == ["reserve", "limit_mapping", "switch_mapping"]
    (mapping,) = scene.account.by_uuid.values()
    assert (mapping.enabled, mapping.maximum_concurrency) == (True, prior)
    assert result == Restored(function="orders", text="restored")
    assert f"{prior or 'no limit'}." in scene.account.publisher.sent[-1].body.replace("\n", " ")


def test_a_mapping_that_loses_its_limit_is_waited_for() -> None:
    """AWS is at work on it for a while: the next pulse enables it, and only then it is told."""
    scene = Scene()
    limited(scene, prior=None)
    (mapping,) = scene.account.by_uuid.values()

    def set_to_work() -> None:
        mapping.is_changing = True

    scene.account.faults.before("switch_mapping", set_to_work)
    (result,) = scene.rollbacks.of(("orders",), lambda: 0.0)

    assert isinstance(result, Restored)
    assert "still changing an event source mapping" in result.text
    assert scene.incident().state is IncidentState.RESTORING
    mapping.is_changing = False
    scene.calm("orders")
    scene.pulse()

    assert (mapping.enabled, mapping.maximum_concurrency) == (True, None)
    assert scene.account.ledger.stored("orders") is None


def test_a_limit_that_stays_is_looked_after_and_can_be_put_back_by_hand() -> None:
    """AWS refuses to take it back: people are notified of it, and the incident does not end."""
    scene = Scene()
    limited(scene, prior=None)
    scene.account.faults.fail("limit_mapping", RefusedError("AWS says no"), times=-1)

    (result,) = scene.rollback("orders")

    assert isinstance(result, Refused)
    assert scene.incident().state is IncidentState.RELEASED
    assert "--scaling-config '{}'" in scene.account.publisher.sent[-1].body
    scene.calm("orders")
    scene.now += timedelta(hours=30)
    scene.calm("orders")
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED
