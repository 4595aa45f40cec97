"""What the diagnosis reads of AWS beside the account: each as a port."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from functions.domain.account.inventory import Rule, RuleTarget, Schedule
from functions.domain.diagnosis.collection.details import FunctionDetails, LogGroup
from functions.domain.diagnosis.collection.metric_queries import (
    Datapoints,
    Family,
    MetricQuery,
    Window,
)
from functions.domain.diagnosis.facts import FoundTrigger, ReportStatistics, Simulation


class SumReader(Protocol):
    """CloudWatch."""

    def read_datapoints(
        self, asked: Sequence[MetricQuery], window: Window
    ) -> Mapping[MetricQuery, Datapoints]:
        """The datapoints of each metric. Raises `MetricsUnavailableError`."""
        ...


class LeadingReader(Protocol):
    """CloudWatch. Both methods raise `MetricsUnavailableError`."""

    def read_datapoints(
        self, asked: Sequence[MetricQuery], window: Window
    ) -> Mapping[MetricQuery, Datapoints]:
        """The datapoints of each metric."""
        ...

    def find_leading(self, family: Family, window: Window) -> tuple[MetricQuery, ...]:
        """The members of a family with the largest sums above zero."""
        ...


class ScheduleReader(Protocol):
    """GetSchedule."""

    def read_schedule(self, schedule: Schedule) -> Schedule | None:
        """The schedule with its role, as it is now; ``None`` where it is gone.

        Raises `RefusedError` or `BusyError`.
        """
        ...


class Logs(Protocol):
    """CloudWatch Logs. Every method raises `RefusedError` or `BusyError`."""

    def group(self, name: str) -> LogGroup | None:
        """A log group by its name; ``None`` where there is none."""
        ...

    def read_reports(self, group: str, since: datetime, until: datetime) -> ReportStatistics | None:
        """What the REPORT lines of some time say; ``None`` where there is none."""
        ...


class IamSimulator(Protocol):
    """SimulatePrincipalPolicy."""

    def simulate(
        self, principal_arn: str, actions: Sequence[str], resource_arn: str
    ) -> tuple[Simulation, ...]:
        """What AWS answers for each action. Raises `RefusedError` or `BusyError`."""
        ...


class Alarms(Protocol):
    """DescribeAlarms."""

    def read_triggers(self, partition: str) -> Mapping[str, tuple[FoundTrigger, ...]]:
        """What the alarms invoke, by the function. Raises `RefusedError` or `BusyError`."""
        ...


class Targets(Protocol):
    """ListTargetsByRule."""

    def of(self, rule: Rule) -> tuple[RuleTarget, ...]:
        """The targets of a rule. Raises `RefusedError` or `BusyError`."""
        ...


class Details(Protocol):
    """GetFunctionConfiguration and ListAliases."""

    def of(self, function: str, qualifier: str = "") -> FunctionDetails:
        """Raises `FunctionNotFoundError`, `RefusedError` or `BusyError`."""
        ...

    def read_aliases(self, function: str) -> tuple[str, ...]:
        """The names of its aliases. Raises the same."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Where facts come from."""

    metrics: SumReader
    logs: Logs
    simulator: IamSimulator
    alarms: Alarms
    targets: Targets
    schedules: ScheduleReader
    details: Details
