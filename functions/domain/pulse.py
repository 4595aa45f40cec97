"""Whether the account as a whole moved enough to look at its functions one by one.

The pulse reads three account-wide series a minute. A look costs one Metrics Insights query over
all functions, so it is made only on a rise that neither the hours before nor other days explain,
and not again at a level that was looked at and explained.

What is expected of a minute: the same minute of the two hours before, moved by as much as the
half hour before lay above or below those. Jobs that follow the clock so expect themselves.

The newest minutes may be missing or partial, see `functions.domain.lateness`: the series are read
as of each of them, and one reading that stands out is enough.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import TypeAlias

from functions.domain.assessment import Assessment, Reason, Verdict
from functions.domain.evidence import MINUTE_SECONDS, AccountSeries, Series
from functions.domain.lateness import read_back
from functions.domain.policy import Policy
from functions.domain.ports import PulseMemory
from functions.domain.precedent import Precedent


class PulseReason(StrEnum):
    """Why the pulse looks closer, or why it does not."""

    NO_DATA = "no_data"
    BELOW_FLOOR = "below_floor"  # the rise is smaller than the smallest loop that is looked for
    STEADY = "steady"  # no rise that stands out of the account's own noise
    UNLIKE_LOOP = "unlike_loop"  # a small rise that neither holds its height nor grows
    HAS_PRECEDENT = "has_precedent"  # the same hour of other days was like this
    LOOKED_ALREADY = "looked_already"  # a look at this level found nothing
    RISEN = "risen"
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
    """A rise that the last hours do not explain: ask for 14 days of 5-minute sums of the account.

    `consider_with` then answers.
    """

    reason: PulseReason
    level_per_minute: float
    expected_per_minute: float


Consideration: TypeAlias = Look | Quiet | NeedsPrecedent

FLOOR_SHARE = 0.85  # of the floor: a rise smaller than that hides no loop above the floor
RISE_SHARE = 0.08  # of what is expected: a loop that adds 10 % is to be seen
NOISE_TIMES = 3.0  # the account's own noise
SUSTAINED_MINUTES = 3
STEEP_MINUTES = 2  # are enough for a rise this many times what is needed
STEEP_TIMES = 3.0
EVEN_TIMES = 3.0  # the noise: within that a rise holds its height
LARGE_SHARE = 1.0  # of what is expected: such a rise is looked at whatever its shape
FALLING_SHARE = 0.85  # of the highest of these minutes: a burst that goes down again
BEGUN_MINUTES = 5  # a small rise is looked at when it begins; later the sweep finds what it was
LEVEL_MINUTES = 25
GUARD_MINUTES = 6
HOUR = 60
CONCURRENCY_TIMES = 3.0
CONCURRENCY_LEAST = 100.0
THROTTLED_TIMES = 3.0
PRECEDENT_SECONDS = 1800  # a precedent lies this near to the time of day, on another day
REST = timedelta(hours=2)  # after a look that found nothing, doubled with each in a row
LONGEST_REST = timedelta(hours=8)
RISEN_FURTHER = 1.5  # times the level of the last look, which ends the rest
YOUNG = timedelta(minutes=15)  # a spike that began so lately may yet show what it is
WATCHED_FOR = timedelta(minutes=12)  # in which a plateau shows, or a growth reaches its ceiling
MOST_WATCHED = 5  # functions: seven series each a minute are $0.01 for each look that watches


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rise:
    """How far each of the newest minutes lies above what was expected of it."""

    by: list[float]
    noise: float
    expected: float
    level: float


def consider(
    account: AccountSeries, memory: PulseMemory, policy: Policy, now: datetime
) -> Consideration:
    """Whether to look closer, as far as the last hours can say."""
    rises = _rises(account.invocations, now)
    if not rises:
        return Quiet(reason=PulseReason.NO_DATA)
    reasons = [_risen(one, policy) for one in rises]
    # The newest reading that stands out; the newest of all where none does.
    chosen = reasons.index(PulseReason.RISEN) if PulseReason.RISEN in reasons else 0
    rise, reason = rises[chosen], reasons[chosen]
    if reason is not PulseReason.RISEN:
        reason = _strained(account, rise, now) or reason
    if reason not in {PulseReason.RISEN, PulseReason.CONCURRENCY_RISEN, PulseReason.THROTTLED}:
        return Quiet(reason=reason, level_per_minute=rise.level, expected_per_minute=rise.expected)
    if _is_resting(memory, rise.level, now):
        return Quiet(
            reason=PulseReason.LOOKED_ALREADY,
            level_per_minute=rise.level,
            expected_per_minute=rise.expected,
        )
    answer = NeedsPrecedent if reason is PulseReason.RISEN else Look
    return answer(reason=reason, level_per_minute=rise.level, expected_per_minute=rise.expected)


def consider_with(asked: NeedsPrecedent, precedent: Series | None, now: datetime) -> Look | Quiet:
    """The answer once the account's precedent is there (``None``: it could not be read)."""
    known = Precedent.of(precedent, now)
    explained = (
        None
        if known is None
        else known.explains(
            asked.level_per_minute,
            SUSTAINED_MINUTES,
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


def after_look(
    memory: PulseMemory, *, found: bool, level_per_minute: float, now: datetime
) -> PulseMemory:
    """What to remember of a look: one that found nothing makes the next one wait longer."""
    if found:
        return replace(memory, looked_at=now, level_per_minute=level_per_minute, looks=0)
    is_old = memory.looked_at is None or now - memory.looked_at >= 2 * LONGEST_REST
    looks = 1 if is_old else memory.looks + 1
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
    names = dict.fromkeys((*watched(memory, now), *functions))
    return replace(memory, watched=tuple(names)[:MOST_WATCHED], watch_until=now + WATCHED_FOR)


def watched(memory: PulseMemory, now: datetime) -> tuple[str, ...]:
    """The functions to look at in this minute, whatever the account as a whole does."""
    is_over = memory.watch_until is None or now > memory.watch_until
    return () if is_over else memory.watched


def _rises(counts: Series, now: datetime) -> list[_Rise]:
    """The rise as of each minute that may be the newest known one; none for what is too short."""
    readings = [_values(one) for one in read_back(counts, now)]
    return [
        _rise(values)
        for values in readings
        if values is not None and len(values) >= HOUR + LEVEL_MINUTES + SUSTAINED_MINUTES
    ]


def _values(series: Series) -> list[float] | None:
    """The values with 0 where there is none; ``None`` for what is no series of counts.

    A young minute that is missing between others counts as 0 as well: it hides a rise from this
    reading, not from the one that ends before it.
    """
    if series.period_seconds != MINUTE_SECONDS:
        return None
    values = [0.0 if value is None else value for value in series.values]
    return values if all(0 <= value < math.inf for value in values) else None


def _rise(values: list[float]) -> _Rise:
    """The newest minutes against the same minutes of the hours before."""
    newest = len(values) - 1
    above: list[float] = []
    for index in range(newest - LEVEL_MINUTES, newest + 1):
        hours = [values[back] for back in (index - HOUR, index - 2 * HOUR) if back >= 0]
        above.append(values[index] - min(hours))
    before = above[:-GUARD_MINUTES]
    shift = median(before)
    noise = 1.48 * median(abs(value - shift) for value in before)
    by = [value - shift for value in above[-GUARD_MINUTES:]]
    level = sum(values[-SUSTAINED_MINUTES:]) / SUSTAINED_MINUTES
    return _Rise(
        by=by,
        noise=max(noise, math.sqrt(level)),
        expected=max(0.0, level - sum(by[-SUSTAINED_MINUTES:]) / SUSTAINED_MINUTES),
        level=level,
    )


def _risen(rise: _Rise, policy: Policy) -> PulseReason:
    """Whether the newest minutes stand out, together."""
    needed = max(RISE_SHARE * rise.expected, NOISE_TIMES * rise.noise)
    floor = FLOOR_SHARE * policy.floor_per_minute
    newest = rise.by[-SUSTAINED_MINUTES:]
    steep = min(rise.by[-STEEP_MINUTES:])
    is_falling = newest[-1] < FALLING_SHARE * max(newest)
    if not is_falling and steep >= max(
        floor, STEEP_TIMES * max(needed, LARGE_SHARE * rise.expected)
    ):
        return PulseReason.RISEN
    if min(newest) < needed:
        return PulseReason.STEADY
    if min(newest) < floor:
        return PulseReason.BELOW_FLOOR
    if is_falling:
        return PulseReason.UNLIKE_LOOP
    if min(newest) >= LARGE_SHARE * rise.expected:
        return PulseReason.RISEN
    is_even = max(newest) - min(newest) <= EVEN_TIMES * rise.noise
    is_growing = newest[0] < newest[1] < newest[2] and newest[2] >= 2 * newest[0]
    has_begun = rise.by[-BEGUN_MINUTES] < needed / 2
    return PulseReason.RISEN if has_begun and (is_even or is_growing) else PulseReason.UNLIKE_LOOP


def _strained(account: AccountSeries, rise: _Rise, now: datetime) -> PulseReason | None:
    """Whether concurrency or throttles rose, which they do before long-running work is counted."""
    for series, times, least, reason in (
        (
            account.throttles,
            THROTTLED_TIMES,
            max(1.0, RISE_SHARE * rise.expected),
            PulseReason.THROTTLED,
        ),
        (account.concurrency, CONCURRENCY_TIMES, CONCURRENCY_LEAST, PulseReason.CONCURRENCY_RISEN),
    ):
        for values in map(_values, read_back(series, now)):
            if values is None or len(values) <= GUARD_MINUTES:
                continue
            lowest = min(values[-STEEP_MINUTES:])
            if lowest >= max(least, times * max(values[:-GUARD_MINUTES])):
                return reason
    return None


def _is_resting(memory: PulseMemory, level: float, now: datetime) -> bool:
    if memory.looked_at is None or memory.looks == 0:
        return False
    rest = min(LONGEST_REST, REST * 2 ** min(10, memory.looks - 1))
    return now - memory.looked_at < rest and level < RISEN_FURTHER * memory.level_per_minute
