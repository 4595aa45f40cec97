"""Functions on loops that are read by name: whose turn it is, and which of them stand out."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.deployment.guard_cost import MINUTES_PER_MONTH, count_pulse_watch_metrics
from functions.domain.detection.evidence import LoopProof
from functions.domain.detection.spike import assess
from functions.domain.graph.loop_lookup import OnLoop
from functions.domain.pulse.loop_watch import (
    MOST_TURNS,
    SHORT_MINUTES,
    SLOWEST_MINUTES,
    LoopWatch,
    count_metrics_a_month,
    plan_watch,
    stands_out,
)
from tests.unit.domain.detection.traffic_samples import NOW, RECENT, evidence, flat, series, wobble
from tests.unit.domain.pulse.test_account_pulse import POLICY

FLOOR = POLICY.floor_per_minute
THOUSAND = count_pulse_watch_metrics(1_000)
MINUTE = timedelta(minutes=1)


def possible(count: int, first: int = 0) -> list[OnLoop]:
    """Functions that may loop, each on a loop of its own."""
    return [
        OnLoop(function=f"f{number:04}", proof=LoopProof.POSSIBLE)
        for number in range(first, first + count)
    ]


def certain(count: int, *, is_stopped_by_aws: bool = False) -> list[OnLoop]:
    """Functions that certainly loop if they are sent an event."""
    kind = "aws" if is_stopped_by_aws else "sure"
    return [
        OnLoop(
            function=f"{kind}{number:04}",
            proof=LoopProof.CERTAIN,
            is_stopped_by_aws=is_stopped_by_aws,
        )
        for number in range(count)
    ]


known = st.lists(
    st.builds(
        OnLoop,
        function=st.integers(0, 400).map("f{}".format),
        proof=st.sampled_from([LoopProof.CERTAIN, LoopProof.POSSIBLE]),
        loop=st.sampled_from(["", "a", "b", "c"]),
        is_stopped_by_aws=st.booleans(),
    ),
    max_size=120,
    unique_by=lambda one: one.function,
)
budgets = st.one_of(st.integers(0, 2_000_000), st.just(THOUSAND))


# -- whose turn it is --------------------------------------------------------------------------


@given(known, budgets, st.integers(0, 10_000_000))
def test_a_rotation_reads_each_function_once_within_its_minutes(
    on_loops: list[OnLoop], most: int, begin: int
) -> None:
    """In any such minutes in a row, whenever they begin."""
    for rotation in plan_watch(on_loops, most).rotations:
        minutes = range(begin, begin + rotation.every_minutes)
        read = Counter(name for minute in minutes for name in rotation.list_due(minute))

        assert read == Counter(rotation.functions)


@given(known, budgets)
def test_the_budget_of_a_month_is_never_exceeded(on_loops: list[OnLoop], most: int) -> None:
    """Counted pulse by pulse in a month that begins anywhere in a rotation."""
    plan = plan_watch(on_loops, most)
    read = sum(
        len(rotation.list_due(minute)) * (MINUTES_PER_MONTH // rotation.every_minutes)
        + (
            len(rotation.list_due(minute))
            if minute < MINUTES_PER_MONTH % rotation.every_minutes
            else 0
        )
        for rotation in plan.rotations
        for minute in range(rotation.every_minutes)
    )

    assert read <= plan.metrics_a_month <= most


@given(known, budgets, st.sets(st.integers(0, 400).map("f{}".format)))
def test_who_is_left_alone_is_never_read(
    on_loops: list[OnLoop], most: int, exempt: set[str]
) -> None:
    """Nor does it take a turn of others."""
    plan = plan_watch(on_loops, most, exempt)
    named = {one.function for one in on_loops}

    read = {name for rotation in plan.rotations for name in rotation.functions}
    assert not read & exempt
    assert plan == plan_watch([one for one in on_loops if one.function not in exempt], most)
    assert len(read) + plan.left_out == len(named - exempt)


@given(known, st.integers(0, 10_000_000))
def test_a_pulse_reads_no_more_than_its_share(on_loops: list[OnLoop], minute: int) -> None:
    """The functions are spread evenly: no minute has more than one above the mean."""
    for rotation in plan_watch(on_loops, THOUSAND).rotations:
        most = -(-len(rotation.functions) // rotation.every_minutes)

        assert len(rotation.list_due(minute)) <= most


@pytest.mark.parametrize(
    ("functions", "every"),
    [(1, 1), (2, 1), (4, 2), (6, 3), (8, 4), (10, 5), (31, 5), (32, 6), (62, 10), (75, 12)],
)
def test_the_fewer_the_more_often(functions: int, every: int) -> None:
    """In an account of a thousand functions, by its own budget."""
    (rotation,) = plan_watch(possible(functions), THOUSAND).rotations

    assert rotation.every_minutes == every


@pytest.mark.parametrize("functions", [76, 100, 1_000])
def test_too_many_are_left_to_the_looks(functions: int) -> None:
    """A slow rotation sees less than looks do for the same money."""
    assert plan_watch(possible(functions), THOUSAND) == LoopWatch(left_out=functions)


def test_certain_loops_keep_their_cadence() -> None:
    """Those that AWS stops come after the others; those that are possible, last and slowly."""
    on_loops = [*possible(30), *certain(5, is_stopped_by_aws=True), *certain(10)]

    first, second, third = plan_watch(on_loops, THOUSAND).rotations

    assert [len(one.functions) for one in (first, second, third)] == [10, 5, 30]
    assert first.every_minutes == second.every_minutes == SHORT_MINUTES
    assert SHORT_MINUTES < third.every_minutes <= SLOWEST_MINUTES
    assert all(name.startswith("sure") for name in first.functions)


def test_more_that_are_possible_never_slow_the_certain_ones_down() -> None:
    """They are left out before."""
    plan = plan_watch([*certain(20), *possible(500)], THOUSAND)

    (rotation,) = plan.rotations
    assert (len(rotation.functions), rotation.every_minutes) == (20, SHORT_MINUTES)
    assert plan.left_out == 500


def test_functions_of_one_loop_are_read_at_different_minutes() -> None:
    """Each of them shows the loop, so twice as many functions may be read."""
    on_loops = [
        OnLoop(function=f"f{number:03}", proof=LoopProof.POSSIBLE, loop=f"l{number // 2}")
        for number in range(100)
    ]
    (rotation,) = plan_watch(on_loops, THOUSAND).rotations
    at = {
        name: minute
        for minute in range(rotation.every_minutes)
        for name in rotation.list_due(minute)
    }

    apart = {
        (at[f"f{n:03}"] - at[f"f{n + 1:03}"]) % rotation.every_minutes for n in range(0, 100, 2)
    }
    assert apart <= {7, 8, 9}
    assert rotation.every_minutes == 16 <= MOST_TURNS * SLOWEST_MINUTES


def test_nobody_is_watched_without_loops_or_money() -> None:
    """And nothing is read."""
    assert plan_watch([], THOUSAND) == LoopWatch()
    assert plan_watch(possible(3), 0) == LoopWatch(left_out=3)
    assert LoopWatch().list_due(NOW) == {}


def test_the_minute_of_the_clock_decides() -> None:
    """Twice in the same minute is the same reading; the next minute has other functions."""
    plan = plan_watch(possible(31), THOUSAND)

    assert plan.list_due(NOW) == plan.list_due(NOW + timedelta(seconds=59))
    assert not plan.list_due(NOW).keys() & plan.list_due(NOW + MINUTE).keys()
    assert set(plan.list_due(NOW).values()) == {SHORT_MINUTES}


@given(st.integers(1, 2_000), st.integers(1, 60))
def test_the_price_of_a_rotation_is_rounded_up(functions: int, every: int) -> None:
    """A month that is no multiple of the rotation holds one reading more at most."""
    assert count_metrics_a_month(functions, every) * every >= functions * MINUTES_PER_MONTH


# -- who stands out ----------------------------------------------------------------------------


def seen(newest: Sequence[float | None], before: Sequence[float] = (), every: int = 5) -> bool:
    """Whether a function stands out by its newest minutes."""
    usual = [*before] or wobble(60, RECENT - len(newest))
    values = [*usual, *newest][-RECENT:]
    return stands_out(series(values), FLOOR, NOW, every)


@pytest.mark.parametrize("every", [1, 5, 12, 24])
def test_one_minute_above_the_floor_and_the_own_level_stands_out(every: int) -> None:
    """A loop shows with its first whole datapoint."""
    assert seen([1_000.0], every=every)


def test_a_rate_below_the_floor_does_not() -> None:
    """Nothing below it is ever called a loop."""
    assert not seen([FLOOR - 1.0] * 3)


def test_a_function_that_was_as_busy_does_not() -> None:
    """Half of it within the last three hours is enough; a single minute of it is not."""
    half = [600.0] * 30
    peak = [600.0]

    assert not seen([1_000.0] * 5, [*wobble(60, 150), *half])
    assert not seen([1_000.0], [*wobble(60, 150), *peak, *wobble(60, 20)])
    assert seen([1_000.0] * 5, [*wobble(60, 150), *peak, *wobble(60, 20)])


@pytest.mark.parametrize("every", [1, 5, 12, 24])
def test_each_rise_is_seen_though_one_pulse_is_lost(every: int) -> None:
    """Whenever it began between two readings, of which the second does not come."""
    for minutes in range(1, 2 * every + 1):
        assert seen(flat(1_000, minutes), every=every)


@pytest.mark.thorough
@pytest.mark.parametrize("every", [1, 5, 12, 24])
def test_a_function_rests_after_its_rise_was_seen(every: int) -> None:
    """What stays where it is stands out in a few readings, and then not before it doubles."""
    rising = [minutes for minutes in range(1, 150) if seen([1_000.0] * minutes, every=every)]

    assert rising == list(range(1, rising[-1] + 1))
    assert rising[-1] <= 2 * every + 20
    again = [1_000.0] * 100
    assert seen([*again, 2_100.0])


@given(
    st.lists(st.floats(500, 20_000), min_size=5, max_size=12),
    st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=4, max_size=4),
)
def test_late_data_never_means_calm(rise: list[float], shares: list[float | None]) -> None:
    """Whatever of the four newest minutes is missing or partial, the settled ones speak."""
    late = [
        None if share is None else value * share
        for value, share in zip(rise[-4:], shares, strict=True)
    ]
    settled = [1_000.0 + value for value in rise[:-4]]

    assert seen([*settled, *late])


def test_a_gap_among_the_young_minutes_breaks_no_rise() -> None:
    """Each minute is late by itself; one that is settled and missing was a standstill."""
    assert seen([1_000.0, None, None, 1_000.0])
    assert not seen([1_000.0, 0.0, *[None] * 5])


def test_nothing_stands_out_of_nothing() -> None:
    """Without a datapoint there is nothing to say."""
    assert not stands_out(series([]), FLOOR, NOW, 5)
    assert not stands_out(series([None] * RECENT), FLOOR, NOW, 5)


@pytest.mark.parametrize(
    "newest",
    [
        flat(2_000, 3),
        [600.0, 1_200.0, 2_400.0, 4_800.0],
        wobble(2_000, 8),
        [700.0, 1_900.0, 800.0, 1_500.0, 700.0, 900.0, 1_100.0],
    ],
)
def test_what_is_suspected_stood_out(newest: list[float]) -> None:
    """An assessment suspects nothing that a reading would have left alone."""
    usual = wobble(60, RECENT - len(newest))

    assessment = assess(evidence([*usual, *newest], habit=150.0), POLICY)

    assert assessment.verdict in {"suspected", "runaway"}
    assert seen(newest, usual)
