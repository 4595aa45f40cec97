"""The shapes of new traffic: runs of minutes that a loop could have made."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from functions.domain.detection.assessment import (
    Ground,
    Reason,
    Unit,
)
from functions.domain.detection.evidence import MINUTE_SECONDS
from functions.domain.detection.traffic import (
    CEILING_SHARE,
    GROWTH_GUARD_MINUTES,
    GUARD_MINUTES,
    HISTORY_MINUTES,
    SUBSIDED_SHARE,
    SUSTAINED_MINUTES,
    SpikeTraffic,
    make_rate_ground,
)

# A plateau. Independent arrivals vary from minute to minute by the square root of their count; a
# loop of fan-out 1 passes the same events round and round and varies by a third of that. The
# longer it holds, the more it may wander.
PLATEAU_SIGMAS = 0.5  # for each doubling of the minutes it holds
PLATEAU_DRIFT = 1 / 500  # of its height, for each minute
FIRST_SHARE = 1.1  # its first datapoint is partial, or a little more when all seeds start at once
PLATEAU_TIMES = 3.0  # at least, above anything before
EARLY_PLATEAU_TIMES = 8.0  # the same for one of only two datapoints
# Growth: factors of successive minutes, as logarithms.
# So many steps, the smallest of which is this share of the largest.
GROWTH_STEPS = ((3, 0.7), (4, 0.5))
GROWTH_LEAST = 0.15  # 16 % a minute
GROWTH_FROM = (30.0, 20.0)  # invocations in the first minute of each: fewer say nothing
GROWTH_TIMES = 10.0  # the growth as a whole, above anything before
GROWTH_STANDS_SHARE = 0.7  # of what it grew to must still be there
# The ceiling.
CEILING_LEAP_SHARE = 0.25  # of it, that is filled within one minute, unless there are throttles
CEILING_TIMES = 10.0  # above anything before, in rate
CEILING_CONCURRENCY_TIMES = 10.0  # and in concurrency
UNKNOWN_DURATION_SECONDS = 20.0
REQUESTS_SHARE = 0.5  # of ten requests a second for each concurrent execution: AWS's other ceiling
PINNED_MINUTES = 5  # at the ceiling, throttled and not subsiding: nothing but a loop does that
# A rise of any shape.
RISE_MINUTES = 6  # of 1,000 recorded function-days, 1.5 hold a new level for so long
RISE_TIMES = 2.0  # its lowest minute, above anything before
RISE_STANDS_SHARE = 0.5  # of its highest minute: one that falls below that ends by itself
EARLY_GUARD_MINUTES = 2
CEILING_GUARD_MINUTES = 6
REMEMBERED_MINUTES = 10  # after which a shape that was there is looked for no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A run of minutes that may be a loop's."""

    first: int
    last: int
    level: float
    grounds: tuple[Ground, ...]


def find_shape(traffic: SpikeTraffic) -> Shape | None:
    """The first shape that the newest minutes have and nothing explains: urgent ones first."""
    if traffic.is_slow:
        return _find_hold(traffic) or _find_outbreak(traffic)
    for last in _list_ends(traffic):
        found = _find_ceiling(traffic, last) or _find_plateau(traffic, last)
        if found is not None:
            return found
    return _find_growth(traffic) or _find_rise(traffic) or _find_outbreak(traffic)


def _list_ends(traffic: SpikeTraffic) -> Iterator[int]:
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


def _find_ceiling(traffic: SpikeTraffic, last: int) -> Shape | None:
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
        ground = make_rate_ground(Reason.AT_CEILING, level, 600 * ceiling)
    elif running >= CEILING_SHARE * ceiling:
        usual = max(traffic.concurrency[max(0, last - 60) : first - GUARD_MINUTES], default=0.0)
        if running < CEILING_CONCURRENCY_TIMES * max(1.0, usual):
            return None
        if _find_first_held(traffic, last) < _count_cycle_minutes(traffic):
            return None
        if (
            traffic.throttles[last] <= 0
            and _measure_leap(traffic, last) < CEILING_LEAP_SHARE * ceiling
        ):
            return None
        ground = Ground(
            reason=Reason.AT_CEILING, value=running, unit=Unit.CONCURRENT, reference=ceiling
        )
    else:
        return None
    furthest = max(0, last - REMEMBERED_MINUTES)
    begin = _reach_back(values, first, level / CEILING_TIMES, furthest)
    if not traffic.is_new(level, begin, SUSTAINED_MINUTES, CEILING_GUARD_MINUTES, CEILING_TIMES):
        return None
    return Shape(first=first, last=last, level=level, grounds=(ground,))


def _find_hold(traffic: SpikeTraffic) -> Shape | None:
    """The account's concurrency held by slow work for many of its own durations.

    Neither flatness nor growth says anything here: the ceiling makes any flood of jobs flat.
    """
    ceiling, values, running = traffic.ceiling, traffic.values, traffic.concurrency
    last = len(values) - 1
    if ceiling is None:
        return None
    first = _reach_back(running, last, CEILING_SHARE * ceiling)
    minutes = last - first + 1
    if minutes < max(SUSTAINED_MINUTES, _count_cycle_minutes(traffic)):
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
    return Shape(first=first, last=last, level=level, grounds=grounds)


def _measure_leap(traffic: SpikeTraffic, last: int) -> float:
    """The most by which concurrency rose from one minute to the next, of late."""
    newest = traffic.concurrency[max(0, last - REMEMBERED_MINUTES) : last + 1]
    return max((after - before for before, after in pairwise(newest)), default=0.0)


def _find_first_held(traffic: SpikeTraffic, last: int) -> int:
    """For how many minutes, up to `last`, the function has run above the floor."""
    return last - _reach_back(traffic.values, last, traffic.floor) + 1


def _reach_back(values: list[float], first: int, least: float, furthest: int = 0) -> int:
    """How far back from `first` the values have been at least so high."""
    while first > furthest and values[first - 1] >= least:
        first -= 1
    return first


def _count_cycle_minutes(traffic: SpikeTraffic) -> float:
    seconds = traffic.duration_seconds
    each = UNKNOWN_DURATION_SECONDS if seconds is None else seconds
    return traffic.cycles * each / MINUTE_SECONDS


def _find_plateau(traffic: SpikeTraffic, last: int) -> Shape | None:
    """A step onto a height that is held more evenly than independent work would."""
    values = traffic.values
    lowest = highest = total = values[last]
    for minutes in range(SUSTAINED_MINUTES, traffic.long_plateau + 1):
        first = last - minutes + 1
        if first < GUARD_MINUTES:
            return None
        value = values[first]
        if value < traffic.floor:
            return None
        total += value
        if value < lowest:
            lowest = value
        elif value > highest:
            highest = value
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
        begin = _reach_back(values, first, level - wander) if is_long else first
        if traffic.is_new(
            level,
            begin,
            minutes,
            EARLY_GUARD_MINUTES if early else GUARD_MINUTES,
            times,
        ):
            grounds = (
                make_rate_ground(Reason.PLATEAU, lowest, highest),
                Ground(reason=Reason.SUSTAINED, value=last - begin + 1, unit=Unit.MINUTES),
            )
            return Shape(first=begin, last=last, level=level, grounds=grounds)
    return None


def _find_growth(traffic: SpikeTraffic) -> Shape | None:
    """Growth by much the same factor each minute, which has not subsided since."""
    values = traffic.values
    newest = len(values) - 1
    now = max(values[-SUSTAINED_MINUTES:])
    for last in range(newest, max(HISTORY_MINUTES, newest - REMEMBERED_MINUTES) - 1, -1):
        level = values[last]
        if level < traffic.floor or values[last - 1] < traffic.floor:
            continue
        if now < GROWTH_STANDS_SHARE * level:
            return None
        for (steps, share), least in zip(GROWTH_STEPS, GROWTH_FROM, strict=True):
            begin = values[last - steps]
            # Most minutes follow no growth at all: that is seen without a look at each step.
            if begin < least or level < begin * (1 + steps * GROWTH_LEAST):
                continue
            minutes = values[last - steps : last + 1]
            if min(minutes) < begin:
                continue
            factors = [math.log(b / a) for a, b in pairwise(minutes)]
            if min(factors) < max(GROWTH_LEAST, share * max(factors)):
                continue
            if traffic.is_new(level, last, 1, GROWTH_GUARD_MINUTES, GROWTH_TIMES):
                grounds = (
                    make_rate_ground(Reason.GROWING, level, begin),
                    Ground(reason=Reason.SUSTAINED, value=steps + 1, unit=Unit.MINUTES),
                )
                return Shape(first=last - steps, last=last, level=level, grounds=grounds)
    return None


def _find_rise(traffic: SpikeTraffic) -> Shape | None:
    """A new level that has stayed for minutes, however uneven it is."""
    values = traffic.values
    for last in _list_ends(traffic):
        first = last - RISE_MINUTES + 1
        minutes = values[first : last + 1]
        lowest = min(minutes)
        if lowest < traffic.floor or minutes[-1] < RISE_STANDS_SHARE * max(minutes):
            continue
        begin = _reach_back(values, first, lowest / RISE_TIMES)
        if traffic.is_new(lowest, begin, RISE_MINUTES, EARLY_GUARD_MINUTES, RISE_TIMES):
            ground = Ground(
                reason=Reason.SUSTAINED,
                value=last - begin + 1,
                unit=Unit.MINUTES,
                reference=RISE_MINUTES,
            )
            level = sum(minutes) / RISE_MINUTES
            return Shape(first=begin, last=last, level=level, grounds=(ground,))
    return None


def _find_outbreak(traffic: SpikeTraffic) -> Shape | None:
    """A new level of one minute, in danger: what a second minute would tell comes too late."""
    danger, values = traffic.danger, traffic.values
    if danger is None:
        return None
    for last in reversed(danger.minutes):
        if not HISTORY_MINUTES <= last < len(values) or values[last] < traffic.floor:
            continue
        furthest = max(0, last - REMEMBERED_MINUTES)
        begin = _reach_back(values, last, values[last] / CEILING_TIMES, furthest)
        if traffic.is_new(values[last], begin, 1, CEILING_GUARD_MINUTES, CEILING_TIMES):
            ground = Ground(
                reason=Reason.SUSTAINED, value=last - begin + 1, unit=Unit.MINUTES, reference=1
            )
            return Shape(first=begin, last=last, level=values[last], grounds=(ground,))
    return None


def find_pinned(traffic: SpikeTraffic, shape: Shape) -> tuple[Ground, ...]:
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
