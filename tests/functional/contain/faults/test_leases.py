"""Runs that stall: what they change after another run has moved on is put right at once.

A stalled run is shown as one in whose middle time passes and others act: just before the call whose
effect then comes too late.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.changes.record import LEASE
from functions.domain.errors import LedgerUnavailableError, RefusedError
from functions.domain.incidents.history import WHATEVER_CLOSED
from functions.domain.incidents.incident import CONTAIN_TAKES_AT_MOST
from functions.domain.incidents.policy import Policy
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
from functions.workflows.rollback.results import Restored
from functions.workflows.rollback.rollback import POLL_SECONDS, RESERVE_SECONDS
from tests.contract.stage import an_incident
from tests.fakes.faults import SimulatedCrash
from tests.fakes.resources import FakeFunction, FakeMapping
from tests.functional.contain.danger.capped import (
    NORMAL_PEAK,
    SHOWN_AFTER,
    minutes_under_the_cap,
    spike_again,
    suspected,
)
from tests.functional.scene import QUEUE, TABLE_STREAM, Scene

STALL = LEASE + timedelta(seconds=5)


def _stage(policy: Policy | None = None) -> tuple[Scene, FakeFunction, FakeMapping]:
    scene = Scene(policy)
    orders = scene.add_runaway(reserved=7, provisioned={"live": 3})
    return scene, orders, scene.account.add_mapping("orders", QUEUE)


def _stalls(scene: Scene, before: str | int, meanwhile: Callable[[], object]) -> None:
    """The present run stalls for longer than its lease, and something happens meanwhile."""

    def happen() -> None:
        scene.now += STALL
        meanwhile()

    scene.account.faults.before(before, happen)


@pytest.mark.parametrize("method", ["reserve", "remove_provisioned", "switch_mapping"])
def test_what_a_stalled_run_changes_after_a_restore_is_undone(method: str) -> None:
    """Any kind of change: nobody else would know of it any more."""
    scene, orders, mapping = _stage()
    _stalls(scene, method, lambda: scene.rollback("orders"))

    scene.survives(scene.contributor)

    assert scene.account.ledger.stored("orders") is None
    assert (orders.reserved, orders.provisioned, mapping.enabled) == (7, {"live": 3}, True)


@pytest.mark.parametrize("method", ["reserve", "remove_provisioned", "switch_mapping"])
def test_what_a_stalled_run_changes_before_it_dies_is_undone(method: str) -> None:
    """It changes something after a restore has looked, and cannot put it right any more.

    The function runs at once. Its incident is closed when no such run can be alive.
    """
    scene, orders, mapping = _stage()
    if method == "reserve":
        orders.provisioned.clear()  # or AWS refuses the first one
    before = (7, dict(orders.provisioned), True)
    answers: list[object] = []

    def meanwhile() -> None:
        has_no_time_to_wait = RESERVE_SECONDS + POLL_SECONDS
        answers.extend(scene.rollbacks.of(("orders",), lambda: has_no_time_to_wait))
        assert (orders.reserved, orders.provisioned, mapping.enabled) == before

    _stalls(scene, method, meanwhile)
    scene.account.faults.fail(method, SimulatedCrash("after its change"), lost=True)
    assert not scene.survives(scene.contributor)
    assert (orders.reserved, orders.provisioned, mapping.enabled) != before

    scene.calm("orders")
    scene.pulse(2)

    text = "runs again; it is checked once more, because another run may still change it"
    expected = Restored(function="orders", text=f"{text}, within the next minutes", is_pending=True)
    assert answers == [expected]
    assert (orders.reserved, orders.provisioned, mapping.enabled) == before
    assert scene.account.ledger.stored("orders") is None


@pytest.mark.parametrize("method", ["reserve", "remove_provisioned", "switch_mapping"])
def test_what_a_stalled_run_repeats_before_it_dies_is_undone(method: str) -> None:
    """A pulse has taken its incident over and finished the stop, and a restore has ended that."""
    scene, orders, mapping = _stage()
    if method == "reserve":
        orders.provisioned.clear()  # or AWS refuses the first one
    before = (7, dict(orders.provisioned), True)

    def meanwhile() -> None:
        scene.signal(SignalKind.PULSE)
        assert scene.incident().state is IncidentState.CONTAINED
        scene.rollbacks.of(("orders",), lambda: RESERVE_SECONDS + POLL_SECONDS)
        assert (orders.reserved, orders.provisioned, mapping.enabled) == before
        scene.account.faults.fail(method, SimulatedCrash("after its change"), lost=True)

    _stalls(scene, method, meanwhile)
    assert not scene.survives(scene.contributor)
    assert (orders.reserved, orders.provisioned, mapping.enabled) != before

    scene.calm("orders")
    scene.pulse(2)

    assert (orders.reserved, orders.provisioned, mapping.enabled) == before
    assert scene.account.ledger.stored("orders") is None


def test_a_restore_after_a_run_that_died_long_ago_is_done_at_once() -> None:
    """No such run can be alive any more."""
    scene, orders, mapping = _stage()
    scene.account.faults.crash_before(8)
    assert not scene.survives(scene.contributor)
    scene.now += CONTAIN_TAKES_AT_MOST

    (answer,) = scene.rollback("orders")

    assert answer == Restored(function="orders", text="restored")
    assert (orders.reserved, mapping.enabled, scene.slept) == (7, True, 0)


@pytest.mark.parametrize("method", ["reserve", "remove_provisioned", "switch_mapping"])
def test_what_a_stalled_run_changes_stays_where_the_incident_is_still_contained(
    method: str,
) -> None:
    """A pulse has taken the containment over and finished it."""
    scene, orders, mapping = _stage()
    _stalls(scene, method, lambda: scene.survives(lambda: scene.signal(SignalKind.PULSE)))

    scene.survives(scene.contributor)

    assert scene.incident().state is IncidentState.CONTAINED
    assert (orders.reserved, orders.provisioned, mapping.enabled) == (0, {}, False)
    scene.calm("orders")
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned, mapping.enabled) == (7, {"live": 3}, True)


@pytest.mark.parametrize("method", ["reserve", "remove_provisioned", "switch_mapping"])
def test_a_late_stop_under_a_newer_incident_that_holds_nothing_is_undone(method: str) -> None:
    """The second incident only tells people: its record knows of no change."""
    scene, orders, mapping = _stage()

    def meanwhile() -> None:
        scene.rollback("orders")
        scene.policy = replace(scene.policy, exempt=frozenset({"orders"}))
        scene.now += timedelta(minutes=9)
        scene.burn()
        scene.survives(lambda: scene.signal(SignalKind.CONTRIBUTOR, "orders"))
        assert scene.incident().state is IncidentState.NOTIFIED

    _stalls(scene, method, meanwhile)

    scene.survives(scene.contributor)

    assert (orders.reserved, orders.provisioned, mapping.enabled) == (7, {"live": 3}, True)


def test_a_late_cap_does_not_replace_the_stop_that_followed_it() -> None:
    """The function stays at 0: the cap was of a run that had stalled."""
    scene = suspected(reserved=50)
    orders = scene.account.by_name["orders"]

    def meanwhile() -> None:
        spike_again(scene)  # it went on while the run stalled
        scene.survives(lambda: scene.signal(SignalKind.PULSE))
        assert orders.reserved == NORMAL_PEAK
        minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)
        assert orders.reserved == 0

    _stalls(scene, "reserve", meanwhile)

    scene.survives(scene.contributor)

    assert (orders.reserved, scene.incident().state) == (0, IncidentState.CONTAINED)
    scene.rollback("orders")
    assert orders.reserved == 50


def test_a_late_restore_does_not_release_a_function_that_was_contained_anew() -> None:
    """The run of `restore` had stalled; another one ended its work, and the loop came back."""
    scene, orders, mapping = _stage()
    scene.contributor()

    def meanwhile() -> None:
        scene.rollback("orders")
        scene.now += timedelta(minutes=9)
        scene.burn()
        scene.survives(scene.contributor)
        assert orders.reserved == 0

    _stalls(scene, "reserve", meanwhile)
    scene.rollback("orders")

    assert scene.incident().state is IncidentState.CONTAINED
    assert (orders.reserved, mapping.enabled) == (0, False)
    scene.calm("orders")
    scene.rollback("orders")
    assert (orders.reserved, mapping.enabled) == (7, True)


def test_a_pulse_that_pauses_a_mapping_holds_the_incident_meanwhile() -> None:
    """It could not be paused at first. A rollback that comes in between waits for the pulse."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.account.faults.fail("switch_mapping", RefusedError("in use"))
    scene.contributor()
    assert mapping.enabled
    scene.account.faults.before("switch_mapping", lambda: scene.rollback("orders"))

    scene.pulse(3)
    scene.rollback("orders")

    assert (orders.reserved, mapping.enabled) == (7, True)
    assert scene.account.ledger.stored("orders") is None


def test_a_pulse_that_stalls_while_it_pauses_a_mapping_enables_it_again() -> None:
    """Its lease is over, the function was restored, the incident closed."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.account.faults.fail("switch_mapping", RefusedError("in use"))
    scene.contributor()
    _stalls(scene, "switch_mapping", lambda: scene.rollback("orders"))

    scene.pulse()

    assert (orders.reserved, mapping.enabled) == (7, True)
    assert scene.account.ledger.stored("orders") is None


def test_a_long_run_renews_its_lease_before_each_step() -> None:
    """Each of ten mappings takes 20 seconds: nobody takes the incident over meanwhile."""
    scene = Scene()
    scene.add_runaway(reserved=7)
    mappings = [scene.account.add_mapping("orders", TABLE_STREAM) for _ in range(10)]
    leased: list[bool] = []

    def pass_time() -> None:
        scene.now += timedelta(seconds=20)
        leased.append(scene.incident().is_leased(scene.now))
        scene.account.faults.before("switch_mapping", pass_time)

    scene.account.faults.before("switch_mapping", pass_time)

    scene.contributor()

    assert leased == [True] * 10
    assert not any(one.enabled for one in mappings)
    assert scene.incident().lease_until is None


def test_a_run_whose_incident_was_taken_over_begins_no_further_step() -> None:
    """It finds out before the change, not after it."""
    scene = Scene()
    scene.add_runaway(reserved=7)
    mappings = [scene.account.add_mapping("orders", QUEUE) for _ in range(3)]
    _stalls(scene, "switch_mapping", lambda: scene.rollback("orders"))

    scene.survives(scene.contributor)

    ours = [one.arguments for one in scene.account.calls("switch_mapping")]
    assert [one["enabled"] for one in ours] == [False, True]
    assert all(one.enabled for one in mappings)


def test_a_ledger_that_fails_after_the_stop_leaves_it_in_force() -> None:
    """Nobody else can have moved the incident within its lease, and the step is in the record."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)
    scene.account.faults.fail("save", LedgerUnavailableError("no answer"))

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert orders.reserved == 0
    scene.pulse(2)
    assert scene.incident().state is IncidentState.CONTAINED
    scene.rollback("orders")
    assert orders.reserved == 7


def test_a_ledger_that_fails_after_a_late_stop_has_it_undone() -> None:
    """The lease was over: perhaps the function was restored and nobody knows of the stop."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)

    def meanwhile() -> None:
        scene.rollback("orders")
        scene.account.ledger.is_down = True

    _stalls(scene, "reserve", meanwhile)

    scene.survives(scene.contributor)

    assert orders.reserved == 7


def _calls(run: Callable[[Scene], object], stage: Callable[[], Scene]) -> int:
    """How many calls an undisturbed run makes."""
    scene = stage()
    scene.account.faults.revive()
    run(scene)
    return scene.account.faults.count


def _contained() -> Scene:
    scene, _, _ = _stage()
    scene.contributor()
    scene.calm("orders", 1)
    scene.account.faults.revive()
    return scene


CONTAIN_CALLS = _calls(lambda scene: scene.contributor(), lambda: _stage()[0])
RESTORE_CALLS = _calls(lambda scene: scene.rollback("orders"), _contained)


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(1, CONTAIN_CALLS + 1))
def test_a_containment_that_stalls_anywhere_while_it_is_rolled_back_leaves_nothing(
    number: int,
) -> None:
    """A rollback that finds an incident ends it for good; one that finds none changes nothing."""
    scene, orders, mapping = _stage()
    found: list[bool] = []

    def meanwhile() -> None:
        found.append(scene.account.ledger.stored("orders") is not None)
        scene.rollback("orders")

    _stalls(scene, number, meanwhile)

    scene.survives(scene.contributor)

    now = (orders.reserved, orders.provisioned, mapping.enabled)
    if found == [True]:
        assert now == (7, {"live": 3}, True)
        assert scene.account.ledger.stored("orders") is None
    scene.calm("orders", 60)
    scene.pulse(3)
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned, mapping.enabled) == (7, {"live": 3}, True)


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(1, CONTAIN_CALLS + 1))
def test_a_containment_that_stalls_anywhere_is_finished_by_a_pulse(number: int) -> None:
    """Both runs together leave one containment, one notice and one true snapshot."""
    scene, orders, mapping = _stage()
    _stalls(scene, number, lambda: scene.survives(lambda: scene.signal(SignalKind.PULSE)))

    scene.survives(scene.contributor)
    scene.pulse(2)

    assert (orders.reserved, orders.provisioned, mapping.enabled) == (0, {}, False)
    assert scene.incident().state is IncidentState.CONTAINED
    assert sum("STOPPED" in one and "(again)" not in one for one in scene.subjects) == 1
    scene.calm("orders")
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned, mapping.enabled) == (7, {"live": 3}, True)


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(2, RESTORE_CALLS + 1))  # by the first it looks at all
def test_a_restore_that_stalls_anywhere_does_not_touch_the_next_containment(number: int) -> None:
    """Another run ended it, and the function ran away again before the stalled one woke up."""
    scene = _contained()
    orders, (mapping,) = scene.account.by_name["orders"], scene.account.by_uuid.values()
    before = scene.incident()

    def meanwhile() -> None:
        scene.rollback("orders")
        scene.now += timedelta(minutes=9)
        scene.burn()
        scene.survives(scene.contributor)

    _stalls(scene, number, meanwhile)

    scene.rollback("orders")

    assert scene.incident().id != before.id
    assert scene.incident().state is IncidentState.CONTAINED
    assert (orders.reserved, orders.provisioned, mapping.enabled) == (0, {}, False)
    scene.calm("orders")
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned, mapping.enabled) == (7, {"live": 3}, True)


def test_a_late_signal_does_not_stop_what_was_restored_though_an_incident_is_open() -> None:
    """Another run has opened it since, and only tells people: the minutes before are over."""
    scene = Scene()
    orders = scene.add_runaway()
    scene.contributor()
    scene.rollback("orders")
    told = an_incident("orders", scene.now + timedelta(seconds=1), state=IncidentState.NOTIFIED)
    scene.account.ledger.open(told, None, known_until=WHATEVER_CLOSED)

    scene.contributor()

    assert (orders.reserved, scene.incident().state) == (None, IncidentState.NOTIFIED)
