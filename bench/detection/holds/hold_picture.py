"""The picture of a hold for the docs: a loop and a load test, played by the guard's own rule."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np

from bench.detection.data import Floats
from bench.detection.holds.held import BEGINS
from bench.detection.holds.held_play import Play, show_in
from bench.detection.holds.held_world import MINUTE, Subject
from functions.domain.detection.arrivals import SourceKind
from functions.domain.holding.outcomes import Release, Shown
from functions.domain.holding.watch import HoldPlan
from sandbox.weather.seeded import Weather, WeatherKind

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

SEED: Final = 7
USUAL_PER_MINUTE: Final = 12.0
LOAD_TEST_PER_MINUTE: Final = 2_500.0
SECONDS: Final = 0.7
LANES: Final = 64  # executions at once, of a stream with so many shards
FIRST: Final = -3  # minutes shown, from the first of the spike on
LAST: Final = 30
TOP: Final = 6_500.0
HELD: Final = "#f6d9d5"
TRIAL: Final = "#d9ecd6"
ARRIVES: Final = "#1f5fa8"
RUNS: Final = "#222222"
VERDICT: Final = "#b3123a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One play, as it happened: CloudWatch shows it to the guard minutes later.

    Attributes
    ----------
    arrived, ran
        Events and invocations of each minute, from `FIRST` on.
    phases
        When it was held, let go a little, and held again, in two rounds; fewer where it was let go
        earlier. Minutes from the first of the spike on, as `ended_at`.
    verdicts
        Of each round.
    """

    arrived: Floats
    ran: Floats
    phases: tuple[float, ...]
    ended_at: float
    verdicts: tuple[Shown | Release, ...]


class RecordedPlay(Play):
    """A play that remembers when the levers were pulled."""

    pulled: tuple[float, ...] = ()

    def _move(self, plan: HoldPlan, *, is_held: bool, concurrency: int | None = None) -> None:
        self.pulled += (self.world.second,)
        super()._move(plan, is_held=is_held, concurrency=concurrency)


def loop() -> Subject:
    """Fifty events that go round through a table and its stream."""
    return Subject(
        kind=SourceKind.TABLE,
        outside=lambda _: USUAL_PER_MINUTE,
        begins=BEGINS,
        fan_out=1.0,
        seeds=50,
        seconds=SECONDS,
        latency=0.3,
        cv=0.5,
        lanes=LANES,
    )


def load_test() -> Subject:
    """Somebody who writes into the same table at a constant rate."""
    return Subject(
        kind=SourceKind.TABLE,
        outside=lambda second: USUAL_PER_MINUTE if second < BEGINS else LOAD_TEST_PER_MINUTE,
        begins=BEGINS,
        seconds=SECONDS,
        cv=0.5,
        lanes=LANES,
    )


def play(subject: Subject, seed: int = SEED) -> Played:
    """Play a function to the end of its hold, and on to the edge of the picture."""
    rng = np.random.default_rng(seed)
    played = RecordedPlay(subject, rng, show_in(Weather(kind=WeatherKind.AWS, seed=seed)))
    ended = played.run()
    told = (ended.verdict, ended.second)
    verdicts = tuple(one for one in told if isinstance(one, Shown | Release))
    if not verdicts:
        raise TypeError(f"there is nothing to draw: {ended}")
    world = played.world
    ended_at = world.second
    if isinstance(verdicts[-1], Release):
        world.allow(None, 0.0)
    first = int(BEGINS // MINUTE)
    world.run_until((first + LAST) * MINUTE)
    minutes = slice(first + FIRST, first + LAST)
    return Played(
        arrived=np.array(world.arrived[0][minutes], float),
        ran=np.array(world.started[minutes], float),
        phases=tuple((one - BEGINS) / MINUTE for one in played.pulled),
        ended_at=(ended_at - BEGINS) / MINUTE,
        verdicts=verdicts,
    )


def draw_hold(folder: Path) -> Path:
    """Draw both, one above the other, on the same scales."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 7), sharex=True, sharey=True)
    looping, people = play(loop()), play(load_test())
    _draw(above, looping, "A loop: what arrives stops with the function, and comes back with it")
    _draw(below, people, "A load test at the same rate: it arrives whether it runs or not")
    _label_loop(above, looping)
    _label_people(below, people)
    below.set_xlabel("minutes since the spike began", fontsize=11)
    path = folder / "detection-hold.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path


def _draw(axes: Axes, played: Played, title: str) -> None:
    edges = np.arange(FIRST, LAST + 1)
    bounds = [*played.phases, played.ended_at]
    for shade, begin, end in zip(
        (HELD, TRIAL, HELD, TRIAL, HELD), bounds[:-1], bounds[1:], strict=False
    ):
        axes.axvspan(begin, end, color=shade, linewidth=0)
    axes.axvline(played.ended_at, color=VERDICT, linewidth=1.6)
    axes.stairs(played.arrived, edges, color=ARRIVES, fill=True, alpha=0.25)
    axes.stairs(played.arrived, edges, color=ARRIVES, linewidth=2.2)
    axes.stairs(played.ran, edges, color=RUNS, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.set_title(title, fontsize=12, loc="left")
    axes.set_ylabel("events a minute", fontsize=11)
    axes.set_xlim(FIRST, LAST)
    axes.set_ylim(0, TOP)
    axes.tick_params(labelsize=10)
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _label_loop(axes: Axes, played: Played) -> None:
    held, trial, again, second, last = played.phases
    for name, begin, end in (
        ("held", held, trial),
        ("a little\nlet go", trial, again),
        ("held\nagain", again, second),
        ("let go\nonce more", second, last),
        ("held\nagain", last, played.ended_at),
    ):
        _write(axes, (begin + end) / 2, 0.92 * TOP, name, weight="bold")
    level = played.arrived[-FIRST:].max()
    _write(axes, 2.0, level + 500, "arrives", color=ARRIVES)
    _write(axes, 2.0, level - 700, "runs\n(dashed)", color=RUNS)
    _point(axes, played.arrived, (held + trial) / 2, "silent")
    back = played.arrived[int(again) - 1 - FIRST]
    _write(axes, (trial + again) / 2, back + 900, "comes back,\nround after round")
    _write(axes, (again + second) / 2 + 0.6, 700, "silent\nonce more")
    times = " and\n".join(f"{one.figures.generations or 0.0:.0f} times" for one in played.verdicts)
    said = f"shown twice:\nwhat waited\ncame back\n{times}"
    _write(axes, played.ended_at + 0.2, 0.8 * TOP, said, color=VERDICT, align="left")


def _label_people(axes: Axes, played: Played) -> None:
    held, trial = played.phases
    _write(axes, (held + trial) / 2, 0.92 * TOP, "held", weight="bold")
    level = played.arrived[-FIRST:].max()
    _write(axes, 2.0, level + 500, "arrives", color=ARRIVES)
    _write(axes, 16.0, level + 500, "arrives all the while", color=ARRIVES)
    _point(axes, played.ran, (held + trial) / 2, "nothing runs")
    said = "let go: it is fed from outside"
    _write(axes, played.ended_at + 0.2, 0.92 * TOP, said, color=VERDICT, align="left")
    peak = int(np.argmax(played.ran))
    at = (peak + FIRST + 2.3, played.ran[peak] - 300)
    _write(axes, *at, "what waited is worked off", color=RUNS, align="left")


def _point(axes: Axes, values: Floats, x: float, text: str) -> None:
    """Point at the lowest minute around a moment."""
    near = range(int(x) - 1 - FIRST, int(x) + 2 - FIRST)
    lowest = min(near, key=lambda at: float(values[at]))
    axes.annotate(
        text,
        (lowest + FIRST + 0.5, values[lowest] + 100),
        xytext=(x, 0.62 * TOP),
        ha="center",
        fontsize=11,
        arrowprops={"arrowstyle": "->", "color": RUNS},
    )


def _write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    color: str = "black",
    align: str = "center",
    weight: str = "normal",
) -> None:
    axes.text(x, y, text, ha=align, va="center", fontsize=11, color=color, weight=weight)
