"""Which operation of Lambda a request is, by Lambda's own service model.

The emulator guesses from the path and takes some operations for others or for none; with IAM
enforced that would allow or deny the wrong things.
"""

from __future__ import annotations

import contextvars
import functools
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.session import get_session
from ministack import app
from ministack.core import iam_actions
from ministack.services import lambda_svc

from sandbox.patches.hooks import replace
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.world import World

_PLACEHOLDER = re.compile(r"\\{\w+(\\\+)?\\}")
_INVOCATIONS = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})
_mapped_function: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "sandbox_mapped_function", default=None
)


@functools.cache
def _routes() -> tuple[tuple[str, re.Pattern[str], frozenset[str], str], ...]:
    model = get_session().get_service_model("lambda")
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern = _PLACEHOLDER.sub(
            lambda match: ".+" if match.group(1) else "[^/]+", re.escape(path.rstrip("/"))
        )
        wanted = frozenset(part.partition("=")[0] for part in query.split("&") if part)
        routes.append((http["method"], re.compile(rf"^{pattern}/?$"), wanted, name))
    # What asks for a query parameter is more specific than the same path without.
    return tuple(sorted(routes, key=lambda route: -len(route[2])))


def operation_of(method: str, path: str, query_params: Mapping[str, Any]) -> str | None:
    """The operation's name, such as ``PutFunctionConcurrency``."""
    for wanted_method, pattern, wanted_query, name in _routes():
        if (
            method == wanted_method
            and pattern.match(path)
            and all(key in query_params for key in wanted_query)
        ):
            return name
    return None


def apply(world: World) -> None:  # noqa: ARG001 - every patch takes the world
    """Name Lambda's actions rightly, and give mappings, permissions and events condition keys."""

    def extract(  # noqa: PLR0917 - as the emulator calls it
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
    ) -> str | None:
        _mapped_function.set(None)
        if service == "lambda" and (name := operation_of(method, path, query_params)):
            _mapped_function.set(_function_of_mapping(path))
            return "lambda:InvokeFunction" if name in _INVOCATIONS else f"lambda:{name}"
        action: str | None = original(service, method, path, headers, body, query_params)
        return action

    original = replace(
        iam_actions,
        "extract_iam_action",
        extract,
        ("service", "method", "path", "headers", "body", "query_params"),
    )

    def context(
        service: str, iam_action: str, body: bytes, params: dict[str, Any]
    ) -> dict[str, Any]:
        keys: dict[str, Any] = original_context(service, iam_action, body, params)
        if service == "lambda" and (function := _mapped_function.get()):
            keys["lambda:FunctionArn"] = function
        if iam_action == "lambda:AddPermission" and (principal := _admitted(body)):
            keys["lambda:Principal"] = principal
        if iam_action == "events:PutEvents" and (source := _source_of_events(body)):
            keys["events:source"] = source
        return keys

    original_context = replace(
        iam_actions, "request_tag_context", context, ("service", "iam_action", "body", "params")
    )

    def pin(source_ip: str, secure_transport: bool) -> None:  # noqa: FBT001, ARG001
        # Policies that demand TLS, as that of the CDK's staging bucket does, mean the way over a
        # network. This one never leaves the machine.
        original_pin(source_ip, True)  # noqa: FBT003

    original_pin = replace(app, "pin_request_origin", pin, ("source_ip", "secure_transport"))


def _source_of_events(body: bytes) -> str:
    """The source of all entries of a request. AWS holds each entry against the policy by itself."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return ""
    entries = document.get("Entries", []) if isinstance(document, dict) else []
    sources = {str(one.get("Source", "")) for one in entries if isinstance(one, dict)}
    return sources.pop() if len(sources) == 1 else ""


def _admitted(body: bytes) -> str:
    """Whom a permission is for."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return ""
    return str(document.get("Principal", "")) if isinstance(document, dict) else ""


def _function_of_mapping(path: str) -> str | None:
    _, found, identifier = unquote(path).rstrip("/").partition("/event-source-mappings/")
    mapping = lambda_svc._esms.get_scoped(ACCOUNT_ID, REGION, identifier) if found else None
    return mapping.get("FunctionArn") if mapping else None
