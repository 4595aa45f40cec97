"""Who calls functions and waits for them: APIs, function URLs and load balancers."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from functions.domain.account.inventory import Api, FunctionDescription, Integration
from functions.domain.iam.raw_statements import find_admitted

_KINDS: Final[Mapping[str, str]] = {"apigateway": "api", "elasticloadbalancing": "load balancer"}
_CALLERS: Final = frozenset(_KINDS)
_PARAMETER: Final = re.compile(r"\{[^{}]*\}")
_URL_ACTION: Final = "InvokeFunctionUrl"
_ARN_FIELDS: Final = 6
# The function of a whole URI: the ARN itself (HTTP APIs), or the path of Lambda's Invoke in an
# ARN of API Gateway. One with a stage variable in it names no function here.
_FUNCTION: Final = re.compile(
    r"(?:arn:[a-z-]+:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/)?"
    r"(arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(?::[A-Za-z0-9_$-]+)?)"
    r"(?:/invocations)?"
)


def list_apis(
    functions: Iterable[FunctionDescription],
    urls: Mapping[str, tuple[str, ...]],
    integrations: Mapping[str, tuple[Integration, ...]],
    targets: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Iterator[Api]:
    """Who calls functions and waits, as their resource policies and the APIs tell.

    Parameters
    ----------
    urls
        The URLs of functions, by function name. One whose policy lets a URL be called and that is
        not among them has a URL that is not known.
    integrations
        What of each API leads to functions, by the API's ARN without stage, method and path.
    targets
        What else each API sends to, by the same ARN.
    """
    behind: dict[tuple[str, str], dict[str, None]] = {}
    for function in functions:
        for qualifier, text in function.resource_policies.items():
            arn = f"{function.arn}:{qualifier}" if qualifier else function.arn
            for service, source in find_admitted(text, _CALLERS):
                behind.setdefault((service, _parse_api_arn(source)), {})[arn] = None
        if function.name in urls or lets_url_be_called(function.resource_policies.values()):
            for url in urls.get(function.name) or ("",):
                yield Api(arn=function.arn, function_arns=(function.arn,), url=url, kind="url")
    for source, found in integrations.items():
        arns = behind.setdefault(("apigateway", source), {})
        arns.update((one.function_arn, None) for one in found)
    for source in targets:
        behind.setdefault(("apigateway", source), {})
    for (service, source), arns in behind.items():
        yield Api(
            arn=source,
            function_arns=tuple(arns),
            url=_compose_api_url(source) if service == "apigateway" else "",
            kind=_KINDS[service],
            integrations=integrations.get(source, ()),
            target_arns=targets.get(source, ()) if service == "apigateway" else (),
        )


def lets_url_be_called(policies: Iterable[str]) -> bool:
    """Whether one of the resource policies of a function speaks of its URL."""
    return any(_URL_ACTION in text for text in policies)


def parse_function(uri: str) -> str:
    """The function's ARN in the URI of an integration, with its qualifier; empty for none.

    >>> parse_function(
    ...     "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
    ...     "arn:aws:lambda:eu-west-1:123456789012:function:orders:live/invocations"
    ... )
    'arn:aws:lambda:eu-west-1:123456789012:function:orders:live'
    """
    found = _FUNCTION.fullmatch(uri)
    return found[1] if found else ""


def compose_route(key: str) -> str:
    """Method and path of a route as they stand in the ARN of the API's calls.

    A parameter is whatever the caller sends, or its name: a wildcard is both.

    >>> compose_route("ANY /orders/{id}"), compose_route("GET /"), compose_route("$default")
    ('*/orders/*', 'GET/', '$default')
    """
    method, _, path = key.partition(" ")
    return f"{'*' if method == 'ANY' else method}{_PARAMETER.sub('*', path)}"


def _parse_api_arn(source: str) -> str:
    """The API of an ARN that names a stage, a method and a path.

    ``arn:aws:execute-api:us-east-1:123456789012:abc123/*/GET/orders``
    """
    return source.partition("/")[0] if ":execute-api:" in source else source


def _compose_api_url(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < _ARN_FIELDS or parts[2] != "execute-api" or "*" in parts[5]:
        return ""
    domain = "amazonaws.com.cn" if parts[1] == "aws-cn" else "amazonaws.com"
    return f"https://{parts[5]}.execute-api.{parts[3]}.{domain}"
