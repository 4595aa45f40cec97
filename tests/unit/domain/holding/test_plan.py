"""Whether a hold only delays events, and how it is made."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.holding.facts import HoldFacts, MappingFacts
from functions.domain.holding.plan import (
    NotHeld,
    NotHeldReason,
    Running,
    plan_hold,
)
from functions.domain.holding.watch import HoldPlan, Lever

DAY = 86_400
QUEUE = Source(kind=SourceKind.QUEUE, name="orders")
TABLE = Source(kind=SourceKind.TABLE, name="stock")
EVENTS = Source(kind=SourceKind.ASYNCHRONOUS, name="resize")
RUNNING = Running(
    normal_concurrency=2, concurrency=50.0, mean_duration_seconds=1.0, timeout_seconds=60
)
OF_QUEUE = MappingFacts(
    uuid="1",
    kind=SourceKind.QUEUE,
    is_provisioned_mode=False,
    queue_retention_seconds=4 * DAY,
    max_receive_count=5,
    batch_size=10,
)
OF_TABLE = MappingFacts(uuid="2", kind=SourceKind.TABLE, batch_size=100)
POLLED = HoldFacts(mappings=(OF_QUEUE,))
STREAMED = HoldFacts(mappings=(OF_TABLE,), has_provisioned_concurrency=False)
SENT = HoldFacts(maximum_event_age_seconds=21_600, has_provisioned_concurrency=False)


def _reason(found: HoldPlan | NotHeld) -> NotHeldReason | None:
    return found.reason if isinstance(found, NotHeld) else None


def test_a_queue_is_paused() -> None:
    """The reservation of a function with a queue is never touched."""
    plan = plan_hold([QUEUE], POLLED, RUNNING)

    assert isinstance(plan, HoldPlan)
    assert (plan.levers, plan.cap, plan.batch_size) == ((Lever.PAUSE,), None, 10)
    assert plan.least_trial == 2


def test_a_stream_is_held_by_a_reservation_of_zero() -> None:
    """Its mappings stay enabled."""
    plan = plan_hold([TABLE], STREAMED, RUNNING)

    assert isinstance(plan, HoldPlan)
    assert plan.levers == (Lever.ZERO,)


BOTH = replace(STREAMED, mappings=(OF_TABLE, OF_QUEUE))


def test_a_queue_beside_a_stream_is_not_held() -> None:
    """Pollers of a queue that find a concurrency of 0 would count receives."""
    assert _reason(plan_hold([TABLE, QUEUE], BOTH, RUNNING)) is NotHeldReason.MIXED_SOURCES
    # Nor where a stream is polled of which nobody knows whether it lies on a loop.
    assert _reason(plan_hold([QUEUE], BOTH, RUNNING)) is NotHeldReason.MIXED_SOURCES


OUTSIDE = [
    replace(one, loop=LoopProof.RULED_OUT)
    for one in (
        TABLE,
        EVENTS,
        Source(kind=SourceKind.URL, name="api"),
        Source(kind=SourceKind.OTHER, name="api"),
    )
]


@pytest.mark.parametrize("other", OUTSIDE)
@pytest.mark.parametrize("provisioned", [True, False, None])
def test_queues_are_paused_beside_anything_that_lies_on_no_loop(
    other: Source, *, provisioned: bool | None
) -> None:
    """That goes on: a pause touches the mappings of the queues alone."""
    facts = replace(BOTH, has_provisioned_concurrency=provisioned)
    if other.kind is not SourceKind.TABLE:
        facts = replace(facts, mappings=(OF_QUEUE,))

    plan = plan_hold([QUEUE, other], facts, RUNNING)

    assert isinstance(plan, HoldPlan)
    assert (plan.levers, plan.cap, plan.batch_size) == ((Lever.PAUSE,), None, 10)
    assert plan.kept_seconds == 4 * DAY


@pytest.mark.parametrize("own", [TABLE, EVENTS])
def test_a_reservation_is_for_all_sources(own: Source) -> None:
    """So nothing is reserved beside a queue, though it lies on no loop."""
    queue = replace(QUEUE, loop=LoopProof.RULED_OUT)
    facts = BOTH if own is TABLE else replace(BOTH, mappings=(OF_QUEUE,))

    assert _reason(plan_hold([own, queue], facts, RUNNING)) is NotHeldReason.MIXED_SOURCES


def test_mappings_that_could_not_be_listed_are_no_sources_on_no_loop() -> None:
    """What else polls for it is not known then."""
    api = Source(kind=SourceKind.OTHER, name="api", loop=LoopProof.RULED_OUT)
    facts = HoldFacts(mappings=(MappingFacts(uuid="", kind=SourceKind.OTHER),))

    assert _reason(plan_hold([QUEUE, api], facts, RUNNING)) is NotHeldReason.SYNCHRONOUS


def test_asynchronous_events_are_capped_at_the_normal_peak() -> None:
    """Never at 0: throttled events would be dropped at once."""
    plan = plan_hold([EVENTS], SENT, RUNNING)
    new = plan_hold([EVENTS], SENT, replace(RUNNING, normal_concurrency=None))

    assert isinstance(plan, HoldPlan)
    assert isinstance(new, HoldPlan)
    assert (plan.levers, plan.cap, new.cap) == ((Lever.CAP,), 2, 1)


@pytest.mark.parametrize(("reserved", "cap"), [(None, 8), (20, 8), (5, 5)])
def test_a_cap_is_no_more_than_people_have_reserved(reserved: int | None, cap: int) -> None:
    """Somebody may have lowered it when the spike began."""
    running = replace(RUNNING, normal_concurrency=8, reserved_concurrency=reserved)

    plan = plan_hold([EVENTS], SENT, running)

    assert isinstance(plan, HoldPlan)
    assert plan.cap == cap


def test_a_cap_that_takes_little_away_is_not_made() -> None:
    """It would show nothing."""
    found = plan_hold([EVENTS], SENT, replace(RUNNING, concurrency=4.0))

    assert found == NotHeld(reason=NotHeldReason.DOES_NOT_BIND, value=2, bound=1.6)


@pytest.mark.parametrize("kind", [SourceKind.URL, SourceKind.OTHER])
@pytest.mark.parametrize("loop", [LoopProof.UNKNOWN, LoopProof.RULED_OUT])
def test_what_may_be_waited_for_is_not_held(kind: SourceKind, loop: LoopProof) -> None:
    """Requests would be refused."""
    other = Source(kind=kind, name="api", loop=loop)

    assert _reason(plan_hold([TABLE, other], STREAMED, RUNNING)) is NotHeldReason.SYNCHRONOUS


@pytest.mark.parametrize("kind", [SourceKind.URL, SourceKind.OTHER])
def test_what_may_loop_through_callers_is_not_held_by_its_queue(kind: SourceKind) -> None:
    """A pause would leave that part of the loop alone."""
    other = Source(kind=kind, name="api", loop=LoopProof.UNKNOWN)

    assert _reason(plan_hold([QUEUE, other], POLLED, RUNNING)) is NotHeldReason.SYNCHRONOUS


def test_a_queue_beside_asynchronous_events_is_not_held() -> None:
    """A pause leaves the events alone, and a cap harms the messages."""
    assert _reason(plan_hold([QUEUE, EVENTS], POLLED, RUNNING)) is NotHeldReason.MIXED_SOURCES
    # A mapping that nobody counted as a source is one all the same.
    assert _reason(plan_hold([EVENTS], POLLED, RUNNING)) is NotHeldReason.MIXED_SOURCES


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"max_receive_count": 1}, NotHeldReason.FEW_RECEIVES),
        ({"max_receive_count": 2}, NotHeldReason.FEW_RECEIVES),
        ({"queue_retention_seconds": 3600}, NotHeldReason.SHORT_RETENTION),
        ({"queue_retention_seconds": None}, NotHeldReason.SHORT_RETENTION),
        ({"is_provisioned_mode": True}, NotHeldReason.PROVISIONED_MODE),
        ({"is_provisioned_mode": None}, NotHeldReason.UNKNOWN_MAPPING),
        ({"delay_seconds": 100}, NotHeldReason.TOO_SLOW),
        ({"is_enabled": False}, NotHeldReason.UNKNOWN_MAPPING),
        ({"max_receive_count": 3}, None),
        ({"max_receive_count": None}, None),
    ],
)
def test_a_queue_that_could_lose_messages_is_not_held(
    change: dict[str, object], reason: NotHeldReason | None
) -> None:
    """Nor one of which that is unknown."""
    facts = replace(POLLED, mappings=(replace(OF_QUEUE, **change),))  # type: ignore[arg-type]

    assert _reason(plan_hold([QUEUE], facts, RUNNING)) is reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"maximum_record_age_seconds": 600}, NotHeldReason.SHORT_AGE),
        ({"maximum_record_age_seconds": DAY}, None),
        ({"stream_retention_hours": 1}, NotHeldReason.SHORT_RETENTION),
    ],
)
def test_a_stream_that_could_lose_records_is_not_held(
    change: dict[str, object], reason: NotHeldReason | None
) -> None:
    """Records that are too old are given up."""
    facts = replace(STREAMED, mappings=(replace(OF_TABLE, **change),))  # type: ignore[arg-type]

    assert _reason(plan_hold([TABLE], facts, RUNNING)) is reason


@pytest.mark.parametrize("age", [60.0, 3600.0, None])
def test_events_that_soon_are_too_old_are_not_held(age: float | None) -> None:
    """Lambda gives them up."""
    facts = replace(SENT, maximum_event_age_seconds=age)

    assert _reason(plan_hold([EVENTS], facts, RUNNING)) is NotHeldReason.SHORT_AGE


@pytest.mark.parametrize(
    ("hours", "seconds"), [(1.1, None), (1.5, 560.0), (6.0, 8_660.0), (24.0, 20_400.0)]
)
def test_a_trial_may_last_longer_where_events_are_kept_for_long(
    hours: float, seconds: float | None
) -> None:
    """They are kept for twice the longest hold, whatever it is."""
    facts = replace(SENT, maximum_event_age_seconds=hours * 3600)

    plan = plan_hold([EVENTS], facts, RUNNING)

    if seconds is None:
        assert _reason(plan) is NotHeldReason.SHORT_AGE
    else:
        assert isinstance(plan, HoldPlan)
        assert plan.stretch == timedelta(seconds=seconds)
        assert 2 * (plan.longest + plan.stretch) <= timedelta(hours=hours)


@pytest.mark.parametrize("has", [True, None])
def test_provisioned_concurrency_forbids_a_reservation_but_no_pause(*, has: bool | None) -> None:
    """A reservation cannot be below it."""
    forbidden = NotHeldReason.PROVISIONED_CONCURRENCY
    streamed = replace(STREAMED, has_provisioned_concurrency=has)
    polled = replace(POLLED, has_provisioned_concurrency=has)

    assert _reason(plan_hold([TABLE], streamed, RUNNING)) is forbidden
    assert isinstance(plan_hold([QUEUE], polled, RUNNING), HoldPlan)


def test_a_function_is_never_held_for_more_than_15_minutes() -> None:
    """Executions of minutes would need more, so that nothing is tried."""
    for seconds in (0.05, 1, 5, 10, 20, 40, 60, 600):
        running = replace(RUNNING, mean_duration_seconds=seconds, timeout_seconds=900)
        for plan in (
            plan_hold([QUEUE], POLLED, running),
            plan_hold([TABLE], STREAMED, running),
            plan_hold([EVENTS], SENT, running),
        ):
            if isinstance(plan, NotHeld):
                assert plan.reason is NotHeldReason.TOO_SLOW
                assert seconds > 10
            else:
                assert plan.held_seconds + plan.held_again_seconds <= 15 * 60
    assert _reason(plan_hold([TABLE], STREAMED, running)) is NotHeldReason.TOO_SLOW


def test_nothing_is_held_of_which_little_is_known() -> None:
    """Neither its sources nor its duration."""
    unknown = replace(RUNNING, mean_duration_seconds=None)

    assert _reason(plan_hold([], POLLED, RUNNING)) is NotHeldReason.UNKNOWN_SOURCES
    assert _reason(plan_hold([TABLE], POLLED, RUNNING)) is NotHeldReason.UNKNOWN_MAPPING
    assert _reason(plan_hold([QUEUE], POLLED, unknown)) is NotHeldReason.UNKNOWN_DURATION
