"""What the page is read from, with fakes that can be down."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from functions.domain.errors import (
    BusyError,
    LedgerUnavailableError,
    MetricsUnavailableError,
    RefusedError,
)
from functions.domain.page.overview import ShownTraffic
from functions.domain.page.ports import GuardActivity
from functions.workflows.page.read_overview import GuardIdentity, OverviewReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from functions.domain.detection.evidence import Series
    from functions.domain.diagnosis.finding_registry import FindingBook
    from functions.domain.diagnosis.remediation import Remediation
    from functions.domain.graph.summary import LoopBook
    from functions.domain.incidents.history import FiledIncident, LiveLedger
    from functions.domain.incidents.incident import Incident
    from functions.domain.page.overview import GuardAlarm
    from tests.fakes.metrics import FakeMetrics
    from tests.functional.scene import Scene

FUNCTIONS = tuple(
    f"Loopbreaker-{one}"
    for one in ("contain", "restore", "protect", "diagnose", "chart", "present")
)


@dataclass(slots=True)
class FakePageParts:
    """All ports of the page over a scene; what `down` names does not answer.

    The names are ledger, filed, findings, metrics, activity, alarms, reserved and tags.
    """

    scene: Scene
    down: set[str] = field(default_factory=set)
    book: LoopBook | None = None
    alarms: tuple[GuardAlarm, ...] = ()
    reserved: Mapping[str, int] = field(default_factory=dict)
    activity: GuardActivity | None = None

    def read_live(self) -> LiveLedger:
        """See the port."""
        self._fail("ledger", LedgerUnavailableError("AccessDeniedException: dynamodb:Query"))
        return self.scene.account.ledger.read_live()

    def read_closed(self, function: str, since: datetime) -> tuple[Incident, ...]:
        """See the port."""
        self._fail("ledger", LedgerUnavailableError("AccessDeniedException: dynamodb:Query"))
        return self.scene.account.ledger.read_closed(function, since)

    def read_filed(self, since: datetime) -> tuple[FiledIncident, ...]:
        """See the port."""
        self._fail("filed", LedgerUnavailableError("AccessDeniedException: dynamodb:Query"))
        return self.scene.account.ledger.read_filed(since)

    def read_findings(self) -> FindingBook:
        """See the port."""
        self._fail("findings", LedgerUnavailableError("AccessDeniedException: dynamodb:GetItem"))
        return self.scene.hospital.context.remediations.read_findings()

    def read_remediations(self, functions: Sequence[str] = ()) -> tuple[Remediation, ...]:
        """See the port."""
        return self.scene.hospital.context.remediations.read_remediations(functions)

    def load(self) -> LoopBook | None:
        """See the port."""
        return self.book

    def read_traffic(
        self, function: str, start: datetime, end: datetime, period_seconds: int
    ) -> ShownTraffic:
        """See the port: what the fake metrics recorded, laid on the grid."""
        self._fail("metrics", MetricsUnavailableError("ThrottlingException: Rate exceeded"))
        return read_fake_traffic(
            self.scene.account.metrics, function, (start, end), period_seconds, self.scene.now
        )

    def read_activity(
        self, functions: Sequence[str], queues: Sequence[str], now: datetime
    ) -> GuardActivity:
        """See the port."""
        self._fail("activity", MetricsUnavailableError("ThrottlingException: Rate exceeded"))
        if self.activity is not None:
            return self.activity
        return GuardActivity(
            pulse_at=now - timedelta(minutes=2),
            errors=dict.fromkeys(functions, 0.0),
            waiting=dict.fromkeys(queues, 0.0),
        )

    def read_alarms(self) -> tuple[GuardAlarm, ...]:
        """See the port."""
        self._fail("alarms", BusyError("Throttling: Rate exceeded"))
        return self.alarms

    def read_reserved(self, function: str) -> int | None:
        """See the port."""
        self._fail("reserved", RefusedError("AccessDeniedException"))
        return self.reserved.get(function)

    def find_tagged(self, key: str) -> Sequence[str]:
        """See the port."""
        self._fail("tags", RefusedError("AccessDeniedException: tag:GetResources"))
        return tuple(self.scene.account.functions.tagged(key))

    @property
    def reader(self) -> OverviewReader:
        """Who reads the page."""
        return OverviewReader(
            ledger=self,
            diagnosis=self,
            books=self,
            metrics=self,
            guard=self,
            identity=GuardIdentity(functions=FUNCTIONS),
            region="us-east-1",
            account="123456789012",
            clock=lambda: self.scene.now,
        )

    def _fail(self, part: str, error: Exception) -> None:
        if part in self.down:
            raise error


def read_fake_traffic(
    metrics: FakeMetrics,
    function: str,
    span: tuple[datetime, datetime],
    period_seconds: int,
    now: datetime,
) -> ShownTraffic:
    """Lay what the fake metrics recorded on the grid that the page asks for."""
    start, end = span
    found = metrics.recent([function], now)[function]
    count = int((end - start).total_seconds()) // period_seconds
    grid = [start + timedelta(seconds=number * period_seconds) for number in range(count)]
    return ShownTraffic(
        start=start,
        period_seconds=period_seconds,
        invocations=tuple(_sum_from(found.invocations, at, period_seconds) for at in grid),
        throttles=tuple(_sum_from(found.throttles, at, period_seconds) for at in grid),
    )


def _sum_from(series: Series, start: datetime, period_seconds: int) -> float | None:
    first = int((start - series.start).total_seconds()) // series.period_seconds
    span = range(max(0, first), first + max(1, period_seconds // series.period_seconds))
    values = [series.values[one] for one in span if one < len(series.values)]
    seen = [one for one in values if one is not None]
    return sum(seen) if seen else None
