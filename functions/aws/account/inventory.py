"""The account out of the facts: joined from the answers of several calls."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from functions.aws.account import facts as f
from functions.domain.account.api_callers import compose_route, lets_url_be_called, list_apis
from functions.domain.account.environment_references import Environment
from functions.domain.account.inventory import (
    Account,
    FunctionDescription,
    Integration,
    Queue,
    Role,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from functions.domain.account.inventory import NamedPolicy

_T = TypeVar("_T")

_TABLE_OF_STREAM: Final = "/stream/"


def build_account(facts: f.Facts) -> Account:
    """Everything that was read, in an order that does not depend on how it was read."""
    functions = tuple(_list_functions(facts))
    mappings = tuple(_list_known(facts, f.MAPPINGS))
    pipes = tuple(
        replace(
            pipe,
            filters=more.filters,
            role_arn=more.role_arn,
            dead_letter_arn=more.dead_letter_arn,
        )
        if (more := facts.of(f.PIPE_DETAILS).get(name)) is not None
        else pipe
        for name, pipe in sorted(facts.of(f.PIPES).items())
    )
    {one.source_arn for one in mappings} | {one.source_arn for one in pipes}
    return Account(
        account=facts.account,
        region=facts.region,
        partition=facts.partition,
        at=facts.at,
        functions=functions,
        roles=MappingProxyType(_collect_roles(facts)),
        mappings=mappings,
        buckets=tuple(
            replace(bucket, replicates_to=targets) if targets else bucket
            for name, bucket in sorted(facts.of(f.BUCKETS).items())
            if bucket is not None
            for targets in [facts.of(f.REPLICATIONS).get(name) or ()]
            if targets or bucket.notifications or bucket.has_event_bridge
        ),
        subscriptions=tuple(
            replace(one, is_filter_known=False)
            if (known := facts.of(f.FILTERS).get(arn)) is None
            else replace(
                one,
                filter_policy=known.policy,
                filter_scope=known.scope,
                dead_letter_arn=known.dead_letter_arn,
            )
            for arn, one in sorted(facts.of(f.SUBSCRIPTIONS).items())
        ),
        rules=tuple(
            replace(rule, targets=facts.of(f.TARGETS).get(arn) or ())
            for arn, rule in sorted(facts.of(f.RULES).items())
        ),
        schedules=tuple(_list_known(facts, f.SCHEDULES)),
        pipes=pipes,
        log_subscriptions=(
            *_list_known(facts, f.ACCOUNT_LOG_SUBSCRIPTIONS),
            *(one for each in _list_known(facts, f.LOG_SUBSCRIPTIONS) for one in each),
        ),
        apis=tuple(
            list_apis(
                functions,
                _list_urls(facts),
                _collect_integrations(facts),
            )
        ),
        state_machines=tuple(_list_known(facts, f.MACHINES)),
        queues=tuple(_list_queues(facts)),
        delivery_streams=tuple(_list_known(facts, f.STREAMS)),
        resource_policies=MappingProxyType(_collect_resource_policies(facts)),
        gaps=tuple(_list_known(facts, f.GAPS)),
    )


def _list_known(facts: f.Facts, section: f.Section[_T | None]) -> Iterable[_T]:
    """The entries of a section that AWS described, by their keys."""
    return (value for _, value in sorted(facts.of(section).items()) if value is not None)


def _list_queues(facts: f.Facts) -> Iterable[Queue]:
    """The queues that are polled, and those that only their dead-letter queue names."""
    polled = facts.of(f.QUEUES)
    for arn, queue in sorted(polled.items()):
        if queue is not None:
            yield Queue(
                arn=arn,
                dead_letter_arn=queue.dead_letter_arn,
                visibility_seconds=queue.visibility_seconds,
            )
    for target, from_queues in sorted(facts.of(f.DEAD_LETTER_SOURCES).items()):
        for source in from_queues or ():
            if polled.get(source) is None:
                yield Queue(arn=source, dead_letter_arn=target)


def _collect_resource_policies(facts: f.Facts) -> dict[str, str]:
    queues = facts.of(f.QUEUES).items()
    policies = facts.of(f.RESOURCE_POLICIES).items()
    return (
        dict(facts.of(f.BUS_POLICIES))
        | {arn: described.policy for arn, described in queues if described is not None}
        | {arn: text for arn, text in policies if text is not None}
    )


def find_tables(sources: Iterable[str]) -> dict[str, str]:
    """The table of each DynamoDB stream: its ARN begins with the table's.

    >>> find_tables(["arn:aws:dynamodb:a:1:table/orders/stream/2026"])
    {'arn:aws:dynamodb:a:1:table/orders/stream/2026': 'arn:aws:dynamodb:a:1:table/orders'}
    """
    return {
        arn: arn.partition(_TABLE_OF_STREAM)[0]
        for arn in sorted(sources)
        if ":dynamodb:" in arn and _TABLE_OF_STREAM in arn
    }


def _list_functions(facts: f.Facts) -> Iterable[FunctionDescription]:
    policies: dict[str, dict[str, str]] = {}
    unknown: set[str] = set()
    for key, text in sorted(facts.of(f.POLICIES).items()):
        name, _, qualifier = key.partition(":")
        if text is None:
            unknown.add(name)
        elif text:
            policies.setdefault(name, {})[qualifier] = text
    known = facts.of(f.POLICIES)
    for name, one in sorted(facts.of(f.FUNCTIONS).items()):
        destinations = facts.of(f.DESTINATIONS).get(name) or f.DestinationFacts()
        # The constructor by name: `replace` looks every field up again, 10,000 times.
        yield FunctionDescription(
            name=name,
            arn=one.arn,
            role_arn=one.role_arn,
            environment=facts.of(f.ENVIRONMENTS).get(name) or Environment(),
            tags=facts.of(f.TAGS).get(name, {}),
            resource_policies=policies.get(name, {}),
            is_policy_known=name in known and name not in unknown,
            dead_letter_arn=one.dead_letter_arn,
            on_success_arn=destinations.on_success_arn,
            on_failure_arn=destinations.on_failure_arn,
            log_group=one.log_group,
            recursive_loop=facts.of(f.RECURSION).get(name) or "",
            memory_mb=one.memory_mb,
            timeout_seconds=one.timeout_seconds,
            runtime=one.runtime,
            tracing_mode=one.tracing_mode,
            last_modified=one.last_modified,
        )


def _collect_roles(facts: f.Facts) -> dict[str, Role]:
    managed = facts.of(f.MANAGED)
    found: dict[str, Role] = {}
    for arn, role in facts.of(f.ROLES).items():
        if role is None:
            found[arn] = Role(arn=arn, is_complete=False)
            continue
        attached = [managed.get(one) for one in role.attached]
        boundary = managed.get(role.boundary) if role.boundary else None
        found[arn] = Role(
            arn=arn,
            policies=(*role.inline, *_present(attached)),
            boundary=boundary,
            trust=role.trust,
            is_complete=role.is_complete
            and None not in attached
            and (boundary is not None or not role.boundary),
        )
    return found


def _present(policies: Iterable[NamedPolicy | None]) -> Iterable[NamedPolicy]:
    return (one for one in policies if one is not None)


def _collect_integrations(facts: f.Facts) -> dict[str, tuple[Integration, ...]]:
    """What leads to functions, by ARN of the API; nothing of one whose routes are not known."""
    place = f"arn:{facts.partition}:execute-api:{facts.region}:{facts.account}"
    found: dict[str, tuple[Integration, ...]] = {}
    for api, integrations in sorted(facts.of(f.INTEGRATIONS).items()):
        by_id = {one.id: one for one in integrations or ()}
        found[f"{place}:{api}"] = tuple(
            Integration(
                function_arn=by_id[target].function_arn,
                source_arn=f"{place}:{api}/*/{compose_route(key)}",
                role_arn=by_id[target].role_arn,
            )
            for key, target in sorted((facts.of(f.ROUTES).get(api) or {}).items())
            if target in by_id
        )
    for api, methods in sorted(facts.of(f.METHODS).items()):
        found[f"{place}:{api}"] = tuple(
            Integration(
                function_arn=one.function_arn,
                source_arn=f"{place}:{api}/*/{compose_route(f'{one.method} {one.path}')}",
                role_arn=one.role_arn,
            )
            for one in sorted(methods or (), key=lambda one: (one.path, one.method))
        )
    return {arn: integrations for arn, integrations in found.items() if integrations}


def _list_urls(facts: f.Facts) -> dict[str, tuple[str, ...]]:
    """The URLs of functions, as long as somebody may call them."""
    found = {name: facts.of(f.URLS).get(name) for name in list_functions_with_urls(facts)}
    return {name: urls for name, urls in found.items() if urls}


def list_functions_with_urls(facts: f.Facts) -> list[str]:
    """The functions whose URL somebody may call, by their resource policy."""
    return [
        key.partition(":")[0]
        for key, text in facts.of(f.POLICIES).items()
        if text and lets_url_be_called((text,))
    ]
