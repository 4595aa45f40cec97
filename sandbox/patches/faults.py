"""Lets API calls fail on request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.router import extract_access_key_id
from ministack.services import sts

from sandbox.patches.hooks import replace

if TYPE_CHECKING:
    from sandbox.faults import Fault
    from sandbox.world import World

_XML_SERVICES = frozenset({"s3", "cloudformation", "iam", "sts", "sns"})


def apply(world: World) -> None:
    """Look at each call before it is dispatched, while there are faults."""

    async def dispatch(  # noqa: PLR0917 - as the emulator calls it
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        request_id: str,
    ) -> Any:
        if world.faults.is_empty:
            return await original(method, path, headers, body, query_params, request_id)
        parameters = app._routing_params(method, path, headers, body, query_params)
        service = router.detect_service(method, path, headers, parameters)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, parameters)
        fault = world.faults.take(action or f"{service}:", caller_of(headers, query_params))
        if fault is None:
            return await original(method, path, headers, body, query_params, request_id)
        if fault.is_applied:
            await original(method, path, headers, body, query_params, request_id)
        return _refusal(fault, service, request_id)

    original = replace(
        app,
        "_dispatch_service_request",
        dispatch,
        ("method", "path", "headers", "body", "query_params", "request_id"),
    )


def caller_of(headers: dict[str, str], query_params: dict[str, Any]) -> str | None:
    """The ARN of the session that signed a request; nothing for the account itself."""
    key = extract_access_key_id(headers, query_params)
    session = sts._sessions.get(key) if key else None
    return session.get("Arn") if session else None


def _refusal(fault: Fault, service: str, request_id: str) -> tuple[int, dict[str, str], bytes]:
    if service in _XML_SERVICES:
        side = "Sender" if fault.status < 500 else "Receiver"  # noqa: PLR2004
        error = (
            f"<Error><Type>{side}</Type><Code>{fault.code}</Code>"
            f"<Message>{fault.message}</Message></Error>"
        )
        text = (
            error
            if service == "s3"
            else f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return fault.status, {"Content-Type": "text/xml"}, text.encode()
    headers = {
        "Content-Type": "application/json",
        "x-amzn-errortype": fault.code,
        "x-amzn-requestid": request_id,
    }
    body = {"__type": fault.code, "message": fault.message, "Message": fault.message}
    return fault.status, headers, json.dumps(body).encode()
