"""How often healthy functions are in danger, and how much sooner loops are suspected for it.

The functions are those of the hold's benchmark, and nothing is held: each runs on as it would
without a guard. What is measured is the guard's own assessment
(`functions.domain.detection.spike`), with and without each bound for the price. Figures are there
at the end of their minute: lateness delays all rules alike. Memory is drawn for each function,
because it decides over the price.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import median
from typing import Any, Final

import numpy as np
from rich.table import Table

from bench.detection.holds.held import BEGINS, HEALTHY, LOOPS, Make
from bench.detection.holds.held_world import ACCOUNT, MINUTE, Subject, World
from bench.detection.ours import EPOCH
from functions.domain.detection.assessment import Reason, Verdict
from functions.domain.detection.danger import find_danger
from functions.domain.detection.evidence import (
    PRECEDENT_DAYS,
    PRECEDENT_PERIOD_SECONDS,
    RECENT_MINUTES,
    Evidence,
    FunctionFacts,
    RecentSeries,
    Series,
)
from functions.domain.detection.spike import assess
from functions.domain.incidents.policy import Policy

BOUNDS: Final = (0.5, 1.0, 2.0, 5.0)  # dollars a minute
MEMORIES_MB: Final = (128, 512, 1024, 2048, 3008)
WATCHED_MINUTES: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of one function.

    Attributes
    ----------
    suspected_after
        Minutes from its first one to the suspicion, by bound (``None``: without danger); a bound is
        left out where it was not suspected.
    dangers
        The reasons for which it was in danger, by bound.
    """

    suspected_after: Mapping[float | None, int]
    dangers: Mapping[float, frozenset[Reason]]


@dataclass(slots=True, kw_only=True)
class DangerRecord:
    """All functions of some pools."""

    title: str
    seen: list[Seen] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {"title": self.title, "functions": len(self.seen), "bounds": list(self._rows())}

    def _rows(self) -> list[dict[str, Any]]:
        rows = []
        for bound in BOUNDS:
            dangers = [one.dangers[bound] for one in self.seen]
            both = [
                one.suspected_after[None] - one.suspected_after[bound]
                for one in self.seen
                if None in one.suspected_after and bound in one.suspected_after
            ]
            sooner = [one for one in both if one > 0]
            rows.append(
                {
                    "usd_per_minute": bound,
                    "dear": sum(Reason.BURNS_FAST in one for one in dangers),
                    "starving": sum(Reason.STARVES_OTHERS in one for one in dangers),
                    "suspected": sum(bound in one.suspected_after for one in self.seen),
                    "only_for_danger": sum(
                        bound in one.suspected_after and None not in one.suspected_after
                        for one in self.seen
                    ),
                    "sooner": len(sooner),
                    "minutes_sooner_median": median(sooner) if sooner else None,
                }
            )
        return rows


def watch(subject: Subject, rng: np.random.Generator) -> Seen:
    """Let a function run for some minutes from the beginning of its spike, and judge each."""
    world, memory = World(subject, rng), int(rng.choice(MEMORIES_MB))
    begins = int(BEGINS // MINUTE)
    running: list[float] = []
    after: dict[float | None, int] = {}
    dangers: dict[float, set[Reason]] = {one: set() for one in BOUNDS}
    for minute in range(begins + WATCHED_MINUTES):
        most = 0
        for second in range(MINUTE):
            world.run_until(minute * MINUTE + second + 1)
            most = max(most, world.running)
        running.append(float(most))
        if minute < begins:
            continue
        evidence = _evidence(world, running, subject, memory)
        passed = minute + 1 - begins
        if None not in after and _is_suspected(replace(evidence, facts=None), None):
            after[None] = passed
        for bound in BOUNDS:
            danger = find_danger(evidence, bound)
            dangers[bound] |= {one.reason for one in danger.grounds} if danger else set()
            # Without danger the bound changes nothing.
            if bound not in after and (
                None in after or (danger is not None and _is_suspected(evidence, bound))
            ):
                after[bound] = passed
    return Seen(
        suspected_after=after, dangers={one: frozenset(why) for one, why in dangers.items()}
    )


def _is_suspected(evidence: Evidence, bound: float | None) -> bool:
    seen = assess(evidence, Policy(danger_usd_per_minute=bound))
    return seen.verdict in (Verdict.SUSPECTED, Verdict.RUNAWAY)


def _evidence(world: World, running: list[float], subject: Subject, memory_mb: int) -> Evidence:
    over = len(running)
    now = EPOCH + timedelta(minutes=over)
    start = now - timedelta(minutes=RECENT_MINUTES)
    counts = [float(one) for one in world.started[:over]]
    usual = float(np.mean(counts[: int(BEGINS // MINUTE)]))
    means = [
        1000 * total / count if count else 0.0
        for total, count in zip(world.seconds_run, counts, strict=False)
    ]

    def laid_out(values: list[float], before: float) -> Series:
        padded = [*[before] * (RECENT_MINUTES - len(values)), *values][-RECENT_MINUTES:]
        return Series(start=start, period_seconds=MINUTE, values=tuple(padded))

    past = PRECEDENT_DAYS * 86_400 // PRECEDENT_PERIOD_SECONDS
    step = timedelta(seconds=PRECEDENT_PERIOD_SECONDS)
    return Evidence(
        function="watched",
        now=now,
        recent=RecentSeries(
            invocations=laid_out(counts, usual),
            concurrency=laid_out(running, math.ceil(usual * subject.seconds / MINUTE)),
            throttles=laid_out([float(one) for one in world.refused[:over]], 0.0),
            errors=laid_out([0.0] * over, 0.0),
            duration_ms=laid_out(means[:over], 1000 * subject.seconds),
            native_drops=laid_out([0.0] * over, 0.0),
        ),
        precedent=Series(
            start=start - past * step,
            period_seconds=PRECEDENT_PERIOD_SECONDS,
            values=(usual * PRECEDENT_PERIOD_SECONDS / MINUTE,) * past,
        ),
        facts=FunctionFacts(
            name="watched", arn="", memory_mb=memory_mb, timeout_seconds=int(subject.timeout)
        ),
        account_concurrency=ACCOUNT,
        proof=subject.proof,
    )


POOLS: Final[Mapping[str, Mapping[str, Make]]] = {"healthy functions": HEALTHY, "loops": LOOPS}


def play_danger(plays: int, seed: int, tick: Callable[[], None]) -> list[DangerRecord]:
    """So many functions of each pool, each from a seed of its own."""
    records = []
    for title, pools in POOLS.items():
        record = DangerRecord(title=title)
        for pool, make in pools.items():
            number = sum(map(ord, pool))
            for one in np.random.SeedSequence([seed, number]).generate_state(plays).tolist():
                rng = np.random.default_rng(one)
                record.seen.append(watch(make(rng), rng))
                tick()
        records.append(record)
    return records


def draw_danger(record: DangerRecord) -> Table:
    """What came out, as it is printed."""
    table = Table(
        title=f"danger: {record.title}, {len(record.seen)} functions", title_justify="left"
    )
    for name in (
        "dollars a minute",
        "beyond the price",
        "starving others",
        "suspected",
        "only for danger",
        "sooner",
        "minutes sooner, median",
    ):
        table.add_column(name, justify="right")
    for row in record.to_json()["bounds"]:
        table.add_row(*("-" if one is None else f"{one:g}" for one in row.values()))
    return table
