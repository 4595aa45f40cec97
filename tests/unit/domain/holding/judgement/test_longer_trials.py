"""Trials that last longer, because more waits than a short one turns over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bench.detection.holds import held, held_play
from bench.detection.holds.held_world import Subject
from functions.domain.detection.arrivals import SourceKind
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.judgement.verdict import judge_hold
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
from functions.domain.holding.watch import Watch
from tests.unit.domain.holding.judgement.playing import (
    BEGINS,
    burst,
    make_loop,
    play_out,
)

# Writers that burst, whose first trial tells nothing: one that was too short, one that ended early
# because events seemed to multiply, and one in which a burst came by chance.
SHORT_TRIAL = 63_679_499
CUT_SHORT = 1_791_226_695
CHANCE = 2_675_895_964
GROWN = 773_219_292  # a loop of fan-out 1.1, of which more waits after two trials
BESIDE_OTHERS = 2_467_077_408  # a writer; much arrives from outside


def _backlog() -> Subject:
    """More than it works off in twenty minutes, and each event leads to one more."""
    return Subject(
        kind=SourceKind.QUEUE,
        outside=burst(150_000, 60),
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

    ended = play_out(_backlog())

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

    ended = play_out(_backlog())

    assert not stretched
    assert isinstance(ended.verdict, CannotTell)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "drawn", [SHORT_TRIAL, CUT_SHORT, CHANCE], ids=["too short", "cut short", "by chance"]
)
def test_a_trial_that_told_nothing_is_followed_by_a_longer_one(
    monkeypatch: pytest.MonkeyPatch, drawn: int
) -> None:
    """More waited than was seen, or a burst came with it by chance."""
    retries: list[float] = []

    def judge(watch: Watch, counts: Counts, now: datetime) -> HoldVerdict:
        verdict = judge_hold(watch, counts, now)
        if isinstance(verdict, TryLonger):
            retries.append(verdict.seconds)
        return verdict

    monkeypatch.setattr(held_play, "judge_hold", judge)

    _, ended = held.play(held.HEALTHY["writers, bursts again"], drawn)

    assert [seconds > 0 for seconds in retries] == [drawn == SHORT_TRIAL]
    assert isinstance(ended.verdict, Release)


def test_what_arrived_in_the_first_hold_explains_what_came_in_the_trial() -> None:
    """It writes four events for each, and fewer arrive from outside in the second hold."""
    _, ended = held.play(held.HEALTHY["writes 1 to 5 for each"], BESIDE_OTHERS)

    assert isinstance(ended.verdict, Release)
    assert ended.verdict.reason is ReleaseReason.CAME_ON


def test_a_loop_that_was_shown_is_kept_although_more_of_it_waits() -> None:
    """It falls silent with the second hold, so nobody else sends."""
    _, ended = held.play(held.LOOPS["fan-out above 1"], GROWN)

    assert isinstance(ended.verdict, Shown)
    assert not isinstance(ended.second, Release)
    assert ended.is_left_held


def test_a_loop_that_becomes_slower_is_shown_twice() -> None:
    """Its trials last longer for that."""
    slower = make_loop(SourceKind.QUEUE, seeds=500, seconds=1.4, slowing=0.04)

    ended = play_out(slower)

    assert isinstance(ended.verdict, Shown)
    assert isinstance(ended.second, Shown)


def test_what_becomes_slower_gets_no_longer_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a loop writes becomes less then, and would look like a backlog that is worked off."""
    stretched = _note_stretches(monkeypatch)

    ended = play_out(replace(_backlog(), slowing=0.04))

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

    ended = play_out(_backlog())

    assert isinstance(ended.verdict, CannotTell)
    assert ended.verdict.reason is UntoldReason.TOO_SLOW
    assert max(stretched) == pytest.approx(0.25 * 24 * 60, rel=0.1)
