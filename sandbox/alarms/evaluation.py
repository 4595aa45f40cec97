"""Decides an alarm's state from its latest datapoints, by CloudWatch's documented rules."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.weather.seeded import Weather

ALARM = "ALARM"
OK = "OK"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

EXTRA_PERIODS = 2
"""CloudWatch looks at more datapoints than are evaluated; in its own example at two more."""

LATE_SECONDS = 150
"""By how much further it looks back in AWS's weather, where the newest minutes are not there yet.

AWS documents the range for its example only. It must be longer where a period is short: an alarm
on one datapoint of a minute would else lose its data in every third evaluation, and people whose
data ended found such an alarm in ALARM for five minutes more.
"""

_CROSSES: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
COMPARISONS = frozenset(_CROSSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """What an alarm compares, and how often it must be crossed."""

    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    comparison: str
    treat_missing_data: str
    period_seconds: int
    statistic: str | None = None

    def crosses(self, value: float) -> bool:
        """Whether a datapoint is on the wrong side of the threshold."""
        return _CROSSES[self.comparison][0](value, self.threshold)


def window_periods(rule: AlarmRule, weather: Weather) -> int:
    """How many periods before the evaluation CloudWatch asks for."""
    late = 0 if weather.is_calm else -(-LATE_SECONDS // rule.period_seconds)
    return rule.evaluation_periods + EXTRA_PERIODS + late


@dataclass(frozen=True, slots=True, kw_only=True)
class Datapoint:
    """One period; ``value`` is absent where nothing was published."""

    at: float
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmState:
    """A state with the reason that CloudWatch would give."""

    value: str
    reason: str
    reason_data: dict[str, Any] | None = None


def evaluate(
    rule: AlarmRule, window: Sequence[Datapoint], current: str, now: float
) -> AlarmState | None:
    """The state that the window calls for; nothing when the current one is to be kept.

    Parameters
    ----------
    rule
        The alarm's rule.
    window
        The periods that ``window_periods`` counts, the oldest first.
    current
        The state which the alarm has.
    now
        The time of the evaluation.
    """
    real = [point for point in window if point.value is not None]
    if len(real) >= rule.evaluation_periods:
        considered = real[-rule.evaluation_periods :]
        missing = 0
    else:
        considered = real
        missing = rule.evaluation_periods - len(real)
    crossing = [p for p in considered if p.value is not None and rule.crosses(p.value)]
    value = _decide(rule, window, considered, crossing, missing)
    if value is None or value == current:
        return None
    return AlarmState(
        value=value,
        reason=_reason(rule, value, considered, crossing, missing),
        reason_data=_reason_data(rule, window[-rule.evaluation_periods :], considered, now),
    )


def _decide(
    rule: AlarmRule,
    window: Sequence[Datapoint],
    considered: Sequence[Datapoint],
    crossing: Sequence[Datapoint],
    missing: int,
) -> str | None:
    needed = rule.datapoints_to_alarm
    if not missing:
        return ALARM if len(crossing) >= needed else OK
    if rule.treat_missing_data == "breaching":
        return ALARM if len(crossing) + missing >= needed else OK
    if rule.treat_missing_data == "notBreaching":
        return ALARM if len(crossing) >= needed else OK
    is_ignored = rule.treat_missing_data == "ignore"
    if not considered:
        return None if is_ignored else INSUFFICIENT_DATA
    if len(crossing) >= needed:
        return ALARM
    if len(crossing) < len(considered):
        return OK
    if is_ignored:
        return None
    # All that is known crosses, but it is less than needed: alarm only when it began long enough
    # ago, so that a first datapoint after a gap does not alarm too early.
    age_periods = len(window) - list(window).index(crossing[0])
    return ALARM if age_periods >= needed else None


def _reason(
    rule: AlarmRule,
    value: str,
    considered: Sequence[Datapoint],
    crossing: Sequence[Datapoint],
    missing: int,
) -> str:
    if value == INSUFFICIENT_DATA:
        count = rule.evaluation_periods
        unknown = _plural(count, "datapoint was", "datapoints were")
        return f"Insufficient Data: {count} {unknown} unknown."
    if not considered:
        count = rule.evaluation_periods
        treated = "Breaching" if value == ALARM else "NonBreaching"
        return (
            f"Threshold Crossed: no datapoints were received for {count} "
            f"{_plural(count, 'period', 'periods')} and {missing} missing "
            f"{_plural(missing, 'datapoint was', 'datapoints were')} treated as [{treated}]."
        )
    if value == ALARM:
        named = list(crossing)
        negation, transition, least = "", "OK -> ALARM", rule.datapoints_to_alarm
    else:
        named = [point for point in considered if point not in crossing]
        negation, transition = "not ", "ALARM -> OK"
        least = rule.evaluation_periods - rule.datapoints_to_alarm + 1
    listed = ", ".join(f"{point.value} ({_short(point.at)})" for point in reversed(named))
    return (
        f"Threshold Crossed: {len(named)} out of the last {rule.evaluation_periods} datapoints "
        f"[{listed}] {_plural(len(named), 'was', 'were')} {negation}{_CROSSES[rule.comparison][1]} "
        f"the threshold ({rule.threshold}) (minimum {least} "
        f"{_plural(least, 'datapoint', 'datapoints')} for {transition} transition)."
    )


def _reason_data(
    rule: AlarmRule, evaluated: Sequence[Datapoint], considered: Sequence[Datapoint], now: float
) -> dict[str, Any]:
    data: dict[str, Any] = {"version": "1.0", "queryDate": iso_milliseconds(now)}
    if considered:
        data["startDate"] = iso_milliseconds(considered[0].at)
    if rule.statistic is not None:
        data["statistic"] = rule.statistic
    data["period"] = rule.period_seconds
    data["recentDatapoints"] = [point.value for point in considered]
    data["threshold"] = rule.threshold
    shown = considered or evaluated
    data["evaluatedDatapoints"] = [
        {"timestamp": iso_milliseconds(point.at)}
        | ({} if point.value is None else {"value": point.value})
        for point in reversed(shown)
    ]
    return data


def iso_milliseconds(at: float) -> str:
    """A time as alarms write it: ``2019-10-02T17:04:40.989+0000``."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _short(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S}"


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
