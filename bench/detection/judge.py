"""Every rule on every pool, clean and with loops: one record each."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from bench.detection.data import LOOP_MINUTES, Row, Run
from bench.detection.ours import EPISODE_MINUTES, Episode, Found, episodes, find
from bench.detection.rules import Alarms, Named
from bench.detection.sampling import onset_in, sample
from bench.detection.statistics import quantile, rate_interval, share_interval
from functions.domain.detection.price import USD_PER_GB_SECOND, USD_PER_REQUEST
from functions.domain.incidents.policy import Policy

MEMORY_GB: Final = 0.5
BLIND_MINUTES: Final = 60  # an alarm that is on already, before the loop, tells nobody of it
JUDGED_FROM: Final = 60  # minutes of history before anything is counted


@dataclass(slots=True)
class Caught:
    """What one rule did about the injected loops of one pool."""

    above: int = 0
    found: int = 0
    blind: int = 0
    minutes: list[float] = field(default_factory=list)
    minutes_from_first_event: list[float] = field(default_factory=list)
    invocations: list[float] = field(default_factory=list)
    usd: list[float] = field(default_factory=list)
    below: int = 0
    below_found: int = 0

    def add(self, run: Run, floor: float, verdict: int | None, *, blind: bool) -> None:
        """Book one injection: the minute of the verdict, counted from the loop's first event."""
        begins = run.above(floor)
        if begins is None:
            self.below += 1
            self.below_found += verdict is not None
            return
        self.above += 1
        self.blind += blind
        if verdict is None:
            return
        self.found += 1
        burned = float(run.counts[: verdict + 1].sum())
        self.minutes.append(max(1, verdict - begins + 1))
        self.minutes_from_first_event.append(verdict + 1)
        self.invocations.append(burned)
        seconds = burned * run.loop.seconds * MEMORY_GB
        self.usd.append(burned * USD_PER_REQUEST + seconds * USD_PER_GB_SECOND["x86_64"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One rule on one pool."""

    rule: str
    pool: str
    floor_per_minute: float
    function_days: float
    false_episodes: int
    false_per_1000_days: float
    false_interval: tuple[float, float]
    loops_above_floor: int
    found: int
    found_share: float
    found_interval: tuple[float, float]
    alarming_before: int
    minutes_median: float | None
    minutes_p95: float | None
    from_first_event_median: float | None
    from_first_event_p95: float | None
    invocations_median: float | None
    invocations_p95: float | None
    usd_median: float | None
    usd_p95: float | None
    loops_below_floor: int
    found_below_floor: int

    def to_json(self) -> dict[str, Any]:
        """As it stands in the report."""
        return asdict(self)


def record(
    *,
    rule: str,
    pool: str,
    floor: float,
    days: float,
    false: int,
    caught: Caught,
) -> Record:
    """Put the counts of one rule together."""
    return Record(
        rule=rule,
        pool=pool,
        floor_per_minute=floor,
        function_days=round(days, 2),
        false_episodes=false,
        false_per_1000_days=1000 * false / days if days else 0.0,
        false_interval=rate_interval(false, days / 1000),
        loops_above_floor=caught.above,
        found=caught.found,
        found_share=caught.found / caught.above if caught.above else 0.0,
        found_interval=share_interval(caught.found, caught.above),
        alarming_before=caught.blind,
        minutes_median=quantile(caught.minutes, 0.5),
        minutes_p95=quantile(caught.minutes, 0.95),
        from_first_event_median=quantile(caught.minutes_from_first_event, 0.5),
        from_first_event_p95=quantile(caught.minutes_from_first_event, 0.95),
        invocations_median=quantile(caught.invocations, 0.5),
        invocations_p95=quantile(caught.invocations, 0.95),
        usd_median=quantile(caught.usd, 0.5),
        usd_p95=quantile(caught.usd, 0.95),
        loops_below_floor=caught.below,
        found_below_floor=caught.below_found,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """A loop that is put into a row at a moment."""

    row: Row
    run: Run
    onset: int


def injections(
    rows: Sequence[Row], runs: Sequence[Run], each: int, rng: np.random.Generator
) -> list[Injection]:
    """Each loop in so many random rows, at random moments."""
    drawn = []
    for run in runs:
        for _ in range(each):
            row = sample(rows, rng)
            drawn.append(Injection(row=row, run=run, onset=onset_in(row, rng, LOOP_MINUTES + 2)))
    return drawn


def count_episodes(alarms: Alarms) -> int:
    """Alarms, of which those less than an hour apart are one."""
    on = np.flatnonzero(alarms)
    on = on[on >= JUDGED_FROM]
    return int(len(on) > 0) + int((np.diff(on) > EPISODE_MINUTES).sum())


def judge_rival(
    named: Named, pool: str, rows: Sequence[Row], drawn: Sequence[Injection], floor: float
) -> Record:
    """One of the rules of today."""
    false = sum(count_episodes(named.rule(row.counts)) for row in rows)
    caught = Caught()
    for one in drawn:
        first = max(0, one.onset - 15 * 1440 if len(one.row.counts) > 5000 else 0)
        counts = one.row.counts[first : one.onset + LOOP_MINUTES].copy()
        onset = one.onset - first
        length = min(len(one.run.counts), len(counts) - onset)
        counts[onset : onset + length] += one.run.counts[:length]
        alarms = named.rule(counts)
        blind = bool(alarms[max(0, onset - BLIND_MINUTES) : onset].any())
        on = np.flatnonzero(alarms[onset : onset + LOOP_MINUTES])
        verdict = int(on[0]) if len(on) and not blind else None
        caught.add(one.run, floor, verdict, blind=blind)
    return record(
        rule=named.name,
        pool=pool,
        floor=floor,
        days=sum(row.days for row in rows),
        false=false,
        caught=caught,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What the assessment did on one pool, with what is needed for the pictures."""

    record: Record
    episodes: tuple[Episode, ...]
    missed: tuple[Injection, ...]
    late: tuple[tuple[Injection, Found], ...]


def judge_ours(
    pool: str,
    rows: Sequence[Row],
    drawn: Sequence[Injection],
    policy: Policy,
    tick: Callable[[], None],
) -> Ours:
    """The assessment: when it suspects, of clean functions and of loops."""
    floor = float(policy.floor_per_minute)
    false: list[Episode] = []
    for row in rows:
        false.extend(episodes(row, policy))
        tick()
    caught = Caught()
    missed, late = [], []
    for one in drawn:
        found = find(one.row, one.run, one.onset, policy)
        minute = None if found is None else found.minute - one.onset
        caught.add(one.run, floor, minute, blind=False)
        begins = one.run.above(floor)
        if begins is not None and found is None:
            missed.append(one)
        elif begins is not None and found is not None and found.minute - one.onset - begins > 4:
            late.append((one, found))
        tick()
    days = sum(row.days for row in rows)
    return Ours(
        record=record(
            rule="ours", pool=pool, floor=floor, days=days, false=len(false), caught=caught
        ),
        episodes=tuple(false),
        missed=tuple(missed),
        late=tuple(late),
    )
