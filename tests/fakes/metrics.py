"""The port of metrics."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.domain.detection.arrivals import (
    Arrivals,
    choose_waiting_metric,
    list_arrival_metrics,
)
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
    AccountSeries,
    RecentSeries,
    Series,
    floor_to,
)
from functions.domain.ports import SurveyPart
from tests.fakes.functions import BUSIEST_MINUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from functions.domain.detection.arrivals import (
        Source,
        SourceKind,
    )
    from tests.fakes.account import FakeAccount

LATE_MINUTES: Final = 4


@dataclass(slots=True)
class _Minutes:
    """Datapoints of one function by metric and minute (seconds since the epoch)."""

    invocations: dict[int, float] = field(default_factory=dict)
    concurrency: dict[int, float] = field(default_factory=dict)
    throttles: dict[int, float] = field(default_factory=dict)
    errors: dict[int, float] = field(default_factory=dict)
    duration_ms: dict[int, float] = field(default_factory=dict)
    native_drops: dict[int, float] = field(default_factory=dict)


_RECENT_METRICS: Final = (
    "invocations",
    "concurrency",
    "throttles",
    "errors",
    "duration_ms",
    "native_drops",
)


def _grid(value: Callable[[int], float | None], start: datetime, end: datetime) -> Series:
    """One value a minute, of the minutes that begin in this span."""
    first, last = floor_to(start, MINUTE_SECONDS), floor_to(end, MINUTE_SECONDS)
    moments = range(int(first.timestamp()), int(last.timestamp()), MINUTE_SECONDS)
    return Series(
        start=first,
        period_seconds=MINUTE_SECONDS,
        values=tuple(value(moment) for moment in moments),
    )


class FakeMetrics:
    """Twin of `functions.aws.detection.lambda_metrics.CloudWatchMetrics`.

    Attributes
    ----------
    most_in_a_query
        One query sees the first so many functions only; ``None`` for all.
    """

    def __init__(self, account: FakeAccount) -> None:
        self.most_in_a_query: int | None = None
        self._account = account
        self._minutes: dict[str, _Minutes] = defaultdict(_Minutes)
        self._history: dict[str, float | Callable[[datetime], float | None]] = {}
        self._usual: dict[tuple[str, datetime], tuple[float | None, ...]] = {}
        # IteratorAge by function, in ms: in each minute, unless that minute has its own.
        self.lags: dict[str, float] = {}
        self.usual_peaks: dict[str, float] = {}  # concurrent executions, for 14 days
        self._lags: dict[str, dict[int, float | None]] = defaultdict(dict)
        self._arrivals: dict[tuple[SourceKind, str, str], dict[int, float | None]] = defaultdict(
            dict
        )

    def record(self, function: str, *, until: datetime, **metrics: Sequence[float | None]) -> None:
        """Give a function datapoints: the last of each metric lies in the minute before `until`.

        Metrics are named as in `RecentSeries`; ``None`` is a gap.
        """
        for name, values in metrics.items():
            points: dict[int, float] = getattr(self._minutes[function], name)
            end = int(floor_to(until, MINUTE_SECONDS).timestamp())
            for back, value in enumerate(reversed(values), start=1):
                moment = end - back * MINUTE_SECONDS
                if value is None:
                    points.pop(moment, None)
                else:
                    points[moment] = value

    def habit(
        self, function: str, per_five_minutes: float | Callable[[datetime], float | None]
    ) -> None:
        """Give a function 14 days of precedent: a constant, or a value for each period's start."""
        self._usual.clear()
        self._history[function] = per_five_minutes

    def account(self, now: datetime) -> AccountSeries:
        """See the port. The sums over all functions."""
        with self._account.call("metrics", "account", now=now):
            return AccountSeries(
                invocations=self._total("invocations", now),
                concurrency=self._total("concurrency", now),
                throttles=self._total("throttles", now),
            )

    def account_precedent(self, now: datetime) -> Series:
        """See the port. The sums over all functions."""
        with self._account.call("metrics", "account_precedent", now=now):
            each = [self._precedent(name, now) for name in self._known()]
            empty = self._precedent("", now)
            values = _sum_minutes([one.values for one in each])
            return replace(empty, values=values or empty.values)

    def busiest(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "busiest", now=now):
            seen = sorted(self._minutes)[: self.most_in_a_query]
            return self._latest("invocations", now, seen)

    def part(self, after: str, most: int | None, now: datetime) -> SurveyPart | None:
        """See the port."""
        with self._account.call("metrics", "part", after=after, most=most, now=now):
            names = sorted(self._minutes)
            if self.most_in_a_query is None or len(names) <= self.most_in_a_query:
                return None
            chosen = [*(n for n in names if n > after), *(n for n in names if n <= after)][:most]
            return SurveyPart(
                series=self._latest("invocations", now, chosen),
                active=len(names),
                seen=len(chosen),
                last=chosen[-1],
            )

    def most_concurrent(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "most_concurrent", now=now):
            return self._latest("concurrency", now)

    def dropped(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "dropped", now=now):
            latest = self._latest("native_drops", now)
            return {name: series for name, series in latest.items() if any(series.values)}

    def recent(
        self, functions: Sequence[str], now: datetime, since: datetime | None = None
    ) -> Mapping[str, RecentSeries]:
        """See the port."""
        end, minutes = floor_to(now, MINUTE_SECONDS), RECENT_MINUTES
        if since is not None:
            asked = end - floor_to(since, MINUTE_SECONDS)
            minutes = max(minutes, asked // timedelta(minutes=1))
        with self._account.call("metrics", "recent", functions=tuple(functions), now=now):
            return {
                name: RecentSeries(
                    **{
                        metric: self._series(name, metric, now, minutes)
                        for metric in _RECENT_METRICS
                    }
                )
                for name in functions
            }

    def invocations(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "invocations", functions=tuple(functions), now=now):
            return {
                name: self._series(name, "invocations", now, RECENT_MINUTES) for name in functions
            }

    def precedent(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "precedent", functions=tuple(functions), now=now):
            return {name: self._precedent(name, now) for name in functions}

    def record_arrivals(
        self,
        source: Source,
        *,
        until: datetime,
        counts: Sequence[float | None] = (),
        waiting: Sequence[float | None] = (),
    ) -> None:
        """Give a source datapoints: the last of each lies in the minute before `until`."""
        end = int(floor_to(until, MINUTE_SECONDS).timestamp())
        for kind, values in (("counts", counts), ("waiting", waiting)):
            points = self._arrivals[source.kind, source.name, kind]
            for back, value in enumerate(reversed(values), start=1):
                points[end - back * MINUTE_SECONDS] = value

    def record_lag(self, function: str, *, until: datetime, values: Sequence[float | None]) -> None:
        """Let its polling of streams lie behind; the last in the minute before `until`."""
        end = int(floor_to(until, MINUTE_SECONDS).timestamp())
        for back, value in enumerate(reversed(values), start=1):
            self._lags[function][end - back * MINUTE_SECONDS] = value

    def arrivals(
        self, sources: Sequence[Source], start: datetime, end: datetime
    ) -> tuple[Arrivals, ...]:
        """See the port."""
        with self._account.call(
            "metrics", "arrivals", sources=tuple(sources), start=start, end=end
        ):
            return tuple(
                Arrivals(
                    source=one,
                    counts=(
                        self._arrived(one, "counts", start, end)
                        if list_arrival_metrics(one)
                        else None
                    ),
                    waiting=(
                        self._arrived(one, "waiting", start, end)
                        if choose_waiting_metric(one)
                        else None
                    ),
                )
                for one in sources
            )

    def peaks(self, function: str, now: datetime) -> Series:
        """See the port."""
        with self._account.call("metrics", "peaks", function=function, now=now):
            usual = self.usual_peaks.get(function)
            recent = floor_to(now, MINUTE_SECONDS) - timedelta(minutes=RECENT_MINUTES)
            end = floor_to(recent, PRECEDENT_PERIOD_SECONDS)
            length = PRECEDENT_DAYS * 86_400 // PRECEDENT_PERIOD_SECONDS
            start = end - length * timedelta(seconds=PRECEDENT_PERIOD_SECONDS)
            return Series(
                start=start, period_seconds=PRECEDENT_PERIOD_SECONDS, values=(usual,) * length
            )

    def lag(self, function: str, start: datetime, end: datetime) -> Series:
        """See the port."""
        with self._account.call("metrics", "lag", function=function, start=start, end=end):
            known, usual = self._lags.get(function, {}), self.lags.get(function)
            return _grid(lambda moment: known.get(moment, usual), start, end)

    def _arrived(self, source: Source, kind: str, start: datetime, end: datetime) -> Series:
        points = self._arrivals.get((source.kind, source.name, kind), {})
        return _grid(points.get, start, end)

    def _known(self) -> list[str]:
        return sorted({*self._minutes, *self._history})

    def _series(self, function: str, metric: str, now: datetime, minutes: int) -> Series:
        points: dict[int, float] = getattr(self._minutes.get(function, _Minutes()), metric)
        end = floor_to(now, MINUTE_SECONDS)
        start = end - timedelta(minutes=minutes)
        first = int(start.timestamp())
        return Series(
            start=start,
            period_seconds=MINUTE_SECONDS,
            values=tuple(
                map(points.get, range(first, first + minutes * MINUTE_SECONDS, MINUTE_SECONDS))
            ),
        )

    def _total(self, metric: str, now: datetime) -> Series:
        empty = self._series("", metric, now, RECENT_MINUTES)
        each = [self._series(name, metric, now, RECENT_MINUTES).values for name in self._minutes]
        return replace(empty, values=_sum_minutes(each) or empty.values)

    def _precedent(self, function: str, now: datetime) -> Series:
        recent = floor_to(now, MINUTE_SECONDS) - timedelta(minutes=RECENT_MINUTES)
        end = floor_to(recent, PRECEDENT_PERIOD_SECONDS)
        start = end - timedelta(days=PRECEDENT_DAYS)
        length = PRECEDENT_DAYS * 86_400 // PRECEDENT_PERIOD_SECONDS
        values = list(self._usual_values(function, start, length))
        sums: dict[int, float] = {}
        first = int(start.timestamp())
        for moment, value in self._minutes.get(function, _Minutes()).invocations.items():
            index = (moment - first) // PRECEDENT_PERIOD_SECONDS
            sums[index] = sums.get(index, 0.0) + value
        for index, total in sums.items():
            if 0 <= index < length:
                values[index] = total
        return Series(start=start, period_seconds=PRECEDENT_PERIOD_SECONDS, values=tuple(values))

    def _usual_values(
        self, function: str, start: datetime, length: int
    ) -> tuple[float | None, ...]:
        """The habit of a function, put together once for five minutes."""
        known = self._usual.get((function, start))
        if known is not None:
            return known
        habit = self._history.get(function)
        step = timedelta(seconds=PRECEDENT_PERIOD_SECONDS)
        values = (
            tuple(habit(start + index * step) for index in range(length))
            if callable(habit)
            else (habit,) * length
        )
        self._usual[function, start] = values
        return values

    def _latest(
        self, metric: str, now: datetime, names: Iterable[str] | None = None
    ) -> dict[str, Series]:
        asked = self._minutes if names is None else names
        found = {name: self._series(name, metric, now, BUSIEST_MINUTES) for name in asked}
        known = {name: one for name, one in found.items() if any(v is not None for v in one.values)}
        order = sorted(known, key=lambda name: -sum(v or 0 for v in known[name].values))
        # What no function has a datapoint of is not published yet.
        minutes = list(zip(*(one.values for one in known.values()), strict=True))
        late = 0
        while late < min(LATE_MINUTES, len(minutes)) and not _is_published(minutes[-1 - late]):
            late += 1
        return {
            name: replace(known[name], values=known[name].values[: BUSIEST_MINUTES - late])
            for name in order
        }


def _is_published(minute: Sequence[float | None]) -> bool:
    return any(value is not None for value in minute)


def _sum_minutes(each: Sequence[tuple[float | None, ...]]) -> tuple[float | None, ...]:
    """The sums of all functions, value by value; ``None`` where none has a datapoint."""
    return each[0] if len(each) == 1 else tuple(map(_sum, zip(*each, strict=True)))


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
