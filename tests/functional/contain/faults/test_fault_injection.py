"""The guard dies before and after every single call, and the state converges all the same."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from functions.domain.notices.outbox import NoticeStatus
from functions.domain.signal import SignalKind
from tests.fakes.resources import FakeMapping
from tests.functional.scene import QUEUE, TABLE_STREAM, Scene

# Pulses after which everything must have converged: a lease of a dead run, and a few tries.
SETTLED_PULSES = 6
MOST_CALLS = 60


def _stage() -> tuple[Scene, FakeMapping, FakeMapping]:
    scene = Scene()
    scene.add_runaway(reserved=7, provisioned={"live": 3})
    stream = scene.account.add_mapping("orders", TABLE_STREAM)
    queue = scene.account.add_mapping("orders", QUEUE)
    return scene, stream, queue


def _calls(run: Callable[[Scene], object], stage: Callable[[], Scene]) -> list[str]:
    """The calls of an undisturbed run, in order."""
    scene = stage()
    scene.account.faults.revive()
    scene.account.journal.clear()
    run(scene)
    return [call.name for call in scene.account.journal]


def _expected(calls: list[str], moment: str, number: int) -> tuple[int, int]:
    """How often a notice arrives: unmarked, and marked as a repeat.

    Once and unmarked, but for a crash between the claim and its confirmation: nobody can know
    then whether SNS took the notice, so it comes (again), marked.
    """
    publish = calls.index("publisher.publish") + 1
    effective = number if moment == "after" else number - 1  # the last call that took effect
    if effective == publish - 1:
        return (0, 1)
    if effective == publish:
        return (1, 1)
    return (1, 0)


def _crash(scene: Scene, moment: str, number: int) -> None:
    if moment == "before":
        scene.account.faults.crash_before(number)
    else:
        scene.account.faults.crash_after(number)


def _assert_one_containment(scene: Scene, queue: FakeMapping, stream: FakeMapping) -> None:
    orders = scene.account.by_name["orders"]
    incident = scene.incident()
    assert orders.reserved == 0
    assert orders.provisioned == {}
    assert (stream.enabled, queue.enabled) == (False, False)
    assert incident.state is IncidentState.CONTAINED
    assert incident.snapshot is not None
    assert incident.snapshot.reserved_concurrency == 7
    assert incident.snapshot.provisioned is not None
    assert [one.requested for one in incident.snapshot.provisioned] == [3]
    assert incident.snapshot.mappings is not None
    assert all(one.enabled for one in incident.snapshot.mappings)
    assert all(one.status is NoticeStatus.SENT for one in incident.outbox)


def _assert_restored(scene: Scene, queue: FakeMapping, stream: FakeMapping) -> None:
    orders = scene.account.by_name["orders"]
    assert (orders.reserved, orders.provisioned) == (7, {"live": 3})
    assert (stream.enabled, queue.enabled) == (True, True)
    assert SNAPSHOT_TAG not in orders.tags
    assert scene.account.ledger.stored("orders") is None


def _told(scene: Scene, words: str) -> tuple[int, int]:
    """How often something was told for the first time, and how often as a repeat."""
    all_of_it = [one for one in scene.subjects if words in one]
    repeats = [one for one in all_of_it if "(again)" in one]
    return len(all_of_it) - len(repeats), len(repeats)


CONTAIN_RUN = _calls(lambda scene: scene.contributor(), lambda: _stage()[0])
CONTAIN_CALLS = len(CONTAIN_RUN)


@pytest.mark.thorough
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, CONTAIN_CALLS + 1))
def test_a_crash_of_contain_anywhere_converges(moment: str, number: int) -> None:
    """One containment, one true snapshot, one notice and then one exact restore."""
    scene, stream, queue = _stage()
    _crash(scene, moment, number)

    assert not scene.survives(scene.contributor)
    scene.now += timedelta(minutes=1)
    scene.survives(scene.contributor)  # Lambda's retry of the same signal
    scene.pulse(SETTLED_PULSES)

    _assert_one_containment(scene, queue, stream)
    assert _told(scene, "STOPPED") == _expected(CONTAIN_RUN, moment, number)
    scene.rollback("orders")
    _assert_restored(scene, queue, stream)


def test_the_crashes_above_cover_the_whole_run() -> None:
    """The number of calls of a containment is what the parametrisation counted, and not none."""
    assert 10 <= CONTAIN_CALLS <= MOST_CALLS


def _contained() -> tuple[Scene, FakeMapping, FakeMapping]:
    scene, stream, queue = _stage()
    scene.contributor()
    scene.account.publisher.sent.clear()
    scene.account.faults.revive()
    scene.calm("orders", 1)
    return scene, stream, queue


RESTORE_RUN = _calls(lambda scene: scene.rollback("orders"), lambda: _contained()[0])
RESTORE_CALLS = len(RESTORE_RUN)


@pytest.mark.thorough
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, RESTORE_CALLS + 1))
@pytest.mark.parametrize("by_pulse", [True, False])
def test_a_crash_of_restore_anywhere_converges(moment: str, number: int, *, by_pulse: bool) -> None:
    """The retried request, or the pulse alone, puts everything back exactly and tells once."""
    scene, stream, queue = _contained()
    _crash(scene, moment, number)

    assert not scene.survives(lambda: scene.rollback("orders"))
    started = scene.account.ledger.stored("orders")
    if by_pulse and started is not None and started.state is not IncidentState.CONTAINED:
        scene.pulse(SETTLED_PULSES)
    else:
        scene.now += timedelta(minutes=2)
        scene.rollback("orders")
        scene.pulse(SETTLED_PULSES)

    _assert_restored(scene, queue, stream)
    assert _told(scene, "RESTORED") == _expected(RESTORE_RUN, moment, number)
    _assert_nobody_else(scene)


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(1, RESTORE_CALLS + 1))
def test_a_pulse_whose_clock_is_ahead_restores_meanwhile(number: int) -> None:
    """Two runs that restore at once, each by a clock of its own, report what they did as theirs."""
    scene, stream, queue = _contained()

    def pulse() -> None:
        scene.now += timedelta(hours=1)
        scene.survives(lambda: scene.signal(SignalKind.PULSE))
        scene.now -= timedelta(hours=1)

    scene.account.faults.before(number, pulse)

    scene.rollback("orders")
    scene.now += timedelta(hours=1)
    scene.pulse(SETTLED_PULSES)

    _assert_restored(scene, queue, stream)
    _assert_nobody_else(scene)


def _assert_nobody_else(scene: Scene) -> None:
    """The notices of a restore name nobody else as the one who put things back."""
    bodies = [mail.body for mail in scene.account.publisher.sent if "RESTORED" in mail.subject]
    assert bodies
    for body in bodies:
        assert "Reserved concurrency: restored, 7 reserved." in body
        assert "already as before" not in body


@pytest.mark.thorough
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 20))
def test_a_crash_while_the_ledger_is_down_loses_no_snapshot(moment: str, number: int) -> None:
    """Whatever was changed without the ledger can be put back once it answers again."""
    scene, stream, queue = _stage()
    scene.account.by_name["orders"].provisioned.clear()
    scene.account.ledger.is_down = True
    _crash(scene, moment, number)

    scene.survives(scene.contributor)
    scene.account.ledger.is_down = False
    scene.pulse(SETTLED_PULSES)
    scene.survives(scene.contributor)
    scene.pulse(1)
    scene.rollback("all")

    orders = scene.account.by_name["orders"]
    assert orders.reserved == 7
    assert (stream.enabled, queue.enabled) == (True, True)
    assert SNAPSHOT_TAG not in orders.tags


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(1, CONTAIN_CALLS + 1))
def test_a_second_delivery_in_the_middle_of_the_first_changes_nothing(number: int) -> None:
    """Two runs of the same signal, interleaved at every call, leave one containment."""
    scene, stream, queue = _stage()
    scene.account.faults.before(number, lambda: scene.survives(scene.contributor))

    scene.survives(scene.contributor)
    scene.pulse(SETTLED_PULSES)

    _assert_one_containment(scene, queue, stream)
    assert _told(scene, "STOPPED")[0] == 1
    scene.rollback("orders")
    _assert_restored(scene, queue, stream)


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(1, CONTAIN_CALLS + 1))
def test_a_function_deleted_in_the_middle_closes_its_incident(number: int) -> None:
    """Nothing stays open for a function that is gone."""
    scene, _, _ = _stage()
    scene.account.faults.before(number, lambda: scene.account.delete("orders"))

    scene.survives(scene.contributor)
    scene.pulse(SETTLED_PULSES)

    assert scene.account.ledger.stored("orders") is None


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(1, RESTORE_CALLS + 1))
def test_a_pulse_in_the_middle_of_a_restore_does_not_contain_again(number: int) -> None:
    """The pulse leaves an incident alone while a restore works on it."""
    scene, stream, queue = _contained()
    scene.account.faults.before(
        number, lambda: scene.survives(lambda: scene.signal(SignalKind.PULSE))
    )

    scene.rollback("orders")
    scene.pulse(SETTLED_PULSES)

    _assert_restored(scene, queue, stream)
