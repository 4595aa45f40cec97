"""The fakes on a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.errors import NoticeUndeliveredError
from tests.contract.stage import ACCOUNT, NOON, unique
from tests.fakes.account import FakeAccount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from functions.domain.detection.arrivals import Source
    from tests.fakes.resources import FakeQueue


class FakeStage:
    """The fakes."""

    def __init__(self) -> None:
        self.account = FakeAccount()
        self.functions = self.account.functions
        self.hold_facts = self.account.hold_facts
        self.metrics = self.account.metrics
        self.ledger = self.account.ledger
        self.publisher = self.account.publisher
        self.way_back = self.account.way_back
        self.now = NOON

    def add(
        self, name: str, *, reserved: int | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """See `Stage`."""
        return self.account.add(name, reserved=reserved, tags=dict(tags or {})).arn

    def provision(self, name: str, requested: int) -> str:
        """See `Stage`."""
        self.account.by_name[name].provisioned["live"] = requested
        return "live"

    def delete_alias(self, name: str, alias: str) -> None:
        """See `Stage`."""
        self.account.by_name[name].gone.add(alias)

    def let_poll(
        self, name: str, *, enabled: bool = True, alias: str = "", version: str = ""
    ) -> tuple[str, str]:
        """See `Stage`."""
        queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{unique('queue')}"
        return self.account.add_mapping(name, queue, enabled=enabled).uuid, queue

    def keep_messages(self, queue_arn: str, queue: FakeQueue) -> None:
        """See `Stage`."""
        self.account.queues[queue_arn] = queue

    def let_poll_table(self, name: str, *, record_age_seconds: int | None) -> tuple[str, str]:
        """See `Stage`."""
        stream = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{unique('t')}/stream/2026-01-01"
        mapping = self.account.add_mapping(name, stream)
        mapping.batch_size = 7
        mapping.maximum_record_age_seconds = record_age_seconds
        return mapping.uuid, stream

    def let_poll_stream(self, name: str, *, hours: int) -> tuple[str, str]:
        """See `Stage`."""
        stream = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{unique('s')}"
        mapping = self.account.add_mapping(name, stream)
        mapping.batch_size = 100
        mapping.batching_window_seconds = 9
        self.account.stream_hours[stream] = hours
        return mapping.uuid, stream

    def keep_events(self, name: str, seconds: int, *, alias: str = "") -> None:
        """See `Stage`."""
        self.account.by_name[name].event_ages[alias] = seconds

    def admit_topic(self, name: str) -> str:
        """See `Stage`."""
        topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:{unique('topic')}"
        function = self.account.by_name[name]
        trigger = Trigger(kind=TriggerKind.ASYNC, service="SNS", source_arn=topic)
        function.pushed = (*function.pushed, trigger)
        return topic

    def send_failures_to(self, name: str, target_arn: str) -> None:
        """See `Stage`."""
        self.account.by_name[name].on_failure_arn = target_arn

    def record(self, name: str, **metrics: Sequence[float | None]) -> None:
        """See `Stage`."""
        self.metrics.record(name, until=self.now, **metrics)

    def record_arrivals(
        self, source: Source, counts: Sequence[float | None], waiting: Sequence[float | None] = ()
    ) -> None:
        """See `Stage`."""
        self.metrics.record_arrivals(source, until=self.now, counts=counts, waiting=waiting)

    def record_lag(self, name: str, values: Sequence[float | None]) -> None:
        """See `Stage`."""
        self.metrics.record_lag(name, until=self.now, values=values)

    def send(self, queue_arn: str, count: int, *, delayed: int = 0) -> None:
        """See `Stage`."""
        self.account.queues[queue_arn].depth += count + delayed

    def break_topic(self) -> None:
        """See `Stage`."""
        self.account.faults.fail("publish", NoticeUndeliveredError("NotFound"))

    def ends_at(self, incident_id: str) -> datetime | None:
        """See `Stage`."""
        due = self.account.way_back.due.get(incident_id)
        return None if due is None else due[1]
