"""What API Gateway describes: which functions the routes and methods of its APIs lead to.

A resource policy says who may invoke a function, not who is to: an API that nobody admitted is
known from here only, and so is one that invokes with a role of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.account import facts as f
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_client import Operation, Paging
from functions.domain.account.api_callers import parse_function
from functions.domain.account.inventory import Area

if TYPE_CHECKING:
    from collections.abc import Iterable

    from functions.aws.account.read_session import Entry, ReadSession

_ACTION: Final = "apigateway:GET"  # API Gateway's actions are the methods of HTTP

_LIST_APIS: Final = Operation(
    service="apigatewayv2", method="get_apis", action=_ACTION, lane=Quota.APIS
)
_LIST_INTEGRATIONS: Final = Operation(
    service="apigatewayv2", method="get_integrations", action=_ACTION, lane=Quota.APIS
)
_LIST_ROUTES: Final = Operation(
    service="apigatewayv2", method="get_routes", action=_ACTION, lane=Quota.APIS
)
_LIST_REST_APIS: Final = Operation(
    service="apigateway", method="get_rest_apis", action=_ACTION, lane=Quota.APIS
)
_LIST_RESOURCES: Final = Operation(
    service="apigateway", method="get_resources", action=_ACTION, lane=Quota.API_RESOURCES
)
OPERATIONS: Final = (
    _LIST_APIS,
    _LIST_INTEGRATIONS,
    _LIST_ROUTES,
    _LIST_REST_APIS,
    _LIST_RESOURCES,
)
IAM_ACTIONS: Final = frozenset(one.action for one in OPERATIONS)

# What the gaps are about: function URLs are of the same area, and read without these.
APIS: Final = "HTTP and WebSocket APIs"
REST_APIS: Final = "REST APIs"

_TOKENS: Final = Paging()
_POSITIONS: Final = Paging(ask="position", answer="position")
# API Gateway takes the number as text in its second version, up to 500 in its first.
# UNCONFIRMED A-010: how many the second takes.
_PER_PAGE: Final = "100"
_REST_PER_PAGE: Final = 500
_TARGET: Final = "integrations/"


# -- HTTP and WebSocket APIs


def list_apis(reading: ReadSession) -> None:
    """All HTTP and WebSocket APIs."""

    def take(entry: Entry) -> None:
        reading.facts.put(f.API_IDS, entry["ApiId"], True)  # noqa: FBT003 - it is there

    reading.read_listing(
        "APIs", Area.APIS, _LIST_APIS, "Items", take, part=APIS, MaxResults=_PER_PAGE
    )


def read_integrations(reading: ReadSession, ids: Iterable[str]) -> None:
    """What of these APIs leads to functions."""

    def read(api: str) -> tuple[f.IntegrationFacts, ...]:
        return tuple(
            f.IntegrationFacts(
                id=one["IntegrationId"], function_arn=arn, role_arn=one.get("CredentialsArn", "")
            )
            for page, _ in reading.asker.read_pages(
                _LIST_INTEGRATIONS, _TOKENS, ApiId=api, MaxResults=_PER_PAGE
            )
            for one in page.get("Items") or ()
            if (arn := parse_function(one.get("IntegrationUri", "")))
        )

    reading.read_details(f.INTEGRATIONS, Area.APIS, ids, read, if_gone=(), part=APIS)


def read_routes(reading: ReadSession, ids: Iterable[str]) -> None:
    """Which integration each route of these APIs leads to: one without a route is never used."""

    def read(api: str) -> dict[str, str]:
        return {
            one["RouteKey"]: one["Target"].removeprefix(_TARGET)
            for page, _ in reading.asker.read_pages(
                _LIST_ROUTES, _TOKENS, ApiId=api, MaxResults=_PER_PAGE
            )
            for one in page.get("Items") or ()
            if one.get("Target")
        }

    reading.read_details(f.ROUTES, Area.APIS, ids, read, if_gone={}, part=APIS)


# -- REST APIs


def list_rest_apis(reading: ReadSession) -> None:
    """All REST APIs."""

    def take(entry: Entry) -> None:
        reading.facts.put(f.REST_API_IDS, entry["id"], True)  # noqa: FBT003 - it is there

    reading.read_listing(
        "REST APIs",
        Area.APIS,
        _LIST_REST_APIS,
        "items",
        take,
        paging=_POSITIONS,
        part=REST_APIS,
        limit=_REST_PER_PAGE,
    )


def read_methods(reading: ReadSession, ids: Iterable[str]) -> None:
    """The methods of these APIs that lead to functions."""

    def read(api: str) -> tuple[f.MethodFacts, ...]:
        return tuple(
            method
            for page, _ in reading.asker.read_pages(
                _LIST_RESOURCES,
                _POSITIONS,
                restApiId=api,
                embed=["methods"],
                limit=_REST_PER_PAGE,
            )
            for one in page.get("items") or ()
            for method in _list_methods(one)
        )

    reading.read_details(f.METHODS, Area.APIS, ids, read, if_gone=(), part=REST_APIS)


def _list_methods(resource: Entry) -> Iterable[f.MethodFacts]:
    for method, settings in (resource.get("resourceMethods") or {}).items():
        integration = settings.get("methodIntegration") or {}
        arn = parse_function(integration.get("uri", ""))
        if arn:
            yield f.MethodFacts(
                method=method,
                path=resource["path"],
                function_arn=arn,
                role_arn=integration.get("credentials", ""),
            )
