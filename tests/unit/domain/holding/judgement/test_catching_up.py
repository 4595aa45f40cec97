"""A loop inside a busy function, and healthy functions that look like one for a while."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.detection.holds.held_world import Subject
from functions.domain.detection.arrivals import Arrivals, Source, SourceKind
from functions.domain.detection.evidence import LoopProof, Series
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.judgement.verdict import judge_hold
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldVerdict,
    LetGo,
    Release,
    ReleaseReason,
    Shown,
    TryLonger,
)
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch
from tests.unit.domain.detection.late_data import Lateness
from tests.unit.domain.holding.judgement.playing import (
    BEGINS,
    HELD,
    kinds,
    make_loop,
    play_out,
    played,
    seeds,
    weathers,
)

USUAL = 500.0  # events a minute that others send, all the while

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SPIKE_AT, HELD_AT, TRIAL_AT, AGAIN_AT = 64, 70, 74, 78
NOW = AGAIN_AT + 7  # when the first of what came while it was held again is settled
SOURCE = Source(kind=SourceKind.TABLE, name="orders", loop=LoopProof.CERTAIN)
PLAN = HoldPlan(
    levers=(Lever.ZERO,),
    cap=None,
    settling_seconds=20.0,
    opening_seconds=10.0,
    held_seconds=300.0,
    held_again_seconds=600.0,
    trial_seconds=180.0,
    longest_trial_seconds=1440.0,
    ran_before=30.0,
    batch_size=1,
)


def conclude(
    trial: Sequence[float],
    *,
    outside: float = USUAL,
    before: float = 2_000.0,
    lag_ms: float | None = 0.0,
    ran_while_held: float = 0.0,
    times: float = 1.0,
    rounds: int = 2,
) -> HoldVerdict:
    """The verdict on four minutes of a trial, after four in which nothing ran, or as much as that.

    As much as that arrived in each of them, and from outside in the minutes in which it was held;
    of everything so many times as much.
    """
    arrived = [*[USUAL] * 64, *[before] * 6, *[outside] * 4, *trial, *[outside] * 7]
    ran_by_minute = [*[USUAL] * 64, *[before] * 6, *[ran_while_held] * 4, *[before] * 4, *[0.0] * 7]
    arrived, ran_by_minute = ([times * one for one in each] for each in (arrived, ran_by_minute))

    def series(values: Sequence[float | None]) -> Series:
        return Series(start=START, period_seconds=60, values=tuple(values))

    def at(minute: float) -> datetime:
        return START + timedelta(minutes=minute)

    watch = Watch(
        plan=PLAN,
        phase=Phase.HELD_AGAIN,
        since=at(AGAIN_AT),
        held_at=at(HELD_AT),
        spike_since=at(SPIKE_AT),
        sources=(SOURCE,),
        normal_per_minute=times * USUAL,
        before_per_minute=times * before,
        served_before_per_minute=times * before,
        lag_seconds=0.0,
        trial_at=at(TRIAL_AT),
        again_at=at(AGAIN_AT),
        first_trial_at=at(TRIAL_AT),
        trial_concurrency=42,
        waiting=4 * times * outside,
        rounds=rounds,
    )
    counts = Counts(
        arrivals=(Arrivals(source=SOURCE, counts=series(arrived), waiting=None),),
        invocations=series(ran_by_minute),
        errors=series([0.0] * len(arrived)),
        throttles=series([0.0] * len(arrived)),
        duration_ms=series([900.0] * len(arrived)),
        lag_ms=None if lag_ms is None else series([lag_ms] * len(arrived)),
    )
    return judge_hold(watch, counts, at(NOW))


def let_go(account_concurrency: int | None, ran_before: float) -> int:
    """The concurrency at which it is let go, after three minutes in which as much came as ever."""
    arrived = [*[USUAL] * 64, *[2_000.0] * 6, *[USUAL] * 5]

    def series(values: Sequence[float]) -> Series:
        return Series(start=START, period_seconds=60, values=tuple(values))

    plan = replace(PLAN, ran_before=ran_before, account_concurrency=account_concurrency)
    watch = Watch(
        plan=plan,
        phase=Phase.HELD,
        since=START + timedelta(minutes=HELD_AT),
        held_at=START + timedelta(minutes=HELD_AT),
        spike_since=START + timedelta(minutes=SPIKE_AT),
        sources=(SOURCE,),
        normal_per_minute=USUAL,
        before_per_minute=2_000.0,
        served_before_per_minute=2_000.0,
        lag_seconds=0.0,
    )
    counts = Counts(
        arrivals=(Arrivals(source=SOURCE, counts=series(arrived), waiting=None),),
        invocations=series([*arrived[:70], *[0.0] * 5]),
        errors=series([0.0] * 75),
        throttles=series([0.0] * 75),
        duration_ms=series([60_000 * ran_before / 2_000.0] * 75),
    )
    verdict = judge_hold(watch, counts, START + timedelta(minutes=75))
    assert isinstance(verdict, LetGo)
    return verdict.concurrency


def test_a_little_more_runs_than_before_but_no_more_than_half_of_the_account() -> None:
    """What waits is served beside what comes; a function that had more gets as much as before."""
    assert let_go(1_000, 100.0) == 140
    assert let_go(None, 100.0) == 140
    assert let_go(1_000, 400.0) == 500
    assert let_go(1_000, 700.0) == 700


LOOP = [2_000.0] * 4  # as before: 1,500 a minute of its own
# A writer of three for each: for what came in four minutes of standing still, and for what comes.
WRITER = [5_000.0, 5_000.0, 2_000.0, 2_000.0]


def test_a_loop_writes_as_much_as_before_and_nothing_for_what_had_waited() -> None:
    """Four minutes' worth in four minutes; a writer would have written eight minutes' worth."""
    verdict = conclude(LOOP)

    assert isinstance(verdict, Shown)
    assert verdict.is_beside_work
    assert verdict.figures.wrote_minutes == pytest.approx(4.0, abs=0.1)
    assert verdict.figures.writer_minutes == pytest.approx(8.0, abs=0.1)


def test_a_function_that_writes_for_what_had_waited_is_let_go() -> None:
    """It caught up."""
    assert conclude(WRITER) == Release(
        reason=ReleaseReason.WRITES_EXPLAIN, figures=conclude(WRITER).figures
    )


def test_a_generous_writer_is_let_go_as_well() -> None:
    """It writes fifteen events for each, more than any that is known to end."""
    verdict = conclude([23_000.0, 23_000.0, 8_000.0, 8_000.0], before=8_000.0)

    assert isinstance(verdict, Release)
    assert verdict.reason is ReleaseReason.WRITES_EXPLAIN


@pytest.mark.parametrize(
    ("why", "verdict"),
    [
        ("more comes from outside than ever", conclude(LOOP, outside=700.0)),
        ("less comes from outside than ever", conclude(LOOP, outside=330.0)),
        ("how far its polling lies behind is unknown", conclude(LOOP, lag_ms=None)),
        ("what had waited is not served", conclude(LOOP, lag_ms=60_000.0)),
        ("it does not write as before at the end", conclude([2_500.0, 2_500.0, 900.0, 900.0])),
        ("it writes more than before at the end", conclude([500.0, 500.0, 2_900.0, 2_900.0])),
        ("it hardly stood still", conclude(LOOP, ran_while_held=1_600.0, times=10.0)),
        ("it wrote for a part of what had waited", conclude([3_000.0, 2_600.0, 2_000.0, 2_000.0])),
    ],
)
def test_nothing_is_shown_where_something_else_may_be_the_cause(
    why: str, verdict: HoldVerdict
) -> None:
    """Nor is it said to be a loop."""
    assert isinstance(verdict, Release | CannotTell | TryLonger), why


@pytest.mark.thorough
@pytest.mark.parametrize("kind", HELD)
@pytest.mark.parametrize("share", [0.07, 0.15, 0.25])
def test_a_loop_inside_a_busy_function_is_shown(kind: SourceKind, share: float) -> None:
    """And stays held, even if the event graph is certain: others send it work as well."""
    seconds, latency = 1.0, 0.8
    level = 60 * 200 / (seconds + latency) * share / (1 - share)
    loop = make_loop(
        kind,
        outside=lambda _: level,
        seeds=200,
        seconds=seconds,
        latency=latency,
        normal_concurrency=max(1, round(1.3 * level * seconds / 60)),
        proof=LoopProof.CERTAIN,
    )

    ended = play_out(loop)

    assert isinstance(ended.verdict, Shown)
    assert isinstance(ended.second, Shown)
    assert ended.minutes <= 18
    assert ended.is_left_held
    assert not ended.is_stopped


@pytest.mark.thorough
@played
@given(
    kind=kinds,
    usual=st.floats(150, 3_000),
    wrote=st.sampled_from([(3.0,), (5.0,), (1.0, 1.0, 1.0), (2.0, 1.0)]),
    latency=st.floats(0.1, 90),
    batch=st.sampled_from([1, 10]),
    late=weathers,
    seed=seeds,
)
def test_a_version_that_writes_more_is_never_taken_for_a_loop(
    *,
    kind: SourceKind,
    usual: float,
    wrote: tuple[float, ...],
    latency: float,
    batch: int,
    late: list[Lateness],
    seed: int,
) -> None:
    """As much comes from outside as ever, and all of the spike is its own doing."""
    subject = Subject(
        kind=kind,
        outside=lambda _: usual,
        writes=wrote,
        writes_from=BEGINS,
        begins=BEGINS,
        seconds=0.5,
        latency=latency,
        batch=1 if kind is SourceKind.ASYNCHRONOUS else batch,
        pollers=20.0,
        normal_concurrency=max(1, round(usual / 60)),
    )

    ended = play_out(subject, seed=seed, late=late)

    assert not isinstance(ended.verdict, Shown)
