"""Corrections of Lambda's API where the emulator answers otherwise than AWS."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from sandbox.patches.functions.concurrency import reservations
from sandbox.patches.hooks import replace

if TYPE_CHECKING:
    from sandbox.world import World

Response = tuple[int, dict[str, str], bytes]

_LATEST = "$LATEST"
_FUNCTION = re.compile(r"/functions/([^/]+)/")


def refusal(code: str, message: str, status: int = 400) -> Response:
    """An error as Lambda's API answers it."""
    response: Response = error_response_json(code, message, status)
    return response


def concurrency_refusal(world: World, name: str, wanted: int) -> str | None:
    """Why a reservation cannot be made, in AWS's words; nothing when it can."""
    func = lambda_svc._functions[name]
    provisioned = sum(
        config["RequestedProvisionedConcurrentExecutions"]
        for config in func.get("provisioned_concurrency", {}).values()
    )
    if wanted < provisioned:
        return (
            f"Specified ReservedConcurrentExecutions [{wanted}] for function {name} is less than "
            f"its ProvisionedConcurrentExecutions [{provisioned}]."
        )
    settings = world.settings
    others = sum(value for other, value in reservations().items() if other != name)
    if wanted > 0 and settings.account_limit - others - wanted < settings.unreserved_floor:
        return (
            "Specified ReservedConcurrentExecutions for function decreases account's "
            "UnreservedConcurrentExecution below its minimum value of "
            f"[{settings.unreserved_floor}]."
        )
    return None


def apply(world: World) -> None:
    """Correct policies, reservations, provisioned concurrency and invoke settings."""
    _times(world)
    _policies()
    _reservations(world)
    _invoke_configs()
    _routes()


def _times(world: World) -> None:
    """Let a function be changed at the time by which its metrics are kept."""

    def now() -> str:
        moment = datetime.fromtimestamp(world.clock.now(), UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"

    replace(lambda_svc, "_now_iso", now, ())


def _policies() -> None:
    def get_policy(
        func_name: str,
        query_params: dict[str, Any] | None = None,
        path_qualifier: str | None = None,
    ) -> Response:
        func = lambda_svc._functions.get(func_name)
        if func is not None and not (func.get("policy") or {}).get("Statement"):
            return refusal(
                "ResourceNotFoundException", "The resource you requested does not exist.", 404
            )
        response: Response = original(func_name, query_params, path_qualifier)
        return response

    original = replace(
        lambda_svc, "_get_policy", get_policy, ("func_name", "query_params", "path_qualifier")
    )


def _reservations(world: World) -> None:
    def put_concurrency(func_name: str, data: dict[str, Any]) -> Response:
        if func_name in lambda_svc._functions:
            wanted = data.get("ReservedConcurrentExecutions")
            if not isinstance(wanted, int) or wanted < 0:
                return refusal(
                    "InvalidParameterValueException",
                    f"Value '{wanted}' at 'reservedConcurrentExecutions' must be at least 0.",
                )
            why = concurrency_refusal(world, func_name, wanted)
            if why is not None:
                return refusal("InvalidParameterValueException", why)
        response: Response = original(func_name, data)
        return response

    original = replace(
        lambda_svc, "_put_function_concurrency", put_concurrency, ("func_name", "data")
    )

    def put_provisioned(func_name: str, qualifier: str | None, data: dict[str, Any]) -> Response:
        func = lambda_svc._functions.get(func_name)
        wanted = int(data.get("ProvisionedConcurrentExecutions", 0))
        if qualifier in (None, "", _LATEST):
            return refusal(
                "InvalidParameterValueException",
                "Provisioned Concurrency Configs cannot be applied to unpublished function "
                "versions.",
            )
        reserved = func.get("concurrency") if func else None
        if reserved is not None and wanted > reserved:
            return refusal(
                "InvalidParameterValueException",
                f"Requested Provisioned Concurrency {wanted} should not be greater than the "
                f"reservedConcurrentExecution for function [{reserved}]",
            )
        response: Response = original_provisioned(func_name, qualifier, data)
        return response

    original_provisioned = replace(
        lambda_svc,
        "_put_provisioned_concurrency",
        put_provisioned,
        ("func_name", "qualifier", "data"),
    )


def _invoke_configs() -> None:
    """Make no qualifier and ``$LATEST`` the same, as they are on AWS."""

    def plain(qualifier: str | None) -> str | None:
        return None if qualifier == _LATEST else qualifier

    def get(func_name: str, qualifier: str | None = None) -> Response:
        response: Response = original_get(func_name, plain(qualifier))
        return response

    def put(func_name: str, qualifier: str | None, data: dict[str, Any]) -> Response:
        status, headers, body = original_put(func_name, plain(qualifier), data)
        if status < 400 and plain(qualifier) is None:  # noqa: PLR2004
            config = lambda_svc._functions[func_name]["event_invoke_config"]
            config["FunctionArn"] = f"{lambda_svc._func_arn(func_name)}:{_LATEST}"
            body = json.dumps(config).encode()
        return status, headers, body

    def delete(func_name: str, qualifier: str | None = None) -> Response:
        response: Response = original_delete(func_name, plain(qualifier))
        return response

    named = ("func_name", "qualifier")
    original_get = replace(lambda_svc, "_get_event_invoke_config", get, named)
    original_put = replace(lambda_svc, "_put_event_invoke_config", put, (*named, "data"))
    original_delete = replace(lambda_svc, "_delete_event_invoke_config", delete, named)


def _routes() -> None:
    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        if method == "GET" and "provisioned-concurrency" in path and "List" in query_params:
            return _list_provisioned(path)
        if method == "POST" and path.endswith("/event-invoke-config"):
            return _update_invoke_config(path, query_params, json.loads(body or b"{}"))
        return await original(method, path, headers, body, query_params)

    original = replace(
        lambda_svc,
        "handle_request",
        handle_request,
        ("method", "path", "headers", "body", "query_params"),
    )


def _named(path: str) -> tuple[str, str | None]:
    match = _FUNCTION.search(unquote(path))
    name, qualifier = lambda_svc._resolve_request_scoped_name_and_qualifier(
        match.group(1) if match else ""
    )
    return name, qualifier


def _list_provisioned(path: str) -> Response:
    name, _ = _named(path)
    func = lambda_svc._functions.get(name)
    if func is None:
        return refusal(
            "ResourceNotFoundException", f"Function not found: {lambda_svc._func_arn(name)}", 404
        )
    configs = [
        {"FunctionArn": f"{lambda_svc._func_arn(name)}:{qualifier}", **config}
        for qualifier, config in func.get("provisioned_concurrency", {}).items()
    ]
    body = json.dumps({"ProvisionedConcurrencyConfigs": configs}).encode()
    return 200, {"Content-Type": "application/json"}, body


def _update_invoke_config(
    path: str, query_params: dict[str, Any], changes: dict[str, Any]
) -> Response:
    name, path_qualifier = _named(path)
    qualifier = path_qualifier or (query_params.get("Qualifier") or [None])[0]
    status, headers, body = lambda_svc._get_event_invoke_config(name, qualifier)
    if status >= 400:  # noqa: PLR2004
        return status, headers, body
    response: Response = lambda_svc._put_event_invoke_config(
        name, qualifier, json.loads(body) | changes
    )
    return response
