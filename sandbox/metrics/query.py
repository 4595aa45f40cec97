"""Answers metric data queries: statistics of single metrics, metric math, Metrics Insights."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.metrics import insights, statistics
from sandbox.metrics.math import Expression, MathError
from sandbox.metrics.store import dimensions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.metrics.math import Line, Value
    from sandbox.metrics.store import MetricStore

MAX_QUERIES = 500
SECONDS = 60

_WORD = re.compile(r"\w+")


class QueryValidationError(ValueError):
    """When CloudWatch would answer ``ValidationError``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One line of data that a query yields; minutes since the epoch, ascending."""

    query_id: str
    label: str
    values: Line
    period_seconds: int
    attributes: tuple[tuple[str, str], ...] = field(default=())


def period_minutes(seconds: Any) -> int:
    """A query's period in minutes; only multiples of a minute are stored."""
    number = int(seconds or SECONDS)
    if number < SECONDS or number % SECONDS:
        raise QueryValidationError(
            f"The parameter Period must be a multiple of {SECONDS}, but is {number}."
        )
    return number // SECONDS


def evaluate(
    queries: Sequence[dict[str, Any]],
    store: MetricStore,
    low: int,
    high: int,
    *,
    is_aligned: bool = False,
) -> list[Answer]:
    """Answer the queries over the minutes ``[low, high)``, with what is published now.

    Buckets start at multiples of the period, as in GetMetricData, or at ``low`` when the caller
    has aligned the range itself, as an alarm does.
    """
    _check(queries)
    return _Evaluation(queries, store, low, high, is_aligned=is_aligned).answers()


def _check(queries: Sequence[dict[str, Any]]) -> None:
    if not queries:
        raise QueryValidationError("The parameter MetricDataQueries is required.")
    if len(queries) > MAX_QUERIES:
        raise QueryValidationError(
            f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}."
        )
    ids = [query.get("Id", "") for query in queries]
    if len(set(ids)) != len(ids):
        raise QueryValidationError("The values of Id in MetricDataQueries must be unique.")
    selects = [q for q in queries if insights.looks_like_insights(q.get("Expression") or "")]
    if len(selects) > 1:
        raise QueryValidationError(
            "Only one Metrics Insights query is allowed in a GetMetricData request."
        )
    for query in queries:
        if bool(query.get("Expression")) == bool(query.get("MetricStat")):
            raise QueryValidationError(
                f"The query {query.get('Id')} must have either MetricStat or Expression."
            )


class _Evaluation:
    """One request's queries, each computed once however many others refer to it."""

    def __init__(
        self,
        queries: Sequence[dict[str, Any]],
        store: MetricStore,
        low: int,
        high: int,
        *,
        is_aligned: bool,
    ) -> None:
        self._queries = {query.get("Id", ""): query for query in queries}
        self._store = store
        self._now = store.now()
        self._low = low
        self._high = high
        self._is_aligned = is_aligned
        self._known: dict[str, list[Answer]] = {}
        self._running: set[str] = set()
        stats = [q["MetricStat"] for q in queries if q.get("MetricStat")]
        self._longest = max((period_minutes(stat.get("Period")) for stat in stats), default=1)

    def answers(self) -> list[Answer]:
        return [
            answer
            for name, query in self._queries.items()
            if query.get("ReturnData", True) not in (False, "false")
            for answer in self._answer(name)
        ]

    def _range(self, period: int) -> tuple[int, int]:
        if self._is_aligned:
            return self._low, self._high
        return self._low // period * period, -(-self._high // period) * period

    def _answer(self, name: str) -> list[Answer]:
        known = self._known.get(name)
        if known is not None:
            return known
        if name in self._running:
            raise QueryValidationError(f"Error in expression '{name}': it refers to itself")
        self._running.add(name)
        query = self._queries[name]
        if query.get("MetricStat"):
            answers = [self._statistic(name, query)]
        elif insights.looks_like_insights(query["Expression"]):
            answers = self._insights(name, query)
        else:
            answers = self._math(name, query)
        self._running.discard(name)
        self._known[name] = answers
        return answers

    def _statistic(self, name: str, query: dict[str, Any]) -> Answer:
        wanted = query["MetricStat"]
        metric = wanted["Metric"]
        period = period_minutes(wanted.get("Period"))
        statistic = wanted.get("Stat") or "Average"
        if not statistics.is_known(statistic):
            raise QueryValidationError(
                f"The value {statistic} for parameter Stat is not supported."
            )
        dimensions = dimensions_of({d["Name"]: d["Value"] for d in metric.get("Dimensions") or []})
        key = (metric.get("Namespace", ""), metric.get("MetricName", ""), dimensions)
        low, high = self._range(period)
        with self._store.lock:
            series = self._store.series(key)
            values = (
                statistics.values_of(series, statistic, low, high, period, now=self._now)
                if series is not None
                else {}
            )
        return Answer(
            query_id=name,
            label=query.get("Label") or metric.get("MetricName", name),
            values=values,
            period_seconds=period * SECONDS,
        )

    def _insights(self, name: str, query: dict[str, Any]) -> list[Answer]:
        try:
            parsed = insights.parse(query["Expression"])
        except insights.InsightsSyntaxError as error:
            raise QueryValidationError(str(error)) from error
        period = period_minutes(query.get("Period"))
        low, high = self._range(period)
        return [
            Answer(
                query_id=name,
                label=series.label or query.get("Label") or name,
                values=series.values,
                period_seconds=period * SECONDS,
                attributes=series.attributes,
            )
            for series in insights.run(parsed, self._store, low, high, period, now=self._now)
        ]

    def _math(self, name: str, query: dict[str, Any]) -> list[Answer]:
        period = period_minutes(query["Period"]) if query.get("Period") else self._longest
        low, high = self._range(period)
        referred: dict[str, Value] = {}
        words = set(_WORD.findall(query["Expression"]))
        for other, asked in self._queries.items():
            is_named = other in words or asked.get("MetricStat")
            if other != name and is_named:
                lines = [answer.values for answer in self._answer(other)]
                referred[other] = lines[0] if len(lines) == 1 else lines
        try:
            lines = Expression(
                query["Expression"],
                lines=referred,
                metric_ids=[i for i, q in self._queries.items() if q.get("MetricStat")],
                buckets=range(low, high, period),
            ).value()
        except MathError as error:
            raise QueryValidationError(str(error)) from error
        label = query.get("Label") or name
        return [
            Answer(query_id=name, label=label, values=line, period_seconds=period * SECONDS)
            for line in lines
        ]
