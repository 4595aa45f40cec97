"""What a hold shows of loops, of people and of backlogs."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.detection.holds import held, held_play
from bench.detection.holds.held_play import Play
from bench.detection.holds.held_world import Rate, Subject
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import Series
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.judgement.verdict import judge_hold
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldVerdict,
    Release,
    ReleaseReason,
    Shown,
)
from functions.domain.holding.watch import Watch
from tests.unit.domain.detection.late_data import Lateness
from tests.unit.domain.holding.judgement.playing import (
    BEGINS,
    HELD,
    POLLED,
    PUNCTUAL,
    burst,
    kinds,
    make_loop,
    play_out,
    played,
    played_large,
    rates,
    seeds,
    show_late,
    step,
    weathers,
    writes,
)

# Loops that multiply their events: one that becomes slower in its trial, one that grew slowly
# before it was held, one that grew fast until then, one whose executions all end together.
SLOWER = 1_009_703_508
GROWING = 3_343_981_110
STEEP = 2_487_526_932
TOGETHER = 518_926_564
SHARED = 1_256_536_539  # of whose events another function takes more than half
CHAIN = 2_832_929_888  # whose events come back after nine seconds


@played
@given(kind=kinds, outside=rates, wrote=writes, late=weathers, seed=seeds)
def test_people_are_never_taken_for_a_loop(
    kind: SourceKind, outside: Rate, wrote: tuple[float, ...], late: list[Lateness], seed: int
) -> None:
    """Nor is a function that writes up to five times for each event, whatever is late."""
    subject = Subject(kind=kind, outside=outside, writes=wrote, begins=BEGINS, seconds=0.5)

    ended = play_out(subject, seed=seed, late=late)

    assert not isinstance(ended.verdict, Shown)


@played
@given(
    kind=st.sampled_from(POLLED),
    events=st.integers(20, 200),
    seconds=st.floats(0.5, 3),
    cv=st.floats(0, 1),
    late=weathers,
    seed=seeds,
)
def test_a_loop_is_shown_within_half_an_hour(
    *, kind: SourceKind, events: int, seconds: float, cv: float, late: list[Lateness], seed: int
) -> None:
    """When it goes round in seconds: three phases, each with series up to four minutes late.

    How long it takes as a rule is for the benchmark to say.
    """
    size = max(events, round(1_500 * (seconds + 0.8) / 60))

    ended = play_out(make_loop(kind, seeds=size, seconds=seconds, cv=cv), seed=seed, late=late)

    assert isinstance(ended.verdict, Shown)
    assert ended.minutes <= 30


@pytest.mark.thorough
@played
@given(kind=kinds, events=st.integers(20, 200), late=weathers, seed=seeds)
def test_late_data_never_let_a_loop_go(
    kind: SourceKind, events: int, late: list[Lateness], seed: int
) -> None:
    """It is shown and stays held, or cannot be told; it is never said to be none."""
    ended = play_out(make_loop(kind, seeds=events, seconds=1.0), seed=seed, late=late)

    assert not isinstance(ended.verdict, Release)
    assert ended.is_left_held or not isinstance(ended.verdict, Shown)


@pytest.mark.thorough
def test_judging_twice_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with the watch that the first judgement left."""

    def twice(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        first = judge_hold(watch, counts, now)
        assert judge_hold(watch, counts, now) == first
        return first

    monkeypatch.setattr(held_play, "judge_hold", twice)

    for kind in HELD:
        assert play_out(make_loop(kind)).verdict is not None


@pytest.mark.thorough
@pytest.mark.parametrize("kind", [SourceKind.TABLE, SourceKind.ASYNCHRONOUS])
@pytest.mark.parametrize("seed", range(3))
def test_the_minute_in_which_it_is_held_again_tells(
    kind: SourceKind, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still for most of it: no whole minute is waited for, only what may be late."""
    ends: list[datetime] = []

    def judge(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        verdict = judge_hold(watch, counts, now)
        if isinstance(verdict, Shown) and watch.again_at is not None:
            ends.extend((watch.again_at, now))
        return verdict

    monkeypatch.setattr(held_play, "judge_hold", judge)

    ended = play_out(make_loop(kind, seeds=100, seconds=1.0), seed=seed)

    assert isinstance(ended.verdict, Shown)
    assert ends[1] - ends[0] <= timedelta(minutes=5)


@pytest.mark.parametrize("kind", HELD)
def test_what_goes_on_arriving_is_fed_from_outside(kind: SourceKind) -> None:
    """It is let go as soon as that is seen."""
    ended = play_out(Subject(kind=kind, outside=step(5_000), begins=BEGINS))

    assert isinstance(ended.verdict, Release)
    assert ended.verdict.reason is ReleaseReason.STILL_ARRIVING
    assert ended.minutes <= 6


@pytest.mark.parametrize("kind", POLLED)
@pytest.mark.parametrize("many", [30_000, 100_000, 300_000])
def test_a_backlog_that_is_worked_off_is_let_go(kind: SourceKind, many: int) -> None:
    """Nothing arrives while it is held, and no trial would end: it ran on what was there before."""
    backlog = Subject(kind=kind, outside=burst(many, 60, 86_400), begins=BEGINS, lanes=100)

    ended = play_out(backlog)

    assert isinstance(ended.verdict, Release)
    assert ended.minutes <= 16


@pytest.mark.parametrize("kind", POLLED)
def test_a_burst_that_ends_by_itself_does_not_come_back(kind: SourceKind) -> None:
    """What it left is worked off during the trial, and nothing follows."""
    for seconds in range(300, 460, 20):
        subject = Subject(kind=kind, outside=burst(5_000, seconds), begins=BEGINS)
        assert isinstance(play_out(subject).verdict, Release)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", POLLED)
def test_a_second_burst_during_the_trial_shows_nothing(kind: SourceKind) -> None:
    """Whatever the time between the two."""
    for again in range(60, 600, 30):
        subject = Subject(kind=kind, outside=burst(2_000, 300, again), begins=BEGINS)
        assert not isinstance(play_out(subject).verdict, Shown)


def test_a_queue_whose_depth_is_unknown_is_told_by_its_counts() -> None:
    """What waits, and that nothing is sent any more, then follows from late counts."""
    subject = make_loop(SourceKind.QUEUE)
    rng = np.random.default_rng(1)
    ended = Play(subject, rng, show_late([PUNCTUAL]), reads_depth=False).run()

    assert isinstance(ended.verdict, Shown)
    assert ended.minutes <= 18


def test_a_slow_loop_takes_longer_than_15_minutes() -> None:
    """Twelve rounds of half a minute do not fit into less."""
    ended = play_out(make_loop(seeds=800, seconds=1.0, latency=25.0))

    assert isinstance(ended.verdict, Shown)
    assert 15 < ended.minutes < 35


def test_what_a_cap_lets_run_is_not_from_outside() -> None:
    """A quick loop goes round under its cap as well, hundreds of times a minute."""
    loop = make_loop(SourceKind.ASYNCHRONOUS, seeds=79, seconds=0.55, latency=1.46, cv=0.5)

    ended = play_out(loop)

    assert isinstance(ended.verdict, Shown)
    assert ended.minutes <= 15


@played_large
@given(kind=kinds, fan_out=st.sampled_from([1.5, 2.0, 3.0]), late=weathers, seed=seeds)
def test_a_loop_that_multiplies_its_events_is_not_let_go(
    kind: SourceKind, fan_out: float, late: list[Lateness], seed: int
) -> None:
    """What waits of it is more than a trial turns over: its own writing accounts for it."""
    loop = make_loop(kind, fan_out=fan_out, seeds=3, batch=1)

    ended = play_out(loop, seed=seed, late=late)

    assert isinstance(ended.verdict, Shown | CannotTell)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", HELD)
@pytest.mark.parametrize("fan_out", [1.5, 3.0])
def test_a_loop_that_multiplies_its_events_is_shown(kind: SourceKind, fan_out: float) -> None:
    """By a trial at a part of what ran before: more would only make it grow."""
    ended = play_out(make_loop(kind, fan_out=fan_out, seeds=3, batch=1))

    assert isinstance(ended.verdict, Shown)
    assert ended.verdict.figures.written_for_each == pytest.approx(fan_out, rel=0.05)
    assert ended.minutes <= 15


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("play", "minutes"), [(SLOWER, 15), (GROWING, 18), (STEEP, 15), (TOGETHER, 15)]
)
def test_a_loop_that_multiplies_in_its_own_way_is_shown(play: int, minutes: int) -> None:
    """Its trial ends in time, and what waited is not compared before all of it is counted."""
    _, ended = held.play(held.LOOPS["fan-out above 1"], play)

    assert isinstance(ended.verdict, Shown)
    assert ended.minutes <= minutes


@pytest.mark.thorough
def test_what_another_function_still_has_of_a_loop_does_not_acquit_it() -> None:
    """It comes by for some seconds more when the function is held again."""
    _, ended = held.play(held.LOOPS["shared with another"], SHARED)

    assert isinstance(ended.verdict, Shown)
    assert isinstance(ended.second, Shown)
    assert ended.minutes <= 15


def test_a_chain_of_which_more_waits_than_is_guessed_is_shown_in_time() -> None:
    """What waits of a stream is not known when a little is let go: enough runs all the same."""
    _, ended = held.play(held.LOOPS["chain of 2 to 40 s"], CHAIN)

    assert isinstance(ended.verdict, Shown)
    assert ended.minutes <= 15


@played_large
@given(
    kind=kinds,
    many=st.integers(20_000, 300_000),
    seconds=st.floats(0.2, 5),
    wrote=st.integers(1, 5),
    late=weathers,
    seed=seeds,
)
def test_a_backlog_whose_handler_writes_is_never_taken_for_a_loop(
    *, kind: SourceKind, many: int, seconds: float, wrote: int, late: list[Lateness], seed: int
) -> None:
    """Nothing arrives while it is held, and as much for each as of a loop when it is let go."""
    backlog = Subject(
        kind=kind,
        outside=burst(many, 60, 86_400),
        writes=(float(wrote),),
        begins=BEGINS,
        seconds=seconds,
        lanes=100,
    )

    ended = play_out(backlog, seed=seed, late=late)

    assert not isinstance(ended.verdict, Shown)


@pytest.mark.parametrize("kind", POLLED)
def test_the_last_of_a_few_events_do_not_let_a_loop_go(
    monkeypatch: pytest.MonkeyPatch, kind: SourceKind
) -> None:
    """Three that came late into the first minute of the hold are not yet what others send."""
    first: list[int] = []

    def straying(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        start = counts.invocations.start
        if not first:
            begins = watch.held_at + watch.plan.settling
            first.append(math.ceil((begins - start) / timedelta(minutes=1)))
        return judge_hold(watch, _add(counts, first[0], 3.0), now)

    monkeypatch.setattr(held_play, "FLOOR", 10)
    monkeypatch.setattr(held_play, "judge_hold", straying)
    ended = play_out(make_loop(kind, seeds=3, latency=8.0, outside=lambda _: 0.0))

    assert isinstance(ended.verdict, Shown | CannotTell)


def test_a_loop_beside_as_much_from_outside_is_not_shown() -> None:
    """Five events written for each from outside would look the same."""
    ended = play_out(make_loop(outside=step(1_000)))

    assert not isinstance(ended.verdict, Shown)


def _add(counts: Counts, at: int, events: float) -> Counts:
    """The counts, if so many more events had arrived in a minute that is counted."""

    def add(series: Series) -> Series:
        values = list(series.values)
        if at < len(values) and (found := values[at]) is not None:
            values[at] = found + events
        return replace(series, values=tuple(values))

    arrivals = tuple(
        replace(one, counts=None if one.counts is None else add(one.counts))
        for one in counts.arrivals
    )
    return replace(counts, arrivals=arrivals)
