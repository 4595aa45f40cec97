"""Who begins to fail: functions with their first errors, rules and schedules that fail to invoke.

Asked every hour, so it must cost next to nothing in quiet hours. Rules and groups of schedules have
a metric of failures only while they fail. Functions always have one of errors, so they are asked
about only when the whole account has had more errors than in any hour of the day before; a first
error that drowns in the noise of others is found by the daily round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from functions.aws.diagnosis import rule_watch, schedule_watch
from functions.aws.diagnosis.metrics import Datapoints, Family, MetricQuery, Window

HOUR_SECONDS: Final = 3600
# The hour that is running, and the one before it: a tick comes once an hour, at any minute of it.
RECENT: Final = timedelta(hours=1)
BEFORE: Final = timedelta(hours=24)

ERRORS: Final = Family(namespace="AWS/Lambda", metric="Errors", dimensions=("FunctionName",))
# UNCONFIRMED: that it exists without a dimension. Without it functions wait for the daily round.
_ACCOUNT: Final = MetricQuery(namespace="AWS/Lambda", metric="Errors", dimensions=())


class LeadingReader(Protocol):
    """CloudWatch. Both methods raise `MetricsUnavailableError`."""

    def datapoints(
        self, asked: Sequence[MetricQuery], window: Window
    ) -> Mapping[MetricQuery, Datapoints]:
        """The datapoints of each metric."""
        ...

    def leading(self, family: Family, window: Window) -> tuple[MetricQuery, ...]:
        """The members of a family with the largest sums above zero."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Names of those that failed within the hour and not on the day before.

    Attributes
    ----------
    groups
        Groups of schedules: CloudWatch does not tell one schedule from another.
    """

    functions: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def first_signs(metrics: LeadingReader, now: datetime) -> Signs:
    """Who begins to fail.

    Raises
    ------
    MetricsUnavailableError
        As CloudWatch does.
    """
    rules = [one for family in rule_watch.FAILURES for one in _beginners(family, metrics, now)]
    groups = _beginners(schedule_watch.FAILURES, metrics, now)
    account = metrics.datapoints([_ACCOUNT], _day(now))[_ACCOUNT]
    functions = _beginners(ERRORS, metrics, now) if is_unusual(account, now) else ()
    return Signs(
        functions=_values(functions, "FunctionName"),
        rules=_values(rules, "RuleName"),
        groups=_values(groups, "ScheduleGroup"),
    )


def is_unusual(points: Datapoints, now: datetime) -> bool:
    """Whether a recent hour has more than every hour of the day before it."""
    edge = _edge(now)
    recent = max((value for at, value in points if at >= edge), default=0.0)
    return recent > max((value for at, value in points if at < edge), default=0.0)


def begins(points: Datapoints, now: datetime) -> bool:
    """Whether a recent hour has some, and no hour of the day before it."""
    edge = _edge(now)
    return any(value > 0 and at >= edge for at, value in points) and not any(
        value > 0 and at < edge for at, value in points
    )


def _beginners(family: Family, metrics: LeadingReader, now: datetime) -> tuple[MetricQuery, ...]:
    # Metrics Insights looks back for some hours only, so the day before is asked of few metrics.
    failing = metrics.leading(family, _recently(now))
    if not failing:
        return ()
    days = metrics.datapoints(failing, _day(now))
    return tuple(one for one in failing if begins(days[one], now))


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _edge(now: datetime) -> datetime:
    return _hour(now) - RECENT


def _recently(now: datetime) -> Window:
    until = _hour(now) + timedelta(hours=1)
    return Window(since=_edge(now), until=until, period_seconds=HOUR_SECONDS)


def _day(now: datetime) -> Window:
    until = _hour(now) + timedelta(hours=1)
    return Window(since=_edge(now) - BEFORE, until=until, period_seconds=HOUR_SECONDS)


def _values(found: Sequence[MetricQuery], dimension: str) -> tuple[str, ...]:
    return tuple(sorted({dict(one.dimensions)[dimension] for one in found}))
