"""What the page is read from. Nothing here changes anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from functions.domain.diagnosis.finding_registry import FindingBook
from functions.domain.diagnosis.remediation import Remediation
from functions.domain.incidents.history import FiledIncident, LiveLedger
from functions.domain.incidents.incident import Incident
from functions.domain.page.overview import GuardAlarm, ShownTraffic


class LedgerReader(Protocol):
    """The ledger. Every method raises `LedgerUnavailableError`, and is as that of `Ledger`."""

    def read_live(self) -> LiveLedger:
        """All that is not filed away."""
        ...

    def read_closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """Incidents of a function that were closed after `since`, newest first."""
        ...

    def read_filed(self, since: datetime) -> tuple[FiledIncident, ...]:
        """Incidents of all functions that were closed after `since`, newest first."""
        ...


class FindingReader(Protocol):
    """The records of the diagnosis. Every method raises `LoopbreakerError`."""

    def read_findings(self) -> FindingBook:
        """The findings."""
        ...

    def read_remediations(self, functions: Sequence[str] = ()) -> tuple[Remediation, ...]:
        """The newest remediation of each function and entry, open or closed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardActivity:
    """What CloudWatch knows of the guard functions and their queues.

    Attributes
    ----------
    pulse_at
        The newest minute in which `contain` ran; ``None`` for none.
    errors
        Failed runs within a day, by the function's name.
    waiting
        Messages that are visible, by the queue's name; ``None`` where there is no datapoint.
    """

    pulse_at: datetime | None
    errors: Mapping[str, float]
    waiting: Mapping[str, float | None]


class PageMetrics(Protocol):
    """CloudWatch's metrics for the page. Every method raises `MetricsUnavailableError`."""

    def read_traffic(
        self, function: str, start: datetime, end: datetime, period_seconds: int
    ) -> ShownTraffic:
        """Invocations and throttles of a function; `start` and `end` are on the grid."""
        ...

    def read_activity(
        self, functions: Sequence[str], queues: Sequence[str], now: datetime
    ) -> GuardActivity:
        """What the guard functions did; the first one is that which the pulse invokes."""
        ...


class GuardStateReader(Protocol):
    """The alarms and reservations of the guard. Every method raises `LoopbreakerError`."""

    def read_alarms(self) -> tuple[GuardAlarm, ...]:
        """All alarms of the guard, on the account and on itself."""
        ...

    def read_reserved(self, function: str) -> int | None:
        """The reserved concurrency of a guard function; ``None`` for none."""
        ...

    def find_tagged(self, key: str) -> Sequence[str]:
        """The ARNs of the functions that carry a tag."""
        ...
