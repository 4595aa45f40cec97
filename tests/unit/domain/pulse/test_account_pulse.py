"""The pulse: when the account's movement is worth a look at its functions."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.deployment.guard_cost import (
    LOOKS_IN_STOCK,
    METRICS_PER_CHECK,
    USD_PER_METRIC_READ,
    compute_pulse_budget_usd,
    count_pulse_watch_metrics,
    estimate_pulse_check_usd,
)
from functions.domain.detection.evidence import AccountSeries, Series
from functions.domain.incidents.policy import Policy
from functions.domain.pulse.account_pulse import (
    REST,
    Consideration,
    Look,
    NeedsPrecedent,
    PulseReason,
    Quiet,
    consider,
    consider_with,
    record_check,
)
from functions.domain.pulse.look_budget import RESERVED, LookBudget, assume_unknown_memory
from functions.domain.pulse.memory import PulseMemory
from tests.unit.domain.detection.traffic_samples import NOW, RECENT, series, wobble

POLICY = Policy(floor_per_minute=500)
BUDGET = LookBudget.of(1000)
FRESH = PulseMemory()
# A thousand functions: nearly steady, with jobs at each full quarter of an hour.
BUSY = [
    value + (4000.0 if index % 15 == 0 else 0.0)
    for index, value in enumerate(wobble(10_000, RECENT, 0.02))
]


def account(
    counts: list[float], throttles: list[float] | None = None, running: list[float] | None = None
) -> AccountSeries:
    """The three account-wide series."""
    quiet = [0.0] * len(counts)
    return AccountSeries(
        invocations=series(counts),
        throttles=series(throttles or quiet),
        concurrency=series(running or quiet),
    )


def asked(counts: list[float], memory: PulseMemory = FRESH) -> Consideration:
    """What the pulse says to an account's counts."""
    return consider(account(counts), memory, POLICY, NOW, BUDGET)


def raised(by: float, minutes: int = 5) -> list[float]:
    """The busy account with so much more in its newest minutes."""
    return [*BUSY[:-minutes], *(value + by for value in BUSY[-minutes:])]


def stocked(looks: float) -> PulseMemory:
    """A memory with so many looks left."""
    return PulseMemory(stock=looks, stocked_at=NOW)


@pytest.mark.parametrize("left", [LOOKS_IN_STOCK, 6.0, 1.0 + RESERVED])
def test_a_loop_that_adds_ten_percent_is_looked_at_within_five_datapoints(left: float) -> None:
    """On an account of a thousand functions whose jobs follow the clock; the fewest looks do."""
    answer = asked(raised(1000.0), stocked(left))

    assert isinstance(answer, Look)
    assert answer.level_per_minute - answer.expected_per_minute == pytest.approx(1000, rel=0.2)


def test_a_small_rise_leaves_the_last_looks_to_a_large_one() -> None:
    """What doubles the account is looked at with the last look; without any nothing is."""
    reserved, none = stocked(RESERVED), stocked(0.5)

    small, large, broke = (
        asked(raised(1000.0), reserved),
        asked(raised(60_000.0), reserved),
        asked(raised(60_000.0), none),
    )

    assert isinstance(small, Quiet)
    assert small.reason is PulseReason.USED_UP
    assert isinstance(large, NeedsPrecedent)
    assert isinstance(broke, Quiet)
    assert broke.reason is PulseReason.USED_UP


def test_a_rise_has_to_stand_out_the_more_the_fewer_looks_are_left() -> None:
    """The same small rise, with a full stock and with hardly any."""
    noisy = [
        value + (900.0 if index % 2 else -900.0)
        for index, value in enumerate(wobble(10_000, RECENT, 0.02))
    ]
    newest = [*noisy[:-5], *(value + 1_500.0 for value in noisy[-5:])]

    assert isinstance(asked(newest, stocked(LOOKS_IN_STOCK)), Look)
    few = asked(newest, stocked(1.0 + RESERVED))
    assert isinstance(few, Quiet)
    assert few.reason is PulseReason.STEADY


@given(
    st.lists(st.tuples(st.integers(0, 3 * 1440), st.booleans()), max_size=200),
    st.sampled_from([None, 1, 10, 100, 1000, 100_000]),
)
def test_the_budget_is_never_exceeded(
    asked_after: list[tuple[int, bool]], functions: int | None
) -> None:
    """However often a look is wanted, 30 days hold no more than the budget."""
    budget = LookBudget.of(functions)
    memory, now, made = PulseMemory(), NOW, []
    for minutes, is_large in asked_after:
        now += timedelta(minutes=minutes)
        if budget.can_check(memory, now, is_large=is_large):
            memory = budget.take(memory, now)
            made.append(now)

    for first in made:
        within = [one for one in made if first <= one <= first + timedelta(days=30)]
        assert len(within) <= max(LOOKS_IN_STOCK, budget.looks_per_month) + 1e-6


@given(
    st.lists(st.tuples(st.integers(0, 3 * 1440), st.integers(0, 40)), max_size=200),
    st.sampled_from([1, 10, 100, 1000, 100_000]),
    st.floats(0, 1),
)
def test_looks_and_checks_and_readings_share_one_budget(
    asked_after: list[tuple[int, int]], functions: int, share: float
) -> None:
    """Whatever is read of functions on loops, and however many are checked, 30 days cost no more.

    Asked for in turn: a look where 0 is drawn, and as many checks as are drawn and left otherwise.
    """
    watch_metrics = int(share * count_pulse_watch_metrics(functions))
    budget = LookBudget.of(functions, watch_metrics)
    memory, now, spent = PulseMemory(), NOW, list[tuple[datetime, float]]()
    for minutes, wanted in asked_after:
        now += timedelta(minutes=minutes)
        if wanted:
            checks = min(wanted, budget.count_checks_left(memory, now))
            memory = budget.take_checks(memory, now, checks)
            spent.append((now, checks * METRICS_PER_CHECK * USD_PER_METRIC_READ))
        elif budget.can_check(memory, now, is_large=True):
            memory = budget.take(memory, now)
            spent.append((now, estimate_pulse_check_usd(functions)))

    assert budget.looks_per_month >= 2 * LOOKS_IN_STOCK - 1e-6
    for first, _ in spent:
        within = sum(usd for at, usd in spent if first <= at <= first + timedelta(days=30))
        total = within + watch_metrics * USD_PER_METRIC_READ
        assert total <= compute_pulse_budget_usd(functions) + 1e-6


def test_a_loud_account_uses_its_budget_up_and_no_more() -> None:
    """A rise in every minute of two months."""
    budget = LookBudget.of(1000)
    memory, made = PulseMemory(), 0
    for minute in range(30 * 1440):
        now = NOW + timedelta(minutes=minute)
        if budget.can_check(memory, now, is_large=True):
            memory, made = budget.take(memory, now), made + 1

    assert budget.looks_per_month - 2 <= made <= budget.looks_per_month


def test_a_clock_that_goes_back_gives_no_looks() -> None:
    """Two runs side by side may have clocks that differ."""
    memory = BUDGET.take(stocked(5.0), NOW)
    again = BUDGET.take(memory, NOW - timedelta(hours=5))

    assert BUDGET.compute_left(again, NOW) == pytest.approx(3.0)


def test_without_a_memory_only_large_rises_are_looked_at() -> None:
    """While the ledger cannot be read nothing is counted."""
    memory = assume_unknown_memory(NOW)

    assert isinstance(asked(raised(1000.0), memory), Quiet)
    assert isinstance(asked(raised(60_000.0), memory), NeedsPrecedent)


def test_two_datapoints_are_enough_for_a_steep_rise() -> None:
    """What multiplies the account is not waited for."""
    assert isinstance(asked(raised(60_000.0, 2)), NeedsPrecedent)


@pytest.mark.parametrize("cut", range(0, 20, 3))
def test_jobs_on_the_clock_are_expected(cut: int) -> None:
    """The same minute of the hours before says so, at any minute of the quarter."""
    assert isinstance(asked(BUSY[: RECENT - cut]), Quiet)


def test_a_rise_below_the_floor_is_nobodys_loop() -> None:
    """In a silent account 300 a minute stand out, and are below what is looked for."""
    answer = asked([*[5.0] * 177, *[300.0] * 5])

    assert isinstance(answer, Quiet)
    assert answer.reason is PulseReason.BELOW_FLOOR


def test_precedent_of_the_hour_calms() -> None:
    """What happened at this hour yesterday needs no look; what never did does."""
    need = asked(raised(13_000.0))
    assert isinstance(need, NeedsPrecedent)
    past = [50_000.0] * 4032
    start = NOW - timedelta(minutes=RECENT + 5 * 4032)
    yesterday = 4032 - (1440 - RECENT) // 5
    busy = [*past[: yesterday - 2], *[130_000.0] * 4, *past[yesterday + 2 :]]

    known = consider_with(need, Series(start=start, period_seconds=300, values=tuple(busy)), NOW)
    new = consider_with(need, Series(start=start, period_seconds=300, values=tuple(past)), NOW)

    assert isinstance(known, Quiet)
    assert known.reason is PulseReason.HAS_PRECEDENT
    assert isinstance(new, Look)
    assert isinstance(consider_with(need, None, NOW), Look)


def test_a_look_that_found_nothing_is_not_repeated_at_the_same_level() -> None:
    """It rests for some minutes; a level well above ends the rest; so does time."""
    counts = raised(6000.0)
    level = 16_000.0
    before = record_check(FRESH, found=False, level_per_minute=level, now=NOW - REST)
    newly = record_check(FRESH, found=False, level_per_minute=level, now=NOW - REST / 2)

    assert isinstance(asked(counts, before), Look)
    resting = asked(counts, newly)
    assert isinstance(resting, Quiet)
    assert resting.reason is PulseReason.LOOKED_ALREADY
    assert isinstance(asked(raised(30_000.0), newly), NeedsPrecedent)


def test_a_look_that_found_something_forgets_the_rest() -> None:
    """The next rise is looked at at once."""
    memory = record_check(
        PulseMemory(looked_at=NOW, level_per_minute=1.0, looks=5),
        found=True,
        level_per_minute=16_000.0,
        now=NOW,
    )

    assert memory.looks == 0
    assert isinstance(asked(raised(6000.0), memory), Look)


def test_new_throttles_and_new_concurrency_are_looked_at_without_precedent() -> None:
    """Work that runs for minutes shows there before it is counted."""
    quiet = [0.0] * 177
    throttled = account(BUSY, throttles=[*quiet, *[5000.0] * 3])
    filling = account(BUSY, running=[*[40.0] * 177, *[600.0] * 3])

    for one, reason in (
        (throttled, PulseReason.THROTTLED),
        (filling, PulseReason.CONCURRENCY_RISEN),
    ):
        answer = consider(one, FRESH, POLICY, NOW, BUDGET)
        assert isinstance(answer, Look)
        assert answer.reason is reason


def test_bad_series_are_no_data() -> None:
    """Nothing is looked at because of nonsense."""
    for values in ([math.nan] * RECENT, [-1.0] * RECENT, [], [1.0] * 30):
        answer = asked(values)
        assert isinstance(answer, Quiet)
        assert answer.reason is PulseReason.NO_DATA


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=0, max_size=RECENT))
def test_considering_twice_is_considering_once(values: list[float]) -> None:
    """No state but the memory that is passed in, and it never raises."""
    assert asked(values) == asked(values)


def test_a_missing_newest_datapoint_is_no_fall() -> None:
    """The account's newest minute may not be there yet."""
    given_account = account(raised(1000.0, 6))
    values = (*given_account.invocations.values[:-1], None)
    late = replace(given_account, invocations=replace(given_account.invocations, values=values))

    assert isinstance(consider(late, FRESH, POLICY, NOW, BUDGET), Look)
