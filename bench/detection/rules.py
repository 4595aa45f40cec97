"""The rules that people use today, minute by minute, without look-ahead.

Each takes a function's counts a minute and answers for which minutes its alarm would be on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bench.detection.data import MINUTES_A_DAY, Floats

Alarms: TypeAlias = NDArray[np.bool_]
Rule: TypeAlias = Callable[[Floats], Alarms]

FIVE: Final = 5
STATIC_PER_FIVE: Final = 500
INCIDENT_PER_FIVE: Final = 115_000
ACCOUNT_PER_FIVE: Final = 10_000
FUNCTION_PER_FIVE: Final = 5_000
TRAILING: Final = 60
BAND_TRAILING: Final = 180


def trailing_sum(counts: Floats, minutes: int) -> Floats:
    """The sum of the last minutes, at each minute."""
    total = np.concatenate([[0.0], np.cumsum(counts)])
    index = np.arange(1, len(counts) + 1)
    result: Floats = total[index] - total[np.maximum(0, index - minutes)]
    return result


def held(alarms: Alarms, minutes: int) -> Alarms:
    """Where something has held for so many minutes in a row."""
    if len(alarms) < minutes:
        return np.zeros(len(alarms), bool)
    full = sliding_window_view(alarms, minutes).all(axis=1)
    return np.concatenate([np.zeros(minutes - 1, bool), full])


def over(per_five_minutes: float) -> Rule:
    """A fixed number of invocations within 5 minutes."""
    return lambda counts: trailing_sum(counts, FIVE) >= per_five_minutes


def recipe(others: Floats) -> Rule:
    """One alarm on the account's sum; when it is on, functions above their own number."""

    def rule(counts: Floats) -> Alarms:
        account = counts + np.resize(others, len(counts))
        return (trailing_sum(account, FIVE) >= ACCOUNT_PER_FIVE) & (
            trailing_sum(counts, FIVE) >= FUNCTION_PER_FIVE
        )

    return rule


def over_median(floor: float, times: float = 10.0, minutes: int = 3) -> Rule:
    """So many times the median of the 60 minutes before, above a floor, for 3 minutes."""

    def rule(counts: Floats) -> Alarms:
        alarms = np.zeros(len(counts), bool)
        busy = np.flatnonzero(counts[TRAILING:] >= floor)
        if len(busy):
            windows = sliding_window_view(counts, TRAILING)[busy]
            alarms[busy + TRAILING] = counts[busy + TRAILING] > times * np.median(windows, axis=1)
        return held(alarms, minutes)

    return rule


def over_band(deviations: float, minutes: int = 3) -> Rule:
    """Above the seasonal mean plus so many standard deviations, for 3 minutes.

    The season is the same half hour of the days before; where there are fewer than three of
    those, the 3 hours before.
    """

    def rule(counts: Floats) -> Alarms:
        length = len(counts)
        sums = np.concatenate([[0.0], np.cumsum(counts)])
        squares = np.concatenate([[0.0], np.cumsum(counts**2)])

        def moments(
            low: NDArray[np.int64], high: NDArray[np.int64]
        ) -> tuple[Floats, Floats, Floats]:
            number: Floats = (high - low).astype(np.float64)
            total: Floats = sums[high] - sums[low]
            square: Floats = squares[high] - squares[low]
            return number, total, square

        at = np.arange(length)
        days = min(14, (length - 1) // MINUTES_A_DAY)
        number, total, square = moments(np.maximum(0, at - BAND_TRAILING), at)
        if days >= 3:
            parts = [
                moments(
                    np.maximum(0, at - back * MINUTES_A_DAY - 15),
                    np.maximum(0, at - back * MINUTES_A_DAY + 15),
                )
                for back in range(1, days + 1)
            ]
            seasonal = [np.sum([part[index] for part in parts], axis=0) for index in range(3)]
            known = at >= 3 * MINUTES_A_DAY
            number = np.where(known, seasonal[0], number)
            total = np.where(known, seasonal[1], total)
            square = np.where(known, seasonal[2], square)
        number = np.maximum(number, 1)
        mean = total / number
        spread = np.sqrt(np.maximum(0.0, square / number - mean**2))
        alarms = counts > mean + deviations * np.maximum(spread, 1e-9)
        alarms[:TRAILING] = False
        return held(alarms, minutes)

    return rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A rule with the name it is printed under."""

    name: str
    rule: Rule


def rivals(others: Floats) -> tuple[Named, ...]:
    """All of them; `others` is the rest of an account, for the single-alarm recipe."""
    return (
        Named(name="static 500 / 5 min", rule=over(STATIC_PER_FIVE)),
        Named(name="incident 115,000 / 5 min", rule=over(INCIDENT_PER_FIVE)),
        Named(name="single alarm", rule=recipe(others)),
        Named(name="10 x median, floor 1,000", rule=over_median(1000)),
        Named(name="10 x median, floor 100", rule=over_median(100)),
        Named(name="band 2 sigma", rule=over_band(2)),
        Named(name="band 3 sigma", rule=over_band(3)),
    )
