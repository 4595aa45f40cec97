"""Danger: what is told from one minute, and from nothing less."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.assessment import Reason, Verdict
from functions.domain.detection.danger import NEWEST_MINUTES, find_danger, may_be_in_danger
from functions.domain.detection.evidence import Evidence, FunctionKind, RecentSeries, Series
from functions.domain.detection.price import compute_burn, compute_usd_per_minute
from functions.domain.detection.spike import assess
from functions.domain.incidents.policy import Policy, Response
from functions.domain.notices.grounds import describe_ground
from tests.unit.domain.detection.traffic_samples import NOW, RECENT, evidence, facts, series, wobble

QUIET = wobble(6, 150)
POLICY = Policy(floor_per_minute=500, danger_usd_per_minute=1.0)
MANY = 60_000.0


def _starving(reserved: int | None = None, throttles: float = 400.0) -> Evidence:
    """One minute at the account's concurrency."""
    return evidence(
        [*QUIET, MANY],
        concurrency=[*[1.0] * len(QUIET), 950.0],
        throttles=[*[0.0] * len(QUIET), throttles],
        facts=facts(reserved),
    )


def _dear(counts: list[float], memory_mb: int = 3008) -> Evidence:
    """Minutes of a large function that runs 2 s, without a throttle."""
    given = evidence([*QUIET, *counts], seconds=2.0, facts=facts(None))
    assert given.facts is not None
    return replace(given, facts=replace(given.facts, memory_mb=memory_mb))


def _reasons(given: Evidence, most_usd: float | None = 1.0) -> set[Reason]:
    danger = find_danger(given, most_usd)
    return set() if danger is None else {one.reason for one in danger.grounds}


def test_a_function_that_starves_others_is_in_danger() -> None:
    """It has half of the account's concurrency, and AWS throttles it."""
    danger = find_danger(_starving(), None)

    assert danger is not None
    assert danger.minutes == (RECENT - 1,)
    (ground,) = danger.grounds
    assert describe_ground(ground) == (
        "It takes the account's concurrency from other functions, and AWS throttles it: 950"
        " concurrent executions, the account has 1,000."
    )


@pytest.mark.parametrize(
    "given",
    [
        _starving(reserved=950),
        _starving(throttles=0.0),
        replace(_starving(), facts=None),
        replace(_starving(), account_concurrency=None),
        replace(_starving(), account_concurrency=2000),
    ],
    ids=["a reservation of its own", "no throttles", "no facts", "no limit", "less than half"],
)
def test_who_takes_nothing_from_others_is_in_no_danger(given: Evidence) -> None:
    """Throttles at one's own reservation harm nobody else, and what is unknown is no danger."""
    assert find_danger(given, None) is None


def test_a_price_beyond_the_bound_is_a_danger() -> None:
    """It is what Lambda alone costs in that minute; the bound itself is still allowed."""
    price = compute_usd_per_minute(15_000, 2.0, 500, 3008, "x86_64")

    assert price == pytest.approx(15_000 * 0.2e-6 + 30_000 * 3008 / 1024 * 0.0000166667)
    assert _reasons(_dear([15_000.0]), price - 0.01) == {Reason.BURNS_FAST}
    assert _reasons(_dear([15_000.0]), price) == set()
    assert _reasons(_dear([15_000.0]), None) == set()
    assert _reasons(_dear([15_000.0], memory_mb=128), 1.0) == set()


def test_a_minute_costs_no_more_than_what_ran_in_it() -> None:
    """What begins in a minute and goes on for ten is billed in ten."""
    assert compute_usd_per_minute(1000, 600.0, 1000, 1024, "x86_64") == pytest.approx(
        1000 * 0.2e-6 + 1000 * 60 * 0.0000166667
    )


def test_a_danger_of_long_ago_is_over() -> None:
    """Only the newest minutes count."""
    counts = [15_000.0, *[6.0] * NEWEST_MINUTES]

    assert _reasons(_dear(counts)) == set()
    assert _reasons(_dear(counts[:-1])) == {Reason.BURNS_FAST}


def test_without_its_configuration_it_may_be_in_danger() -> None:
    """That is asked of the largest function, so that the configuration is read in time."""
    unknown = replace(_dear([15_000.0]), facts=None)

    assert find_danger(unknown, 1.0) is None
    assert may_be_in_danger(unknown, 1.0)
    assert may_be_in_danger(replace(_starving(), facts=None), None)
    assert not may_be_in_danger(replace(evidence([*QUIET, 700.0]), facts=None), 1.0)


def test_only_what_reserved_concurrency_holds_is_asked() -> None:
    """Of managed instances and of replicas at the edge neither ceiling nor price is known."""
    given = _starving()
    assert given.facts is not None
    managed = replace(given.facts, kind=FunctionKind.MANAGED_INSTANCES)

    assert find_danger(replace(given, facts=managed), 0.01) is None


COUNT = st.sampled_from((None, 0.0, 1.0, 60_000.0)) | st.floats(0, 1e6)
RUNNING = st.sampled_from((None, 0.0, 499.0, 500.0, 1000.0)) | st.floats(0, 1000)


@st.composite
def _evidence(draw: st.DrawFn) -> Evidence:
    def newest(values: st.SearchStrategy[float | None]) -> Series:
        drawn = draw(st.lists(values, min_size=6, max_size=6))
        return series([*[0.0] * (RECENT - 6), *drawn])

    empty = series([None] * RECENT)
    recent = RecentSeries(
        invocations=newest(COUNT),
        concurrency=newest(RUNNING),
        throttles=newest(COUNT),
        errors=empty,
        duration_ms=newest(st.none() | st.floats(0, 900_000)),
        native_drops=empty,
    )
    reserved = draw(st.none() | st.integers(0, 1000))
    return replace(evidence([]), recent=recent, facts=facts(reserved))


@given(given=_evidence(), early=st.integers(0, 120))
def test_danger_never_acts_on_incomplete_minutes(given: Evidence, early: int) -> None:
    """A minute that is not over counts for nothing, nor does a figure that is not there."""
    now = NOW - timedelta(seconds=early)
    danger = find_danger(replace(given, now=now), 1.0)

    for minute in () if danger is None else danger.minutes:
        assert given.recent.invocations.moment(minute) + timedelta(minutes=1) <= now
        assert given.recent.concurrency.values[minute] is not None
    nothing = replace(given.recent, concurrency=series([None] * RECENT))
    assert find_danger(replace(given, recent=nothing), 1.0) is None


@given(given=_evidence(), data=st.data())
def test_late_figures_never_take_a_danger_back(given: Evidence, data: st.DataObject) -> None:
    """A partial minute shows a part of its count: the whole of it is in danger as well."""
    danger = find_danger(given, 1.0)
    recent = given.recent

    def later(values: Series, most: float) -> Series:
        added = [data.draw(st.floats(0, most)) for _ in range(3)]
        newest = [
            min(most, (one or 0.0) + more)
            for one, more in zip(values.values[-3:], added, strict=True)
        ]
        return replace(values, values=(*values.values[:-3], *newest))

    grown = replace(
        recent,
        invocations=later(recent.invocations, 2e6),
        concurrency=later(recent.concurrency, 1000),
        throttles=later(recent.throttles, 2e6),
    )
    if danger is not None:
        then = find_danger(replace(given, recent=grown), 1.0)
        assert then is not None
        assert set(danger.minutes) <= set(then.minutes)


def test_in_danger_one_minute_is_enough_to_suspect() -> None:
    """The same minute without danger is too early to tell, and one that is usual is usual."""
    seen = assess(_starving(), POLICY)

    assert (seen.verdict, seen.is_in_danger, seen.is_shaped) == (Verdict.SUSPECTED, True, False)
    assert assess(_starving(throttles=0.0), POLICY).verdict is Verdict.BUSY
    assert assess(_dear([15_000.0]), POLICY).is_in_danger
    assert assess(_dear([15_000.0], memory_mb=128), POLICY).verdict is Verdict.BUSY
    usual = replace(_starving(), precedent=evidence([], habit=5 * MANY).precedent)
    assert assess(usual, POLICY).verdict not in (Verdict.SUSPECTED, Verdict.RUNAWAY)


def test_a_danger_is_no_shape() -> None:
    """So nothing is stopped for it with the response `throttle`: it is held."""
    seen = assess(_starving(), replace(POLICY, response=Response.THROTTLE))

    assert (seen.verdict, seen.is_shaped) == (Verdict.SUSPECTED, False)


def test_the_price_of_a_minute_is_that_of_the_mails() -> None:
    """An hour at the same pace costs sixty times as much."""
    seen = assess(_dear([15_000.0, 15_000.0]), POLICY)
    (ground,) = [one for one in seen.grounds if one.reason is Reason.BURNS_FAST]

    assert ground.value is not None
    assert compute_burn(seen, 3008, "x86_64").usd_per_hour == pytest.approx(
        60 * ground.value, rel=0.02
    )
