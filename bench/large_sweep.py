"""A sweep of more functions than one Metrics Insights query sees: calls, seconds, dollars, delay.

CloudWatch answers within this process, in AWS's pages and with AWS's limit of 10,000 metrics for a
query. All functions are active, which is the dearest case. Not counted is what botocore takes to
send a call and read its answer.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from rich.table import Table

from bench import measure
from functions.aws.detection.function_count import FunctionCount
from functions.aws.detection.lambda_metrics import CloudWatchMetrics
from functions.domain.deployment.guard_cost import SWEPT_FUNCTIONS, USD_PER_METRIC_READ
from functions.domain.detection.traffic import is_candidate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from functions.domain.detection.evidence import Series

FUNCTIONS: Final = 100_000
SWEEPS_PER_MONTH: Final = 30 * 24
MINUTES: Final = 10
FLOOR_PER_MINUTE: Final = 500
RUNAWAY_PER_MINUTE: Final = 900.0
USUAL_PER_MINUTE: Final = 3.0
QUERY_SEES: Final = 10_000
QUERY_RETURNS: Final = 500
METRICS_PER_PAGE: Final = 500
# Calls a second that AWS allows (CloudWatch user guide, *CloudWatch service quotas*).
ALLOWED_PER_SECOND: Final = {"ListMetrics": 25, "GetMetricData": 500, "GetAccountSettings": 15}
AT: Final = datetime(2026, 3, 10, 12, 2, 20, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What one way of sweeping took.

    Attributes
    ----------
    calls
        Of one sweep, by API.
    metrics
        That one sweep reads or analyses.
    seen
        Functions that one sweep sees.
    cpu_seconds
        Of one sweep, without botocore.
    sweeps
        Until the runaway was found; ``None`` for never.
    """

    name: str
    calls: Mapping[str, int]
    metrics: int
    seen: int
    cpu_seconds: float
    sweeps: int | None

    @property
    def seconds_at_rates(self) -> float:
        """One call after the other, each at AWS's rate of it."""
        return sum(number / ALLOWED_PER_SECOND[api] for api, number in self.calls.items())

    @property
    def usd_per_month(self) -> float:
        """With a sweep every hour."""
        return self.metrics * USD_PER_METRIC_READ * SWEEPS_PER_MONTH

    def document(self) -> dict[str, Any]:
        """For the report."""
        return {
            "calls": dict(self.calls),
            "metrics": self.metrics,
            "functions_seen": self.seen,
            "cpu_seconds": round(self.cpu_seconds, 2),
            "seconds_at_rates": round(self.seconds_at_rates, 2),
            "sweeps_until_found": self.sweeps,
            "usd_per_month": round(self.usd_per_month, 2),
        }


class LargeAccount:
    """Lambda's and CloudWatch's answers for many functions, of which one runs away.

    Attributes
    ----------
    names
        In the order in which CloudWatch finds them.
    calls
        By API.
    metrics
        Read or analysed.
    """

    def __init__(self, functions: int, seed: int = 7) -> None:
        self.names = [f"team-{number % 97:02}-function-{number:06}" for number in range(functions)]
        random.Random(seed).shuffle(self.names)
        # Where no query looks, and as late in the order of names as can be.
        self.runaway = max(self.names[QUERY_SEES:], default=self.names[-1])
        self.calls: Counter[str] = Counter()
        self.metrics = 0
        self.asked: set[str] = set()

    def forget(self) -> None:
        """Begin to count anew."""
        self.calls.clear()
        self.metrics = 0
        self.asked.clear()

    def get_account_settings(self) -> dict[str, Any]:
        """As Lambda answers."""
        self.calls["GetAccountSettings"] += 1
        return {"AccountUsage": {"FunctionCount": len(self.names)}}

    def get_paginator(self, _operation: str) -> LargeAccount:
        """ListMetrics is the only listing."""
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        """All functions, 500 a page."""
        for first in range(0, len(self.names), METRICS_PER_PAGE):
            self.calls["ListMetrics"] += 1
            yield {
                "Metrics": [
                    {"Dimensions": [{"Name": "FunctionName", "Value": name}]}
                    for name in self.names[first : first + METRICS_PER_PAGE]
                ]
            }

    def get_metric_data(self, **given: Any) -> dict[str, Any]:
        """The datapoints of the queries' functions, or what a Metrics Insights query returns."""
        self.calls["GetMetricData"] += 1
        queries = given["MetricDataQueries"]
        if "Expression" in queries[0]:
            seen = self.names[:QUERY_SEES]
            self.metrics += len(seen)
            self.asked.update(seen)
            leading = sorted(seen, key=lambda name: name != self.runaway)[:QUERY_RETURNS]
            return {"MetricDataResults": [self._result("leading", name) for name in leading]}
        names = [one["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for one in queries]
        self.metrics += len(names)
        self.asked.update(names)
        results = [self._result(one["Id"], name) for one, name in zip(queries, names, strict=True)]
        return {"MetricDataResults": results}

    def _result(self, query: str, name: str) -> dict[str, Any]:
        value = RUNAWAY_PER_MINUTE if name == self.runaway else USUAL_PER_MINUTE
        end = AT.replace(second=0)
        moments = [(end - timedelta(minutes=n)).timestamp() for n in range(MINUTES, 0, -1)]
        return {
            "Id": query,
            "Label": name,
            "StatusCode": "Complete",
            "Timestamps": moments,
            "Values": [value] * MINUTES,
        }


def ways(functions: int = FUNCTIONS) -> tuple[Way, ...]:
    """One query, all functions at once, and in parts as the guard does it."""
    account = LargeAccount(functions)
    metrics = CloudWatchMetrics(cast("Any", account), FunctionCount(cast("Any", account)))
    return (
        _one_query(account, metrics),
        _all_at_once(account, metrics),
        _in_parts(account, metrics),
    )


def _one_query(account: LargeAccount, metrics: CloudWatchMetrics) -> Way:
    account.forget()
    started = time.process_time()
    found = _is_found(account, metrics.busiest(AT))
    return _way("one query", account, time.process_time() - started, 1 if found else None)


def _all_at_once(account: LargeAccount, metrics: CloudWatchMetrics) -> Way:
    account.forget()
    started = time.process_time()
    part = metrics.part("", None, AT)
    found = part is not None and _is_found(account, part.series)
    return _way("all at once", account, time.process_time() - started, 1 if found else None)


def _in_parts(account: LargeAccount, metrics: CloudWatchMetrics) -> Way:
    """Sweep by sweep from the first name; the figures of one sweep are those of the first."""
    account.forget()
    first: Way | None = None
    after = ""
    for number in range(1, math.ceil(len(account.names) / SWEPT_FUNCTIONS) + 1):
        started = time.process_time()
        part = metrics.part(after, SWEPT_FUNCTIONS, AT)
        seconds = time.process_time() - started
        if part is None:
            break
        first = first or _way("in parts", account, seconds, None)
        after = part.last
        if _is_found(account, part.series):
            return Way(
                name=first.name,
                calls=first.calls,
                metrics=first.metrics,
                seen=first.seen,
                cpu_seconds=first.cpu_seconds,
                sweeps=number,
            )
    raise RuntimeError("the runaway was not found in any part")


def _is_found(account: LargeAccount, series: Mapping[str, Series]) -> bool:
    found = [name for name, one in series.items() if is_candidate(one, FLOOR_PER_MINUTE)]
    return found == [account.runaway]


def _way(name: str, account: LargeAccount, seconds: float, sweeps: int | None) -> Way:
    return Way(
        name=name,
        calls=dict(account.calls),
        metrics=account.metrics,
        seen=len(account.asked),
        cpu_seconds=seconds,
        sweeps=sweeps,
    )


def show(functions: int, found: Sequence[Way]) -> None:
    """The figures as a table."""
    title = f"sweep of {functions:,} active functions, hourly"
    table = Table(title=title, title_justify="left")
    for words in ("", "calls", "s at rates", "CPU s", "seen", "found after", "$ a month"):
        table.add_column(words, justify="right" if words else "left", no_wrap=True)
    for one in found:
        table.add_row(
            one.name,
            f"{sum(one.calls.values()):,}",
            f"{one.seconds_at_rates:.1f}",
            f"{one.cpu_seconds:.2f}",
            f"{one.seen:,}",
            "never" if one.sweeps is None else f"{one.sweeps} h",
            f"{one.usd_per_month:,.2f}",
        )
    measure.console().print(table)
    for one in found:
        print(f"{one.name}: {measure.calls_text(one.calls)}")
