"""A cap in danger: at the normal peak, for callers that wait, and not for long."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import Evidence, Series
from functions.domain.holding.callers import (
    LONGEST_CAPPED,
    DangerOver,
    NormalPeak,
    StaysCapped,
    StillDanger,
    find_normal_peak,
    judge_callers_cap,
    plan_callers_cap,
)
from functions.domain.holding.facts import HoldFacts, MappingFacts
from functions.domain.holding.plan import NotHeld, NotHeldReason, Running, plan_hold
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch
from tests.unit.domain.detection.traffic_samples import NOW, RECENT, evidence, facts, series

CALLERS = Source(kind=SourceKind.OTHER, name="callers that wait")
EVENTS = Source(kind=SourceKind.ASYNCHRONOUS, name="orders")
URL = Source(kind=SourceKind.URL, name="orders")
QUEUE = Source(kind=SourceKind.QUEUE, name="orders")
FACTS = HoldFacts(maximum_event_age_seconds=21_600.0, has_provisioned_concurrency=False)
RUNNING = Running(
    normal_concurrency=2, concurrency=900.0, mean_duration_seconds=0.5, timeout_seconds=30
)
PEAK = NormalPeak(concurrency=12.0, days=14.0)


def _plan(
    sources: Sequence[Source] = (CALLERS,),
    known: HoldFacts = FACTS,
    peak: NormalPeak = PEAK,
    running: Running = RUNNING,
) -> HoldPlan | NotHeld:
    return plan_callers_cap(sources, known, running, peak)


def _reason(plan: HoldPlan | NotHeld) -> NotHeldReason | None:
    return plan.reason if isinstance(plan, NotHeld) else None


@pytest.mark.parametrize("sources", [(CALLERS,), (URL,), (CALLERS, EVENTS)])
def test_callers_that_wait_are_served_up_to_the_normal_peak(sources: Sequence[Source]) -> None:
    """For a quarter of an hour at most; asynchronous events beside them wait meanwhile."""
    plan = _plan(sources)

    assert isinstance(plan, HoldPlan)
    assert (plan.levers, plan.cap, plan.is_for_callers) == ((Lever.CAP,), 12, True)
    assert plan.longest == LONGEST_CAPPED == timedelta(minutes=15)


MAPPED = HoldFacts(
    mappings=(MappingFacts(uuid="1", kind=SourceKind.QUEUE),),
    maximum_event_age_seconds=21_600.0,
    has_provisioned_concurrency=False,
)


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (_plan((CALLERS, QUEUE)), NotHeldReason.SYNCHRONOUS),
        (_plan(known=MAPPED), NotHeldReason.SYNCHRONOUS),
        (_plan((EVENTS,)), NotHeldReason.SYNCHRONOUS),
        (_plan(()), NotHeldReason.SYNCHRONOUS),
        (
            _plan(known=replace(FACTS, has_provisioned_concurrency=None)),
            NotHeldReason.PROVISIONED_CONCURRENCY,
        ),
        (_plan(known=replace(FACTS, maximum_event_age_seconds=1_799.0)), NotHeldReason.SHORT_AGE),
        (_plan(known=replace(FACTS, maximum_event_age_seconds=None)), NotHeldReason.SHORT_AGE),
        (_plan(peak=NormalPeak(concurrency=12.0, days=2.9)), NotHeldReason.NO_PEAK),
        (_plan(peak=NormalPeak(concurrency=361.0, days=14.0)), NotHeldReason.DOES_NOT_BIND),
        (_plan(running=replace(RUNNING, concurrency=None)), NotHeldReason.DOES_NOT_BIND),
    ],
    ids=[
        "a queue beside them",
        "a mapping that is not known as a source",
        "asynchronous events alone",
        "unknown sources",
        "perhaps provisioned",
        "events given up soon",
        "event age unknown",
        "a young function",
        "hardly above its peak",
        "nothing known of what runs",
    ],
)
def test_who_would_lose_something_is_not_capped(
    plan: HoldPlan | NotHeld, reason: NotHeldReason
) -> None:
    """Nor who has no normal peak, or would not feel it."""
    assert _reason(plan) is reason


def _history(values: Sequence[float | None], end: datetime) -> Series:
    start = end - timedelta(minutes=5 * len(values))
    return Series(start=start, period_seconds=300, values=tuple(values))


START = NOW - timedelta(minutes=RECENT)
SINCE = NOW - timedelta(minutes=5)


@given(
    history=st.lists(st.none() | st.floats(0, 200), min_size=1, max_size=40),
    recent=st.lists(st.none() | st.floats(0, 200), min_size=RECENT, max_size=RECENT),
    running=st.sampled_from((None, 1.0, 100.0, 1_000.0, 5_000.0)),
    days=st.sampled_from((0.0, 2.9, 3.0, 14.0)),
)
def test_a_cap_is_never_below_the_normal_peak(
    history: list[float | None],
    recent: list[float | None],
    running: float | None,
    days: float,
) -> None:
    """Whatever the function did before its spike it still can, and at least one execution."""
    peak = find_normal_peak(_history(history, START), series(recent), SINCE)
    plan = _plan(peak=replace(peak, days=days), running=replace(RUNNING, concurrency=running))

    if isinstance(plan, HoldPlan):
        before = recent[: RECENT - 5 - 4]
        assert plan.cap is not None
        assert plan.cap >= 1
        assert all(plan.cap >= (one or 0.0) for one in (*history, *before))
        assert plan.cap <= 0.4 * (running or 0.0)


def test_former_loops_and_the_spike_itself_are_no_normal_peak() -> None:
    """Both are cut out of what is known."""
    history = _history([7.0] * 10 + [900.0] * 2 + [7.0] * 10, START)
    trouble = (history.moment(10), history.moment(12))
    recent = series([*[9.0] * (RECENT - 7), 700.0, 800.0, *[900.0] * 5])

    peak = find_normal_peak(history, recent, SINCE, (trouble,))

    assert peak.concurrency == 9.0
    assert peak.days == pytest.approx((SINCE - history.start) / timedelta(days=1))
    assert find_normal_peak(history, recent, SINCE).concurrency == 900.0
    nothing = series([None] * RECENT)
    assert find_normal_peak(_history([None], START), nothing, SINCE).days == 0.0


SOURCES = st.lists(
    st.sampled_from([CALLERS, URL, EVENTS, QUEUE, Source(kind=SourceKind.TABLE, name="orders")]),
    max_size=4,
)


@given(sources=SOURCES, running=st.floats(1, 1000))
def test_outside_danger_no_callers_are_refused(sources: list[Source], running: float) -> None:
    """A hold is planned without this module: it never reserves anything for callers that wait."""
    plan = plan_hold(sources, FACTS, replace(RUNNING, concurrency=running), None)

    if {CALLERS, URL} & set(sources):
        assert _reason(plan) is NotHeldReason.SYNCHRONOUS


# -- its end


HELD_AT = NOW - timedelta(minutes=10)


def _watch(held_at: datetime = HELD_AT) -> Watch:
    plan = _plan()
    assert isinstance(plan, HoldPlan)
    return Watch(
        plan=plan,
        phase=Phase.HELD,
        since=held_at,
        held_at=held_at,
        spike_since=held_at - timedelta(minutes=1),
        sources=(CALLERS,),
        normal_per_minute=0.0,
        before_per_minute=0.0,
        served_before_per_minute=60_000.0,
    )


def _under_cap(refused: Sequence[float | None]) -> Evidence:
    """A function of half a second under a cap of 12: a twelfth of the bound for the ceiling."""
    count = len(refused)
    return evidence(
        [60_000.0] * 3 + [1_440.0] * count,
        throttles=[500.0] * 3 + [*refused],
        concurrency=[900.0] * 3 + [12.0] * count,
        facts=facts(12),
    )


def test_it_ends_once_what_is_asked_for_is_no_danger() -> None:
    """Two settled minutes tell that: young ones may show a part of what is refused."""
    calm = _under_cap([60_000.0, *[0.0] * 9])
    early = replace(calm, now=NOW)

    assert isinstance(judge_callers_cap(_watch(), early, None), DangerOver)
    late = _watch(NOW - timedelta(minutes=5, seconds=30))
    assert isinstance(judge_callers_cap(late, calm, None), StaysCapped)


def test_a_little_more_than_the_peak_is_no_danger() -> None:
    """Somebody is still refused, and without the cap nobody would be."""
    verdict = judge_callers_cap(_watch(), _under_cap([2_000.0] * 10), None)

    assert isinstance(verdict, DangerOver)
    assert verdict.figures.refused == 20_000.0
    assert verdict.figures.asked_per_minute == 3_440.0


def test_what_would_be_a_danger_stays_capped_for_its_time_and_no_longer() -> None:
    """Then it says that it goes on."""
    asked = _under_cap([70_000.0] * 15)

    assert isinstance(judge_callers_cap(_watch(), asked, None), StaysCapped)
    over = _watch(NOW - LONGEST_CAPPED)
    assert isinstance(judge_callers_cap(over, asked, None), StillDanger)
    assert isinstance(judge_callers_cap(over, _under_cap([None] * 15), None), DangerOver)


def test_the_price_counts_as_well() -> None:
    """What all that is asked for would cost."""
    asked = _under_cap([20_000.0] * 10)

    assert isinstance(judge_callers_cap(_watch(), asked, 1.0), DangerOver)
    assert isinstance(judge_callers_cap(_watch(), asked, 0.05), StaysCapped)


@given(
    refused=st.lists(st.none() | st.floats(0, 1e6), min_size=20, max_size=20), over=st.booleans()
)
def test_no_cap_outlasts_its_time(refused: list[float | None], over: bool) -> None:  # noqa: FBT001
    """Whatever CloudWatch tells."""
    held_at = (
        NOW - LONGEST_CAPPED - timedelta(seconds=30) * over + timedelta(seconds=1) * (not over)
    )
    verdict = judge_callers_cap(_watch(held_at), _under_cap(refused), 1.0)

    if over:
        assert not isinstance(verdict, StaysCapped)
    else:
        assert not isinstance(verdict, StillDanger)
