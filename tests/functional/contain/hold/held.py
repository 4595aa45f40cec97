"""A function that is held, and what feeds it meanwhile: itself, or people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.incidents.policy import Policy
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from tests.fakes.resources import FakeFunction
from tests.functional.scene import QUEUE, TABLE_STREAM, Scene

NORMAL_PEAK: Final = 1
USUAL: Final = 30.0  # events a minute before the spike
SPIKE: Final = 4_000.0
RUNNING: Final = 40.0  # concurrent executions in the spike
SECONDS: Final = 0.6
_MOST_MINUTES: Final = 40
EVENTS: Final = 40.0  # that go round in the loop
SOURCES: Final = {
    SourceKind.ASYNCHRONOUS: Source(kind=SourceKind.ASYNCHRONOUS, name="orders"),
    SourceKind.QUEUE: Source(kind=SourceKind.QUEUE, name="orders"),
    SourceKind.TABLE: Source(kind=SourceKind.TABLE, name="orders"),
}
_ARNS: Final = {SourceKind.QUEUE: QUEUE, SourceKind.TABLE: TABLE_STREAM}


def count_trials(phases: Sequence[str]) -> int:
    """How many trials began in these minutes."""
    pairs = zip(["", *phases], phases, strict=False)
    return sum(one == "capped trial" and before != one for before, one in pairs)


def has_second_trial(phases: Sequence[str]) -> bool:
    """Whether a second trial has begun."""
    return count_trials(phases) >= 2


def is_held_again(phases: Sequence[str]) -> bool:
    """Whether it was held again after a trial."""
    return "capped held again" in phases


@dataclass(slots=True)
class Held:
    """A spike of one function, by minutes.

    Attributes
    ----------
    is_loop
        Whether it feeds itself; people send at the same rate whatever becomes of it.
    is_over
        Nothing feeds it any more.
    work
        Events a minute that others send to a loop, all the while; `unserved` of them wait.
    beside
        Invocations a minute by something that no pause of its mappings holds back.
    waiting
        Messages in its queue; ``None``: those that go round.
    """

    scene: Scene
    kind: SourceKind
    is_loop: bool
    is_over: bool = False
    work: float = 0.0
    unserved: float = 0.0
    beside: float = 0.0
    waiting: float | None = None
    before: tuple[float, float] = (SPIKE, SPIKE)  # what arrives and is served, a minute ago

    @property
    def function(self) -> FakeFunction:
        """The function."""
        return self.scene.account.by_name["orders"]

    def settings(self) -> tuple[int | None, list[tuple[bool, int | None]]]:
        """What is reserved, and of each mapping whether it is enabled, and its limit."""
        mappings = self.scene.account.by_uuid.values()
        return self.function.reserved, [(one.enabled, one.maximum_concurrency) for one in mappings]

    def pass_minutes(self, minutes: int) -> None:
        """Let minutes pass, each with its pulse."""
        for _ in range(minutes):
            self.scene.now += timedelta(minutes=1)
            most = self._most_served()
            worked = min(most, self.unserved + self.work)
            self.unserved += self.work - worked
            looping = min(SPIKE - self.work, most - worked)
            arrived = looping + self.work if self.is_loop else SPIKE
            served = looping + worked
            if self.is_over:
                arrived = served = 0.0
            # The pulse changes the settings in the middle of CloudWatch's minute.
            halves = (arrived + self.before[0]) / 2, (served + self.before[1]) / 2
            self.before = arrived, served
            self._record([halves[0]], [halves[1]])
            self.scene.survives(lambda: self.scene.signal(SignalKind.PULSE))

    def spike(self, minutes: int) -> None:
        """The last minutes were those of the spike."""
        counts = [*[self.work or USUAL] * (180 - minutes), *[SPIKE] * minutes]
        self._record(counts, counts)

    def record_arrivals(self, counts: Sequence[float | None]) -> None:
        """So much arrived in the last minutes."""
        metrics = self.scene.account.metrics
        metrics.record_arrivals(SOURCES[self.kind], until=self.scene.now, counts=counts)

    def end(self) -> None:
        """Whatever fed it is over: nothing arrives any more."""
        self._record([0.0] * 15, [0.0] * 15)

    def states(self, minutes: int) -> list[str]:
        """Let minutes pass, and tell what became of the function in each."""
        told = []
        for _ in range(minutes):
            self.pass_minutes(1)
            told.append(self.describe())
        return told

    def pass_until(self, is_reached: Callable[[list[str]], bool]) -> None:
        """Let minutes pass until this is so of what became of the function in each of them.

        Raises
        ------
        AssertionError
            When it is not within forty minutes.
        """
        phases: list[str] = []
        while not is_reached(phases):
            phases += self.states(1)
            assert len(phases) < _MOST_MINUTES

    def describe(self) -> str:
        """The state of its incident, and the phase of its hold."""
        stored = self.scene.account.ledger.stored("orders")
        if stored is None:
            return "none"
        phase = "" if stored.watch is None else f" {stored.watch.phase}"
        return f"{stored.state}{phase}"

    def _most_served(self) -> float:
        """Events a minute that it may work off."""
        each = 60 / SECONDS
        account = self.scene.account
        if self.kind is SourceKind.QUEUE:
            mapping = next(iter(account.by_uuid.values()))
            limit = mapping.maximum_concurrency
            rate = (RUNNING if limit is None else limit) * each
            return rate if mapping.enabled and self.function.reserved != 0 else 0.0
        reserved = self.function.reserved
        return (RUNNING if reserved is None else min(RUNNING, reserved)) * each

    def _record(self, arrived: list[float], served: list[float]) -> None:
        scene = self.scene
        scene.account.metrics.record(
            "orders",
            until=scene.now,
            invocations=[
                one + (self.beside if self.function.reserved != 0 else 0) for one in served
            ],
            concurrency=[max(1.0, one * SECONDS / 60) for one in served],
            throttles=[0.0] * len(served),
            errors=[0.0] * len(served),
            duration_ms=[SECONDS * 1000] * len(served),
        )
        self.record_arrivals(arrived)
        if self.kind is SourceKind.QUEUE:
            usual = EVENTS if self.is_loop else 10 * EVENTS
            scene.account.queues[QUEUE].depth = self.waiting or usual


def suspected(
    kind: SourceKind = SourceKind.ASYNCHRONOUS,
    *,
    is_loop: bool = True,
    work: float = 0.0,
    policy: Policy | None = None,
    **given: Any,
) -> Held:
    """A function with a flat spike far above its normal, well below the ceiling."""
    scene = Scene(policy or Policy())
    scene.account.add("orders", **given)
    if kind in _ARNS:
        scene.account.add_mapping("orders", _ARNS[kind])
    scene.account.metrics.habit("orders", 5 * (work or USUAL))
    scene.account.metrics.lags["orders"] = SECONDS * 1000
    held = Held(scene=scene, kind=kind, is_loop=is_loop, work=work)
    held.spike(20)
    return held


def held(
    kind: SourceKind = SourceKind.ASYNCHRONOUS,
    *,
    is_loop: bool = True,
    policy: Policy | None = None,
    **given: Any,
) -> Held:
    """The same, and the guard has begun to hold it."""
    story = suspected(kind, is_loop=is_loop, policy=policy, **given)
    story.scene.contributor()
    assert story.scene.incident().state is IncidentState.CAPPED, "the stage is not set"
    return story
