"""Measures of CloudWatch: how late, under which dimensions, and from when on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.aws.series import INSIGHTS, WATCHED
from cdk_loopbreaker.drill.measures.context import judge, leave
from functions.aws.runtime.metric_pages import build_query
from functions.domain.detection.lateness import LATEST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cdk_loopbreaker.drill.measures.context import MeasureContext
    from cdk_loopbreaker.drill.model import Finding

_ACCOUNT: Final = {
    "Invocations": "A-016",
    "ConcurrentExecutions": "A-016",
    "Throttles": "A-016",
    "Errors": "A-039",
}
_LOOKED_BACK: Final = timedelta(hours=1)
_DAY_SECONDS: Final = 86_400
_BY_RESOURCE: Final = (
    'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName, Resource)'
    " GROUP BY FunctionName, Resource ORDER BY SUM() DESC"
)


def measure_delays(context: MeasureContext) -> tuple[Finding, ...]:
    """How long after its minute each datapoint was seen first, and was complete."""
    now = context.stage.clock.now()
    worst: dict[str, float] = {}
    for series in (*(name for name, _ in WATCHED), INSIGHTS):
        delays = [one for watch in context.series for one in watch.list_delays(series, now)]
        if not delays:
            continue
        firsts = sorted(one.first_seen.total_seconds() for one in delays)
        lasts = sorted(one.complete_at_most.total_seconds() for one in delays)
        # What was seen at a look may have been there since the one before.
        worst[series] = max(one.complete_at_least.total_seconds() for one in delays)
        context.note(
            f"Datapoints of {series}",
            f"{len(delays)} minutes; first seen {firsts[0]:.0f} to {firsts[-1]:.0f} s after their"
            f" end, complete {lasts[0]:.0f} to {lasts[-1]:.0f} s after",
        )
    return (
        _judge_delays("A-050", {name: one for name, one in worst.items() if name != INSIGHTS}),
        _judge_delays("A-059", {name: one for name, one in worst.items() if name == INSIGHTS}),
    )


def _judge_delays(id_: str, worst: dict[str, float]) -> Finding:
    if not worst:
        return leave(id_, "no datapoint was settled before the drill ended")
    series, seconds = max(worst.items(), key=lambda one: one[1])
    text = f"the last one was not complete {seconds:.0f} s after its minute ({series})"
    return judge(id_, is_confirmed=seconds <= LATEST.total_seconds(), text=text)


def measure_without_dimension(context: MeasureContext) -> tuple[Finding, ...]:
    """Which series exist for the account as a whole."""
    now = context.stage.clock.now()
    queries = [
        build_query(f"m{number}", name, "Maximum" if name == "ConcurrentExecutions" else "Sum", 60)
        for number, name in enumerate(_ACCOUNT)
    ]
    found = context.stage.clients("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - _LOOKED_BACK, EndTime=now
    )
    counts = {one["Id"]: len(one["Values"]) for one in found["MetricDataResults"]}
    by_name = {name: counts.get(f"m{number}", 0) for number, name in enumerate(_ACCOUNT)}
    return tuple(
        judge(
            id_,
            is_confirmed=all(by_name[name] for name, one in _ACCOUNT.items() if one == id_),
            text=", ".join(
                f"{name}: {by_name[name]} datapoints in an hour"
                for name, one in _ACCOUNT.items()
                if one == id_
            ),
        )
        for id_ in sorted(set(_ACCOUNT.values()))
    )


def measure_day(context: MeasureContext) -> tuple[Finding, ...]:
    """When a period of a day begins."""
    now = context.stage.clock.now()
    query = build_query("day", "Invocations", "Sum", _DAY_SECONDS)
    found = context.stage.clients("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(hours=47), EndTime=now
    )
    begun: Sequence[datetime] = [
        one for result in found["MetricDataResults"] for one in result["Timestamps"]
    ]
    if not begun:
        return (leave("A-019", "CloudWatch has no datapoint of a day yet"),)
    is_midnight = all((one.hour, one.minute) == (0, 0) for one in begun)
    text = "periods of a day begin at " + ", ".join(f"{one:%H:%M} UTC" for one in begun)
    return (judge("A-019", is_confirmed=is_midnight, text=text),)


def measure_labels(context: MeasureContext) -> tuple[Finding, ...]:
    """How a series that is grouped by two dimensions is labelled."""
    now = context.stage.clock.now()
    queries: list[dict[str, Any]] = [{"Id": "two", "Expression": _BY_RESOURCE, "Period": 300}]
    found = context.stage.clients("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - _LOOKED_BACK, EndTime=now
    )
    labels = [str(one.get("Label", "")) for one in found["MetricDataResults"]]
    own = [one for one in labels if context.stage.names.id in one]
    if not own:
        return (leave("A-014", "no series of the drill's functions has both dimensions yet"),)
    parts = own[0].split()
    is_as_assumed = len(parts) == len(("FunctionName", "Resource"))
    return (judge("A-014", is_confirmed=is_as_assumed, text=f"a label is {own[0]!r}"),)
