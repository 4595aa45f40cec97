"""What CloudWatch's datapoints say of each function: asked for in three steps, the cheap first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from functions.aws.diagnosis.metrics import Datapoints, MetricQuery, Window
from functions.aws.diagnosis.rule_watch import failures_of
from functions.aws.diagnosis.schedule_watch import failures_in
from functions.domain.account.inventory import FunctionDescription, Rule
from functions.domain.diagnosis.facts import CallerKind, DenialSource, NamedCaller, Traffic

LOOKBACK: Final = timedelta(days=1)
PERIOD_SECONDS: Final = 300
DAY_SECONDS: Final = 86_400
# From which share of the timeout on a function is looked at closely. Far below what is called slow:
# who is not looked at is never found.
CLOSE_LOOK: Final = 0.5
SOURCES: Final[Mapping[CallerKind, DenialSource]] = {
    CallerKind.STATE_MACHINE: DenialSource.STATE_MACHINE,
    CallerKind.DESTINATION: DenialSource.DESTINATION,
}
_LAMBDA: Final = "AWS/Lambda"
_P95: Final = 0.95


class SumReader(Protocol):
    """CloudWatch."""

    def datapoints(
        self, asked: Sequence[MetricQuery], window: Window
    ) -> Mapping[MetricQuery, Datapoints]:
        """The datapoints of each metric. Raises `MetricsUnavailableError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The traffic of one function, and when its log group received events.

    `logged` is ``None`` where it was not asked: of a function that was not invoked.
    """

    traffic: Traffic
    logged: Datapoints | None = None


def window_at(now: datetime) -> Window:
    """The last day in periods of five minutes, the running one included."""
    seconds = PERIOD_SECONDS
    end = datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, tz=now.tzinfo)
    return Window(since=end - LOOKBACK, until=end, period_seconds=seconds)


def measure(
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
    window = window_at(now)
    invocations = metrics.datapoints([_asked(one, "Invocations") for one in functions], window)
    active = [one for one in functions if _total(invocations[_asked(one, "Invocations")])]
    fresh = [one for one in active if _began(one, window) > window.since]
    details = metrics.datapoints(
        [
            *(_asked(one, "Errors") for one in active),
            *(_asked(one, "Duration", "Maximum") for one in active),
            *(_asked(one, "Duration", "p95") for one in fresh),
            *(incoming(one) for one in active),
        ],
        window,
    )
    settled = [one for one in active if _began(one, window) == window.since]
    # UNCONFIRMED: that a period of a day begins at midnight UTC. The datapoints of two days are
    # weighed by what was invoked since each began, which is right either way.
    slow = [one for one in active if _is_slow(one, details)]
    days = metrics.datapoints(
        [
            *(_asked(one, "Duration", "p95") for one in settled),
            *(_asked(one, "Duration", "Average") for one in slow),
        ],
        replace(window, period_seconds=DAY_SECONDS),
    )
    found = {**invocations, **details}
    names = {one.name for one in active}
    return {
        one.name: _measured(one, found, days, window, is_active=one.name in names)
        for one in functions
    }


def failures(
    rules: Sequence[Rule], groups: Sequence[str], metrics: SumReader, now: datetime
) -> dict[str, int]:
    """How often targets could not be invoked within the last day; nothing of who never failed.

    Of each rule, by its ARN, and of each group of schedules, by its name.

    Raises
    ------
    MetricsUnavailableError
        As CloudWatch does.
    """
    asked = {one.arn: failures_of(one) for one in rules if one.is_enabled}
    asked |= {group: failures_in(group) for group in groups}
    totals = counted(tuple(asked.values()), metrics, now)
    return {name: total for name, one in asked.items() if (total := totals[one])}


def counted(
    asked: Sequence[MetricQuery], metrics: SumReader, now: datetime
) -> dict[MetricQuery, int]:
    """The sum of each metric over the last day.

    Raises
    ------
    MetricsUnavailableError
        As CloudWatch does.
    """
    window = replace(window_at(now), period_seconds=DAY_SECONDS)
    return {one: int(_total(points)) for one, points in metrics.datapoints(asked, window).items()}


def failed_calls(caller: NamedCaller) -> MetricQuery | None:
    """What counts the failures of a caller; ``None`` where CloudWatch does not tell of one.

    A schedule's failures are counted for its whole group only: see `failures`.
    """
    match caller.kind:
        case CallerKind.STATE_MACHINE:
            return MetricQuery(
                namespace="AWS/States",
                metric="ExecutionsFailed",
                dimensions=(("StateMachineArn", caller.arn),),
            )
        case CallerKind.DESTINATION:
            name = caller.arn.partition(":function:")[2].partition(":")[0]
            return MetricQuery(
                namespace=_LAMBDA,
                metric="DestinationDeliveryFailures",
                dimensions=(("FunctionName", name),),
            )
        case _:
            return None


def invocations_of(function: str, qualifier: str) -> MetricQuery:
    """How often a version or an alias was invoked.

    UNCONFIRMED: that CloudWatch counts an alias under its name alone, and not under its version's
    number too. Where it is otherwise a version is judged twice, with the same configuration.
    """
    return MetricQuery(
        namespace=_LAMBDA,
        metric="Invocations",
        dimensions=(("FunctionName", function), ("Resource", f"{function}:{qualifier}")),
    )


def incoming(function: FunctionDescription) -> MetricQuery:
    """How many log events the function's log group received."""
    return MetricQuery(
        namespace="AWS/Logs",
        metric="IncomingLogEvents",
        dimensions=(("LogGroupName", log_group_of(function)),),
    )


def log_group_of(function: FunctionDescription) -> str:
    """The log group that a function writes to."""
    return function.log_group or f"/aws/lambda/{function.name}"


def _is_slow(function: FunctionDescription, found: Mapping[MetricQuery, Datapoints]) -> bool:
    """Whether some invocation took so long that a close look is worth it."""
    longest = max((v for _, v in found[_asked(function, "Duration", "Maximum")]), default=0.0)
    return longest >= CLOSE_LOOK * 1000 * function.timeout_seconds


def _asked(function: FunctionDescription, metric: str, statistic: str = "Sum") -> MetricQuery:
    return MetricQuery(
        namespace=_LAMBDA,
        metric=metric,
        dimensions=(("FunctionName", function.name),),
        statistic=statistic,
    )


def _began(function: FunctionDescription, window: Window) -> datetime:
    """From when on the datapoints tell of the function as it is configured now."""
    changed = function.last_modified
    if changed is None or changed <= window.since:
        return window.since
    return min(changed, window.until)


def _measured(
    function: FunctionDescription,
    found: Mapping[MetricQuery, Datapoints],
    days: Mapping[MetricQuery, Datapoints],
    window: Window,
    *,
    is_active: bool,
) -> Measured:
    since = _began(function, window)

    def points(metric: str, statistic: str = "Sum") -> Datapoints:
        return _from(found.get(_asked(function, metric, statistic), ()), since, window)

    invocations = tuple(one for one in points("Invocations") if one[1] > 0)
    p95 = days.get(_asked(function, "Duration", "p95"))
    mean = days.get(_asked(function, "Duration", "Average"), ())
    traffic = Traffic(
        since=since,
        until=window.until,
        invocations=_total(invocations),
        errors=_total(points("Errors")) if is_active else None,
        first_invoked_at=invocations[0][0] if invocations else None,
        last_invoked_at=invocations[-1][0] if invocations else None,
        # Of a fresh function the day's mean is one of both sides of its change: near enough for an
        # estimate of its price, which REPORT lines tell better.
        mean_duration_ms=_weighed(mean, invocations, DAY_SECONDS),
        p95_duration_ms=(
            _upper(points("Duration", "p95"), invocations)
            if p95 is None
            else _weighed(p95, invocations, DAY_SECONDS)
        ),
        max_duration_ms=max((value for _, value in points("Duration", "Maximum")), default=None),
    )
    logged = None
    if is_active:
        logged = tuple(
            one for one in _from(found.get(incoming(function), ()), since, window) if one[1] > 0
        )
    return Measured(traffic=traffic, logged=logged)


def _from(points: Datapoints, since: datetime, window: Window) -> Datapoints:
    """The datapoints of the time from `since` on.

    A period in which the function was changed tells of both sides of the change: it is left out,
    unless the change was before the window.
    """
    if since == window.since:
        return points
    return tuple(one for one in points if one[0] >= since)


def _total(points: Datapoints) -> float:
    return sum(value for _, value in points)


def _weighed(points: Datapoints, invocations: Datapoints, period_seconds: int) -> float | None:
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


def _upper(points: Datapoints, invocations: Datapoints) -> float | None:
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
