"""How an incident ends that only tells, and what is a precedent."""

from datetime import timedelta

from functions.domain.incidents.policy import Mode, Policy
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from tests.functional.scene import Scene


def test_a_loop_of_yesterday_is_no_precedent() -> None:
    """A function that ran away, was stopped and restored is stopped again the next day."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.rollback("orders")
    scene.now += timedelta(days=1)
    scene.burn()

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 0


def test_an_incident_that_only_told_ends_by_itself_when_the_loop_does() -> None:
    """In observe mode the end is told too, once."""
    scene = Scene(Policy(mode=Mode.OBSERVE))
    scene.add_runaway()
    scene.contributor()
    scene.now += timedelta(minutes=20)
    scene.calm("orders", 18)

    scene.pulse(6)

    assert scene.account.ledger.stored("orders") is None
    assert len(scene.subjects) == 2


def test_late_data_ends_no_incident() -> None:
    """Ten minutes below the floor have to be settled before anybody is notified of an end."""
    scene = Scene(Policy(mode=Mode.OBSERVE))
    scene.add_runaway()
    scene.contributor()
    scene.now += timedelta(minutes=12)
    scene.calm("orders", 12)

    scene.signal(SignalKind.PULSE)
    assert scene.incident().state is IncidentState.NOTIFIED
    scene.pulse(2)

    assert scene.account.ledger.stored("orders") is None


def test_an_incident_that_only_waits_for_its_end_is_checked_every_five_minutes() -> None:
    """After the first 20 minutes: seven metrics a minute are $3 a month for each."""
    scene = Scene(Policy(mode=Mode.OBSERVE))
    scene.add_runaway()
    scene.contributor()
    scene.burn(minutes=180)

    checked = []
    for _ in range(40):
        scene.now += timedelta(minutes=1)
        scene.account.metrics.record("orders", until=scene.now, invocations=[30_000.0])
        before = len(scene.account.journal)
        scene.signal(SignalKind.PULSE)
        called = [call.method for call in scene.account.journal[before:]]
        checked.append("recent" in called)

    assert checked[:20] == [True] * 20
    assert sum(checked[20:]) == 4


def test_a_cleared_alarm_restores_nothing() -> None:
    """The alarm clears because the function was throttled."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()

    scene.signal(SignalKind.CLEARED)

    assert scene.account.by_name["orders"].reserved == 0
