"""Who calls functions and waits: what permissions tell, and what the APIs tell."""

from __future__ import annotations

import json
from typing import Final

from functions.domain.account.api_callers import list_apis
from functions.domain.account.inventory import Api, FunctionDescription, Integration

FUNCTION: Final = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
API: Final = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3"
BALANCER: Final = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/orders/1"


def admitting(service: str, source: str, action: str = "InvokeFunction") -> FunctionDescription:
    """A function whose version ``live`` admits a service."""
    statement = {
        "Effect": "Allow",
        "Action": f"lambda:{action}",
        "Principal": {"Service": service},
        "Resource": FUNCTION,
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    }
    text = json.dumps({"Statement": [statement]})
    return FunctionDescription(
        name="orders", arn=FUNCTION, role_arn="", resource_policies={"live": text}
    )


def test_an_api_that_a_permission_tells_of() -> None:
    """It is one API whatever stage, method and path the permission names."""
    function = admitting("apigateway.amazonaws.com", f"{API}/*/GET/orders")

    assert list(list_apis([function], {}, {})) == [
        Api(
            arn=API,
            function_arns=(f"{FUNCTION}:live",),
            url="https://a1b2c3.execute-api.eu-west-1.amazonaws.com",
        )
    ]


def test_a_load_balancer_has_no_url() -> None:
    """Its name is not in the ARN of the target group."""
    function = admitting("elasticloadbalancing.amazonaws.com", BALANCER)

    assert list(list_apis([function], {}, {})) == [
        Api(arn=BALANCER, function_arns=(f"{FUNCTION}:live",), kind="load balancer")
    ]


def test_integrations_are_joined_with_permissions() -> None:
    """What both tell of is one API, with its integrations."""
    function = admitting("apigateway.amazonaws.com", f"{API}/*/*")
    integration = Integration(function_arn=FUNCTION, source_arn=f"{API}/*/GET/orders")

    (api,) = list_apis([function], {}, {API: (integration,)})

    assert api.function_arns == (f"{FUNCTION}:live", FUNCTION)
    assert api.integrations == (integration,)


def test_urls() -> None:
    """A URL that is known, and one that only a permission tells of."""
    known = FunctionDescription(name="orders", arn=FUNCTION, role_arn="")
    admitted = admitting("apigateway.amazonaws.com", API, action="InvokeFunctionUrl")

    (first,) = list_apis([known], {"orders": ("https://x.on.aws/",)}, {})
    second = next(iter(list_apis([admitted], {}, {})))

    assert (first.kind, first.url) == ("url", "https://x.on.aws/")
    assert (second.kind, second.url) == ("url", "")
