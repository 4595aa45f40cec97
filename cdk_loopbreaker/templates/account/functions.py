"""Functions of templates: their settings, who may invoke them, and what is mapped to them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.templates.account.scope import describe_unknown
from cdk_loopbreaker.templates.policy_documents import join_policies, write_policy
from cdk_loopbreaker.templates.property_values import (
    find_doubt,
    find_unknown,
    is_doubtful,
    is_unknown,
    read_flag,
    read_list,
    read_mapping,
    read_number,
    read_path,
    read_text,
    write_json,
)
from functions.domain.account.environment_references import read_environment
from functions.domain.account.inventory import Area, FunctionDescription, MappingDescription

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cdk_loopbreaker.templates.account.scope import AccountScope
    from cdk_loopbreaker.templates.model import Resource, Value
    from cdk_loopbreaker.templates.policy_documents import WrittenPolicy
    from functions.domain.account.environment_references import Naming

FUNCTION: Final = "AWS::Lambda::Function"
_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_PERMISSION: Final = "AWS::Lambda::Permission"
_INVOKE_CONFIG: Final = "AWS::Lambda::EventInvokeConfig"
_URL: Final = "AWS::Lambda::Url"
_LATEST: Final = "$LATEST"


# -- functions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Destinations:
    """Where outcomes of asynchronous invocations go."""

    on_success_arn: str = ""
    on_failure_arn: str = ""


@dataclass(slots=True)
class _Around:
    """What other resources say of a function, by its ARN."""

    policies: dict[str, dict[str, list[WrittenPolicy]]] = field(default_factory=dict)
    destinations: dict[str, dict[str, _Destinations]] = field(default_factory=dict)


def describe_functions(scope: AccountScope) -> tuple[FunctionDescription, ...]:
    """The functions, without what their environment variables name."""
    around = _Around()
    for resource in scope.list_of(_PERMISSION):
        _read_permission(scope, resource, around)
    for resource in scope.list_of(_INVOKE_CONFIG):
        _read_destinations(scope, resource, around)
    return tuple(_describe_function(scope, one, around) for one in scope.list_of(FUNCTION))


def _describe_function(
    scope: AccountScope, resource: Resource, around: _Around
) -> FunctionDescription:
    told = resource.properties
    scope.place(resource, resource.arn)
    policies = {
        qualifier: join_policies(written)
        for qualifier, written in around.policies.get(resource.arn, {}).items()
    }
    is_policy_known = not any(one.unread for one in policies.values())
    role, dead_letters = told.get("Role"), read_path(told.get("DeadLetterConfig"), "TargetArn")
    if is_unknown(role):
        scope.note_problem(resource, f"its role is {describe_unknown(role)}")
    elif not scope.is_declared(read_text(role)):
        scope.note_problem(resource, f"its role {read_text(role)[:200]} is not declared here")
    if is_unknown(dead_letters):
        words = f"its dead-letter target is {describe_unknown(dead_letters)}"
        scope.note_gap(resource, Area.DESTINATIONS, words, resource.ref)
    log_group = read_path(told.get("LoggingConfig"), "LogGroup")
    if is_unknown(log_group):
        scope.note_problem(resource, f"its log group is {describe_unknown(log_group)}")
    destinations = _choose_destinations(scope, resource, around, frozenset(policies))
    recursion = told.get("RecursiveLoop")
    return FunctionDescription(
        name=resource.ref,
        arn=resource.arn,
        role_arn=read_text(role),
        tags=_read_tags(told.get("Tags")),
        resource_policies={qualifier: one.text for qualifier, one in policies.items()},
        is_policy_known=is_policy_known,
        dead_letter_arn=read_text(dead_letters),
        on_success_arn=destinations.on_success_arn,
        on_failure_arn=destinations.on_failure_arn,
        log_group=read_text(log_group) or f"/aws/lambda/{resource.ref}",
        recursive_loop=read_text(recursion) if recursion is not None else "Terminate",
        memory_mb=read_number(told.get("MemorySize"), 128),
        timeout_seconds=read_number(told.get("Timeout"), 3),
        runtime=read_text(told.get("Runtime")),
        tracing_mode=read_text(read_path(told.get("TracingConfig"), "Mode")) or "PassThrough",
    )


def _read_tags(value: Value) -> dict[str, str]:
    """Tags as a list of keys with values, or as an object."""
    if isinstance(value, list | tuple):
        pairs = [(read_path(one, "Key"), read_path(one, "Value")) for one in value]
        return {read_text(key): read_text(own) for key, own in pairs if read_text(key)}
    return {key: read_text(own) for key, own in read_mapping(value).items()}


def describe_environments(
    scope: AccountScope, functions: Iterable[FunctionDescription], naming: Naming
) -> tuple[FunctionDescription, ...]:
    """The functions with what their variables name. A value that is not known names nothing."""
    variables = {
        one.arn: read_mapping(read_path(one.properties.get("Environment"), "Variables"))
        for one in scope.list_of(FUNCTION)
    }
    return tuple(
        replace(
            one,
            environment=read_environment(
                {
                    name: text
                    for name, value in variables.get(one.arn, {}).items()
                    if (text := read_text(value))
                },
                naming,
            ),
        )
        for one in functions
    )


# -- who may invoke them


def _read_permission(scope: AccountScope, resource: Resource, around: _Around) -> None:
    """A permission as the statement that Lambda makes of it."""
    told = resource.properties
    arn = scope.read_function(told.get("FunctionName"))
    if not arn:
        why = describe_unknown(told.get("FunctionName"))
        scope.note_problem(resource, f"the function of this permission is {why}")
        return
    bare, qualifier = split_qualifier(arn)
    written = write_policy(
        {"Statement": [compose_statement(told, resource.logical_id, arn)]},
        doubt="" if resource.is_certain else f"the condition of {resource.logical_id}",
        home=scope.home,
    )
    around.policies.setdefault(bare, {}).setdefault(qualifier, []).append(written)


def compose_statement(told: Mapping[str, Value], sid: str, arn: str) -> Value:
    """The statement of a permission: the service or account, and what it is limited to."""
    principal = told.get("Principal")
    name = read_text(principal)
    is_service = name.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"))
    conditions: dict[str, dict[str, Value]] = {}
    for key, operator, condition in (
        ("SourceArn", "ArnLike", "AWS:SourceArn"),
        ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
        ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
        ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
        ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ):
        if told.get(key) is not None:
            conditions.setdefault(operator, {})[condition] = told[key]
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": name
        if name == "*"
        else {"Service": principal}
        if is_service
        else {"AWS": principal},
        "Action": told.get("Action", "lambda:InvokeFunction"),
        "Resource": arn,
        **({"Condition": conditions} if conditions else {}),
    }


def split_qualifier(arn: str) -> tuple[str, str]:
    """A function's ARN without its qualifier, and the qualifier.

    >>> split_qualifier("arn:aws:lambda:eu-west-1:123456789012:function:orders:live")
    ('arn:aws:lambda:eu-west-1:123456789012:function:orders', 'live')
    """
    parts = arn.split(":")
    return ":".join(parts[:7]), ":".join(parts[7:])


def list_urls(scope: AccountScope) -> dict[str, tuple[str, ...]]:
    """The URLs of functions, by function name; an empty text for one that is not known."""
    found: dict[str, tuple[str, ...]] = {}
    for resource in scope.list_of(_URL):
        arn = scope.read_function(resource.properties.get("TargetFunctionArn"))
        if not arn:
            scope.note_problem(resource, "the function of this URL is not known")
            continue
        name = split_qualifier(arn)[0].rpartition(":")[2]
        found[name] = (*found.get(name, ()), resource.attributes.get("FunctionUrl", ""))
    return found


# -- where their outcomes go


def _read_destinations(scope: AccountScope, resource: Resource, around: _Around) -> None:
    told = resource.properties
    arn = scope.read_function(told.get("FunctionName"))
    if not arn:
        why = describe_unknown(told.get("FunctionName"))
        scope.note_problem(resource, f"the function of these destinations is {why}")
        return
    bare, named = split_qualifier(arn)
    qualifier = read_text(told.get("Qualifier")) or named
    ends = []
    for outcome in ("OnSuccess", "OnFailure"):
        target = read_path(told.get("DestinationConfig"), outcome, "Destination")
        if is_unknown(target):
            words = f"the destination {outcome} is {describe_unknown(target)}"
            scope.note_gap(resource, Area.DESTINATIONS, words, bare.rpartition(":")[2])
        ends.append(read_text(target))
    if not resource.is_certain and any(ends):
        scope.undecided.add(bare)  # an edge of a destination goes by the function
    own = around.destinations.setdefault(bare, {})
    own["" if qualifier == _LATEST else qualifier] = _Destinations(
        on_success_arn=ends[0], on_failure_arn=ends[1]
    )


def _choose_destinations(
    scope: AccountScope, resource: Resource, around: _Around, invoked: frozenset[str]
) -> _Destinations:
    """The destinations of the unqualified function, else those of a version or alias.

    These count for invocations of that version or alias only: where others may invoke the function
    too, it is not certain that an event comes by.
    """
    known = around.destinations.get(resource.arn, {})
    if "" in known or not known:
        return known.get("", _Destinations())
    qualifier, chosen = next(iter(known.items()))
    if invoked != {qualifier} and (chosen.on_success_arn or chosen.on_failure_arn):
        scope.undecided.add(resource.arn)
    return chosen


# -- mappings


def describe_mappings(scope: AccountScope) -> Iterator[MappingDescription]:
    """The event source mappings."""
    for resource in scope.list_of(_MAPPING):
        described = _describe_mapping(scope, resource)
        if described is not None:
            yield described


def _describe_mapping(scope: AccountScope, resource: Resource) -> MappingDescription | None:
    told = resource.properties
    function_arn = scope.read_function(told.get("FunctionName"))
    servers = [
        one
        for endpoints in read_mapping(
            read_path(told.get("SelfManagedEventSource"), "Endpoints")
        ).values()
        for one in read_list(endpoints)
    ]
    source = told.get("EventSourceArn")
    if source is None and servers:
        source = ",".join(read_text(one) for one in servers) if not find_unknown(servers) else None
    source_arn, function_arn = scope.link(
        resource, source, function_arn or told.get("FunctionName"), "event source mapping"
    )
    if not source_arn or not scope.read_function(function_arn):
        return None
    criteria = told.get("FilterCriteria")
    hidden = find_doubt(criteria)
    if hidden:
        scope.note_problem(resource, f"the filter of this event source mapping: {hidden}")
    failure = read_path(told.get("DestinationConfig"), "OnFailure", "Destination")
    if is_unknown(failure):
        words = f"the destination OnFailure is {describe_unknown(failure)}"
        name = split_qualifier(function_arn)[0].rpartition(":")[2]
        scope.note_gap(resource, Area.DESTINATIONS, words, name)
    enabled = told.get("Enabled")
    # Its UUID is not known before it is deployed; people find it by the name in the template.
    identity = f"{resource.stack}/{resource.logical_id}"
    scope.place(resource, identity)
    is_decided = not is_doubtful(enabled)
    if not is_decided:
        scope.note_problem(resource, f"whether it is enabled is {describe_unknown(enabled)}")
        scope.undecided.add(identity)
    return MappingDescription(
        uuid=identity,
        function_arn=function_arn,
        source_arn=source_arn,
        is_enabled=not is_decided or read_flag(enabled, default=True),
        filters=() if hidden else tuple(read_patterns(criteria)),
        is_filter_known=not hidden,
        on_failure_arn=read_text(failure),
    )


def read_patterns(criteria: Value) -> Iterator[str]:
    """The patterns of FilterCriteria, as JSON. An empty one lets everything pass."""
    for one in read_list(read_path(criteria, "Filters")):
        pattern = read_path(one, "Pattern")
        if pattern is not None:
            yield write_json(pattern)
