"""A loop inside a busy function, and healthy functions that look like one for a while."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.detection.holds.held_world import Subject
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import LoopProof
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
from tests.unit.domain.detection.late_data import Lateness
from tests.unit.domain.holding.judgement.counted_holds import (
    PLAN,
    SPIKE_PER_MINUTE,
    find_moment,
    make_counts,
    make_watch,
)
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
TRIAL_AT, AGAIN_AT = 74, 78
NOW = AGAIN_AT + 7  # when the first of what came while it was held again is settled


def conclude(
    trial: Sequence[float],
    *,
    outside: float = USUAL,
    before: float = SPIKE_PER_MINUTE,
    lag_ms: float | None = 0.0,
    ran_while_held: float = 0.0,
    times: float = 1.0,
) -> HoldVerdict:
    """The verdict on four minutes of a trial, after four in which nothing ran, or as much as that.

    As much as that arrived in each of them, and from outside in the minutes in which it was held;
    of everything so many times as much.
    """
    arrived = [*[USUAL] * 64, *[before] * 6, *[outside] * 4, *trial, *[outside] * 7]
    ran_by_minute = [*[USUAL] * 64, *[before] * 6, *[ran_while_held] * 4, *[before] * 4, *[0.0] * 7]
    arrived, ran_by_minute = ([times * one for one in each] for each in (arrived, ran_by_minute))
    watch = make_watch(
        TRIAL_AT,
        AGAIN_AT,
        normal_per_minute=times * USUAL,
        before_per_minute=times * before,
        served_before_per_minute=times * before,
        first_trial_at=find_moment(TRIAL_AT),
        waiting=4 * times * outside,
        rounds=2,
    )
    counts = make_counts(arrived, ran_by_minute, duration_ms=900.0, lag_ms=lag_ms)
    return judge_hold(watch, counts, find_moment(NOW))


def judge_held(
    account_concurrency: int | None = None, ran_before: float = 100.0, times: float = 1.0
) -> HoldVerdict:
    """The verdict after three minutes in which as much came as ever, of so many times as much."""
    arrived = [times * one for one in (*[USUAL] * 64, *[SPIKE_PER_MINUTE] * 6, *[USUAL] * 5)]
    plan = replace(PLAN, ran_before=ran_before, account_concurrency=account_concurrency)
    spike = times * SPIKE_PER_MINUTE
    duration_ms = 60_000 * ran_before / spike
    counts = make_counts(arrived, [*arrived[:70], *[0.0] * 5], duration_ms=duration_ms)
    watch = make_watch(
        plan=plan,
        normal_per_minute=times * USUAL,
        before_per_minute=spike,
        served_before_per_minute=spike,
    )
    return judge_hold(watch, counts, find_moment(len(arrived)))


@pytest.mark.parametrize(
    ("account", "before", "let_go"),
    [(1_000, 100, 140), (None, 100, 140), (1_000, 400, 500), (1_000, 700, 700)],
)
def test_a_little_more_runs_than_before_but_no_more_than_half_of_the_account(
    account: int | None, before: float, let_go: int
) -> None:
    """What waits is served beside what comes; a function that had more gets as much as before."""
    verdict = judge_held(account, before)

    assert isinstance(verdict, LetGo)
    assert verdict.concurrency == let_go


def test_a_few_events_a_minute_are_no_usual_work() -> None:
    """Their counts say too little: it is judged as any other function."""
    assert isinstance(judge_held(times=0.04), LetGo)
    assert isinstance(judge_held(times=0.039), Release)


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
