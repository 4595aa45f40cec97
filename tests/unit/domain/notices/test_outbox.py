"""An outbox that has to take less room, and the marks of its events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.outbox import (
    CUT,
    MOST_EVENT_ATTEMPTS,
    NoticeStatus,
    OutboxEvent,
    OutboxNotice,
    replace_notice,
    shorten_outbox,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def an_event(facts: str = "{}") -> NoticeEvent:
    """Something that happened."""
    return NoticeEvent(
        kind=EventKind.FUNCTION_STOPPED, severity=EventSeverity.CRITICAL, at=NOON, facts=facts
    )


NOTICES = st.lists(
    st.builds(
        OutboxNotice,
        id=st.just("a"),
        subject=st.just("s"),
        body=st.integers(0, 20_000).map("x".__mul__),
        status=st.sampled_from(NoticeStatus),
        twin=st.none()
        | st.integers(0, 7_000).map(lambda count: OutboxEvent(event=an_event("x" * count))),
    ),
    max_size=5,
).map(tuple)


@given(outbox=NOTICES)
def test_each_cut_makes_it_shorter_until_nothing_can_be_spared(
    outbox: tuple[OutboxNotice, ...],
) -> None:
    """The events of what is sent give way first; enough of the unsent texts is left to act upon."""
    before = outbox
    while (shorter := shorten_outbox(before)) is not None:
        changed = [(a, b) for a, b in zip(before, shorter, strict=True) if a != b]
        ((old, new),) = changed
        sent = [one for one in before if one.status is NoticeStatus.SENT]
        unsent = [one for one in before if one.status is not NoticeStatus.SENT]
        if new.body == old.body:
            assert old.twin is not None
            assert new.twin is None
        else:
            assert len(new.body) < len(old.body)
            assert new.body.endswith(CUT)
            assert all(one.twin is None for one in sent)
        if old.status is not NoticeStatus.SENT:
            assert all(len(one.body) <= 200 and one.twin is None for one in sent)
            assert new.body == old.body or all(one.twin is None for one in unsent)
        before = shorter

    for one in before:
        assert len(one.body) <= (200 if one.status is NoticeStatus.SENT else 2_000)
        assert one.twin is None
    assert [(one.id, one.status) for one in before] == [(one.id, one.status) for one in outbox]


def test_a_notice_of_an_earlier_version_gets_a_minimal_event() -> None:
    """It was written down without one; whoever reads events hears of it all the same."""
    claimed = OutboxNotice(id="a", subject="s", body="b").claimed(NOON)

    assert claimed.twin is not None
    assert claimed.twin.event.kind is EventKind.NOTICE_SENT


def test_an_event_is_kept_until_every_sink_took_it() -> None:
    """What one sink has is not what the other has."""
    notice = OutboxNotice(
        id="a", subject="s", body="b", twin=OutboxEvent(event=an_event())
    ).claimed(NOON)
    sinks = ("bus", "chat")

    first = notice.sent().event_tried(NOON, ("bus",)).settled(sinks)
    assert first.twin is not None
    assert first.twin.delivered == ("bus",)
    assert not first.is_settled
    assert replace_notice((notice,), first) == (first,)

    assert first.event_tried(NOON, ("chat",)).settled(sinks).is_settled
    assert first.settled(("bus",)).is_settled, "chat was turned off meanwhile"


def test_an_event_that_arrived_first_stays_for_the_attributes_of_the_mail() -> None:
    """The mail that is sent later carries kind and severity."""
    notice = OutboxNotice(id="a", subject="s", body="b", twin=OutboxEvent(event=an_event()))

    before = notice.event_tried(NOON, ("bus",)).settled(("bus",))
    assert before.twin is not None
    assert before.claimed(NOON).sent().settled(("bus",)).is_settled


def test_an_event_that_no_sink_takes_is_given_up_after_hours() -> None:
    """The pauses grow, and end."""
    notice = OutboxNotice(
        id="a", subject="s", body="b", status=NoticeStatus.SENT, twin=OutboxEvent(event=an_event())
    )
    now, asked = NOON, []
    while not notice.settled(("bus",)).is_settled:
        assert notice.twin is not None
        if notice.twin.is_due(now):
            asked.append(now)
            notice = notice.event_tried(now, ())
        now += timedelta(minutes=1)

    assert len(asked) == MOST_EVENT_ATTEMPTS
    assert timedelta(hours=6) < asked[-1] - asked[0] < timedelta(hours=8)
