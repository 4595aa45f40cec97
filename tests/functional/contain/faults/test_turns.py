"""Which open incidents a pulse looks after first, and what it leaves to the next one."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.domain.errors import BusyError
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import Signal, SignalKind
from functions.workflows.detection.report import PartlyFailedError
from functions.workflows.incidents.reconcile import in_turn
from tests.contract.stage import an_incident
from tests.functional.scene import Scene

CALLS_IN_A_RUN = 160


def watched(scene: Scene, name: str) -> None:
    """A busy function of which people were told, so that it is looked at again and again."""
    scene.account.add(name)
    scene.account.metrics.habit(name, 150.0)
    scene.account.metrics.record(
        name, until=scene.now, invocations=[900.0] * 180, concurrency=[3.0] * 180
    )
    scene.account.ledger.open(an_incident(name, scene.now, decided="exempt_by_flag"), None)


def left_unfinished(scene: Scene, name: str, minutes: int = 2) -> None:
    """A stop that a run did not get to before it died."""
    scene.account.add(name)
    at = scene.now - timedelta(minutes=minutes)
    begun = an_incident(name, at).to(IncidentState.CONTAINING, at).with_reservation(0, None)
    scene.account.ledger.open(begun.leased(at), None)


def short_pulse(scene: Scene) -> None:
    """A pulse whose time is over after a number of calls, as by a timeout."""
    scene.now += timedelta(minutes=1)
    scene.account.faults.revive()
    scene.account.faults.crash_before(CALLS_IN_A_RUN)
    signal = Signal(kind=SignalKind.PULSE, at=scene.now, id="1")

    def seconds_left() -> float:
        return 120.0 * (1 - scene.account.faults.count / CALLS_IN_A_RUN)

    assert scene.survives(lambda: scene.guard.handle(signal, seconds_left))


def test_an_unfinished_stop_comes_before_what_is_only_watched() -> None:
    """Sixty of these, all before it by name, do not let the loop burn."""
    scene = Scene()
    for number in range(60):
        watched(scene, f"function-{number:02d}")
    left_unfinished(scene, "zulu")

    short_pulse(scene)

    assert scene.account.by_name["zulu"].reserved == 0


def test_new_suspects_come_before_what_is_only_watched() -> None:
    """A loop that begins while many are watched is found by the same pulse."""
    scene = Scene()
    for number in range(60):
        watched(scene, f"function-{number:02d}")
    scene.add_runaway("zulu")

    short_pulse(scene)

    assert scene.account.by_name["zulu"].reserved == 0


@pytest.mark.thorough
def test_what_is_watched_has_its_turn_however_many_there_are() -> None:
    """No place in the alphabet keeps a function from being looked at."""
    scene = Scene()
    names = [f"function-{number:02d}" for number in range(60)]
    for name in names:
        watched(scene, name)

    for _ in range(10):
        short_pulse(scene)

    seen = {one.arguments["functions"] for one in scene.account.calls("recent")}
    assert {name for one in seen for name in one} >= set(names)


@pytest.mark.thorough
@pytest.mark.parametrize("count", [1, 2, 7, 50, 300, 1_000])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.02])
def test_the_turns_are_spread_evenly(count: int, share: float) -> None:
    """Where a pulse reaches a share of them, each is reached within three times as many pulses."""
    scene = Scene()
    incidents = tuple(an_incident(f"f{number}", scene.now) for number in range(count))
    live = LiveLedger(incidents=incidents)
    reached = max(1, round(count * share))
    pulses = 3 * -(-count // reached)

    found: set[str] = set()
    for minute in range(pulses):
        turn = in_turn(live, scene.now + timedelta(minutes=minute))
        assert len(turn) == count
        found |= {one.id for one in turn[:reached]}

    assert len(found) == count


def test_who_hangs_each_time_keeps_no_other_unfinished_stop_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A pulse has time for two; those that AWS keeps throttling come after the others."""
    scene = Scene()
    names = ("a", "b", "c", "zulu")
    for number, name in enumerate(names):
        left_unfinished(scene, name, minutes=9 - number)
    reserve = scene.account.functions.reserve

    def hang(function: str, concurrency: int) -> None:
        scene.now += timedelta(seconds=13)
        if function in {"a", "b"}:
            raise BusyError("TooManyRequestsException")
        reserve(function, concurrency)

    monkeypatch.setattr(scene.account.functions, "reserve", hang)
    for _ in range(2):
        scene.now += timedelta(minutes=1)
        began = scene.now

        def seconds_left(began: datetime = began) -> float:
            return 73.0 - (scene.now - began).total_seconds()

        signal = Signal(kind=SignalKind.PULSE, at=scene.now, id="1")
        with suppress(PartlyFailedError):
            scene.guard.handle(signal, seconds_left)

    assert [scene.account.by_name[name].reserved for name in names] == [None, None, 0, 0]


def test_one_odd_record_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with it, all others are looked after, and the run fails in the end."""
    scene = Scene()
    for name in ("a", "b"):
        left_unfinished(scene, name)
    leased = Incident.is_leased

    def odd(incident: Incident, *given: Any) -> bool:
        if incident.function == "a":
            raise TypeError("unsupported operand")
        return leased(incident, *given)

    monkeypatch.setattr(Incident, "is_leased", odd)
    scene.now += timedelta(minutes=1)

    with pytest.raises(PartlyFailedError, match="TypeError: unsupported operand"):
        scene.signal(SignalKind.PULSE)

    assert scene.account.by_name["b"].reserved == 0


def test_a_record_that_nobody_can_read_is_told_once_and_stops_no_other() -> None:
    """A function that may be held is not forgotten in silence."""
    scene = Scene()
    left_unfinished(scene, "a")
    left_unfinished(scene, "b")
    scene.account.ledger.unreadable.add("a")

    scene.pulse(5)

    assert scene.account.by_name["b"].reserved == 0
    told = [one for one in scene.subjects if "UNREADABLE" in one]
    assert told == ["[Loopbreaker] RECORD UNREADABLE: a is not looked after"]
