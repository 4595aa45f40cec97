"""A cap for a function in danger whose callers wait: at its normal peak, and not for long.

A hold delays events and refuses nobody, so a function with callers that wait is not held. In danger
(see `functions.domain.detection.danger`) somebody is refused anyway: either other functions are, or
the price is beyond what the operator allows. Then the function is capped at its normal peak. What
it usually serves is still served, and only what is beyond that gets status 429.

The cap shows nothing of loops: a loop that is throttled looks as calm as people who gave up. So it
ends as soon as what is asked for is no danger any more, and after 15 minutes in any case.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.danger import is_dangerous_demand
from functions.domain.detection.evidence import Evidence, Series
from functions.domain.detection.lateness import count_young
from functions.domain.detection.precedent import DAYS_NEEDED
from functions.domain.detection.traffic import GUARD_MINUTES, mean_duration_seconds
from functions.domain.holding.facts import HoldFacts
from functions.domain.holding.plan import (
    AGE_TIMES,
    RESERVATION_SECONDS,
    SHARE_TO_BIND,
    NotHeld,
    NotHeldReason,
    Running,
)
from functions.domain.holding.watch import HoldPlan, Lever, Watch

LONGEST_CAPPED: Final = timedelta(minutes=15)
CALM_MINUTES: Final = 2  # settled ones, in which what was asked for was no danger
NEWEST_MINUTES: Final = 3  # in one of which it must still be one, to be called that
# A polled source counts receives, or stands still, under a cap.
_CAPPED_SOURCES: Final = frozenset({SourceKind.OTHER, SourceKind.URL, SourceKind.ASYNCHRONOUS})
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalPeak:
    """The most concurrent executions of 14 days, and how many days of them are known."""

    concurrency: float
    days: float


def find_normal_peak(
    history: Series,
    recent: Series,
    since: datetime,
    troubles: Iterable[tuple[datetime, datetime]] = (),
) -> NormalPeak:
    """The peak before a spike, former loops apart.

    Parameters
    ----------
    history
        Maxima of concurrent executions, up to where `recent` begins or later.
    recent
        The same by the minute, up to now.
    since
        When the spike began.
    troubles
        The periods (start, end) that are no precedent.
    """
    ends = since - timedelta(minutes=GUARD_MINUTES)
    periods = tuple(troubles)
    seen = [
        (one.moment(index), value)
        for one in (history.without(periods), recent.without(periods))
        for index, value in enumerate(one.values)
        if value is not None
        and 0 < value < math.inf
        and one.moment(index) + timedelta(seconds=one.period_seconds) <= ends
    ]
    if not seen:
        return NormalPeak(concurrency=0.0, days=0.0)
    first = min(at for at, _ in seen)
    return NormalPeak(concurrency=max(value for _, value in seen), days=(since - first) / _DAY)


def plan_callers_cap(
    sources: Sequence[Source], facts: HoldFacts, running: Running, peak: NormalPeak
) -> HoldPlan | NotHeld:
    """How to cap a function in danger that is not held because callers wait for its answers.

    One with a short history is not: its first busy day looks like a spike, and what is refused
    then is all that it is for.
    """
    kinds = {one.kind for one in sources}
    is_polled = any(one.is_enabled for one in facts.mappings)
    if is_polled or not kinds <= _CAPPED_SOURCES or not kinds - {SourceKind.ASYNCHRONOUS}:
        return NotHeld(reason=NotHeldReason.SYNCHRONOUS)
    if facts.has_provisioned_concurrency is not False:
        return NotHeld(reason=NotHeldReason.PROVISIONED_CONCURRENCY)
    if peak.days < DAYS_NEEDED:
        return NotHeld(reason=NotHeldReason.NO_PEAK, value=peak.days, bound=DAYS_NEEDED)
    least = AGE_TIMES * LONGEST_CAPPED.total_seconds()
    age = facts.maximum_event_age_seconds
    if age is None or age < least:
        # Nobody knows all that sends it asynchronous events.
        return NotHeld(reason=NotHeldReason.SHORT_AGE, value=age, bound=least)
    cap = running.bound_cap(peak.concurrency)
    most = SHARE_TO_BIND * (running.concurrency or 0.0)
    if cap > most:
        return NotHeld(reason=NotHeldReason.DOES_NOT_BIND, value=cap, bound=most)
    return HoldPlan(
        levers=(Lever.CAP,),
        cap=cap,
        settling_seconds=RESERVATION_SECONDS,
        opening_seconds=0.0,
        held_seconds=LONGEST_CAPPED.total_seconds(),
        held_again_seconds=0.0,
        trial_seconds=0.0,
        longest_trial_seconds=0.0,
        ran_before=running.concurrency or 0.0,
        kept_seconds=age,
        is_for_callers=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderCap:
    """What was seen under the cap.

    Attributes
    ----------
    minutes
        Since it is in force.
    refused
        Invocations that were refused since then, at least.
    asked_per_minute
        Invocations and refused ones in the newest known minute; ``None`` before one is known.
    """

    minutes: float
    refused: float
    asked_per_minute: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaysCapped:
    """It is too early to judge."""

    figures: UnderCap


@dataclass(frozen=True, slots=True, kw_only=True)
class DangerOver:
    """What is asked for is no danger any more, or nothing is known of it and the time is over."""

    figures: UnderCap


@dataclass(frozen=True, slots=True, kw_only=True)
class StillDanger:
    """The time is over, and as much is asked for as before."""

    figures: UnderCap


CapVerdict: TypeAlias = StaysCapped | DangerOver | StillDanger


def judge_callers_cap(
    watch: Watch, evidence: Evidence, most_usd_per_minute: float | None
) -> CapVerdict:
    """What to do with a function that is capped in danger.

    What is asked for are the invocations and those that were refused. Callers that try again are
    counted twice: they end the cap later, never sooner.
    """
    recent, now = evidence.recent, evidence.now
    first = math.ceil((watch.held_at - recent.invocations.start) / timedelta(minutes=1))
    asked = {
        minute: (ran or 0.0) + (refused or 0.0)
        for minute, (ran, refused) in enumerate(
            zip(recent.invocations.values, recent.throttles.values, strict=False)
        )
        if minute >= first and (ran is not None or refused is not None)
    }
    figures = UnderCap(
        minutes=(now - watch.held_at) / timedelta(minutes=1),
        refused=sum(one or 0.0 for one in recent.throttles.values[max(0, first) :]),
        asked_per_minute=asked[max(asked)] if asked else None,
    )
    seconds = mean_duration_seconds(evidence)
    length = len(recent.invocations.values)

    def is_dangerous(minute: int) -> bool | None:
        return is_dangerous_demand(evidence, asked.get(minute, 0.0), seconds, most_usd_per_minute)

    taking = timedelta(seconds=seconds or 0.0)
    settled = length - count_young(recent.invocations, now, taking=taking)
    calm = range(max(first, settled - CALM_MINUTES), settled)
    if len(calm) == CALM_MINUTES and all(is_dangerous(one) is False for one in calm):
        return DangerOver(figures=figures)
    if now < watch.held_at + LONGEST_CAPPED:
        return StaysCapped(figures=figures)
    newest = range(max(first, length - NEWEST_MINUTES), length)
    return (StillDanger if any(map(is_dangerous, newest)) else DangerOver)(figures=figures)


def is_long_over(watch: Watch, now: datetime) -> bool:
    """Whether a cap has lasted as long as one may, whatever CloudWatch reports."""
    return now >= watch.held_at + LONGEST_CAPPED
