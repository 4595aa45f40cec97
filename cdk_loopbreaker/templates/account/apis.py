"""What of APIs leads to functions: integrations, methods, routes, target groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeAlias

from cdk_loopbreaker.templates.account.functions import list_urls
from cdk_loopbreaker.templates.account.scope import describe_unknown
from cdk_loopbreaker.templates.account.senders import list_integration_targets
from cdk_loopbreaker.templates.property_values import (
    is_unknown,
    read_list,
    read_mapping,
    read_path,
    read_text,
)
from functions.domain.account.api_callers import compose_route, list_apis, parse_function
from functions.domain.account.inventory import Api, Integration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdk_loopbreaker.templates.account.scope import AccountScope
    from cdk_loopbreaker.templates.model import Resource, Value
    from functions.domain.account.inventory import FunctionDescription

_REST: Final = "AWS::ApiGateway::RestApi"
_RESOURCE: Final = "AWS::ApiGateway::Resource"
_METHOD: Final = "AWS::ApiGateway::Method"
_HTTP: Final = "AWS::ApiGatewayV2::Api"
_INTEGRATION: Final = "AWS::ApiGatewayV2::Integration"
_ROUTE: Final = "AWS::ApiGatewayV2::Route"
_OPENAPI_INTEGRATION: Final = "x-amazon-apigateway-integration"
_METHODS: Final = {
    **{one: one.upper() for one in ("get", "put", "post", "delete", "options", "head", "patch")},
    "x-amazon-apigateway-any-method": "ANY",
}
_DEEPEST_PATH: Final = 30
# Where it is declared, the id of the API, method and path, and the integration.
_Route: TypeAlias = "tuple[Resource, str, str, Value]"


def describe_apis(scope: AccountScope, functions: Iterable[FunctionDescription]) -> Iterator[Api]:
    """Who calls functions and waits for them."""
    found: dict[str, list[Integration]] = {}
    targets: dict[str, dict[str, None]] = {}
    for arn, integration in _list_integrations(scope):
        if isinstance(integration, Integration):
            found.setdefault(arn, []).append(integration)
        else:
            targets.setdefault(arn, {})[integration] = None
    yield from list_apis(
        functions,
        list_urls(scope),
        {arn: tuple(own) for arn, own in found.items()},
        {arn: tuple(own) for arn, own in targets.items()},
    )
    yield from _list_target_groups(scope)


def _list_integrations(scope: AccountScope) -> Iterator[tuple[str, Integration | str]]:
    """What leads to functions, or the ARN of what else is sent to; each with the API's ARN."""
    for resource, api, key, integration in (
        *_list_bodies(scope),
        *_list_methods(scope),
        *_list_routes(scope),
    ):
        arn = scope.compose_arn("execute-api", api)
        yield from ((arn, one) for one in list_integration_targets(scope, integration))
        uri = _find(integration, "uri", "Uri", "IntegrationUri")
        if is_unknown(uri):
            scope.note_problem(resource, f"where {key[:200]} leads is {describe_unknown(uri)}")
        elif function := parse_function(read_text(uri)):
            yield (
                arn,
                Integration(
                    function_arn=function,
                    source_arn=f"{arn}/*/{compose_route(key)}",
                    role_arn=read_text(
                        _find(integration, "credentials", "Credentials", "CredentialsArn")
                    ),
                ),
            )


def _find(value: Value, *names: str) -> Value:
    """What stands under the first of several names that is there."""
    found = (read_path(value, name) for name in names)
    return next((one for one in found if one is not None), None)


def _list_bodies(scope: AccountScope) -> Iterator[_Route]:
    """The routes of OpenAPI documents."""
    for resource in scope.list_of(_REST, _HTTP):
        scope.place(resource, scope.compose_arn("execute-api", resource.ref))
        for key, integration in _list_described(resource.properties.get("Body")):
            yield resource, resource.ref, key, integration


def _list_described(body: Value) -> Iterator[tuple[str, Value]]:
    """The routes of an OpenAPI document with their integrations."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return
    for path, methods in read_mapping(read_path(body, "paths")).items():
        for name, operation in read_mapping(methods).items():
            integration = read_path(operation, _OPENAPI_INTEGRATION)
            if name in _METHODS and integration is not None:
                is_default = path in {"/$default", "$default"}
                yield "$default" if is_default else f"{_METHODS[name]} {path}", integration


def _list_methods(scope: AccountScope) -> Iterator[_Route]:
    for resource in scope.list_of(_METHOD):
        told = resource.properties
        api = read_text(told.get("RestApiId"))
        if not api:
            words = f"the API of this method is {describe_unknown(told.get('RestApiId'))}"
            scope.note_problem(resource, words)
            continue
        method = read_text(told.get("HttpMethod")) or "ANY"
        path = _find_path(scope, read_text(told.get("ResourceId")))
        yield resource, api, f"{method} {path}", told.get("Integration")


def _find_path(scope: AccountScope, resource_id: str) -> str:
    """The path of a resource of a REST API, from its parts; of one that is not known anything."""
    parts: list[str] = []
    while (found := scope.find(_RESOURCE, resource_id)) is not None:
        parts.append(read_text(found.properties.get("PathPart")) or "*")
        resource_id = read_text(found.properties.get("ParentId"))
        if len(parts) > _DEEPEST_PATH:
            break
    return "/" + "/".join(reversed(parts))


def _list_routes(scope: AccountScope) -> Iterator[_Route]:
    for resource in scope.list_of(_ROUTE):
        told = resource.properties
        api, target = read_text(told.get("ApiId")), told.get("Target")
        integration = scope.find(_INTEGRATION, read_text(target).rpartition("/")[2])
        if api and integration is not None:
            key = read_text(told.get("RouteKey")) or "$default"
            yield resource, api, key, integration.properties
        elif target is not None:
            scope.note_problem(resource, "the integration of this route is not known")


def _list_target_groups(scope: AccountScope) -> Iterator[Api]:
    """Target groups of load balancers that have a function for their target."""
    for resource in scope.list_of("AWS::ElasticLoadBalancingV2::TargetGroup"):
        told = resource.properties
        if read_text(told.get("TargetType")) != "lambda":
            continue
        listed = (
            scope.read_function(read_path(one, "Id")) for one in read_list(told.get("Targets"))
        )
        arns = tuple(arn for arn in listed if arn)
        scope.place(resource, resource.arn or resource.ref)
        if arns:
            yield Api(arn=resource.arn or resource.ref, function_arns=arns, kind="load balancer")
