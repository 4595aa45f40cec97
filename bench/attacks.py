"""What hostile and odd accounts cost `chart`: CPU seconds, memory, and what is left undecided.

Each account is imagined in a process of its own, so that the peak of its memory is its own. What is
measured is what a tick does once an account is read: the graph, its book and the notices. The
shapes are those by which a graph grows faster than the account: products of writers and triggers,
loops that share everything, texts that cost more than their length.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table

from bench import measure
from bench.measure import Target
from bench.worlds.hostile import ACCOUNT, AT, ATTACKS, REGION
from functions.aws.records.graph_summary import pack_summary
from functions.domain.graph.paths.limits import CPU_SECONDS
from functions.domain.graph.summary import LoopBook
from functions.domain.notices.graph.warning import compose_warnings
from functions.domain.notices.notice import Deployment
from functions.workflows.graph.graphs import Graphs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MEBI: Final = 1024
MOST_MIB: Final = 1_024 * 3 / 4  # of what `chart` has


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What one account cost."""

    name: str
    size: int
    functions: int
    cpu_seconds: float
    graph_seconds: float
    peak_mib: float
    account_mib: float
    edges: int
    loops: int
    unlisted: int
    proofs: Mapping[str, int]
    doubts: Mapping[str, int]
    book_kib: float


def measured(name: str, size: int) -> Attack:
    """Chart one account, in this process."""
    make, usual = ATTACKS[name]
    made = make(size or usual)
    account_mib = _peak_mib()
    began = time.process_time()
    graphs = Graphs({})
    graph = graphs.of(made)
    graph_seconds = time.process_time() - began
    book = pack_summary(LoopBook.of(graph))
    place = Deployment(region=REGION, account=ACCOUNT, stack_name="Loopbreaker", deploy_flags="")
    compose_warnings(graphs.find_new_loops((), graph), place, AT, is_first=True)
    cpu_seconds = time.process_time() - began
    doubts: dict[str, int] = {}
    for found in graph.doubts.values():
        for doubt in found:
            doubts[doubt.value] = doubts.get(doubt.value, 0) + 1
    counts = graph.counts
    return Attack(
        name=name,
        size=size or usual,
        functions=counts.functions,
        cpu_seconds=cpu_seconds,
        graph_seconds=graph_seconds,
        peak_mib=_peak_mib(),
        account_mib=account_mib,
        edges=counts.edges,
        loops=len(graph.loops),
        unlisted=counts.loops_unlisted,
        proofs={
            "certain": counts.certain,
            "possible": counts.possible,
            "unknown": counts.unknown,
            "ruled out": counts.ruled_out,
        },
        doubts=doubts,
        book_kib=len(book) / _MEBI,
    )


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MEBI * _MEBI if sys.platform == "darwin" else _MEBI)


def targets(attacks: Sequence[Attack]) -> tuple[Target, ...]:
    """What every account is to keep to."""
    found: list[Target] = []
    for one in attacks:
        found += [
            Target(name=f"CPU seconds: {one.name}", value=one.cpu_seconds, at_most=CPU_SECONDS),
            Target(name=f"peak MiB: {one.name}", value=one.peak_mib, at_most=MOST_MIB),
        ]
    return tuple(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench attacks", description=__doc__)
    parser.add_argument("--report", type=Path, default=measure.REPORTS / "attacks.json")
    parser.add_argument("--only", help="the name of one account")
    parser.add_argument("--size", type=int, default=0, help="instead of the usual one")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        print(json.dumps(dataclasses.asdict(measured(given.one, given.size))))
        return 0
    machine = measure.machine()
    print(measure.machine_text(machine), flush=True)
    attacks = [_in_a_process(name, given.size) for name in ATTACKS if given.only in {None, name}]
    show(attacks)
    measure.print_targets(targets(attacks))
    measure.write_report(
        given.report,
        {
            "part": "attacks",
            "machine": machine,
            "attacks": [dataclasses.asdict(one) for one in attacks],
            "targets": measure.targets_document(targets(attacks)),
        },
    )
    return 0


def _in_a_process(name: str, size: int) -> Attack:
    return Attack(**measure.run_apart("bench.attacks", "--one", name, "--size", str(size)))


def show(attacks: Sequence[Attack]) -> None:
    """Print the table."""
    table = Table(title="Accounts that cost much")
    for name in ("account", "size", "CPU s", "peak MiB", "edges", "loops", "decided", "budget"):
        table.add_column(name, justify="left" if name == "account" else "right")
    for one in attacks:
        table.add_row(
            one.name,
            f"{one.size:,}",
            f"{one.cpu_seconds:.1f}",
            f"{one.peak_mib:,.0f}",
            f"{one.edges:,}",
            f"{one.loops:,}",
            f"{one.functions - one.proofs['unknown']:,}",
            f"{one.doubts.get('budget', 0):,}",
        )
    measure.console().print(table)
    print("budget: functions that are undecided because not everything was looked at")


if __name__ == "__main__":
    sys.exit(main())
