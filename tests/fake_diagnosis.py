"""An account for the diagnosis, in memory: what its readers tell, and each of them may refuse."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from functions.domain.account.inventory import (
    Account,
    FunctionDescription,
    Role,
    Rule,
    RuleTarget,
    Schedule,
    StateMachine,
)
from functions.domain.diagnosis.authorization import RemedyPolicy
from functions.domain.diagnosis.collection.details import FunctionDetails
from functions.domain.diagnosis.collection.failure_metrics import query_group_failures
from functions.domain.diagnosis.collection.guard_state import GuardState, find_accused
from functions.domain.diagnosis.collection.metric_queries import MetricQuery
from functions.domain.diagnosis.collection.ports import Readers
from functions.domain.diagnosis.facts import (
    SimulatedDecision,
    Simulation,
)
from functions.domain.errors import FunctionNotFoundError
from functions.workflows.diagnosis.collect_facts import FactCollector
from functions.workflows.diagnosis.find_first_signs import find_first_signs
from functions.workflows.diagnosis.triage import DiagnosisTriage
from tests.functional.scene import QuietLog
from tests.unit.domain.diagnosis.samples import Hospital, allow, policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from functions.domain.account.inventory import (
        NamedPolicy,
    )
    from functions.domain.diagnosis.collection.details import LogGroup
    from functions.domain.diagnosis.collection.metric_queries import Datapoints, Family, Window
    from functions.domain.diagnosis.facts import (
        DeniedCall,
        FoundTrigger,
        FunctionUnderDiagnosis,
        ReportStatistics,
    )
    from functions.domain.diagnosis.finding_registry import FindingBook
    from functions.domain.diagnosis.triage import Progress

NOON: Final = datetime(2026, 11, 23, 12, 2, tzinfo=UTC)
LONG_AGO: Final = NOON - timedelta(days=30)
HOME: Final = "us-east-1:123456789012"
LOGS: Final = allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])


@dataclass(slots=True)
class Ward:
    """An account whose functions are examined.

    Attributes
    ----------
    versions
        The configuration of each alias and published version, by function and qualifier.
    refusals
        What a reader raises, by its name: ``metrics``, ``logs``, ``simulator``, ``alarms``,
        ``targets``, ``schedules``, ``details``, ``account``, ``signs``.
    asked
        How often each reader was asked.
    """

    functions: dict[str, FunctionDescription] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    machines: list[StateMachine] = field(default_factory=list)
    series: dict[MetricQuery, Datapoints] = field(default_factory=dict)
    groups: dict[str, LogGroup] = field(default_factory=dict)
    reported: dict[str, ReportStatistics] = field(default_factory=dict)
    alarm_triggers: dict[str, tuple[FoundTrigger, ...]] = field(default_factory=dict)
    details_: dict[str, FunctionDetails] = field(default_factory=dict)
    versions: dict[tuple[str, str], FunctionDetails] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    hidden_targets: dict[str, tuple[RuleTarget, ...]] = field(default_factory=dict)
    refusals: dict[str, Exception] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    guard: GuardState = field(default_factory=GuardState)
    policy: RemedyPolicy = field(default_factory=RemedyPolicy)
    hospital: Hospital = field(default_factory=Hospital)
    memory: FakeMemory = field(init=False)
    log: QuietLog = field(default_factory=QuietLog)
    gaps: tuple[Any, ...] = ()
    seconds: float = 900.0
    fresh: list[Sequence[str]] = field(default_factory=list)
    is_time_up: bool = False

    def __post_init__(self) -> None:
        self.memory = FakeMemory(self.hospital)

    # -- the account

    def add(self, name: str, *statements: Mapping[str, Any], **changes: Any) -> FunctionDescription:
        """A function with a role of its own, which may write logs unless told otherwise."""
        arn = f"arn:aws:iam::123456789012:role/{name}-role"
        policies: tuple[NamedPolicy, ...] = (policy(*(statements or (LOGS,))),)
        self.roles[arn] = Role(arn=arn, policies=policies)
        described = FunctionDescription(
            name=name,
            arn=f"arn:aws:lambda:{HOME}:function:{name}",
            role_arn=arn,
            log_group=f"/aws/lambda/{name}",
            last_modified=LONG_AGO,
        )
        self.functions[name] = replace(described, **changes)
        return self.functions[name]

    def add_rule(self, name: str, function: str, *, is_hidden: bool = False) -> Rule:
        """A rule that has a function as its target."""
        arn = f"arn:aws:events:{HOME}:rule/{name}"
        targets = (RuleTarget(arn=self.functions[function].arn, id="1"),)
        rule = Rule(
            arn=arn,
            name=name,
            bus_arn=f"arn:aws:events:{HOME}:event-bus/default",
            schedule="rate(1 day)",
            targets=() if is_hidden else targets,
        )
        if is_hidden:
            self.hidden_targets[arn] = targets
        self.rules.append(rule)
        return rule

    def add_machine(self, name: str, function: str, *statements: Mapping[str, Any]) -> StateMachine:
        """A state machine that invokes a function, with a role of its own."""
        role = f"arn:aws:iam::123456789012:role/{name}-role"
        self.roles[role] = Role(arn=role, policies=(policy(*statements),))
        task = {"Type": "Task", "Resource": self.functions[function].arn, "End": True}
        machine = StateMachine(
            arn=f"arn:aws:states:{HOME}:stateMachine:{name}",
            role_arn=role,
            definition=json.dumps({"StartAt": "Work", "States": {"Work": task}}),
        )
        self.machines.append(machine)
        return machine

    def add_schedule(
        self,
        name: str,
        function: str,
        *statements: Mapping[str, Any],
        group: str = "default",
        qualifier: str = "",
    ) -> Schedule:
        """A schedule that invokes a function, with a role of its own, which no list tells."""
        role = f"arn:aws:iam::123456789012:role/{name}-role"
        self.roles[role] = Role(arn=role, policies=(policy(*statements),))
        target = self.functions[function].arn
        schedule = Schedule(
            arn=f"arn:aws:scheduler:{HOME}:schedule/{group}/{name}",
            target_arn=f"{target}:{qualifier}" if qualifier else target,
            role_arn=role,
        )
        self.schedules[schedule.arn] = schedule
        return schedule

    def group_fails(self, group: str, *points: tuple[datetime, float]) -> None:
        """Let a group of schedules have counted errors."""
        self.series[query_group_failures(group)] = points

    def invoked(self, name: str, times: float = 100.0, *, logged: bool = True) -> None:
        """Let a function have been invoked an hour ago."""
        at = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
        self.record("Invocations", name, (at, times))
        if logged:
            group = self.functions[name].log_group
            asked = MetricQuery(
                namespace="AWS/Logs",
                metric="IncomingLogEvents",
                dimensions=(("LogGroupName", group),),
            )
            self.series[asked] = ((at, 3 * times),)

    def record(
        self, metric: str, name: str, *points: tuple[datetime, float], statistic: str = "Sum"
    ) -> None:
        """Give a function datapoints."""
        asked = MetricQuery(
            namespace="AWS/Lambda",
            metric=metric,
            dimensions=(("FunctionName", name),),
            statistic=statistic,
        )
        self.series[asked] = points

    @property
    def account(self) -> Account:
        """What a reading finds."""
        return Account(
            account="123456789012",
            region="us-east-1",
            at=NOON,
            functions=tuple(self.functions.values()),
            roles=self.roles,
            rules=tuple(self.rules),
            schedules=tuple(replace(one, role_arn="") for one in self.schedules.values()),
            state_machines=tuple(self.machines),
            gaps=self.gaps,
        )

    # -- the readers

    @property
    def readers(self) -> Readers:
        """All of them."""
        return Readers(
            metrics=_Metrics(self),
            logs=_Logs(self),
            simulator=_Simulator(self),
            alarms=_Alarms(self),
            targets=_Targets(self),
            schedules=_Schedules(self),
            details=_Details(self),
        )

    def ask(self, reader: str) -> None:
        """Count a question, and refuse it if that is what is wanted."""
        self.asked[reader] += 1
        if reader in self.refusals:
            raise self.refusals[reader]

    # -- the diagnosis

    @property
    def triage(self) -> DiagnosisTriage:
        """The diagnosis of this account."""
        return DiagnosisTriage(
            read_account=self._read_account,
            find_signs=partial(find_first_signs, _Signs(self)),
            context=self.hospital.context,
            memory=self.memory,
            policy=self.policy,
            log=self.log,
            seconds_left=lambda: self.seconds,
            exists=_Details(self).of,
        )

    def collector(self, now: datetime = NOON, fresh: Sequence[str] = ()) -> FactCollector:
        """One reading of the account."""
        guard = replace(
            self.guard,
            closely=frozenset(fresh),
            accused=find_accused(self.hospital.stored_book),
        )
        return FactCollector.of(self.account, self.readers, guard, now)

    def _read_account(self, now: datetime, fresh: Sequence[str]) -> FactCollector | None:
        self.fresh.append(fresh)
        self.ask("account")
        return None if self.is_time_up else self.collector(now, fresh)


@dataclass(slots=True)
class FakeMemory:
    """What rounds remember, in memory."""

    hospital: Hospital
    stored: Progress | None = None
    marks: dict[str, str] = field(default_factory=dict)
    denied: list[tuple[str, DeniedCall]] = field(default_factory=list)

    def read_findings(self) -> FindingBook:
        """See the port."""
        return self.hospital.stored_book

    def read_progress(self) -> Progress | None:
        """See the port."""
        return self.stored

    def save_progress(self, progress: Progress) -> None:
        """See the port."""
        self.stored = progress

    def touch(self, names: Iterable[str], now: datetime) -> None:
        """See the port."""
        self.marks |= dict.fromkeys(names, now.isoformat())

    def read_touched(self) -> dict[str, str]:
        """See the port."""
        return dict(self.marks)

    def forget_touched(self, marks: dict[str, str]) -> None:
        """See the port."""
        self.marks = {name: at for name, at in self.marks.items() if marks.get(name) != at}

    def remember_denial(self, function: str, denied: DeniedCall, now: datetime) -> None:
        """See the port."""
        self.denied.append((function, denied))

    def read_denials(self, since: datetime) -> dict[str, tuple[DeniedCall, ...]]:
        """See the port."""
        found: dict[str, tuple[DeniedCall, ...]] = {}
        for function, call in self.denied:
            if call.last_at is None or call.last_at >= since:
                found[function] = (*found.get(function, ()), call)
        return found


@dataclass(frozen=True, slots=True)
class _Metrics:
    ward: Ward

    def read_datapoints(
        self, asked: Sequence[MetricQuery], window: Window
    ) -> Mapping[MetricQuery, Datapoints]:
        self.ward.ask("metrics")
        return {
            one: tuple(
                (at, value)
                for at, value in self.ward.series.get(one, ())
                if window.since - timedelta(seconds=window.period_seconds) < at < window.until
            )
            for one in asked
        }


@dataclass(frozen=True, slots=True)
class _Signs:
    """CloudWatch, asked by the hour; what the account counts is the sum over its functions."""

    ward: Ward

    def read_datapoints(
        self, asked: Sequence[MetricQuery], window: Window
    ) -> Mapping[MetricQuery, Datapoints]:
        self.ward.ask("signs")
        return {
            one: tuple(
                (at, value)
                for source, points in self.ward.series.items()
                if source == one or (source.metric == one.metric and not one.dimensions)
                for at, value in points
                if window.since <= at < window.until
            )
            for one in asked
        }

    def find_leading(self, family: Family, window: Window) -> tuple[MetricQuery, ...]:
        self.ward.ask("signs")
        return tuple(
            one
            for one, points in self.ward.series.items()
            if (one.namespace, one.metric) == (family.namespace, family.metric)
            and tuple(name for name, _ in one.dimensions) == family.dimensions
            and any(window.since <= at < window.until and value > 0 for at, value in points)
        )


@dataclass(frozen=True, slots=True)
class _Logs:
    ward: Ward

    def group(self, name: str) -> LogGroup | None:
        self.ward.ask("logs")
        return self.ward.groups.get(name)

    def read_reports(self, group: str, since: datetime, until: datetime) -> ReportStatistics | None:
        self.ward.ask("read_reports")
        return self.ward.reported.get(group)


@dataclass(frozen=True, slots=True)
class _Simulator:
    ward: Ward

    def simulate(
        self, principal_arn: str, actions: Sequence[str], resource_arn: str
    ) -> tuple[Simulation, ...]:
        self.ward.ask("simulator")
        return tuple(
            Simulation(
                principal_arn=principal_arn,
                action=action,
                resource_arn=resource_arn,
                decision=SimulatedDecision.IMPLICIT_DENY,
            )
            for action in actions
        )


@dataclass(frozen=True, slots=True)
class _Alarms:
    ward: Ward

    def read_triggers(self, partition: str) -> Mapping[str, tuple[FoundTrigger, ...]]:
        self.ward.ask("alarms")
        return self.ward.alarm_triggers


@dataclass(frozen=True, slots=True)
class _Targets:
    ward: Ward

    def of(self, rule: Rule) -> tuple[RuleTarget, ...]:
        self.ward.ask("find_targets")
        return self.ward.hidden_targets.get(rule.arn, ())


@dataclass(frozen=True, slots=True)
class _Schedules:
    ward: Ward

    def read_schedule(self, schedule: Schedule) -> Schedule | None:
        self.ward.ask("schedules")
        return self.ward.schedules.get(schedule.arn)


@dataclass(frozen=True, slots=True)
class _Details:
    ward: Ward

    def of(self, function: str, qualifier: str = "") -> FunctionDetails:
        self.ward.ask("details")
        known = self.ward.functions.get(function)
        if known is None:
            raise FunctionNotFoundError(function)
        if qualifier:
            version = self.ward.versions.get((function, qualifier))
            if version is None:
                raise FunctionNotFoundError(f"{function}:{qualifier}")
            return version
        usual = FunctionDetails(
            memory_mb=known.memory_mb,
            timeout_seconds=known.timeout_seconds,
            tracing_mode=known.tracing_mode,
        )
        return self.ward.details_.get(function, usual)

    def read_aliases(self, function: str) -> tuple[str, ...]:
        self.ward.ask("read_aliases")
        return tuple(
            qualifier
            for name, qualifier in self.ward.versions
            if name == function and not qualifier.isdecimal()
        )


def open_ward() -> Ward:
    """An account with one healthy function that was invoked, ``orders``."""
    ward = Ward()
    ward.add("orders")
    ward.invoked("orders")
    return ward


def facts_of(ward: Ward, name: str = "orders") -> FunctionUnderDiagnosis:
    """The facts of one function."""
    (found,) = ward.collector().facts((name,), NOON)
    return found
