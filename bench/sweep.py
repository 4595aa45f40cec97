"""Many functions, of which one runs away: how many calls and seconds until it is stopped.

The guard's sweep, Cloud Custodian's policy for the same job, and the bare calls that a sweep
without Metrics Insights cannot do without, in turn against the same local AWS. An account of
100,000 functions, more than one query sees, is answered for within the process.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench import large_sweep, measure
from bench.measure import Spread, Target
from bench.rivals import custodian
from bench.worlds.stage import RUNAWAY, Stage, event, is_busy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZES: Final = (300, 1_000, 10_000)
GUARD_ROUNDS: Final = 5
CUSTODIAN_ROUNDS: Final = {300: 3, 1_000: 2}
SWEEP: Final = "scheduled.sweep"
QUERIES: Final = 500
BARE_MINUTES: Final = 10
AIMED_AT: Final = 10_000
LEAST_CALLS_RATIO: Final = 50.0
LEAST_TIME_RATIO: Final = 20.0


@dataclass(slots=True, kw_only=True)
class Sweeps:
    """What the sweeps of one way took.

    Attributes
    ----------
    seconds
        Of each round.
    calls
        By API, before the call that stops the function.
    is_cut
        Whether a round was ended before it was through: then all of this are lower bounds.
    """

    seconds: list[float] = field(default_factory=list)
    calls: Mapping[str, int] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def call_count(self) -> int:
        """All calls."""
        return sum(self.calls.values())

    def document(self) -> dict[str, Any]:
        """For the report."""
        return {
            "calls": self.call_count,
            "calls_by_api": dict(self.calls),
            "seconds": Spread.of(self.seconds).document(),
            "is_cut": self.is_cut,
        }


@dataclass(slots=True, kw_only=True)
class Size:
    """One number of functions."""

    functions: int
    busy: int = 0
    guard: Sweeps = field(default_factory=Sweeps)
    bare: Sweeps = field(default_factory=Sweeps)
    custodian: Sweeps | None = None

    def calls_ratio(self, other: Sweeps) -> float:
        """How many times the guard's calls the other way takes."""
        return other.call_count / self.guard.call_count

    def time_ratio(self, other: Sweeps) -> float:
        """How many times the guard's time the other way takes, by medians."""
        return Spread.of(other.seconds).median / Spread.of(self.guard.seconds).median

    def document(self) -> dict[str, Any]:
        """For the report."""
        others = {"bare_calls": self.bare}
        if self.custodian is not None:
            others["cloud_custodian"] = self.custodian
        return {
            "functions": self.functions,
            "busy_functions": self.busy,
            "guard": self.guard.document(),
            **{
                name: one.document()
                | {
                    "calls_ratio": round(self.calls_ratio(one), 2),
                    "time_ratio": round(self.time_ratio(one), 2),
                }
                for name, one in others.items()
            },
        }


def targets(sizes: Sequence[Size]) -> tuple[Target, ...]:
    """What 10,000 functions are to show, beside Cloud Custodian."""
    largest = max(sizes, key=lambda one: one.functions)
    if largest.custodian is None or largest.functions < AIMED_AT:
        return ()
    return (
        Target(
            name=f"calls_ratio at {largest.functions:,}",
            value=largest.calls_ratio(largest.custodian),
            at_least=LEAST_CALLS_RATIO,
        ),
        Target(
            name=f"time_ratio at {largest.functions:,}",
            value=largest.time_ratio(largest.custodian),
            at_least=LEAST_TIME_RATIO,
        ),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench sweep", description=__doc__)
    parser.add_argument("--report", type=Path, default=measure.REPORTS / "sweep.json")
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="such as 300,1000")
    parser.add_argument(
        "--custodian-seconds", type=float, default=400.0, help="limit of each of its runs"
    )
    parser.add_argument(
        "--large", type=int, default=large_sweep.FUNCTIONS, help="functions of the largest account"
    )
    given = parser.parse_args(arguments)
    machine = measure.machine()
    print(measure.machine_text(machine), flush=True)
    large = large_sweep.ways(given.large)
    large_sweep.show(given.large, large)
    interpreter, why_not = _install()
    sizes: list[Size] = []
    with Stage() as stage:
        sizes += (
            _measure(stage, functions, interpreter, given.custodian_seconds)
            for functions in given.sizes
        )
    show(sizes)
    measure.print_targets(targets(sizes))
    measure.write_report(
        given.report,
        {
            "part": "sweep",
            "machine": machine,
            "cloud_custodian": {"version": custodian.version(), "not_measured_because": why_not},
            **_headline(sizes),
            "sizes": [one.document() for one in sizes],
            "large": {one.name: one.document() for one in large},
            "targets": measure.targets_document(targets(sizes)),
        },
    )
    return 0


def _headline(sizes: Sequence[Size]) -> dict[str, float | None]:
    largest = max(sizes, key=lambda one: one.functions)
    rival = largest.custodian
    return {
        "calls_ratio": None if rival is None else round(largest.calls_ratio(rival), 2),
        "time_ratio": None if rival is None else round(largest.time_ratio(rival), 2),
    }


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(one) for one in text.split(",")))


def _install() -> tuple[Path | None, str | None]:
    print(f"Cloud Custodian {custodian.version()} in {custodian.HOME.name}/ ...", flush=True)
    try:
        return custodian.install(), None
    except custodian.CustodianUnavailableError as error:
        print(f"not measured: Cloud Custodian cannot be installed: {error}", flush=True)
        return None, str(error)


def _measure(stage: Stage, functions: int, interpreter: Path | None, limit: float) -> Size:
    started = time.perf_counter()
    stage.add_functions(functions)
    seconds = time.perf_counter() - started
    size = Size(functions=functions, busy=sum(map(is_busy, stage.names)))
    print(
        f"{functions:,} functions, {size.busy} of them busy, one runs away ({seconds:.0f} s to "
        "create)",
        flush=True,
    )
    rival_rounds = 0 if interpreter is None else CUSTODIAN_ROUNDS.get(functions, 1)
    for number in range(max(GUARD_ROUNDS, rival_rounds)):
        _guard(stage, size.guard)
        _bare(stage, size.bare)
        if interpreter is not None and number < rival_rounds:
            size.custodian = size.custodian or Sweeps()
            _custodian(stage, size.custodian, interpreter, limit)
    for name, one in (("guard", size.guard), ("bare", size.bare), ("Custodian", size.custodian)):
        if one is not None:
            seconds = Spread.of(one.seconds).median
            cut = ", cut: lower bounds" if one.is_cut else ""
            print(f"  {name}: {one.call_count:,} calls, {seconds:.2f} s{cut}", flush=True)
    return size


def _guard(stage: Stage, sweeps: Sweeps) -> None:
    """The guard's clients are made within the time, as those of the others are."""
    stage.restore()
    sweeps.seconds.append(stage.handle(event(SWEEP), is_fresh=True))
    sweeps.calls = stage.wire.calls_before


def _custodian(stage: Stage, sweeps: Sweeps, interpreter: Path, limit: float) -> None:
    stage.restore()
    done = custodian.run(interpreter, os.environ, limit)
    if not done.is_cut and (done.contained_functions != 1 or not stage.is_stopped()):
        raise RuntimeError(f"Custodian contained {done.contained_functions} functions, not one")
    sweeps.seconds.append(done.seconds)
    sweeps.calls = done.calls
    sweeps.is_cut = sweeps.is_cut or done.is_cut


def _bare(stage: Stage, sweeps: Sweeps) -> None:
    """List all functions, read ten minutes of each, 500 at a time, stop the busiest."""
    stage.restore()
    calls: Counter[str] = Counter()
    started = time.perf_counter()
    lambda_, cloudwatch = stage.client("lambda"), stage.client("cloudwatch")
    names: list[str] = []
    for page in lambda_.get_paginator("list_functions").paginate():
        calls["ListFunctions"] += 1
        names += [one["FunctionName"] for one in page["Functions"]]
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    totals: dict[str, float] = {}
    for first in range(0, len(names), QUERIES):
        batch = names[first : first + QUERIES]
        calls["GetMetricData"] += 1
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[_query(number, name) for number, name in enumerate(batch)],
            StartTime=end - timedelta(minutes=BARE_MINUTES),
            EndTime=end,
        )
        for one in answer["MetricDataResults"]:
            totals[batch[int(one["Id"][1:])]] = sum(one["Values"])
    busiest = max(totals, key=lambda name: totals[name])
    lambda_.put_function_concurrency(FunctionName=busiest, ReservedConcurrentExecutions=0)
    sweeps.seconds.append(time.perf_counter() - started)
    sweeps.calls = calls
    if busiest != RUNAWAY:
        raise RuntimeError(f"the busiest function is {busiest}")


def _query(number: int, name: str) -> dict[str, Any]:
    return {
        "Id": f"q{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": "Invocations",
                "Dimensions": [{"Name": "FunctionName", "Value": name}],
            },
            "Period": 60,
            "Stat": "Sum",
        },
    }


def show(sizes: Sequence[Size]) -> None:
    """The figures as a table."""
    table = Table(title="sweep: until the function is stopped", title_justify="left")
    for words in ("functions", "", "calls", "seconds", "times calls", "times seconds"):
        table.add_column(words, justify="right" if words else "left", no_wrap=True)
    for size in sizes:
        seconds = Spread.of(size.guard.seconds).text()
        table.add_row(
            f"{size.functions:,}", "Loopbreaker", str(size.guard.call_count), seconds, "1", "1"
        )
        for name, one in (("bare calls", size.bare), ("Cloud Custodian", size.custodian)):
            if one is None:
                continue
            least = "at least " if one.is_cut else ""
            table.add_row(
                "",
                name,
                f"{least}{one.call_count:,}",
                least + Spread.of(one.seconds).text(),
                f"{least}{size.calls_ratio(one):,.0f}",
                f"{least}{size.time_ratio(one):,.1f}",
            )
        table.add_section()
    measure.console().print(table)
    for size in sizes:
        for name, one in (("Loopbreaker", size.guard), ("Cloud Custodian", size.custodian)):
            if one is not None:
                print(f"{size.functions:,}, {name}: {measure.calls_text(one.calls)}")


if __name__ == "__main__":
    sys.exit(main())
