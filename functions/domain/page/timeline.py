"""What happened to a function and when, and which stretch of time its traffic is drawn over."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.domain.detection.evidence import floor_to
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.page.overview import DayCount, Moment

MOST_POINTS: Final = 180
HISTORY_DAYS: Final = 90
_BEFORE: Final = timedelta(minutes=45)
_AFTER: Final = timedelta(days=7)
# CloudWatch keeps datapoints of a minute for 15 days, of five minutes for 63 days, and of an hour
# for 455 days (CloudWatch API, *GetMetricData*).
_MINUTES_KEPT: Final = timedelta(days=14)
_FIVE_MINUTES_KEPT: Final = timedelta(days=62)
_PERIODS: Final = (60, 300, 900, 3_600, 10_800, 21_600, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficWindow:
    """The grid of a drawing; `end` is excluded."""

    start: datetime
    end: datetime
    period_seconds: int


def list_moments(incident: Incident) -> tuple[Moment, ...]:
    """What happened to a function, in the order of time; what is not known is left out."""
    since = incident.assessment.since
    watch = incident.watch
    found = [
        (None if incident.decided == DecisionReason.ORDERED else since, "rise begins"),
        (incident.opened_at if incident.state is IncidentState.NOTIFIED else None, "reported"),
        (None if watch is None else watch.held_at, "held"),
        (None if watch is None else watch.trial_at, "let go a little"),
        (None if watch is None else watch.again_at, "held again"),
        (incident.capped_at if watch is None else None, "capped"),
        (incident.stopped_at, "stopped"),
        (incident.released_at, "released by others"),
        (incident.freed_at, "restored"),
    ]
    known = [Moment(at=at, label=label) for at, label in found if at is not None]
    return tuple(sorted(known, key=lambda one: one.at))


def choose_window(incident: Incident, now: datetime) -> TrafficWindow:
    """From before the rise until now, in at most `MOST_POINTS` steps.

    Of a function that has been held for weeks the week after the beginning is drawn: what follows
    is a line at zero.
    """
    moments = list_moments(incident)
    begin = min((one.at for one in moments), default=incident.opened_at) - _BEFORE
    last = max((one.at for one in moments), default=incident.opened_at)
    end = max(begin + _BEFORE, min(now, last + _AFTER))
    shortest = 60
    if now - begin > _MINUTES_KEPT:
        shortest = 300 if now - begin <= _FIVE_MINUTES_KEPT else 3_600
    steps = (end - begin).total_seconds()
    period = next(
        (one for one in _PERIODS if one >= shortest and steps / one <= MOST_POINTS - 2),
        _PERIODS[-1],
    )
    stop = floor_to(end, period) + timedelta(seconds=period)
    most = timedelta(seconds=period * MOST_POINTS)
    return TrafficWindow(
        start=max(floor_to(begin, period), stop - most), end=stop, period_seconds=period
    )


def count_days(ended: list[tuple[datetime, str, bool]], now: datetime) -> tuple[DayCount, ...]:
    """Count what ended on each of the last 90 days.

    Parameters
    ----------
    ended
        Of each: when, its state as text of `IncidentState`, and whether it was ever held.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    loops = [0] * HISTORY_DAYS
    lifted = [0] * HISTORY_DAYS
    reported = [0] * HISTORY_DAYS
    for at, state, was_held in ended:
        day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        index = HISTORY_DAYS - 1 - max(0, (today - day).days)
        if index < 0:
            continue
        if state == IncidentState.LIFTED:
            lifted[index] += 1
        elif was_held:
            loops[index] += 1
        else:
            reported[index] += 1
    return tuple(
        DayCount(
            day=today - timedelta(days=HISTORY_DAYS - 1 - index),
            loops=loops[index],
            lifted=lifted[index],
            reported=reported[index],
        )
        for index in range(HISTORY_DAYS)
    )
