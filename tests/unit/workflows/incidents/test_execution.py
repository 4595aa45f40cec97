"""One step, its lease and its record: what a run leaves behind when they come apart."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.record import LEASE
from functions.domain.changes.steps import DisableMapping, Reserve, Step
from functions.domain.errors import (
    BusyError,
    LedgerUnavailableError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.seal import seal
from functions.domain.incidents.tags.snapshot import TaggedSnapshot
from functions.workflows.changes.execution import STEP_TAKES_AT_MOST
from functions.workflows.incidents.execution import Execution
from tests.contract.stage import an_incident
from tests.fakes.ledger import TAG_KEY
from tests.functional.scene import NOON, QUEUE, Scene

ORDERS = "orders"


def _run(scene: Scene, *, reserved: int | None = 7) -> Execution:
    """A run that has just opened an incident, with a stop and a mapping before it."""
    scene.account.add(ORDERS, reserved=reserved)
    mapping = scene.account.add_mapping(ORDERS, QUEUE)
    incident = an_incident(ORDERS, NOON, state=IncidentState.CONTAINING)
    incident = incident.with_reservation(0, reserved)
    step = DisableMapping(function=ORDERS, uuid=mapping.uuid, source_arn=QUEUE)
    found = scene.account.functions.mappings(ORDERS)
    incident = incident.with_mappings(found).leased(scene.now)
    assert step in [one.step for one in incident.steps]
    scene.account.ledger.open(incident, None)
    return Execution(record=scene.incident(), world=scene.world, now=scene.now)


def _step(run: Execution, kind: type[Step]) -> Step:
    return next(one.step for one in run.incident.steps if isinstance(one.step, kind))


def _in_force(scene: Scene) -> tuple[int | None, bool]:
    (mapping,) = scene.account.by_uuid.values()
    return scene.account.by_name[ORDERS].reserved, mapping.enabled


def _moves_on(scene: Scene, change: Callable[[Incident], Incident]) -> Callable[[], None]:
    """What another run does with the incident just before ours changes AWS."""

    def move() -> None:
        scene.account.ledger.save(change(scene.incident()))

    return move


@pytest.mark.parametrize("left", [LEASE, STEP_TAKES_AT_MOST])
def test_a_lease_that_is_long_enough_costs_no_write(left: timedelta) -> None:
    """Nothing avoidable comes before the call that stops a loop."""
    scene = Scene()
    run = _run(scene)
    scene.now += LEASE - left

    run.take()

    assert scene.account.calls("save") == []


def test_a_lease_that_ends_soon_is_renewed_from_the_present_moment() -> None:
    """Not from the beginning of the run."""
    scene = Scene()
    run = _run(scene)
    scene.now += LEASE - STEP_TAKES_AT_MOST + timedelta(seconds=1)

    run.take()

    assert scene.incident().lease_until == scene.now + LEASE
    assert run.incident == scene.incident()


@pytest.mark.parametrize("kind", [Reserve, DisableMapping])
def test_a_step_is_recorded_with_a_fresh_lease(kind: type[Step]) -> None:
    """As done, by one write."""
    scene = Scene()
    run = _run(scene)
    scene.now += timedelta(seconds=9)

    run.carry_out(_step(run, kind))

    done = {one.step.key: one.status for one in scene.incident().steps}
    assert done[_step(run, kind).key] is StepStatus.DONE
    assert scene.incident().lease_until == scene.now + LEASE
    assert len(scene.account.calls("save")) == 1


@pytest.mark.parametrize("error", [RefusedError("no"), BusyError("later")])
def test_a_failure_is_recorded_and_raised(error: Exception) -> None:
    """With AWS's words."""
    scene = Scene()
    run = _run(scene)
    scene.account.faults.fail("reserve", error)

    with pytest.raises(type(error)):
        run.carry_out(_step(run, Reserve))

    (stop,) = scene.incident().stops
    assert (stop.status, stop.detail) == (StepStatus.FAILED, str(error))
    assert scene.incident().contained_at is None


@pytest.mark.parametrize(
    ("state", "is_left"),
    [
        (IncidentState.CONTAINED, True),
        (IncidentState.CONTAINING, True),
        (IncidentState.RELEASED, False),
        (IncidentState.RESTORING, False),
        (IncidentState.NOTIFIED, False),
    ],
)
def test_a_late_stop_is_left_only_where_its_incident_still_holds_the_function(
    state: IncidentState, *, is_left: bool
) -> None:
    """Another run has moved the incident on, without a word to this one."""
    scene = Scene()
    run = _run(scene)
    move = _moves_on(scene, lambda one: replace(one, state=state))
    scene.account.faults.before("reserve", move)

    with pytest.raises(StaleIncidentError):
        run.carry_out(_step(run, Reserve))

    assert _in_force(scene)[0] == (0 if is_left else 7)


@pytest.mark.parametrize(
    ("state", "is_left"),
    [
        (IncidentState.CONTAINED, True),
        (IncidentState.RELEASED, True),
        (IncidentState.RESTORING, True),
        (IncidentState.RESTORED, False),
    ],
)
def test_a_late_pause_of_a_mapping_is_left_where_the_record_still_has_it(
    state: IncidentState, *, is_left: bool
) -> None:
    """Whoever restores comes to it yet."""
    scene = Scene()
    run = _run(scene)
    move = _moves_on(scene, lambda one: replace(one, state=state))
    scene.account.faults.before("switch_mapping", move)

    with pytest.raises(StaleIncidentError):
        run.carry_out(_step(run, DisableMapping))

    assert _in_force(scene)[1] is not is_left


@pytest.mark.parametrize("kind", [Reserve, DisableMapping])
def test_a_late_step_whose_inverse_has_begun_is_undone(kind: type[Step]) -> None:
    """The restore has been there already."""
    scene = Scene()
    run = _run(scene)
    step = _step(run, kind)

    def restoring(one: Incident) -> Incident:
        back = one.with_restored(step, StepStatus.DONE)
        return replace(back, state=IncidentState.RESTORING)

    method = "reserve" if kind is Reserve else "switch_mapping"
    scene.account.faults.before(method, _moves_on(scene, restoring))

    with pytest.raises(StaleIncidentError):
        run.carry_out(step)

    assert _in_force(scene) == (7, True)


def test_a_late_inverse_is_taken_back_where_the_function_is_held() -> None:
    """Another incident, or the same one, wants the step in force."""
    scene = Scene()
    run = _run(scene)
    stop, pause = _step(run, Reserve), _step(run, DisableMapping)
    run.carry_out(stop)
    run.carry_out(pause)
    mine = run.incident
    scene.account.ledger.save(replace(scene.incident(), state=IncidentState.CONTAINED))

    for step in (stop, pause):
        run.undo(step)
        with pytest.raises(StaleIncidentError):
            run.record_taken_back(mine.with_restored(step, StepStatus.DONE), step)

    assert _in_force(scene) == (0, False)


@pytest.mark.parametrize("kind", [Reserve, DisableMapping])
@pytest.mark.parametrize(
    "state", [IncidentState.RESTORED, IncidentState.RESTORING, IncidentState.RELEASED]
)
def test_a_late_inverse_stays_where_nobody_holds_the_function(
    state: IncidentState, kind: type[Step]
) -> None:
    """The incident was closed by the other run, or is being restored by it."""
    scene = Scene()
    run = _run(scene)
    step = _step(run, kind)
    run.carry_out(step)
    mine = run.incident
    scene.account.ledger.save(replace(scene.incident(), state=state))

    run.undo(step)
    with pytest.raises(StaleIncidentError):
        run.record_taken_back(mine.with_restored(step, StepStatus.DONE), step)

    assert _in_force(scene) == (7, True)


@pytest.mark.parametrize(("stalled", "reserved"), [(False, 0), (True, 7)])
def test_a_step_without_a_record_is_undone_only_after_the_lease(
    *, stalled: bool, reserved: int
) -> None:
    """Within the lease it is in the record as planned; after it, nobody may know of it."""
    scene = Scene()
    run = _run(scene)

    def outage() -> None:
        scene.account.ledger.is_down = True
        scene.now += LEASE if stalled else timedelta(seconds=5)

    scene.account.faults.before("reserve", outage)

    with pytest.raises(LedgerUnavailableError):
        run.carry_out(_step(run, Reserve))

    assert _in_force(scene)[0] == reserved


def test_after_the_lease_the_open_incident_is_asked_as_far_as_it_can_be_read() -> None:
    """The write fails, the read does not: another run holds the function."""
    scene = Scene()
    run = _run(scene)
    scene.account.faults.fail("save", LedgerUnavailableError("no answer"))
    scene.account.faults.before("reserve", lambda: setattr(scene, "now", scene.now + LEASE))

    with pytest.raises(LedgerUnavailableError):
        run.carry_out(_step(run, Reserve))

    assert _in_force(scene)[0] == 0


def test_a_late_change_that_cannot_be_undone_now_is_recorded_whatever_others_write() -> None:
    """A restore writes its record, and closes it, just while this run looks for one to write in."""
    scene = Scene()
    run = _run(scene)
    step = _step(run, DisableMapping)
    faults = scene.account.faults

    def restoring(one: Incident) -> Incident:
        back = one.with_restored(step, StepStatus.ALREADY)
        return replace(back, state=IncidentState.RESTORING)

    def restore() -> None:
        scene.now += LEASE
        _moves_on(scene, restoring)()
        faults.before(
            "switch_mapping",
            _moves_on(scene, lambda one: replace(one, state=IncidentState.RESTORED)),
        )

    faults.before("switch_mapping", restore)
    faults.fail("switch_mapping", BusyError("it is being updated"), times=-1, skip=1)

    with pytest.raises(StaleIncidentError):
        run.carry_out(step)

    assert _in_force(scene)[1] is False
    left = scene.incident()
    assert (left.id != run.incident.id, left.state) == (True, IncidentState.RESTORING)
    assert [(one.step, one.restored) for one in left.steps] == [(step, None)]


@pytest.mark.parametrize(("tagged", "comes_back"), [(None, None), (9, 9), (0, 7)])
def test_what_was_there_before_a_stop_without_the_ledger_comes_back(
    tagged: int | None, comes_back: int | None
) -> None:
    """People changed the reservation while the record held 0; the next stop found theirs."""
    scene = Scene()
    run = _run(scene)
    stop = _step(run, Reserve)
    run.carry_out(stop)
    orders = scene.account.by_name[ORDERS]
    orders.reserved = 44

    def stop_without_ledger() -> None:
        snapshot = TaggedSnapshot(reserved_concurrency=tagged, at=scene.now)
        orders.tags |= seal(snapshot.to_tags(), orders.arn, TAG_KEY)
        orders.reserved = 0

    scene.account.faults.before("describe", stop_without_ledger)
    run.undo(stop)

    assert orders.reserved == comes_back
