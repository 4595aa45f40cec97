"""Draws the invocations per second of a demonstration, with its moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

RED: Final = "#c62f2d"
ORANGE: Final = "#e8891c"
BLUE: Final = "#3b75af"
GREEN: Final = "#4c9f70"
GREY: Final = "#555555"
SECONDS_BEFORE: Final = 8
SECONDS_AFTER: Final = 3
HEADROOM: Final = 1.75  # room above the curves for the moments' names
ROWS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened, in seconds from the start of the loop."""

    name: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What is drawn.

    Attributes
    ----------
    rates
        Invocations of each function in each second; the last one ends at `end`.
    end
        The end of the rates in seconds from the start of the loop.
    """

    title: str
    note: str
    rates: Mapping[str, Sequence[int]]
    end: float
    loop: Sequence[str]
    healthy: Sequence[str]
    moments: Sequence[Moment]
    minute_seconds: float

    def draw(self, path: Path) -> None:
        """Write the picture."""
        figure = Figure(figsize=(10.5, 5.2), dpi=130)
        axes = figure.subplots()
        seconds = max((len(one) for one in self.rates.values()), default=0)
        at = [self.end - seconds + index for index in range(seconds)]
        colours = dict(zip(self.loop, (RED, ORANGE), strict=False))
        colours |= dict(zip(self.healthy, (BLUE, GREEN), strict=False))
        for name, colour in colours.items():
            is_loop = name in self.loop
            values = list(self.rates.get(name, [0] * seconds))
            axes.step(
                at,
                values,
                where="post",
                color=colour,
                linewidth=1.8 if is_loop else 1.2,
                label=f"{name} (loops)" if is_loop else f"{name} (healthy)",
            )
            if is_loop:
                axes.fill_between(at, values, step="post", color=colour, alpha=0.15)
        highest = max((max(self.rates.get(name, [0])) for name in colours), default=0)
        axes.set_xlim(-SECONDS_BEFORE, self.end + SECONDS_AFTER)
        axes.set_ylim(0, max(4.0, highest * HEADROOM))
        self._mark(axes)
        axes.set_xlabel("seconds since the loop started")
        axes.set_ylabel("invocations per second")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        figure.legend(
            loc="upper left",
            bbox_to_anchor=(0.0, 0.905),
            ncols=len(colours),
            frameon=False,
            fontsize=9,
        )
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        minutes = axes.secondary_xaxis(
            "top",
            functions=(
                lambda seconds: np.asarray(seconds) / self.minute_seconds,
                lambda minutes: np.asarray(minutes) * self.minute_seconds,
            ),
        )
        minutes.set_xlabel("CloudWatch minutes", fontsize=9, color=GREY)
        minutes.tick_params(labelsize=8, colors=GREY)
        minutes.spines["top"].set_visible(False)
        figure.suptitle(self.title, fontsize=12.5, fontweight="bold", x=0.01, ha="left")
        figure.text(0.01, 0.012, self.note, fontsize=7.5, color=GREY)
        figure.tight_layout(rect=(0, 0.05, 1, 0.96))
        figure.savefig(path)

    def _mark(self, axes: Axes) -> None:
        top = axes.get_ylim()[1]
        for index, moment in enumerate(sorted(self.moments, key=lambda one: one.at)):
            height = top * (0.97 - 0.085 * (index % ROWS))
            axes.axvline(
                moment.at, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), ymax=height / top
            )
            axes.annotate(
                f" {moment.name}, {moment.at:.1f} s" if moment.at else f" {moment.name}",
                (moment.at, height),
                fontsize=8.5,
                va="center",
                color="black",
                bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"},
            )
