"""Collects facts: account-wide lists first, then details of what something is suspected of.

Whatever AWS does not answer is a gap of one part of one function's facts: it silences the checks
that need it, and stops nothing else.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

from functions.domain.account.inventory import Account, Area, FunctionDescription
from functions.domain.diagnosis.checks import no_traces, not_authorized, too_slow
from functions.domain.diagnosis.collection.caller_access import (
    INVOKE,
    is_questionable,
    is_refused,
    may_all,
)
from functions.domain.diagnosis.collection.failure_metrics import (
    SOURCES,
    group_of,
    query_failed_calls,
)
from functions.domain.diagnosis.collection.guard_state import GuardState
from functions.domain.diagnosis.collection.measured_facts import (
    configure,
    deserves_reports,
    read_group,
)
from functions.domain.diagnosis.collection.ports import Readers
from functions.domain.diagnosis.collection.traffic import (
    Measured,
    log_group_of,
    query_invocations,
)
from functions.domain.diagnosis.facts import (
    CallerKind,
    DenialSource,
    DeniedCall,
    FactGap,
    FoundTrigger,
    FunctionUnderDiagnosis,
    InvokedVersion,
    LogGroupFacts,
    Part,
    TracingFacts,
    Traffic,
)
from functions.domain.diagnosis.invokers import Invokers
from functions.domain.errors import FunctionNotFoundError, LoopbreakerError
from functions.domain.incidents.policy import EXEMPT_TAG
from functions.workflows.diagnosis.measure_traffic import (
    count_failures,
    count_sums,
    measure_traffic,
)
from functions.workflows.diagnosis.read_schedules import add_roles, list_groups

if TYPE_CHECKING:
    from functions.domain.account.inventory import Rule
    from functions.domain.diagnosis.facts import Simulation

_T = TypeVar("_T")
LOGGING: Final = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
TRACING: Final = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
# How many principals one function has simulated at most: the API is slow and throttled early.
MOST_SIMULATED: Final = 5
_LATEST: Final = "$LATEST"
# Which part of a function's facts is missing where an area of the account could not be read.
_PARTS: Final[Mapping[Area, Part]] = {
    Area.POLICIES: Part.RESOURCE_POLICY,
    Area.ROLES: Part.ROLE,
    Area.BUCKETS: Part.TRIGGERS,
    Area.TOPICS: Part.TRIGGERS,
    Area.RULES: Part.TRIGGERS,
    Area.APIS: Part.TRIGGERS,
    Area.LOGS: Part.TRIGGERS,
    Area.MAPPINGS: Part.TRIGGERS,
    Area.SCHEDULES: Part.CALLERS,
    Area.PIPES: Part.CALLERS,
    Area.STATE_MACHINES: Part.CALLERS,
    Area.DESTINATIONS: Part.CALLERS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCollector:
    """One reading of the account, out of which the facts of any of its functions come.

    Attributes
    ----------
    alarms
        What alarms invoke, by the function's name.
    failed
        How often EventBridge could not invoke a target of a rule, by the rule's ARN, or of a group
        of schedules, by its name; of those that never failed there is nothing.
    unread
        What is not known of the schedules that invoke a function, by the function's name.
    traced
        ARNs of the functions with active tracing.
    """

    account: Account
    surroundings: Invokers
    readers: Readers
    guard: GuardState
    alarms: Mapping[str, tuple[FoundTrigger, ...]]
    failed: Mapping[str, int]
    unread: Mapping[str, tuple[FactGap, ...]]
    traced: frozenset[str]
    gaps: tuple[FactGap, ...]

    @classmethod
    def of(cls, account: Account, readers: Readers, guard: GuardState, now: datetime) -> Self:
        """Index the account and read what concerns all functions."""
        gaps = [
            FactGap(part=part, words=gap.words)
            for gap in account.gaps
            if not gap.resource and (part := _PARTS.get(gap.area)) is not None
        ]
        alarms, gap = _attempt(
            Part.TRIGGERS, lambda: readers.alarms.read_triggers(account.partition)
        )
        failed, unmeasured = _attempt(
            Part.DENIALS,
            lambda: count_failures(account.rules, list_groups(account), readers.metrics, now),
        )
        failing = frozenset(failed or ())
        complete, untold = _add_targets(account, failing, readers)
        complete, unread = add_roles(complete, failing, guard.closely, readers.schedules, now)
        return cls(
            account=complete,
            surroundings=Invokers.of(complete),
            readers=readers,
            guard=guard,
            alarms=alarms or {},
            failed=failed or {},
            unread=unread,
            traced=frozenset(one.arn for one in account.functions if one.tracing_mode == "Active"),
            gaps=(*gaps, *gap, *unmeasured, *untold),
        )

    def names(self) -> tuple[str, ...]:
        """All functions but the guard's own, in the order in which they are examined."""
        own = self.guard.own
        return tuple(sorted(one.name for one in self.account.functions if one.name not in own))

    def facts(self, names: Sequence[str], now: datetime) -> Iterator[FunctionUnderDiagnosis]:
        """The facts of functions: those that are gone, and the guard's own, are left out."""
        wanted = frozenset(names) - self.guard.own
        functions = sorted(
            (one for one in self.account.functions if one.name in wanted),
            key=lambda one: one.name,
        )
        measured, gaps = _attempt(
            Part.TRAFFIC, lambda: measure_traffic(functions, self.readers.metrics, now)
        )
        shared = self._find_shared_groups()
        for function in functions:
            try:
                yield self._collect(
                    function, (measured or {}).get(function.name), gaps, shared, now
                )
            except FunctionNotFoundError:
                continue

    def _collect(
        self,
        function: FunctionDescription,
        measured: Measured | None,
        gaps: tuple[FactGap, ...],
        shared: frozenset[str],
        now: datetime,
    ) -> FunctionUnderDiagnosis:
        account, guard = self.account, self.guard
        name = function.name
        role = account.roles.get(function.role_arn)
        own_gaps = [*self.gaps, *gaps, *self.unread.get(name, ()), *self._find_gaps(function)]
        if role is None:
            own_gaps.append(FactGap(part=Part.ROLE, words=f"{function.role_arn} was not read"))
        if not function.is_policy_known:
            own_gaps.append(
                FactGap(part=Part.RESOURCE_POLICY, words="the resource policy was not read")
            )
        facts = FunctionUnderDiagnosis(
            function=function,
            at=now,
            account=account.account,
            region=account.region,
            partition=account.partition,
            role=role,
            triggers=self._find_triggers(name),
            callers=self.surroundings.callers.get(name, ()),
            denials=guard.denials.get(name, ()),
            mappings=self.surroundings.mappings.get(name, ()),
            qualifiers=self._find_qualifiers(name),
            traffic=None if measured is None else measured.traffic,
            tracing=TracingFacts(traced_upstream=self._find_traced_callers(name)),
            accused=tuple((one, account.roles.get(one)) for one in guard.accused.get(name, ())),
            memory_ceiling_mb=guard.memory_ceiling_mb,
            is_contained=name in guard.contained,
            is_exempt=name in guard.exempt or _is_exempt(function.tags),
            is_guard=name in guard.own,
            gaps=tuple(own_gaps),
        )
        return self._ask_closely(facts, measured, is_shared=log_group_of(function) in shared)

    def _find_triggers(self, name: str) -> tuple[FoundTrigger, ...]:
        found = (*self.surroundings.triggers.get(name, ()), *self.alarms.get(name, ()))
        return tuple(
            replace(one, failed_invocations=self.failed[one.source_arn])
            if one.source_arn in self.failed
            else one
            for one in found
        )

    def _ask_closely(
        self, facts: FunctionUnderDiagnosis, measured: Measured | None, *, is_shared: bool
    ) -> FunctionUnderDiagnosis:
        """The facts with what is worth asking about this function only."""
        group = read_group(facts, measured, is_shared=is_shared)
        facts = replace(facts, log_group=group)
        traffic = facts.traffic
        is_silent = group.has_events is False and traffic is not None and traffic.invocations > 0
        is_slow = traffic is not None and deserves_reports(facts.function, traffic)
        if is_silent or is_slow or facts.function.tracing_mode == "Active":
            facts = self._add_details(facts)
        is_active = facts.function.tracing_mode == "Active"
        is_untraced = not is_active and no_traces.is_expected(facts)
        if is_silent:
            facts = self._add_log_group(facts)
        if is_slow and traffic is not None:
            facts = self._add_reports(facts, traffic)
        if is_untraced or too_slow.examine(facts) is not None:
            facts = self._add_aliases(facts)
        if is_slow or is_untraced or is_active:
            facts = self._add_version(facts)
        return self._add_failed_calls(self._add_simulations(facts, is_silent=is_silent))

    def _add_details(self, facts: FunctionUnderDiagnosis) -> FunctionUnderDiagnosis:
        """The facts with the configuration of this moment.

        Raises
        ------
        FunctionNotFoundError
            When the function is gone by now.
        """
        details, gaps = _attempt(Part.FUNCTION, lambda: self.readers.details.of(facts.name))
        facts = replace(facts, gaps=(*facts.gaps, *gaps))
        if details is None:
            return facts
        group = facts.log_group
        return replace(
            facts,
            function=configure(facts.function, details),
            architecture=details.architecture,
            description=details.description,
            tracing=replace(facts.tracing, layers=details.layers),
            log_group=None
            if group is None
            else replace(group, system_log_level=details.system_log_level),
        )

    def _find_qualifiers(self, name: str) -> tuple[str, ...]:
        """The versions and aliases of a function that something in the account names."""
        around = self.surroundings
        named = [one.qualifier for one in self._find_triggers(name)]
        named += [one.qualifier for one in around.callers.get(name, ())]
        named += [
            one.function_arn.partition(f":function:{name}:")[2]
            for one in around.mappings.get(name, ())
        ]
        return tuple(sorted({one for one in named if one not in {"", _LATEST}}))

    def _add_aliases(self, facts: FunctionUnderDiagnosis) -> FunctionUnderDiagnosis:
        """The facts with all aliases: callers outside of the account's configuration use them."""
        aliases, gaps = _attempt(
            Part.VERSIONS, lambda: self.readers.details.read_aliases(facts.name)
        )
        return replace(
            facts,
            qualifiers=tuple(sorted({*facts.qualifiers, *(aliases or ())})),
            gaps=(*facts.gaps, *gaps),
        )

    def _add_version(self, facts: FunctionUnderDiagnosis) -> FunctionUnderDiagnosis:
        """The facts with the configuration of the version that is invoked most.

        Where CloudWatch counts nothing of them, what a trigger names is taken to be invoked.
        """
        name, traffic = facts.name, facts.traffic
        if not facts.qualifiers or traffic is None:
            return facts
        asked = {one: query_invocations(name, one) for one in facts.qualifiers}
        totals, gaps = _attempt(
            Part.VERSIONS,
            lambda: count_sums(tuple(asked.values()), self.readers.metrics, facts.at),
        )
        facts = replace(facts, gaps=(*facts.gaps, *gaps))
        times = {one: (totals or {}).get(metric, 0) for one, metric in asked.items()}
        most = max(times, key=lambda one: times[one])
        if not times[most]:
            most = next(iter(self._find_qualifiers(name)), "")
        elif traffic.invocations - sum(times.values()) > times[most]:
            most = ""  # most invocations name no version
        if not most:
            return facts
        try:
            details, gaps = _attempt(Part.VERSIONS, lambda: self.readers.details.of(name, most))
        except FunctionNotFoundError:
            return facts  # what names it leads nowhere
        facts = replace(facts, gaps=(*facts.gaps, *gaps))
        if details is None or details.version == _LATEST:
            return facts
        return replace(
            facts,
            function=configure(facts.function, details),
            architecture=details.architecture,
            version=InvokedVersion(qualifier=most, version=details.version),
        )

    def _add_log_group(self, facts: FunctionUnderDiagnosis) -> FunctionUnderDiagnosis:
        name = log_group_of(facts.function)
        known = facts.log_group or LogGroupFacts(name=name)
        group, gaps = _attempt(Part.LOG_GROUP, lambda: self.readers.logs.group(name))
        if gaps:
            return replace(facts, gaps=(*facts.gaps, *gaps))
        if group is None:
            return replace(facts, log_group=replace(known, exists=False))
        return replace(
            facts,
            log_group=replace(
                known,
                exists=True,
                kms_key_arn=group.kms_key_arn,
            ),
        )

    def _add_reports(
        self, facts: FunctionUnderDiagnosis, traffic: Traffic
    ) -> FunctionUnderDiagnosis:
        group = log_group_of(facts.function)
        reports, gaps = _attempt(
            Part.REPORTS,
            lambda: self.readers.logs.read_reports(group, traffic.since, traffic.until),
        )
        return replace(facts, reports=reports, gaps=(*facts.gaps, *gaps))

    def _add_failed_calls(self, facts: FunctionUnderDiagnosis) -> FunctionUnderDiagnosis:
        """The facts with how often callers failed that may not invoke the function.

        Asked of these only: a state machine or a destination fails for many reasons, and a count
        of failures says nothing about one whose role may.
        """
        facts = replace(facts, denials=(*facts.denials, *self._count_failed_schedules(facts)))
        asked = {
            question: caller
            for caller in facts.callers
            if is_refused(caller, facts) and (question := query_failed_calls(caller)) is not None
        }
        if not asked:
            return facts
        found, gaps = _attempt(
            Part.DENIALS,
            lambda: count_sums(tuple(asked), self.readers.metrics, facts.at),
        )
        denials = tuple(
            DeniedCall(
                source=SOURCES[caller.kind],
                principal_arn=caller.role_arn,
                count=count,
                qualifier=caller.qualifier,
            )
            for question, caller in asked.items()
            if (count := (found or {}).get(question, 0))
        )
        return replace(facts, denials=(*facts.denials, *denials), gaps=(*facts.gaps, *gaps))

    def _count_failed_schedules(self, facts: FunctionUnderDiagnosis) -> Iterator[DeniedCall]:
        """What the groups count of the schedules whose role may not invoke the function."""
        groups: dict[str, set[str]] = {}
        for caller in facts.callers:
            if caller.kind is CallerKind.SCHEDULE and is_refused(caller, facts):
                groups.setdefault(caller.role_arn, set()).add(group_of(caller.arn))
        for role_arn, names in groups.items():
            count = sum(self.failed.get(one, 0) for one in names)
            if count:
                yield DeniedCall(source=DenialSource.SCHEDULE, principal_arn=role_arn, count=count)

    def _add_simulations(
        self, facts: FunctionUnderDiagnosis, *, is_silent: bool
    ) -> FunctionUnderDiagnosis:
        found: list[Simulation] = []
        gaps: list[FactGap] = []
        for principal, actions, resource in self._choose_questions(facts, is_silent=is_silent):
            answers, gap = _attempt(
                Part.SIMULATIONS,
                partial(self.readers.simulator.simulate, principal, actions, resource),
            )
            found.extend(answers or ())
            gaps.extend(gap)
        return replace(facts, simulations=tuple(found), gaps=(*facts.gaps, *gaps))

    def _choose_questions(
        self, facts: FunctionUnderDiagnosis, *, is_silent: bool
    ) -> Iterator[tuple[str, tuple[str, ...], str]]:
        """Which principals AWS is asked about: those that our own evaluation does not let pass."""
        if is_silent and facts.role is not None:
            group = f"arn:{facts.partition}:logs:{facts.region}:{facts.account}:log-group"
            yield facts.role.arn, LOGGING, f"{group}:{log_group_of(facts.function)}:log-stream:any"
        if (
            facts.role is not None
            and facts.function.tracing_mode == "Active"
            and not may_all(facts, TRACING)
        ):
            yield facts.role.arn, TRACING, "*"
        asked: dict[tuple[str, str], None] = {}
        for caller in facts.callers:
            if caller.role is not None and is_questionable(caller, facts):
                asked[caller.role_arn, not_authorized.find_targets(facts, caller)[0]] = None
        for denied in facts.denials:
            if denied.principal_arn.partition(":iam::")[2]:
                asked[denied.principal_arn, not_authorized.find_target(facts, denied)] = None
        for principal, target in list(asked)[:MOST_SIMULATED]:
            yield principal, (INVOKE,), target

    def _find_traced_callers(self, name: str) -> tuple[str, ...]:
        callers = self.surroundings.callers.get(name, ())
        return tuple(one.arn for one in callers if one.arn in self.traced)

    def _find_gaps(self, function: FunctionDescription) -> Iterator[FactGap]:
        for gap in self.account.gaps:
            part = _PARTS.get(gap.area)
            if part is not None and gap.resource in {
                function.name,
                function.arn,
                function.role_arn,
            } - {""}:
                yield FactGap(part=part, words=gap.words)

    def _find_shared_groups(self) -> frozenset[str]:
        """Log groups of several functions, of which a metric shows nothing about one of them."""
        seen: set[str] = set()
        shared: set[str] = set()
        for function in self.account.functions:
            group = log_group_of(function)
            (shared if group in seen else seen).add(group)
        return frozenset(shared)


def _add_targets(
    account: Account, failed: frozenset[str], readers: Readers
) -> tuple[Account, tuple[FactGap, ...]]:
    """The account with the targets of rules that fail, where its reading left them out."""
    rules: list[Rule] = []
    gaps: list[FactGap] = []
    for rule in account.rules:
        if rule.targets or rule.arn not in failed:
            rules.append(rule)
            continue
        targets, gap = _attempt(Part.TRIGGERS, partial(readers.targets.of, rule))
        rules.append(replace(rule, targets=targets or ()))
        gaps.extend(gap)
    return replace(account, rules=tuple(rules)), tuple(gaps)


def _is_exempt(tags: Mapping[str, str]) -> bool:
    return tags.get(EXEMPT_TAG, "").strip().lower() == "true"


def _attempt(part: Part, ask: Callable[[], _T]) -> tuple[_T | None, tuple[FactGap, ...]]:
    """An answer, or the gap that its absence leaves. That the function is gone is no gap."""
    try:
        return ask(), ()
    except FunctionNotFoundError:
        raise
    except LoopbreakerError as error:
        return None, (FactGap(part=part, words=str(error)),)
