"""A function whose callers wait for its answers, by minutes."""

from dataclasses import dataclass
from datetime import timedelta

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.policy import Policy
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from tests.fakes.resources import FakeFunction
from tests.functional.scene import Scene

USUAL = 30.0
MANY = 60_000.0
SECONDS = 0.6
PEAK = 12.0


@dataclass(slots=True)
class Callers:
    """A function whose callers wait, and try no harder when they are refused."""

    scene: Scene
    asked: float = MANY

    @property
    def function(self) -> FakeFunction:
        """The function."""
        return self.scene.account.by_name["orders"]

    @property
    def state(self) -> IncidentState | None:
        """Where its open incident stands."""
        stored = self.scene.account.ledger.stored("orders")
        return None if stored is None or stored.is_closed else stored.state

    @property
    def is_free(self) -> bool:
        """Whether nothing is reserved for it, and its incident is over."""
        return self.state is None and self.function.reserved is None

    def record(self, minutes: int = 1) -> None:
        """The last minutes were like that, under the reservation of now."""
        each = 60 / SECONDS
        room = 900.0 if self.function.reserved is None else float(self.function.reserved)
        served = min(self.asked, room * each)
        refused = self.asked - served
        if self.function.reserved is None and self.asked >= MANY:
            refused = 500.0
        self.scene.account.metrics.record(
            "orders",
            until=self.scene.now,
            invocations=[served] * minutes,
            concurrency=[min(room, max(1.0, self.asked * SECONDS / 60 * 1.5))] * minutes,
            throttles=[refused] * minutes,
            errors=[0.0] * minutes,
            duration_ms=[SECONDS * 1000] * minutes,
        )

    def pass_minutes(self, minutes: int) -> None:
        """Let minutes pass, each with its pulse."""
        for _ in range(minutes):
            self.scene.now += timedelta(minutes=1)
            self.record()
            self.scene.survives(lambda: self.scene.signal(SignalKind.PULSE))

    def prove(self) -> None:
        """The configuration closes a loop through it."""
        known = LoopStatus(proof=LoopProof.CERTAIN, at=self.scene.now - timedelta(hours=1))
        self.scene.loops.stored["orders"] = known


def callers(
    *, asked: float = MANY, policy: Policy | None = None, peak: float | None = PEAK
) -> Callers:
    """A function of which so much has been asked for a minute, and little before."""
    scene = Scene(policy or Policy())
    scene.account.add("orders")
    scene.account.metrics.habit("orders", 150.0)
    if peak is not None:
        scene.account.metrics.usual_peaks["orders"] = peak
    story = Callers(scene=scene, asked=USUAL)
    story.record(180)
    story.asked = asked
    story.record()
    return story


def capped(*, is_certain: bool = False) -> Callers:
    """The same, and the guard has capped it."""
    story = callers()
    if is_certain:
        story.prove()
    story.scene.contributor()
    assert story.state is IncidentState.CAPPED, "the stage is not set"
    return story
