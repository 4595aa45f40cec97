"""What CloudWatch's datapoints say about the traffic of each function."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.account.inventory import FunctionDescription
from functions.domain.diagnosis.collection.metric_queries import Datapoints, MetricQuery, Window
from functions.domain.diagnosis.facts import Traffic

LOOKBACK: Final = timedelta(days=1)
PERIOD_SECONDS: Final = 300
DAY_SECONDS: Final = 86_400
# From which share of the timeout on a function is looked at closely. Far below what is called slow:
# who is not looked at is never found.
CLOSE_LOOK: Final = 0.5
_LAMBDA: Final = "AWS/Lambda"
_P95: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The traffic of one function, and when its log group received events.

    `logged` is ``None`` where it was not asked: of a function that was not invoked.
    """

    traffic: Traffic
    logged: Datapoints | None = None


def compute_window(now: datetime) -> Window:
    """The last day in periods of five minutes, the running one included."""
    seconds = PERIOD_SECONDS
    end = datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, tz=now.tzinfo)
    return Window(since=end - LOOKBACK, until=end, period_seconds=seconds)


def make_query(function: FunctionDescription, metric: str, statistic: str = "Sum") -> MetricQuery:
    """A statistic of one of Lambda's metrics of a function."""
    return MetricQuery(
        namespace=_LAMBDA,
        metric=metric,
        dimensions=(("FunctionName", function.name),),
        statistic=statistic,
    )


def query_log_events(function: FunctionDescription) -> MetricQuery:
    """How many log events the function's log group received."""
    return MetricQuery(
        namespace="AWS/Logs",
        metric="IncomingLogEvents",
        dimensions=(("LogGroupName", log_group_of(function)),),
    )


def query_invocations(function: str, qualifier: str) -> MetricQuery:
    """How often a version or an alias was invoked.

    UNCONFIRMED A-036: that CloudWatch counts an alias under its name alone, and not under its
    version's number too. Where it is otherwise a version is judged twice, with the same
    configuration.
    """
    return MetricQuery(
        namespace=_LAMBDA,
        metric="Invocations",
        dimensions=(("FunctionName", function), ("Resource", f"{function}:{qualifier}")),
    )


def log_group_of(function: FunctionDescription) -> str:
    """The log group that a function writes to."""
    return function.log_group or f"/aws/lambda/{function.name}"


def find_start(function: FunctionDescription, window: Window) -> datetime:
    """From when on the datapoints tell of the function as it is configured now."""
    changed = function.last_modified
    if changed is None or changed <= window.since:
        return window.since
    return min(changed, window.until)


def is_slow(function: FunctionDescription, found: Mapping[MetricQuery, Datapoints]) -> bool:
    """Whether some invocation took so long that a close look is worth it."""
    longest = max((v for _, v in found[make_query(function, "Duration", "Maximum")]), default=0.0)
    return longest >= CLOSE_LOOK * 1000 * function.timeout_seconds


def summarize_traffic(
    function: FunctionDescription,
    found: Mapping[MetricQuery, Datapoints],
    days: Mapping[MetricQuery, Datapoints],
    window: Window,
    *,
    is_active: bool,
) -> Measured:
    """What was measured of one function.

    Parameters
    ----------
    found, days
        Datapoints of five minutes, and of whole days.
    is_active
        Whether the function was invoked at all: others are not asked about further.
    """
    since = find_start(function, window)

    def get_points(metric: str, statistic: str = "Sum") -> Datapoints:
        return _select_since(found.get(make_query(function, metric, statistic), ()), since, window)

    invocations = tuple(one for one in get_points("Invocations") if one[1] > 0)
    p95 = days.get(make_query(function, "Duration", "p95"))
    mean = days.get(make_query(function, "Duration", "Average"), ())
    traffic = Traffic(
        since=since,
        until=window.until,
        invocations=sum_values(invocations),
        errors=sum_values(get_points("Errors")) if is_active else None,
        first_invoked_at=invocations[0][0] if invocations else None,
        last_invoked_at=invocations[-1][0] if invocations else None,
        # Of a fresh function the day's mean is one of both sides of its change: near enough for an
        # estimate of its price, which REPORT lines tell better.
        mean_duration_ms=_weigh(mean, invocations, DAY_SECONDS),
        p95_duration_ms=(
            _estimate_p95(get_points("Duration", "p95"), invocations)
            if p95 is None
            else _weigh(p95, invocations, DAY_SECONDS)
        ),
        max_duration_ms=max(
            (value for _, value in get_points("Duration", "Maximum")), default=None
        ),
    )
    logged = None
    if is_active:
        logged = tuple(
            one
            for one in _select_since(found.get(query_log_events(function), ()), since, window)
            if one[1] > 0
        )
    return Measured(traffic=traffic, logged=logged)


def sum_values(points: Datapoints) -> float:
    """The sum over all periods."""
    return sum(value for _, value in points)


def _select_since(points: Datapoints, since: datetime, window: Window) -> Datapoints:
    """The datapoints of the time from `since` on.

    A period in which the function was changed tells of both sides of the change: it is left out,
    unless the change was before the window.
    """
    if since == window.since:
        return points
    return tuple(one for one in points if one[0] >= since)


def _weigh(points: Datapoints, invocations: Datapoints, period_seconds: int) -> float | None:
    """The mean of datapoints, each counted by the invocations of its period."""
    period = timedelta(seconds=period_seconds)
    weights = [
        sum(count for at, count in invocations if start <= at < start + period)
        for start, _ in points
    ]
    total = sum(weights)
    if not total:
        return points[-1][1] if points else None
    return sum(w * value for w, (_, value) in zip(weights, points, strict=True)) / total


def _estimate_p95(points: Datapoints, invocations: Datapoints) -> float | None:
    """A 95th percentile out of those of many short periods: never below the true one by much.

    Short periods hold few invocations, so their percentiles are nearly their maxima; the value that
    95 % of the invocations stay below in this sense is the best that they can tell.
    """
    counts = dict(invocations)
    ordered = sorted((value, counts.get(at, 0.0)) for at, value in points)
    total = sum(count for _, count in ordered)
    seen = 0.0
    for value, count in ordered:
        seen += count
        if seen >= _P95 * total:
            return value
    return ordered[-1][0] if ordered else None
