"""CloudWatch's series of a drill's functions, and how late their datapoints come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from functions.aws.runtime.metric_pages import build_query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cdk_loopbreaker.drill.aws.clients import Clients

MINUTE: Final = timedelta(minutes=1)
WATCHED: Final = (
    ("Invocations", "Sum"),
    ("ConcurrentExecutions", "Maximum"),
    ("Duration", "Average"),
    ("Errors", "Sum"),
    ("Throttles", "Sum"),
)
INSIGHTS: Final = "Invocations by Metrics Insights"
_INSIGHTS_QUERY: Final = (
    'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) GROUP BY FunctionName'
    " ORDER BY SUM() DESC"
)
_LOOKED_BACK: Final = timedelta(minutes=12)
_SETTLED: Final = timedelta(minutes=10)


@dataclass(slots=True)
class _Seen:
    """A datapoint: when it was seen first, when it changed last, and the look before that."""

    first_at: datetime
    changed_at: datetime
    changed_after: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long after its minute a datapoint was seen first, and when it was complete."""

    first_seen: timedelta
    complete_at_least: timedelta
    complete_at_most: timedelta


@dataclass(slots=True)
class SeriesWatch:
    """Watches when each datapoint of a function's series is seen first, and when it changed last.

    Attributes
    ----------
    seen
        By series and minute.
    """

    clients: Clients
    function: str
    seen: dict[tuple[str, datetime], _Seen] = field(default_factory=dict)
    _looked_at: datetime | None = None

    def look(self, now: datetime) -> None:
        """Read the last minutes."""
        window = {"StartTime": now - _LOOKED_BACK, "EndTime": now + MINUTE}
        own = {"FunctionName": self.function}
        queries = [build_query(f"m{n}", *one, 60, own) for n, one in enumerate(WATCHED)]
        answer = self.clients("cloudwatch").get_metric_data(MetricDataQueries=queries, **window)
        by_id = {f"m{n}": name for n, (name, _) in enumerate(WATCHED)}
        for result in answer["MetricDataResults"]:
            self._note(by_id[result["Id"]], result, now)
        insights = [{"Id": "busiest", "Expression": _INSIGHTS_QUERY, "Period": 60}]
        found = self.clients("cloudwatch").get_metric_data(MetricDataQueries=insights, **window)
        for result in found["MetricDataResults"]:
            if result.get("Label") == self.function:
                self._note(INSIGHTS, result, now)
        self._looked_at = now

    def _note(self, series: str, result: dict[str, Any], now: datetime) -> None:
        before = self._looked_at or now
        for minute, value in zip(result["Timestamps"], result["Values"], strict=True):
            key = (series, minute)
            known = self.seen.get(key)
            if known is None:
                self.seen[key] = _Seen(
                    first_at=now, changed_at=now, changed_after=before, value=value
                )
            elif known.value != value:
                known.value, known.changed_at, known.changed_after = value, now, before

    def find_first(self) -> datetime | None:
        """When the first datapoint above zero of the invocations was seen."""
        return min(
            (
                one.first_at
                for (series, _), one in self.seen.items()
                if series == "Invocations" and one.value > 0
            ),
            default=None,
        )

    def list_delays(self, series: str, now: datetime) -> Sequence[Delay]:
        """How long after its end each minute was seen first, and was complete.

        Only minutes count that nothing changed for long, and that were over when the watch began.
        """
        begun = min((one.first_at for one in self.seen.values()), default=now)
        return [
            Delay(
                first_seen=one.first_at - minute - MINUTE,
                complete_at_least=one.changed_after - minute - MINUTE,
                complete_at_most=one.changed_at - minute - MINUTE,
            )
            for (name, minute), one in sorted(self.seen.items(), key=lambda found: found[0][1])
            if name == series and minute + MINUTE > begun and now - minute > _SETTLED
        ]
