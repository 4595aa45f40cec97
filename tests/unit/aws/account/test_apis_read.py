"""What API Gateway invokes, as it is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from functions.domain.account.inventory import Area
from tests.unit.aws.account.reading import SIZE, whole

if TYPE_CHECKING:
    from bench.worlds.paged_account import PagedAccount
    from functions.domain.account.inventory import Account

LIVE = "function:orders-00004:live"


def http_api(aws: PagedAccount, *routes: tuple[str, str], **integration: Any) -> None:
    """An HTTP API with these routes, and one integration: i."""
    aws.apis["shop"] = {"ApiId": "shop", "Name": "shop", "ProtocolType": "HTTP"}
    aws.integrations["shop"] = {
        "i": {"IntegrationId": "i", "IntegrationUri": aws.arn("lambda", LIVE), **integration}
    }
    aws.routes["shop"] = {
        key: {"RouteKey": key, "Target": f"integrations/{target}"} for key, target in routes
    }


def integrations(account: Account, api: str) -> list[tuple[str, str, str]]:
    """What the integrations of an API lead to, the calls they are of, and with which role."""
    return [
        (one.function_arn, one.source_arn.partition(f":{api}/")[2], one.role_arn)
        for found in account.apis
        if found.arn.endswith(f":execute-api:{REGION}:{ACCOUNT}:{api}")
        for one in found.integrations
    ]


def test_the_routes_of_an_http_api() -> None:
    """Routes tell the calls; an integration that none leads to is not used."""
    aws = grown(SIZE)
    http_api(aws, ("ANY /orders/{id}", "i"), ("$default", "i"), ("GET /other", "elsewhere"))
    account = whole(aws)

    arn = aws.arn("lambda", LIVE)
    assert integrations(account, "shop") == [
        (arn, "*/$default", ""),
        (arn, "*/*/orders/*", ""),
    ]
    assert [one.function_arns for one in account.apis if one.arn.endswith(":shop")] == [(arn,)]


def test_an_integration_without_a_route_is_left_out() -> None:
    """Nobody can call what no route leads to."""
    aws = grown(SIZE)
    http_api(aws)

    assert integrations(whole(aws), "shop") == []


def test_the_policy_of_an_alias_that_an_api_invokes_is_read() -> None:
    """Without it nobody could say whether the alias admits the API."""
    aws = grown(SIZE)
    http_api(aws, ("$default", "i"))
    aws.policies["orders-00004:live"] = '{"Statement": []}'
    (found,) = (one for one in whole(aws).functions if one.name == "orders-00004")

    assert found.resource_policies["live"] == '{"Statement": []}'


def test_an_integration_with_a_role_keeps_it() -> None:
    """It does not need the resource policy."""
    aws = grown(SIZE)
    http_api(aws, ("$default", "i"), CredentialsArn="arn:aws:iam::123456789012:role/api")

    assert [role for _, _, role in integrations(whole(aws), "shop")] == [
        "arn:aws:iam::123456789012:role/api"
    ]


def test_the_methods_of_a_rest_api() -> None:
    """Methods that lead to functions are read, on all pages, and no others."""
    aws = grown(SIZE)
    arn = aws.arn("lambda", "function:orders-00004")
    prefix = f"arn:aws:apigateway:{REGION}:"

    def method(uri: str, **more: str) -> dict[str, Any]:
        return {"methodIntegration": {"type": "AWS_PROXY", "uri": f"{prefix}{uri}", **more}}

    invoke = "lambda:path/2015-03-31/functions/{}/invocations"
    aws.rest_apis["desk"] = {"id": "desk"}
    aws.rest_resources["desk"] = {f"r{n}": {"id": f"r{n}", "path": f"/r{n}"} for n in range(500)}
    aws.rest_resources["desk"]["last"] = {
        "id": "last",
        "path": "/orders/{proxy+}",
        "resourceMethods": {
            "ANY": method(invoke.format(arn)),
            "GET": method(invoke.format(f"{arn}:live"), credentials="arn:aws:iam::1:role/api"),
            "PUT": method("dynamodb:action/PutItem"),
            "POST": method(invoke.format(f"{arn}:${{stageVariables.alias}}")),
            "OPTIONS": {"methodIntegration": {"type": "MOCK"}},
            "HEAD": {},
        },
    }

    assert integrations(whole(aws), "desk") == [
        (arn, "*/*/orders/*", ""),
        (f"{arn}:live", "*/GET/orders/*", "arn:aws:iam::1:role/api"),
    ]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("call", "part"),
    [
        (("apigatewayv2", "get_apis"), "HTTP and WebSocket APIs"),
        (("apigatewayv2", "get_integrations"), "HTTP and WebSocket APIs"),
        (("apigatewayv2", "get_routes"), "HTTP and WebSocket APIs"),
        (("apigateway", "get_rest_apis"), "REST APIs"),
        (("apigateway", "get_resources"), "REST APIs"),
    ],
)
def test_apis_that_may_not_be_read_hide_no_function_url(call: tuple[str, str], part: str) -> None:
    """A refusal is a gap of these APIs only: resource policies and URLs are of the same area."""
    aws = grown(200)
    aws.policies["orders-00003"] = json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl"}]}
    )
    aws.refused.add(call)
    account = whole(aws)

    assert (Area.APIS, part, "apigateway:GET") in {
        (gap.area, gap.resource, gap.action) for gap in account.gaps
    }
    assert account.sees(Area.APIS)
    assert any(one.kind == "url" and one.url for one in account.apis)


def test_apis_are_asked_for_within_the_budget() -> None:
    """What is left of the calls is asked for, and a gap tells how many APIs were not."""
    aws = grown(SIZE)
    for number in range(200):
        aws.rest_apis[f"more{number}"] = {"id": f"more{number}"}
        aws.rest_resources[f"more{number}"] = {}
    gaps = whole(aws).gaps

    assert 0 < aws.calls["apigateway.get_resources"] < 200
    assert aws.calls.total() <= 200
    assert "further REST APIs" in {gap.resource for gap in gaps if gap.area is Area.APIS}
