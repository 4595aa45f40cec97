"""Our assessment on a series: the evidence as the guard would have it at each minute."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.detection.data import Row, Run
from bench.worlds.traffic import ACCOUNT
from functions.domain.detection.assessment import Assessment, Verdict
from functions.domain.detection.evidence import (
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
    Evidence,
    LoopProof,
    RecentSeries,
    Series,
)
from functions.domain.detection.lateness import LATEST
from functions.domain.detection.spike import assess
from functions.domain.detection.traffic import (
    HISTORY_MINUTES,
    LONG_RUNNING_SECONDS,
    NEWEST_MINUTES,
)
from functions.domain.incidents.policy import Policy

EPOCH: Final = datetime(2026, 1, 5, tzinfo=UTC)
PEAK_OVER_MEAN: Final = 1.3  # the highest concurrency within a minute, over its mean
FIVE: Final = 5
SLOTS: Final = PRECEDENT_DAYS * 288
EPISODE_MINUTES: Final = 60
STOPPING: Final = frozenset({Verdict.SUSPECTED, Verdict.RUNAWAY})


LATEST_MINUTES = LATEST // timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One function's series, with what CloudWatch would show beside its invocations."""

    counts: list[float]
    concurrency: list[float]
    throttles: list[float]
    duration_ms: list[float]
    sums: list[float]

    def evidence(self, at: int, proof: LoopProof = LoopProof.UNKNOWN) -> Evidence:
        """What is known when minute `at` is over."""
        first = max(0, at + 1 - RECENT_MINUTES)
        start = EPOCH + timedelta(minutes=first)

        def cut(values: list[float]) -> Series:
            return Series(start=start, period_seconds=60, values=tuple(values[first : at + 1]))

        empty = Series.empty(start=start)
        known = first // FIVE
        oldest = max(0, known - SLOTS)
        precedent = Series(
            start=EPOCH + timedelta(minutes=FIVE * oldest),
            period_seconds=PRECEDENT_PERIOD_SECONDS,
            values=tuple(self.sums[oldest:known]),
        )
        return Evidence(
            function="watched",
            now=EPOCH + timedelta(minutes=at + 1),
            recent=RecentSeries(
                invocations=cut(self.counts),
                concurrency=cut(self.concurrency),
                throttles=cut(self.throttles),
                errors=empty,
                duration_ms=cut(self.duration_ms),
                native_drops=empty,
            ),
            precedent=precedent if known else None,
            account_concurrency=ACCOUNT,
            proof=proof,
        )

    def candidates(self, floor: float) -> NDArray[np.int64]:
        """The minutes at which `assess` could say more than `BUSY`.

        Conservative: `assess` answers `CALM` or `BUSY` whenever none of the newest datapoints
        reaches the floor, and has a floor of history.
        """
        counts = np.asarray(self.counts)
        seconds = np.asarray(self.duration_ms) / 1000
        if len(seconds) and seconds.max() >= LONG_RUNNING_SECONDS:
            running = np.asarray(self.concurrency)
            counts = np.maximum(counts, running * 60 / LONG_RUNNING_SECONDS)
        highest = counts.copy()
        for back in range(1, NEWEST_MINUTES + 1 + LATEST_MINUTES):
            highest[back:] = np.maximum(highest[back:], counts[:-back])
        minutes = np.flatnonzero(highest >= floor)
        return minutes[minutes >= HISTORY_MINUTES - 1]


def watched(row: Row, run: Run | None = None, onset: int = 0) -> Watched:
    """A row of real traffic, with a loop in it from minute `onset` on.

    Concurrency by Little's law from the assumed duration; what exceeds the account is throttled.
    """
    counts = row.counts.copy()
    wanted = PEAK_OVER_MEAN * counts * row.seconds / 60
    throttles = np.maximum(0.0, wanted - ACCOUNT) * 60 / row.seconds
    running = np.ceil(wanted)
    duration = np.full(len(counts), 1000 * row.seconds)
    if run is not None:
        length = min(len(run.counts), len(counts) - onset)
        window = slice(onset, onset + length)
        total = counts[window] + run.counts[:length]
        weight = run.counts[:length] / np.maximum(total, 1)
        duration[window] += weight * 1000 * (run.loop.seconds - row.seconds)
        counts[window] = total
        running[window] += run.concurrency[:length]
        throttles[window] += run.throttles[:length]
    whole = len(counts) // FIVE * FIVE
    return Watched(
        counts=counts.tolist(),
        concurrency=np.minimum(running, ACCOUNT).tolist(),
        throttles=throttles.tolist(),
        duration_ms=duration.tolist(),
        sums=counts[:whole].reshape(-1, FIVE).sum(axis=1).tolist(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time at which ours would have suspected a function."""

    row: Row
    minute: int
    assessment: Assessment


def episodes(row: Row, policy: Policy) -> Iterator[Episode]:
    """Every time that a clean row would have been suspected."""
    if row.counts.max(initial=0.0) < policy.floor_per_minute:
        return
    series = watched(row)
    until = -1
    for at in series.candidates(policy.floor_per_minute).tolist():
        if at < until:
            continue
        assessment = assess(series.evidence(at), policy)
        if assessment.verdict not in STOPPING:
            continue
        until = at + EPISODE_MINUTES
        yield Episode(row=row, minute=at, assessment=assessment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """When ours found a loop: the minute of its verdict."""

    minute: int
    assessment: Assessment


def find(row: Row, run: Run, onset: int, policy: Policy) -> Found | None:
    """The first minute from the onset on at which the function would be suspected."""
    series = watched(row, run, onset)
    last = min(len(series.counts), onset + len(run.counts))
    minutes = series.candidates(policy.floor_per_minute)
    for at in minutes[(minutes >= onset) & (minutes < last)].tolist():
        assessment = assess(series.evidence(at), policy)
        if assessment.verdict in STOPPING:
            return Found(minute=at, assessment=assessment)
    return None
