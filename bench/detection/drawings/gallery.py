"""Pictures for the docs, of our own traffic: ``python -m bench.detection.drawings.gallery DIR``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np

from bench.detection.data import Floats, Row
from bench.detection.holds.hold_picture import draw_hold
from bench.detection.ours import STOPPING, Watched, watched
from bench.worlds.traffic import Function, Loop, Minute
from functions.domain.detection.spike import assess
from functions.domain.incidents.policy import Policy

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

PICTURES: Final = Path("docs/pictures")
POLICY: Final = Policy()
BEGINS: Final = 150
SHOWN: Final = 40


def quiet(rng: np.random.Generator, level: float, minutes: int = BEGINS) -> Floats:
    """Uneven small traffic."""
    return rng.poisson(level * np.exp(rng.normal(0, 0.2, minutes))).astype(float)


def looped(loop: Loop, rng: np.random.Generator) -> Watched:
    """A quiet function in which a loop begins."""
    function = Function(rng, loop=loop)
    return with_minutes(quiet(rng, 8), [function.minute(8) for _ in range(SHOWN)], loop.seconds)


def with_minutes(before: Floats, minutes: Sequence[Minute], seconds: float) -> Watched:
    """A recorded past, and what the simulation did after it."""
    length = len(before) + len(minutes)
    counts = [*before.tolist(), *(float(one.invocations) for one in minutes)]
    whole = length // 5 * 5
    return Watched(
        counts=counts,
        concurrency=[
            *np.ceil(before * seconds / 60).tolist(),
            *(float(one.concurrency) for one in minutes),
        ],
        throttles=[*[0.0] * len(before), *(float(one.throttles) for one in minutes)],
        duration_ms=[1000 * seconds] * length,
        sums=np.array(counts[:whole]).reshape(-1, 5).sum(axis=1).tolist(),
    )


def worked(after: Floats, rng: np.random.Generator, before: Floats | None = None) -> Watched:
    """A function that really has something to do."""
    past = quiet(rng, 8) if before is None else before
    counts = np.concatenate([past, rng.poisson(after).astype(float)])
    return watched(Row(name="own", pool="own", group="own", counts=counts, seconds=0.6))


def scenes(rng: np.random.Generator) -> list[tuple[str, Watched]]:
    """Three loops, three functions that rise to a new level, and three with a usual one."""
    minute = np.arange(SHOWN)
    ramp = 2600 * np.minimum(1, minute / 9) * np.exp(rng.normal(0, 0.18, SHOWN))
    burst = 2200 * np.exp(-((minute - 4) ** 2) / 12.0) * np.exp(rng.normal(0, 0.2, SHOWN))
    steps = np.repeat([500, 1000, 1500, 2000], 10) * np.exp(rng.normal(0, 0.08, SHOWN))
    hourly = np.tile(np.r_[1500.0, 1480.0, np.zeros(58)], 4)[: BEGINS + SHOWN]
    outage = np.r_[quiet(rng, 420, BEGINS - 20), np.zeros(20)]
    drain = np.r_[np.full(3, 4000.0), np.full(SHOWN - 3, 420.0)]
    return [
        ("loop, fan-out 1 (S3 copy)", looped(Loop(seeds=24, seconds=0.8, latency=0.7), rng)),
        (
            "loop that grows by retries",
            looped(Loop(kind="sns", seeds=9, seconds=1.6, latency=0.4, error_share=0.05), rng),
        ),
        ("loop, fan-out 3", looped(Loop(fan_out=3.0, seeds=2, seconds=0.7, latency=0.9), rng)),
        ("launch day", worked(ramp, rng)),
        ("burst", worked(burst, rng)),
        ("load test in steps", worked(steps, rng)),
        ("job each hour", worked(hourly[BEGINS:], rng, hourly[:BEGINS])),
        ("backlog after an outage", worked(drain, rng, outage)),
        ("steady and busy", worked(np.full(SHOWN, 900.0), rng, quiet(rng, 900))),
    ]


def shapes(folder: Path, rng: np.random.Generator) -> Path:
    """Loops and look-alikes side by side, with the minute at which the guard suspects them."""
    figure, grid = plt.subplots(3, 3, figsize=(13, 8.5))
    for axes, (title, series) in zip(grid.flat, scenes(rng), strict=True):
        at = next(
            (
                one
                for one in range(BEGINS, len(series.counts))
                if assess(series.evidence(one), POLICY).verdict in STOPPING
            ),
            None,
        )
        axes.plot(np.arange(len(series.counts)) - BEGINS, series.counts, linewidth=1.1)
        axes.axhline(POLICY.floor_per_minute, color="grey", linewidth=0.6, linestyle=":")
        color = "black"
        if at is None:
            peak = BEGINS + int(np.argmax(series.counts[BEGINS:]))
            last = assess(series.evidence(max(peak, BEGINS + 1)), POLICY)
            said = str(last.grounds[0].reason).replace("_", " ")
        else:
            found = assess(series.evidence(at), POLICY)
            shape = str(found.grounds[0].reason).replace("_", " ")
            color = "crimson" if found.is_shaped else "chocolate"
            why = f": {shape}" if found.is_shaped else ", without a loop's shape"
            said = f"suspected after {at - BEGINS + 1} datapoints{why}"
            axes.axvline(at - BEGINS, color=color, linewidth=1)
        axes.set_title(f"{title}\n{said}", fontsize=9, color=color)
        axes.set_xlim(-60, SHOWN)
    grid[1, 0].set_ylabel("invocations a minute")
    grid[2, 1].set_xlabel("minutes")
    return _save(figure, folder / "detection-shapes.png")


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    print(shapes(target, np.random.default_rng(5)))
    print(draw_hold(target))
