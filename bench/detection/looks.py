"""What the looks of the pulse buy: dollars a month against the loops that it sees in time."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from rich.table import Table

from bench.detection.accounts import FROM, account_of, watch
from bench.detection.data import MINUTES_A_DAY, Floats, Row
from functions.domain.deployment.guard_cost import (
    count_pulse_checks,
    estimate_pulse_check_usd,
    guard_cost,
)
from functions.domain.incidents.policy import Policy
from functions.domain.pulse.look_budget import LookBudget

SHARES: Final = (0.05, 0.1, 0.3)
IN_TIME: Final = 5
SETTLED: Final = FROM + 240  # by then as many looks are in stock as the account's noise leaves
TIMES_DEFAULT: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
MINUTES_A_MONTH: Final = 43_200


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksRecord:
    """Loops that add a share of the account, seen at one price.

    Attributes
    ----------
    usd
        Dollars a month for the pulse and the looks that were made.
    most_usd
        The same, for as many looks as the budget allows.
    seen
        By the share that the loop adds: of how many loops above the floor, how many were seen.
    on_schedule
        The share that as many looks would see at even intervals, without looking at the account.
    """

    functions: int
    pool: str
    times_default: float
    usd: float
    most_usd: float
    looks_a_day: float
    seen: dict[str, tuple[int, int]]
    on_schedule: float

    def to_json(self) -> dict[str, Any]:
        """As it stands in the report."""
        return asdict(self)


def judge_looks(
    rows: Sequence[Row],
    functions: int,
    policy: Policy,
    *,
    rng: np.random.Generator,
    tick: Callable[[], None],
    accounts: int = 6,
    each: int = 20,
    times: Sequence[float] = TIMES_DEFAULT,
) -> list[LooksRecord]:
    """Accounts of one size with budgets of several sizes; the same loops for each of them."""
    days = [account_of(rows, functions, rng) for _ in range(accounts)]
    onsets = rng.integers(SETTLED, MINUTES_A_DAY - IN_TIME, size=(accounts, each))
    drawn = [(day, sorted(map(int, one))) for day, one in zip(days, onsets, strict=True)]
    return [
        _judge(drawn, policy, tick, pool=rows[0].pool, functions=functions, times=one)
        for one in times
    ]


def _judge(
    drawn: Sequence[tuple[Floats, Sequence[int]]],
    policy: Policy,
    tick: Callable[[], None],
    *,
    pool: str,
    functions: int,
    times: float,
) -> LooksRecord:
    budget = replace(
        LookBudget.of(functions), looks_per_month=times * count_pulse_checks(functions)
    )
    looks = 0
    seen = {share: [0, 0] for share in SHARES}
    for counts, onsets in drawn:
        memory = None
        at = FROM
        for onset in onsets:
            made, memory = watch(counts, policy, start=at, end=onset, memory=memory, budget=budget)
            looks += sum(1 for one in made if one >= SETTLED)
            at = onset
            for share in SHARES:
                height = share * float(np.median(counts[onset - 60 : onset]))
                if height < policy.floor_per_minute:
                    continue
                total = counts.copy()
                total[onset:] += height
                found, _ = watch(
                    total, policy, start=onset, end=onset + IN_TIME, memory=memory, budget=budget
                )
                seen[share][0] += bool(found)
                seen[share][1] += 1
        made, _ = watch(counts, policy, start=at, memory=memory, budget=budget)
        looks += sum(1 for one in made if one >= SETTLED)
        tick()
    a_day = looks / len(drawn) * MINUTES_A_DAY / (MINUTES_A_DAY - SETTLED)
    usd = estimate_pulse_check_usd(functions)
    watching = watching_usd(functions)
    return LooksRecord(
        functions=functions,
        pool=pool,
        times_default=times,
        usd=watching + 30 * a_day * usd,
        most_usd=watching + budget.looks_per_month * usd,
        looks_a_day=a_day,
        seen={f"{100 * share:.0f} %": (hits, of) for share, (hits, of) in seen.items()},
        on_schedule=min(1.0, IN_TIME * budget.looks_per_month / MINUTES_A_MONTH),
    )


def watching_usd(functions: int) -> float:
    """The pulse without its looks."""
    cost = guard_cost(functions=functions, standard_alarms=0, sweep_minutes=0, per_function=False)
    return cost.pulse_usd - count_pulse_checks(functions) * estimate_pulse_check_usd(functions)


def draw_looks(records: Sequence[LooksRecord]) -> Table:
    """The frontier as a table."""
    title = f"looks of the pulse: loops above the floor seen within {IN_TIME} minutes"
    table = Table(title=title, title_justify="left")
    shares = [f"{100 * share:.0f} %" for share in SHARES]
    for name in ("account", "budget", "USD at most", "USD", "looks/day", *shares, "on schedule"):
        table.add_column(name, justify="right")
    for one in records:
        table.add_row(
            f"{one.functions:,} x {one.pool}",
            f"x {one.times_default:g}",
            f"{one.most_usd:.2f}",
            f"{one.usd:.2f}",
            f"{one.looks_a_day:.1f}",
            *(_share(*one.seen[share]) for share in shares),
            f"{100 * one.on_schedule:.0f} %",
        )
    return table


def _share(hits: int, of: int) -> str:
    return f"{100 * hits / of:.0f} % of {of}" if of else "-"
