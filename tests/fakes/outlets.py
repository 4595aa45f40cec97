"""The ports of what leaves the guard: notices, events, schedules, marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.domain.errors import (
    NoticeUndeliveredError,
)
from functions.domain.notices.events.ports import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from functions.domain.notices.events.envelope import OutgoingEvent
    from functions.domain.notices.events.ports import Sink
    from functions.domain.notices.notice import Notice
    from tests.fakes.account import FakeAccount


class FakePublisher:
    """Twin of `functions.aws.incidents.publisher.SnsPublisher`."""

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self.sent: list[Notice] = []

    def publish(self, notice: Notice) -> None:
        """See the port."""
        assert notice.event is not None, f"a mail without its twin: {notice.subject}"
        with self._account.call("publisher", "publish", subject=notice.subject, body=notice.body):
            self.sent.append(notice)


class FakeSink:
    """Twin of `functions.aws.incidents.event_bus.EventBus` and of `ChatTopic`.

    Attributes
    ----------
    took
        Every event that it took, as often as it did.
    """

    def __init__(self, account: FakeAccount, name: Sink) -> None:
        self._account = account
        self.name = name
        self.took: list[OutgoingEvent] = []

    def put(self, events: Sequence[OutgoingEvent]) -> Receipt:
        """See the port."""
        subjects = tuple(str(one.detail["subject"]) for one in events)
        try:
            with self._account.call(self.name.value, "put", subjects=subjects):
                self.took += events
        except NoticeUndeliveredError as error:
            return Receipt(taken=frozenset(), why=str(error))
        return Receipt(taken=frozenset(one.id for one in events))


class FakeWayBack:
    """Twin of `functions.aws.incidents.way_back.ScheduledWayBack`.

    Attributes
    ----------
    due
        By incident id: the function, and when its hold is ended.
    """

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self.due: dict[str, tuple[str, datetime]] = {}

    def schedule(self, incident_id: str, function: str, at: datetime) -> None:
        """See the port."""
        with self._account.call(
            "way_back", "schedule", incident_id=incident_id, function=function, at=at
        ):
            self.due[incident_id] = (function, at)

    def cancel(self, incident_id: str) -> None:
        """See the port."""
        with self._account.call("way_back", "cancel", incident_id=incident_id):
            self.due.pop(incident_id, None)


class FakeExamined:
    """Twin of `functions.aws.records.diagnosis_marks.DiagnosisMarks`.

    Attributes
    ----------
    marks
        What the diagnosis is to examine, and since when.
    """

    def __init__(self, account: FakeAccount) -> None:
        self._account = account
        self.marks: dict[str, datetime] = {}

    def touch(self, names: Iterable[str], now: datetime) -> None:
        """See the port."""
        for name in names:
            with self._account.call("examined", "touch", name=name, now=now):
                self.marks[name] = now
