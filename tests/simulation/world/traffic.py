"""What CloudWatch tells of the simulated functions: minutes that follow from demand and settings.

Building datapoints must cost next to nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from functions.domain.detection.arrivals import Arrivals, SourceKind
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    RECENT_MINUTES,
    AccountSeries,
    RecentSeries,
    Series,
    floor_to,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from functions.domain.detection.arrivals import Source
    from functions.domain.ports import SurveyPart

NOON: Final = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
BUSIEST_MINUTES: Final = 10
PAUSED: Final = -1  # nothing is polled
# CloudWatch tells of 3 hours; judging a function of an hour and a half costs half as much.
KEPT_MINUTES: Final = 76
# Invocations, concurrency, throttles, and events that AWS drops because they go round.
Row = tuple[float | None, float | None, float | None, float]


class Demand(StrEnum):
    """What asks for a function."""

    QUIET = "quiet"  # people, 30 times a minute
    CEILING = "ceiling"  # a loop that fills the account: a runaway
    PLATEAU = "plateau"  # a loop that goes round: suspected, and pinned under a cap
    QUICK = "quick"  # a quick loop that no cap slows down; AWS begins to drop events of it
    CROWD = "crowd"  # looks like the plateau, and falls back under a cap
    CALLERS = "callers"  # wait for answers, and fill the account: in danger, whatever they are


_FREE: Final[dict[Demand, Row]] = {
    Demand.QUIET: (30.0, 2.0, 0.0, 0.0),
    Demand.CEILING: (30_000.0, 1_000.0, 9_000.0, 0.0),
    Demand.PLATEAU: (4_200.0, 9.0, 0.0, 0.0),
    Demand.QUICK: (4_200.0, 9.0, 0.0, 0.0),
    Demand.CROWD: (4_200.0, 9.0, 0.0, 0.0),
    Demand.CALLERS: (300_000.0, 1_000.0, 200_000.0, 0.0),
}
LOOPING: Final = frozenset({Demand.CEILING, Demand.PLATEAU, Demand.QUICK})
# Callers that are refused try again, as often as before.
_CALLERS_ASK: Final = 500_000.0
_USUAL_PEAK: Final = 2.0
_HISTORY_DAYS: Final = 14
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_DURATION_MS: Final = 120.0
_FIRST_MINUTE: Final[Row] = (3_000.0, 500.0, 0.0, 0.0)


def _row(demand: Demand, reserved: int | None, *, is_first: bool) -> Row:
    free = _FREE[demand]
    if reserved == PAUSED:
        return (None, None, 0.0, 0.0)
    if reserved == 0:
        return (None, None, 30.0 if demand is Demand.QUIET else 9_000.0, 0.0)
    if reserved is None or (free[1] or 0) <= reserved:
        return _FIRST_MINUTE if is_first and demand is Demand.CEILING else free
    if demand is Demand.CEILING:
        return (400.0 * reserved, float(reserved), 300.0, 0.0)
    if demand is Demand.CALLERS:
        served = 500.0 * reserved
        return (served, float(reserved), _CALLERS_ASK - served, 0.0)
    if demand is Demand.PLATEAU:
        return (4_200.0 * reserved / 9.0, float(reserved), 200.0, 0.0)
    if demand is Demand.QUICK:
        return (4_200.0, float(reserved), 0.0, 60.0)
    return (30.0, 1.0, 0.0, 0.0)


def _arriving(demand: Demand, row: Row) -> float | None:
    """Events of a minute: what people send does not depend on what runs, what a loop sends does.

    Callers send none.
    """
    match demand:
        case Demand.CALLERS:
            return 0.0
        case Demand.QUIET | Demand.CROWD:
            return _FREE[demand][0]
        case _:
            return row[0] or 0.0


@dataclass(slots=True)
class Minutes:
    """The datapoints of one function up to the last minute that is over."""

    reserved: Callable[[], int | None]
    demand: Demand = Demand.QUIET
    is_first: bool = False
    filled: int = 0  # minutes since noon
    invocations: list[float | None] = field(default_factory=lambda: [30.0] * KEPT_MINUTES)
    concurrency: list[float | None] = field(default_factory=lambda: [2.0] * KEPT_MINUTES)
    throttles: list[float | None] = field(default_factory=lambda: [0.0] * KEPT_MINUTES)
    drops: list[float | None] = field(default_factory=lambda: [0.0] * KEPT_MINUTES)
    arrived: list[float | None] = field(default_factory=lambda: [30.0] * KEPT_MINUTES)

    def all(self) -> tuple[list[float | None], ...]:
        """Every metric's datapoints."""
        return self.invocations, self.concurrency, self.throttles, self.drops, self.arrived

    def follow(self, former: Minutes | None) -> None:
        """Keep the datapoints of a function of the same name that was deleted, as CloudWatch does.

        There are none of the minutes in between.
        """
        length = KEPT_MINUTES + self.filled
        for series, past in zip(self.all(), (former or self).all(), strict=True):
            series[:] = [*past[:length], *(None,) * (length - len(past))]

    def settle(self, now: float) -> None:
        """Write down the minutes that are over: call it before anything changes, too."""
        minute = int(now // MINUTE_SECONDS)
        while self.filled < minute:
            row = _row(self.demand, self.reserved(), is_first=self.is_first)
            self.invocations.append(row[0])
            self.concurrency.append(row[1])
            self.throttles.append(row[2])
            self.drops.append(row[3])
            self.arrived.append(_arriving(self.demand, row))
            self.is_first = False
            self.filled += 1

    def turn_to(self, demand: Demand, now: float) -> None:
        """Let something else ask for it from now on."""
        self.settle(now)
        self.is_first = demand is not self.demand
        self.demand = demand


class SimulatedMetrics:
    """Twin of `functions.aws.detection.lambda_metrics.CloudWatchMetrics`, but for the account's own
    series.

    Parameters
    ----------
    account
        A `SimulatedAccount`.
    late_minutes
        How many of the newest minutes are not published yet.
    """

    def __init__(self, account: Any, late_minutes: int) -> None:
        self._account = account
        self._late = late_minutes
        self.minutes: dict[str, Minutes] = {}

    def settle(self) -> None:
        """Write down what is over, of all functions."""
        for one in self.minutes.values():
            one.settle(self._account.turns.now)

    def account(self, now: datetime) -> AccountSeries:
        """See the port. Nothing: what makes the pulse look closer is tested elsewhere."""
        with self._account.call("metrics", "account"):
            empty = Series(start=NOON, period_seconds=MINUTE_SECONDS, values=())
            return AccountSeries(invocations=empty, concurrency=empty, throttles=empty)

    def account_precedent(self, now: datetime) -> Series:
        """See the port."""
        with self._account.call("metrics", "account_precedent"):
            return Series(start=NOON, period_seconds=300, values=())

    def busiest(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "busiest"):
            return self._newest("invocations", now)

    def part(self, after: str, most: int | None, now: datetime) -> SurveyPart | None:
        """See the port: an account that one query sees."""
        with self._account.call("metrics", "part"):
            return None

    def most_concurrent(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "most_concurrent"):
            return self._newest("concurrency", now)

    def dropped(self, now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "dropped"):
            return {}

    def recent(
        self, functions: Sequence[str], now: datetime, since: datetime | None = None
    ) -> Mapping[str, RecentSeries]:
        """See the port: more than an hour only where more than 3 hours are asked for."""
        asked = timedelta(0) if since is None else now - since
        is_long = asked > timedelta(minutes=RECENT_MINUTES)
        length = math.ceil(asked / _MINUTE) if is_long else KEPT_MINUTES
        with self._account.call("metrics", "recent"):
            self.settle()
            return {name: self._recent(name, now, length) for name in functions}

    def invocations(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """See the port."""
        with self._account.call("metrics", "invocations"):
            self.settle()
            return {name: self._recent(name, now, KEPT_MINUTES).invocations for name in functions}

    def precedent(self, functions: Sequence[str], now: datetime) -> Mapping[str, Series]:
        """See the port: of functions that are too young to have one."""
        with self._account.call("metrics", "precedent"):
            return {}

    def arrivals(
        self, sources: Sequence[Source], start: datetime, end: datetime
    ) -> tuple[Arrivals, ...]:
        """See the port: a queue has its function's name, too."""
        with self._account.call("metrics", "arrivals"):
            self.settle()
            return tuple(
                Arrivals(source=one, counts=self._arrived(one, start, end)) for one in sources
            )

    def peaks(self, function: str, now: datetime) -> Series:
        """See the port: quiet days, each with one value."""
        with self._account.call("metrics", "peaks"):
            end = floor_to(now, MINUTE_SECONDS) - timedelta(minutes=KEPT_MINUTES)
            return Series(
                start=end - _HISTORY_DAYS * _DAY,
                period_seconds=int(_DAY.total_seconds()),
                values=(_USUAL_PEAK,) * _HISTORY_DAYS,
            )

    def lag(self, function: str, start: datetime, end: datetime) -> Series:
        """See the port: nothing reads streams."""
        with self._account.call("metrics", "lag"):
            return Series(start=start, period_seconds=MINUTE_SECONDS, values=())

    def _arrived(self, source: Source, start: datetime, end: datetime) -> Series | None:
        one = self.minutes.get(source.name)
        is_polled = any(m.function == source.name for m in self._account.by_uuid.values())
        if one is None:
            return None
        minute = int((end - NOON).total_seconds() // MINUTE_SECONDS)
        length = int((end - start).total_seconds() // MINUTE_SECONDS)
        found = self._window(one.arrived, minute, length)
        is_other = is_polled is (source.kind is SourceKind.ASYNCHRONOUS)
        values = (0.0,) * length if is_other else found
        return Series(start=start, period_seconds=MINUTE_SECONDS, values=values)

    def _recent(self, name: str, now: datetime, length: int) -> RecentSeries:
        minute = int((now - NOON).total_seconds() // MINUTE_SECONDS)
        start = NOON + timedelta(minutes=minute - length)
        one = self.minutes.get(name)

        def series(values: tuple[float | None, ...]) -> Series:
            return Series(start=start, period_seconds=MINUTE_SECONDS, values=values)

        if one is None:
            none = series((None,) * length)
            return RecentSeries(
                invocations=none,
                concurrency=none,
                throttles=none,
                errors=none,
                duration_ms=none,
                native_drops=none,
            )
        return RecentSeries(
            invocations=series(self._window(one.invocations, minute, length)),
            concurrency=series(self._window(one.concurrency, minute, length)),
            throttles=series(self._window(one.throttles, minute, length)),
            errors=series((0.0,) * length),
            duration_ms=series((_DURATION_MS,) * length),
            native_drops=series(self._window(one.drops, minute, length)),
        )

    def _window(
        self, values: list[float | None], minute: int, length: int
    ) -> tuple[float | None, ...]:
        end = KEPT_MINUTES + minute
        first = end - length
        found = ((None,) * -first, values[max(0, first) : end - self._late])
        known = tuple(chain.from_iterable(found))
        return (*known, *(None,) * (length - len(known)))

    def _newest(self, metric: str, now: datetime) -> dict[str, Series]:
        self.settle()
        minute = int((now - NOON).total_seconds() // MINUTE_SECONDS)
        start = NOON + timedelta(minutes=minute - BUSIEST_MINUTES)
        length = BUSIEST_MINUTES - self._late
        found = {
            name: self._window(getattr(one, metric), minute, BUSIEST_MINUTES)[:length]
            for name, one in self.minutes.items()
        }
        order = sorted(found, key=lambda name: -sum(value or 0 for value in found[name]))
        return {
            name: Series(start=start, period_seconds=MINUTE_SECONDS, values=found[name])
            for name in order
        }
