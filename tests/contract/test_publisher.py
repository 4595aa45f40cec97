from datetime import UTC, datetime

import pytest

from functions.domain.errors import NoticeUndeliveredError
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.notice import Notice
from tests.contract.stage import Stage

STOPPED = NoticeEvent(
    kind=EventKind.FUNCTION_STOPPED,
    severity=EventSeverity.CRITICAL,
    at=datetime(2026, 3, 10, 12, 0, tzinfo=UTC),
    function="orders",
)


def test_publishes_a_notice(stage: Stage) -> None:
    """A notice of several lines is accepted, with attributes."""
    stage.publisher.publish(
        Notice(
            subject="Loopbreaker stopped orders",
            body="It ran away.\n\norders ─stream▶ orders",
            event=STOPPED,
        )
    )


def test_says_that_a_notice_was_not_taken(stage: Stage) -> None:
    """A notice that the topic does not take is an error, not a silence."""
    stage.break_topic()

    with pytest.raises(NoticeUndeliveredError, match="NotFound"):
        stage.publisher.publish(Notice(subject="subject", body="body", event=STOPPED))
