"""Whether a function's traffic looks like a loop: from evidence to an assessment.

Pure and cheap: no artefact, no state, a few constants that `docs/detection.md` explains.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from functions.domain.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.evidence import MINUTE_SECONDS, Evidence, LoopProof, Series
from functions.domain.policy import Policy

CANDIDATE_MINUTES = 6  # newest datapoints of the list of all functions that are looked at
SUSTAINED_MINUTES = 2  # datapoints that make a spike more than a blip
TIMES_NORMAL = 5.0  # how far above its normal a function is unusual
TIMES_PRECEDENT = 1.5  # how far above anything seen before
CEILING_SHARE = 0.9  # of the concurrency that the function can reach at most


def is_candidate(invocations: Series, floor_per_minute: float) -> bool:
    """Whether the newest datapoints of a function make it worth a closer look."""
    newest = invocations.values[-CANDIDATE_MINUTES:]
    return any(value is not None and value >= floor_per_minute for value in newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spike:
    """The run of unusual minutes at the end of the series."""

    first: int
    last: int
    normal: float
    highest_before: float

    @property
    def minutes(self) -> int:
        return self.last - self.first + 1


def assess(evidence: Evidence, policy: Policy) -> Assessment:
    """The verdict on one function. Bad or missing data is never worse than `CALM`."""
    counts = evidence.recent.invocations
    if not _is_sound(counts):
        return Assessment(
            function=evidence.function,
            verdict=Verdict.CALM,
            at=evidence.now,
            grounds=(Ground(reason=Reason.NO_DATA),),
        )
    values = [value or 0.0 for value in counts.values]
    floor = float(policy.floor_per_minute)
    spike = _spike(values, floor)
    rate = max(values[-3:])
    verdict, grounds = _judge(evidence, values, rate, floor, spike)
    first = None if spike is None else spike.first
    since = counts.moment(first) if first is not None and verdict is not Verdict.CALM else None
    return Assessment(
        function=evidence.function,
        verdict=verdict,
        at=evidence.now,
        grounds=grounds,
        rate_per_minute=rate,
        normal_per_minute=median(values[: len(values) if first is None else first] or [0.0]),
        since=since,
        normal_concurrency=_normal_concurrency(evidence.recent.concurrency, since),
        mean_duration_ms=_mean_duration(evidence.recent.duration_ms),
        invocations_since=0.0 if since is None else sum(values[first:]),
    )


def _is_sound(series: Series) -> bool:
    if series.period_seconds != MINUTE_SECONDS:
        return False
    seen = [value for value in series.values if value is not None]
    return bool(seen) and all(0 <= value < math.inf for value in seen)


def _spike(values: list[float], floor: float) -> _Spike | None:
    """The unusual minutes at the end; the newest datapoint may still be partial."""
    last = len(values) - 1
    if last > 0 and values[last] < floor <= values[last - 1]:
        last -= 1
    before = values[: max(0, last - 2)]
    normal = median(before[-60:]) if before else 0.0
    threshold = max(floor, TIMES_NORMAL * normal)
    first = last + 1
    while first > 0 and values[first - 1] >= threshold:
        first -= 1
    if first > last:
        return None
    return _Spike(
        first=first, last=last, normal=normal, highest_before=max(values[:first], default=0.0)
    )


def _judge(
    evidence: Evidence, values: list[float], rate: float, floor: float, spike: _Spike | None
) -> tuple[Verdict, tuple[Ground, ...]]:
    if rate < floor:
        return Verdict.CALM, (_rate(Reason.BELOW_FLOOR, rate, floor),)
    if spike is None:
        return Verdict.CALM, (_rate(Reason.WITHIN_RECENT, rate, max(values)),)
    if spike.minutes < SUSTAINED_MINUTES:
        ground = Ground(
            reason=Reason.NOT_SUSTAINED,
            value=spike.minutes,
            unit=Unit.MINUTES,
            reference=SUSTAINED_MINUTES,
        )
        return Verdict.BUSY, (ground,)
    if rate < TIMES_PRECEDENT * spike.highest_before:
        return Verdict.BUSY, (_rate(Reason.WITHIN_RECENT, rate, spike.highest_before),)
    highest = _highest(evidence.precedent)
    if highest is not None and rate < TIMES_PRECEDENT * highest:
        return Verdict.BUSY, (_rate(Reason.HAS_PRECEDENT, rate, highest),)
    grounds = [
        _rate(Reason.ABOVE_RECENT, rate, spike.normal),
        _rate(Reason.NO_HISTORY, rate, None)
        if highest is None
        else _rate(Reason.NO_PRECEDENT, rate, highest),
        Ground(reason=Reason.SUSTAINED, value=spike.minutes, unit=Unit.MINUTES),
    ]
    if evidence.proof is LoopProof.RULED_OUT:
        return Verdict.BUSY, (Ground(reason=Reason.LOOP_RULED_OUT), *grounds)
    if evidence.proof is LoopProof.CERTAIN:
        return Verdict.RUNAWAY, (Ground(reason=Reason.LOOP_PROVEN), *grounds)
    pinned = _pinned(evidence, spike)
    if pinned:
        return Verdict.RUNAWAY, (*pinned, *grounds)
    return Verdict.SUSPECTED, tuple(grounds)


def _rate(reason: Reason, value: float, reference: float | None) -> Ground:
    return Ground(reason=reason, value=value, unit=Unit.PER_MINUTE, reference=reference)


def _highest(precedent: Series | None) -> float | None:
    """The highest invocations a minute, as 5-minute mean, in the days before."""
    if precedent is None:
        return None
    seen = [value for value in precedent.values if value is not None]
    if not seen or not all(0 <= value < math.inf for value in seen):
        return None
    return max(seen) * MINUTE_SECONDS / precedent.period_seconds


def _pinned(evidence: Evidence, spike: _Spike) -> tuple[Ground, ...]:
    """At the concurrency ceiling, with throttles, in each of the unusual minutes but one."""
    facts = evidence.facts
    ceiling = facts.reserved_concurrency if facts is not None else None
    ceiling = ceiling or evidence.account_concurrency
    if not ceiling:
        return ()
    concurrency = evidence.recent.concurrency.values[spike.first : spike.last + 1]
    throttles = evidence.recent.throttles.values[spike.first : spike.last + 1]
    pinned = sum(
        1
        for running, refused in zip(concurrency, throttles, strict=False)
        if (running or 0) >= CEILING_SHARE * ceiling and (refused or 0) > 0
    )
    if pinned < SUSTAINED_MINUTES + 1:
        return ()
    return (
        Ground(
            reason=Reason.AT_CEILING,
            value=max((value or 0.0 for value in concurrency), default=0.0),
            unit=Unit.CONCURRENT,
            reference=ceiling,
        ),
        Ground(
            reason=Reason.THROTTLED,
            value=max((value or 0.0 for value in throttles), default=0.0),
            unit=Unit.THROTTLES,
        ),
    )


def _normal_concurrency(concurrency: Series, since: datetime | None) -> int | None:
    seen = [
        value
        for index, value in enumerate(concurrency.values)
        if value is not None
        and 0 <= value < math.inf
        and (since is None or concurrency.moment(index) < since)
    ]
    return math.ceil(max(seen)) if seen else None


def _mean_duration(duration_ms: Series) -> float | None:
    seen = [value for value in duration_ms.values[-10:] if value is not None and value >= 0]
    return sum(seen) / len(seen) if seen else None
