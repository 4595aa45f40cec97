"""When a trial has shown enough: once the counts of by now will say so, even if they are late."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from functions.domain.holding.judgement.verdict import judge_hold
from functions.domain.holding.outcomes import HoldAgain, HoldVerdict, Wait
from functions.domain.holding.plan import GENERATIONS
from tests.unit.domain.holding.judgement.counted_holds import (
    PLAN,
    find_moment,
    make_counts,
    make_watch,
)

TRIAL_AT = 73
LAG_SECONDS = 12.3  # that its polling of the stream lies behind
ROUND_SECONDS = 15.0  # of an execution of a second, until it comes back
WAITING = 410.0  # of 2,000 a minute, for so long


SPIKE = [200.0, 280.0, 400.0, 560.0, 800.0, 1_120.0]  # of a loop that multiplies its events
BATCH = 9.75  # events of an invocation in it: fewer than one may have, as nothing waits


def judge_growing(written_each: float, rounds: int = 1) -> HoldVerdict:
    """A trial whose settled minutes show that each of its executions writes so many events.

    The spike grew while it was held. Far more waits than came back so far.
    """
    usual = [2.0] * 64
    ran = usual + [one / BATCH for one in SPIKE] + [0.0] * 3 + [150.0] * 7
    trial = [150.0 * written_each] * 7
    arrived = [*usual, *SPIKE, SPIKE[-1] / 2, *[0.0] * 2, *trial]
    plan = replace(PLAN, batch_size=10, trial_seconds=60.0)
    watch = make_watch(
        TRIAL_AT,
        plan=plan,
        lag_seconds=60.0,
        trial_seconds=600.0,
        rounds=rounds,
        served_before_per_minute=SPIKE[-1] / BATCH,
    )
    return judge_hold(watch, make_counts(arrived, ran), find_moment(len(arrived)))


def judge_trial(trial: Sequence[float | None], outside: float = 0.0) -> HoldVerdict:
    """A trial from minute 73 on, with what is counted of its minutes so far; held at minute 70.

    From outside so much arrives in each minute.
    """
    arrived = [*[20.0] * 64, *[2_000.0] * 6, *[outside] * 3, *trial]
    ran = [20.0] * 64 + [2_000.0] * 6 + [0.0] * 3 + [one or 0.0 for one in trial]
    plan = replace(PLAN, trial_seconds=600.0)
    watch = make_watch(TRIAL_AT, plan=plan, lag_seconds=LAG_SECONDS)
    return judge_hold(watch, make_counts(arrived, ran), find_moment(len(arrived)))


@pytest.mark.parametrize("part", [None, 200.0, 1_499.0])
def test_a_minute_that_is_counted_in_part_does_not_prolong_it(part: float | None) -> None:
    """Its figures will be those of the minutes before it: it comes back all the while."""
    assert isinstance(judge_trial([1_200.0, 1_500.0, 1_500.0, part, None]), HoldAgain)


def test_it_goes_on_until_that_is_enough() -> None:
    """However late the counts are, no more can have come than in so many minutes."""
    assert isinstance(judge_trial([900.0, 900.0, 900.0, 90.0, None]), Wait)


def test_a_settled_minute_in_which_hardly_anything_came_prolongs_it() -> None:
    """It may have ended: the next minutes tell."""
    assert isinstance(judge_trial([9_000.0, 100.0, 2_000.0, 2_000.0, 2_000.0, None, None]), Wait)


def test_what_has_not_come_round_yet_does_not_count() -> None:
    """What ran in the last seconds comes back when the trial is over."""
    just_enough = GENERATIONS * WAITING / 5
    more = just_enough * ROUND_SECONDS / 60 / 5

    assert isinstance(judge_trial([just_enough + 0.5 * more] * 5), Wait)
    assert isinstance(judge_trial([just_enough + 1.1 * more] * 5), HoldAgain)


def test_what_comes_from_outside_may_be_more_than_was_seen() -> None:
    """It is counted again in the second hold: a trial that just suffices might fall short by it."""
    assert isinstance(judge_trial([2_400.0] * 5, outside=60.0), Wait)
    assert isinstance(judge_trial([2_500.0] * 5, outside=60.0), HoldAgain)


def test_what_wrote_all_of_its_events_needs_no_more_rounds() -> None:
    """Its executions write more than they are given, and that accounts for the whole spike."""
    assert isinstance(judge_growing(written_each=11.0), HoldAgain)


@pytest.mark.parametrize("written_each", [6.0, 10.0, 13.0])
def test_what_did_not_write_all_goes_on(written_each: float) -> None:
    """It writes too little for the spike, does not multiply, or writes more than arrived."""
    assert isinstance(judge_growing(written_each), Wait)


def test_a_second_trial_is_not_cut_short_by_that() -> None:
    """Nobody waits for it: it shows rounds too."""
    assert isinstance(judge_growing(written_each=11.0, rounds=2), Wait)
