"""What carries events on by a rule: EventBridge's buses and rules, schedules, pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.account import facts as f
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_client import GoneError, Operation, Paging
from functions.domain.account.inventory import Area, Pipe, Rule, RuleTarget, Schedule
from functions.domain.account.names import parse_bus_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from functions.aws.account.read_session import Entry, ReadSession

_LIST_BUSES: Final = Operation(
    service="events", method="list_event_buses", action="events:ListEventBuses", lane=Quota.EVENTS
)
_LIST_RULES: Final = Operation(
    service="events", method="list_rules", action="events:ListRules", lane=Quota.EVENTS
)
_LIST_TARGETS: Final = Operation(
    service="events",
    method="list_targets_by_rule",
    action="events:ListTargetsByRule",
    lane=Quota.EVENTS,
)
_GET_RULE: Final = Operation(
    service="events", method="describe_rule", action="events:DescribeRule", lane=Quota.EVENTS
)
_LIST_SCHEDULES: Final = Operation(
    service="scheduler",
    method="list_schedules",
    action="scheduler:ListSchedules",
    lane=Quota.SCHEDULER,
)
_GET_SCHEDULE: Final = Operation(
    service="scheduler", method="get_schedule", action="scheduler:GetSchedule", lane=Quota.SCHEDULER
)
_LIST_PIPES: Final = Operation(
    service="pipes", method="list_pipes", action="pipes:ListPipes", lane=Quota.PIPES
)
_GET_PIPE: Final = Operation(
    service="pipes", method="describe_pipe", action="pipes:DescribePipe", lane=Quota.PIPES
)
OPERATIONS: Final = (
    _LIST_BUSES,
    _LIST_RULES,
    _LIST_TARGETS,
    _GET_RULE,
    _LIST_SCHEDULES,
    _GET_SCHEDULE,
    _LIST_PIPES,
    _GET_PIPE,
)
IAM_ACTIONS: Final = frozenset(one.action for one in OPERATIONS)

_DEFAULT_BUS: Final = "default"
_PER_PAGE: Final = 100
# Schedules of one group that are listed again at most, in 20 pages: a second at the guard's pace.
MOST_RELISTED: Final = 2000
_BUSES: Final = "buses"
_TOKENS: Final = Paging()
# Where a pipe keeps the filter of its source.
_FILTERS: Final = "FilterCriteria"
_STREAM_PARAMETERS: Final = ("KinesisStreamParameters", "DynamoDBStreamParameters")


# -- rules


def list_rules(reading: ReadSession) -> None:
    """The rules of all buses, the default one first."""
    reading.read_listing(
        _BUSES,
        Area.RULES,
        _LIST_BUSES,
        "EventBuses",
        lambda entry: _take_bus_policy(reading, entry),
        Limit=_PER_PAGE,
    )
    listed = (parse_bus_name(arn) for arn in reading.facts.of(f.BUS_POLICIES))
    for bus in dict.fromkeys((_DEFAULT_BUS, *listed)):
        _list_rules_of(reading, bus)


def reread_bus(reading: ReadSession, _name: str) -> None:
    """The buses after the policy of one was changed: one list has all of them."""
    reading.facts.begin_again(_BUSES)
    list_rules(reading)


def _take_bus_policy(reading: ReadSession, entry: Entry) -> None:
    arn = entry.get("Arn") or reading.compose_arn("events", f"event-bus/{entry['Name']}")
    reading.facts.put(f.BUS_POLICIES, arn, entry.get("Policy", ""))


def _list_rules_of(reading: ReadSession, bus: str) -> None:
    def take(entry: Entry) -> None:
        reading.facts.put(f.RULES, entry["Arn"], _rule(reading, entry, bus))

    reading.read_listing(
        f"rules {bus}",
        Area.RULES,
        _LIST_RULES,
        "Rules",
        take,
        EventBusName=bus,
        Limit=_PER_PAGE,
    )


def read_targets(reading: ReadSession, arns: Iterable[str]) -> None:
    """The targets of these rules."""
    rules = reading.facts.of(f.RULES)

    def read(arn: str) -> tuple[RuleTarget, ...]:
        rule = rules[arn]
        targets = [
            _parse_target(one)
            for page, _ in reading.asker.read_pages(
                _LIST_TARGETS, _TOKENS, Rule=rule.name, EventBusName=parse_bus_name(rule.bus_arn)
            )
            for one in page["Targets"]
        ]
        return tuple(targets)

    reading.read_details(f.TARGETS, Area.RULES, arns, read, if_gone=())


def reread_rule(reading: ReadSession, bus: str, name: str) -> None:
    """A rule after a change of it or its targets."""
    try:
        answer = reading.asker.ask(_GET_RULE, Name=name, EventBusName=bus)
    except GoneError:
        for arn in rule_arns(reading, bus, name):
            reading.facts.drop(f.RULES, arn)
            reading.facts.drop(f.TARGETS, arn)
        return
    reading.facts.put(f.RULES, answer["Arn"], _rule(reading, answer, bus))
    reading.facts.drop(f.TARGETS, answer["Arn"])


def rule_arns(reading: ReadSession, bus: str, name: str) -> list[str]:
    """The ARNs of the known rules of a bus with this name."""
    return [
        arn
        for arn, rule in reading.facts.of(f.RULES).items()
        if rule.name == name and parse_bus_name(rule.bus_arn) == parse_bus_name(bus)
    ]


def _rule(reading: ReadSession, entry: Entry, bus: str) -> Rule:
    return Rule(
        arn=entry["Arn"],
        name=entry["Name"],
        bus_arn=bus
        if bus.startswith("arn:")
        else reading.compose_arn("events", f"event-bus/{bus}"),
        pattern=entry.get("EventPattern", ""),
        schedule=entry.get("ScheduleExpression", ""),
        is_enabled=entry.get("State", "ENABLED") != "DISABLED",
    )


def _parse_target(entry: Entry) -> RuleTarget:
    return RuleTarget(
        arn=entry["Arn"],
        id=entry.get("Id", ""),
        dead_letter_arn=(entry.get("DeadLetterConfig") or {}).get("Arn", ""),
        role_arn=entry.get("RoleArn", ""),
        input_is_constant="Input" in entry,
    )


# -- schedules


def list_schedules(reading: ReadSession) -> None:
    """All schedules, as far as the list says: its entries name the target."""

    def take(entry: Entry) -> None:
        reading.facts.put(f.SCHEDULES, entry["Arn"], _schedule(entry))

    reading.read_listing(
        "schedules",
        Area.SCHEDULES,
        _LIST_SCHEDULES,
        "Schedules",
        take,
        MaxResults=_PER_PAGE,
    )


def reread_schedule(reading: ReadSession, group: str, name: str) -> None:
    """A schedule after a change."""
    try:
        answer = reading.asker.ask(_GET_SCHEDULE, GroupName=group, Name=name)
    except GoneError:
        reading.facts.drop(
            f.SCHEDULES, reading.compose_arn("scheduler", f"schedule/{group}/{name}")
        )
        return
    # Role and dead letters are left out, as the list leaves them out: one shape of the facts.
    reading.facts.put(f.SCHEDULES, answer["Arn"], _schedule(answer))


def relist_group(reading: ReadSession, group: str) -> None:
    """The schedules of a group as they are now; of a very large one, what is known stays."""
    start = reading.compose_arn("scheduler", f"schedule/{group}/")
    known = [arn for arn in reading.facts.of(f.SCHEDULES) if arn.startswith(start)]
    if len(known) > MOST_RELISTED:
        return
    found: dict[str, Schedule] = {}
    is_complete = True
    try:
        for page, following in reading.asker.read_pages(
            _LIST_SCHEDULES, _TOKENS, GroupName=group, MaxResults=_PER_PAGE
        ):
            found |= {entry["Arn"]: _schedule(entry) for entry in page["Schedules"]}
            if len(found) >= MOST_RELISTED:
                is_complete = not following
                break
    except GoneError:
        found = {}
    for arn in known:
        if is_complete and arn not in found:
            reading.facts.drop(f.SCHEDULES, arn)
    for arn, schedule in found.items():
        reading.facts.put(f.SCHEDULES, arn, schedule)


def _schedule(entry: Entry) -> Schedule:
    return Schedule(
        arn=entry["Arn"],
        target_arn=(entry.get("Target") or {}).get("Arn", ""),
        is_enabled=entry.get("State", "ENABLED") != "DISABLED",
    )


# -- pipes


def list_pipes(reading: ReadSession) -> None:
    """All pipes, without their filters."""

    def take(entry: Entry) -> None:
        reading.facts.put(f.PIPES, entry["Name"], _parse_pipe(entry))

    reading.read_listing("pipes", Area.PIPES, _LIST_PIPES, "Pipes", take, Limit=_PER_PAGE)


def read_pipes(reading: ReadSession) -> None:
    """The filter, the role and the dead-letter queue of each pipe."""

    def read(name: str) -> f.PipeFacts:
        answer = reading.asker.ask(_GET_PIPE, Name=name)
        source = answer.get("SourceParameters") or {}
        criteria = source.get(_FILTERS) or {}
        streams = [source.get(one) or {} for one in _STREAM_PARAMETERS]
        dead_letters = [(one.get("DeadLetterConfig") or {}).get("Arn", "") for one in streams]
        return f.PipeFacts(
            filters=tuple(one["Pattern"] for one in criteria.get("Filters") or ()),
            role_arn=answer.get("RoleArn", ""),
            dead_letter_arn="".join(dead_letters),
        )

    reading.read_details(
        f.PIPE_DETAILS, Area.PIPES, reading.facts.of(f.PIPES), read, if_gone=f.PipeFacts()
    )


def reread_pipe(reading: ReadSession, name: str) -> None:
    """A pipe after a change."""
    reading.facts.drop(f.PIPE_DETAILS, name)
    try:
        answer = reading.asker.ask(_GET_PIPE, Name=name)
    except GoneError:
        reading.facts.drop(f.PIPES, name)
        return
    reading.facts.put(f.PIPES, name, _parse_pipe(answer))


def _parse_pipe(entry: Entry) -> Pipe:
    return Pipe(
        arn=entry["Arn"],
        source_arn=entry.get("Source", ""),
        target_arn=entry.get("Target", ""),
        enrichment_arn=entry.get("Enrichment", ""),
        is_enabled=entry.get("DesiredState", "RUNNING") == "RUNNING",
    )
