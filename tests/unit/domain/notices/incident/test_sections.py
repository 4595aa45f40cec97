"""The times and losses that notices state, against the record of the incident."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.changes.outcome import StepStatus
from functions.domain.detection.assessment import Ground, Reason, Verdict
from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.snapshot import EventRoutes
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import format_time
from tests.unit.domain.notices.samples.account import (
    ALICE,
    CONTEXT,
    FUNCTION,
    HOLDING,
    NOW,
    QUEUE,
    QUEUE_LOOP,
    QUEUE_MAPPING,
    TRIGGERS,
    told,
)
from tests.unit.domain.notices.samples.stops import contained, restored

CAPPED_AT: Final = NOW - timedelta(minutes=6)
SQS: Final = (
    Trigger(kind=TriggerKind.SQS, service="SQS", source_arn=QUEUE, mapping_uuid=QUEUE_MAPPING),
)


def stopped_after_cap(*, timeout_seconds: int = 300) -> Incident:
    """Capped at 1 six minutes ago, stopped now."""
    capped = replace(
        contained(target=1),
        timeout_seconds=timeout_seconds,
        opened_at=CAPPED_AT,
        contained_at=CAPPED_AT,
    )
    stopped = capped.with_reservation(0, None)
    return replace(
        stopped.with_outcome(stopped.steps[0].step, StepStatus.DONE),
        state=IncidentState.CONTAINED,
        stopped_at=NOW,
        routes=EventRoutes(triggers=TRIGGERS, async_target_arn=""),
    )


def restored_with(
    triggers: tuple[Trigger, ...] | None, async_target_arn: str | None = ""
) -> Incident:
    """Restored, with what was known of its events when it was stopped."""
    routes = EventRoutes(triggers=triggers, async_target_arn=async_target_arn)
    return replace(restored(), routes=routes)


def body(
    transition: Transition,
    incident: Incident,
    now: datetime = NOW,
    context: NoticeContext = CONTEXT,
) -> str:
    """The text of a notice, on one line."""
    return " ".join(compose_notice(transition, incident, context, now).body.split())


def states_a_loss(text: str) -> bool:
    """Whether a text says of anything that it was or is lost."""
    return "lost" in text.replace("Nothing is being lost", "").lower()


# -- when it was capped, and when it was stopped


def test_a_stop_after_a_cap_has_its_own_time() -> None:
    """The stop is dated by the stop, and the cap by the cap."""
    text = body(Transition.CONTAINED, stopped_after_cap())

    assert "Its reserved concurrency is 0 since 2026-11-23 03:15 UTC (just now)" in text
    assert "It had been capped at 1 first, at 2026-11-23 03:09 UTC." in text


def test_executions_in_flight_are_computed_from_the_stop() -> None:
    """What began under the cap may go on for its timeout after the stop."""
    text = body(Transition.CONTAINED, stopped_after_cap())

    assert "Executions that had begun go on until 2026-11-23 03:20 UTC at the latest" in text


def test_deadlines_of_events_are_computed_from_the_stop() -> None:
    """Records of a stream begin to expire a day after the stop, not after the cap."""
    text = body(Transition.CONTAINED, stopped_after_cap())

    assert "LOST from 2026-11-24 03:15 UTC on: records of DynamoDB stream orders" in text
    assert "2026-11-24 03:09" not in text


def test_a_restore_after_a_cap_tells_both_spans() -> None:
    """Six minutes of a cap are no minutes of a stop."""
    later = NOW + timedelta(minutes=5)

    text = body(Transition.RESTORED, stopped_after_cap(), later)

    assert (
        "It was capped at 1 from 2026-11-23 03:09 UTC to 2026-11-23 03:15 UTC, for 6 min, then"
        " stopped from 2026-11-23 03:15 UTC to 2026-11-23 03:20 UTC, for 5 min." in text
    )


def test_an_old_record_of_a_stop_after_a_cap_tells_no_time_of_the_stop() -> None:
    """Where the record does not hold when it was stopped, the notice does not either."""
    old = replace(stopped_after_cap(), stopped_at=None, routes=None)

    told = body(Transition.CONTAINED, old)
    over = body(Transition.RESTORED, old, NOW + timedelta(minutes=5))

    assert "Its reserved concurrency is 0; before, nothing was reserved" in told
    assert "It was capped at 1 at 2026-11-23 03:09 UTC, and stopped after that." in over
    assert " min." not in over.partition("If it runs away")[0]


# -- clocks that differ


def test_a_clock_that_is_behind_states_no_end() -> None:
    """A restore whose clock lags 20 minutes cannot tell for how long the function was stopped."""
    stopped = replace(contained(), updated_at=NOW)

    text = body(Transition.RESTORED, stopped, NOW - timedelta(minutes=20))

    assert "It was stopped at 2026-11-23 03:15 UTC." in text
    assert "for 0 s" not in text
    assert "written at" not in text


def test_a_clock_that_is_a_little_behind_states_no_duration() -> None:
    """Seconds of skew leave the minute true, and no duration."""
    stopped = replace(contained(), updated_at=NOW)

    text = body(Transition.RESTORED, stopped, NOW - timedelta(seconds=4))

    assert "It was stopped from 2026-11-23 03:15 UTC to 2026-11-23 03:15 UTC." in text


def test_a_restore_that_waited_for_its_mappings_ends_the_stop_when_it_did() -> None:
    """The function ran again when its reservation was restored, minutes before the notice."""
    stopped = replace(contained(hours=1), freed_at=NOW, updated_at=NOW)

    text = body(Transition.RESTORED, stopped, NOW + timedelta(minutes=9))

    assert "It was stopped from 2026-11-23 02:15 UTC to 2026-11-23 03:15 UTC, for 1 h." in text


def test_an_end_that_others_made_is_not_dated() -> None:
    """Who changed the reservation meanwhile let it run, at a moment that nobody noticed."""
    text = body(Transition.RESTORED, restored())

    assert "somebody changed it meanwhile" in text
    assert "It was stopped at 2026-11-22 21:45 UTC." in text


# -- what was lost


def test_nothing_asynchronous_is_lost_without_an_asynchronous_trigger() -> None:
    """A function that only polls a queue has lost nothing: its messages waited."""
    text = body(Transition.RESTORED, restored_with(SQS))

    assert not states_a_loss(text)
    assert "synchronous" not in text
    assert "What has waited is delivered now" in text


def test_what_was_lost_is_told_by_the_triggers_of_the_time() -> None:
    """The trigger that a person has removed since is the one whose events were lost."""
    text = body(Transition.RESTORED, restored(), context=replace(CONTEXT, triggers=SQS))

    assert "Asynchronous events of that time (S3 order-uploads) were lost" in text


def test_a_destination_that_came_later_has_only_what_came_later() -> None:
    """Who followed the advice to add a destination reads what it holds, and what it does not."""
    given_one = replace(restored(), async_target_arn="arn:aws:sqs:eu-west-1:1:spare")

    text = body(Transition.RESTORED, given_one)

    assert "were lost: when it was stopped, the function had neither" in text
    assert "Those that came after it was given arn:aws:sqs:eu-west-1:1:spare are there." in text


def test_unknown_triggers_are_no_loss() -> None:
    """Where it is not known whether anything invokes it asynchronously, the notice says if."""
    text = body(Transition.RESTORED, restored_with(None))

    assert "If it also has asynchronous callers, their events of that time were lost" in text


def test_callers_that_waited_were_refused() -> None:
    """A function that is only called synchronously has no burst to expect."""
    url = (Trigger(kind=TriggerKind.SYNC, service="function URL", source_arn=""),)

    text = body(Transition.RESTORED, restored_with(url))

    assert "expect a burst" not in text
    assert "refused with status 429" in text


def test_records_that_a_long_stop_outlived() -> None:
    """After more than a day, records of a DynamoDB stream are gone, and the notice says so."""
    short = replace(contained(hours=5), freed_at=NOW)
    long = replace(contained(hours=30), freed_at=NOW)

    assert "DynamoDB stream orders: records that waited longer than 24 h have expired." in body(
        Transition.RESTORED, long
    )
    assert "have expired" not in body(Transition.RESTORED, short)


def test_a_cap_loses_nothing_at_once() -> None:
    """Under a cap asynchronous events are tried again for hours."""
    text = body(Transition.RESTORED, contained(target=5, hours=1))

    assert not states_a_loss(text)


# -- what breaks the loop


def test_a_mapping_that_was_just_disabled_is_not_to_be_disabled() -> None:
    """The advice to disable it stands only where Loopbreaker has not done so."""
    context = replace(CONTEXT, loop=QUEUE_LOOP)
    advice = "a filter that excludes what orders-enricher may write"

    stopped = body(Transition.CONTAINED, contained(), context=context)
    only_told = body(Transition.NOTIFIED, told(DecisionReason.OBSERVE_MODE), context=context)

    assert advice in stopped
    assert advice in only_told
    assert "or disable it" not in stopped
    assert "or disable it" in only_told


def test_observe_mode_claims_no_disabled_mapping() -> None:
    """What the guard would do is not said to be done."""
    text = body(Transition.NOTIFIED, told(DecisionReason.OBSERVE_MODE))

    assert "Its event source mapping is disabled" not in text
    assert "Loopbreaker would disable its event source mapping." in text


def test_a_stop_that_is_overdue_is_not_announced_for_the_past() -> None:
    """Where the time of people is over already, the next check stops the function."""
    incident = told(DecisionReason.CANNOT_BE_HELD, Verdict.SUSPECTED)
    proven = (Ground(reason=Reason.LOOP_PROVEN), *incident.assessment.grounds)
    incident = replace(incident, assessment=replace(incident.assessment, grounds=proven))
    context = replace(CONTEXT, deployment=HOLDING)

    text = body(Transition.NOTIFIED, incident, NOW + timedelta(hours=1), context)

    assert "Loopbreaker stops it at its next check." in text


# -- arbitrary histories

minutes: Final = st.integers(-90, 90).map(lambda count: timedelta(minutes=count))
kinds: Final = st.sets(st.sampled_from(TriggerKind))


@st.composite
def histories(draw: st.DrawFn) -> Incident:
    """Incidents with any order of moments, as clocks that differ may write them."""
    is_capped, is_stopped = draw(st.booleans()), draw(st.booleans())
    target = 1 if is_capped else 0
    incident = contained(target=target, hours=1)
    begin = NOW + draw(minutes)
    incident = replace(incident, contained_at=begin, stopped_at=None if is_capped else begin)
    if is_capped and is_stopped:
        incident = incident.with_reservation(0, None)
        incident = incident.with_outcome(incident.steps[0].step, StepStatus.DONE)
        at = draw(st.none() | minutes)
        incident = replace(
            incident,
            state=IncidentState.CONTAINED,
            stopped_at=None if at is None else NOW + at,
        )
    found = tuple(Trigger(kind=one, service=one.value, source_arn="") for one in draw(kinds))
    return replace(
        incident,
        updated_at=NOW + draw(minutes),
        released_at=draw(st.none() | minutes.map(lambda span: NOW + span)),
        freed_at=draw(st.none() | minutes.map(lambda span: NOW + span)),
        is_freed_at_known=draw(st.booleans()),
        actor=draw(st.sampled_from(["", ALICE])),
        routes=draw(
            st.none()
            | st.builds(
                EventRoutes, triggers=st.just(found), async_target_arn=st.sampled_from(["", None])
            )
        ),
    )


SPAN: Final = re.compile(
    r"from (\d{4}-\d\d-\d\d \d\d:\d\d) UTC to (\d{4}-\d\d-\d\d \d\d:\d\d) UTC(?:, for ([^,.]+))?"
)
UNITS: Final = {"s": 1, "min": 60, "h": 3600, "day": 86_400, "days": 86_400}


def seconds_of(words: str) -> int:
    """A printed duration in seconds."""
    parts = words.split()
    return sum(
        int(count) * UNITS[unit] for count, unit in zip(parts[::2], parts[1::2], strict=True)
    )


@given(incident=histories(), transition=st.sampled_from(Transition), behind=minutes)
def test_no_time_contradicts_the_record(
    incident: Incident, transition: Transition, behind: timedelta
) -> None:
    """Spans run forward, last as long as they say, and begin and end at moments of the record."""
    now = NOW + behind

    text = body(transition, incident, now)

    recorded = {
        format_time(one)
        for one in (
            incident.contained_at,
            incident.stopped_at,
            incident.released_at,
            incident.freed_at,
            incident.updated_at,
            now,
        )
        if one is not None
    }
    for begin, end, lasted in SPAN.findall(text):
        assert {f"{begin} UTC", f"{end} UTC"} <= recorded
        assert begin <= end
        if lasted:
            between = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
            assert abs(between.total_seconds() - seconds_of(lasted)) <= 60
    assert "for 0 s" not in text
    if now < incident.updated_at:
        assert "written at" not in text
        ends = (incident.stopped_at, incident.released_at, incident.freed_at)
        told = {format_time(one) for one in ends if one}
        assert format_time(now) in told or f"to {format_time(now)}" not in text


@given(incident=histories(), behind=minutes)
def test_no_loss_without_an_asynchronous_trigger(incident: Incident, behind: timedelta) -> None:
    """Who has no asynchronous trigger, or was never at 0, reads of no lost event."""
    routes = incident.routes or EventRoutes()
    has_async = any(one.kind is TriggerKind.ASYNC for one in routes.triggers or ())

    text = body(Transition.RESTORED, incident, NOW + behind)

    if not incident.is_at_zero or (routes.triggers is not None and not has_async):
        assert not states_a_loss(text)
    elif routes.triggers is None:
        assert "If it also has asynchronous callers" in text


@pytest.mark.parametrize("is_known", [True, False])
def test_names_of_the_lost(is_known: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Whether a destination existed decides between lost and perhaps lost."""
    text = body(Transition.RESTORED, restored_with(TRIGGERS, "" if is_known else None))

    assert ("were lost: when" in text) is is_known
    assert ("or were lost if it had none" in text) is not is_known
    assert FUNCTION in text
