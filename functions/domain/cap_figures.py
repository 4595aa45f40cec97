"""What people are shown of a function that was capped: figures of before, and of under the cap.

A verdict under a cap is made of the newest minutes. Its rate is one that the cap has made, and its
throttles are the cap's own: neither may stand in a notice as if AWS or the function had caused it.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.assessment import (
    Assessment,
    CapFigures,
    Ground,
    Rate,
    Reason,
    Unit,
    Verdict,
)
from functions.domain.evidence import Evidence, Series
from functions.domain.lateness import settle

SETTLING: Final = timedelta(minutes=1)  # until the cap is in force and what ran before it has ended
NEWEST_MINUTES: Final = 3  # under the cap, of which the one with the most attempts is shown
# What a verdict under a cap is founded on; the rest is about the spike before it.
_UNDER_A_CAP: Final = frozenset(
    {
        Reason.PINNED_AT_CAP,
        Reason.SUSTAINED,
        Reason.BELOW_CAP,
        Reason.OUTSIDE_DEMAND,
        Reason.LOOP_PROVEN,
        Reason.LOOP_RULED_OUT,
        Reason.NATIVE_DROPS,
    }
)


def show_cap(
    verdict: Assessment, first: Assessment, evidence: Evidence, capped_at: datetime
) -> Assessment:
    """The verdict of the cap, with what was seen before the cap, each figure with its moment.

    Parameters
    ----------
    verdict
        Of `judge_cap`.
    first
        Of the spike that led to the cap, or what this function made of it before.
    """
    before = first.cap.before if first.cap else Rate(per_minute=first.rate_per_minute, at=first.at)
    figures = _figures(before, evidence, capped_at)
    return replace(
        verdict,
        grounds=_grounds(verdict, figures),
        since=first.since,
        normal_per_minute=first.normal_per_minute,
        normal_concurrency=first.normal_concurrency,
        invocations_since=max(first.invocations_since, _counted(evidence, first.since)),
        cap=figures,
    )


def _figures(before: Rate, evidence: Evidence, capped_at: datetime) -> CapFigures:
    # Of a minute that is still filling, the invocations may be there and the throttles not.
    invocations = settle(evidence.recent.invocations, evidence.now)
    begin = _index(invocations, capped_at + SETTLING)
    throttles = evidence.recent.throttles
    shift = _index(throttles, invocations.start)
    measured = [
        (served + _at(throttles, index + shift), index, served)
        for index, served in enumerate(invocations.values)
        if index >= begin and served is not None
    ]
    if not measured:
        return CapFigures(before=before)
    asked, index, served = max(measured[-NEWEST_MINUTES:])
    return CapFigures(
        before=before,
        under=Rate(per_minute=served, at=invocations.moment(index)),
        asked_per_minute=asked,
    )


def _grounds(verdict: Assessment, figures: CapFigures) -> tuple[Ground, ...]:
    asked, grounds = figures.asked_per_minute, []
    fell = asked is not None and asked < figures.before.per_minute
    if fell and verdict.verdict is Verdict.RUNAWAY:
        grounds.append(
            Ground(
                reason=Reason.DEMAND_FELL,
                value=asked,
                unit=Unit.ATTEMPTS,
                reference=figures.before.per_minute,
            )
        )
    is_pinned = False
    for ground in verdict.grounds:
        is_pinned = is_pinned or ground.reason is Reason.PINNED_AT_CAP
        if ground.reason in _UNDER_A_CAP:
            grounds.append(ground)
        elif ground.reason is Reason.THROTTLED and is_pinned:
            grounds.append(replace(ground, reason=Reason.THROTTLED_BY_CAP))
            is_pinned = False
    return tuple(dict.fromkeys(grounds))


def _counted(evidence: Evidence, since: datetime | None) -> float:
    """Invocations from a moment on, as far back as the datapoints reach."""
    if since is None:
        return 0.0
    series = evidence.recent.invocations
    first = math.floor((since - series.start).total_seconds() / series.period_seconds)
    return sum(value or 0.0 for value in series.values[max(0, first) :])


def _index(series: Series, moment: datetime) -> int:
    """The first datapoint that begins at a moment or after it."""
    return math.ceil((moment - series.start).total_seconds() / series.period_seconds)


def _at(series: Series, index: int) -> float:
    value = series.values[index] if 0 <= index < len(series.values) else None
    return value or 0.0
