"""Which datapoints are first signs of trouble."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.diagnosis.collection.metric_queries import (
    Datapoints,
    Family,
    MetricQuery,
    Window,
)

HOUR_SECONDS: Final = 3600
# The hour that is running, and the one before it: a tick comes once an hour, at any minute of it.
RECENT: Final = timedelta(hours=1)
BEFORE: Final = timedelta(hours=24)

ERRORS: Final = Family(namespace="AWS/Lambda", metric="Errors", dimensions=("FunctionName",))
# UNCONFIRMED A-039: that it exists without a dimension. Without it functions wait for the daily
# round.
ACCOUNT_ERRORS: Final = MetricQuery(namespace="AWS/Lambda", metric="Errors", dimensions=())


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


def is_unusual(points: Datapoints, now: datetime) -> bool:
    """Whether a recent hour has more than every hour of the day before it."""
    edge = _find_edge(now)
    recent = max((value for at, value in points if at >= edge), default=0.0)
    return recent > max((value for at, value in points if at < edge), default=0.0)


def begins(points: Datapoints, now: datetime) -> bool:
    """Whether a recent hour has some, and no hour of the day before it."""
    edge = _find_edge(now)
    return any(value > 0 and at >= edge for at, value in points) and not any(
        value > 0 and at < edge for at, value in points
    )


def _floor_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _find_edge(now: datetime) -> datetime:
    return _floor_hour(now) - RECENT


def compute_recent_window(now: datetime) -> Window:
    """The hour that is running, and the one before it."""
    until = _floor_hour(now) + timedelta(hours=1)
    return Window(since=_find_edge(now), until=until, period_seconds=HOUR_SECONDS)


def compute_day_window(now: datetime) -> Window:
    """The same with the day before."""
    until = _floor_hour(now) + timedelta(hours=1)
    return Window(since=_find_edge(now) - BEFORE, until=until, period_seconds=HOUR_SECONDS)
