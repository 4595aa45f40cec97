from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.aws.incidents.publisher import (
    MOST_BODY_BYTES,
    SnsPublisher,
    fitting,
    fitting_subject,
)
from functions.domain.errors import NoticeUndeliveredError
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.notice import Notice
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

TOPIC = "arn:aws:sns:us-east-1:123456789012:Loopbreaker"


script = scripted("sns")


def test_publishes_what_fits(script: Script) -> None:
    """Subject and body reach the topic."""
    script.answer(
        "publish",
        {"MessageId": "1"},
        TopicArn=TOPIC,
        Subject="orders ran away: 5/min ▶ stopped",
        Message="One\nTwo\n",
        MessageAttributes={},
    )

    publisher = SnsPublisher(script.client, TOPIC)
    publisher.publish(Notice(subject="orders ran away:\n5/min ▶ stopped\t", body="One\nTwo\n"))


def test_what_it_is_about_is_in_attributes(script: Script) -> None:
    """Subscriptions can filter by kind, severity and function; nothing is sent empty."""
    script.answer(
        "publish",
        {"MessageId": "1"},
        TopicArn=TOPIC,
        Subject="s",
        Message="b",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "function_stopped"},
            "severity": {"DataType": "String", "StringValue": "critical"},
            "function": {"DataType": "String", "StringValue": "orders"},
        },
    )
    script.answer(
        "publish",
        {"MessageId": "2"},
        TopicArn=TOPIC,
        Subject="s",
        Message="b",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "guard_unprotected"},
            "severity": {"DataType": "String", "StringValue": "warning"},
        },
    )
    at = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
    stopped = NoticeEvent(
        kind=EventKind.FUNCTION_STOPPED,
        severity=EventSeverity.CRITICAL,
        at=at,
        function="orders",
    )
    unprotected = NoticeEvent(
        kind=EventKind.GUARD_UNPROTECTED, severity=EventSeverity.WARNING, at=at
    )

    publisher = SnsPublisher(script.client, TOPIC)
    publisher.publish(Notice(subject="s", body="b", event=stopped))
    publisher.publish(Notice(subject="s", body="b", event=unprotected))


def test_a_refusal_is_no_delivery(script: Script) -> None:
    """What SNS does not take is an error with SNS's words."""
    script.refuse("publish", "AuthorizationError", "not authorized", 403)

    with pytest.raises(NoticeUndeliveredError, match="AuthorizationError: not authorized"):
        SnsPublisher(script.client, TOPIC).publish(Notice(subject="subject", body="body"))


@given(subject=st.text(max_size=300))
def test_every_subject_is_one_that_sns_takes(subject: str) -> None:
    """One line, no control characters, 1 to 99 characters, encodable, not changed twice."""
    fitted = fitting_subject(subject)

    assert 1 <= len(fitted) < 100
    assert not any(unicodedata.category(one)[0] == "C" for one in fitted)
    assert fitted == fitted.strip()
    assert fitted.encode()
    assert fitting_subject(fitted) == fitted


@pytest.mark.parametrize(
    ("subject", "fitted"),
    [
        ("Loopbreaker stopped orders", "Loopbreaker stopped orders"),
        ("two\r\nlines", "two lines"),
        ("zero\u200bwidth\u2028line", "zero width line"),
        ("\t\n", "Loopbreaker"),
        ("x" * 99, "x" * 99),
        ("x" * 100, "x" * 96 + "..."),
    ],
)
def test_subjects(subject: str, fitted: str) -> None:
    """What does not fit is made to, what does stays."""
    assert fitted == fitting_subject(subject)


@given(body=st.text(max_size=300))
def test_short_bodies_stay(body: str) -> None:
    """A body within the limit is sent as it is, except for what no encoding can carry."""
    fitted = fitting(body)

    assert fitted
    if body and body.isprintable():
        assert fitted == body


@pytest.mark.parametrize("letter", ["x", "─", "🔁"])
def test_long_bodies_are_cut(letter: str) -> None:
    """A body beyond 262,144 bytes is cut between characters, and says so."""
    fitted = fitting(letter * (MOST_BODY_BYTES + 1))

    assert MOST_BODY_BYTES - 4 < len(fitted.encode()) <= MOST_BODY_BYTES
    assert fitted.startswith(letter * 1000)
    assert "the rest was cut" in fitted[-100:]
