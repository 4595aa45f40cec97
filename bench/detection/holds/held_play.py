"""The guard's side of a hold: what it sees, when, and what it does about it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import numpy as np

from bench.detection.holds.held_world import (
    ACCOUNT,
    MAPPING_SECONDS,
    MINUTE,
    RESERVATION_SECONDS,
    Subject,
    World,
)
from bench.detection.ours import EPOCH
from functions.domain.detection.acquittal import PENDING_FOR
from functions.domain.detection.arrivals import Arrivals, Source, SourceKind
from functions.domain.detection.evidence import LoopProof, Series
from functions.domain.detection.feeding import Fed, Feeding, Spike, find_feeding
from functions.domain.detection.lateness import count_young
from functions.domain.holding.facts import HoldFacts, MappingFacts
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.judgement.verdict import judge_hold
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldAgain,
    LetGo,
    Release,
    Shown,
    TryLonger,
    Wait,
    is_released,
    may_be_stopped,
)
from functions.domain.holding.plan import (
    NotHeld,
    Running,
    plan_hold,
)
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch
from functions.workflows.detection.triage import EARLY_SECOND, LATE_SECOND
from sandbox.metrics.publication import Publication
from sandbox.weather.seeded import Weather

FLOOR: Final = 500
SUSTAINED: Final = 2  # complete minutes above the floor, as for any suspicion
LATE_SECONDS: Final = (60.0, 210.0)  # from then until the guard holds
ABOVE_NORMAL: Final = 3.0
ABOVE_USUAL: Final = 1.5  # from when on a rate belongs to the spike
NORMAL_MINUTES: Final = 10
WATCHED_MINUTES: Final = 900
YOUNG_MINUTES: Final = 6
DAY_SECONDS: Final = 86_400

Show: TypeAlias = Callable[[str, Series, datetime], Series]


def show_in(weather: Weather) -> Show:
    """Each series as CloudWatch shows it in this weather: late, in part, each by itself."""

    def show(name: str, series: Series, now: datetime) -> Series:
        publication = Publication.of(weather, ("AWS/Lambda", name, (("FunctionName", "watched"),)))
        if publication is None:
            return series
        values = list(series.values)
        for index in range(max(0, len(values) - YOUNG_MINUTES), len(values)):
            value = values[index]
            begun = int(series.moment(index).timestamp()) // MINUTE
            share = publication.share(begun, now.timestamp())
            if value is not None and share < 1.0:
                values[index] = publication.value_part(value, share) if share else None
        return Series(start=series.start, period_seconds=MINUTE, values=tuple(values))

    return show


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a hold ended.

    Attributes
    ----------
    verdict
        ``None`` where the function was never suspected.
    minutes
        From the hold to the verdict.
    held_minutes
        Of these, the time in which it was held.
    second
        What the second round showed of a function that the first one had shown.
    is_left_held
        Until people decide.
    is_stopped
        Shown twice, and certain in the event graph.
    """

    verdict: Shown | Release | CannotTell | NotHeld | Feeding | None
    minutes: float = 0.0
    held_minutes: float = 0.0
    cycle_seconds: float = 0.0
    second: Shown | Release | CannotTell | None = None
    is_left_held: bool = False
    is_stopped: bool = False


class Play:
    """One function from its first event to the end of its hold."""

    def __init__(
        self,
        subject: Subject,
        rng: np.random.Generator,
        show: Show,
        *,
        reads_depth: bool = True,
        asks_first: bool = False,
    ) -> None:
        self.asks_first = asks_first
        self.reads_depth = reads_depth
        self.subject = subject
        self.rng = rng
        self.show = show
        self.world = World(subject, rng)
        comes_at = float(rng.uniform(0, MINUTE))
        self.pulse_second = EARLY_SECOND if comes_at > LATE_SECOND else comes_at

    def run(self, longest_minutes: int = 240) -> Ended:
        """Play until it is suspected, hold it, and see that through.

        One that what arrives acquits is not held; it is looked at again while its spike goes on.
        """
        held_at = self._wait_until_suspected(longest_minutes)
        if held_at is None:
            return Ended(verdict=None)
        if self.asks_first:
            feeding = self._ask_who_feeds_it()
            if feeding.is_acquitted:
                return Ended(verdict=feeding)
        watch = self._hold()
        if isinstance(watch, NotHeld):
            return Ended(verdict=watch)
        return self._follow(watch)

    # -- what the guard sees -------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The moment of the simulation."""
        return EPOCH + timedelta(seconds=self.world.second)

    def _series(self, name: str, values: list[int] | list[float], *, gaps: bool) -> Series:
        over = int(self.world.second // MINUTE)
        known = [float(one) for one in values[:over]]
        shown = tuple(None if gaps and one == 0 else one for one in known)
        series = Series(start=EPOCH, period_seconds=MINUTE, values=shown)
        return self.show(name, series, self.now)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where its events come from."""
        names = range(self.subject.sources)
        return tuple(
            Source(kind=self.subject.kind, name=f"source-{at}", loop=self.subject.proof)
            for at in names
        )

    @property
    def counts(self) -> Counts:
        """What is read for a verdict."""
        world, is_queue = self.world, self.subject.kind is SourceKind.QUEUE
        run = [
            1000 * total / count if count else 0.0
            for total, count in zip(world.seconds_run, world.started, strict=True)
        ]
        arrivals = tuple(
            Arrivals(
                source=source,
                counts=self._series(source.name, world.arrived[at], gaps=not is_queue),
                waiting=self._waiting(source.name) if is_queue else None,
            )
            for at, source in enumerate(self.sources)
        )
        return Counts(
            arrivals=arrivals,
            invocations=self._series("Invocations", world.started, gaps=True),
            errors=self._series("Errors", [0] * len(world.started), gaps=False),
            duration_ms=self._series("Duration", run, gaps=True),
            waiting=self._read_depth() if is_queue and self.reads_depth else None,
            lag_ms=self._series("IteratorAge", [1000 * one for one in world.ages], gaps=True),
        )

    def _waiting(self, name: str) -> Series:
        """What waits in one of its queues, which hold as much each."""
        each = [math.ceil(one / self.subject.sources) for one in self.world.visible]
        return self._series(f"{name}-Visible", each, gaps=False)

    def _read_depth(self) -> float:
        return self.world.depth * float(self.rng.uniform(0.97, 1.03))

    # -- what it does --------------------------------------------------------------------------

    def _wait_until_suspected(self, longest_minutes: int) -> float | None:
        world = self.world
        for minute in range(NORMAL_MINUTES, longest_minutes):
            world.run_until(minute * MINUTE)
            newest = [world.started[at] for at in range(minute - SUSTAINED, minute)]
            if min(newest) >= max(FLOOR, ABOVE_NORMAL * self._usual(minute)):
                late = float(self.rng.uniform(*LATE_SECONDS))
                world.run_until(minute * MINUTE + late)
                return world.second
        return None

    def _ask_who_feeds_it(self) -> Feeding:
        """What the account tells without touching anything; it waits where that takes a minute."""
        minute = int(self.world.second // MINUTE)
        first = self._spike_minute(minute)
        while True:
            counts = self.counts
            seconds = self._mean_seconds(int(self.world.second // MINUTE))
            taking = timedelta(seconds=seconds)
            spike = Spike(
                invocations=counts.invocations,
                errors=counts.errors,
                first=first,
                young=count_young(counts.invocations, self.now, taking=taking),
                taking=taking if seconds else None,
                floor_per_minute=FLOOR,
            )
            feeding = find_feeding(spike, counts.arrivals)
            passed = timedelta(seconds=self.world.second - first * MINUTE)
            if feeding.fed is not Fed.PENDING or passed >= PENDING_FOR:
                return feeding
            self.world.run_until(self.world.second + MINUTE)

    def _mean_seconds(self, minute: int) -> float:
        world = self.world
        served = sum(world.started[minute - 2 : minute])
        return float(sum(world.seconds_run[minute - 2 : minute])) / max(1.0, served)

    def _hold(self) -> Watch | NotHeld:
        subject, world = self.subject, self.world
        minute = int(world.second // MINUTE)
        served = float(np.mean(world.started[minute - 2 : minute]))
        ran = float(sum(world.seconds_run[minute - 2 : minute])) / (2 * MINUTE)
        seconds = self._mean_seconds(minute)
        plan = plan_hold(
            self.sources,
            self._facts(),
            Running(
                normal_concurrency=subject.normal_concurrency,
                concurrency=min(ran, world.capacity),
                mean_duration_seconds=seconds,
                timeout_seconds=subject.timeout,
                memory_mb=512,
                account_concurrency=ACCOUNT,
            ),
            most_usd_per_minute=1.0,
        )
        if isinstance(plan, NotHeld):
            return plan
        is_stream = Lever.ZERO in plan.levers
        watch = Watch(
            plan=plan,
            phase=Phase.HELD,
            since=self.now,
            held_at=self.now,
            spike_since=EPOCH + timedelta(minutes=self._spike_minute(minute)),
            sources=self.sources,
            normal_per_minute=0.0,
            before_per_minute=0.0,
            served_before_per_minute=served,
            lag_seconds=max(world.ages[minute - 2 : minute]) if is_stream else None,
        )
        self._move(plan, is_held=True)
        return watch

    def _spike_minute(self, minute: int) -> int:
        """When the rate rose above what was usual."""
        started = self.world.started
        least = max(FLOOR / 2, ABOVE_USUAL * self._usual(minute))
        at = minute - 1
        while at > 0 and started[at - 1] >= least:
            at -= 1
        return at

    def _usual(self, minute: int) -> float:
        """What ran a minute in a quiet quarter of the last hour."""
        started = self.world.started
        base = sorted(started[max(0, minute - MINUTE) : minute - SUSTAINED])
        return base[len(base) // 4]

    def _facts(self) -> HoldFacts:
        subject = self.subject
        if subject.kind is SourceKind.ASYNCHRONOUS:
            return HoldFacts(
                maximum_event_age_seconds=21_600,
                has_provisioned_concurrency=False,
            )
        mappings = tuple(
            MappingFacts(
                uuid=source.name,
                kind=source.kind,
                is_provisioned_mode=False,
                queue_retention_seconds=4 * DAY_SECONDS,
                batch_size=subject.batch,
            )
            for source in self.sources
        )
        return HoldFacts(mappings=mappings, has_provisioned_concurrency=False)

    def _move(self, plan: HoldPlan, *, is_held: bool, concurrency: int | None = None) -> None:
        """Pull the lever."""
        low, high = MAPPING_SECONDS if Lever.PAUSE in plan.levers else RESERVATION_SECONDS
        after = float(self.rng.uniform(low, high))
        self.world.allow(float(plan.cap or 0) if is_held else concurrency, after)

    def _follow(self, watch: Watch) -> Ended:
        begun = self.world.second
        first: Ended | None = None
        while self.world.second < begun + WATCHED_MINUTES * MINUTE:
            self.world.run_until(self._next_pulse())
            verdict = judge_hold(watch, self.counts, self.now)
            match verdict:
                case Wait():
                    watch = verdict.watch
                case LetGo():
                    self._move(watch.plan, is_held=False, concurrency=verdict.concurrency)
                    watch = watch.letting_go(
                        self.now,
                        concurrency=verdict.concurrency,
                        seconds=verdict.seconds,
                        waiting=verdict.waiting,
                        outside_per_minute=verdict.outside_per_minute,
                    )
                case HoldAgain():
                    self._move(watch.plan, is_held=True)
                    watch = watch.holding_again(self.now)
                case TryLonger(seconds=seconds):
                    self._move(watch.plan, is_held=False, concurrency=watch.trial_concurrency)
                    watch = watch.trying_longer(self.now, seconds)
                case Shown() if not watch.is_last_round:
                    first = self._end(watch, verdict)
                    self._move(watch.plan, is_held=False, concurrency=watch.trial_concurrency)
                    watch = watch.letting_go_again(self.now)
                case Shown() | Release() | CannotTell():
                    ended = first or self._end(watch, verdict)
                    is_certain = self.subject.proof is LoopProof.CERTAIN
                    is_stopped = isinstance(verdict, Shown) and may_be_stopped(
                        verdict, watch, is_certain=is_certain
                    )
                    is_let_go = is_released(verdict, watch, is_certain=is_certain)
                    return replace(
                        ended,
                        second=verdict if first else None,
                        is_stopped=is_stopped,
                        is_left_held=not is_stopped and not is_let_go,
                    )
        raise AssertionError("a hold ends by itself")

    def _next_pulse(self) -> float:
        minute = (self.world.second - self.pulse_second) // MINUTE + 1
        return float(minute * MINUTE + self.pulse_second)

    def _end(self, watch: Watch, verdict: Shown | Release | CannotTell) -> Ended:
        passed = self.now - watch.held_at
        free = (watch.again_at or self.now) - watch.trial_at if watch.trial_at else timedelta()
        return Ended(
            verdict=verdict,
            minutes=passed / timedelta(minutes=1),
            held_minutes=(passed - free) / timedelta(minutes=1),
            cycle_seconds=self.subject.seconds + self.subject.latency,
        )
