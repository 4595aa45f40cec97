"""How well loops are told from busy days: ``python -m bench detection --traces DIR``."""

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.detection.accounts import PulseRecord, judge_account
from bench.detection.danger import POOLS, draw_danger, play_danger
from bench.detection.data import (
    MINUTES_A_DAY,
    STRESS_POOL,
    Floats,
    Row,
    Traffic,
    load,
)
from bench.detection.drawings import pictures
from bench.detection.holds.held import CONFOUNDERS, HEALTHY, LOOPS, draw_table, play_pool
from bench.detection.judge import Ours, Record, injections, judge_ours, judge_rival  # noqa: TC001
from bench.detection.looks import LooksRecord, draw_looks, judge_looks
from bench.detection.read_loops import (
    KINDS,
    OTHER_SHARES,
    ReadLoopsRecord,
    draw_read_loops,
    judge_all,
)
from bench.detection.rules import rivals
from bench.detection.sampling import sample
from functions.domain.incidents.policy import Policy

DEFAULT_TRACES: Final = Path("../shared/traces")
DEFAULT_REPORT: Final = Path("build/bench/detection.json")
OTHER_FLOORS: Final = (300, 1000)
EACH: Final = 3
ACCOUNTS: Final = (10, 100, 1000)
PLAYS: Final = 60
QUICK_LOOKS: Final[dict[str, Any]] = {"accounts": 1, "each": 5, "times": (1.0,)}
QUICK_READ: Final[dict[str, Any]] = {"accounts": 1, "each": 5, "kinds": KINDS[:3]}


def main(argv: list[str]) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m bench detection", description=__doc__)
    parser.add_argument("--traces", type=Path, default=DEFAULT_TRACES, help="folder of *.npz")
    parser.add_argument("--report", type=Path, default=DEFAULT_REPORT, help="JSON to write")
    parser.add_argument("--floor", type=int, default=Policy().floor_per_minute)
    parser.add_argument("--each", type=int, default=EACH, help="rows that each loop is put into")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="a subset, to see that it works")
    parser.add_argument("--held", action="store_true", help="only what a hold shows")
    parser.add_argument("--danger", action="store_true", help="only how often functions are in it")
    parser.add_argument("--plays", type=int, default=PLAYS, help="functions of each pool, held")
    given = parser.parse_args(argv)
    console = Console()
    if not console.is_terminal:
        console = Console(width=190)
    started = time.monotonic()
    if given.held or given.danger:
        held: dict[str, Any] = {}
        if given.held:
            held["held"] = play_held(given.plays, given.seed, console)
        if given.danger:
            held["danger"] = measure_danger(given.plays, given.seed, console)
        given.report.parent.mkdir(parents=True, exist_ok=True)
        given.report.write_text(json.dumps(held, indent=1, allow_nan=False) + "\n")
        console.print(f"{given.report}, {time.monotonic() - started:.0f} s")
        return 0
    traffic = load(given.traces, seed=given.seed)
    if traffic.source == "generated":
        console.print(f"[yellow]no traces in {given.traces}: judging by traffic of our own[/]")
    if given.quick:
        traffic = Traffic(
            source=traffic.source,
            rows=traffic.rows[:: len(traffic.rows) // 200 or 1],
            runs=traffic.runs[::5],
        )
    bench = Bench(
        traffic=traffic,
        floor=given.floor,
        each=given.each,
        seed=given.seed,
        console=console,
        folder=given.report.parent,
        is_quick=given.quick,
    )
    report = bench.run()
    plays = 1 if given.quick else given.plays
    report["held"] = play_held(plays, given.seed, console)
    report["seconds"] = round(time.monotonic() - started, 1)
    given.report.parent.mkdir(parents=True, exist_ok=True)
    given.report.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
    console.print(
        f"{given.report} and {len(report['pictures'])} pictures beside it, "
        f"{report['seconds']:.0f} s"
    )
    return 0


def play_held(plays: int, seed: int, console: Console) -> dict[str, Any]:
    """What a hold shows of loops and of healthy functions, by pool."""
    report = {}
    for title, pools in (
        ("held: healthy functions", HEALTHY),
        ("held: what follows the function, as a loop does", CONFOUNDERS),
        ("held: loops", LOOPS),
    ):
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(title, total=plays * len(pools))
            tick = partial(progress.advance, task)
            records = [play_pool(pool, make, plays, seed, tick) for pool, make in pools.items()]
        console.print(draw_table(title, records))
        report[title] = [one.to_json() for one in records]
    return report


def measure_danger(plays: int, seed: int, console: Console) -> list[dict[str, Any]]:
    """How often functions are in danger, by the bound for their price."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("danger", total=plays * sum(map(len, POOLS.values())))
        records = play_danger(plays, seed, partial(progress.advance, task))
    for one in records:
        console.print(draw_danger(one))
    return [one.to_json() for one in records]


class Bench:
    """One run of all parts, with its progress on the screen."""

    def __init__(
        self,
        *,
        traffic: Traffic,
        floor: int,
        each: int,
        seed: int,
        console: Console,
        folder: Path,
        is_quick: bool = False,
    ) -> None:
        self.is_quick = is_quick
        self.traffic = traffic
        self.policy = Policy(floor_per_minute=floor)
        self.each = each
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.console = console
        self.folder = folder
        self.records: list[Record] = []
        self.ours: dict[str, Ours] = {}

    def run(self) -> dict[str, Any]:
        """All parts."""
        self._pools()
        others = self._other_floors()
        pulse = self._pulse()
        looks = self._looks()
        read_loops = self._read_loops()
        paths = pictures.frontier([*self.records, *others], self.folder)
        paths += pictures.looks(looks, self.folder)
        for pool, ours in self.ours.items():
            paths += pictures.alarms(ours.episodes, self.folder, pool)
            paths += pictures.misses(ours.missed, self.folder, pool)
        return {
            "source": self.traffic.source,
            "floor_per_minute": self.policy.floor_per_minute,
            "records": [one.to_json() for one in self.records],
            "other_floors": [one.to_json() for one in others],
            "pulse": [one.to_json() for one in pulse],
            "looks": [one.to_json() for one in looks],
            "read_loops": [one.to_json() for one in read_loops],
            "pictures": [str(path) for path in paths],
        }

    def _pools(self) -> None:
        """Every rule on every pool."""
        for pool in self.traffic.pools:
            rows = self.traffic.pool(pool)
            drawn = injections(rows, self.traffic.runs, self.each, self.rng)
            rest = self._rest_of_account(rows)
            named = rivals(rest)
            with self._progress() as progress:
                task = progress.add_task(pool, total=len(rows) + len(drawn) + len(named))
                floor = float(self.policy.floor_per_minute)
                tick = partial(progress.advance, task)
                ours = judge_ours(pool, rows, drawn, self.policy, tick)
                records = [ours.record]
                for one in named:
                    records.append(judge_rival(one, pool, rows, drawn, floor))
                    progress.advance(task)
            self.ours[pool] = ours
            self.records += records
            self.console.print(_table(pool, records, sum(row.days for row in rows)))

    def _other_floors(self) -> list[Record]:
        """Ours at floors below and above the default, for choosing it."""
        found = []
        for floor in OTHER_FLOORS:
            policy = Policy(floor_per_minute=floor)
            for pool in self.traffic.pools:
                rows = self.traffic.pool(pool)
                drawn = injections(rows, self.traffic.runs, 1, self.rng)
                found.append(judge_ours(pool, rows, drawn, policy, lambda: None).record)
        self.console.print(_table("other floors", found, None))
        return found

    def _pulse(self) -> list[PulseRecord]:
        """Accounts of three sizes; the busy ones are made of the stress pool."""
        found = []
        for pool in ("day", STRESS_POOL):
            rows = [one for one in self.traffic.pool(pool) if len(one.counts) == MINUTES_A_DAY]
            if not rows:
                continue
            with self._progress() as progress:
                task = progress.add_task(f"pulse, {pool}", total=len(ACCOUNTS) * 60)
                tick = partial(progress.advance, task)
                found += [
                    judge_account(
                        rows,
                        self.traffic.runs,
                        functions,
                        self.policy,
                        # Draws of its own: what another part draws moves nothing here.
                        rng=np.random.default_rng([self.seed, functions]),
                        tick=tick,
                    )
                    for functions in ACCOUNTS
                ]
        self.console.print(_pulse_table(found))
        return found

    def _looks(self) -> list[LooksRecord]:
        """What a budget for looks buys, in accounts that are busy enough to hide a loop."""
        rows = self._busy_rows()
        with self._progress() as progress:
            task = progress.add_task("looks", total=None)
            tick = partial(progress.advance, task)
            found = [
                record
                for functions in (ACCOUNTS if rows else ())
                for record in judge_looks(
                    rows,
                    functions,
                    self.policy,
                    rng=np.random.default_rng([self.seed, functions]),
                    tick=tick,
                    **(QUICK_LOOKS if self.is_quick else {}),
                )
            ]
        self.console.print(draw_looks(found))
        return found

    def _read_loops(self) -> list[ReadLoopsRecord]:
        """What it buys in these accounts to read by name whom the event graph has on a loop."""
        rows = self._busy_rows()
        with self._progress() as progress:
            task = progress.add_task("read by name", total=None)
            tick = partial(progress.advance, task)
            found = [
                record
                for functions in (ACCOUNTS if rows else ())
                for record in judge_all(
                    rows,
                    functions,
                    self.policy,
                    rng=np.random.default_rng([self.seed, functions]),
                    tick=tick,
                    **self._kinds(functions),
                )
            ]
        self.console.print(draw_read_loops(found))
        return found

    def _kinds(self, functions: int) -> dict[str, Any]:
        if self.is_quick:
            return QUICK_READ
        return {"kinds": (*KINDS, *OTHER_SHARES)} if functions == max(ACCOUNTS) else {}

    def _busy_rows(self) -> list[Row]:
        pool = STRESS_POOL if self.traffic.pool(STRESS_POOL) else "day"
        return [one for one in self.traffic.pool(pool) if len(one.counts) == MINUTES_A_DAY]

    def _rest_of_account(self, rows: tuple[Row, ...]) -> Floats:
        """The other 99 functions of an account, for the single-alarm recipe."""
        total = np.zeros(MINUTES_A_DAY)
        for _ in range(99):
            row = sample(rows, self.rng)
            total += np.resize(row.counts, MINUTES_A_DAY)
        return total

    def _progress(self) -> Progress:
        return Progress(console=self.console, transient=True)


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _table(title: str, records: list[Record], days: float | None) -> Table:
    heading = title if days is None else f"{title}: {days:,.0f} function-days"
    table = Table(title=heading, title_justify="left")
    for name in (
        "rule",
        "floor",
        "false per 1,000 d (95 %)",
        "found (95 %)",
        "min. median",
        "p95",
        "from 1st event",
        "invocations",
        "USD median",
        "below floor",
    ):
        table.add_column(name, justify="left" if name == "rule" else "right")
    for one in records:
        low, high = one.false_interval
        least, most = one.found_interval
        table.add_row(
            one.rule if days is not None else f"{one.rule}, {one.pool}",
            _number(one.floor_per_minute),
            f"{one.false_per_1000_days:.1f} ({low:.1f}-{high:.1f})",
            f"{100 * one.found_share:.1f} % ({100 * least:.1f}-{100 * most:.1f})",
            _number(one.minutes_median),
            _number(one.minutes_p95),
            f"{_number(one.from_first_event_median)}/{_number(one.from_first_event_p95)}",
            _number(one.invocations_median),
            _number(one.usd_median, 4),
            f"{one.found_below_floor}/{one.loops_below_floor}",
        )
    return table


def _pulse_table(records: list[PulseRecord]) -> Table:
    table = Table(title="pulse, without any precedent to calm it", title_justify="left")
    for name in (
        "account",
        "level/min",
        "needless looks/day",
        "10 % within 3",
        "10 % within 40",
        "loops within 3",
        "loops within 40",
        "min. median/p95",
        "rest by sweep",
        "USD pulse+looks",
        "USD sweep",
    ):
        table.add_column(name, justify="right")
    for one in records:
        table.add_row(
            f"{one.functions:,} x {one.pool}",
            _number(one.level_per_minute),
            f"{one.needless_looks_a_day:.1f}",
            f"{100 * one.ten_percent_within_3:.0f} %",
            f"{100 * one.ten_percent_within_40:.0f} %",
            f"{100 * one.looked_within_3:.0f} %",
            f"{100 * one.looked_within_40:.0f} %",
            f"{_number(one.minutes_median)}/{_number(one.minutes_p95)}",
            "-" if one.rest_found_by_sweep is None else f"{100 * one.rest_found_by_sweep:.0f} %",
            f"{one.usd_pulse + one.usd_looks:.2f}",
            f"{one.usd_sweep:.2f}",
        )
    return table
