"""Functions that are played through a hold, with metrics that are late and in part."""

from datetime import datetime

import numpy as np
from hypothesis import Phase as Step
from hypothesis import settings
from hypothesis import strategies as st

from bench.detection.holds.held_play import Ended, Play, Show
from bench.detection.holds.held_world import Rate, Subject
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import Series
from tests.examples import examples
from tests.unit.domain.detection.late_data import Lateness, latenesses

BEGINS = 900.0
NORMAL = 20.0
POLLED = (SourceKind.TABLE, SourceKind.QUEUE)
HELD = (*POLLED, SourceKind.ASYNCHRONOUS)
kinds = st.sampled_from(HELD)
seeds = st.integers(0, 2**31)
# Each example plays half an hour by the second: nothing to be shrunk.
played = settings(
    max_examples=examples(30), deadline=None, phases=(Step.explicit, Step.reuse, Step.generate)
)
# The same of plays with hundreds of thousands of events.
played_large = settings(played, max_examples=examples(10))
PUNCTUAL = Lateness(delays=(0,), first=0, shares=(0.0,))
weathers = st.lists(latenesses, min_size=1, max_size=5)


def show_late(together: list[Lateness]) -> Show:
    """Each series as late as one of these."""
    """Each series late in its own way."""

    def show(name: str, series: Series, now: datetime) -> Series:
        return together[sum(map(ord, name)) % len(together)].show(series, now)

    return show


def play_out(subject: Subject, *, seed: int = 1, late: list[Lateness] | None = None) -> Ended:
    """How the hold of a function ends, whose metrics are as late as that."""
    return Play(subject, np.random.default_rng(seed), show_late(late or [PUNCTUAL])).run()


def make_loop(kind: SourceKind = SourceKind.TABLE, **given_: object) -> Subject:
    """Fifty events that go round, unless another loop is asked for."""
    known: dict[str, object] = {
        "outside": lambda _: NORMAL,
        "fan_out": 1.0,
        "seeds": 50,
        "begins": BEGINS,
    }
    return Subject(kind=kind, **{**known, **given_})  # type: ignore[arg-type]


def step(level: float) -> Rate:
    """A level that stays."""
    return lambda second: NORMAL if second < BEGINS else level


def burst(level: float, seconds: float, again: float = 0.0) -> Rate:
    """A burst of so many seconds; once more after so many of them."""

    def rate(second: float) -> float:
        passed = second - BEGINS
        if again:
            passed %= seconds + again
        return level if 0 <= passed < seconds and second >= BEGINS else NORMAL

    return rate


def ramp(level: float, minutes: float) -> Rate:
    """A level that is reached after so many minutes."""
    return lambda second: NORMAL + level * min(1.0, max(0.0, (second - BEGINS) / 60 / minutes))


rates: st.SearchStrategy[Rate] = st.one_of(
    st.builds(step, st.floats(800, 20_000)),
    st.builds(burst, st.floats(800, 20_000), st.floats(240, 1_800)),
    st.builds(ramp, st.floats(2_000, 20_000), st.floats(1, 20)),
)
writes = st.integers(0, 5).map(lambda count: (float(count),)) | st.just((1.0, 1.0, 1.0))
