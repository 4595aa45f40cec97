"""Which metrics count that something failed to invoke a function."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from functions.domain.account.inventory import Rule
from functions.domain.account.names import parse_bus_name
from functions.domain.diagnosis.collection.metric_queries import Family, MetricQuery
from functions.domain.diagnosis.facts import CallerKind, DenialSource, NamedCaller

DEFAULT_BUS: Final = "default"
# They are there only while they are not zero, and have a dimension for the bus only where that is
# not the default one (EventBridge user guide, *Monitoring Amazon EventBridge*).
_ON_THE_DEFAULT_BUS: Final = Family(
    namespace="AWS/Events", metric="FailedInvocations", dimensions=("RuleName",)
)
_ON_ANOTHER_BUS: Final = replace(_ON_THE_DEFAULT_BUS, dimensions=("EventBusName", "RuleName"))
RULE_FAILURES: Final = (_ON_THE_DEFAULT_BUS, _ON_ANOTHER_BUS)
# UNCONFIRMED A-037: that it is there only while it is not zero. If it is always there, each hour
# some metrics more are analysed.
SCHEDULE_FAILURES: Final = Family(
    namespace="AWS/Scheduler", metric="TargetErrorCount", dimensions=("ScheduleGroup",)
)
SOURCES: Final[Mapping[CallerKind, DenialSource]] = {
    CallerKind.STATE_MACHINE: DenialSource.STATE_MACHINE,
    CallerKind.DESTINATION: DenialSource.DESTINATION,
}


def query_rule_failures(rule: Rule) -> MetricQuery:
    """How often EventBridge could not invoke a target of a rule."""
    bus = find_bus_name(rule)
    if bus == DEFAULT_BUS:
        return _ON_THE_DEFAULT_BUS.build_query((rule.name,))
    return _ON_ANOTHER_BUS.build_query((bus, rule.name))


def find_bus_name(rule: Rule) -> str:
    """The name of the bus of a rule."""
    return parse_bus_name(rule.bus_arn) or DEFAULT_BUS


def group_of(arn: str) -> str:
    """The name of the group in a schedule's ARN; empty where it has not the shape of one.

    >>> group_of("arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly")
    'default'
    """
    return group_and_name(arn)[0]


def query_group_failures(group: str) -> MetricQuery:
    """How often a target refused or failed an invocation by some schedule of the group.

    Counted for the whole group only (EventBridge Scheduler user guide, *Monitoring Amazon
    EventBridge Scheduler with Amazon CloudWatch*).

    UNCONFIRMED A-038: that an invocation which the schedule's role may not make is counted here. If
    it is not, such a schedule is not read, and nothing is said of it.
    """
    return SCHEDULE_FAILURES.build_query((group,))


def group_and_name(arn: str) -> tuple[str, str]:
    """Group and name, in ``arn:aws:scheduler:<region>:<account>:schedule/<group>/<name>``."""
    group, _, name = arn.partition(":schedule/")[2].partition("/")
    return group, name


def query_failed_calls(caller: NamedCaller) -> MetricQuery | None:
    """What counts the failures of a caller; ``None`` where CloudWatch does not tell of one.

    A schedule's failures are counted for its whole group only: see `count_failures`.
    """
    match caller.kind:
        case CallerKind.STATE_MACHINE:
            return MetricQuery(
                namespace="AWS/States",
                metric="ExecutionsFailed",
                dimensions=(("StateMachineArn", caller.arn),),
            )
        case CallerKind.DESTINATION:
            name = caller.arn.partition(":function:")[2].partition(":")[0]
            return MetricQuery(
                namespace="AWS/Lambda",
                metric="DestinationDeliveryFailures",
                dimensions=(("FunctionName", name),),
            )
        case _:
            return None
