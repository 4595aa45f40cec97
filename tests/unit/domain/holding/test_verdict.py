"""What a hold shows: played through, with metrics that are late and in part."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import Phase as Step
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.detection.holds import held, held_play
from bench.detection.holds.held_play import Ended, Play, Show
from bench.detection.holds.held_world import Rate, Subject
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import Series
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldVerdict,
    Release,
    ReleaseReason,
    Shown,
    TryLonger,
    UntoldReason,
    Wait,
)
from functions.domain.holding.tally import Counts
from functions.domain.holding.verdict import judge_hold
from functions.domain.holding.watch import Phase, Watch
from tests.examples import examples
from tests.unit.domain.detection.late_data import Lateness, latenesses

SHORT_TRIAL = 2_709_105_197  # of a writer that bursts, whose first trial tells nothing
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


def _late(together: list[Lateness]) -> Show:
    """Each series late in its own way."""

    def show(name: str, series: Series, now: datetime) -> Series:
        return together[sum(map(ord, name)) % len(together)].show(series, now)

    return show


def _play(subject: Subject, *, seed: int = 1, late: list[Lateness] | None = None) -> Ended:
    play = Play(subject, np.random.default_rng(seed), _late(late or [PUNCTUAL]))
    return play.run()


def _loop(kind: SourceKind = SourceKind.TABLE, **given_: object) -> Subject:
    known: dict[str, object] = {
        "outside": lambda _: NORMAL,
        "fan_out": 1.0,
        "seeds": 50,
        "begins": BEGINS,
    }
    return Subject(kind=kind, **{**known, **given_})  # type: ignore[arg-type]


def _step(level: float) -> Rate:
    return lambda second: NORMAL if second < BEGINS else level


def _burst(level: float, seconds: float, again: float = 0.0) -> Rate:
    """A burst of so many seconds; once more after so many of them."""

    def rate(second: float) -> float:
        passed = second - BEGINS
        if again:
            passed %= seconds + again
        return level if 0 <= passed < seconds and second >= BEGINS else NORMAL

    return rate


def _ramp(level: float, minutes: float) -> Rate:
    return lambda second: NORMAL + level * min(1.0, max(0.0, (second - BEGINS) / 60 / minutes))


rates: st.SearchStrategy[Rate] = st.one_of(
    st.builds(_step, st.floats(800, 20_000)),
    st.builds(_burst, st.floats(800, 20_000), st.floats(240, 1_800)),
    st.builds(_ramp, st.floats(2_000, 20_000), st.floats(1, 20)),
)
writes = st.integers(0, 5).map(lambda count: (float(count),)) | st.just((1.0, 1.0, 1.0))


@played
@given(kind=kinds, outside=rates, wrote=writes, late=weathers, seed=seeds)
def test_people_are_never_taken_for_a_loop(
    kind: SourceKind, outside: Rate, wrote: tuple[float, ...], late: list[Lateness], seed: int
) -> None:
    """Nor is a function that writes up to five times for each event, whatever is late."""
    subject = Subject(kind=kind, outside=outside, writes=wrote, begins=BEGINS, seconds=0.5)

    ended = _play(subject, seed=seed, late=late)

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

    ended = _play(_loop(kind, seeds=size, seconds=seconds, cv=cv), seed=seed, late=late)

    assert isinstance(ended.verdict, Shown)
    assert ended.minutes <= 30


@played
@given(kind=kinds, events=st.integers(20, 200), late=weathers, seed=seeds)
def test_late_data_never_let_a_loop_go(
    kind: SourceKind, events: int, late: list[Lateness], seed: int
) -> None:
    """It is shown or it stays held, but it is never said to be none."""
    ended = _play(_loop(kind, seeds=events, seconds=1.0), seed=seed, late=late)

    assert not isinstance(ended.verdict, Release)


def test_judging_twice_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with the watch that the first judgement left."""

    def twice(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        first = judge_hold(watch, counts, now)
        assert judge_hold(watch, counts, now) == first
        return first

    monkeypatch.setattr(held_play, "judge_hold", twice)

    for kind in HELD:
        assert _play(_loop(kind)).verdict is not None


def _backlog() -> Subject:
    """More than it works off in twenty minutes, and each event leads to one more."""
    return Subject(
        kind=SourceKind.QUEUE,
        outside=_burst(150_000, 60),
        begins=BEGINS,
        seconds=2.0,
        lanes=100,
        writes=(1.0,),
    )


def _note_stretches(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Watch], Watch] = lambda watch: watch
) -> list[float]:
    """By how much the trials of what is played then last longer."""
    found: list[float] = []

    def judge(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        verdict = judge_hold(change(watch), counts, now)
        if isinstance(verdict, Wait) and verdict.watch.stretched_seconds:
            found.append(verdict.watch.stretched_seconds)
        return verdict

    monkeypatch.setattr(held_play, "judge_hold", judge)
    return found


def test_a_backlog_is_worked_off_in_a_longer_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is released then; after twenty minutes nobody could have told it from a loop."""
    stretched = _note_stretches(monkeypatch)

    ended = _play(_backlog())

    assert isinstance(ended.verdict, Release)
    assert ended.verdict.reason is ReleaseReason.NOT_COME_BACK
    assert set(stretched) == {timedelta(minutes=340).total_seconds()}


def test_a_trial_that_takes_half_of_the_account_lasts_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Others would have to wait for hours."""
    stretched = _note_stretches(
        monkeypatch,
        lambda watch: replace(watch, plan=replace(watch.plan, account_concurrency=150)),
    )

    ended = _play(_backlog())

    assert not stretched
    assert isinstance(ended.verdict, CannotTell)


def test_a_trial_that_was_too_short_is_followed_by_a_longer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It looked as if the function multiplied its events; more of them waited than was seen."""
    longer: list[float] = []

    def judge(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        verdict = judge_hold(watch, counts, now)
        if isinstance(verdict, TryLonger):
            longer.append(verdict.seconds)
        return verdict

    monkeypatch.setattr(held_play, "judge_hold", judge)

    _, ended = held.play(held.HEALTHY["writers, bursts again"], SHORT_TRIAL)

    assert len(longer) == 1
    assert isinstance(ended.verdict, Release)


def test_what_becomes_slower_gets_no_longer_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a loop writes becomes less then, and would look like a backlog that is worked off."""
    stretched = _note_stretches(monkeypatch)

    ended = _play(replace(_backlog(), slowing=0.04))

    assert not stretched
    assert isinstance(ended.verdict, CannotTell)


def test_a_longer_trial_costs_no_more_than_one_may_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dearer its executions, the shorter; what is left is undecided."""

    def make_dear(watch: Watch) -> Watch:
        if watch.trial_concurrency is None:
            return watch
        price = watch.plan.usd_per_event * watch.trial_concurrency * 60 / 2.0
        return replace(watch, plan=replace(watch.plan, most_usd_per_minute=1.25 * price))

    stretched = _note_stretches(monkeypatch, make_dear)

    ended = _play(_backlog())

    assert isinstance(ended.verdict, CannotTell)
    assert ended.verdict.reason is UntoldReason.TOO_SLOW
    assert max(stretched) == pytest.approx(0.25 * 24 * 60, rel=0.1)


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

    ended = _play(_loop(kind, seeds=100, seconds=1.0), seed=seed)

    assert isinstance(ended.verdict, Shown)
    assert ends[1] - ends[0] <= timedelta(minutes=5)


@pytest.mark.parametrize("kind", HELD)
def test_what_goes_on_arriving_is_fed_from_outside(kind: SourceKind) -> None:
    """It is let go as soon as that is seen."""
    ended = _play(Subject(kind=kind, outside=_step(5_000), begins=BEGINS))

    assert isinstance(ended.verdict, Release)
    assert ended.verdict.reason is ReleaseReason.STILL_ARRIVING
    assert ended.minutes <= 6


@pytest.mark.parametrize("kind", POLLED)
@pytest.mark.parametrize("many", [30_000, 100_000, 300_000])
def test_a_backlog_that_is_worked_off_is_let_go(kind: SourceKind, many: int) -> None:
    """Nothing arrives while it is held, and no trial would end: it ran on what was there before."""
    backlog = Subject(kind=kind, outside=_burst(many, 60, 86_400), begins=BEGINS, lanes=100)

    ended = _play(backlog)

    assert isinstance(ended.verdict, Release)
    assert ended.minutes <= 16


@pytest.mark.parametrize("kind", POLLED)
def test_a_burst_that_ends_by_itself_does_not_come_back(kind: SourceKind) -> None:
    """What it left is worked off during the trial, and nothing follows."""
    for seconds in range(300, 460, 20):
        subject = Subject(kind=kind, outside=_burst(5_000, seconds), begins=BEGINS)
        assert isinstance(_play(subject).verdict, Release)


@pytest.mark.parametrize("kind", POLLED)
def test_a_second_burst_during_the_trial_shows_nothing(kind: SourceKind) -> None:
    """Whatever the time between the two."""
    for again in range(60, 600, 30):
        subject = Subject(kind=kind, outside=_burst(2_000, 300, again), begins=BEGINS)
        assert not isinstance(_play(subject).verdict, Shown)


def test_a_queue_whose_depth_comes_late_takes_longer() -> None:
    """That nothing is sent any more is then known minutes later."""
    subject = _loop(SourceKind.QUEUE)
    rng = np.random.default_rng(1)
    ended = Play(subject, rng, _late([PUNCTUAL]), reads_depth=False).run()

    assert isinstance(ended.verdict, Shown)
    assert 13 < ended.minutes <= 18


def test_a_slow_loop_takes_longer_than_15_minutes() -> None:
    """Twenty rounds of half a minute do not fit into less."""
    ended = _play(_loop(seeds=800, seconds=1.0, latency=25.0))

    assert isinstance(ended.verdict, Shown)
    assert 15 < ended.minutes < 35


def test_what_a_cap_lets_run_is_not_from_outside() -> None:
    """A quick loop goes round under its cap as well, hundreds of times a minute."""
    loop = _loop(SourceKind.ASYNCHRONOUS, seeds=79, seconds=0.55, latency=1.46, cv=0.5)

    ended = _play(loop)

    assert isinstance(ended.verdict, Shown)
    assert ended.minutes <= 15


@played_large
@given(kind=kinds, fan_out=st.sampled_from([1.5, 2.0, 3.0]), late=weathers, seed=seeds)
def test_a_loop_that_multiplies_its_events_is_not_let_go(
    kind: SourceKind, fan_out: float, late: list[Lateness], seed: int
) -> None:
    """What waits of it is more than a trial turns over: its own writing accounts for it."""
    loop = _loop(kind, fan_out=fan_out, seeds=3, batch=1)

    ended = _play(loop, seed=seed, late=late)

    assert isinstance(ended.verdict, Shown | CannotTell)


@pytest.mark.parametrize("kind", HELD)
@pytest.mark.parametrize("fan_out", [1.5, 3.0])
def test_a_loop_that_multiplies_its_events_is_shown(kind: SourceKind, fan_out: float) -> None:
    """By a trial at a part of what ran before: more would only make it grow."""
    ended = _play(_loop(kind, fan_out=fan_out, seeds=3, batch=1))

    assert isinstance(ended.verdict, Shown)
    assert ended.verdict.figures.written_for_each == pytest.approx(fan_out, rel=0.05)
    assert ended.minutes <= 17


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
        outside=_burst(many, 60, 86_400),
        writes=(float(wrote),),
        begins=BEGINS,
        seconds=seconds,
        lanes=100,
    )

    ended = _play(backlog, seed=seed, late=late)

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
    ended = _play(_loop(kind, seeds=3, latency=8.0, outside=lambda _: 0.0))

    assert isinstance(ended.verdict, Shown | CannotTell)


def test_a_loop_beside_as_much_from_outside_is_not_shown() -> None:
    """Five events written for each from outside would look the same."""
    ended = _play(_loop(outside=_step(1_000)))

    assert not isinstance(ended.verdict, Shown)


class _Blind(Play):
    """A hold of which something is not counted."""

    change: Callable[[Counts], Counts]

    @property
    def counts(self) -> Counts:
        return type(self).change(super().counts)


def _lose_arrivals(counts: Counts) -> Counts:
    return replace(counts, arrivals=(replace(counts.arrivals[0], counts=None),))


def _lose_depth(counts: Counts) -> Counts:
    arrivals = (replace(counts.arrivals[0], waiting=None),)
    return replace(counts, waiting=None, arrivals=arrivals)


def _lose_points(counts: Counts) -> Counts:
    series = counts.arrivals[0].counts
    assert series is not None
    gone = replace(series, values=(None,) * len(series.values))
    return replace(counts, arrivals=(replace(counts.arrivals[0], counts=gone),))


@pytest.mark.parametrize("change", [_lose_arrivals, _lose_depth, _lose_points])
def test_what_is_not_counted_cannot_be_told(change: Callable[[Counts], Counts]) -> None:
    """A queue's missing datapoint does not say that nothing was sent."""
    blind = type("Blind", (_Blind,), {"change": staticmethod(change)})
    play: Play = blind(_loop(SourceKind.QUEUE), np.random.default_rng(1), _late([PUNCTUAL]))

    verdict = play.run().verdict

    assert isinstance(verdict, CannotTell)
    assert verdict.reason is UntoldReason.UNCOUNTED


def test_a_hold_ends_in_the_time_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever phase its data fail to come."""
    limits: list[timedelta] = []

    def noting(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        limits.append(watch.plan.longest - (now - watch.held_at))
        if watch.phase is Phase.HELD_AGAIN:  # nothing more comes in
            now_ = watch.since
            counts = replace(counts, waiting=None)
            return judge_hold(watch, _cut(counts, now_), now)
        return judge_hold(watch, counts, now)

    monkeypatch.setattr(held_play, "judge_hold", noting)
    for kind in HELD:
        ended = _play(_loop(kind))
        assert isinstance(ended.verdict, CannotTell | Release | Shown)
    assert min(limits) >= timedelta(0)


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


def _cut(counts: Counts, until: datetime) -> Counts:
    """The counts as if nothing had come in since."""

    def cut(series: Series) -> Series:
        keep = int((until - series.start) / timedelta(minutes=1))
        return replace(
            series, values=(*series.values[:keep], *[None] * (len(series.values) - keep))
        )

    arrivals = tuple(
        replace(one, counts=None if one.counts is None else cut(one.counts))
        for one in counts.arrivals
    )
    return replace(counts, arrivals=arrivals, invocations=cut(counts.invocations))
