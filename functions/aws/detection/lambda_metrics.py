"""CloudWatch's metrics of Lambda, in as few and as large calls as its limits allow.

A GetMetricData call takes 500 queries and answers up to 100,800 datapoints a page; a Metrics
Insights query finds the 500 busiest of up to 10,000 functions (CloudWatch API, *GetMetricData*;
CloudWatch user guide, *CloudWatch Metrics Insights quotas*). How long AWS takes for so many
datapoints is not documented, so a call asks for fewer.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import ClientError

from functions.aws.runtime.errors import AWS_ERRORS, words_of
from functions.aws.runtime.observability import logger
from functions.domain.detection.arrivals import (
    ArrivalMetric,
    Arrivals,
    arrival_metrics,
    waiting_metric,
)
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
    AccountSeries,
    RecentSeries,
    Series,
    floor_to,
)
from functions.domain.detection.traffic import CANDIDATE_MINUTES
from functions.domain.errors import InvalidSeriesError, MetricsUnavailableError
from functions.domain.ports import SurveyPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import GetMetricDataInputTypeDef, MetricDataQueryTypeDef

    from functions.domain.detection.arrivals import Source

IAM_ACTIONS: Final = frozenset({"cloudwatch:GetMetricData", "cloudwatch:ListMetrics"})

_NAMESPACE: Final = "AWS/Lambda"
_LATE_MINUTES: Final = 4
# Enough to choose candidates by, and before them as many as may not have been published yet.
_BUSIEST_MINUTES: Final = CANDIDATE_MINUTES + _LATE_MINUTES
# SCHEMA with this one dimension: the series by version or alias are not counted a second time.
_LEADING: Final = (
    'SELECT {stat}({metric}) FROM SCHEMA("AWS/Lambda", FunctionName) '
    "GROUP BY FunctionName ORDER BY {stat}() DESC"
)
_IN_INSIGHTS: Final = {"Sum": "SUM", "Maximum": "MAX"}
# Of what SELECT, FROM and WHERE match, a query processes the first 10,000 metrics that it finds. Of
# WHERE only comparisons of whole values are documented: it cannot cut an account into parts.
_MOST_IN_INSIGHTS: Final = 10_000
# What a part may take of the two minutes that `contain` has.
_PART_SECONDS: Final = 50.0
_SIDE_BY_SIDE: Final = 4
_MOST_QUERIES: Final = 500
_MOST_DATAPOINTS: Final = 100_800
_DATAPOINTS_ASKED: Final = 40_320

# In the order of `RecentSeries`' fields.
_RECENT: Final = (
    ("invocations", "Invocations", "Sum"),
    ("concurrency", "ConcurrentExecutions", "Maximum"),
    ("throttles", "Throttles", "Sum"),
    ("errors", "Errors", "Sum"),
    ("duration_ms", "Duration", "Average"),
    ("native_drops", "RecursiveInvocationsDropped", "Sum"),
)
_RECENT_FUNCTIONS: Final = _DATAPOINTS_ASKED // (len(_RECENT) * RECENT_MINUTES)
_INVOCATIONS_FUNCTIONS: Final = min(_MOST_QUERIES, _DATAPOINTS_ASKED // RECENT_MINUTES)
_PRECEDENT_FUNCTIONS: Final = _DATAPOINTS_ASKED // (
    PRECEDENT_DAYS * 86_400 // PRECEDENT_PERIOD_SECONDS
)
_ACCOUNT: Final = (
    ("invocations", "Invocations", "Sum"),
    ("concurrency", "ConcurrentExecutions", "Maximum"),
    ("throttles", "Throttles", "Sum"),
)
_FAILED: Final = frozenset({"InternalError", "Forbidden"})
_INCOMPLETE: Final = _FAILED | {"PartialData"}


@dataclass(slots=True)
class _Answer:
    """What came for one query, over all pages."""

    label: str = ""
    timestamps: list[float | datetime] = field(default_factory=list)  # see `answers`
    values: list[float] = field(default_factory=list)
    status: str = ""


@dataclass(frozen=True, slots=True)
class _Window:
    """The grid that is asked for: `end` is excluded, as in GetMetricData."""

    start: datetime
    end: datetime
    period_seconds: int

    def series(self, answer: _Answer | None) -> Series:
        """The datapoints on the grid; empty values where nothing came."""
        answer = answer or _Answer()
        values = self._laid_out(answer)
        if values is not None:
            return Series(start=self.start, period_seconds=self.period_seconds, values=values)
        points = zip(map(_moment, answer.timestamps), answer.values, strict=True)
        try:
            return Series.from_datapoints(
                points, start=self.start, end=self.end, period_seconds=self.period_seconds
            )
        except InvalidSeriesError as error:
            raise MetricsUnavailableError(
                f"CloudWatch's answer makes no series: {error}"
            ) from error

    def _laid_out(self, answer: _Answer) -> tuple[float | None, ...] | None:
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


class CloudWatchMetrics:
    """The port `Metrics`.

    Parameters
    ----------
    count
        Returns how many functions the account has; ``None`` where that is not known.
    clock
        Seconds, for what must not take too long.
    """

    def __init__(
        self,
        client: CloudWatchClient,
        count: Callable[[], int | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._count = count
        self._clock = clock

    def account(self, now: datetime) -> AccountSeries:
        """The three account-wide series in one call.

        UNCONFIRMED: that each of them exists without a dimension. One that does not is empty.
        """
        window = _recent_window(now)
        found = self._get(
            [_query(name, metric, stat, window) for name, metric, stat in _ACCOUNT], window
        )
        return AccountSeries(**{name: window.series(found.get(name)) for name, _, _ in _ACCOUNT})

    def account_precedent(self, now: datetime) -> Series:
        """14 days of account-wide Invocations, up to where the recent series begin."""
        window = _precedent_window(now)
        found = self._get([_query("p", "Invocations", "Sum", window)], window)
        return window.series(found.get("p"))

    def busiest(self, now: datetime) -> Mapping[str, Series]:
        """The last 10 minutes of the busiest functions (at most 500), the busiest first."""
        return self._leading("Invocations", "Sum", now)

    def part(self, after: str, most: int | None, now: datetime) -> SurveyPart | None:
        """The last 10 minutes of functions that follow `after` by name.

        Only functions with metrics within 3 hours are read. ListMetrics lists a new one up to 15
        minutes late (CloudWatch API, *ListMetrics*).
        """
        count = self._count()
        if count is None or count <= _MOST_IN_INSIGHTS:
            return None
        deadline = self._clock() + _PART_SECONDS
        names = sorted(self._active("Invocations"))
        start = bisect_right(names, after)
        chosen = (names[start:] + names[:start])[:most]
        series, seen = self._in_time(chosen, _busiest_window(now), deadline)
        return SurveyPart(
            series=_leading_first(series),
            active=len(names),
            seen=seen,
            last=chosen[seen - 1] if seen else after,
        )

    def _in_time(
        self, names: Sequence[str], window: _Window, deadline: float
    ) -> tuple[dict[str, Series], int]:
        """The Invocations of as many as can be read by the deadline, and how many these are."""
        series: dict[str, Series] = {}
        batches = tuple(_batches(names, _MOST_QUERIES))
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="part") as pool:
            for first in range(0, len(batches), _SIDE_BY_SIDE):
                if self._clock() >= deadline:
                    break
                some = batches[first : first + _SIDE_BY_SIDE]
                for found in pool.map(
                    lambda batch: self._batch(batch, "Invocations", "Sum", window), some
                ):
                    series |= found
        return series, len(series)

    def most_concurrent(self, now: datetime) -> Mapping[str, Series]:
        """The last 10 minutes of concurrent executions, the highest first."""
        return self._leading("ConcurrentExecutions", "Maximum", now)

    def dropped(self, now: datetime) -> Mapping[str, Series]:
        """The last 10 minutes of the functions of which AWS dropped recursive invocations."""
        leading = self._leading("RecursiveInvocationsDropped", "Sum", now)
        return {name: series for name, series in leading.items() if any(series.values)}

    def recent(self, functions: Sequence[str], now: datetime) -> Mapping[str, RecentSeries]:
        """3 h of 1-minute datapoints up to the last minute that is over."""
        window = _recent_window(now)
        recent: dict[str, RecentSeries] = {}
        for names in _batches(functions, _RECENT_FUNCTIONS):
            found = self._get(
                [
                    _query(f"{metric.lower()}_{index}", metric, stat, window, function)
                    for index, function in enumerate(names)
                    for _, metric, stat in _RECENT
                ],
                window,
            )
            for index, function in enumerate(names):
                recent[function] = RecentSeries(
                    **{
                        name: window.series(found.get(f"{metric.lower()}_{index}"))
                        for name, metric, _ in _RECENT
                    }
                )
        return recent

    def invocations(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """3 h of 1-minute sums up to the last minute that is over."""
        window = _recent_window(now)
        series: dict[str, Series] = {}
        for names in _batches(functions, _INVOCATIONS_FUNCTIONS):
            series |= self._batch(names, "Invocations", "Sum", window)
        return series

    def precedent(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """14 days of 5-minute sums, up to where the recent series begin."""
        window = _precedent_window(now)
        precedent: dict[str, Series] = {}
        for names in _batches(functions, _PRECEDENT_FUNCTIONS):
            found = self._get(
                [
                    _query(f"p{index}", "Invocations", "Sum", window, function)
                    for index, function in enumerate(names)
                ],
                window,
            )
            for index, function in enumerate(names):
                precedent[function] = window.series(found.get(f"p{index}"))
        return precedent

    def arrivals(
        self, sources: Sequence[Source], start: datetime, end: datetime
    ) -> tuple[Arrivals, ...]:
        """One call for all of them, unless there are hundreds.

        What consists of several series is their sum, in which one that is missing counts nothing:
        of a table without a TTL the second one never has a datapoint.
        """
        window = _Window(
            floor_to(start, MINUTE_SECONDS), floor_to(end, MINUTE_SECONDS), MINUTE_SECONDS
        )
        queries: dict[str, MetricDataQueryTypeDef] = {}
        for number, source in enumerate(sources):
            for part, metric in enumerate(arrival_metrics(source)):
                name = f"a{number}_{part}"
                queries[name] = _query_for(name, metric, "Sum", window)
            waiting = waiting_metric(source)
            if waiting is not None:
                queries[f"w{number}"] = _query_for(f"w{number}", waiting, "Maximum", window)
        found: dict[str, _Answer] = {}
        for names in _batches(queries, _MOST_QUERIES):
            found |= self._get([queries[name] for name in names], window)
        return tuple(
            _arrivals(source, number, found, window) for number, source in enumerate(sources)
        )

    def peaks(self, function: str, now: datetime) -> Series:
        """See the port."""
        window = _precedent_window(now)
        query = _query("peaks", "ConcurrentExecutions", "Maximum", window, function)
        return window.series(self._get([query], window).get("peaks"))

    def lag(self, function: str, start: datetime, end: datetime) -> Series:
        """See the port."""
        window = _Window(
            floor_to(start, MINUTE_SECONDS), floor_to(end, MINUTE_SECONDS), MINUTE_SECONDS
        )
        found = self._get([_query("lag", "IteratorAge", "Maximum", window, function)], window)
        return window.series(found.get("lag"))

    def _leading(self, metric: str, stat: str, now: datetime) -> dict[str, Series]:
        window = _busiest_window(now)
        try:
            series = self._by_insights(metric, stat, window)
        except _InsightsUnavailableError as error:
            logger.warning("Metrics Insights does not answer", error=str(error))
            series = self._one_by_one(metric, stat, window)
        return _leading_first(series)

    def _by_insights(self, metric: str, stat: str, window: _Window) -> dict[str, Series]:
        query: MetricDataQueryTypeDef = {
            "Id": "leading",
            "Expression": _LEADING.format(metric=metric, stat=_IN_INSIGHTS[stat]),
            "Period": window.period_seconds,
        }
        found: dict[str, _Answer] = defaultdict(_Answer)
        try:
            for entry in self._pages([query], window):
                _add(found[entry["Label"]], entry)
        except AWS_ERRORS as error:
            # Refused, unknown to this Region, over its own quota of 10 a second: the slow way
            # may still be open.
            if isinstance(error, ClientError):
                raise _InsightsUnavailableError(words_of(error)) from error
            raise MetricsUnavailableError(words_of(error)) from error
        if any(one.status in _FAILED for one in found.values()):
            raise _InsightsUnavailableError("internal error")
        # The label of a series is the value that it is grouped by; a name holds no blank.
        return {
            label.split()[-1]: window.series(one) for label, one in found.items() if label.split()
        }

    def _one_by_one(self, metric: str, stat: str, window: _Window) -> dict[str, Series]:
        """All functions that were active within 3 hours, in batches."""
        series: dict[str, Series] = {}
        for batch in _batches(self._active(metric), _MOST_QUERIES):
            series |= self._batch(batch, metric, stat, window)
        return series

    def _active(self, metric: str) -> tuple[str, ...]:
        """The functions with datapoints of the metric within 3 hours."""
        names: dict[str, None] = {}
        try:
            pages = self._client.get_paginator("list_metrics").paginate(
                Namespace=_NAMESPACE,
                MetricName=metric,
                Dimensions=[{"Name": "FunctionName"}],
                RecentlyActive="PT3H",
            )
            for page in pages:
                for one in page["Metrics"]:
                    dimensions = one.get("Dimensions", [])
                    if [entry["Name"] for entry in dimensions] == ["FunctionName"]:
                        names[dimensions[0]["Value"]] = None
        except AWS_ERRORS as error:
            raise MetricsUnavailableError(words_of(error)) from error
        return tuple(names)

    def _batch(
        self, names: Sequence[str], metric: str, stat: str, window: _Window
    ) -> dict[str, Series]:
        found = self._get(
            [_query(f"m{index}", metric, stat, window, name) for index, name in enumerate(names)],
            window,
        )
        return {name: window.series(found.get(f"m{index}")) for index, name in enumerate(names)}

    def _get(
        self, queries: Sequence[MetricDataQueryTypeDef], window: _Window
    ) -> dict[str, _Answer]:
        """The answers by query id; what CloudWatch failed to read is asked for once more.

        Raises
        ------
        MetricsUnavailableError
            When it then still fails: a gap would pass for a function that stands still.
        """
        found = self._ask(queries, window)
        failed = [one for one in queries if found[one["Id"]].status in _INCOMPLETE]
        if failed:
            found.update(self._ask(failed, window))
        lost = sorted(one["Id"] for one in failed if found[one["Id"]].status in _INCOMPLETE)
        if lost:
            raise MetricsUnavailableError(f"CloudWatch failed to read {', '.join(lost)}")
        return found

    def _ask(
        self, queries: Sequence[MetricDataQueryTypeDef], window: _Window
    ) -> dict[str, _Answer]:
        found: dict[str, _Answer] = {one["Id"]: _Answer() for one in queries}
        try:
            for entry in self._pages(queries, window):
                _add(found[entry["Id"]], entry)
        except AWS_ERRORS as error:
            raise MetricsUnavailableError(words_of(error)) from error
        return found

    def _pages(
        self, queries: Sequence[MetricDataQueryTypeDef], window: _Window
    ) -> Iterator[Mapping[str, Any]]:
        # By hand: botocore's paginator takes as long as all else that is done to a page.
        request: GetMetricDataInputTypeDef = {
            "MetricDataQueries": queries,
            "StartTime": window.start,
            "EndTime": window.end,
            "ScanBy": "TimestampAscending",
            "MaxDatapoints": _MOST_DATAPOINTS,
        }
        while True:
            page = self._client.get_metric_data(**request)
            for message in page.get("Messages", ()):
                logger.warning(
                    "CloudWatch says", code=message.get("Code"), text=message.get("Value")
                )
            yield from cast("list[Mapping[str, Any]]", page["MetricDataResults"])
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]


class _InsightsUnavailableError(Exception):
    """When a Metrics Insights query is refused or fails."""


def _busiest_window(now: datetime) -> _Window:
    end = floor_to(now, MINUTE_SECONDS)
    return _Window(end - timedelta(minutes=_BUSIEST_MINUTES), end, MINUTE_SECONDS)


def _leading_first(series: Mapping[str, Series]) -> dict[str, Series]:
    """What has any datapoint, the highest total first."""
    known = _published(
        {name: one for name, one in series.items() if any(v is not None for v in one.values)}
    )
    totals = {name: sum(v or 0 for v in one.values) for name, one in known.items()}
    return {name: known[name] for name in sorted(known, key=lambda name: -totals[name])}


def _published(series: dict[str, Series]) -> dict[str, Series]:
    """The same without the newest minutes that no function has a datapoint of.

    CloudWatch publishes a minute some minutes after it is over, and how much later Metrics Insights
    knows it is not documented. What is missing of all functions is not there yet; taken for a
    standstill it would push the minutes that are known out of those that a candidate is chosen by.
    At most four minutes are left out: an account that stands still is no late one. A newest minute
    that is only half filled does no harm, since each of the last minutes makes a candidate.
    """
    latest = max((_known_until(one) for one in series.values()), default=0)
    cut = min(_LATE_MINUTES, _BUSIEST_MINUTES - latest)
    if not cut:
        return series
    return {name: replace(one, values=one.values[:-cut]) for name, one in series.items()}


def _known_until(series: Series) -> int:
    """How many values there are up to the last that is known."""
    known = (number for number, value in enumerate(series.values, start=1) if value is not None)
    return max(known, default=0)


def _add(answer: _Answer, entry: Mapping[str, Any]) -> None:
    """Add a page's part of an answer. Its last status counts: `PartialData` says more follows."""
    answer.label = entry.get("Label", "")
    answer.timestamps.extend(entry.get("Timestamps", ()))
    answer.values.extend(entry.get("Values", ()))
    answer.status = entry.get("StatusCode", "")


def _moment(timestamp: float | datetime) -> datetime:
    if isinstance(timestamp, datetime):
        return timestamp
    return datetime.fromtimestamp(timestamp, UTC)


def _recent_window(now: datetime) -> _Window:
    end = floor_to(now, MINUTE_SECONDS)
    return _Window(end - timedelta(minutes=RECENT_MINUTES), end, MINUTE_SECONDS)


def _precedent_window(now: datetime) -> _Window:
    end = floor_to(_recent_window(now).start, PRECEDENT_PERIOD_SECONDS)
    return _Window(end - timedelta(days=PRECEDENT_DAYS), end, PRECEDENT_PERIOD_SECONDS)


def _arrivals(
    source: Source, number: int, found: Mapping[str, _Answer], window: _Window
) -> Arrivals:
    parts = [
        window.series(found.get(f"a{number}_{part}"))
        for part in range(len(arrival_metrics(source)))
    ]
    columns = zip(*(one.values for one in parts), strict=True)
    has_queue = waiting_metric(source) is not None
    return Arrivals(
        source=source,
        counts=replace(parts[0], values=tuple(map(_sum_of_known, columns))) if parts else None,
        waiting=window.series(found.get(f"w{number}")) if has_queue else None,
    )


def _sum_of_known(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) if known else None


def _query(
    query_id: str, metric: str, stat: str, window: _Window, function: str | None = None
) -> MetricDataQueryTypeDef:
    dimensions = {} if function is None else {"FunctionName": function}
    asked = ArrivalMetric(namespace=_NAMESPACE, name=metric, dimensions=dimensions)
    return _query_for(query_id, asked, stat, window)


def _query_for(
    query_id: str, metric: ArrivalMetric, stat: str, window: _Window
) -> MetricDataQueryTypeDef:
    return cast(
        "MetricDataQueryTypeDef",
        {
            "Id": query_id,
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [
                        {"Name": name, "Value": value} for name, value in metric.dimensions.items()
                    ],
                },
                "Period": window.period_seconds,
                "Stat": stat,
            },
        },
    )


def _batches(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    remaining = iter(dict.fromkeys(names))
    while batch := tuple(islice(remaining, size)):
        yield batch
