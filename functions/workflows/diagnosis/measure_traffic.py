"""Measures the traffic of functions: CloudWatch is asked in three steps, the cheap first."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from functions.domain.account.inventory import FunctionDescription, Rule
from functions.domain.diagnosis.collection.failure_metrics import (
    query_group_failures,
    query_rule_failures,
)
from functions.domain.diagnosis.collection.metric_queries import MetricQuery
from functions.domain.diagnosis.collection.ports import SumReader
from functions.domain.diagnosis.collection.traffic import (
    DAY_SECONDS,
    Measured,
    compute_window,
    find_start,
    is_slow,
    make_query,
    query_log_events,
    sum_values,
    summarize_traffic,
)


def measure_traffic(
    functions: Sequence[FunctionDescription], metrics: SumReader, now: datetime
) -> dict[str, Measured]:
    """The traffic of functions, by name.

    Only those that were invoked at all are asked about further, because CloudWatch is paid by the
    metric.

    Raises
    ------
    MetricsUnavailableError
        As CloudWatch does.
    """
    window = compute_window(now)
    invocations = metrics.read_datapoints(
        [make_query(one, "Invocations") for one in functions], window
    )
    active = [one for one in functions if sum_values(invocations[make_query(one, "Invocations")])]
    fresh = [one for one in active if find_start(one, window) > window.since]
    details = metrics.read_datapoints(
        [
            *(make_query(one, "Errors") for one in active),
            *(make_query(one, "Duration", "Maximum") for one in active),
            *(make_query(one, "Duration", "p95") for one in fresh),
            *(query_log_events(one) for one in active),
        ],
        window,
    )
    settled = [one for one in active if find_start(one, window) == window.since]
    # UNCONFIRMED A-019: that a period of a day begins at midnight UTC. The datapoints of two days
    # are weighed by what was invoked since each began, which is right either way.
    slow = [one for one in active if is_slow(one, details)]
    days = metrics.read_datapoints(
        [
            *(make_query(one, "Duration", "p95") for one in settled),
            *(make_query(one, "Duration", "Average") for one in slow),
        ],
        replace(window, period_seconds=DAY_SECONDS),
    )
    found = {**invocations, **details}
    names = {one.name for one in active}
    return {
        one.name: summarize_traffic(one, found, days, window, is_active=one.name in names)
        for one in functions
    }


def count_failures(
    rules: Sequence[Rule], groups: Sequence[str], metrics: SumReader, now: datetime
) -> dict[str, int]:
    """How often targets could not be invoked within the last day; nothing of who never failed.

    Of each rule, by its ARN, and of each group of schedules, by its name.

    Raises
    ------
    MetricsUnavailableError
        As CloudWatch does.
    """
    asked = {one.arn: query_rule_failures(one) for one in rules if one.is_enabled}
    asked |= {group: query_group_failures(group) for group in groups}
    totals = count_sums(tuple(asked.values()), metrics, now)
    return {name: total for name, one in asked.items() if (total := totals[one])}


def count_sums(
    asked: Sequence[MetricQuery], metrics: SumReader, now: datetime
) -> dict[MetricQuery, int]:
    """The sum of each metric over the last day.

    Raises
    ------
    MetricsUnavailableError
        As CloudWatch does.
    """
    window = replace(compute_window(now), period_seconds=DAY_SECONDS)
    return {
        one: int(sum_values(points))
        for one, points in metrics.read_datapoints(asked, window).items()
    }
