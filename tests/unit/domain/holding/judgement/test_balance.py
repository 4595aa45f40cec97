"""What arrived since a spike began, against what its executions wrote."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.holding.judgement.balance import Balance
from functions.domain.holding.judgement.case import Case, Figures
from functions.domain.holding.judgement.tally import Tally
from functions.domain.holding.watch import Lever
from tests.unit.domain.holding.judgement.counted_holds import (
    HELD_AT,
    PLAN,
    find_moment,
    lay_series,
    make_counts,
    make_watch,
)

TRIAL_AT, AGAIN_AT, NOW = 73, 77, 85
SOURCE = Source(kind=SourceKind.QUEUE, name="orders", loop=LoopProof.POSSIBLE)


def _case(
    arrived: Sequence[float | None],
    ran: Sequence[float],
    waited: float | None = 0.0,
    levers: tuple[Lever, ...] = (Lever.PAUSE,),
) -> Case:
    """Each from minute 0 on: the base, the spike from 64, held from 70, a trial from 73 to 77."""
    plan = replace(
        PLAN, levers=levers, settling_seconds=60.0, opening_seconds=60.0, ran_before=100.0
    )
    watch = make_watch(
        TRIAL_AT,
        AGAIN_AT,
        plan=plan,
        sources=(SOURCE,),
        served_before_per_minute=1_000.0,
        lag_seconds=None,
        waiting=5_000.0,
    )
    visible = lay_series([waited] * len(arrived))
    counts = make_counts(arrived, ran, source=SOURCE, waiting=visible)
    tally = Tally.of(watch, counts, find_moment(NOW))
    assert tally is not None
    return Case(tally=tally, figures=Figures(minutes=15))


# The spike, held, the trial and held again, up to now.
RAN = [20.0] * 64 + [1_000.0] * 6 + [0.0] * 3 + [500.0] * 4 + [0.0] * 8


def _write(each: float, outside: Sequence[float]) -> list[float | None]:
    """What arrives of a function whose executions in the spike and the trial all write as much."""
    wrote = [0.0] * 64 + [each * ran for ran in RAN[64:]]
    sent = [20.0] * 64 + [*outside, *([0.0] * 99)][: len(RAN) - 64]
    return [own + other for own, other in zip(wrote, sent, strict=True)]


def test_a_loop_that_multiplies_its_events_accounts_for_all_of_them() -> None:
    """Its few first events are lost among those that it wrote."""
    balance = Balance.of(_case(_write(2.0, [3.0]), RAN))

    assert balance is not None
    assert balance.shows_loop
    assert balance.multiplies == pytest.approx(2.0)
    assert abs(balance.from_outside) < 0.02


@given(each=st.floats(1.0, 6.0), first=st.floats(0.15, 0.9))
def test_a_backlog_whose_handler_writes_came_from_outside(each: float, first: float) -> None:
    """As much arrives for each as of a loop, but not since the beginning."""
    gathered = first / (1 - first) * each * 6_000

    balance = Balance.of(_case(_write(each, [gathered]), RAN))

    assert balance is not None
    assert not balance.shows_loop


@given(each=st.floats(1.1, 6.0))
def test_a_backlog_of_before_the_spike_counts_as_outside(each: float) -> None:
    """It lay in the queue when the function began to run."""
    balance = Balance.of(_case(_write(each, []), RAN, waited=2_000 * each))

    assert balance is not None
    assert not balance.shows_loop


def test_what_is_served_as_it_arrives_shows_nothing() -> None:
    """A function that writes once for each has nothing waiting, and as much runs as arrives."""
    balance = Balance.of(_case(_write(1.0, []), RAN))

    assert balance is not None
    assert not balance.shows_loop


def test_what_is_written_a_minute_after_its_execution_counts_with_it() -> None:
    """All executions of the trial, against all that was written until they stood still."""
    ran = [*RAN[:TRIAL_AT], 100.0, 500.0, 500.0, 500.0, 100.0, *[0.0] * 7]
    late = [20.0] * 64 + [3.0] + [2.0 * one for one in ran[64:-1]]

    balance = Balance.of(_case(late, ran))

    assert balance is not None
    assert balance.multiplies == pytest.approx(2.0)


def test_a_trial_that_is_unlike_the_minutes_before_shows_nothing() -> None:
    """What waits is of another kind than what ran."""
    arrived = _write(2.0, [3.0])
    arrived[HELD_AT - 1] = 5_000.0
    arrived[HELD_AT - 2] = 1_000.0

    balance = Balance.of(_case(arrived, RAN))

    assert balance is not None
    assert not balance.shows_loop


def test_what_is_not_known_of_the_beginning_shows_nothing() -> None:
    """A burst may hide in it."""
    arrived = _write(2.0, [3.0])
    hole = [*arrived[:64], None, *arrived[65:]]

    assert Balance.of(_case(hole, RAN)) is None
    assert Balance.of(_case(arrived, RAN, waited=None)) is None
    assert Balance.of(_case(arrived, RAN, levers=(Lever.ZERO,))) is None  # nobody knows the lag
