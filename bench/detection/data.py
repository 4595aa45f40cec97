"""What the benchmark judges by: recorded traces where they are, traffic of our own where not."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.traffic import ACCOUNT, Function, Loop

Floats = NDArray[np.float64]
MINUTES_A_DAY: Final = 1440
RAW_POOLS: Final = ("day", "h8", "multi")
STRESS_POOL: Final = "sum14"
LOOP_MINUTES: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Invocations a minute of one function that does not run away.

    Attributes
    ----------
    seconds
        The mean duration that is assumed of it: the traces only count.
    """

    name: str
    pool: str
    group: str
    counts: Floats
    seconds: float

    @property
    def days(self) -> float:
        """How much traffic that is."""
        return len(self.counts) / MINUTES_A_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One loop, minute by minute, as nobody stops it."""

    loop: Loop
    counts: Floats
    concurrency: Floats
    throttles: Floats

    def above(self, floor: float) -> int | None:
        """The first of two minutes in a row at the floor or above; ``None`` for a lesser loop."""
        both = np.flatnonzero((self.counts[1:] >= floor) & (self.counts[:-1] >= floor))
        return int(both[0]) if len(both) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """All that one benchmark run judges by."""

    source: str
    rows: tuple[Row, ...]
    runs: tuple[Run, ...]

    def pool(self, name: str) -> tuple[Row, ...]:
        """The rows of one pool."""
        return tuple(row for row in self.rows if row.pool == name)

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools that have rows, raw ones first."""
        return tuple(name for name in (*RAW_POOLS, STRESS_POOL) if self.pool(name))


def load(folder: Path | None, *, seed: int = 20) -> Traffic:
    """The recorded traces in a folder; our own traffic without them."""
    functions = sorted(folder.glob("functions_*.npz")) if folder is not None else []
    loops = sorted(folder.glob("loops_*.npz")) if folder is not None else []
    if not functions or not loops:
        return generated(seed=seed)
    rng = np.random.default_rng(seed)
    rows = tuple(row for path in functions for row in _rows(path, rng))
    runs = tuple(run for path in loops for run in _runs(path))
    return Traffic(source=", ".join(one.name for one in (*functions, *loops)), rows=rows, runs=runs)


def assumed_seconds(counts: Floats, rng: np.random.Generator) -> float:
    """A mean duration for a function of which only the invocations are known.

    Log-normal with the parameters that Shahrad et al. (USENIX ATC 2020) fit to the average
    execution times of these very functions, within Lambda's 15 minutes, and such that all but
    0.1 % of its minutes fit into 70 % of the account: a limit that is hit daily would be raised.
    """
    seconds = float(np.exp(rng.normal(-0.38, 2.36)))
    usual = float(np.quantile(counts, 0.999)) if len(counts) else 1.0
    return float(np.clip(min(seconds, 0.7 * ACCOUNT * 60 / max(usual, 1.0)), 0.005, 900.0))


def _rows(path: Path, rng: np.random.Generator) -> list[Row]:
    with np.load(path) as archive:
        counts, offsets = archive["counts"], archive["offsets"]
        pools, groups, names = archive["pool"], archive["group"], archive["fid"]
        rows = []
        for index in range(len(offsets) - 1):
            series = counts[offsets[index] : offsets[index + 1]].astype(np.float64)
            rows.append(
                Row(
                    name=str(names[index]),
                    pool=str(pools[index]),
                    group=str(groups[index]),
                    counts=series,
                    seconds=assumed_seconds(series, rng),
                )
            )
        return rows


def _runs(path: Path) -> list[Run]:
    with np.load(path) as archive:
        columns: list[Floats] = [
            archive[name].astype(np.float64)
            for name in ("Invocations", "ConcurrentExecutions", "Throttles")
        ]
        params = [json.loads(str(text)) for text in archive["params"]]
    return [
        Run(loop=Loop.of(given), counts=counts, concurrency=running, throttles=refused)
        for given, counts, running, refused in zip(params, *columns, strict=True)
    ]


# -- our own ----------------------------------------------------------------------------------


def generated(*, seed: int, functions: int = 400, loops: int = 60) -> Traffic:
    """Traffic and loops of our own, for when the traces are not there."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(functions):
        counts = _day(rng)
        rows.append(
            Row(
                name=f"own-{index}",
                pool="day",
                group=f"own-{index}",
                counts=counts,
                seconds=assumed_seconds(counts, rng),
            )
        )
    runs = tuple(_played(Loop.draw(rng), rng) for _ in range(loops))
    return Traffic(source="generated", rows=tuple(rows), runs=runs)


def _played(loop: Loop, rng: np.random.Generator, minutes: int = LOOP_MINUTES) -> Run:
    """A loop that nobody stops; what has been flat for long is not played to its end."""
    function = Function(rng, loop=loop)
    seen = []
    for _ in range(minutes):
        seen.append(function.minute())
        newest = [one.invocations for one in seen[-5:]]
        if len(seen) >= 12 and max(newest) - min(newest) <= 0.03 * max(newest) + 3:
            break
    while len(seen) < minutes:
        seen.append(seen[-1 - int(rng.integers(0, 5))])
    return Run(
        loop=loop,
        counts=np.array([one.invocations for one in seen], float),
        concurrency=np.array([one.concurrency for one in seen], float),
        throttles=np.array([one.throttles for one in seen], float),
    )


def _day(rng: np.random.Generator) -> Floats:
    """A day of a function: idle, on the clock, by day, steady, or in bursts."""
    minute = np.arange(MINUTES_A_DAY)
    level = float(np.exp(rng.normal(0.5, 2.0)))
    kind = rng.choice(
        ["sporadic", "cron", "diurnal", "steady", "bursty"], p=[0.3, 0.25, 0.2, 0.15, 0.1]
    )
    match kind:
        case "sporadic":
            rate = np.zeros(MINUTES_A_DAY)
        case "cron":
            every = int(rng.choice([1, 5, 15, 60, 720]))
            rate = np.where((minute + rng.integers(0, every)) % every == 0, level * every, 0.0)
        case "diurnal":
            rate = level * (
                1.2 + np.sin((minute - 360 + rng.integers(-120, 120)) * 2 * np.pi / 1440)
            )
        case "steady":
            rate = np.full(MINUTES_A_DAY, level)
        case _:
            rate = level * np.exp(
                np.convolve(rng.normal(0, 2.5, MINUTES_A_DAY), np.ones(8) / 8, "same")
            )
    counts = rng.poisson(rate).astype(float)
    for _ in range(int(rng.poisson(0.4))):
        counts += burst(rng, MINUTES_A_DAY)
    return counts


def burst(rng: np.random.Generator, minutes: int) -> Floats:
    """A burst of real work: up within a few minutes, uneven at the top, down more slowly."""
    height = float(np.exp(rng.normal(4.5, 1.6)))
    up, top, down = rng.integers(1, 6), int(np.ceil(rng.exponential(4))), rng.integers(1, 10)
    shape = np.r_[np.linspace(0.1, 1, up), np.ones(top), np.linspace(1, 0.05, down)]
    shape = shape * np.exp(rng.normal(0, 0.25, len(shape)))
    out = np.zeros(minutes)
    start = int(rng.integers(0, minutes))
    piece = rng.poisson(height * shape)[: minutes - start]
    out[start : start + len(piece)] = piece
    return out
