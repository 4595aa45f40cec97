"""How a hold is planned and looked at: what `functions.domain.holding` decides by is read here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.changes.steps import EventSourceMapping
from functions.domain.detection.acquittal import LeftAlone, judge_feeding
from functions.domain.detection.arrivals import Arrivals, Source, SourceKind, has_others
from functions.domain.detection.assessment import Assessment
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    Evidence,
    FunctionFacts,
    LoopProof,
    RecentSeries,
    Series,
    Trigger,
    TriggerKind,
)
from functions.domain.detection.feeding import Feeding, Spike, find_feeding
from functions.domain.detection.lateness import count_young
from functions.domain.detection.traffic import mean_duration_seconds
from functions.domain.errors import RefusedError
from functions.domain.graph.loop_lookup import STALE_AFTER
from functions.domain.holding.callers import (
    CapVerdict,
    find_normal_peak,
    judge_callers_cap,
    plan_callers_cap,
)
from functions.domain.holding.facts import HoldFacts
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.judgement.verdict import judge_hold
from functions.domain.holding.outcomes import HoldVerdict
from functions.domain.holding.plan import (
    NotHeld,
    NotHeldReason,
    Running,
    plan_hold,
)
from functions.domain.holding.sources import (
    UNKNOWN_CALLERS,
    SourceKey,
    find_arrivals,
    find_counted_kind,
    find_known_minutes,
    find_minute,
    find_newest_rate,
    find_sources,
    find_usual_rate,
    key_of,
    list_polled,
    mark_loops,
)
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch
from functions.domain.incidents.incident import Incident
from functions.domain.ports import Functions, HoldFactsReader, Metrics
from functions.workflows.detection.collect_evidence import CHANGES_LATE, EvidenceCollector

LAG_MINUTES: Final = 5
# Why all sources of a function together cannot be held.
_OF_ALL_SOURCES: Final = frozenset({NotHeldReason.SYNCHRONOUS, NotHeldReason.MIXED_SOURCES})
# Of a queue (Lambda developer guide, *Using Lambda with Amazon SQS*), where it is not known.
_MOST_OF_A_BATCH: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A hold that may begin, with the mappings as they are now, and with what is reserved."""

    watch: Watch
    mappings: tuple[EventSourceMapping, ...]
    reserved_concurrency: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlanning:
    """How a function is to be held or why not, and what was read to find that.

    Attributes
    ----------
    evidence
        ``None``: it has no figures.
    facts
        ``None``: they were not needed.
    """

    outcome: Planned | NotHeld | LeftAlone
    evidence: Evidence | None = None
    facts: HoldFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldObserver:
    """Reads what a hold needs.

    Attributes
    ----------
    most_usd_per_minute
        What a trial may cost.
    """

    gathering: EvidenceCollector
    facts: HoldFactsReader
    most_usd_per_minute: float | None = None

    @property
    def functions(self) -> Functions:
        """The control plane of the functions."""
        return self.gathering.functions

    @property
    def metrics(self) -> Metrics:
        """Where what arrives is counted."""
        return self.gathering.metrics

    def fit_trial(self, wanted: int, incident: Incident) -> int:
        """As much of the concurrency of a trial as people allow and AWS grants.

        What a paused mapping lets go is no reservation: what people have reserved bounds it.
        """
        wanted = wanted if incident.prior is None else min(wanted, incident.prior)
        if incident.is_paused:
            return wanted
        limits = self.facts.read_limits()
        return wanted if limits is None else limits.fit_reservation(wanted, incident.target or 0)

    def plan(
        self,
        assessment: Assessment,
        facts: FunctionFacts,
        now: datetime,
        floor_per_minute: float,
        troubles: Sequence[tuple[datetime, datetime]] = (),
    ) -> HoldPlanning:
        """How a function is to be held, or why it must not be, or need not be.

        Parameters
        ----------
        floor_per_minute
            A loop that adds fewer invocations than this is not acted upon.
        troubles
            The periods (start, end) of former loops: what ran in them is not normal.

        Raises
        ------
        LoopbreakerError
            What the ports raise.
        """
        sight = self._read(assessment, facts, now)
        if sight is None:
            return HoldPlanning(outcome=NotHeld(reason=NotHeldReason.UNKNOWN_SOURCES))
        left_alone = _acquit(sight, assessment, floor_per_minute)
        if left_alone is not None:
            return HoldPlanning(outcome=left_alone, evidence=sight.evidence)
        # Read just now: somebody may have changed it since the function was suspected.
        facts = sight.evidence.facts or facts
        read = self.facts.read(facts.name)
        return HoldPlanning(
            outcome=self._plan_by(sight, read, assessment, facts, troubles=troubles, now=now),
            evidence=sight.evidence,
            facts=read,
        )

    def _plan_by(
        self,
        sight: "_Sight",
        read: HoldFacts,
        assessment: Assessment,
        facts: FunctionFacts,
        *,
        troubles: Sequence[tuple[datetime, datetime]],
        now: datetime,
    ) -> Planned | NotHeld:
        """How a function is to be held, by what was read of it."""
        name, recent, since = facts.name, sight.evidence.recent, sight.since
        sources, duration = sight.sources, sight.duration_seconds
        running = Running(
            normal_concurrency=assessment.normal_concurrency,
            concurrency=assessment.concurrency,
            mean_duration_seconds=duration,
            timeout_seconds=facts.timeout_seconds,
            memory_mb=facts.memory_mb,
            architecture=facts.architecture,
            reserved_concurrency=facts.reserved_concurrency,
            account_concurrency=sight.evidence.account_concurrency,
        )
        plan = plan_hold(sources, read, running, self.most_usd_per_minute)
        if isinstance(plan, NotHeld) and plan.reason in _OF_ALL_SOURCES and sight.charted:
            # The graph may be a little out of date, but a pause of the queues harms nobody.
            sources = mark_loops(sources, sight.charted)
            again = plan_hold(sources, read, running, self.most_usd_per_minute)
            plan = plan if isinstance(again, NotHeld) else again
        if _is_for_callers(plan, assessment):
            peaks = self.metrics.peaks(name, now)
            peak = find_normal_peak(peaks, recent.concurrency, since, troubles)
            plan, sources = plan_callers_cap(sight.sources, read, running, peak), sight.sources
        if isinstance(plan, NotHeld):
            return plan
        arrivals = tuple(find_arrivals(one, sight.counted) for one in sources if not one.is_outside)
        is_shared = has_others(sources) and not plan.is_for_callers
        if is_shared and 2 * find_newest_rate(arrivals, now) < assessment.rate_per_minute:
            # What is paused carries too little of it to be judged beside the rest.
            return NotHeld(reason=NotHeldReason.MIXED_SOURCES)
        mappings = sight.mappings
        if plan.levers == (Lever.PAUSE,):
            queues = {one.uuid for one in read.mappings if one.kind is SourceKind.QUEUE}
            mappings = tuple(one for one in mappings if one.uuid in queues)
        watch = Watch(
            plan=plan,
            phase=Phase.HELD,
            since=now,
            held_at=now,
            spike_since=since,
            sources=sources,
            normal_per_minute=find_usual_rate(arrivals, since),
            before_per_minute=find_newest_rate(arrivals, now),
            served_before_per_minute=assessment.rate_per_minute,
            lag_seconds=self._read_lag_seconds(name, recent) if Lever.ZERO in plan.levers else None,
        )
        reserved = facts.reserved_concurrency
        return Planned(watch=watch, mappings=mappings, reserved_concurrency=reserved)

    def acquit(
        self, assessment: Assessment, facts: FunctionFacts, now: datetime, floor_per_minute: float
    ) -> LeftAlone | None:
        """Whether others feed a function, or that cannot be concluded yet; ``None`` otherwise.

        The same answer as that of `plan`, for a function that is not to be held anyway.

        Raises
        ------
        LoopbreakerError
            What the ports raise.
        """
        if not self._find_charted_sources(facts, now):
            return None  # only the graph acquits
        sight = self._read(assessment, facts, now)
        return None if sight is None else _acquit(sight, assessment, floor_per_minute)

    def _read(self, assessment: Assessment, facts: FunctionFacts, now: datetime) -> "_Sight | None":
        """What invokes a function, and what arrived there; ``None`` where it has no figures."""
        name = facts.name
        mappings = self.functions.mappings(name)
        triggers = self._read_triggers(name, mappings)
        evidence = self.gathering.collect_one(name, now)
        if evidence is None:
            return None
        recent = evidence.recent
        since = assessment.since or now
        pushed = Source(kind=SourceKind.ASYNCHRONOUS, name=name)
        charted = self._find_charted_sources(evidence.facts or facts, now)
        # Asynchronous events are counted whether the configuration knows of them or not.
        asked = {key_of(one): one for one in (*charted, *list_polled(mappings, facts.arn), pushed)}
        counted = {
            key_of(one.source): one for one in self._read_arrivals([*asked.values()], recent)
        }
        asynchronous = counted[key_of(pushed)]
        known = self._find_loops_of_sources(name, since)
        minutes = find_known_minutes(asynchronous, recent, since, now)
        sources = find_sources(
            mappings,
            triggers,
            asynchronous,
            recent,
            minutes,
            function_arn=facts.arn,
            charted=charted,
        )
        return _Sight(
            evidence=evidence,
            since=since,
            mappings=mappings,
            charted=charted,
            counted=counted,
            known=known,
            sources=tuple(
                replace(one, loop=known.get(key_of(one), LoopProof.UNKNOWN)) for one in sources
            ),
            duration_seconds=mean_duration_seconds(evidence),
        )

    def _read_triggers(
        self, name: str, mappings: Sequence[EventSourceMapping]
    ) -> tuple[Trigger, ...]:
        """What invokes a function; callers that wait, where the guard must not know."""
        try:
            return self.functions.triggers(name, mappings)
        except RefusedError:
            return (Trigger(kind=TriggerKind.SYNC, service=UNKNOWN_CALLERS, source_arn=""),)

    def _find_charted_sources(self, facts: FunctionFacts, now: datetime) -> tuple[Source, ...]:
        """All sources of a function as the event graph has them; empty where it cannot know.

        What a deployment shortly before has added may be missing, see `CHANGES_LATE`.
        """
        at = self.gathering.loops.of(facts.name).at
        if at is None or now - at > STALE_AFTER:
            return ()
        changed_at = facts.last_modified
        if changed_at is not None and changed_at > at - CHANGES_LATE:
            return ()
        return self.gathering.loops.find_sources(facts.name)

    def _read_arrivals(
        self, sources: Sequence[Source], recent: RecentSeries
    ) -> tuple[Arrivals, ...]:
        grid = recent.invocations
        return self.metrics.arrivals(sources, grid.start, grid.end)

    def backlog_seconds(
        self, name: str, facts: HoldFacts, recent: RecentSeries, per_minute: float
    ) -> float:
        """How long a function has to do, at least, with what waits at its sources.

        Parameters
        ----------
        per_minute
            Its invocations: each is taken to have had as many events as it may have.
        """
        polled = [one for one in facts.mappings if one.is_enabled]
        seconds = 0.0
        queues = [one for one in polled if one.kind is SourceKind.QUEUE]
        if queues:
            depth = self.facts.depth(tuple(one.source_arn for one in queues)) or 0.0
            each = max(one.batch_size or _MOST_OF_A_BATCH for one in queues)
            seconds = MINUTE_SECONDS * depth / max(1.0, per_minute * each)
        if any(one.kind in (SourceKind.TABLE, SourceKind.STREAM) for one in polled):
            seconds = max(seconds, self._read_lag_seconds(name, recent) or 0.0)
        return seconds

    def _read_lag_after_trial(self, name: str, watch: Watch, recent: RecentSeries) -> Series | None:
        """How far the polling of its streams lay behind; only a verdict after a trial asks."""
        if Lever.ZERO not in watch.plan.levers or watch.phase is not Phase.HELD_AGAIN:
            return None
        return self.metrics.lag(name, recent.invocations.start, recent.invocations.end)

    def _read_lag_seconds(self, name: str, recent: RecentSeries) -> float | None:
        """How far the polling of its streams lay behind of late, at most."""
        grid = recent.invocations
        newest = self.metrics.lag(name, grid.start, grid.end).values[-LAG_MINUTES:]
        known = [one for one in newest if one is not None]
        return max(known) / 1000 if known else None

    def _find_loops_of_sources(self, name: str, since: datetime) -> Mapping[SourceKey, LoopProof]:
        """Which sources lie on a loop of the function, as the event graph has it.

        A loop often begins with a change, and the graph hears of changes late. So a source is
        ruled out only where the graph has seen the account as it was when the spike began.
        """
        loops = self.gathering.loops
        at = loops.of(name).at
        is_seen = at is not None and at - CHANGES_LATE >= since
        return {
            key_of(one): one.loop
            for one in loops.find_sources(name)
            if is_seen or not one.is_outside
        }

    def look_at_cap(self, watch: Watch, evidence: Evidence) -> CapVerdict:
        """What to do with a function that is capped in danger."""
        return judge_callers_cap(watch, evidence, self.most_usd_per_minute)

    def look(
        self, incident: Incident, watch: Watch, recent: RecentSeries, now: datetime
    ) -> HoldVerdict:
        """What the hold of an incident shows by now.

        Parameters
        ----------
        recent
            Reaching back to what was usual before the spike, see `find_counted_from`.

        Raises
        ------
        LoopbreakerError
            What the ports raise.
        """
        own = tuple(one for one in watch.sources if not one.is_outside)
        queues = tuple(
            one.source_arn
            for one in self.functions.mappings(incident.function)
            if find_counted_kind(one.source_arn, incident.function_arn) is SourceKind.QUEUE
        )
        counts = Counts(
            arrivals=self._read_arrivals(own, recent),
            invocations=_without_others(recent.invocations, watch, now),
            errors=recent.errors,
            duration_ms=recent.duration_ms,
            waiting=self.facts.depth(queues) if queues else None,
            lag_ms=self._read_lag_after_trial(incident.function, watch, recent),
        )
        return judge_hold(watch, counts, now)


def _is_for_callers(plan: HoldPlan | NotHeld, assessment: Assessment) -> bool:
    """Whether only callers that wait keep a function from being held that is in danger."""
    is_refused = isinstance(plan, NotHeld) and plan.reason is NotHeldReason.SYNCHRONOUS
    return is_refused and assessment.is_in_danger


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """What is read of a suspected function before anything is decided about it.

    Attributes
    ----------
    charted
        All its sources, as the event graph has them now; empty where it cannot know.
    counted
        What arrived at each source.
    known
        On which loops sources lie, as far as the graph had heard of all changes before the spike.
    sources
        What invokes it, by its configuration and by what was counted.
    """

    evidence: Evidence
    since: datetime
    mappings: tuple[EventSourceMapping, ...]
    charted: tuple[Source, ...]
    counted: Mapping[SourceKey, Arrivals]
    known: Mapping[SourceKey, LoopProof]
    sources: tuple[Source, ...]
    duration_seconds: float | None


def _acquit(sight: _Sight, assessment: Assessment, floor_per_minute: float) -> LeftAlone | None:
    """Whether a function is left alone for what feeds it, see `judge_feeding`."""
    if not sight.charted or assessment.since is None:
        return None
    recent = sight.evidence.recent
    spike = _build_spike(sight.evidence, sight.since, sight.duration_seconds, floor_per_minute)
    present = {key_of(one): find_arrivals(one, sight.counted) for one in sight.sources}
    every = {**sight.counted, **present}
    return judge_feeding(
        assessment,
        seen=_find_feeding(spike, every, sight.known),
        charted=_find_feeding(spike, every, {key_of(one): one.loop for one in sight.charted}),
        is_throttled=any(recent.throttles.values[spike.first :]),
    )


def _without_others(invocations: Series, watch: Watch, now: datetime) -> Series:
    """What the queues of a function invoked, at most: what ran while they were paused is others'.

    Only a part of that may be known yet. The most of a minute counts: a loop is called one by what
    the rest can have written.
    """
    if watch.plan.levers != (Lever.PAUSE,) or not has_others(watch.sources):
        return invocations
    values = invocations.values
    first = find_minute(watch.held_at + watch.plan.settling, invocations) + 1
    end = find_minute(watch.held_until or now, invocations)
    paused = values[max(0, first) : max(0, end)]
    others = max((one or 0.0 for one in paused), default=0.0)
    return replace(
        invocations,
        values=tuple(None if one is None else max(0.0, one - others) for one in values),
    )


def _build_spike(
    evidence: Evidence, since: datetime, duration: float | None, floor_per_minute: float
) -> Spike:
    recent = evidence.recent
    taking = None if duration is None else timedelta(seconds=duration)
    return Spike(
        invocations=recent.invocations,
        errors=recent.errors,
        first=max(0, find_minute(since, recent.invocations)),
        young=count_young(recent.invocations, evidence.now, taking=taking or timedelta(0)),
        taking=taking,
        floor_per_minute=floor_per_minute,
    )


def _find_feeding(
    spike: Spike, counted: Mapping[SourceKey, Arrivals], loops: Mapping[SourceKey, LoopProof]
) -> Feeding:
    """Who feeds a spike, where these sources lie on these loops and nobody knows of the others."""
    return find_feeding(
        spike,
        [
            replace(one, source=replace(one.source, loop=loops.get(key, LoopProof.UNKNOWN)))
            for key, one in counted.items()
        ],
    )
