"""The evidence of one function laid out for judging: plain numbers, one a minute."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from functions.domain.detection.assessment import (
    Ground,
    Reason,
    Unit,
)
from functions.domain.detection.danger import Danger, find_danger
from functions.domain.detection.evidence import MINUTE_SECONDS, Evidence, LoopProof, Series
from functions.domain.detection.lateness import list_drops_to_try
from functions.domain.detection.precedent import Precedent, compute_highest_mean
from functions.domain.incidents.policy import Policy

CANDIDATE_MINUTES = 6  # newest datapoints of the list of all functions that are looked at
HISTORY_MINUTES = 60  # datapoints before the spike without which nothing is called unusual
SUSTAINED_MINUTES = 2  # datapoints that make a spike more than a blip
LEAST_HISTORY_MINUTES = 30  # of which must have been quieter, where there is no precedent
NEWEST_MINUTES = 3  # the newest datapoints, of which the highest is the rate now
PLATEAU_MINUTES = 30  # a plateau this long needs no step before it
PROVEN_PLATEAU_MINUTES = 6  # the same, where the event graph shows the cycle
CEILING_SHARE = 0.5  # of the concurrency that the account has
SLOW_FLOOR_PER_MINUTE = 30.0  # of a function that holds the account with long invocations
CYCLES = 30  # of its own duration, that a loop needs to fill it
PROVEN_CYCLES = 3  # the same, where the event graph shows the cycle: one batch of jobs lasts one
GUARD_MINUTES = 4  # before the unusual minutes, which may already belong to them
GROWTH_GUARD_MINUTES = 15
SUBSIDED_SHARE = 0.7  # of the peak: below that a spike is going down
LONG_RUNNING_SECONDS = 60.0
DROPS_MINUTES = 10


def is_candidate(invocations: Series, floor_per_minute: float) -> bool:
    """Whether the newest datapoints of a function make it worth a closer look."""
    newest = invocations.values[-CANDIDATE_MINUTES:]
    return any(value is not None and value >= floor_per_minute for value in newest)


def holds_the_account(concurrency: Series, account_concurrency: int | None) -> bool:
    """Whether a function has so much of the account's concurrency that no rate is too small."""
    if not account_concurrency or account_concurrency < 0:
        return False
    newest = concurrency.values[-CANDIDATE_MINUTES:]
    return any(
        value is not None and value >= CEILING_SHARE * account_concurrency for value in newest
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeTraffic:
    """The evidence laid out for judging: plain numbers, one a minute, newest last."""

    values: list[float]
    concurrency: list[float]
    throttles: list[float]
    duration_seconds: float | None
    find_precedent: Callable[[], Precedent | None]
    ceiling: float | None
    floor: float
    is_slow: bool
    cycles: int
    long_plateau: int
    danger: Danger | None
    now: datetime

    def is_new(self, level: float, first: int, minutes: int, guard: int, times: float) -> bool:
        """Whether a level that began at `first` is so many times anything before it."""
        return self.find_explanation(level, first - guard, minutes, times) is None

    def find_explanation(self, level: float, end: int, minutes: int, times: float) -> Ground | None:
        """Why a level is nothing new; ``None`` if it is."""
        if end < LEAST_HISTORY_MINUTES and self.find_precedent() is None:
            return Ground(
                reason=Reason.NO_HISTORY,
                value=max(0, end),
                unit=Unit.MINUTES,
                reference=LEAST_HISTORY_MINUTES,
            )
        before = self.values[: max(0, end)]
        # No mean of some minutes is above the highest minute.
        if level < times * max(before, default=0.0):
            highest = compute_highest_mean(before, end, minutes)
            if level < times * highest:
                return make_rate_ground(Reason.WITHIN_RECENT, level, highest)
        precedent = self.find_precedent()
        return None if precedent is None else precedent.explains(level, minutes, times, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTraffic:
    """What is the same whichever minute is read as the newest one.

    Attributes
    ----------
    find_precedent
        Lays the 14 days out when they are first asked for: the last hours explain most functions.
    dropped
        What AWS itself dropped of late.
    """

    find_precedent: Callable[[], Precedent | None]
    duration_seconds: float | None
    counts: list[float]
    concurrency: list[float]
    throttles: list[float]
    danger: Danger | None
    dropped: tuple[Ground, ...]
    ceiling: float | None


def lay_out(evidence: Evidence, policy: Policy) -> KnownTraffic:
    """Lay out what is the same for every reading."""
    recent = evidence.recent
    return KnownTraffic(
        find_precedent=cache(lambda: Precedent.of(evidence.precedent, evidence.now)),
        duration_seconds=mean_duration_seconds(evidence),
        # A young minute that is missing between others counts as 0: that hides a shape from this
        # reading, not from the one that ends before it.
        counts=[value or 0.0 for value in recent.invocations.values],
        concurrency=_lay_beside(recent.concurrency, recent.invocations),
        throttles=_lay_beside(recent.throttles, recent.invocations),
        danger=find_danger(evidence, policy.danger_usd_per_minute),
        dropped=_find_drops(evidence),
        ceiling=_find_ceiling(evidence),
    )


def read_as_of(evidence: Evidence, policy: Policy, known: KnownTraffic) -> Iterator[SpikeTraffic]:
    """The evidence as of each minute that may be the newest known one, the newest first."""
    recent = evidence.recent
    for count in list_drops_to_try((recent.invocations, recent.concurrency), evidence.now):
        yield _cut_traffic(evidence, policy, known, max(0, len(known.counts) - count))


def is_sound(series: Series) -> bool:
    """Whether a series holds counts of minutes, and any at all."""
    if series.period_seconds != MINUTE_SECONDS:
        return False
    seen = [value for value in series.values if value is not None]
    return bool(seen) and math.isfinite(sum(seen)) and min(seen) >= 0


def _cut_traffic(
    evidence: Evidence, policy: Policy, known: KnownTraffic, length: int
) -> SpikeTraffic:
    """The first so many minutes, laid out."""
    counts, concurrency = known.counts[:length], known.concurrency[:length]
    seconds = known.duration_seconds
    if seconds is not None and seconds >= LONG_RUNNING_SECONDS:
        # What began in these minutes is still running and not yet counted: concurrency is.
        for index in range(max(0, length - math.ceil(seconds / MINUTE_SECONDS) - 1), length):
            counts[index] = max(counts[index], concurrency[index] * MINUTE_SECONDS / seconds)
    floor = float(policy.floor_per_minute)
    is_slow = max(counts[-NEWEST_MINUTES:], default=0.0) < floor and holds_the_account(
        evidence.recent.concurrency, evidence.account_concurrency
    )
    is_proven = evidence.proof is LoopProof.CERTAIN
    return SpikeTraffic(
        values=counts or [0.0],
        concurrency=concurrency or [0.0],
        throttles=known.throttles[:length] or [0.0],
        duration_seconds=seconds,
        find_precedent=known.find_precedent,
        ceiling=known.ceiling,
        floor=min(floor, SLOW_FLOOR_PER_MINUTE) if is_slow else floor,
        is_slow=is_slow,
        cycles=PROVEN_CYCLES if is_proven else CYCLES,
        long_plateau=PROVEN_PLATEAU_MINUTES if is_proven else PLATEAU_MINUTES,
        danger=known.danger,
        now=evidence.now,
    )


def _lay_beside(series: Series, invocations: Series) -> list[float]:
    """The values of another metric on the grid of the invocations; 0 where they are no counts."""
    length = len(invocations.values)
    if series.start != invocations.start or series.period_seconds != invocations.period_seconds:
        return [0.0] * length
    values = [value if value and 0 < value < math.inf else 0.0 for value in series.values[:length]]
    return values + [0.0] * (length - len(values))


def _find_ceiling(evidence: Evidence) -> float | None:
    """The account's concurrency, or a reservation that comes near it.

    A function at its own small reservation is bounded already, and often is there by design.
    """
    account = evidence.account_concurrency
    if account is None or account <= 0:
        return None
    reserved = None if evidence.facts is None else evidence.facts.reserved_concurrency
    if reserved is None or not CEILING_SHARE * account <= reserved <= account:
        return float(account)
    return float(reserved)


def mean_duration_seconds(evidence: Evidence) -> float | None:
    """Mean of the newest durations, each minute weighted by its invocations."""
    counts = evidence.recent.invocations.values
    total = weight = 0.0
    pairs = zip(counts[-30:], evidence.recent.duration_ms.values[-30:], strict=False)
    for count, milliseconds in pairs:
        if milliseconds is None or not 0 <= milliseconds < math.inf:
            continue
        times = count if count is not None and count > 1 else 1.0
        total, weight = total + times * milliseconds, weight + times
    return total / weight / 1000 if weight else None


def _find_drops(evidence: Evidence) -> tuple[Ground, ...]:
    """What AWS itself dropped of late, because the function invoked itself."""
    newest = evidence.recent.native_drops.values[-DROPS_MINUTES:]
    total = sum(value for value in newest if value is not None and 0 < value < math.inf)
    if not total:
        return ()
    return (Ground(reason=Reason.NATIVE_DROPS, value=total, unit=Unit.DROPS),)


def make_rate_ground(reason: Reason, value: float, reference: float | None) -> Ground:
    """A ground in invocations a minute."""
    return Ground(reason=reason, value=value, unit=Unit.PER_MINUTE, reference=reference)
