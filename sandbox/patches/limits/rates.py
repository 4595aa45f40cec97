"""In AWS's weather control planes refuse calls beyond their rates.

The rates are counted in real seconds: they are meant against the calls that a program makes in its
own time, which does not run faster when the virtual clock does. Only roles are counted. What the
account's own keys do is that of tests and of people who deploy, and CloudFormation makes no calls.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from ministack.services import cloudwatch

from sandbox.patches.calls import intercept
from sandbox.patches.hooks import check
from sandbox.weather.rates import CallRates, limit_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.patches.calls import Answer, Call
    from sandbox.world import World

_MESSAGE = "Rate exceeded"
_THROTTLED = "Throttling"
_XML_SERVICES = frozenset({"iam", "sns"})


def apply(world: World) -> None:
    """Count the calls of roles, before anything else is done with them."""
    if world.settings.weather.is_calm:
        return
    rates = CallRates(world.settings.rate_share)
    world.on_reset.append(rates.clear)
    check(cloudwatch, "_error", ("code", "message", "status", "use_json", "use_cbor"))

    async def limit(call: Call, proceed: Callable[[], Awaitable[Answer]]) -> Answer:
        if call.caller is not None:
            action = call.action
            if action and limit_of(action) and not rates.takes(action, time.monotonic()):
                return _refusal(action.partition(":")[0], call.headers, call.request_id)
        return await proceed()

    intercept(limit)


def _refusal(service: str, headers: dict[str, str], request_id: str) -> Answer:
    """The error as each service's protocol has it."""
    content_type = headers.get("content-type", "")
    if service == "cloudwatch":
        is_cbor = "cbor" in content_type or "cbor" in headers.get("smithy-protocol", "")
        is_json = not is_cbor and ("json" in content_type or "x-amz-target" in headers)
        code = "ThrottlingException" if is_cbor or is_json else _THROTTLED
        response: Answer = cloudwatch._error(
            code, _MESSAGE, 400, use_json=is_json, use_cbor=is_cbor
        )
        return response
    if service in _XML_SERVICES:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{_THROTTLED}</Code>"
            f"<Message>{_MESSAGE}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return 400, {"Content-Type": "text/xml"}, text.encode()
    if service == "lambda":
        document = {"Reason": "CallerRateLimitExceeded", "Type": "User", "message": _MESSAGE}
        return _json(429, "TooManyRequestsException", document, request_id)
    code = "RequestThrottled" if service == "sqs" else "ThrottlingException"
    return _json(400, code, {"message": _MESSAGE}, request_id)


def _json(status: int, code: str, document: dict[str, str], request_id: str) -> Answer:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-errortype": code,
        "x-amzn-requestid": request_id,
    }
    return status, headers, json.dumps({"__type": code, **document}).encode()
