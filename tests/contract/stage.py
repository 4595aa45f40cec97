"""The two worlds in which every contract test runs: the fakes, and the adapters on a local AWS."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from functions.domain.detection.assessment import Assessment, Ground, Reason, Unit, Verdict
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.states import IncidentState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from functions.domain.detection.arrivals import Source
    from functions.domain.incidents.ports import Ledger
    from functions.domain.ports import Functions, HoldFactsReader, Metrics, Publisher, WayBack
    from tests.fakes.resources import FakeQueue

ACCOUNT: Final = "123456789012"
NOON: Final = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/any"
# What ``MetricName`` the fields of `RecentSeries` have.
METRIC_NAMES: Final = {
    "invocations": "Invocations",
    "concurrency": "ConcurrentExecutions",
    "throttles": "Throttles",
    "errors": "Errors",
    "duration_ms": "Duration",
    "native_drops": "RecursiveInvocationsDropped",
}
_numbers: Final = itertools.count(1)


def unique(name: str) -> str:
    """A name that no other test uses: the local AWS is shared."""
    return f"{name}-{next(_numbers)}"


def an_incident(function: str, opened_at: datetime = NOON, **given: Any) -> Incident:
    """An incident in which nothing was done yet."""
    assessment = Assessment(
        function=function,
        verdict=Verdict.RUNAWAY,
        at=opened_at,
        grounds=(Ground(reason=Reason.PLATEAU, value=9.0, unit=Unit.MINUTES, reference=5.0),),
        rate_per_minute=16_000.0,
        since=opened_at - timedelta(minutes=9),
    )
    incident = Incident(
        id=incident_id(function, opened_at),
        function=function,
        function_arn=f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}",
        state=IncidentState.NOTIFIED,
        opened_at=opened_at,
        updated_at=opened_at,
        assessment=assessment,
        decided="runaway",
        memory_mb=128,
        timeout_seconds=3,
    )
    return replace(incident, **given)


class Stage(Protocol):
    """What a contract test needs: the ports, and hands to set the scene with."""

    @property
    def functions(self) -> Functions:
        """The port."""
        ...

    @property
    def hold_facts(self) -> HoldFactsReader:
        """The port."""
        ...

    @property
    def metrics(self) -> Metrics:
        """The port."""
        ...

    @property
    def ledger(self) -> Ledger:
        """The port."""
        ...

    @property
    def publisher(self) -> Publisher:
        """The port."""
        ...

    @property
    def way_back(self) -> WayBack:
        """The port."""
        ...

    @property
    def now(self) -> datetime:
        """The time by the stage's clock."""
        ...

    def add(
        self, name: str, *, reserved: int | None = None, tags: Mapping[str, str] | None = None
    ) -> str:
        """Create a function; answers its ARN."""
        ...

    def provision(self, name: str, requested: int) -> str:
        """Request provisioned concurrency for a new alias; answers the alias."""
        ...

    def delete_alias(self, name: str, alias: str) -> None:
        """Delete an alias, as a person does."""
        ...

    def let_poll(
        self, name: str, *, enabled: bool = True, alias: str = "", version: str = ""
    ) -> tuple[str, str]:
        """Let a function poll a new queue; answers the mapping's UUID and the queue's ARN.

        A new alias, or a version that was published, may be what is invoked.
        """
        ...

    def keep_messages(self, queue_arn: str, queue: FakeQueue) -> None:
        """Give a queue these attributes."""
        ...

    def let_poll_table(self, name: str, *, record_age_seconds: int | None) -> tuple[str, str]:
        """Let a function poll a new table's stream, from its beginning, in batches of 7."""
        ...

    def let_poll_stream(self, name: str, *, hours: int) -> tuple[str, str]:
        """Let a function poll a new Kinesis stream, from now on, with a window of 9 seconds."""
        ...

    def keep_events(self, name: str, seconds: int, *, alias: str = "") -> None:
        """Give asynchronous events of a function, or of an alias, a maximum age."""
        ...

    def admit_topic(self, name: str) -> str:
        """Let an SNS topic invoke a function; answers its ARN."""
        ...

    def send_failures_to(self, name: str, target_arn: str) -> None:
        """Give a function an on-failure destination."""
        ...

    def record(self, name: str, **metrics: Sequence[float | None]) -> None:
        """Give a function datapoints, the last in the minute before `now`."""
        ...

    def record_arrivals(
        self, source: Source, counts: Sequence[float | None], waiting: Sequence[float | None] = ()
    ) -> None:
        """Give a source datapoints, the last in the minute before `now`."""
        ...

    def record_lag(self, name: str, values: Sequence[float | None]) -> None:
        """Let a function's polling of streams lie behind, in ms, until the minute before `now`."""
        ...

    def send(self, queue_arn: str, count: int, *, delayed: int = 0) -> None:
        """Put messages into a queue, and some that nobody may receive yet."""
        ...

    def break_topic(self) -> None:
        """Let the next notice fail."""
        ...

    def ends_at(self, incident_id: str) -> datetime | None:
        """When the hold of an incident is ended; ``None`` for never."""
        ...
