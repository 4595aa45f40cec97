"""The pulse on accounts made of many functions, the sweep behind it, and what both cost."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np

from bench.detection.data import LOOP_MINUTES, MINUTES_A_DAY, Floats, Row, Run
from bench.detection.ours import EPOCH, STOPPING, watched
from bench.detection.statistics import quantile, share_interval
from functions.domain.deployment.guard_cost import estimate_pulse_check_usd
from functions.domain.detection.evidence import RECENT_MINUTES, AccountSeries, Series
from functions.domain.detection.spike import assess
from functions.domain.incidents.policy import Policy
from functions.domain.pulse.account_pulse import (
    Look,
    NeedsPrecedent,
    consider,
    consider_with,
    record_check,
)
from functions.domain.pulse.look_budget import RESERVED, LookBudget
from functions.domain.pulse.memory import PulseMemory

USD_PER_METRIC: Final = 0.01 / 1000
PULSE_METRICS: Final = 3
MINUTES_A_MONTH: Final = 43_200
FROM: Final = 180
WAITED: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseRecord:
    """The pulse on accounts of one size."""

    functions: int
    pool: str
    level_per_minute: float
    needless_looks_a_day: float
    ten_percent: int
    ten_percent_within_3: float
    ten_percent_interval: tuple[float, float]
    ten_percent_within_40: float
    loops: int
    looked_within_3: float
    looked_within_40: float
    minutes_median: float | None
    minutes_p95: float | None
    rest_found_by_sweep: float | None
    usd_pulse: float
    usd_looks: float
    usd_sweep: float

    def to_json(self) -> dict[str, Any]:
        """As it stands in the report."""
        return asdict(self)


def account_of(rows: Sequence[Row], functions: int, rng: np.random.Generator) -> Floats:
    """The sum of so many rows of one day; rows that are used again are moved by whole hours."""
    total: Floats = functions_of(rows, functions, rng).sum(axis=0)
    return total


def functions_of(rows: Sequence[Row], functions: int, rng: np.random.Generator) -> Floats:
    """The functions of an account, a row each."""
    order = rng.permutation(len(rows))
    found = np.zeros((functions, MINUTES_A_DAY))
    for index in range(functions):
        counts = rows[int(order[index % len(rows)])].counts
        again = index // len(rows)
        found[index] = np.roll(counts, 60 * int(rng.integers(1, 24))) if again else counts
    return found


def watch(
    counts: Floats,
    policy: Policy,
    *,
    start: int = FROM,
    end: int = MINUTES_A_DAY,
    memory: PulseMemory | None = None,
    until_after: int | None = None,
    budget: LookBudget,
) -> tuple[list[int], PulseMemory]:
    """The minutes at which the pulse looks closer, without any precedent to calm it.

    Without a memory it begins with few looks in stock, as after a day with as many rises.
    """
    began = EPOCH + timedelta(minutes=start)
    remembered = memory or PulseMemory(stock=1.0 + RESERVED, stocked_at=began)
    values = counts.tolist()
    looks: list[int] = []
    for at in range(start, min(end, len(values))):
        first = max(0, at + 1 - RECENT_MINUTES)
        begin = EPOCH + timedelta(minutes=first)
        now = EPOCH + timedelta(minutes=at + 1)
        empty = Series.empty(start=begin)
        series = AccountSeries(
            invocations=Series(
                start=begin, period_seconds=60, values=tuple(values[first : at + 1])
            ),
            concurrency=empty,
            throttles=empty,
        )
        answer = consider(series, remembered, policy, now, budget)
        if isinstance(answer, NeedsPrecedent):
            answer = consider_with(answer, None, now)
        if isinstance(answer, Look):
            looks.append(at)
            level = answer.level_per_minute
            paid = budget.take(remembered, now)
            remembered = record_check(paid, found=False, level_per_minute=level, now=now)
            if until_after is not None and at >= until_after:
                break
    return looks, remembered


def first_look(
    counts: Floats,
    added: Floats,
    onset: int,
    begins: int,
    *,
    policy: Policy,
    budget: LookBudget,
) -> int | None:
    """Datapoints from `onset + begins` until the pulse looks, with its memory of the day."""
    _, memory = watch(counts, policy, start=max(FROM, onset - 480), end=onset, budget=budget)
    total = counts.copy()
    length = min(len(added), len(total) - onset)
    total[onset : onset + length] += added[:length]
    end = onset + begins + WAITED
    looks, _ = watch(
        total,
        policy,
        start=onset,
        end=end,
        memory=memory,
        until_after=onset + max(0, begins - 3),
        budget=budget,
    )
    return max(1, looks[-1] - onset - begins + 1) if looks else None


def swept(row: Row, run: Run, onset: int, policy: Policy, rng: np.random.Generator) -> bool:
    """Whether the hourly sweep, which falls on any minute of the hour, finds what was missed."""
    series = watched(row, run, onset)
    at = onset + int(rng.integers(5, 65))
    if at >= len(series.counts):
        return False
    return assess(series.evidence(at), policy).verdict in STOPPING


def judge_account(
    rows: Sequence[Row],
    runs: Sequence[Run],
    functions: int,
    policy: Policy,
    *,
    rng: np.random.Generator,
    tick: Callable[[], None],
    accounts: int = 5,
    each: int = 12,
    quiet: int = 20,
) -> PulseRecord:
    """Accounts of one size: quiet days, a step of 10 %, and the loops.

    Needless looks are counted over more accounts than the loops are put into: they are few, and
    differ much from one day to another.
    """
    budget = LookBudget.of(functions)
    needless: list[float] = []
    levels: list[float] = []
    steps: list[int | None] = []
    looked: list[int | None] = []
    sweep: list[bool] = []
    floor = policy.floor_per_minute
    able = [run for run in runs if run.above(floor) is not None]
    for number in range(quiet):
        counts = account_of(rows, functions, rng)
        looks, _ = watch(counts, policy, budget=budget)
        needless.append(len(looks) * MINUTES_A_DAY / (MINUTES_A_DAY - FROM))
        levels.append(float(np.median(counts)))
        for _ in range(each if number < accounts else 0):
            onset = int(rng.integers(FROM + 20, MINUTES_A_DAY - LOOP_MINUTES - 5))
            height = 0.1 * float(np.median(counts[onset - 60 : onset]))
            steps.append(
                first_look(counts, np.full(WAITED, height), onset, 0, policy=policy, budget=budget)
            )
            run = able[int(rng.integers(len(able)))]
            begins = run.above(floor) or 0
            found = first_look(counts, run.counts, onset, begins, policy=policy, budget=budget)
            looked.append(found)
            if found is None:
                row = rows[int(rng.integers(len(rows)))]
                sweep.append(swept(row, run, min(onset, len(row.counts) - 95), policy, rng))
            tick()
    hits = [one for one in looked if one is not None]
    early = sum(1 for one in steps if one is not None and one <= 3)
    each_look = estimate_pulse_check_usd(functions)
    mean = sum(needless) / len(needless)
    return PulseRecord(
        functions=functions,
        pool=rows[0].pool,
        level_per_minute=sum(levels) / len(levels),
        needless_looks_a_day=mean,
        ten_percent=len(steps),
        ten_percent_within_3=early / len(steps),
        ten_percent_interval=share_interval(early, len(steps)),
        ten_percent_within_40=sum(1 for one in steps if one is not None) / len(steps),
        loops=len(looked),
        looked_within_3=sum(1 for one in hits if one <= 3) / len(looked),
        looked_within_40=len(hits) / len(looked),
        minutes_median=quantile(hits, 0.5),
        minutes_p95=quantile(hits, 0.95),
        rest_found_by_sweep=sum(sweep) / len(sweep) if sweep else None,
        usd_pulse=PULSE_METRICS * MINUTES_A_MONTH * USD_PER_METRIC,
        usd_looks=30 * mean * each_look,
        usd_sweep=720 * each_look,
    )
