"""Two functions on one loop, each polling a source of its own, and what feeds them meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.policy import Policy
from functions.domain.signal import SignalKind
from tests.functional.contain.hold.held import RUNNING, SECONDS, SPIKE, USUAL
from tests.functional.scene import Scene

FIRST, SECOND = "orders", "mails"
WAITING: Final = 40.0  # messages that go round in the loop
_ARNS: Final = {
    SourceKind.QUEUE: "arn:aws:sqs:us-east-1:123456789012:{}",
    SourceKind.TABLE: "arn:aws:dynamodb:us-east-1:123456789012:table/{}/stream/2026-01-01",
}


@dataclass(slots=True, kw_only=True)
class Link:
    """One function of the chain; `batch`: events of one invocation."""

    name: str
    kind: SourceKind
    batch: float = 1.0
    backlog: float = 0.0
    before: tuple[float, float] = (SPIKE, SPIKE)  # what arrives and is served, a minute ago

    @property
    def source(self) -> Source:
        """Where its events arrive."""
        return Source(kind=self.kind, name=self.name)

    @property
    def arn(self) -> str:
        """The same, as its mapping has it."""
        return _ARNS[self.kind].format(self.name)


@dataclass(slots=True)
class Chain:
    """A loop of two functions by minutes: what the one is given, the other writes.

    Attributes
    ----------
    is_loop
        Whether they feed each other; else people send to the first, which feeds the second.
    """

    scene: Scene
    links: tuple[Link, Link]
    is_loop: bool = True
    minutes: list[dict[str, bool]] = field(default_factory=list)

    def pass_minutes(self, minutes: int) -> None:
        """Let minutes pass, each with its pulse."""
        for _ in range(minutes):
            self.scene.now += timedelta(minutes=1)
            self._run()
            self.scene.survives(lambda: self.scene.signal(SignalKind.PULSE))
            self.minutes.append({one.name: self.is_held(one.name) for one in self.links})

    def spike(self, minutes: int) -> None:
        """The last minutes were those of the spike."""
        rates = [*[USUAL] * (180 - minutes), *[SPIKE] * minutes]
        for one in self.links:
            self._record(one, rates, rates)

    def is_held(self, name: str) -> bool:
        """Whether anything of a function is held."""
        account = self.scene.account
        mappings = [one for one in account.by_uuid.values() if one.function == name]
        is_paused = any(not one.enabled for one in mappings)
        return is_paused or account.by_name[name].reserved is not None

    def held(self) -> set[str]:
        """The functions that are held."""
        return {one.name for one in self.links if self.is_held(one.name)}

    def _run(self) -> None:
        first, second = self.links
        most, then = (min(SPIKE, self._most_served(one)) for one in self.links)
        back = then if second.backlog else min(most, then)
        into = back if self.is_loop else SPIKE
        out = most if first.backlog else min(most, into)
        back = then if second.backlog else min(then, out)
        arrived = {first.name: back if self.is_loop else SPIKE, second.name: out}
        served = {first.name: out, second.name: back}
        for one in self.links:
            came, ran = arrived[one.name], served[one.name]
            one.backlog = max(0.0, one.backlog + came - ran) if one.backlog else 0.0
            halves = (came + one.before[0]) / 2, (ran + one.before[1]) / 2
            one.before = came, ran
            self._record(one, [halves[0]], [halves[1]])

    def _most_served(self, link: Link) -> float:
        """Events a minute that a function may work off."""
        account = self.scene.account
        each = 60 / SECONDS * link.batch
        reserved = account.by_name[link.name].reserved
        limits = [reserved]
        for one in account.by_uuid.values():
            if one.function == link.name:
                limits.append(one.maximum_concurrency)
                if not one.enabled:
                    return 0.0
        return min([RUNNING, *(float(one) for one in limits if one is not None)]) * each

    def _record(self, link: Link, arrived: list[float], served: list[float]) -> None:
        scene, metrics = self.scene, self.scene.account.metrics
        ran = [one / link.batch for one in served]
        metrics.record(
            link.name,
            until=scene.now,
            invocations=ran,
            concurrency=[max(1.0, one * SECONDS / 60) for one in ran],
            throttles=[0.0] * len(ran),
            errors=[0.0] * len(ran),
            duration_ms=[SECONDS * 1000] * len(ran),
        )
        metrics.record_arrivals(link.source, until=scene.now, counts=arrived)
        if link.kind is SourceKind.QUEUE:
            scene.account.queues[link.arn].depth = link.backlog or WAITING
        metrics.lags[link.name] = 1000 * (link.backlog / SPIKE * 60 or SECONDS)


def chain(
    kinds: Iterable[SourceKind] = (SourceKind.QUEUE, SourceKind.TABLE),
    *,
    proof: LoopProof = LoopProof.CERTAIN,
    policy: Policy | None = None,
    is_loop: bool = True,
    **given: Any,
) -> Chain:
    """Two functions with the same flat spike, on one loop of the event graph."""
    scene = Scene(policy or Policy())
    first, second = kinds
    links = (Link(name=FIRST, kind=first), Link(name=SECOND, kind=second, **given))
    for one in links:
        scene.account.add(one.name)
        mapping = scene.account.add_mapping(one.name, one.arn)
        mapping.batch_size = max(1, round(one.batch))
        scene.account.metrics.habit(one.name, 150.0)
        scene.loops.stored[one.name] = LoopStatus(proof=proof, at=scene.now)
    scene.loops.together = frozenset({FIRST, SECOND})
    story = Chain(scene=scene, links=links, is_loop=is_loop)
    story.spike(20)
    return story
