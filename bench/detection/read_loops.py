"""What it buys to read the functions on loops by name: dollars a month against the loops seen."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any, Final

import numpy as np
from rich.table import Table

from bench.detection.accounts import FROM, functions_of
from bench.detection.accounts import watch as watch_account
from bench.detection.data import MINUTES_A_DAY, Floats, Row
from bench.detection.holds.held_play import show_in
from bench.detection.looks import IN_TIME, SETTLED, SHARES, watching_usd
from bench.detection.ours import EPOCH
from functions.domain.deployment.guard_cost import (
    METRICS_PER_CHECK,
    USD_PER_METRIC_READ,
    compute_pulse_budget_usd,
    count_pulse_watch_metrics,
    estimate_pulse_check_usd,
)
from functions.domain.detection.evidence import RECENT_MINUTES, LoopProof, Series
from functions.domain.graph.loop_lookup import OnLoop
from functions.domain.incidents.policy import Policy
from functions.domain.pulse.account_pulse import WATCHED_FOR
from functions.domain.pulse.look_budget import LookBudget
from functions.domain.pulse.loop_watch import LoopWatch, plan_watch, stands_out
from sandbox.weather.seeded import Weather, WeatherKind

# The share of functions that are on loops as the graph knows it, functions on one loop, and the
# share of the budget for reading them (``None``: the guard's own).
KINDS: Final[tuple[tuple[float, int, float | None], ...]] = (
    (0.0, 1, None),
    (0.01, 1, None),
    (0.03, 1, None),
    (0.1, 1, None),
    (0.1, 2, None),
    (1.0, 1, None),
)
OTHER_SHARES: Final[tuple[tuple[float, int, float | None], ...]] = tuple(
    (known, 1, share) for known in (0.03, 0.1) for share in (0.3, 0.45, 0.75, 0.9)
)
PULSE_SECONDS: Final = 20  # after the full minute
LATEST_MINUTES: Final = 5
WATCHED_MINUTES: Final = WATCHED_FOR // timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLoopsRecord:
    """Loops that add a share of the account, where the event graph knows some functions on loops.

    Attributes
    ----------
    on_loops
        Functions that the graph knows on loops; `of_each` of them are on one.
    watch_share
        The share of the budget that reading them may take.
    every_minutes
        How often they are read; 0 where they are too many.
    usd
        Dollars a month for the pulse, the readings, the checks and the looks that were made.
    most_usd
        The same, for as much as the budget allows.
    checks_a_day
        Functions that stand out without a loop, each checked and watched for some minutes.
    seen
        By the share that the loop adds: of how many loops on functions that the graph knows, how
        many were seen in time, by name or by a look.
    seen_unknown
        The same of loops on other functions: by a look.
    """

    functions: int
    on_loops: int
    of_each: int
    watch_share: float | None
    every_minutes: int
    usd: float
    most_usd: float
    checks_a_day: float
    looks_a_day: float
    seen: dict[str, tuple[int, int]]
    seen_unknown: dict[str, tuple[int, int]]

    def to_json(self) -> dict[str, Any]:
        """As it stands in the report."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """An account-day, and the moments at which loops begin in it."""

    functions: Floats
    onsets: tuple[int, ...]
    order: tuple[int, ...]  # the functions by which the graph knows them first

    @property
    def counts(self) -> Floats:
        """The account."""
        total: Floats = self.functions.sum(axis=0)
        return total


def draw_days(
    rows: Sequence[Row],
    functions: int,
    *,
    rng: np.random.Generator,
    accounts: int = 6,
    each: int = 20,
) -> list[Day]:
    """Accounts of one size, the same for whatever is compared, and as the looks are judged by."""
    days = [functions_of(rows, functions, rng) for _ in range(accounts)]
    onsets = rng.integers(SETTLED, MINUTES_A_DAY - IN_TIME, size=(accounts, each))
    return [
        Day(
            functions=day,
            onsets=tuple(sorted(map(int, some))),
            order=tuple(map(int, rng.permutation(functions))),
        )
        for day, some in zip(days, onsets, strict=True)
    ]


def judge_all(
    rows: Sequence[Row],
    functions: int,
    policy: Policy,
    *,
    rng: np.random.Generator,
    tick: Callable[[], None],
    kinds: Sequence[tuple[float, int, float | None]] = KINDS,
    accounts: int = 6,
    each: int = 20,
) -> list[ReadLoopsRecord]:
    """Accounts of one size, by what the graph knows; each number of functions on loops once."""
    days = draw_days(rows, functions, rng=rng, accounts=accounts, each=each)
    found: dict[tuple[int, int, float | None], ReadLoopsRecord] = {}
    for known, of_each, share in kinds:
        key = (_on_loops(functions, known, of_each), of_each, share)
        if key not in found and of_each <= max(1, key[0]):
            found[key] = judge_read_loops(
                days, policy, tick, known=known, of_each=of_each, watch_share=share
            )
    return list(found.values())


def _on_loops(functions: int, known: float, of_each: int) -> int:
    return min(functions, max(of_each, round(known * functions))) if known else 0


def judge_read_loops(
    days: Sequence[Day],
    policy: Policy,
    tick: Callable[[], None],
    *,
    known: float,
    of_each: int = 1,
    watch_share: float | None = None,
) -> ReadLoopsRecord:
    """One kind of account, of which the graph knows a share of the functions on loops.

    Parameters
    ----------
    watch_share
        Of the budget, for reading by name; ``None`` for the guard's own.
    """
    functions = len(days[0].functions)
    on_loops = _on_loops(functions, known, of_each)
    most = count_pulse_watch_metrics(functions)
    if watch_share is not None:
        most = int(watch_share * compute_pulse_budget_usd(functions) / USD_PER_METRIC_READ)
    plan = plan_watch(
        [
            OnLoop(function=str(number), proof=LoopProof.POSSIBLE, loop=str(number // of_each))
            for number in range(on_loops)
        ],
        most,
    )
    checks = sum(_count_checks(day, plan, policy) for day in days)
    settled_days = len(days) * (MINUTES_A_DAY - SETTLED) / MINUTES_A_DAY
    checks_a_day = checks / settled_days
    checks_metrics = 30 * checks_a_day * METRICS_PER_CHECK * (1 + WATCHED_MINUTES)
    budget = LookBudget.of(functions, plan.metrics_a_month)
    # What checks take is not there for looks.
    left = budget.looks_per_month - checks_metrics / budget.metrics_per_look
    budget = replace(budget, looks_per_month=max(0.0, left))
    seen = {share: [0, 0] for share in SHARES}
    unknown = {share: [0, 0] for share in SHARES}
    looks = 0
    for day in days:
        made, by_looks = _look(day, policy, budget)
        looks += made
        for number, onset in enumerate(day.onsets):
            for share in SHARES:
                height = share * float(np.median(day.counts[onset - 60 : onset]))
                if height < policy.floor_per_minute * of_each:
                    continue
                is_looked_at = by_looks[onset, share]
                unknown[share][0] += is_looked_at
                unknown[share][1] += 1
                loop = number % max(1, on_loops // of_each)
                names = range(loop * of_each, (loop + 1) * of_each) if on_loops else ()
                is_read = _is_read(
                    day, plan, policy, names=names, onset=onset, height=height / of_each
                )
                seen[share][0] += is_looked_at or is_read
                seen[share][1] += 1
        tick()
    looks_a_day = looks / settled_days
    usd = (
        watching_usd(functions)
        + (plan.metrics_a_month + checks_metrics) * USD_PER_METRIC_READ
        + 30 * looks_a_day * estimate_pulse_check_usd(functions)
    )
    return ReadLoopsRecord(
        functions=functions,
        on_loops=on_loops,
        of_each=of_each,
        watch_share=watch_share,
        every_minutes=plan.rotations[0].every_minutes if plan.rotations else 0,
        usd=usd,
        most_usd=watching_usd(functions) + compute_pulse_budget_usd(functions),
        checks_a_day=checks_a_day,
        looks_a_day=looks_a_day,
        seen=_named(seen),
        seen_unknown=_named(unknown),
    )


def _named(seen: dict[float, list[int]]) -> dict[str, tuple[int, int]]:
    return {f"{100 * share:.0f} %": (hits, of) for share, (hits, of) in seen.items()}


def _look(
    day: Day, policy: Policy, budget: LookBudget
) -> tuple[int, dict[tuple[int, float], bool]]:
    """The looks of a day without loops, and which loops a look sees."""
    found: dict[tuple[int, float], bool] = {}
    counts, memory, at, looks = day.counts, None, FROM, 0
    for onset in (*day.onsets, MINUTES_A_DAY):
        made, memory = watch_account(
            counts, policy, start=at, end=onset, memory=memory, budget=budget
        )
        looks += sum(1 for one in made if one >= SETTLED)
        at = onset
        for share in SHARES if onset < MINUTES_A_DAY else ():
            total = counts.copy()
            total[onset:] += share * float(np.median(counts[onset - 60 : onset]))
            made, _ = watch_account(
                total, policy, start=onset, end=onset + IN_TIME, memory=memory, budget=budget
            )
            found[onset, share] = bool(made)
    return looks, found


def _is_read(
    day: Day, plan: LoopWatch, policy: Policy, *, names: Sequence[int], onset: int, height: float
) -> bool:
    """Whether a reading finds the loop before a sixth of its datapoints is there.

    Each series is published as in the sandbox's weather: late, and a part of each minute at first.
    """
    for name in names:
        counts = day.functions[day.order[name]].copy()
        counts[onset:] += height
        show = show_in(Weather(kind=WeatherKind.AWS, seed=onset * 1_000 + name))
        for at in range(onset, min(MINUTES_A_DAY, onset + IN_TIME + LATEST_MINUTES)):
            now = EPOCH + timedelta(minutes=at + 1, seconds=PULSE_SECONDS)
            shown = show("Invocations", _series(counts, at), now)
            sixth = len(shown.values) - (at - onset + 1) + IN_TIME
            if any(value is not None for value in shown.values[sixth:]):
                break
            every = plan.list_due(now).get(str(name))
            if every is not None and stands_out(shown, policy.floor_per_minute, now, every):
                return True
    return False


def _count_checks(day: Day, plan: LoopWatch, policy: Policy) -> int:
    """Functions that stand out on a day without loops; who is watched is not checked again."""
    floor, checks = policy.floor_per_minute, 0
    rested: dict[str, int] = {}
    high = {
        str(name): _reaches(day.functions[function], floor)
        for name, function in enumerate(day.order)
    }
    for at in range(SETTLED, MINUTES_A_DAY):
        now = EPOCH + timedelta(minutes=at + 1, seconds=PULSE_SECONDS)
        for name, every in plan.list_due(now).items():
            if not high[name][at] or at < rested.get(name, 0):
                continue
            series = _series(day.functions[day.order[int(name)]], at)
            if stands_out(series, floor, now, every):
                checks += 1
                rested[name] = at + WATCHED_MINUTES
    return checks


def _reaches(counts: Floats, floor: float) -> list[bool]:
    """The minutes in which one of the newest is at the floor."""
    highest = counts.copy()
    for back in range(1, LATEST_MINUTES):
        highest[back:] = np.maximum(highest[back:], counts[:-back])
    return [bool(value >= floor) for value in highest]


def _series(counts: Floats, at: int) -> Series:
    first = max(0, at + 1 - RECENT_MINUTES)
    return Series(
        start=EPOCH + timedelta(minutes=first),
        period_seconds=60,
        values=tuple(counts[first : at + 1].tolist()),
    )


def draw_read_loops(records: Sequence[ReadLoopsRecord]) -> Table:
    """The records as a table."""
    title = f"functions on loops read by name: loops above the floor seen within {IN_TIME} minutes"
    table = Table(title=title, title_justify="left")
    shares = [f"{100 * share:.0f} %" for share in SHARES]
    for name in (
        "account",
        "on loops",
        "of a loop",
        "share of budget",
        "every",
        "USD at most",
        "USD",
        "checks/day",
        "looks/day",
        *shares,
        *(f"{share}, unknown" for share in shares),
    ):
        table.add_column(name, justify="right")
    for one in records:
        table.add_row(
            f"{one.functions:,}",
            f"{one.on_loops:,}",
            f"{one.of_each}",
            "-" if one.watch_share is None else f"{one.watch_share:g}",
            f"{one.every_minutes} min" if one.every_minutes else "-",
            f"{one.most_usd:.2f}",
            f"{one.usd:.2f}",
            f"{one.checks_a_day:.1f}",
            f"{one.looks_a_day:.1f}",
            *(_share(*one.seen[share]) for share in shares),
            *(_share(*one.seen_unknown[share]) for share in shares),
        )
    return table


def _share(hits: int, of: int) -> str:
    return f"{100 * hits / of:.0f} % of {of}" if of else "-"
