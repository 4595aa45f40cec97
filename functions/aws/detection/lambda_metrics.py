"""CloudWatch's metrics of Lambda, in as few and as large calls as its limits allow.

A GetMetricData call takes 500 queries and answers up to 100,800 datapoints a page; a Metrics
Insights query finds the 500 busiest of up to 10,000 functions (CloudWatch API, *GetMetricData*;
CloudWatch user guide, *CloudWatch Metrics Insights quotas*). UNCONFIRMED A-057: how long AWS takes
for so many datapoints; so a call asks for fewer.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.aws.runtime.metric_pages import FAILED, INCOMPLETE, build_query, read_pages
from functions.aws.runtime.observability import logger
from functions.domain.detection.arrivals import (
    Arrivals,
    choose_waiting_metric,
    list_arrival_metrics,
)
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
    AccountSeries,
    RecentSeries,
    floor_to,
)
from functions.domain.errors import MetricsUnavailableError
from functions.domain.ports import SurveyPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

    from functions.domain.detection.arrivals import ArrivalMetric, Source
    from functions.domain.detection.evidence import (
        Series,
    )
from functions.aws.detection.datapoints import (
    LEADING,
    MetricWindow,
    QueryAnswer,
    add_to_answer,
    busiest_window,
    precedent_window,
    put_leading_first,
    recent_window,
    sum_known,
)

IAM_ACTIONS: Final = frozenset({"cloudwatch:GetMetricData", "cloudwatch:ListMetrics"})
_NAMESPACE: Final = "AWS/Lambda"
_IN_INSIGHTS: Final = {"Sum": "SUM", "Maximum": "MAX"}
# Of what SELECT, FROM and WHERE match, a query processes the first 10,000 metrics that it finds. Of
# WHERE only comparisons of whole values are documented: it cannot cut an account into parts.
_MOST_IN_INSIGHTS: Final = 10_000
# What a part may take of the two minutes that `contain` has.
_PART_SECONDS: Final = 50.0
_SIDE_BY_SIDE: Final = 4
_MOST_QUERIES: Final = 500
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

        UNCONFIRMED A-016: that each of them exists without a dimension. One that does not is empty.
        """
        window = recent_window(now)
        found = self._get(
            [_build_query(name, metric, stat, window) for name, metric, stat in _ACCOUNT], window
        )
        return AccountSeries(**{name: window.series(found.get(name)) for name, _, _ in _ACCOUNT})

    def account_precedent(self, now: datetime) -> Series:
        """14 days of account-wide Invocations, up to where the recent series begin."""
        window = precedent_window(now)
        found = self._get([_build_query("p", "Invocations", "Sum", window)], window)
        return window.series(found.get("p"))

    def busiest(self, now: datetime) -> Mapping[str, Series]:
        """The last 10 minutes of the busiest functions (at most 500), the busiest first."""
        return self._find_leading("Invocations", "Sum", now)

    def part(self, after: str, most: int | None, now: datetime) -> SurveyPart | None:
        """The last 10 minutes of functions that follow `after` by name.

        Only functions with metrics within 3 hours are read. ListMetrics lists a new one up to 15
        minutes late (CloudWatch API, *ListMetrics*).
        """
        count = self._count()
        if count is None or count <= _MOST_IN_INSIGHTS:
            return None
        deadline = self._clock() + _PART_SECONDS
        names = sorted(self._list_active("Invocations"))
        start = bisect_right(names, after)
        chosen = (names[start:] + names[:start])[:most]
        series, seen = self._in_time(chosen, busiest_window(now), deadline)
        return SurveyPart(
            series=put_leading_first(series),
            active=len(names),
            seen=seen,
            last=chosen[seen - 1] if seen else after,
        )

    def _in_time(
        self, names: Sequence[str], window: MetricWindow, deadline: float
    ) -> tuple[dict[str, Series], int]:
        """The Invocations of as many as can be read by the deadline, and how many these are."""
        series: dict[str, Series] = {}
        batches = tuple(_split_batches(names, _MOST_QUERIES))
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="part") as pool:
            for first in range(0, len(batches), _SIDE_BY_SIDE):
                if self._clock() >= deadline:
                    break
                some = batches[first : first + _SIDE_BY_SIDE]
                for found in pool.map(
                    lambda batch: self._query_batch(batch, "Invocations", "Sum", window), some
                ):
                    series |= found
        return series, len(series)

    def most_concurrent(self, now: datetime) -> Mapping[str, Series]:
        """The last 10 minutes of concurrent executions, the highest first."""
        return self._find_leading("ConcurrentExecutions", "Maximum", now)

    def dropped(self, now: datetime) -> Mapping[str, Series]:
        """The last 10 minutes of the functions of which AWS dropped recursive invocations."""
        leading = self._find_leading("RecursiveInvocationsDropped", "Sum", now)
        return {name: series for name, series in leading.items() if any(series.values)}

    def recent(
        self, functions: Sequence[str], now: datetime, since: datetime | None = None
    ) -> Mapping[str, RecentSeries]:
        """3 h of 1-minute datapoints up to the last minute that is over, or all of them since then.

        CloudWatch keeps them for 15 days (CloudWatch user guide, *Metrics retention*).
        """
        window = recent_window(now, since)
        recent: dict[str, RecentSeries] = {}
        many = _RECENT_FUNCTIONS * RECENT_MINUTES // window.length
        for names in _split_batches(functions, max(1, many)):
            found = self._get(
                [
                    _build_query(f"{metric.lower()}_{index}", metric, stat, window, function)
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
        window = recent_window(now)
        series: dict[str, Series] = {}
        for names in _split_batches(functions, _INVOCATIONS_FUNCTIONS):
            series |= self._query_batch(names, "Invocations", "Sum", window)
        return series

    def precedent(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """14 days of 5-minute sums, up to where the recent series begin."""
        window = precedent_window(now)
        precedent: dict[str, Series] = {}
        for names in _split_batches(functions, _PRECEDENT_FUNCTIONS):
            found = self._get(
                [
                    _build_query(f"p{index}", "Invocations", "Sum", window, function)
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
        window = MetricWindow(
            floor_to(start, MINUTE_SECONDS), floor_to(end, MINUTE_SECONDS), MINUTE_SECONDS
        )
        queries: dict[str, MetricDataQueryTypeDef] = {}
        for number, source in enumerate(sources):
            for part, metric in enumerate(list_arrival_metrics(source)):
                name = f"a{number}_{part}"
                queries[name] = _build_arrival_query(name, metric, "Sum", window)
            waiting = choose_waiting_metric(source)
            if waiting is not None:
                queries[f"w{number}"] = _build_arrival_query(
                    f"w{number}", waiting, "Maximum", window
                )
        found: dict[str, QueryAnswer] = {}
        for names in _split_batches(queries, _MOST_QUERIES):
            found |= self._get([queries[name] for name in names], window)
        return tuple(
            _build_arrivals(source, number, found, window) for number, source in enumerate(sources)
        )

    def peaks(self, function: str, now: datetime) -> Series:
        """See the port."""
        window = precedent_window(now)
        query = _build_query("peaks", "ConcurrentExecutions", "Maximum", window, function)
        return window.series(self._get([query], window).get("peaks"))

    def lag(self, function: str, start: datetime, end: datetime) -> Series:
        """See the port."""
        window = MetricWindow(
            floor_to(start, MINUTE_SECONDS), floor_to(end, MINUTE_SECONDS), MINUTE_SECONDS
        )
        found = self._get([_build_query("lag", "IteratorAge", "Maximum", window, function)], window)
        return window.series(found.get("lag"))

    def _find_leading(self, metric: str, stat: str, now: datetime) -> dict[str, Series]:
        window = busiest_window(now)
        try:
            series = self._query_insights(metric, stat, window)
        except _InsightsUnavailableError as error:
            logger.warning("Metrics Insights does not answer", error=str(error))
            series = self._query_one_by_one(metric, stat, window)
        return put_leading_first(series)

    def _query_insights(self, metric: str, stat: str, window: MetricWindow) -> dict[str, Series]:
        query: MetricDataQueryTypeDef = {
            "Id": "leading",
            "Expression": LEADING.format(metric=metric, stat=_IN_INSIGHTS[stat]),
            "Period": window.period_seconds,
        }
        found: dict[str, QueryAnswer] = defaultdict(QueryAnswer)
        try:
            for entry in self._read_pages([query], window):
                add_to_answer(found[entry["Label"]], entry)
        except AWS_ERRORS as error:
            # Refused, unknown to this Region, over its own quota of 10 a second: the slow way
            # may still be open.
            if isinstance(error, ClientError):
                raise _InsightsUnavailableError(get_message(error)) from error
            raise MetricsUnavailableError(get_message(error)) from error
        if any(one.status in FAILED for one in found.values()):
            raise _InsightsUnavailableError("internal error")
        # The label of a series is the value that it is grouped by; a name holds no blank.
        return {
            label.split()[-1]: window.series(one) for label, one in found.items() if label.split()
        }

    def _query_one_by_one(self, metric: str, stat: str, window: MetricWindow) -> dict[str, Series]:
        """All functions that were active within 3 hours, in batches."""
        series: dict[str, Series] = {}
        for batch in _split_batches(self._list_active(metric), _MOST_QUERIES):
            series |= self._query_batch(batch, metric, stat, window)
        return series

    def _list_active(self, metric: str) -> tuple[str, ...]:
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
            raise MetricsUnavailableError(get_message(error)) from error
        return tuple(names)

    def _query_batch(
        self, names: Sequence[str], metric: str, stat: str, window: MetricWindow
    ) -> dict[str, Series]:
        found = self._get(
            [
                _build_query(f"m{index}", metric, stat, window, name)
                for index, name in enumerate(names)
            ],
            window,
        )
        return {name: window.series(found.get(f"m{index}")) for index, name in enumerate(names)}

    def _get(
        self, queries: Sequence[MetricDataQueryTypeDef], window: MetricWindow
    ) -> dict[str, QueryAnswer]:
        """The answers by query id; what CloudWatch failed to read is asked for once more.

        Raises
        ------
        MetricsUnavailableError
            When it then still fails: a gap would pass for a function that stands still.
        """
        found = self._ask(queries, window)
        failed = [one for one in queries if found[one["Id"]].status in INCOMPLETE]
        if failed:
            found.update(self._ask(failed, window))
        lost = sorted(one["Id"] for one in failed if found[one["Id"]].status in INCOMPLETE)
        if lost:
            raise MetricsUnavailableError(f"CloudWatch failed to read {', '.join(lost)}")
        return found

    def _ask(
        self, queries: Sequence[MetricDataQueryTypeDef], window: MetricWindow
    ) -> dict[str, QueryAnswer]:
        found: dict[str, QueryAnswer] = {one["Id"]: QueryAnswer() for one in queries}
        try:
            for entry in self._read_pages(queries, window):
                add_to_answer(found[entry["Id"]], entry)
        except AWS_ERRORS as error:
            raise MetricsUnavailableError(get_message(error)) from error
        return found

    def _read_pages(
        self, queries: Sequence[MetricDataQueryTypeDef], window: MetricWindow
    ) -> Iterator[Mapping[str, Any]]:
        return read_pages(self._client.get_metric_data, queries, window.start, window.end)


class _InsightsUnavailableError(Exception):
    """When a Metrics Insights query is refused or fails."""


def _build_arrivals(
    source: Source, number: int, found: Mapping[str, QueryAnswer], window: MetricWindow
) -> Arrivals:
    parts = [
        window.series(found.get(f"a{number}_{part}"))
        for part in range(len(list_arrival_metrics(source)))
    ]
    columns = zip(*(one.values for one in parts), strict=True)
    has_queue = choose_waiting_metric(source) is not None
    return Arrivals(
        source=source,
        counts=replace(parts[0], values=tuple(map(sum_known, columns))) if parts else None,
        waiting=window.series(found.get(f"w{number}")) if has_queue else None,
    )


def _build_query(
    query_id: str, metric: str, stat: str, window: MetricWindow, function: str | None = None
) -> MetricDataQueryTypeDef:
    dimensions = None if function is None else {"FunctionName": function}
    return build_query(query_id, metric, stat, window.period_seconds, dimensions)


def _build_arrival_query(
    query_id: str, metric: ArrivalMetric, stat: str, window: MetricWindow
) -> MetricDataQueryTypeDef:
    return build_query(
        query_id,
        metric.name,
        stat,
        window.period_seconds,
        metric.dimensions,
        namespace=metric.namespace,
    )


def _split_batches(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    remaining = iter(dict.fromkeys(names))
    while batch := tuple(islice(remaining, size)):
        yield batch
