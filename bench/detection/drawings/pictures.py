"""Pictures of what the benchmark found."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from bench.detection.data import RAW_POOLS, Floats
from bench.detection.judge import Injection, Record
from bench.detection.looks import LooksRecord
from bench.detection.ours import Episode


def frontier(records: Sequence[Record], folder: Path) -> list[Path]:
    """False episodes against minutes: down and left is better. Raw and stress pools apart."""
    paths = []
    for name, pools in (("raw", RAW_POOLS), ("sum14", ("sum14",))):
        chosen = [one for one in records if one.pool in pools]
        if not chosen:
            continue
        figure, axes = plt.subplots(figsize=(9, 6))
        groups = sorted({(one.rule, one.floor_per_minute) for one in chosen})
        for rule, floor in groups:
            same = [one for one in chosen if (one.rule, one.floor_per_minute) == (rule, floor)]
            days = sum(one.function_days for one in same)
            false = 1000 * sum(one.false_episodes for one in same) / days
            found = sum(one.found for one in same) / max(
                1, sum(one.loops_above_floor for one in same)
            )
            minutes = [one.minutes_median for one in same if one.minutes_median is not None]
            if not minutes:
                continue
            ours = rule.startswith("ours")
            label = f"{rule}, floor {floor:.0f}" if ours else rule
            middle = float(np.median(minutes))
            axes.scatter(middle, max(false, 0.3), s=40 + 200 * found, marker="o" if ours else "s")
            axes.annotate(
                f"{label} ({100 * found:.0f} %)",
                (middle, max(false, 0.3)),
                textcoords="offset points",
                xytext=(8, 4),
                fontsize=8,
            )
        axes.set_yscale("log")
        axes.set_xlabel("datapoints from the loop at the floor to the verdict, median")
        axes.set_ylabel("false episodes per 1,000 function-days (0 drawn at 0.3)")
        axes.set_title(f"{name} pools: size and number in brackets are the share of loops found")
        axes.set_xlim(left=0)
        paths.append(_save(figure, folder / f"detection-frontier-{name}.png"))
    return paths


def looks(records: Sequence[LooksRecord], folder: Path) -> list[Path]:
    """Dollars against the share of loops that the pulse sees in time: up and left is better."""
    figure, axes = plt.subplots(figsize=(9, 6))
    for functions in sorted({one.functions for one in records}):
        same = [one for one in records if one.functions == functions]
        for share in same[0].seen:
            points = [
                (one.usd, 100 * one.seen[share][0] / one.seen[share][1])
                for one in same
                if one.seen[share][1]
            ]
            if points:
                label = f"{functions:,} functions, loops that add {share}"
                axes.plot(*zip(*points, strict=True), marker="o", label=label)
    if not axes.lines:
        plt.close(figure)
        return []
    axes.set_xscale("log")
    axes.set_xlabel("dollars a month for the pulse and its looks")
    axes.set_ylabel("loops above the floor seen within 5 minutes, percent")
    axes.set_ylim(0, 100)
    axes.legend(fontsize=8)
    return [_save(figure, folder / "detection-looks.png")]


def alarms(found: Sequence[Episode], folder: Path, name: str) -> list[Path]:
    """The false alarms that burst highest."""
    worst = sorted(found, key=lambda one: -one.assessment.rate_per_minute)[:12]
    panels = [
        (
            f"{one.row.pool} {one.row.name[:8]}: {one.assessment.grounds[0].reason}",
            one.row.counts,
            one.minute,
        )
        for one in worst
    ]
    return _grid(panels, folder / f"detection-false-{name}.png")


def misses(missed: Sequence[Injection], folder: Path, name: str) -> list[Path]:
    """The loops that were missed, in what they were missed in."""
    panels = []
    for one in sorted(missed, key=lambda one: -float(np.median(one.run.counts)))[:12]:
        counts = one.row.counts.copy()
        length = min(len(one.run.counts), len(counts) - one.onset)
        counts[one.onset : one.onset + length] += one.run.counts[:length]
        title = f"{one.row.pool} {one.row.name[:8]}: {one.run.loop.kind}, {one.run.loop.fan_out:g}"
        panels.append((title, counts, one.onset))
    return _grid(panels, folder / f"detection-missed-{name}.png")


def _grid(panels: Sequence[tuple[str, Floats, int]], path: Path) -> list[Path]:
    if not panels:
        return []
    rows = -(-len(panels) // 3)
    figure, grid = plt.subplots(rows, 3, figsize=(13, 2.6 * rows), squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    for axes, (title, counts, minute) in zip(grid.flat, panels, strict=False):
        first, last = max(0, minute - 90), min(len(counts), minute + 90)
        axes.plot(range(first, last), counts[first:last], linewidth=0.9)
        axes.axvline(minute, color="crimson", linewidth=0.8)
        axes.set_title(title, fontsize=8)
        axes.tick_params(labelsize=7)
    return [_save(figure, path)]


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path
