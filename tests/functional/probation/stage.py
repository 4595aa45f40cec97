"""A function that was stopped or held, what feeds it, and people who want it back carefully."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.incidents.policy import Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.requests.terms import RestoreMode, RestoreTerms
from functions.domain.signal import SignalKind
from functions.workflows.rollback.results import Result
from tests.fakes.resources import FakeFunction
from tests.functional.scene import QUEUE, TABLE_STREAM, Scene

CAREFULLY: Final = RestoreTerms(mode=RestoreMode.PROBATION)
FORCED: Final = RestoreTerms(is_forced=True)
SPIKE: Final = 30_000.0
EACH: Final = 100.0  # executions a minute of one that runs at a time
ARNS: Final = {SourceKind.QUEUE: QUEUE, SourceKind.TABLE: TABLE_STREAM}
_NAME: Final = "orders"


@dataclass(slots=True)
class Stage:
    """What happens minute by minute.

    Attributes
    ----------
    is_loop
        Whether each event that is served comes back.
    outside
        Events a minute that others send.
    waiting
        Events that wait to be served.
    """

    scene: Scene
    kinds: tuple[SourceKind, ...]
    is_loop: bool = True
    outside: float = 0.0
    waiting: float = 40.0
    late_minutes: int = 0
    has_counts: bool = True
    told: list[str] = field(default_factory=list)

    @property
    def function(self) -> FakeFunction:
        """The function."""
        return self.scene.account.by_name[_NAME]

    def settings(self) -> tuple[object, ...]:
        """Everything that the guard may change."""
        account = self.scene.account
        mappings = tuple((one.enabled, one.maximum_concurrency) for one in account.by_uuid.values())
        return self.function.reserved, dict(self.function.provisioned), mappings

    def ask(self, terms: RestoreTerms = CAREFULLY, *names: str) -> Result:
        """A person asks for the function."""
        rollback = replace(self.scene.rollbacks, terms=terms)
        (result,) = rollback.of(names or (_NAME,))
        return result

    def pass_minutes(self, minutes: int = 1) -> None:
        """Let minutes pass, each with its pulse."""
        for _ in range(minutes):
            self.pass_quietly()
            self.scene.survives(lambda: self.scene.signal(SignalKind.PULSE))

    def pass_quietly(self) -> None:
        """Let a minute pass without a pulse."""
        self.scene.now += timedelta(minutes=1)
        able = self._count_able()
        served = min(able, self.waiting + self.outside) if not self.is_loop else 0.0
        if self.is_loop:  # what is served waits again at once
            served = able if self.waiting + self.outside > 0 else 0.0
        back = served if self.is_loop else 0.0
        self.waiting = max(0.0, self.waiting + self.outside + back - served)
        self._record(self.outside + back, served)

    def states(self, minutes: int) -> list[str]:
        """Let minutes pass, and tell where the probation stood in each."""
        found = []
        for _ in range(minutes):
            self.pass_minutes()
            found.append(self.state)
        return found

    @property
    def state(self) -> str:
        """The state of the incident, with the phase of its probation."""
        stored = self.scene.account.ledger.stored(_NAME)
        if stored is None or stored.is_closed:
            return "none"
        return stored.state.value if stored.probation is None else stored.probation.phase.value

    def spike(self) -> None:
        """The last minutes were those of a loop at the ceiling."""
        self.scene.burn(_NAME)
        self._record_arrivals([30.0] * 172 + [SPIKE] * 8)

    def _count_able(self) -> float:
        reserved = self.function.reserved
        mappings = list(self.scene.account.by_uuid.values())
        enabled = [one for one in mappings if one.enabled]
        if reserved == 0 or (mappings and not enabled):
            return 0.0
        limits = [one.maximum_concurrency or 1_000 for one in enabled]
        able = min(
            [reserved if reserved is not None else 1_000, *([sum(limits)] if limits else [])]
        )
        return EACH * able

    def _record(self, arrived: float, served: float) -> None:
        self.scene.account.metrics.record(
            _NAME,
            until=self.scene.now,
            invocations=[served],
            concurrency=[served / EACH],
            throttles=[0.0],
            errors=[0.0],
            duration_ms=[600.0],
        )
        self._record_arrivals([arrived])

    def _record_arrivals(self, counts: list[float]) -> None:
        if not self.has_counts:
            return
        metrics = self.scene.account.metrics
        for number, kind in enumerate(self.kinds):
            source = Source(kind=kind, name=_NAME)
            values = counts if number == 0 else [0.0] * len(counts)
            metrics.record_arrivals(source, until=self.scene.now, counts=values)
        if SourceKind.QUEUE in self.kinds:
            self.scene.account.queues[QUEUE].depth = self.waiting


def stopped(*kinds: SourceKind, is_loop: bool = True, **given: Any) -> Stage:
    """A function that was stopped for a loop, some minutes ago."""
    scene = Scene(Policy(response=Response.THROTTLE))
    scene.add_runaway(_NAME, **given)
    every = kinds or (SourceKind.ASYNCHRONOUS,)
    for kind in every:
        if kind in ARNS:
            scene.account.add_mapping(_NAME, ARNS[kind])
    stage = Stage(scene=scene, kinds=every, is_loop=is_loop)
    stage.spike()
    scene.contributor(_NAME)
    stage.pass_minutes(6)
    assert scene.incident().state is IncidentState.CONTAINED, "the stage is not set"
    return stage
