"""A spike that is too young to tell is looked at again each minute, whatever the account does."""

from datetime import timedelta

from functions.domain.pulse.account_pulse import WATCHED_FOR
from functions.domain.pulse.memory import PulseMemory
from functions.domain.signal import SignalKind
from tests.functional.scene import Scene

ERRATIC = [700.0, 1_900.0, 800.0]


def _spike(scene: Scene, newest: list[float], name: str = "orders") -> None:
    before = 180 - len(newest)
    scene.account.metrics.record(
        name,
        until=scene.now,
        invocations=[30.0] * before + newest,
        concurrency=[2.0] * 180,
        throttles=[0.0] * 180,
        errors=[0.0] * 180,
        duration_ms=[120.0] * 180,
    )


def _young(scene: Scene, name: str = "orders") -> None:
    scene.account.add(name)
    scene.account.metrics.habit(name, 150.0)
    _spike(scene, ERRATIC, name)


def _resting(scene: Scene, *watched: str) -> PulseMemory:
    """A pulse that looks at nothing by itself."""
    return PulseMemory(
        looked_at=scene.now,
        level_per_minute=1e9,
        looks=1,
        watched=watched,
        watch_until=scene.now + WATCHED_FOR,
    )


def test_an_alarm_on_a_young_spike_puts_the_function_on_watch() -> None:
    """The alarm speaks once; what it was about is not forgotten."""
    scene = Scene()
    _young(scene)

    scene.signal(SignalKind.ALARM)

    memory = scene.account.ledger.read_live().pulse
    assert (memory.watched, memory.watch_until) == (("orders",), scene.now + WATCHED_FOR)


def test_a_spike_whose_newest_minute_is_still_filling_is_put_on_watch() -> None:
    """A part of a minute looks like a fall: the alarm speaks once, and the rest comes later."""
    scene = Scene()
    scene.account.add("orders")
    scene.account.metrics.habit("orders", 150.0)
    _spike(scene, [4_000.0, 900.0, 600.0])

    scene.signal(SignalKind.ALARM)

    assert scene.account.ledger.read_live().pulse.watched == ("orders",)


def test_a_watched_function_is_contained_as_soon_as_it_shows_what_it_is() -> None:
    """No rise of the account is needed: it is asked for by name."""
    scene = Scene()
    scene.add_runaway()
    scene.account.ledger.remember_pulse(_resting(scene, "orders"))
    scene.account.journal.clear()

    scene.pulse()

    assert scene.account.by_name["orders"].reserved == 0
    assert "busiest" not in [call.method for call in scene.account.journal]


def test_a_watch_ends() -> None:
    """After some minutes nobody is asked about a function that showed nothing."""
    scene = Scene()
    _young(scene)
    scene.account.ledger.remember_pulse(_resting(scene, "orders"))
    scene.now += WATCHED_FOR
    scene.account.journal.clear()

    scene.pulse()

    assert "recent" not in [call.method for call in scene.account.journal]


def test_a_watched_spike_that_stays_young_is_not_put_on_watch_again() -> None:
    """The watch is bounded, or it would be polling."""
    scene = Scene()
    _young(scene)
    resting = _resting(scene, "orders")
    scene.account.ledger.remember_pulse(resting)

    scene.pulse()

    assert scene.account.ledger.read_live().pulse == resting


def test_a_spike_that_has_been_there_for_long_is_not_watched() -> None:
    """What is busy all day would be asked for all day."""
    scene = Scene()
    scene.account.add("orders")
    scene.account.metrics.habit("orders", 150.0)
    _spike(scene, [700.0, 1_900.0, 800.0, 1_500.0, 600.0] * 8)

    scene.signal(SignalKind.SWEEP)

    assert scene.account.ledger.read_live().pulse.watched == ()


def test_no_more_than_a_few_are_watched() -> None:
    """Five functions at seven series a minute are what a look may cost."""
    scene = Scene()
    for number in range(8):
        _young(scene, f"orders-{number}")

    scene.signal(SignalKind.ALARM)
    scene.now += timedelta(minutes=1)
    scene.signal(SignalKind.ALARM)

    assert len(scene.account.ledger.read_live().pulse.watched) == 5
