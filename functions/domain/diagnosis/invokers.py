"""Who invokes, or names, each function: read once out of the account that the event graph reads."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from functions.domain.account.inventory import (
    Account,
    FunctionDescription,
    MappingDescription,
    Schedule,
    StateMachine,
)
from functions.domain.account.state_machines import AccountLocation, read_machine
from functions.domain.diagnosis.facts import CallerKind, FoundTrigger, InvokerKind, NamedCaller
from functions.domain.iam.access import account_of
from functions.domain.notices.text import clean, shorten_arn

_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:lambda:(?P<place>[a-z0-9-]+:\d{12}):function:"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)


@dataclass(frozen=True, slots=True)
class _Target:
    """A function of the account, and the version or alias that is named."""

    name: str
    qualifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invokers:
    """Triggers, callers and mappings by the name of the function that they lead to.

    Alarms are not among an account's descriptions: who reads them adds their triggers. An API whose
    routes are not known is only seen where a resource policy names it.
    """

    triggers: Mapping[str, tuple[FoundTrigger, ...]]
    callers: Mapping[str, tuple[NamedCaller, ...]]
    mappings: Mapping[str, tuple[MappingDescription, ...]]

    @classmethod
    def of(cls, account: Account) -> Self:
        """Index an account, in one pass over it."""
        triggers: dict[str, dict[FoundTrigger, None]] = defaultdict(dict)
        callers: dict[str, dict[tuple[str, str, str], NamedCaller]] = defaultdict(dict)
        mappings: dict[str, list[MappingDescription]] = defaultdict(list)
        known = _Index(account)
        for name, trigger in _find_triggers(account, known):
            triggers[name].setdefault(trigger)
        for name, caller in _find_callers(account, known):
            role = account.roles.get(caller.role_arn)
            key = (caller.arn, caller.role_arn, caller.qualifier)
            # What invokes it for sure comes first and is not replaced by what only names it.
            callers[name].setdefault(key, replace(caller, role=role))
        for mapping in account.mappings:
            target = known.find_target(mapping.function_arn)
            if target:
                mappings[target.name].append(mapping)
        return cls(
            triggers={name: tuple(found) for name, found in triggers.items()},
            callers={name: tuple(found.values()) for name, found in callers.items()},
            mappings={name: tuple(found) for name, found in mappings.items()},
        )


def find_scheduled(account: Account) -> tuple[tuple[str, Schedule], ...]:
    """The enabled schedules that invoke functions of the account, with these functions' names."""
    known = _Index(account)
    return tuple(
        (target.name, one)
        for one in account.schedules
        if one.is_enabled and (target := known.find_target(one.target_arn))
    )


class _Index:
    """The functions of the account, found by ARN; `home` is where names without one are."""

    def __init__(self, account: Account) -> None:
        self._names = frozenset(one.name for one in account.functions)
        self._place = f"{account.region}:{account.account}"
        self.home = AccountLocation(
            partition=account.partition, region=account.region, account=account.account
        )

    def find_target(self, arn: str) -> _Target | None:
        """The function of an ARN; ``None`` for anything else."""
        found = _ARN.fullmatch(arn)
        if found is None or found["place"] != self._place or found["name"] not in self._names:
            return None
        return _Target(found["name"], found["qualifier"] or "")


def _find_triggers(account: Account, known: _Index) -> Iterator[tuple[str, FoundTrigger]]:
    yield from _find_rule_triggers(account, known)
    for bucket in account.buckets:
        for notification in bucket.notifications:
            target = known.find_target(notification.target_arn)
            if target:
                yield (
                    target.name,
                    FoundTrigger(
                        kind=InvokerKind.BUCKET,
                        principal="s3.amazonaws.com",
                        source_arn=f"arn:{account.partition}:s3:::{bucket.name}",
                        source_account=account.account,
                        qualifier=target.qualifier,
                        evidence=f"bucket {bucket.name} notifies it of"
                        f" {clean(', '.join(notification.events), 120)}",
                    ),
                )
    for subscription in account.subscriptions:
        target = known.find_target(subscription.endpoint)
        if target and subscription.protocol == "lambda":
            yield (
                target.name,
                FoundTrigger(
                    kind=InvokerKind.TOPIC,
                    principal="sns.amazonaws.com",
                    source_arn=subscription.topic_arn,
                    source_account=account_of(subscription.topic_arn),
                    qualifier=target.qualifier,
                    evidence=f"it is subscribed to topic {shorten_arn(subscription.topic_arn)}",
                ),
            )
    yield from _log_subscriptions(account, known)
    yield from _find_api_triggers(account, known)


def _find_rule_triggers(account: Account, known: _Index) -> Iterator[tuple[str, FoundTrigger]]:
    for rule in account.rules:
        for one in rule.targets:
            target = known.find_target(one.arn)
            # A target with a role is invoked with the rights of that role.
            if target and not one.role_arn:
                yield (
                    target.name,
                    FoundTrigger(
                        kind=InvokerKind.RULE,
                        principal="events.amazonaws.com",
                        source_arn=rule.arn,
                        source_account=account_of(rule.arn),
                        qualifier=target.qualifier,
                        evidence=f"rule {rule.name} has it as its target",
                        is_enabled=rule.is_enabled,
                    ),
                )


def _log_subscriptions(account: Account, known: _Index) -> Iterator[tuple[str, FoundTrigger]]:
    for one in account.log_subscriptions:
        target = known.find_target(one.destination_arn)
        if not target:
            continue
        group = one.log_group or "*"
        yield (
            target.name,
            FoundTrigger(
                kind=InvokerKind.LOGS,
                principal="logs.amazonaws.com",
                source_arn=f"arn:{account.partition}:logs:{account.region}:{account.account}"
                f":log-group:{group}{':*' if one.log_group else ''}",
                source_account=account.account,
                qualifier=target.qualifier,
                evidence=f"log group {one.log_group} sends its events to it"
                if one.log_group
                else "an account-level subscription filter sends log events to it",
                is_exact=bool(one.log_group),
            ),
        )


def _find_api_triggers(account: Account, known: _Index) -> Iterator[tuple[str, FoundTrigger]]:
    for api in account.apis:
        if ":execute-api:" not in api.arn:
            continue
        for one in api.integrations:
            target = known.find_target(one.function_arn)
            # One with a role is invoked with the rights of that role.
            if target and not one.role_arn:
                route = one.source_arn.partition("/*/")[2]
                yield (
                    target.name,
                    FoundTrigger(
                        kind=InvokerKind.API,
                        principal="apigateway.amazonaws.com",
                        source_arn=one.source_arn,
                        source_account=account_of(api.arn),
                        qualifier=target.qualifier,
                        evidence=f"API {shorten_arn(api.arn)} invokes it for {clean(route, 120)}",
                    ),
                )
        integrated = {one.function_arn for one in api.integrations}
        for arn in api.function_arns:
            target = None if arn in integrated else known.find_target(arn)
            if target:
                yield (
                    target.name,
                    FoundTrigger(
                        kind=InvokerKind.API,
                        principal="apigateway.amazonaws.com",
                        source_arn=f"{api.arn.partition('/')[0]}/*",
                        source_account=account_of(api.arn),
                        qualifier=target.qualifier,
                        evidence=f"API {shorten_arn(api.arn)} invokes it",
                        is_exact=False,
                    ),
                )


def _find_callers(account: Account, known: _Index) -> Iterator[tuple[str, NamedCaller]]:
    """What names functions: first what invokes them for sure, then what only may."""
    for named_arn, caller in _find_invokers(account):
        target = known.find_target(named_arn)
        if target:
            yield target.name, replace(caller, qualifier=target.qualifier)
    for machine in account.state_machines:
        for target in _find_targets(machine, known):
            yield (
                target.name,
                NamedCaller(
                    kind=CallerKind.STATE_MACHINE,
                    arn=machine.arn,
                    role_arn=machine.role_arn,
                    named_in="its definition",
                    qualifier=target.qualifier,
                ),
            )
    for function in account.functions:
        yield from _find_environment_callers(function, known)


def _find_invokers(account: Account) -> Iterator[tuple[str, NamedCaller]]:
    """What invokes an ARN with a role of its own, with that ARN: a function's, or another's."""
    for function in account.functions:
        caller = NamedCaller(
            kind=CallerKind.DESTINATION,
            arn=function.arn,
            role_arn=function.role_arn,
            named_in="its on-success destination",
        )
        yield function.on_success_arn, caller
        yield function.on_failure_arn, replace(caller, named_in="its on-failure destination")
    for schedule in account.schedules:
        if schedule.is_enabled:
            yield (
                schedule.target_arn,
                NamedCaller(
                    kind=CallerKind.SCHEDULE,
                    arn=schedule.arn,
                    role_arn=schedule.role_arn,
                    named_in="its target",
                ),
            )
    for pipe in account.pipes:
        if pipe.is_enabled:
            caller = NamedCaller(
                kind=CallerKind.PIPE, arn=pipe.arn, role_arn=pipe.role_arn, named_in="its target"
            )
            yield pipe.target_arn, caller
            yield pipe.enrichment_arn, replace(caller, named_in="its enrichment")


def _find_environment_callers(
    function: FunctionDescription, known: _Index
) -> Iterator[tuple[str, NamedCaller]]:
    for one in function.environment.references:
        target = known.find_target(one.resource)
        # A function knows its own name for many reasons; calling itself is the rarest.
        if target and target.name != function.name:
            yield (
                target.name,
                NamedCaller(
                    kind=CallerKind.FUNCTION,
                    arn=function.arn,
                    role_arn=function.role_arn,
                    named_in=f"environment variable {clean(one.variable, 80)}",
                    qualifier=target.qualifier,
                    is_certain=False,
                ),
            )


def _find_targets(machine: StateMachine, known: _Index) -> tuple[_Target, ...]:
    """The functions that a definition invokes; one that cannot be read invokes none.

    It is read as the event graph reads it, so that the two never disagree.
    """
    targets = (known.find_target(task.arn) for task in read_machine(machine, known.home).tasks)
    return tuple(dict.fromkeys(one for one in targets if one))
