"""Traffic as CloudWatch shows it, for the tests of the assessment, the cap and the pulse."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.domain.detection.evidence import Evidence, FunctionFacts, RecentSeries, Series

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
RECENT = 180
SLOTS = 14 * 288


def wobble(level: float, minutes: int, share: float = 0.25) -> list[float]:
    """Uneven traffic round a level, the same in each run."""
    return [
        round(level * (1 + share * math.sin(1.7 * index) * math.cos(0.6 * index)))
        for index in range(minutes)
    ]


def flat(level: float, minutes: int) -> list[float]:
    """What a loop of fan-out 1 adds: nearly the same each minute."""
    return [level + (index * 7) % 5 - 2 for index in range(minutes)]


def series(values: Sequence[float | None], end: datetime = NOW) -> Series:
    """One-minute datapoints, the last of which lies in the minute before `end`."""
    start = end - timedelta(minutes=len(values))
    return Series(start=start, period_seconds=60, values=tuple(values))


def evidence(
    counts: Sequence[float | None],
    *,
    seconds: float = 0.5,
    concurrency: Sequence[float | None] | None = None,
    throttles: Sequence[float | None] | None = None,
    habit: float | Sequence[float | None] | None = 30.0,
    **given: Any,
) -> Evidence:
    """Evidence of a function: its counts, a mean duration, and what it did for 14 days.

    Parameters
    ----------
    counts
        One-minute counts up to now; 3 hours are filled up with zeros at the front.
    habit
        Sums of 5 minutes: a constant, all 4,032 of them, or ``None`` for no precedent.
    """
    padded: list[float | None] = [*[0.0] * (RECENT - len(counts)), *counts]
    running: list[float | None] = (
        [math.ceil((count or 0) * seconds / 60) for count in padded]
        if concurrency is None
        else [*[0.0] * (RECENT - len(concurrency)), *concurrency]
    )
    refused: list[float | None] = [0.0] * RECENT
    if throttles is not None:
        refused = [*[0.0] * (RECENT - len(throttles)), *throttles]
    start = NOW - timedelta(minutes=RECENT)
    past = [float(habit)] * SLOTS if isinstance(habit, int | float) else habit
    return Evidence(
        function="orders",
        now=NOW,
        recent=RecentSeries(
            invocations=series(padded),
            concurrency=series(running),
            throttles=series(refused),
            errors=series([0.0] * RECENT),
            duration_ms=series([1000 * seconds] * RECENT),
            native_drops=series([None] * RECENT),
        ),
        precedent=None
        if past is None
        else Series(
            start=start - timedelta(minutes=5 * len(past)),
            period_seconds=300,
            values=tuple(past),
        ),
        account_concurrency=1000,
        **given,
    )


def with_drops(given: Evidence, drops: Sequence[float]) -> Evidence:
    """The same, with what AWS itself dropped in the newest minutes."""
    values = [None] * (RECENT - len(drops)) + list(drops)
    return replace(given, recent=replace(given.recent, native_drops=series(values)))


def facts(reserved: int | None) -> FunctionFacts:
    """A function with a reservation."""
    return FunctionFacts(
        name="orders",
        arn="arn:aws:lambda:us-east-1:123456789012:function:orders",
        memory_mb=512,
        timeout_seconds=30,
        reserved_concurrency=reserved,
    )


def habit_with(at_minutes_ago: int, sums: Sequence[float], base: float = 30.0) -> list[float]:
    """14 days at a base, with a burst that began so many minutes before now."""
    values = [base] * SLOTS
    first = SLOTS - (at_minutes_ago - RECENT) // 5
    values[first : first + len(sums)] = list(sums)
    return values
