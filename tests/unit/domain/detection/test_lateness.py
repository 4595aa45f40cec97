"""Late data: what is seen comes later by as much as it is late, and what is missing is no calm."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.detection.assessment import Verdict
from functions.domain.detection.evidence import (
    AccountSeries,
    Evidence,
    LoopProof,
    RecentSeries,
    Series,
)
from functions.domain.detection.lateness import LATEST, count_young, drop_newest, read_back, settle
from functions.domain.detection.spike import assess
from functions.domain.incidents.policy import Policy
from functions.domain.pulse.account_pulse import Quiet, consider
from functions.domain.pulse.look_budget import LookBudget
from functions.domain.pulse.memory import PulseMemory
from tests.examples import examples
from tests.unit.domain.detection.late_data import (
    MINUTE,
    Lateness,
    by_series,
    show_account,
    show_evidence,
)
from tests.unit.domain.detection.traffic_samples import NOW, evidence, flat, series, wobble

POLICY = Policy(floor_per_minute=500)
LATEST_MINUTES = LATEST // MINUTE
SEEN_FOR = 12  # minutes after the onset that are played
GRAVE = (Verdict.SUSPECTED, Verdict.RUNAWAY)
seconds = st.integers(0, 59)
played = settings(max_examples=examples(25))  # each plays many minutes


# -- the rule ----------------------------------------------------------------------------------


def test_a_minute_is_young_until_four_minutes_after_its_end() -> None:
    """At a full minute the four newest are young, and the fifth is as well just before."""
    given_series = series([float(number) for number in range(10)])

    assert count_young(given_series, NOW) == 4
    assert count_young(given_series, NOW + timedelta(seconds=59)) == 4
    assert count_young(given_series, NOW + timedelta(minutes=1)) == 3
    assert count_young(given_series, NOW + timedelta(hours=1)) == 0
    assert count_young(given_series, NOW - timedelta(hours=1)) == 10
    assert count_young(Series.empty(start=NOW), NOW) == 0


def test_a_minute_is_young_for_longer_where_executions_are() -> None:
    """Lambda sends what an execution did when it ends, under the minute in which it began."""
    given_series = series([float(number) for number in range(10)])

    assert count_young(given_series, NOW, taking=timedelta(seconds=90)) == 5
    assert count_young(given_series, NOW, taking=timedelta(minutes=15)) == 10
    assert count_young(given_series, NOW, taking=timedelta(seconds=59)) == 4


def test_a_settled_series_ends_before_its_young_minutes() -> None:
    """What is not there is told from these only."""
    assert settle(series([1.0, 2.0, 3.0, 4.0, 5.0, None]), NOW).values == (1.0, 2.0)


def test_a_series_is_read_as_of_each_minute_that_may_be_the_newest() -> None:
    """A reading that ends with a missing value says nothing new; the settled one always comes."""
    readings = read_back(series([1.0, None, 3.0, None, 5.0, None]), NOW)

    assert [len(one.values) for one in readings] == [5, 3, 2]


@given(values=st.lists(st.none() | st.floats(0, 1e6), max_size=12), count=st.integers(0, 12))
def test_readings_are_beginnings_of_the_series(values: list[float | None], count: int) -> None:
    """Nothing is made up, and nothing but young minutes is left out."""
    whole = series(values)
    now = NOW + timedelta(seconds=20 * count)

    for one in read_back(whole, now):
        assert one == drop_newest(whole, len(whole.values) - len(one.values))
        assert len(whole.values) - len(one.values) <= LATEST_MINUTES


# -- the pulse ---------------------------------------------------------------------------------


def loop_in_account(by: float, running: float = 0.0, refused: float = 0.0) -> AccountSeries:
    """An account of 300 a minute; a loop comes to it at `NOW`."""
    usual = wobble(300, 180, 0.02)
    return AccountSeries(
        invocations=_onset(usual, [one + by for one in wobble(300, SEEN_FOR, 0.02)]),
        concurrency=_onset([5.0] * 180, [5.0 + running] * SEEN_FOR),
        throttles=_onset([0.0] * 180, [refused] * SEEN_FOR),
    )


def _onset(before: list[float], after: list[float]) -> Series:
    return series([*before, *after], NOW + len(after) * MINUTE)


def looks(account: AccountSeries, second: int, late: Mapping[str, Lateness] | None) -> list[bool]:
    """Whether the pulse looks, at the same second of each minute from the onset on."""
    found = []
    for passed in range(1, SEEN_FOR + 1):
        now = NOW + passed * MINUTE + timedelta(seconds=second)
        seen = show_account(account, late or ON_TIME, now)
        found.append(
            not isinstance(consider(seen, PulseMemory(), POLICY, now, LookBudget.of(300)), Quiet)
        )
    return found


ON_TIME = dict.fromkeys(
    ("invocations", "concurrency", "throttles", "errors", "duration_ms", "native_drops"),
    Lateness(delays=(0,), first=0, shares=(0.0,)),
)


@pytest.mark.parametrize(
    "account",
    [
        pytest.param(loop_in_account(20_000.0), id="flat loop"),
        pytest.param(loop_in_account(60_000.0, 900.0, 5000.0), id="loop at the ceiling"),
        pytest.param(loop_in_account(0.0, 900.0), id="long running work, not counted yet"),
        pytest.param(loop_in_account(0.0, 0.0, 5000.0), id="throttles"),
    ],
)
@played
@given(late=by_series, second=seconds)
def test_the_pulse_sees_a_runaway_as_much_later_as_its_data_is(
    account: AccountSeries, late: Mapping[str, Lateness], second: int
) -> None:
    """At the most; never 'never', whatever the delay of each series by itself."""
    on_time = looks(account, second, None).index(True)

    assert True in looks(account, second, late)[: on_time + LATEST_MINUTES + 1]


@played
@given(late=by_series, second=seconds)
def test_late_data_of_a_steady_account_is_no_rise(
    late: Mapping[str, Lateness], second: int
) -> None:
    """A datapoint that fills is not growth."""
    assert not any(looks(loop_in_account(0.0), second, late))


@pytest.mark.parametrize("delay", [60, 90, 120, 150, 180, 240])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.8])
def test_the_pulse_is_not_blind_where_every_minute_is_equally_late(
    delay: int, share: float
) -> None:
    """The pulse comes at the same second of every minute: what is missing once always is."""
    late = dict.fromkeys(ON_TIME, Lateness(delays=(delay,), first=60, shares=(share,)))
    account = loop_in_account(20_000.0)

    on_time = looks(account, 40, None).index(True)
    seen = looks(account, 40, late).index(True)

    assert seen <= on_time + -(-delay // 60), "no later than its data is"


# -- the verdict on a function -------------------------------------------------------------------


def loop_in_function(level: float, *, running: float, refused: float = 0.0) -> Evidence:
    """A function of 100 a minute that begins to loop at `NOW`."""
    complete = evidence(
        [0.0],
        habit=300.0,
        proof=LoopProof.UNKNOWN,
    )
    recent = replace(
        complete.recent,
        invocations=_onset(wobble(100, 180), flat(level, SEEN_FOR)),
        concurrency=_onset([2.0] * 180, [running] * SEEN_FOR),
        throttles=_onset([0.0] * 180, [refused] * SEEN_FOR),
        errors=_onset([0.0] * 180, [0.0] * SEEN_FOR),
        duration_ms=_onset([500.0] * 180, [500.0] * SEEN_FOR),
        native_drops=series([None] * (180 + SEEN_FOR), NOW + SEEN_FOR * MINUTE),
    )
    return replace(complete, recent=recent)


FLAT_LOOP = loop_in_function(6000.0, running=50.0)
FULL_LOOP = loop_in_function(60_000.0, running=1000.0, refused=9000.0)


def verdicts(complete: Evidence, second: int, late: Mapping[str, Lateness] | None) -> list[Verdict]:
    """The verdict at the same second of each minute from the onset on."""
    found = []
    for passed in range(1, SEEN_FOR + 1):
        now = NOW + passed * MINUTE + timedelta(seconds=second)
        found.append(assess(show_evidence(complete, late or ON_TIME, now), POLICY).verdict)
    return found


@pytest.mark.parametrize("loop", [FLAT_LOOP, FULL_LOOP])
@played
@given(late=by_series, second=seconds)
def test_a_loop_is_judged_as_much_later_as_its_data_is(
    loop: Evidence, late: Mapping[str, Lateness], second: int
) -> None:
    """Whichever series is late, and by how much; never less for ever."""
    on_time = verdicts(loop, second, None)
    seen = verdicts(loop, second, late)

    first = on_time.index(Verdict.SUSPECTED)
    assert Verdict.SUSPECTED in seen[: first + LATEST_MINUTES + 1]


@played
@given(late=by_series, second=seconds, level=st.floats(50, 5000))
def test_late_data_of_steady_work_accuses_nobody(
    late: Mapping[str, Lateness], second: int, level: float
) -> None:
    """Neither the hole nor what fills it looks like a loop."""
    end = NOW + SEEN_FOR * MINUTE
    calm = [max(0.0, one) for one in wobble(level, 180 + SEEN_FOR)]
    known = evidence([0.0], habit=5 * level)
    steady = replace(
        known,
        recent=RecentSeries(
            invocations=series(calm, end),
            concurrency=series([1.0 + one / 120 for one in calm], end),
            throttles=series([0.0] * len(calm), end),
            errors=series([0.0] * len(calm), end),
            duration_ms=series([500.0] * len(calm), end),
            native_drops=series([None] * len(calm), end),
        ),
    )

    assert not set(verdicts(steady, second, late)) & set(GRAVE)
