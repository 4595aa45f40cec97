"""Refuses what is too large for AWS, and names that AWS does not take, in either weather."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ministack.services import lambda_svc, sqs
from ministack.services.cloudformation import provisioners

from sandbox.patches.functions.lambda_api import refusal
from sandbox.patches.hooks import check, replace
from sandbox.patches.lambda_actions import operation_of
from sandbox.weather.sizes import (
    environment_refusal,
    function_name_refusal,
    function_policy_refusal,
    queue_policy_refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.patches.functions.lambda_api import Response
    from sandbox.world import World

_NAMED = re.compile(r"/functions/([^/?]+)")
_FAILED = 400


def apply(world: World) -> None:  # noqa: ARG001 - every patch takes the world
    """Check environments, policies and names before, or undo what turned out too large."""
    _names()
    _environments()
    _function_policies()
    _queue_policies()
    _stacks()


def _names() -> None:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        operation = operation_of(method, path, query_params)
        named = _NAMED.search(unquote(path))
        name = unquote(named.group(1)) if named else _in_body(body)
        why = function_name_refusal(operation, name) if operation and name else None
        if why is not None:
            return refusal("ValidationException", why)
        return await original(method, path, headers, body, query_params)

    original = replace(
        lambda_svc,
        "handle_request",
        handle,
        ("method", "path", "headers", "body", "query_params"),
    )


def _in_body(body: bytes) -> str:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return ""
    return str(document.get("FunctionName") or "") if isinstance(document, dict) else ""


def _variables(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return (settings.get("Environment") or {}).get("Variables") or {}


def _environments() -> None:
    def create(data: dict[str, Any]) -> Any:
        why = environment_refusal(_variables(data))
        return _invalid(why) if why else original_create(data)

    def update(name: str, data: dict[str, Any]) -> Any:
        why = environment_refusal(_variables(data))
        return _invalid(why) if why else original_update(name, data)

    original_create = replace(lambda_svc, "_create_function", create, ("data",))
    original_update = replace(lambda_svc, "_update_config", update, ("name", "data"))


def _invalid(why: str) -> Response:
    return refusal("InvalidParameterValueException", why)


def _function_policies() -> None:
    def add(
        func_name: str,
        data: dict[str, Any],
        query_params: dict[str, Any] | None = None,
        path_qualifier: str | None = None,
    ) -> Response:
        response: Response = original(func_name, data, query_params, path_qualifier)
        if response[0] >= _FAILED:
            return response
        statements = lambda_svc._functions[func_name]["policy"]["Statement"]
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        why = function_policy_refusal(policy)
        if why is None:
            return response
        statements.pop()
        return refusal("PolicyLengthExceededException", why)

    original = replace(
        lambda_svc,
        "_add_permission",
        add,
        ("func_name", "data", "query_params", "path_qualifier"),
    )


def _queue_policies() -> None:
    check(sqs, "_act_create_queue", ("data", "_u"))
    check(sqs, "_act_set_queue_attributes", ("data", "qurl"))

    def checked(action: Callable[..., Any]) -> Callable[..., Any]:
        def act(data: dict[str, Any], url: str) -> Any:
            why = queue_policy_refusal((data.get("Attributes") or {}).get("Policy"))
            if why is not None:
                raise sqs._Err("InvalidAttributeValue", why)
            return action(data, url)

        return act

    for name in ("CreateQueue", "SetQueueAttributes"):
        sqs._HANDLERS[name] = checked(sqs._HANDLERS[name])


def _stacks() -> None:
    def demand(refuses: Callable[[Mapping[str, Any]], str | None], resource_type: str) -> None:
        handlers = provisioners._RESOURCE_HANDLERS[resource_type]
        for verb, position in (("create", 1), ("update", 2)):
            handlers[verb] = _demanding(handlers[verb], position, refuses)

    demand(lambda props: environment_refusal(_plain(_variables(props))), "AWS::Lambda::Function")
    demand(lambda props: queue_policy_refusal(props.get("PolicyDocument")), "AWS::SQS::QueuePolicy")


def _plain(variables: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in variables.items()}


def _demanding(
    handler: Callable[..., Any], position: int, refuses: Callable[[Mapping[str, Any]], str | None]
) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        why = refuses(arguments[position])
        if why is not None:
            raise ValueError(
                f'Resource handler returned message: "{why} (Status Code: 400, Request ID: '
                f'{uuid.uuid4()})" (HandlerErrorCode: InvalidRequest)'
            )
        return handler(*arguments, **named)

    return call
