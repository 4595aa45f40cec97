"""The account out of the facts: what one question told is joined with what the others did."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from functions.aws.account import facts as f
from functions.aws.account.services.sources import find_admitted
from functions.domain.account.environment_references import Environment
from functions.domain.account.inventory import (
    Account,
    Api,
    FunctionDescription,
    Integration,
    Queue,
    Role,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from functions.domain.account.inventory import NamedPolicy

_T = TypeVar("_T")

_CALLERS: Final = frozenset({"apigateway", "elasticloadbalancing"})
_KINDS: Final = {"apigateway": "api", "elasticloadbalancing": "load balancer"}
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")
_URL_ACTION: Final = "InvokeFunctionUrl"
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
            if (told := facts.of(f.FILTERS).get(arn)) is None
            else replace(
                one,
                filter_policy=told.policy,
                filter_scope=told.scope,
                dead_letter_arn=told.dead_letter_arn,
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
        apis=tuple(_list_apis(facts, functions)),
        state_machines=tuple(_list_known(facts, f.MACHINES)),
        queues=tuple(_list_queues(facts)),
        delivery_streams=tuple(_list_known(facts, f.STREAMS)),
        resource_policies=MappingProxyType(_collect_resource_policies(facts)),
        gaps=tuple(_list_known(facts, f.GAPS)),
    )


def _list_known(facts: f.Facts, section: f.Section[_T | None]) -> Iterable[_T]:
    """The entries of a section that AWS told, by their keys."""
    return (value for _, value in sorted(facts.of(section).items()) if value is not None)


def _list_queues(facts: f.Facts) -> Iterable[Queue]:
    """The queues that are polled, and those that only their dead-letter queue told of."""
    polled = facts.of(f.QUEUES)
    for arn, told in sorted(polled.items()):
        if told is not None:
            yield Queue(arn=arn, dead_letter_arn=told.dead_letter_arn)
    for target, from_queues in sorted(facts.of(f.DEAD_LETTER_SOURCES).items()):
        for source in from_queues or ():
            if polled.get(source) is None:
                yield Queue(arn=source, dead_letter_arn=target)


def _collect_resource_policies(facts: f.Facts) -> dict[str, str]:
    queues = facts.of(f.QUEUES).items()
    policies = facts.of(f.RESOURCE_POLICIES).items()
    return (
        dict(facts.of(f.BUS_POLICIES))
        | {arn: told.policy for arn, told in queues if told is not None}
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
    for arn, told in facts.of(f.ROLES).items():
        if told is None:
            found[arn] = Role(arn=arn, is_complete=False)
            continue
        attached = [managed.get(one) for one in told.attached]
        boundary = managed.get(told.boundary) if told.boundary else None
        found[arn] = Role(
            arn=arn,
            policies=(*told.inline, *_present(attached)),
            boundary=boundary,
            trust=told.trust,
            is_complete=told.is_complete
            and None not in attached
            and (boundary is not None or not told.boundary),
        )
    return found


def _present(policies: Iterable[NamedPolicy | None]) -> Iterable[NamedPolicy]:
    return (one for one in policies if one is not None)


def _list_apis(facts: f.Facts, functions: Iterable[FunctionDescription]) -> Iterable[Api]:
    """Who calls functions and waits, as their resource policies and the APIs tell."""
    behind: dict[tuple[str, str], dict[str, None]] = {}
    for function in functions:
        for qualifier, text in function.resource_policies.items():
            arn = f"{function.arn}:{qualifier}" if qualifier else function.arn
            for service, source in find_admitted(text, _CALLERS):
                behind.setdefault((service, _parse_api_arn(source)), {})[arn] = None
        if _has_url(function.resource_policies):
            urls = facts.of(f.URLS).get(function.name) or ("",)
            for url in urls:
                yield Api(arn=function.arn, function_arns=(function.arn,), url=url, kind="url")
    integrations = _collect_integrations(facts)
    for source, found in integrations.items():
        arns = behind.setdefault(("apigateway", source), {})
        arns.update((one.function_arn, None) for one in found)
    for (service, source), arns in behind.items():
        yield Api(
            arn=source,
            function_arns=tuple(arns),
            url=_compose_api_url(source) if service == "apigateway" else "",
            kind=_KINDS[service],
            integrations=integrations.get(source, ()),
        )


def _collect_integrations(facts: f.Facts) -> dict[str, tuple[Integration, ...]]:
    """What leads to functions, by ARN of the API; nothing of one whose routes are not known."""
    place = f"arn:{facts.partition}:execute-api:{facts.region}:{facts.account}"
    found: dict[str, tuple[Integration, ...]] = {}
    for api, told in sorted(facts.of(f.INTEGRATIONS).items()):
        by_id = {one.id: one for one in told or ()}
        found[f"{place}:{api}"] = tuple(
            Integration(
                function_arn=by_id[target].function_arn,
                source_arn=f"{place}:{api}/*/{_route(key)}",
                role_arn=by_id[target].role_arn,
            )
            for key, target in sorted((facts.of(f.ROUTES).get(api) or {}).items())
            if target in by_id
        )
    for api, methods in sorted(facts.of(f.METHODS).items()):
        found[f"{place}:{api}"] = tuple(
            Integration(
                function_arn=one.function_arn,
                source_arn=f"{place}:{api}/*/{_route(f'{one.method} {one.path}')}",
                role_arn=one.role_arn,
            )
            for one in sorted(methods or (), key=lambda one: (one.path, one.method))
        )
    return {arn: integrations for arn, integrations in found.items() if integrations}


def _route(key: str) -> str:
    """Method and path of a route as they stand in the ARN of the API's calls.

    A parameter is whatever the caller sends, or its name: a wildcard is both.

    >>> _route("ANY /orders/{id}"), _route("GET /"), _route("$default")
    ('*/orders/*', 'GET/', '$default')
    """
    method, _, path = key.partition(" ")
    return f"{'*' if method == 'ANY' else method}{_PARAMETER.sub('*', path)}"


def _has_url(policies: Mapping[str, str]) -> bool:
    return any(_URL_ACTION in text for text in policies.values())


def list_functions_with_urls(facts: f.Facts) -> list[str]:
    """The functions whose URL somebody may call, by their resource policy."""
    return [
        key.partition(":")[0]
        for key, text in facts.of(f.POLICIES).items()
        if text and _URL_ACTION in text
    ]


def _parse_api_arn(source: str) -> str:
    """The API of an ARN that names a stage, a method and a path.

    ``arn:aws:execute-api:us-east-1:123456789012:abc123/*/GET/orders``
    """
    return source.partition("/")[0] if ":execute-api:" in source else source


def _compose_api_url(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < 6 or parts[2] != "execute-api" or "*" in parts[5]:  # noqa: PLR2004
        return ""
    domain = "amazonaws.com.cn" if parts[1] == "aws-cn" else "amazonaws.com"
    return f"https://{parts[5]}.execute-api.{parts[3]}.{domain}"
