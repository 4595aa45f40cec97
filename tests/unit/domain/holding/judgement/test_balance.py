"""What arrived since a spike began, against what its executions wrote."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.arrivals import Arrivals, Source, SourceKind
from functions.domain.detection.evidence import LoopProof, Series
from functions.domain.holding.judgement.balance import Balance
from functions.domain.holding.judgement.case import Case, Figures
from functions.domain.holding.judgement.tally import Counts, Tally
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
BASE = [20.0] * 60
SPIKE_AT, HELD_AT, TRIAL_AT, AGAIN_AT = 64, 70, 73, 77
NOW = START + timedelta(minutes=85)
PLAN = HoldPlan(
    levers=(Lever.PAUSE,),
    cap=None,
    settling_seconds=60.0,
    opening_seconds=60.0,
    held_seconds=300.0,
    held_again_seconds=600.0,
    trial_seconds=180.0,
    longest_trial_seconds=1440.0,
    ran_before=100.0,
    batch_size=1,
)
SOURCE = Source(kind=SourceKind.QUEUE, name="orders", loop=LoopProof.POSSIBLE)


def _at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def _series(values: Sequence[float | None]) -> Series:
    return Series(start=START, period_seconds=60, values=tuple(values))


def _case(
    arrived: Sequence[float | None],
    ran: Sequence[float],
    waited: float | None = 0.0,
    levers: tuple[Lever, ...] = (Lever.PAUSE,),
) -> Case:
    """Each from minute 0 on: the base, the spike from 64, held from 70, a trial from 73 to 77."""
    watch = Watch(
        plan=replace(PLAN, levers=levers),
        phase=Phase.HELD_AGAIN,
        since=_at(AGAIN_AT),
        held_at=_at(HELD_AT),
        spike_since=_at(SPIKE_AT),
        sources=(SOURCE,),
        normal_per_minute=20.0,
        before_per_minute=2_000.0,
        served_before_per_minute=1_000.0,
        lag_seconds=None,
        trial_at=_at(TRIAL_AT),
        again_at=_at(AGAIN_AT),
        waiting=5_000.0,
        trial_concurrency=100,
    )
    visible = _series([waited] * len(arrived))
    counts = Counts(
        arrivals=(Arrivals(source=SOURCE, counts=_series(arrived), waiting=visible),),
        invocations=_series(ran),
        errors=_series([0.0] * len(ran)),
        throttles=_series([0.0] * len(ran)),
        duration_ms=_series([1000.0] * len(ran)),
    )
    tally = Tally.of(watch, counts, NOW)
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
