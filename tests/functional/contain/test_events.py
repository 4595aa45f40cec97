"""Events beside the mails: last of all, and never at the expense of a containment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from functions.domain.errors import NoticeUndeliveredError
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.events.record import EventSeverity
from functions.domain.notices.outbox import MOST_EVENT_ATTEMPTS
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
from tests.functional.scene import Scene


@pytest.fixture
def scene() -> Scene:
    """A guard with a bus and a topic for chat, and a runaway."""
    made = Scene()
    made.connect_sinks()
    made.add_runaway("orders", reserved=7)
    return made


def kinds(scene: Scene, sink: str = "bus") -> list[str]:
    """What a sink got, in its order."""
    took = (scene.account.bus if sink == "bus" else scene.account.chat).took
    return [str(one.detail["kind"]) for one in took]


def test_a_stop_is_published_after_everything_else(scene: Scene) -> None:
    """First the reservation, then the mail, then the bus, then chat."""
    scene.contributor()

    order = [one.port for one in scene.account.calls("reserve", "publish", "put")]
    assert order == ["functions", "publisher", "bus", "chat"]
    (event,) = scene.account.bus.took
    assert event.detail_type == "Function Stopped"
    assert event.severity is EventSeverity.CRITICAL
    assert event.detail["function"]["name"] == "orders"
    assert event.detail["incident"]["restriction"]["reserved_concurrency"] == 0
    assert scene.incident().outbox[0].twin is None


def test_two_functions_are_stopped_before_the_first_event(scene: Scene) -> None:
    """A bus that is slow costs the second one nothing."""
    scene.add_runaway("billing")
    scene.account.faults.fail("put", NoticeUndeliveredError("slow"), times=-1)
    scene.signal(SignalKind.SWEEP)

    ports = [one.port for one in scene.account.calls("reserve", "publish", "put")]
    assert ports == ["functions", "publisher"] * 2 + ["bus", "chat"]
    assert scene.account.by_name["orders"].reserved == 0
    assert scene.account.by_name["billing"].reserved == 0


def test_a_bus_that_is_away_gets_its_event_from_a_later_pulse(scene: Scene) -> None:
    """The mail comes once; the event once it can."""
    scene.account.faults.fail("put", NoticeUndeliveredError("away"), times=4)
    scene.contributor()
    assert kinds(scene) == []
    scene.pulse(10)

    assert kinds(scene) == kinds(scene, "chat") == ["function_stopped"]
    assert scene.subjects == [one for one in scene.subjects if "STOPPED" in one]
    assert len(scene.subjects) == 1


def test_a_closed_incident_waits_for_its_events_and_no_longer_than_that(scene: Scene) -> None:
    """It is filed away once all is told, or given up."""
    scene.contributor()
    scene.account.faults.fail("put", NoticeUndeliveredError("away"), times=-1)
    scene.rollback("orders")
    scene.events.flush(lambda: 60.0)
    assert scene.incident().state is IncidentState.RESTORED

    for _ in range(10 * 60 // 5):
        scene.now += timedelta(minutes=5)
        scene.pulse()

    assert scene.account.ledger.stored("orders") is None
    asked = [one for one in scene.account.calls("put") if one.port == "bus"]
    assert len(asked) == 1 + MOST_EVENT_ATTEMPTS


def test_a_stop_without_the_ledger_is_published_too(scene: Scene) -> None:
    """Once, and after the reservation, whatever becomes of it."""
    scene.account.ledger.is_down = True
    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert kinds(scene) == ["function_stopped_without_record"]
    ports = [one.port for one in scene.account.calls("reserve", "put")]
    assert ports == ["functions", "bus", "chat"]


def test_each_incident_is_one_thread_from_stop_to_restore(scene: Scene) -> None:
    """With one id for each event, in the order in which it happened."""
    scene.contributor()
    scene.pulse(3)
    scene.rollback("orders")
    scene.events.flush(lambda: 60.0)

    assert kinds(scene) == ["function_stopped", "function_restored"]
    took = scene.account.bus.took
    assert len({one.id for one in took}) == 2
    assert len({one.detail["incident"]["id"] for one in took}) == 1
    moments = [one.detail["occurred_at"] for one in took]
    assert moments == sorted(moments)
