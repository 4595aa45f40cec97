"""Keeps metrics by the minute, small and quick enough for ten thousand functions and two weeks.

What is kept is the truth. Who reads says at which moment, and sees what is published then, see
``sandbox.metrics.publication``: in calm weather everything, at once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sandbox.metrics.publication import (
    COMPLETE_SECONDS,
    LEAST_DELAY_SECONDS,
    SECONDS_PER_MINUTE,
    Publication,
)
from sandbox.weather.seeded import Weather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

Dimensions = tuple[tuple[str, str], ...]
MetricKey = tuple[str, str, Dimensions]
Cell = tuple[float, float, float, float]
"""Sample count, sum, minimum and maximum of one bucket."""

SAMPLES_PER_MINUTE = 500
"""Single values kept per minute for percentiles; beyond that a percentile is an estimate."""

_ARRAY_WORTHWHILE = 64
_FOREVER = 1 << 62
_FEW = 16


def add_cells(one: Cell, two: Cell) -> Cell:
    """The statistics of two buckets together."""
    return one[0] + two[0], one[1] + two[1], min(one[2], two[2]), max(one[3], two[3])


def dimensions_of(pairs: Mapping[str, str]) -> Dimensions:
    """The dimensions in the one order in which they are compared."""
    return tuple(sorted(pairs.items()))


@dataclass(slots=True)
class LiveMinute:
    """What has been recorded for one minute.

    ``late`` is what came only in a later minute, by that minute: an execution is booked to the
    minute of its start, but only when it is over.
    """

    count: float = 0.0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    samples: list[tuple[float, float]] = field(default_factory=list)
    late: dict[int, LiveMinute] = field(default_factory=dict)

    @property
    def has_all_samples(self) -> bool:
        """Whether each single value has been kept."""
        return len(self.samples) < SAMPLES_PER_MINUTE

    def cell(self) -> Cell:
        """The statistics of what came in time."""
        return self.count, self.total, self.low, self.high

    def add(self, count: float, total: float, low: float, high: float) -> None:
        """Add a statistic set, or one value seen ``count`` times."""
        self.count += count
        self.total += total
        self.low = min(self.low, low)
        self.high = max(self.high, high)
        if self.has_all_samples:
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

    def each(self, low: int, high: int) -> Iterator[tuple[int, float]]:
        """The minutes inside ``[low, high)`` that have a value, with it."""
        first, values = self.between(low, high)
        for index, value in enumerate(values.tolist()):
            if value == value:  # noqa: PLR0124 - false only for not-a-number
                yield first + index * self.step, value

    def last_before(self, high: int) -> int:
        """The last minute of the segment before ``high``, or -1."""
        count = min(len(self.values), -(-(high - self.start) // self.step))
        return self.start + (count - 1) * self.step if count > 0 else -1

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
    """One metric: seeded segments and the minutes recorded since.

    Readers ask for the minutes ``[low, high)`` and get what is published at ``now``, in seconds
    since the epoch.
    """

    __slots__ = ("live", "publication", "segments", "unit")

    def __init__(self, unit: str | None = None, publication: Publication | None = None) -> None:
        self.live: dict[int, LiveMinute] = {}
        self.segments: list[Segment] = []
        self.unit = unit
        self.publication = publication

    def whole(self, low: int, high: int, now: float) -> Cell | None:
        """Statistics over all of ``[low, high)``, quicker than by bucket; nothing without data."""
        cell: Cell | None = None
        complete = self._complete(high, now)
        for segment in self.segments:
            if segment.end > low and segment.start < complete:
                part = segment.whole(low, complete)
                cell = part if cell is None else add_cells(cell, part) if part else cell
        for _, part in self._fresh(max(low, complete), high, now):
            cell = part if cell is None else add_cells(cell, part)
        for _, part in self._live(low, high, now):
            cell = part if cell is None else add_cells(cell, part)
        return cell

    def newest(self, now: float) -> int:
        """The latest minute that has data, or -1."""
        if self.publication is None:
            return max(
                max(self.live, default=-1),
                max((segment.end - segment.step for segment in self.segments), default=-1),
            )
        complete = self._complete(_FOREVER, now)
        latest_first = sorted(self.live, reverse=True)
        shown = (minute for minute in latest_first if next(self._parts(minute, now), None))
        fresh = (minute for minute, _ in self._fresh(complete, _FOREVER, now))
        old = (segment.last_before(complete) for segment in self.segments)
        return max(next(shown, -1), max(fresh, default=-1), max(old, default=-1))

    def buckets(self, low: int, high: int, period: int, now: float) -> dict[int, Cell]:
        """Statistics by bucket of ``period`` minutes; buckets start at ``low``."""
        found: dict[int, Cell] = {}
        complete = self._complete(high, now)
        for segment in self.segments:
            if segment.end > low and segment.start < complete:
                _add_segment(found, segment, low, complete, period)
        for minute, cell in self._fresh(max(low, complete), high, now):
            _merge(found, low + (minute - low) // period * period, cell)
        for minute, cell in self._live(low, high, now):
            _merge(found, low + (minute - low) // period * period, cell)
        return found

    def samples(
        self, low: int, high: int, period: int, now: float
    ) -> dict[int, list[tuple[float, float]]]:
        """Single values with their weights by bucket, for percentiles."""
        found: dict[int, list[tuple[float, float]]] = {}

        def add(minute: int, samples: list[tuple[float, float]]) -> None:
            found.setdefault(low + (minute - low) // period * period, []).extend(samples)

        complete = self._complete(high, now)
        for segment in self.segments:
            for minute, value in segment.each(low, complete):
                add(minute, [(value, 1.0)])
        for minute, cell in self._fresh(max(low, complete), high, now):
            add(minute, [(cell[1], 1.0)])
        for minute in self._minutes(low, high):
            for live, share in self._parts(minute, now):
                if self.publication is None or share == 1.0:
                    add(minute, live.samples)
                else:
                    add(minute, self.publication.samples(live, share))
        return found

    def _complete(self, high: int, now: float) -> int:
        """The minute, at most ``high``, before which every minute is complete in any weather."""
        if self.publication is None:
            return high
        return min(high, int((now - COMPLETE_SECONDS) // SECONDS_PER_MINUTE))

    def _fresh(self, low: int, high: int, now: float) -> Iterator[tuple[int, Cell]]:
        """What is shown of the seeded minutes that may not be complete yet."""
        publication = self.publication
        if publication is None or low >= high:
            return
        shown = min(high, int((now - LEAST_DELAY_SECONDS) // SECONDS_PER_MINUTE))
        for segment in self.segments:
            if segment.end <= low or segment.start >= shown:
                continue
            for minute, whole in segment.each(low, shown):
                share = publication.share(minute, now)
                if share:
                    value = publication.value_part(whole, share)
                    yield minute, (1.0, value, value, value)

    def _minutes(self, low: int, high: int) -> list[int]:
        """The recorded minutes in ``[low, high)``, ascending."""
        if len(self.live) <= high - low:
            return sorted(minute for minute in self.live if low <= minute < high)
        return [minute for minute in range(low, high) if minute in self.live]

    def _live(self, low: int, high: int, now: float) -> Iterator[tuple[int, Cell]]:
        """What is shown of the recorded minutes, ascending."""
        for minute in self._minutes(low, high):
            for live, share in self._parts(minute, now):
                if self.publication is None or share == 1.0:
                    yield minute, live.cell()
                else:
                    yield minute, self.publication.part(live, share)

    def _parts(self, minute: int, now: float) -> Iterator[tuple[LiveMinute, float]]:
        """What came for a recorded minute, together, and how much of it is shown."""
        live, publication = self.live[minute], self.publication
        share = 1.0 if publication is None else publication.share(minute, now)
        if share and live.count:
            yield live, share
        if publication is not None:
            for arrival, late in live.late.items():
                if publication.is_late_part_shown(minute, arrival, now):
                    yield late, 1.0


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
    """All metrics of the account, published as the weather has it."""

    def __init__(self, now: Callable[[], float], weather: Weather | None = None) -> None:
        self._now = now
        self._weather = weather or Weather()
        self._lock = threading.RLock()
        self._series: dict[MetricKey, Series] = {}
        self._by_name: dict[tuple[str, str], dict[Dimensions, Series]] = {}

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever reads several series which must belong together."""
        return self._lock

    def now(self) -> float:
        """The moment at which a reader reads, in seconds since the epoch."""
        return self._now()

    def record(
        self, key: MetricKey, value: float, at: float, *, count: float = 1.0, unit: str = "None"
    ) -> None:
        """Book one value, seen ``count`` times, to the minute of ``at``."""
        self.record_set(key, (count, value * count, value, value), at, unit=unit)

    def record_set(self, key: MetricKey, cell: Cell, at: float, *, unit: str | None = None) -> None:
        """Book a statistic set to the minute of ``at``."""
        minute = int(at // SECONDS_PER_MINUTE)
        with self._lock:
            series = self.series_or_new(key, unit)
            live = series.live.get(minute)
            if live is None:
                live = series.live[minute] = LiveMinute()
            if series.publication is not None:
                arrival = int(self._now() // SECONDS_PER_MINUTE)
                if arrival > minute:
                    live = live.late.setdefault(arrival, LiveMinute())
            live.add(*cell)

    def seed(self, key: MetricKey, segment: Segment, unit: str | None = None) -> None:
        """Give a metric history."""
        with self._lock:
            self.series_or_new(key, unit).segments.append(segment)

    def series_or_new(self, key: MetricKey, unit: str | None = None) -> Series:
        """The series of a metric, created when it is new."""
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = Series(unit, Publication.of(self._weather, key))
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
