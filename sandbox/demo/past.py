"""Gives the functions of the demonstration a past, so that the guard knows what is normal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws

DAYS: Final = 14
RECENT_MINUTES: Final = 180
_STEP_MINUTES: Final = 5
_DAY_MINUTES: Final = 1440
_BURST_NEAR_MINUTES: Final = 15


def give_past(
    aws: LocalAws,
    *,
    loop: tuple[str, ...],
    asynchronous: tuple[str, ...],
    steady: str,
    steady_per_minute: float,
    burst: str,
    burst_size: int,
) -> None:
    """Write 14 days in steps of 5 minutes and the last 3 hours minute by minute.

    The functions that are about to loop ran now and then, the steady one all the time, and the
    burst came every day at this hour. What asynchronous events invoked was counted as such: without
    that the guard has to take their callers for some who wait.
    """
    usual = 1.0
    old = (DAYS * _DAY_MINUTES - RECENT_MINUTES) // _STEP_MINUTES
    series: list[dict[str, Any]] = []
    series += _flat(usual, old, {"functions": list(loop)})
    if asynchronous:
        series += _flat(usual, old, {"functions": list(asynchronous)}, "AsyncEventsReceived")
    series += _flat(steady_per_minute, old, {"functions": [steady]})
    series.append(
        {
            "functions": [burst],
            "metric": "Invocations",
            "minutes_ago": DAYS * _DAY_MINUTES,
            "step_minutes": _STEP_MINUTES,
            "values": _daily(burst_size, old),
        }
    )
    account = usual * len(loop) + steady_per_minute
    series += _flat(account, old, {})
    aws.seed(series)


def _flat(
    per_minute: float, old: int, whose: dict[str, Any], metric: str = "Invocations"
) -> list[dict[str, Any]]:
    return [
        {
            **whose,
            "metric": metric,
            "minutes_ago": DAYS * _DAY_MINUTES,
            "step_minutes": _STEP_MINUTES,
            "values": [per_minute * _STEP_MINUTES] * old,
        },
        {
            **whose,
            "metric": metric,
            "minutes_ago": RECENT_MINUTES,
            "values": [per_minute] * RECENT_MINUTES,
        },
    ]


def _daily(size: int, steps: int) -> list[float | None]:
    """Once a day, around this time of day, `size` within each step; otherwise nothing."""
    day = _DAY_MINUTES // _STEP_MINUTES
    near = _BURST_NEAR_MINUTES // _STEP_MINUTES
    return [
        float(size) if min(step % day, day - step % day) <= near else None for step in range(steps)
    ]
