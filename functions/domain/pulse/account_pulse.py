"""Whether the account as a whole moved enough to look at its functions one by one.

The pulse reads three account-wide series a minute. A look costs one Metrics Insights query over
all functions and harms nobody: what is found is judged by more than this. So looks are limited by
their price, see `functions.domain.pulse.look_budget`, and a rise has to stand out the more the
fewer are left.

What is expected of a minute: the same minute of the two hours before, moved by as much as the
half hour before lay above or below those, so that jobs which follow the clock expect themselves;
and no less than what was usual in that half hour.

The newest minutes may be missing or partial, see `functions.domain.detection.lateness`: the series
are read as of each of them, and one reading that stands out is enough.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import TypeAlias

from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.detection.evidence import MINUTE_SECONDS, AccountSeries, Series
from functions.domain.detection.lateness import read_back
from functions.domain.detection.precedent import Precedent
from functions.domain.incidents.policy import Policy
from functions.domain.pulse.look_budget import LookBudget
from functions.domain.pulse.memory import PulseMemory


class PulseReason(StrEnum):
    """Why the pulse looks closer, or why it does not."""

    NO_DATA = "no_data"
    BELOW_FLOOR = "below_floor"  # the rise is smaller than the smallest loop that is looked for
    STEADY = (
        "steady"  # no rise that stands out of the account's own noise, as far as looks are left
    )
    HAS_PRECEDENT = "has_precedent"  # the same hour of other days was like this
    LOOKED_ALREADY = "looked_already"  # a look at this level found nothing
    USED_UP = "used_up"  # no look is left for now
    RISEN = "risen"
    MULTIPLIED = "multiplied"  # a rise that doubles the account at least
    CONCURRENCY_RISEN = "concurrency_risen"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Look at the functions now."""

    reason: PulseReason
    level_per_minute: float
    expected_per_minute: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Nothing to look at."""

    reason: PulseReason
    level_per_minute: float = 0.0
    expected_per_minute: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsPrecedent:
    """A large rise that the last hours do not explain.

    Ask for 14 days of 5-minute sums of the account; `consider_with` then answers.
    """

    reason: PulseReason
    level_per_minute: float
    expected_per_minute: float


Consideration: TypeAlias = Look | Quiet | NeedsPrecedent

FLOOR_SHARE = 0.85  # of the floor: a rise smaller than that hides no loop above the floor
NOISE_TIMES = 1.5  # the account's own noise: what a small rise needs when no look is left for it
SUSTAINED_MINUTES = 5
LARGE_MINUTES = 3  # are enough for a large rise
LARGE_SHARE = 1.0  # of what is expected
LARGE_TIMES = 3.0  # the noise
STEEP_MINUTES = 2  # are enough for a rise this many times what a large one needs
STEEP_TIMES = 3.0
FALLING_SHARE = 0.85  # of the highest of these minutes: a burst that goes down again
STRAINED_SHARE = 0.08  # of what is expected: so many throttles are a strain
LEVEL_MINUTES = 25
GUARD_MINUTES = 6
HOUR = 60
CONCURRENCY_TIMES = 3.0
CONCURRENCY_LEAST = 100.0
THROTTLED_TIMES = 3.0
PRECEDENT_SECONDS = 1800  # a precedent lies this near to the time of day, on another day
REST = timedelta(minutes=10)  # after a look that found nothing
RISEN_FURTHER = 1.5  # times the level of the last look, which ends the rest
YOUNG = timedelta(minutes=15)  # a spike that began so lately may yet show what it is
WATCHED_FOR = timedelta(minutes=12)  # in which a plateau shows, or a growth reaches its ceiling
MOST_WATCHED = 5  # functions: seven series each a minute are $0.01 for each look that watches


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rise:
    """How far each of the newest minutes lies above what was expected of it.

    Attributes
    ----------
    by
        Above the same minutes of the hours before, a minute each, the newest last.
    noise
        How far minutes usually lie from that.
    times
        The least of the newest minutes in units of the noise, against the hours before and against
        the half hour before, whichever is less.
    """

    by: list[float]
    noise: float
    times: float
    expected: float
    level: float


def consider(
    account: AccountSeries,
    memory: PulseMemory,
    policy: Policy,
    now: datetime,
    budget: LookBudget,
) -> Consideration:
    """Whether to look closer, as far as the last hours can say."""
    rises = _find_rises(account.invocations, now)
    if not rises:
        return Quiet(reason=PulseReason.NO_DATA)
    needed = NOISE_TIMES * (1.0 - budget.compute_fullness(memory, now))
    rise, reason = _choose([(one, _judge_rise(one, policy, needed)) for one in rises])
    if reason is not PulseReason.MULTIPLIED:
        reason = _judge_strain(account, rise, now) or reason
    if reason not in _LOOKED_AT:
        return Quiet(reason=reason, level_per_minute=rise.level, expected_per_minute=rise.expected)
    why_not = None
    if _is_resting(memory, rise.level, now):
        why_not = PulseReason.LOOKED_ALREADY
    elif not budget.can_check(memory, now, is_large=reason is not PulseReason.RISEN):
        why_not = PulseReason.USED_UP
    if why_not is not None:
        return Quiet(reason=why_not, level_per_minute=rise.level, expected_per_minute=rise.expected)
    # Of a small rise other days tell nothing: one of fourteen was as busy in any case.
    answer = NeedsPrecedent if reason is PulseReason.MULTIPLIED else Look
    return answer(reason=reason, level_per_minute=rise.level, expected_per_minute=rise.expected)


def consider_with(asked: NeedsPrecedent, precedent: Series | None, now: datetime) -> Look | Quiet:
    """The answer once the account's precedent is there (``None``: it could not be read)."""
    known = Precedent.of(precedent, now)
    explained = (
        None
        if known is None
        else known.explains(
            asked.level_per_minute,
            LARGE_MINUTES,
            1.0,
            now,
            near_seconds=PRECEDENT_SECONDS,
            at_other_hours=False,
        )
    )
    if explained is not None:
        return Quiet(
            reason=PulseReason.HAS_PRECEDENT,
            level_per_minute=asked.level_per_minute,
            expected_per_minute=explained.reference or asked.expected_per_minute,
        )
    return Look(
        reason=asked.reason,
        level_per_minute=asked.level_per_minute,
        expected_per_minute=asked.expected_per_minute,
    )


def record_check(
    memory: PulseMemory, *, found: bool, level_per_minute: float, now: datetime
) -> PulseMemory:
    """What to remember of a look: after one that found nothing the pulse rests."""
    looks = 0 if found else memory.looks + 1
    return replace(memory, looked_at=now, level_per_minute=level_per_minute, looks=looks)


def is_young(assessment: Assessment) -> bool:
    """Whether a spike is too young to tell: it may yet take the shape of a loop.

    One that seems to subside is among them: its newest minute may be a part of what it will be.
    """
    return (
        assessment.verdict is Verdict.BUSY
        and assessment.since is not None
        and assessment.at - assessment.since <= YOUNG
        and any(
            assessment.has(one)
            for one in (Reason.UNLIKE_LOOP, Reason.NOT_SUSTAINED, Reason.SUBSIDING)
        )
    )


def watch(memory: PulseMemory, functions: Iterable[str], now: datetime) -> PulseMemory:
    """What to remember of functions with a young spike, given by urgency."""
    names = dict.fromkeys((*list_watched(memory, now), *functions))
    return replace(memory, watched=tuple(names)[:MOST_WATCHED], watch_until=now + WATCHED_FOR)


def list_watched(memory: PulseMemory, now: datetime) -> tuple[str, ...]:
    """The functions to look at in this minute, whatever the account as a whole does."""
    is_over = memory.watch_until is None or now > memory.watch_until
    return () if is_over else memory.watched


def _find_rises(counts: Series, now: datetime) -> list[_Rise]:
    """The rise as of each minute that may be the newest known one; none for what is too short."""
    readings = [_read_values(one) for one in read_back(counts, now)]
    return [
        _rise(values)
        for values in readings
        if values is not None and len(values) >= HOUR + LEVEL_MINUTES + SUSTAINED_MINUTES
    ]


def _read_values(series: Series) -> list[float] | None:
    """The values with 0 where there is none; ``None`` for what is no series of counts.

    A young minute that is missing between others counts as 0 as well: it hides a rise from this
    reading, not from the one that ends before it.
    """
    if series.period_seconds != MINUTE_SECONDS:
        return None
    values = [value or 0.0 for value in series.values]
    # A value that is no number, or infinite, makes the sum so.
    return values if math.isfinite(sum(values)) and min(values, default=0.0) >= 0 else None


def _rise(values: list[float]) -> _Rise:
    """The newest minutes against the same minutes of the hours before, and against the last."""
    newest = len(values) - 1
    above: list[float] = []
    for index in range(newest - LEVEL_MINUTES, newest + 1):
        hours = [values[back] for back in (index - HOUR, index - 2 * HOUR) if back >= 0]
        above.append(values[index] - min(hours))
    level = sum(values[-LARGE_MINUTES:]) / LARGE_MINUTES
    least_noise = max(1.0, math.sqrt(level))
    shift, noise = _compute_usual(above[:-GUARD_MINUTES], least_noise)
    by = [value - shift for value in above[-GUARD_MINUTES:]]
    usual, wobble = _compute_usual(values[-LEVEL_MINUTES - 1 : -GUARD_MINUTES], least_noise)
    return _Rise(
        by=by,
        noise=noise,
        times=min(
            min(by[-SUSTAINED_MINUTES:]) / noise,
            (min(values[-SUSTAINED_MINUTES:]) - usual) / wobble,
        ),
        expected=max(0.0, level - sum(by[-LARGE_MINUTES:]) / LARGE_MINUTES),
        level=level,
    )


def _compute_usual(values: list[float], least_noise: float) -> tuple[float, float]:
    """The middle of the values, and how far they lie from it."""
    middle = median(values)
    return middle, max(least_noise, 1.48 * median(abs(value - middle) for value in values))


def _choose(readings: list[tuple[_Rise, PulseReason]]) -> tuple[_Rise, PulseReason]:
    """The newest reading that stands out most; the newest of all where none does."""
    for wanted in (PulseReason.MULTIPLIED, PulseReason.RISEN):
        for rise, reason in readings:
            if reason is wanted:
                return rise, reason
    return readings[0]


def _judge_rise(rise: _Rise, policy: Policy, needed_times: float) -> PulseReason:
    """Whether the newest minutes stand out, together."""
    floor = FLOOR_SHARE * policy.floor_per_minute
    large = max(floor, LARGE_SHARE * rise.expected, LARGE_TIMES * rise.noise)
    newest = rise.by[-LARGE_MINUTES:]
    is_falling = newest[-1] < FALLING_SHARE * max(newest)
    is_steep = min(rise.by[-STEEP_MINUTES:]) >= STEEP_TIMES * large
    if not is_falling and (is_steep or min(newest) >= large):
        return PulseReason.MULTIPLIED
    if rise.times <= needed_times:
        return PulseReason.STEADY
    if min(rise.by[-SUSTAINED_MINUTES:]) < floor:
        return PulseReason.BELOW_FLOOR
    return PulseReason.RISEN


def _judge_strain(account: AccountSeries, rise: _Rise, now: datetime) -> PulseReason | None:
    """Whether concurrency or throttles rose, which they do before long-running work is counted."""
    for series, times, least, reason in (
        (
            account.throttles,
            THROTTLED_TIMES,
            max(1.0, STRAINED_SHARE * rise.expected),
            PulseReason.THROTTLED,
        ),
        (account.concurrency, CONCURRENCY_TIMES, CONCURRENCY_LEAST, PulseReason.CONCURRENCY_RISEN),
    ):
        for values in map(_read_values, read_back(series, now)):
            if values is None or len(values) <= GUARD_MINUTES:
                continue
            lowest = min(values[-STEEP_MINUTES:])
            if lowest >= max(least, times * max(values[:-GUARD_MINUTES])):
                return reason
    return None


def _is_resting(memory: PulseMemory, level: float, now: datetime) -> bool:
    if memory.looked_at is None or memory.looks == 0:
        return False
    return now - memory.looked_at < REST and level < RISEN_FURTHER * memory.level_per_minute


_LOOKED_AT = frozenset(
    {
        PulseReason.RISEN,
        PulseReason.MULTIPLIED,
        PulseReason.CONCURRENCY_RISEN,
        PulseReason.THROTTLED,
    }
)
