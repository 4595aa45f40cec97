"""Lets API calls fail on request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.patches.calls import intercept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.patches.calls import Answer, Call
    from sandbox.weather.faults import Fault
    from sandbox.world import World

_XML_SERVICES = frozenset({"s3", "cloudformation", "iam", "sts", "sns"})


def apply(world: World) -> None:
    """Look at each call before it is dispatched, while there are faults."""

    async def fail(call: Call, proceed: Callable[[], Awaitable[Answer]]) -> Answer:
        if world.faults.is_empty:
            return await proceed()
        service = call.service
        fault = world.faults.take(call.action or f"{service}:", call.caller)
        if fault is None:
            return await proceed()
        if fault.is_applied:
            await proceed()
        return _refusal(fault, service, call.request_id)

    intercept(fail)


def _refusal(fault: Fault, service: str, request_id: str) -> Answer:
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
