"""What judging candidates costs: 1,000 functions that are busy, with what arrived at their sources.

A candidate is assessed by its 3 hours and 14 days, and whoever is suspected is compared with what
arrived, as `contain` does before it holds anybody. Nothing is read: the figures are the judging
alone, in CPU seconds of one core.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench import measure
from bench.measure import Spread, Target
from functions.domain.detection.arrivals import Arrivals, Source, SourceKind
from functions.domain.detection.assessment import Verdict
from functions.domain.detection.evidence import (
    MINUTE_SECONDS,
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
    Evidence,
    FunctionFacts,
    LoopProof,
    RecentSeries,
    Series,
)
from functions.domain.detection.feeding import Spike, find_feeding
from functions.domain.detection.lateness import count_young
from functions.domain.detection.spike import assess
from functions.domain.detection.traffic import mean_duration_seconds
from functions.domain.incidents.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Rng = np.random.Generator

CANDIDATES: Final = 1_000
MOST_CPU_SECONDS: Final = 1.0
NOW: Final = datetime(2026, 3, 10, 12, 0, 20, tzinfo=UTC)
POLICY: Final = Policy()
_END: Final = NOW.replace(second=0)
_PERIODS: Final = PRECEDENT_DAYS * 86_400 // PRECEDENT_PERIOD_SECONDS
_SOURCES: Final = (
    Source(kind=SourceKind.QUEUE, name="orders", loop=LoopProof.POSSIBLE),
    Source(kind=SourceKind.TABLE, name="orders", loop=LoopProof.RULED_OUT),
    Source(kind=SourceKind.ASYNCHRONOUS, name="orders"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A busy function, and what arrived at its sources."""

    evidence: Evidence
    arrivals: tuple[Arrivals, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured: seconds of each round, and of laying out 14 days in the same round."""

    candidates: int
    suspected: int
    seconds: tuple[float, ...]
    reference_seconds: tuple[float, ...]

    @property
    def ratio(self) -> Spread:
        """Of judging a candidate to sorting the sums of its 14 days: that of any machine."""
        return measure.ratios(self.seconds, self.reference_seconds)

    def targets(self) -> tuple[Target, ...]:
        """The figure that has an aim."""
        name = f"CPU seconds for {self.candidates:,} candidates"
        return (Target(name=name, value=Spread.of(self.seconds).median, at_most=MOST_CPU_SECONDS),)

    def document(self) -> dict[str, Any]:
        """The report."""
        return {
            "candidates": self.candidates,
            "suspected": self.suspected,
            "cpu_seconds": Spread.of(self.seconds).document(),
            "ratio_to_sorting_14_days": self.ratio.document(),
            "targets": measure.targets_document(self.targets()),
        }


def make_candidate(rng: Rng) -> Candidate:
    """A function above the floor: as ever, or since some minutes, in one of several shapes."""
    usual, minutes = rng.uniform(5, 2_000), int(rng.integers(2, 60))
    counts = rng.poisson(usual, RECENT_MINUTES).astype(float)
    counts[-minutes:] = _draw_spike(rng, minutes)
    late = int(rng.integers(0, 4))
    seconds = float(rng.uniform(0.05, 5))
    days = rng.poisson(usual * 5 * rng.uniform(0.5, 1.5), _PERIODS).astype(float)
    throttles = np.where(rng.random() < 0.3, counts / 10, 0.0) * np.ones(RECENT_MINUTES)
    evidence = Evidence(
        function="orders",
        now=NOW,
        recent=RecentSeries(
            invocations=_series(counts, late),
            concurrency=_series(np.ceil(counts * seconds / 60), late),
            throttles=_series(throttles),
            errors=_series(np.zeros(RECENT_MINUTES)),
            duration_ms=_series(np.full(RECENT_MINUTES, 1000 * seconds), late),
            native_drops=_series(np.zeros(RECENT_MINUTES)),
        ),
        precedent=Series(
            start=_END - timedelta(minutes=RECENT_MINUTES) - timedelta(days=PRECEDENT_DAYS),
            period_seconds=PRECEDENT_PERIOD_SECONDS,
            values=tuple(days.tolist()),
        ),
        facts=FunctionFacts(name="orders", arn="", memory_mb=512, timeout_seconds=30),
        account_concurrency=1_000,
    )
    arrivals = tuple(
        Arrivals(source=one, counts=_series(counts * rng.choice((0.0, 0.1, 1.0)), late))
        for one in _SOURCES
    )
    return Candidate(evidence=evidence, arrivals=arrivals)


def _draw_spike(rng: Rng, minutes: int) -> NDArray[np.float64]:
    level = rng.uniform(600, 30_000)
    match int(rng.integers(4)):
        case 0:  # a loop of fan-out 1
            return level + rng.uniform(-3, 3, minutes)
        case 1:  # growth
            grown: NDArray[np.float64] = np.minimum(30_000.0, 20.0 * 1.5 ** np.arange(minutes))
            return grown
        case 2:  # people who come and go
            return level * rng.uniform(0.5, 1.5, minutes)
        case _:  # nothing but what is usual
            return np.full(minutes, level)


def _series(values: NDArray[np.float64], late: int = 0) -> Series:
    known = [float(one) for one in values[: len(values) - late]]
    return Series(
        start=_END - timedelta(minutes=len(values)),
        period_seconds=MINUTE_SECONDS,
        values=(*known, *(None,) * late),
    )


def judge(candidate: Candidate) -> Verdict:
    """Assess it, and compare it with what arrived if it is suspected."""
    evidence = candidate.evidence
    assessment = assess(evidence, POLICY)
    if assessment.verdict is not Verdict.SUSPECTED or assessment.since is None:
        return assessment.verdict
    counts = evidence.recent.invocations
    taking = timedelta(seconds=mean_duration_seconds(evidence) or 0.0)
    spike = Spike(
        invocations=counts,
        errors=evidence.recent.errors,
        first=int((assessment.since - counts.start) / timedelta(minutes=1)),
        young=count_young(counts, evidence.now, taking=taking),
        taking=taking,
        floor_per_minute=POLICY.floor_per_minute,
    )
    fed = find_feeding(spike, candidate.arrivals)
    return Verdict.BUSY if fed.is_acquitted else assessment.verdict


def measured(count: int, rounds: int) -> Measured:
    """Judge all candidates in each round, and lay their 14 days out beside that."""
    rng = np.random.default_rng(20)
    candidates = [make_candidate(rng) for _ in range(count)]
    seconds, references = [], []
    verdicts: list[Verdict] = []
    for _ in range(rounds):
        began = time.process_time()
        verdicts = [judge(one) for one in candidates]
        between = time.process_time()
        for one in candidates:
            sorted(one.evidence.precedent.values if one.evidence.precedent else ())  # type: ignore[type-var]
        seconds.append(between - began)
        references.append(time.process_time() - between)
    return Measured(
        candidates=count,
        suspected=verdicts.count(Verdict.SUSPECTED),
        seconds=tuple(seconds),
        reference_seconds=tuple(references),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench assess", description=__doc__)
    parser.add_argument("--report", type=Path, default=measure.REPORTS / "assess.json")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    machine = measure.machine()
    print(measure.machine_text(machine), flush=True)
    found = measured(CANDIDATES, given.rounds)
    each = Spread.of(found.seconds).scaled(1000 / found.candidates)
    print(f"{found.candidates:,} candidates, {found.suspected} of them suspected in the end")
    print(f"CPU milliseconds of each: {each.text()}")
    print(f"the same, as times of sorting its 14 days: {found.ratio.text()}")
    measure.print_targets(found.targets())
    measure.write_report(given.report, {"part": "assess", "machine": machine, **found.document()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
