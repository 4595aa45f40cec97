"""CloudWatch's answers as series: what came for each query, on the grid that was asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
    Series,
    floor_to,
)
from functions.domain.detection.traffic import CANDIDATE_MINUTES
from functions.domain.errors import InvalidSeriesError, MetricsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


LATE_MINUTES: Final = 4
# Enough to choose candidates by, and before them as many as may not have been published yet.
BUSIEST_MINUTES: Final = CANDIDATE_MINUTES + LATE_MINUTES
# SCHEMA with this one dimension: the series by version or alias are not counted a second time.
LEADING: Final = (
    'SELECT {stat}({metric}) FROM SCHEMA("AWS/Lambda", FunctionName) '
    "GROUP BY FunctionName ORDER BY {stat}() DESC"
)


@dataclass(slots=True)
class QueryAnswer:
    """What came for one query, over all pages."""

    timestamps: list[float | datetime] = field(default_factory=list)  # see `answers`
    values: list[float] = field(default_factory=list)
    status: str = ""


@dataclass(frozen=True, slots=True)
class MetricWindow:
    """The grid that is asked for: `end` is excluded, as in GetMetricData."""

    start: datetime
    end: datetime
    period_seconds: int

    @property
    def length(self) -> int:
        """How many datapoints a series has."""
        return int((self.end - self.start).total_seconds()) // self.period_seconds

    def series(self, answer: QueryAnswer | None) -> Series:
        """The datapoints on the grid; empty values where nothing came."""
        answer = answer or QueryAnswer()
        values = self._lay_out(answer)
        if values is not None:
            return Series(start=self.start, period_seconds=self.period_seconds, values=values)
        points = zip(map(moment_of, answer.timestamps), answer.values, strict=True)
        try:
            return Series.from_datapoints(
                points, start=self.start, end=self.end, period_seconds=self.period_seconds
            )
        except InvalidSeriesError as error:
            raise MetricsUnavailableError(
                f"CloudWatch's answer makes no series: {error}"
            ) from error

    def _lay_out(self, answer: QueryAnswer) -> tuple[float | None, ...] | None:
        """The values of an answer without any flaw, five times as fast as one by one.

        ``None`` where there is something to look at: that is left to `Series`.
        """
        moments, counts = answer.timestamps, answer.values
        if not moments or len(moments) != len(counts) or isinstance(moments[0], datetime):
            return None
        first, last = int(self.start.timestamp()), int(self.end.timestamp())
        known = dict(zip(moments, map(float, counts), strict=True))
        values = tuple(map(known.get, range(first, last, self.period_seconds)))
        is_on_grid = len(values) - values.count(None) == len(moments)
        # A sum of counts is finite only if each of them is, and a number.
        is_countable = min(counts) >= 0 and math.isfinite(sum(counts))
        return values if is_on_grid and is_countable and moments == sorted(moments) else None


def busiest_window(now: datetime) -> MetricWindow:
    """The minutes by which candidates are chosen."""
    end = floor_to(now, MINUTE_SECONDS)
    return MetricWindow(end - timedelta(minutes=BUSIEST_MINUTES), end, MINUTE_SECONDS)


def put_leading_first(series: Mapping[str, Series]) -> dict[str, Series]:
    """What has any datapoint, the highest total first."""
    known = keep_published(
        {name: one for name, one in series.items() if any(v is not None for v in one.values)}
    )
    totals = {name: sum(v or 0 for v in one.values) for name, one in known.items()}
    return {name: known[name] for name in sorted(known, key=lambda name: -totals[name])}


def keep_published(series: dict[str, Series]) -> dict[str, Series]:
    """The same without the newest minutes that no function has a datapoint of.

    CloudWatch publishes a minute some minutes after it is over. UNCONFIRMED A-059: how much later
    Metrics Insights knows it. What is missing of all functions is not there yet; taken for a
    standstill it would push the minutes that are known out of those that a candidate is chosen by.
    At most four minutes are left out: an account that stands still is no late one. A newest minute
    that is only half filled does no harm, since each of the last minutes makes a candidate.
    """
    latest = max((_find_known_until(one) for one in series.values()), default=0)
    cut = min(LATE_MINUTES, BUSIEST_MINUTES - latest)
    if not cut:
        return series
    return {name: replace(one, values=one.values[:-cut]) for name, one in series.items()}


def _find_known_until(series: Series) -> int:
    """How many values there are up to the last that is known."""
    known = (number for number, value in enumerate(series.values, start=1) if value is not None)
    return max(known, default=0)


def add_to_answer(answer: QueryAnswer, entry: Mapping[str, Any]) -> None:
    """Add a page's part of an answer. Its last status counts: `PartialData` says more follows."""
    answer.timestamps.extend(entry.get("Timestamps", ()))
    answer.values.extend(entry.get("Values", ()))
    answer.status = entry.get("StatusCode", "")


def moment_of(timestamp: float | datetime) -> datetime:
    """The moment of a datapoint, in either form that the parser answers with."""
    if isinstance(timestamp, datetime):
        return timestamp
    return datetime.fromtimestamp(timestamp, UTC)


def recent_window(now: datetime, since: datetime | None = None) -> MetricWindow:
    """The last hours, minute by minute; more of them where it must begin earlier."""
    end = floor_to(now, MINUTE_SECONDS)
    start = end - timedelta(minutes=RECENT_MINUTES)
    if since is not None:
        start = min(start, floor_to(since, MINUTE_SECONDS))
    return MetricWindow(start, end, MINUTE_SECONDS)


def precedent_window(now: datetime) -> MetricWindow:
    """The days before the last hours, five minutes by five minutes."""
    end = floor_to(recent_window(now).start, PRECEDENT_PERIOD_SECONDS)
    return MetricWindow(end - timedelta(days=PRECEDENT_DAYS), end, PRECEDENT_PERIOD_SECONDS)


def sum_known(values: Sequence[float | None]) -> float | None:
    """The sum of what is known; ``None`` where nothing is."""
    known = [one for one in values if one is not None]
    return sum(known) if known else None
