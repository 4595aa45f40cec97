"""Keeps metrics by the minute, small and quick enough for ten thousand functions and two weeks."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

Dimensions = tuple[tuple[str, str], ...]
MetricKey = tuple[str, str, Dimensions]
Cell = tuple[float, float, float, float]
"""Sample count, sum, minimum and maximum of one bucket."""

SAMPLES_PER_MINUTE = 500
"""Single values kept per minute for percentiles; beyond that a percentile is an estimate."""

_ARRAY_WORTHWHILE = 64
_FEW = 16


def add_cells(one: Cell, two: Cell) -> Cell:
    """The statistics of two buckets together."""
    return one[0] + two[0], one[1] + two[1], min(one[2], two[2]), max(one[3], two[3])


def dimensions_of(pairs: Mapping[str, str]) -> Dimensions:
    """The dimensions in the one order in which they are compared."""
    return tuple(sorted(pairs.items()))


@dataclass(slots=True)
class LiveMinute:
    """What has been recorded for one minute."""

    count: float = 0.0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    samples: list[tuple[float, float]] = field(default_factory=list)

    def add(self, count: float, total: float, low: float, high: float) -> None:
        """Add a statistic set, or one value seen ``count`` times."""
        self.count += count
        self.total += total
        self.low = min(self.low, low)
        self.high = max(self.high, high)
        if len(self.samples) < SAMPLES_PER_MINUTE:
            self.samples.append((total / count if count else 0.0, count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Seeded history: one value every ``step`` minutes; not-a-number where nothing was sent.

    Segments of many functions may share one array, each with its own scale.
    """

    start: int
    step: int
    values: NDArray[np.float64]
    scale: float = 1.0
    has_gaps: bool = True

    @property
    def end(self) -> int:
        """The first minute after the segment."""
        return self.start + self.step * len(self.values)

    def between(self, low: int, high: int) -> tuple[int, NDArray[np.float64]]:
        """The first minute and the values of the part inside ``[low, high)``."""
        first = max(0, -(-(low - self.start) // self.step))
        last = min(len(self.values), -(-(high - self.start) // self.step))
        part = self.values[first : max(first, last)]
        return self.start + first * self.step, part if self.scale == 1.0 else part * self.scale

    def whole(self, low: int, high: int) -> Cell | None:
        """Statistics of the part inside ``[low, high)``; nothing without data."""
        _, part = self.between(low, high)
        if self.has_gaps:
            part = part[~np.isnan(part)]
        if not len(part):
            return None
        if len(part) < _FEW:
            values = part.tolist()
            return float(len(values)), sum(values), min(values), max(values)
        total, lowest, highest = part.sum(), part.min(), part.max()
        return float(len(part)), float(total), float(lowest), float(highest)


class Series:
    """One metric: seeded segments and the minutes recorded since."""

    __slots__ = ("live", "segments", "unit")

    def __init__(self, unit: str | None = None) -> None:
        self.live: dict[int, LiveMinute] = {}
        self.segments: list[Segment] = []
        self.unit = unit

    def minutes(self, low: int, high: int) -> list[int]:
        """The recorded minutes in ``[low, high)``, ascending."""
        if len(self.live) <= high - low:
            return sorted(minute for minute in self.live if low <= minute < high)
        return [minute for minute in range(low, high) if minute in self.live]

    def whole(self, low: int, high: int) -> Cell | None:
        """Statistics over all of ``[low, high)``, quicker than by bucket; nothing without data."""
        cell: Cell | None = None
        for segment in self.segments:
            if segment.end > low and segment.start < high:
                part = segment.whole(low, high)
                cell = part if cell is None else add_cells(cell, part) if part else cell
        for minute in self.minutes(low, high):
            live = self.live[minute]
            part = (live.count, live.total, live.low, live.high)
            cell = part if cell is None else add_cells(cell, part)
        return cell

    def newest(self) -> int:
        """The latest minute that has data, or -1."""
        return max(
            max(self.live, default=-1),
            max((segment.end - segment.step for segment in self.segments), default=-1),
        )

    def buckets(self, low: int, high: int, period: int) -> dict[int, Cell]:
        """Statistics by bucket of ``period`` minutes; buckets start at ``low``."""
        found: dict[int, Cell] = {}
        for segment in self.segments:
            if segment.end > low and segment.start < high:
                _add_segment(found, segment, low, high, period)
        for minute in self.minutes(low, high):
            cell = self.live[minute]
            _merge(
                found,
                low + (minute - low) // period * period,
                (cell.count, cell.total, cell.low, cell.high),
            )
        return found

    def samples(self, low: int, high: int, period: int) -> dict[int, list[tuple[float, float]]]:
        """Single values with their weights by bucket, for percentiles."""
        found: dict[int, list[tuple[float, float]]] = {}
        for segment in self.segments:
            first, values = segment.between(low, high)
            for index, value in enumerate(values.tolist()):
                if value == value:  # noqa: PLR0124 - false only for not-a-number
                    minute = first + index * segment.step
                    bucket = low + (minute - low) // period * period
                    found.setdefault(bucket, []).append((value, 1.0))
        for minute in self.minutes(low, high):
            bucket = low + (minute - low) // period * period
            found.setdefault(bucket, []).extend(self.live[minute].samples)
        return found


def _merge(found: dict[int, Cell], bucket: int, cell: Cell) -> None:
    known = found.get(bucket)
    found[bucket] = cell if known is None else add_cells(known, cell)


def _add_segment(
    found: dict[int, Cell], segment: Segment, low: int, high: int, period: int
) -> None:
    first, values = segment.between(low, high)
    if not len(values):
        return
    if len(values) < _ARRAY_WORTHWHILE:
        for index, value in enumerate(values.tolist()):
            if value == value:  # noqa: PLR0124 - false only for not-a-number
                minute = first + index * segment.step
                bucket = low + (minute - low) // period * period
                _merge(found, bucket, (1.0, value, value, value))
        return
    known = ~np.isnan(values)
    minutes = (first + np.arange(len(values)) * segment.step)[known]
    values = values[known]
    if not len(values):
        return
    buckets = low + (minutes - low) // period * period
    starts = np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))
    counts = np.diff(np.append(starts, len(values))).astype(float)
    cells = zip(
        buckets[starts].tolist(),
        counts.tolist(),
        np.add.reduceat(values, starts).tolist(),
        np.minimum.reduceat(values, starts).tolist(),
        np.maximum.reduceat(values, starts).tolist(),
        strict=True,
    )
    if found:
        for bucket, count, total, lowest, highest in cells:
            _merge(found, bucket, (count, total, lowest, highest))
    else:
        found.update({bucket: (n, s, lo, hi) for bucket, n, s, lo, hi in cells})


class MetricStore:
    """All metrics of the account.

    What is recorded becomes visible ``delay_seconds`` of virtual time later.
    """

    def __init__(self, now: Callable[[], float], delay_seconds: float = 0.0) -> None:
        self._now = now
        self._delay_seconds = delay_seconds
        self._lock = threading.RLock()
        self._series: dict[MetricKey, Series] = {}
        self._by_name: dict[tuple[str, str], dict[Dimensions, Series]] = {}
        self._pending: deque[tuple[float, MetricKey, int, Cell, str | None]] = deque()

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever reads several series which must belong together."""
        return self._lock

    def record(
        self, key: MetricKey, value: float, at: float, *, count: float = 1.0, unit: str = "None"
    ) -> None:
        """Book one value, seen ``count`` times, to the minute of ``at``."""
        self.record_set(key, (count, value * count, value, value), at, unit=unit)

    def record_set(self, key: MetricKey, cell: Cell, at: float, *, unit: str | None = None) -> None:
        """Book a statistic set to the minute of ``at``."""
        with self._lock:
            if self._delay_seconds > 0:
                visible = self._now() + self._delay_seconds
                self._pending.append((visible, key, int(at // 60), cell, unit))
            else:
                self._book(key, int(at // 60), cell, unit)

    def _book(self, key: MetricKey, minute: int, cell: Cell, unit: str | None) -> None:
        series = self.series_or_new(key, unit)
        known = series.live.get(minute)
        if known is None:
            known = series.live[minute] = LiveMinute()
        known.add(*cell)

    def settle(self) -> None:
        """Make visible what is due."""
        now = self._now()
        with self._lock:
            while self._pending and self._pending[0][0] <= now:
                _, key, minute, cell, unit = self._pending.popleft()
                self._book(key, minute, cell, unit)

    def seed(self, key: MetricKey, segment: Segment, unit: str | None = None) -> None:
        """Give a metric history."""
        with self._lock:
            self.series_or_new(key, unit).segments.append(segment)

    def series_or_new(self, key: MetricKey, unit: str | None = None) -> Series:
        """The series of a metric, created when it is new."""
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series(unit)
            self._by_name.setdefault(key[:2], {})[key[2]] = series
        return series

    def series(self, key: MetricKey) -> Series | None:
        """The series of a metric, or nothing when it was never sent."""
        return self._series.get(key)

    def of_name(self, namespace: str, name: str) -> Mapping[Dimensions, Series]:
        """All series of a metric's name, by their dimensions."""
        return self._by_name.get((namespace, name), {})

    def known(self) -> list[MetricKey]:
        """All metrics known."""
        return list(self._series)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._series.clear()
            self._by_name.clear()
            self._pending.clear()
