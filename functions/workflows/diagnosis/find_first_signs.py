"""Finds who begins to fail: functions with first errors, rules and schedules that fail to invoke.

Asked every hour, so it must cost next to nothing in quiet hours. Rules and groups of schedules have
a metric of failures only while they fail. Functions always have one of errors, so they are asked
about only when the whole account has had more errors than in any hour of the day before; a first
error that drowns in the noise of others is found by the daily round.
"""

from collections.abc import Sequence
from datetime import datetime

from functions.domain.diagnosis.collection.failure_metrics import RULE_FAILURES, SCHEDULE_FAILURES
from functions.domain.diagnosis.collection.first_signs import (
    ACCOUNT_ERRORS,
    ERRORS,
    Signs,
    begins,
    compute_day_window,
    compute_recent_window,
    is_unusual,
)
from functions.domain.diagnosis.collection.metric_queries import Family, MetricQuery
from functions.domain.diagnosis.collection.ports import LeadingReader


def find_first_signs(metrics: LeadingReader, now: datetime) -> Signs:
    """Who begins to fail.

    Raises
    ------
    MetricsUnavailableError
        As CloudWatch does.
    """
    rules = [one for family in RULE_FAILURES for one in _find_beginners(family, metrics, now)]
    groups = _find_beginners(SCHEDULE_FAILURES, metrics, now)
    account = metrics.read_datapoints([ACCOUNT_ERRORS], compute_day_window(now))[ACCOUNT_ERRORS]
    functions = _find_beginners(ERRORS, metrics, now) if is_unusual(account, now) else ()
    return Signs(
        functions=_list_values(functions, "FunctionName"),
        rules=_list_values(rules, "RuleName"),
        groups=_list_values(groups, "ScheduleGroup"),
    )


def _find_beginners(
    family: Family, metrics: LeadingReader, now: datetime
) -> tuple[MetricQuery, ...]:
    # Metrics Insights looks back for some hours only, so the day before is asked of few metrics.
    failing = metrics.find_leading(family, compute_recent_window(now))
    if not failing:
        return ()
    days = metrics.read_datapoints(failing, compute_day_window(now))
    return tuple(one for one in failing if begins(days[one], now))


def _list_values(found: Sequence[MetricQuery], dimension: str) -> tuple[str, ...]:
    return tuple(sorted({dict(one.dimensions)[dimension] for one in found}))
