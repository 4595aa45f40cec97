"""Holds laid out by minutes: what arrived and what ran in each, as it is counted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from functions.domain.detection.arrivals import Arrivals, Source, SourceKind
from functions.domain.detection.evidence import LoopProof, Series
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch

START: Final = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SPIKE_AT, HELD_AT = 64, 70  # minutes; before the spike there is an hour of what is usual
SPIKE_PER_MINUTE: Final = 2_000.0
PLAN: Final = HoldPlan(
    levers=(Lever.ZERO,),
    cap=None,
    settling_seconds=20.0,
    opening_seconds=10.0,
    held_seconds=300.0,
    held_again_seconds=600.0,
    trial_seconds=180.0,
    longest_trial_seconds=1440.0,
    ran_before=30.0,
    batch_size=1,
)
SOURCE: Final = Source(kind=SourceKind.TABLE, name="orders", loop=LoopProof.POSSIBLE)


def find_moment(minute: float) -> datetime:
    """The beginning of a minute."""
    return START + timedelta(minutes=minute)


def lay_series(values: Sequence[float | None]) -> Series:
    """One value for each minute from the first one on."""
    return Series(start=START, period_seconds=60, values=tuple(values))


def make_counts(
    arrived: Sequence[float | None],
    ran: Sequence[float],
    *,
    source: Source = SOURCE,
    waiting: Series | None = None,
    duration_ms: float = 1000.0,
    lag_ms: float | None = None,
) -> Counts:
    """What is counted of a function that never fails, all executions of which last as long."""
    length = len(ran)
    return Counts(
        arrivals=(Arrivals(source=source, counts=lay_series(arrived), waiting=waiting),),
        invocations=lay_series(ran),
        errors=lay_series([0.0] * length),
        duration_ms=lay_series([duration_ms] * length),
        lag_ms=None if lag_ms is None else lay_series([lag_ms] * length),
    )


def make_watch(trial_at: float | None = None, again_at: float | None = None, **given: Any) -> Watch:
    """A hold from minute 70 on, with a trial and a second hold from these minutes on."""
    begun = [find_moment(one) for one in (HELD_AT, trial_at, again_at) if one is not None]
    watch = Watch(
        plan=PLAN,
        phase=list(Phase)[len(begun) - 1],
        since=begun[-1],
        held_at=begun[0],
        spike_since=find_moment(SPIKE_AT),
        sources=(SOURCE,),
        normal_per_minute=20.0,
        before_per_minute=SPIKE_PER_MINUTE,
        served_before_per_minute=SPIKE_PER_MINUTE,
        lag_seconds=0.0,
        trial_at=None if trial_at is None else find_moment(trial_at),
        again_at=None if again_at is None else find_moment(again_at),
        trial_concurrency=100,
    )
    return replace(watch, **given)
