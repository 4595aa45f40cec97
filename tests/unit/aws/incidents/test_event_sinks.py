"""Events as the bus and the topic for chat get them, and what is made of their answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from functions.aws.incidents.chat_topic import ChatTopic
from functions.aws.incidents.event_bus import EventBus
from functions.domain.notices.events.chat import compose_chat_message
from functions.domain.notices.events.envelope import compose_event
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.notice import Deployment, Notice
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from functions.domain.notices.events.envelope import OutgoingEvent
    from tests.unit.aws.stubs import Script

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:chat"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"


bus = scripted("events")
sns = scripted("sns")


def event(number: int, arn: str = ARN) -> OutgoingEvent:
    """An event."""
    about = NoticeEvent(
        kind=EventKind.FUNCTION_STOPPED,
        severity=EventSeverity.CRITICAL,
        at=NOON,
        function="orders",
        function_arn=arn,
    )
    made = compose_event(
        Notice(subject=f"s{number}", body="b", event=about), f"{number}", Deployment()
    )
    assert made is not None
    return made


def entry(one: OutgoingEvent) -> dict[str, object]:
    """What the bus gets of it."""
    return {
        "Time": NOON,
        "Source": "loopbreaker",
        "DetailType": "Function Stopped",
        "Detail": one.text,
        "EventBusName": "default",
        **({"Resources": [one.function_arn]} if one.function_arn else {}),
    }


def test_ten_entries_make_a_request(bus: Script) -> None:
    """EventBridge takes no more at once."""
    events = [event(number) for number in range(12)]
    for chunk in (events[:10], events[10:]):
        answers = [{"EventId": f"e{number}"} for number in range(len(chunk))]
        bus.answer(
            "put_events",
            {"FailedEntryCount": 0, "Entries": answers},
            Entries=[entry(one) for one in chunk],
        )

    receipt = EventBus(bus.client).put(events)

    assert receipt.taken == {one.id for one in events}
    assert receipt.why == ""


def test_entries_that_fail_are_not_taken(bus: Script) -> None:
    """The request succeeds all the same: each entry has an answer of its own."""
    events = [event(1, arn=""), event(2), event(3)]
    bus.answer(
        "put_events",
        {
            "FailedEntryCount": 1,
            "Entries": [
                {"EventId": "e1"},
                {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"},
                {"EventId": "e3"},
            ],
        },
        Entries=[entry(one) for one in events],
    )

    receipt = EventBus(bus.client).put(events)

    assert receipt.taken == {events[0].id, events[2].id}
    assert receipt.why == "ThrottlingException: slow down"


def test_a_request_that_is_denied_takes_nothing_and_raises_nothing(bus: Script) -> None:
    """A service control policy, for instance."""
    bus.refuse("put_events", "AccessDeniedException", "explicit deny", 403)

    receipt = EventBus(bus.client).put([event(1)])

    assert receipt.taken == frozenset()
    assert "explicit deny" in receipt.why


def test_chat_gets_one_message_each_and_keeps_their_order(sns: Script) -> None:
    """After a refusal the others wait."""
    events = [event(1), event(2), event(3)]
    sns.answer(
        "publish", {"MessageId": "1"}, TopicArn=TOPIC, Message=compose_chat_message(events[0])
    )
    sns.refuse("publish", "Throttled", "slow down", 400)

    receipt = ChatTopic(sns.client, TOPIC).put(events)

    assert receipt.taken == {events[0].id}
    assert "slow down" in receipt.why
    assert json.loads(compose_chat_message(events[0]))["source"] == "custom"
