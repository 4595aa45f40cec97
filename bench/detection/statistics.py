"""Intervals and quantiles for few events, without a statistics library."""

import math
from collections.abc import Sequence

import numpy as np

Z95 = 1.959964


def _poisson_at_most(count: int, mean: float) -> float:
    term = total = math.exp(-mean)
    for index in range(1, count + 1):
        term *= mean / index
        total += term
    return total


def _mean_with(at_most: float, count: int) -> float:
    """The mean for which `count` events or fewer have that probability."""
    low, high = 0.0, 10.0 + 4.0 * (count + 1)
    for _ in range(80):
        middle = (low + high) / 2
        if _poisson_at_most(count, middle) > at_most:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def rate_interval(count: int, exposure: float) -> tuple[float, float]:
    """The exact 95 % interval (Garwood) of a rate of which `count` events were seen.

    Above 300 events the normal approximation does.
    """
    if exposure <= 0:
        return 0.0, math.inf
    if count > 300:
        half = Z95 * math.sqrt(count)
        return (count - half) / exposure, (count + half) / exposure
    low = 0.0 if count == 0 else _mean_with(0.975, count - 1)
    return low / exposure, _mean_with(0.025, count) / exposure


def share_interval(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval (Wilson) of a share."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    spread = 1 + Z95**2 / of
    middle = (share + Z95**2 / (2 * of)) / spread
    half = Z95 * math.sqrt(share * (1 - share) / of + Z95**2 / (4 * of**2)) / spread
    return max(0.0, middle - half), min(1.0, middle + half)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that a share of the values does not exceed; ``None`` of nothing."""
    if not values:
        return None
    return float(np.quantile(np.asarray(values, float), share, method="inverted_cdf"))
