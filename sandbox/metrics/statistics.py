"""CloudWatch's statistics of a bucket of values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.metrics.store import Cell, Series

_PERCENTILE = re.compile(r"^p(\d{1,2}(?:\.\d{1,10})?|100)$")

SIMPLE: dict[str, Callable[[Cell], float]] = {
    "SampleCount": lambda cell: cell[0],
    "Sum": lambda cell: cell[1],
    "Average": lambda cell: cell[1] / cell[0] if cell[0] else 0.0,
    "Minimum": lambda cell: cell[2],
    "Maximum": lambda cell: cell[3],
}


def is_known(statistic: str) -> bool:
    """Whether the sandbox computes this statistic."""
    return statistic in SIMPLE or _PERCENTILE.match(statistic) is not None


def percentile(samples: list[tuple[float, float]], rank_percent: float) -> float:
    """The percentile of weighted values, interpolated between neighbours."""
    ordered = sorted(samples)
    total = sum(weight for _, weight in ordered)
    rank = rank_percent / 100.0 * (total - 1) if total > 1 else 0.0
    below = int(rank)
    low, high = _at(ordered, below), _at(ordered, below + 1)
    return low + (rank - below) * (high - low)


def _at(ordered: list[tuple[float, float]], index: float) -> float:
    seen = 0.0
    for value, weight in ordered:
        seen += weight
        if index < seen:
            return value
    return ordered[-1][0]


def values_of(
    series: Series, statistic: str, low: int, high: int, period: int, *, now: float
) -> dict[int, float]:
    """One statistic of a series by bucket (minutes since the epoch), ascending, as of ``now``."""
    simple = SIMPLE.get(statistic)
    if simple is not None:
        cells = series.buckets(low, high, period, now)
        return {bucket: simple(cells[bucket]) for bucket in sorted(cells)}
    match = _PERCENTILE.match(statistic)
    if match is None:
        raise ValueError(f"The value {statistic} for parameter Stat is not supported.")
    samples = series.samples(low, high, period, now)
    rank = float(match.group(1))
    return {
        bucket: percentile(samples[bucket], rank) for bucket in sorted(samples) if samples[bucket]
    }
