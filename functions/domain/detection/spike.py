"""Whether a function's traffic is new, so that its cause is asked for: an assessment of evidence.

Pure and cheap: no artefact, no state, a few constants that `docs/detection-figures.md` lists. A
function is suspected when its rate is new, for the last hours and for this time of day, and stays
so for some minutes: a loop need not be even. A shape that a loop has and bursts of real work seldom
have makes it urgent, after two minutes:

- a step onto a plateau that is flatter than arrivals of independent work can be (fan-out 1);
- growth by the same factor minute after minute (fan-out above 1, or retries);
- the account's concurrency filled within a few of the function's own durations.

A function in danger (see `functions.domain.detection.danger`) is suspected after one minute,
whatever its shape.

The newest minutes may be missing or partial, see `functions.domain.detection.lateness`: the
evidence is judged as of each of them, and the gravest verdict counts.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise
from statistics import median

from functions.domain.detection.assessment import (
    Assessment,
    Ground,
    Reason,
    Unit,
    Verdict,
    are_shaped,
)
from functions.domain.detection.danger import Danger, find_danger
from functions.domain.detection.evidence import MINUTE_SECONDS, Evidence, LoopProof, Series
from functions.domain.detection.lateness import drops_to_try
from functions.domain.detection.precedent import DAYS_NEEDED, Precedent, highest_mean
from functions.domain.incidents.policy import Policy

CANDIDATE_MINUTES = 6  # newest datapoints of the list of all functions that are looked at
SUSTAINED_MINUTES = 2  # datapoints that make a spike more than a blip
HISTORY_MINUTES = 60  # datapoints before the spike without which nothing is called unusual
LEAST_HISTORY_MINUTES = 30  # of which must have been quieter, where there is no precedent
NEWEST_MINUTES = 3  # the newest datapoints, of which the highest is the rate now

# A plateau. Independent arrivals vary from minute to minute by the square root of their count; a
# loop of fan-out 1 passes the same events round and round and varies by a third of that. The
# longer it holds, the more it may wander.
PLATEAU_SIGMAS = 0.5  # for each doubling of the minutes it holds
PLATEAU_DRIFT = 1 / 500  # of its height, for each minute
PLATEAU_MINUTES = 30  # a plateau this long needs no step before it
PROVEN_PLATEAU_MINUTES = 6  # the same, where the event graph shows the cycle
FIRST_SHARE = 1.1  # its first datapoint is partial, or a little more when all seeds start at once
PLATEAU_TIMES = 3.0  # at least, above anything before
EARLY_PLATEAU_TIMES = 8.0  # the same for one of only two datapoints

# Growth: factors of successive minutes, as logarithms.
GROWTH_STEPS = (
    (3, 0.7),
    (4, 0.5),
)  # so many steps, the smallest of which is this share of the largest
GROWTH_LEAST = 0.15  # 16 % a minute
GROWTH_FROM = (30.0, 20.0)  # invocations in the first minute of each: fewer say nothing
GROWTH_TIMES = 10.0  # the growth as a whole, above anything before
GROWTH_STANDS_SHARE = 0.7  # of what it grew to must still be there

# The ceiling.
CEILING_SHARE = 0.5  # of the concurrency that the account has
CEILING_LEAP_SHARE = 0.25  # of it, that is filled within one minute, unless there are throttles
CEILING_TIMES = 10.0  # above anything before, in rate
CEILING_CONCURRENCY_TIMES = 10.0  # and in concurrency
SLOW_FLOOR_PER_MINUTE = 30.0  # of a function that holds the account with long invocations
CYCLES = 30  # of its own duration, that a loop needs to fill it
PROVEN_CYCLES = 3  # the same, where the event graph shows the cycle: one batch of jobs lasts one
UNKNOWN_DURATION_SECONDS = 20.0
REQUESTS_SHARE = 0.5  # of ten requests a second for each concurrent execution: AWS's other ceiling
PINNED_MINUTES = 5  # at the ceiling, throttled and not subsiding: nothing but a loop does that

# A rise of any shape.
RISE_MINUTES = 6  # of 1,000 recorded function-days, 1.5 hold a new level for so long
RISE_TIMES = 2.0  # its lowest minute, above anything before
RISE_STANDS_SHARE = 0.5  # of its highest minute: one that falls below that ends by itself

GUARD_MINUTES = 4  # before the unusual minutes, which may already belong to them
EARLY_GUARD_MINUTES = 2
CEILING_GUARD_MINUTES = 6
GROWTH_GUARD_MINUTES = 15
REMEMBERED_MINUTES = 10  # after which a shape that was there is looked for no more
UNUSUAL_TIMES = 3.0  # a rate this far above the normal is busy, below it calm
SUBSIDED_SHARE = 0.7
BACKLOG_GAP_MINUTES = 5
BACKLOG_GAP_SHARE = 0.3
BACKLOG_TIMES = 1.5
LONG_RUNNING_SECONDS = 60.0
DROPS_MINUTES = 10
NORMAL_PERCENTILE = 0.95

_GRAVITY = {Verdict.CALM: 0, Verdict.BUSY: 1, Verdict.SUSPECTED: 2, Verdict.RUNAWAY: 3}
# No reading says more than that: what AWS dropped counts in each of them.
_GRAVEST = (_GRAVITY[Verdict.SUSPECTED], True)


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
class _Shape:
    """A run of minutes that may be a loop's."""

    first: int
    last: int
    level: float
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traffic:
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
        return self.explanation(level, first - guard, minutes, times) is None

    def explanation(self, level: float, end: int, minutes: int, times: float) -> Ground | None:
        """Why a level is nothing new; ``None`` if it is."""
        if end < LEAST_HISTORY_MINUTES and self.find_precedent() is None:
            return Ground(
                reason=Reason.NO_HISTORY,
                value=max(0, end),
                unit=Unit.MINUTES,
                reference=LEAST_HISTORY_MINUTES,
            )
        highest = highest_mean(self.values, end, minutes)
        if level < times * highest:
            return _rate(Reason.WITHIN_RECENT, level, highest)
        precedent = self.find_precedent()
        return None if precedent is None else precedent.explains(level, minutes, times, self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
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


def assess(evidence: Evidence, policy: Policy) -> Assessment:
    """The verdict on one function. Bad or missing data is never worse than `CALM`.

    Parameters
    ----------
    evidence
        See `Evidence`. Without facts the account's limit stands for the function's ceiling;
        without precedent the shape alone is judged, and the grounds say so.
    policy
        Its floor, below which nothing is ever more than `BUSY`.
    """
    counts = evidence.recent.invocations
    if not _is_sound(counts):
        return Assessment(
            function=evidence.function,
            verdict=Verdict.CALM,
            at=evidence.now,
            grounds=(Ground(reason=Reason.NO_DATA),),
        )
    known = _know(evidence, policy)
    readings = _readings(evidence, policy, known)
    gravest = _judge(evidence, known, next(readings))
    while gravest.weight < _GRAVEST and (reading := next(readings, None)) is not None:
        gravest = max(gravest, _judge(evidence, known, reading), key=lambda one: one.weight)
    return _assessment(evidence, gravest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """The verdict on one reading of the evidence.

    Attributes
    ----------
    grounds
        As far as they are told apart from those of `_explain_unsuspicious`, which are asked for
        once: of the reading that counts.
    """

    traffic: _Traffic
    verdict: Verdict
    grounds: tuple[Ground, ...]
    shape: _Shape | None = None

    @property
    def weight(self) -> tuple[int, bool]:
        return _GRAVITY[self.verdict], are_shaped(self.grounds)


def _know(evidence: Evidence, policy: Policy) -> _Known:
    recent = evidence.recent
    return _Known(
        find_precedent=cache(lambda: Precedent.of(evidence.precedent, evidence.now)),
        duration_seconds=mean_duration_seconds(evidence),
        # A young minute that is missing between others counts as 0: that hides a shape from this
        # reading, not from the one that ends before it.
        counts=[value or 0.0 for value in recent.invocations.values],
        concurrency=_beside(recent.concurrency, recent.invocations),
        throttles=_beside(recent.throttles, recent.invocations),
        danger=find_danger(evidence, policy.danger_usd_per_minute),
        dropped=_dropped(evidence),
        ceiling=_ceiling_of(evidence),
    )


def _readings(evidence: Evidence, policy: Policy, known: _Known) -> Iterator[_Traffic]:
    """The evidence as of each minute that may be the newest known one, the newest first."""
    recent = evidence.recent
    for count in drops_to_try((recent.invocations, recent.concurrency), evidence.now):
        yield _traffic(evidence, policy, known, max(0, len(known.counts) - count))


def _judge(evidence: Evidence, known: _Known, traffic: _Traffic) -> _Judged:
    rate, dropped = _rate_now(traffic), known.dropped
    if rate < traffic.floor:
        below = _rate(Reason.BELOW_FLOOR, rate, traffic.floor)
        verdict = Verdict.BUSY if dropped else Verdict.CALM
        return _Judged(traffic=traffic, verdict=verdict, grounds=(*dropped, below))
    shape = _shape(traffic)
    if shape is None:
        verdict = Verdict.BUSY if dropped or _is_busy(traffic, rate) else Verdict.CALM
        return _Judged(traffic=traffic, verdict=verdict, grounds=dropped)
    verdict, grounds = _suspect(evidence, known, traffic, shape)
    return _Judged(traffic=traffic, verdict=verdict, grounds=grounds, shape=shape)


def _suspect(
    evidence: Evidence, known: _Known, traffic: _Traffic, shape: _Shape
) -> tuple[Verdict, tuple[Ground, ...]]:
    """What a shape that nothing explains leads to."""
    dropped = known.dropped
    backlog = _backlog(traffic, shape)
    if backlog is not None:
        return Verdict.BUSY, (*dropped, backlog, *shape.grounds)
    pinned = _pinned(traffic, shape)
    danger = () if traffic.danger is None else traffic.danger.grounds
    grounds = (*dropped, *danger, *pinned, *shape.grounds, *_novelty(evidence, traffic, shape))
    # That AWS itself found the function invoking itself is proof. No shape is, and no graph: it
    # shows that a circle is closed, not that something goes round in it.
    verdict = Verdict.RUNAWAY if dropped else Verdict.SUSPECTED
    match evidence.proof:
        case LoopProof.CERTAIN:
            return verdict, (Ground(reason=Reason.LOOP_PROVEN), *grounds)
        case LoopProof.RULED_OUT if not dropped:
            return Verdict.BUSY, (Ground(reason=Reason.LOOP_RULED_OUT), *grounds)
        case _:
            return verdict, grounds


# -- the shapes ------------------------------------------------------------------------------


def _shape(traffic: _Traffic) -> _Shape | None:
    """The first shape that the newest minutes have and nothing explains: urgent ones first."""
    if traffic.is_slow:
        return _hold(traffic) or _outbreak(traffic)
    for last in _ends(traffic):
        found = _ceiling(traffic, last) or _plateau(traffic, last)
        if found is not None:
            return found
    return _growth(traffic) or _rise(traffic) or _outbreak(traffic)


def _ends(traffic: _Traffic) -> Iterator[int]:
    """The newest datapoint; the one before it, as well, when the newest may be partial."""
    values = traffic.values
    newest = len(values) - 1
    for last in (newest, newest - 1):
        if last < HISTORY_MINUTES:
            return
        if min(values[last], values[last - 1]) >= traffic.floor:
            yield last
        if values[newest] >= values[newest - 1]:
            return


def _ceiling(traffic: _Traffic, last: int) -> _Shape | None:
    """The account's concurrency, or its request rate, filled within a few cycles."""
    ceiling = traffic.ceiling
    if ceiling is None:
        return None
    values = traffic.values
    first = last - SUSTAINED_MINUTES + 1
    level = sum(values[first : last + 1]) / SUSTAINED_MINUTES
    requests = REQUESTS_SHARE * 600 * ceiling
    running = traffic.concurrency[last]
    if min(values[first : last + 1]) >= requests:
        ground = _rate(Reason.AT_CEILING, level, 600 * ceiling)
    elif running >= CEILING_SHARE * ceiling:
        usual = max(traffic.concurrency[max(0, last - 60) : first - GUARD_MINUTES], default=0.0)
        if running < CEILING_CONCURRENCY_TIMES * max(1.0, usual):
            return None
        if _held(traffic, last) < _cycles_minutes(traffic):
            return None
        if traffic.throttles[last] <= 0 and _leap(traffic, last) < CEILING_LEAP_SHARE * ceiling:
            return None
        ground = Ground(
            reason=Reason.AT_CEILING, value=running, unit=Unit.CONCURRENT, reference=ceiling
        )
    else:
        return None
    furthest = max(0, last - REMEMBERED_MINUTES)
    begin = _reach(values, first, level / CEILING_TIMES, furthest)
    if not traffic.is_new(level, begin, SUSTAINED_MINUTES, CEILING_GUARD_MINUTES, CEILING_TIMES):
        return None
    return _Shape(first=first, last=last, level=level, grounds=(ground,))


def _hold(traffic: _Traffic) -> _Shape | None:
    """The account's concurrency held by slow work for many of its own durations.

    Neither flatness nor growth says anything here: the ceiling makes any flood of jobs flat.
    """
    ceiling, values, running = traffic.ceiling, traffic.values, traffic.concurrency
    last = len(values) - 1
    if ceiling is None:
        return None
    first = _reach(running, last, CEILING_SHARE * ceiling)
    minutes = last - first + 1
    if minutes < max(SUSTAINED_MINUTES, _cycles_minutes(traffic)):
        return None
    usual = max(running[: max(0, first - CEILING_GUARD_MINUTES)], default=0.0)
    if running[last] < CEILING_CONCURRENCY_TIMES * max(1.0, usual):
        return None
    level = sum(values[first : last + 1]) / minutes
    if not traffic.is_new(level, first, minutes, GROWTH_GUARD_MINUTES, CEILING_TIMES):
        return None
    grounds = (
        Ground(
            reason=Reason.AT_CEILING, value=running[last], unit=Unit.CONCURRENT, reference=ceiling
        ),
        Ground(reason=Reason.SUSTAINED, value=minutes, unit=Unit.MINUTES),
    )
    return _Shape(first=first, last=last, level=level, grounds=grounds)


def _leap(traffic: _Traffic, last: int) -> float:
    """The most by which concurrency rose from one minute to the next, of late."""
    newest = traffic.concurrency[max(0, last - REMEMBERED_MINUTES) : last + 1]
    return max((after - before for before, after in pairwise(newest)), default=0.0)


def _held(traffic: _Traffic, last: int) -> int:
    """For how many minutes, up to `last`, the function has run above the floor."""
    return last - _reach(traffic.values, last, traffic.floor) + 1


def _reach(values: list[float], first: int, least: float, furthest: int = 0) -> int:
    """How far back from `first` the values have been at least so high."""
    while first > furthest and values[first - 1] >= least:
        first -= 1
    return first


def _cycles_minutes(traffic: _Traffic) -> float:
    seconds = traffic.duration_seconds
    each = UNKNOWN_DURATION_SECONDS if seconds is None else seconds
    return traffic.cycles * each / MINUTE_SECONDS


def _plateau(traffic: _Traffic, last: int) -> _Shape | None:
    """A step onto a height that is held more evenly than independent work would."""
    values = traffic.values
    lowest = highest = total = values[last]
    for minutes in range(SUSTAINED_MINUTES, traffic.long_plateau + 1):
        first = last - minutes + 1
        if first < GUARD_MINUTES:
            return None
        value = values[first]
        lowest, highest, total = min(lowest, value), max(highest, value), total + value
        if lowest < traffic.floor:
            return None
        level = total / minutes
        wander = PLATEAU_SIGMAS * math.log2(minutes) * math.sqrt(level) + (
            PLATEAU_DRIFT * (minutes - 1) * level
        )
        if highest - lowest > wander:
            continue
        early = minutes == SUSTAINED_MINUTES
        times = EARLY_PLATEAU_TIMES if early else PLATEAU_TIMES
        is_long = minutes == traffic.long_plateau
        step = is_long or values[first - 2] <= level / EARLY_PLATEAU_TIMES
        if not step or values[first - 1] > FIRST_SHARE * level:
            continue
        begin = _reach(values, first, level - wander) if is_long else first
        if traffic.is_new(
            level,
            begin,
            minutes,
            EARLY_GUARD_MINUTES if early else GUARD_MINUTES,
            times,
        ):
            grounds = (
                _rate(Reason.PLATEAU, lowest, highest),
                Ground(reason=Reason.SUSTAINED, value=last - begin + 1, unit=Unit.MINUTES),
            )
            return _Shape(first=begin, last=last, level=level, grounds=grounds)
    return None


def _growth(traffic: _Traffic) -> _Shape | None:
    """Growth by much the same factor each minute, which has not subsided since."""
    values = traffic.values
    newest = len(values) - 1
    now = max(values[-SUSTAINED_MINUTES:])
    for last in range(newest, max(HISTORY_MINUTES, newest - REMEMBERED_MINUTES) - 1, -1):
        level = values[last]
        if min(level, values[last - 1]) < traffic.floor:
            continue
        if now < GROWTH_STANDS_SHARE * level:
            return None
        for (steps, share), least in zip(GROWTH_STEPS, GROWTH_FROM, strict=True):
            minutes = values[last - steps : last + 1]
            if minutes[0] < least or min(minutes) < minutes[0]:
                continue
            factors = [math.log(b / a) for a, b in pairwise(minutes)]
            if min(factors) < max(GROWTH_LEAST, share * max(factors)):
                continue
            if traffic.is_new(level, last, 1, GROWTH_GUARD_MINUTES, GROWTH_TIMES):
                grounds = (
                    _rate(Reason.GROWING, level, minutes[0]),
                    Ground(reason=Reason.SUSTAINED, value=steps + 1, unit=Unit.MINUTES),
                )
                return _Shape(first=last - steps, last=last, level=level, grounds=grounds)
    return None


def _rise(traffic: _Traffic) -> _Shape | None:
    """A new level that has stayed for minutes, however uneven it is."""
    values = traffic.values
    for last in _ends(traffic):
        first = last - RISE_MINUTES + 1
        minutes = values[first : last + 1]
        lowest = min(minutes)
        if lowest < traffic.floor or minutes[-1] < RISE_STANDS_SHARE * max(minutes):
            continue
        begin = _reach(values, first, lowest / RISE_TIMES)
        if traffic.is_new(lowest, begin, RISE_MINUTES, EARLY_GUARD_MINUTES, RISE_TIMES):
            ground = Ground(
                reason=Reason.SUSTAINED,
                value=last - begin + 1,
                unit=Unit.MINUTES,
                reference=RISE_MINUTES,
            )
            level = sum(minutes) / RISE_MINUTES
            return _Shape(first=begin, last=last, level=level, grounds=(ground,))
    return None


def _outbreak(traffic: _Traffic) -> _Shape | None:
    """A new level of one minute, in danger: what a second minute would tell comes too late."""
    danger, values = traffic.danger, traffic.values
    if danger is None:
        return None
    for last in reversed(danger.minutes):
        if not HISTORY_MINUTES <= last < len(values) or values[last] < traffic.floor:
            continue
        furthest = max(0, last - REMEMBERED_MINUTES)
        begin = _reach(values, last, values[last] / CEILING_TIMES, furthest)
        if traffic.is_new(values[last], begin, 1, CEILING_GUARD_MINUTES, CEILING_TIMES):
            ground = Ground(
                reason=Reason.SUSTAINED, value=last - begin + 1, unit=Unit.MINUTES, reference=1
            )
            return _Shape(first=begin, last=last, level=values[last], grounds=(ground,))
    return None


# -- what goes with a shape -------------------------------------------------------------------


def _pinned(traffic: _Traffic, shape: _Shape) -> tuple[Ground, ...]:
    """Throttled at the ceiling for minutes, from a normal far below it, and not subsiding."""
    if traffic.ceiling is None:
        return ()
    first = shape.last - PINNED_MINUTES + 1
    throttles = traffic.throttles[first : shape.last + 1]
    running = traffic.concurrency[first : shape.last + 1]
    served = traffic.values[first : shape.last + 1]
    if (
        min(throttles, default=0.0) <= 0
        or min(running) < CEILING_SHARE * traffic.ceiling
        or throttles[-1] < SUBSIDED_SHARE * max(throttles)
        or min(served) < SUBSIDED_SHARE * max(served)
    ):
        return ()
    level = sum(served) / PINNED_MINUTES
    if not traffic.is_new(level, first, PINNED_MINUTES, GROWTH_GUARD_MINUTES, CEILING_TIMES):
        return ()
    return (
        Ground(
            reason=Reason.AT_CEILING,
            value=max(running),
            unit=Unit.CONCURRENT,
            reference=traffic.ceiling,
        ),
        Ground(reason=Reason.THROTTLED, value=throttles[-1], unit=Unit.THROTTLES),
    )


def _novelty(evidence: Evidence, traffic: _Traffic, shape: _Shape) -> tuple[Ground, ...]:
    """How new the level is, and how much history that was judged by."""
    recent = highest_mean(traffic.values, shape.first - GUARD_MINUTES, SUSTAINED_MINUTES)
    grounds = [_rate(Reason.ABOVE_RECENT, shape.level, recent)]
    known = traffic.find_precedent()
    if known is not None:
        grounds.append(_rate(Reason.NO_PRECEDENT, shape.level, known.highest_per_minute))
    days = 0.0 if known is None else known.days
    if evidence.precedent is None:
        grounds.append(Ground(reason=Reason.HISTORY_UNREAD))
    elif days < DAYS_NEEDED:
        grounds.append(
            Ground(
                reason=Reason.NO_HISTORY,
                value=0.0 if known is None else max(0.1, round(days, 1)),
                unit=Unit.DAYS,
                reference=DAYS_NEEDED,
            )
        )
    return tuple(grounds)


def _backlog(traffic: _Traffic, shape: _Shape) -> Ground | None:
    """The work of an outage that is caught up with: no more of it than was missing before."""
    start = _start(traffic, shape.first, shape.level)
    before = traffic.values[:start]
    busy = [value for value in before if value > 0]
    if len(busy) < HISTORY_MINUTES // 2:
        return None
    normal = median(busy)
    gap = 0
    while gap < len(before) and before[-gap - 1] < BACKLOG_GAP_SHARE * normal:
        gap += 1
    if gap < BACKLOG_GAP_MINUTES or gap == len(before):
        return None
    missing = gap * normal - sum(before[-gap:])
    extra = sum(traffic.values[start:]) - normal * (len(traffic.values) - start)
    if extra > BACKLOG_TIMES * missing:
        return None
    return _rate(Reason.BACKLOG, shape.level, normal)


def _is_busy(traffic: _Traffic, rate: float) -> bool:
    """Whether the rate of a function that is not suspected is unusual."""
    values = traffic.values
    if len(values) <= HISTORY_MINUTES:
        return False
    return rate >= UNUSUAL_TIMES * median(values[: -SUSTAINED_MINUTES - 1])


def _explain_unsuspicious(traffic: _Traffic, rate: float) -> Ground:
    """Why a function above the floor is not suspected."""
    values = traffic.values
    last = len(values) - 1
    if last < HISTORY_MINUTES:
        return Ground(
            reason=Reason.NO_HISTORY,
            value=last + 1,
            unit=Unit.MINUTES,
            reference=HISTORY_MINUTES + 1,
        )
    pairs = pairwise(values[-NEWEST_MINUTES:])
    if not any(min(pair) >= traffic.floor for pair in pairs):
        above = sum(1 for value in values[-NEWEST_MINUTES:] if value >= traffic.floor)
        return Ground(
            reason=Reason.NOT_SUSTAINED,
            value=above,
            unit=Unit.MINUTES,
            reference=SUSTAINED_MINUTES,
        )
    explained = traffic.explanation(rate, last - GROWTH_GUARD_MINUTES, 1, UNUSUAL_TIMES / 2)
    if explained is not None:
        return explained
    peak = max(values[-GROWTH_GUARD_MINUTES:])
    if values[-1] < values[-2] < peak and values[-1] < SUBSIDED_SHARE * peak:
        return _rate(Reason.SUBSIDING, values[-1], peak)
    return _rate(Reason.UNLIKE_LOOP, rate, median(values[: -SUSTAINED_MINUTES - 1]))


# -- laying out the evidence ------------------------------------------------------------------


def _is_sound(series: Series) -> bool:
    if series.period_seconds != MINUTE_SECONDS:
        return False
    seen = [value for value in series.values if value is not None]
    return bool(seen) and math.isfinite(sum(seen)) and min(seen) >= 0


def _traffic(evidence: Evidence, policy: Policy, known: _Known, length: int) -> _Traffic:
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
    return _Traffic(
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


def _beside(series: Series, invocations: Series) -> list[float]:
    """The values of another metric on the grid of the invocations; 0 where they are no counts."""
    length = len(invocations.values)
    if series.start != invocations.start or series.period_seconds != invocations.period_seconds:
        return [0.0] * length
    values = [
        value if value is not None and 0 <= value < math.inf else 0.0
        for value in series.values[:length]
    ]
    return values + [0.0] * (length - len(values))


def _ceiling_of(evidence: Evidence) -> float | None:
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
        times = max(1.0, count or 0.0)
        total, weight = total + times * milliseconds, weight + times
    return total / weight / 1000 if weight else None


def _dropped(evidence: Evidence) -> tuple[Ground, ...]:
    """What AWS itself dropped of late, because the function invoked itself."""
    newest = evidence.recent.native_drops.values[-DROPS_MINUTES:]
    total = sum(value for value in newest if value is not None and 0 < value < math.inf)
    if not total:
        return ()
    return (Ground(reason=Reason.NATIVE_DROPS, value=total, unit=Unit.DROPS),)


def _rate(reason: Reason, value: float, reference: float | None) -> Ground:
    return Ground(reason=reason, value=value, unit=Unit.PER_MINUTE, reference=reference)


# -- what the assessment says beside the verdict -----------------------------------------------


def _start(traffic: _Traffic, first: int, level: float) -> int:
    """Where the unusual minutes began: as far back as the rate stands out."""
    values = traffic.values
    usual = max(2 * median(values[:first] or [0.0]), 0.01 * level, 1.0)
    while first > 0 and values[first - 1] > usual:
        first -= 1
    return first


def _rate_now(traffic: _Traffic) -> float:
    return max(traffic.values[-NEWEST_MINUTES:])


def _assessment(evidence: Evidence, judged: _Judged) -> Assessment:
    traffic, shape, grounds = judged.traffic, judged.shape, judged.grounds
    values = traffic.values
    newest = len(values) - 1
    rate = _rate_now(traffic)
    if shape is None and rate >= traffic.floor:
        grounds = (*grounds, _explain_unsuspicious(traffic, rate))
    start = None
    if judged.verdict is not Verdict.CALM and rate > 0:
        level = rate if shape is None else shape.level
        start = _start(traffic, newest if shape is None else shape.first, level)
    before = len(values) if start is None else start
    seen = any(value is not None for value in evidence.recent.invocations.values[:before])
    return Assessment(
        function=evidence.function,
        verdict=judged.verdict,
        at=evidence.now,
        grounds=grounds,
        rate_per_minute=rate,
        normal_per_minute=median(values[:before]) if seen else None,
        since=None if start is None else evidence.recent.invocations.moment(start),
        normal_concurrency=_normal_concurrency(
            traffic.concurrency[: max(0, before - GUARD_MINUTES)]
        ),
        concurrency=max(traffic.concurrency[-NEWEST_MINUTES:]) or None,
        mean_duration_ms=(
            None if traffic.duration_seconds is None else 1000 * traffic.duration_seconds
        ),
        invocations_since=0.0 if start is None else sum(values[start:]),
    )


def _normal_concurrency(concurrency: list[float]) -> int | None:
    """The usual peak: what 95 % of its active minutes stay within."""
    active = sorted(value for value in concurrency if value > 0)
    if not active:
        return None
    return math.ceil(active[min(len(active) - 1, math.floor(NORMAL_PERCENTILE * len(active)))])
