"""The event graph of accounts of any size: calls, seconds, CPU and memory of a reading.

The account answers within this process, in AWS's pages and without taking time, and a clock that
only the reading's own pauses move tells how long its pace takes: once at the rate that AWS allows
for Lambda's control plane, once at the share of each rate that the guard takes. Each size runs in
a process of its own, so that the peak of its memory is its own.

Not counted is what boto3 takes to send a call and read its answer.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench import measure
from bench.measure import Target
from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from functions.aws.account import facts as f
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import Quota, RateLimiter, compute_shared_rates
from functions.aws.account.read_client import ReadClient
from functions.aws.account.read_session import run_one_by_one
from functions.aws.records import table
from functions.aws.records.fact_store import FactStore
from functions.aws.records.graph_summary import pack_summary
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.graph.summary import LoopBook
from functions.workflows.graph.graphs import Graphs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.worlds.paged_account import PagedAccount
    from functions.domain.account.inventory import Account
    from functions.domain.graph.refresh import Manifest

SIZES: Final = (100, 1_000, 10_000)
AT: Final = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
CONTROL_PLANE_PER_SECOND: Final = 15.0
MOST_CALLS_PER_FUNCTION: Final = 2.2
MOST_CPU_PER_THOUSAND: Final = 2.0
MOST_INCREMENTAL_CALLS: Final = 20
_MEBI: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a number of functions takes.

    Attributes
    ----------
    calls
        Of a full pass, by API.
    seconds_in_a_row
        All calls of a full pass, one after the other, at 15 a second.
    seconds_at_our_pace
        The same at the guard's share of each API's own rate, the services side by side.
    read_cpu_seconds, graph_cpu_seconds, store_cpu_seconds
        Of this process.
    peak_mib, account_mib
        Of this process; what the imagined account took of that before it was read.
    light_calls
        Of the hourly pass, by API.
    changes
        Calls to work a change in, by kind.
    change_cpu_seconds
        To load the stored facts, work one change in, build the graph and store it.
    """

    functions: int
    calls: Mapping[str, int]
    seconds_in_a_row: float
    seconds_at_our_pace: float
    read_cpu_seconds: float
    graph_cpu_seconds: float
    store_cpu_seconds: float
    peak_mib: float
    account_mib: float
    stored_kib: float
    book_kib: float
    loops: int
    gaps: int
    light_calls: Mapping[str, int]
    changes: Mapping[str, int]
    change_cpu_seconds: float

    @property
    def call_count(self) -> int:
        """All calls of a full pass."""
        return sum(self.calls.values())

    @property
    def calls_per_function(self) -> float:
        """Calls of a full pass for each function."""
        return self.call_count / self.functions

    @property
    def cpu_seconds(self) -> float:
        """Of a full pass, from the first call to the stored book."""
        return self.read_cpu_seconds + self.graph_cpu_seconds + self.store_cpu_seconds

    @property
    def cpu_per_thousand(self) -> float:
        """CPU seconds for each thousand functions."""
        return self.cpu_seconds / self.functions * 1000

    @property
    def most_change_calls(self) -> int:
        """Calls of the dearest change."""
        return max(self.changes.values())

    def document(self) -> dict[str, Any]:
        """For the report."""
        return {
            **dataclasses.asdict(self),
            "call_count": self.call_count,
            "calls_per_function": round(self.calls_per_function, 4),
            "cpu_seconds": round(self.cpu_seconds, 4),
            "cpu_seconds_per_1000_functions": round(self.cpu_per_thousand, 4),
            "most_change_calls": self.most_change_calls,
            "light_call_count": sum(self.light_calls.values()),
        }


class VirtualClock:
    """Seconds that pass only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        """Seconds since the start."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let seconds pass."""
        self.now += seconds


class Memory:
    """DynamoDB in this process, for the store of facts."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.size = 0

    def put_item(self, **given: Any) -> dict[str, Any]:
        """Keep an item."""
        item = given["Item"]
        self.items[item["sk"]["S"]] = item
        self.size += len(item["data"]["B"])
        return {}

    def query(self, **_given: Any) -> dict[str, Any]:
        """All items."""
        return {"Items": [self.items[key] for key in sorted(self.items)]}


def targets(sizes: Sequence[Size]) -> tuple[Target, ...]:
    """What the figures are to reach, at every size."""
    found = []
    for one in sizes:
        found += [
            Target(
                name=f"calls per function at {one.functions:,}",
                value=one.calls_per_function,
                at_most=MOST_CALLS_PER_FUNCTION,
            ),
            Target(
                name=f"CPU seconds per 1,000 functions at {one.functions:,}",
                value=one.cpu_per_thousand,
                at_most=MOST_CPU_PER_THOUSAND,
            ),
            Target(
                name=f"calls of the dearest change at {one.functions:,}",
                value=one.most_change_calls,
                at_most=MOST_INCREMENTAL_CALLS - 1,
            ),
        ]
    return tuple(found)


def measured(functions: int) -> Size:
    """Read an account of so many functions, in this process."""
    account = grown(functions)
    account_mib = _peak_mib()
    graphs = Graphs({})

    began = time.process_time()
    facts, read, clock = _full_pass(account, graphs, compute_shared_rates())
    read_cpu = time.process_time() - began
    calls = dict(account.calls)

    # The reading has built it once already, to know which functions may be on a loop: a second
    # time only where that reading found something more.
    began = time.process_time()
    graph = graphs.of(read)
    book = pack_summary(LoopBook.of(graph))
    graph_cpu = time.process_time() - began

    began = time.process_time()
    memory = Memory()
    client: Any = memory
    store = FactStore(
        table.Table(lambda: client, "t"), account=ACCOUNT, region=REGION, partition="aws"
    )
    manifest = store.save(facts)
    store_cpu = time.process_time() - began
    stored = memory.size

    account.calls.clear()
    later = store.begin(AT, carried_from=facts)
    AccountReader(_asker(account), side_by_side=run_one_by_one).read(later)
    light = dict(account.calls)

    changes, change_cpu = _changes(account, store, manifest)
    return Size(
        functions=functions,
        calls=calls,
        seconds_in_a_row=sum(calls.values()) / CONTROL_PLANE_PER_SECOND,
        seconds_at_our_pace=clock,
        read_cpu_seconds=read_cpu,
        graph_cpu_seconds=graph_cpu,
        store_cpu_seconds=store_cpu,
        peak_mib=_peak_mib(),
        account_mib=account_mib,
        stored_kib=stored / _MEBI,
        book_kib=len(book) / _MEBI,
        loops=len(graph.loops),
        gaps=len(read.gaps),
        light_calls=light,
        changes=changes,
        change_cpu_seconds=change_cpu,
    )


def _full_pass(
    account: PagedAccount, graphs: Graphs, rates: Mapping[Quota, float]
) -> tuple[f.Facts, Account, float]:
    """Read everything; answers the facts, the account and the seconds of the slowest service."""
    clocks = {lane: VirtualClock() for lane in Quota}
    pace = _SideBySide({lane: _own_pace(lane, rates, clocks[lane]) for lane in Quota})
    facts = f.begin(ACCOUNT, REGION, "aws", AT)
    asker = ReadClient(account.client, pace)
    reader = AccountReader(asker, suspects=graphs.suspects, side_by_side=run_one_by_one)
    read = reader.read(facts)
    if read is None:
        raise RuntimeError("the reading did not end")
    return facts, read, max(clock.now for clock in clocks.values())


def _own_pace(lane: Quota, rates: Mapping[Quota, float], clock: VirtualClock) -> RateLimiter:
    own = {lane: rates[lane]} if lane in rates else {}
    return RateLimiter(own, clock=clock.read, sleep=clock.sleep)


class _SideBySide(RateLimiter):
    """A clock for each service: they are asked in threads, and do not wait for each other."""

    def __init__(self, paces: Mapping[Quota, RateLimiter]) -> None:
        super().__init__({})
        self._paces = paces

    def wait(self, lane: Quota) -> None:
        """Wait on the lane's own clock."""
        self._paces[lane].wait(lane)


def _asker(account: PagedAccount) -> ReadClient:
    return ReadClient(account.client, RateLimiter({}))


def _changes(
    account: PagedAccount, store: FactStore, manifest: Manifest
) -> tuple[dict[str, int], float]:
    """Calls to work each kind of change in, and CPU seconds of one as a tick does it."""
    function = next(iter(account.functions))
    described = {
        ChangeKind.FUNCTION: function,
        ChangeKind.PERMISSION: function,
        ChangeKind.MAPPING: next(iter(account.mappings)),
        ChangeKind.DESTINATIONS: function,
        ChangeKind.ROLE: f"{function}-role",
        ChangeKind.POLICY: next(iter(account.managed)),
        ChangeKind.BUCKET: next(iter(account.buckets)),
        ChangeKind.SUBSCRIPTION: next(
            arn for arn, one in account.subscriptions.items() if one["Protocol"] == "lambda"
        ),
        ChangeKind.RULE: "default|rule-1",
        ChangeKind.SCHEDULE: "default|s0",
        ChangeKind.PIPE: "pipe-0",
        ChangeKind.MACHINE: next(iter(account.machines)),
        ChangeKind.STREAM: "delivery-0",
        ChangeKind.QUEUE: f"{account.arn('sqs', 'work-0')}|",
        ChangeKind.TAGS: "all",
        ChangeKind.BUS_POLICY: "all",
    }
    facts = store.load(manifest)
    calls: dict[str, int] = {}
    for kind, name in described.items():
        graphs = Graphs({})
        account.calls.clear()
        reader = AccountReader(
            _asker(account), suspects=graphs.suspects, side_by_side=run_one_by_one
        )
        reader.work_in([Change(kind=kind, name=name)], facts)
        calls[kind.value] = account.calls.total()
    began = time.process_time()
    graphs = Graphs({})
    facts = store.load(manifest)
    reader = AccountReader(_asker(account), suspects=graphs.suspects, side_by_side=run_one_by_one)
    change = Change(kind=ChangeKind.ROLE, name=described[ChangeKind.ROLE])
    read = reader.work_in([change], facts)
    if read is not None:
        pack_summary(LoopBook.of(graphs.of(read)))
    store.save(facts, manifest)
    return calls, time.process_time() - began


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (_MEBI * _MEBI if sys.platform == "darwin" else _MEBI)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench graph", description=__doc__)
    parser.add_argument("--report", type=Path, default=measure.REPORTS / "graph.json")
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="such as 100,1000")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        print(json.dumps(dataclasses.asdict(measured(given.one))))
        return 0
    machine = measure.machine()
    print(measure.machine_text(machine), flush=True)
    sizes = [_in_a_process(one) for one in given.sizes]
    show(sizes)
    measure.print_targets(targets(sizes))
    measure.write_report(
        given.report,
        {
            "part": "graph",
            "machine": machine,
            "sizes": [one.document() for one in sizes],
            "targets": measure.targets_document(targets(sizes)),
        },
    )
    return 0


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(one) for one in text.split(",")))


def _in_a_process(functions: int) -> Size:
    return Size(**measure.run_apart("bench.graph", "--one", str(functions)))


def show(sizes: Sequence[Size]) -> None:
    """Print the table, and below it the calls of each size by API."""
    table = Table(title="A full pass over an account")
    for name in (
        "size",
        "calls",
        "each",
        "s at 15/s",
        "s at ours",
        "CPU s",
        "CPU s/1,000",
        "peak MiB",
        "hourly",
        "change",
    ):
        table.add_column(name, justify="right")
    for one in sizes:
        table.add_row(
            f"{one.functions:,}",
            f"{one.call_count:,}",
            f"{one.calls_per_function:.2f}",
            f"{one.seconds_in_a_row:,.0f}",
            f"{one.seconds_at_our_pace:,.0f}",
            f"{one.cpu_seconds:.2f}",
            f"{one.cpu_per_thousand:.2f}",
            f"{one.peak_mib:,.0f}",
            f"{sum(one.light_calls.values()):,}",
            f"{one.most_change_calls}",
        )
    measure.console().print(table)
    print("size: functions; each: calls for each function; hourly, change: calls of these")
    for one in sizes:
        print(f"{one.functions:,}: {measure.calls_text(one.calls)}")
        print(
            f"{one.functions:,}: {one.loops:,} loops, {one.gaps} gaps, facts {one.stored_kib:,.0f} "
            f"KiB, book {one.book_kib:,.0f} KiB, a change {one.change_cpu_seconds:.2f} CPU s"
        )


if __name__ == "__main__":
    sys.exit(main())
