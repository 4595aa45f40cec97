"""CloudTrail's events on the default bus for calls that change what invokes a function or may do.

On AWS they need a trail and come later; here they come when `late_trail` lets them. An invocation
is a data event, which a trail must be told to log; here those that IAM denied are told. What
CloudFormation calls for the resources of a stack is told by `stack_trail`.
"""

from __future__ import annotations

import json
import logging
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from ministack.core import iam_actions
from ministack.core.responses import new_uuid

from sandbox.patches.calls import intercept
from sandbox.patches.events import late_trail
from sandbox.patches.lambda_actions import operation_of
from sandbox.scenarios.provision import function_arn
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from sandbox.patches.calls import Answer, Call
    from sandbox.world import World

logger = logging.getLogger("sandbox.trail")

EVENT_NAMES = {
    "PutFunctionConcurrency": "PutFunctionConcurrency20171031",
    "DeleteFunctionConcurrency": "DeleteFunctionConcurrency20171031",
    "CreateEventSourceMapping": "CreateEventSourceMapping20150331",
    "UpdateEventSourceMapping": "UpdateEventSourceMapping20150331",
    "DeleteEventSourceMapping": "DeleteEventSourceMapping20150331",
    "PutProvisionedConcurrencyConfig": "PutProvisionedConcurrencyConfig",
    "DeleteProvisionedConcurrencyConfig": "DeleteProvisionedConcurrencyConfig",
    "CreateFunction": "CreateFunction20150331",
    "UpdateFunctionCode": "UpdateFunctionCode20150331v2",
    "UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
    "DeleteFunction": "DeleteFunction20150331",
    "AddPermission": "AddPermission20150331v2",
    "RemovePermission": "RemovePermission20150331v2",
    "TagResource": "TagResource20170331v2",
    "UntagResource": "UntagResource20170331v2",
    "CreateFunctionUrlConfig": "CreateFunctionUrlConfig",
    "DeleteFunctionUrlConfig": "DeleteFunctionUrlConfig",
    "PutFunctionEventInvokeConfig": "PutFunctionEventInvokeConfig",
    "UpdateFunctionEventInvokeConfig": "UpdateFunctionEventInvokeConfig",
    "DeleteFunctionEventInvokeConfig": "DeleteFunctionEventInvokeConfig",
    "PutFunctionRecursionConfig": "PutFunctionRecursionConfig",
    "Invoke": "Invoke",
}
# The calls of other services, by the service's name in an event source.
TOLD = {
    "iam": frozenset(
        {
            "AttachRolePolicy",
            "CreatePolicyVersion",
            "DeletePolicyVersion",
            "DeleteRolePermissionsBoundary",
            "DeleteRolePolicy",
            "DetachRolePolicy",
            "PutRolePermissionsBoundary",
            "PutRolePolicy",
            "SetDefaultPolicyVersion",
        }
    ),
    "sns": frozenset(
        {
            "ConfirmSubscription",
            "SetSubscriptionAttributes",
            "SetTopicAttributes",
            "Subscribe",
            "Unsubscribe",
        }
    ),
    "sqs": frozenset({"SetQueueAttributes"}),
    "events": frozenset(
        {
            "DeleteRule",
            "DisableRule",
            "EnableRule",
            "PutPermission",
            "PutRule",
            "PutTargets",
            "RemovePermission",
            "RemoveTargets",
        }
    ),
    "logs": frozenset(
        {
            "DeleteAccountPolicy",
            "DeleteSubscriptionFilter",
            "PutAccountPolicy",
            "PutSubscriptionFilter",
        }
    ),
    "states": frozenset({"CreateStateMachine", "DeleteStateMachine", "UpdateStateMachine"}),
    "firehose": frozenset({"CreateDeliveryStream", "DeleteDeliveryStream", "UpdateDestination"}),
    "dynamodb": frozenset({"DeleteResourcePolicy", "PutResourcePolicy"}),
    "kinesis": frozenset({"DeleteResourcePolicy", "PutResourcePolicy"}),
    "apigateway": frozenset(
        {
            "CreateIntegration",
            "CreateRoute",
            "DeleteIntegration",
            "DeleteMethod",
            "DeleteResource",
            "DeleteRoute",
            "PutIntegration",
            "PutRestApi",
            "ReimportApi",
            "UpdateIntegration",
            "UpdateRoute",
        }
    ),
    "scheduler": frozenset({"CreateSchedule", "DeleteSchedule", "UpdateSchedule"}),
    "pipes": frozenset({"CreatePipe", "DeletePipe", "StartPipe", "StopPipe", "UpdatePipe"}),
    "s3": frozenset(
        {
            "DeleteBucket",
            "DeleteBucketPolicy",
            "DeleteBucketReplication",
            "PutBucketNotification",
            "PutBucketPolicy",
            "PutBucketReplication",
        }
    ),
}
_TOLD_BY_TARGET = frozenset().union(*TOLD.values())
# What is changed of a bucket, by the request's query parameter and method.
_BUCKET_CALLS = {
    ("notification", "PUT"): "PutBucketNotification",
    ("policy", "PUT"): "PutBucketPolicy",
    ("policy", "DELETE"): "DeleteBucketPolicy",
    ("replication", "PUT"): "PutBucketReplication",
    ("replication", "DELETE"): "DeleteBucketReplication",
}
# What is changed of an API, by method and path; of a REST API, then of an HTTP API.
_API_CALLS = {
    ("PUT", r"/restapis/(\w+)"): "PutRestApi",
    ("DELETE", r"/restapis/(\w+)/resources/\w+"): "DeleteResource",
    ("DELETE", r"/restapis/(\w+)/resources/\w+/methods/\w+"): "DeleteMethod",
    ("PUT", r"/restapis/(\w+)/resources/\w+/methods/\w+/integration"): "PutIntegration",
    ("PATCH", r"/restapis/(\w+)/resources/\w+/methods/\w+/integration"): "UpdateIntegration",
    ("DELETE", r"/restapis/(\w+)/resources/\w+/methods/\w+/integration"): "DeleteIntegration",
    ("PUT", r"/v2/apis/(\w+)"): "ReimportApi",
    ("POST", r"/v2/apis/(\w+)/integrations"): "CreateIntegration",
    ("PATCH", r"/v2/apis/(\w+)/integrations/\w+"): "UpdateIntegration",
    ("DELETE", r"/v2/apis/(\w+)/integrations/\w+"): "DeleteIntegration",
    ("POST", r"/v2/apis/(\w+)/routes"): "CreateRoute",
    ("PATCH", r"/v2/apis/(\w+)/routes/\w+"): "UpdateRoute",
    ("DELETE", r"/v2/apis/(\w+)/routes/\w+"): "DeleteRoute",
}
BY_CLOUDFORMATION = {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}
_NAMED = re.compile(r"/functions/([^/]+)")
_MAPPING = re.compile(r"/event-source-mappings/([^/]+)")
_LEAF = re.compile(rb"<(\w+)>([^<]*)</\1>")
_OMITTED = frozenset({"ZipFile", "Environment"})
_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
_UNNAMED = "ServiceException"


def publish(
    world: World,
    operation: str,
    *,
    identity: Mapping[str, Any],
    request: Mapping[str, Any],
    response: Mapping[str, Any] | None = None,
    error: str | None = None,
    message: str | None = None,
    service: str = "lambda",
) -> None:
    """Publish what CloudTrail would tell about a call."""
    is_data = operation == "Invoke"
    moment = datetime.fromtimestamp(world.clock.now(), UTC)
    detail: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": dict(identity),
        "eventTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": EVENT_NAMES.get(operation, operation),
        "awsRegion": REGION,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "sandbox",
        "requestParameters": _camel(request),
        "responseElements": None if response is None else _camel(response),
        "requestID": new_uuid(),
        "eventID": new_uuid(),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": not is_data,
        "recipientAccountId": ACCOUNT_ID,
        "eventCategory": "Data" if is_data else "Management",
    }
    if is_data:
        function = function_arn(str(request.get("FunctionName", "")))
        resource = {"accountId": ACCOUNT_ID, "type": "AWS::Lambda::Function", "ARN": function}
        detail["resources"] = [resource]
    if error is not None:
        detail["errorCode"] = error
    if message:
        detail["errorMessage"] = message
    entry = {
        "Source": f"aws.{service}",
        "DetailType": "AWS API Call via CloudTrail",
        "Detail": json.dumps(detail),
    }
    late_trail.put(world, operation, request, entry, moment.timestamp())


def _camel(document: Mapping[str, Any]) -> dict[str, Any]:
    return {k[:1].lower() + k[1:]: v for k, v in document.items() if k not in _OMITTED}


def caller_identity(arn: str | None, moment: datetime) -> dict[str, Any]:
    """Who called, as CloudTrail tells it: the session of a role, or the account itself."""
    if arn is None:
        return {
            "type": "Root",
            "principalId": ACCOUNT_ID,
            "arn": f"arn:aws:iam::{ACCOUNT_ID}:root",
            "accountId": ACCOUNT_ID,
            "accessKeyId": "AKIASANDBOX",
        }
    _, role, session = arn.split("/", 2)
    unique = f"AROA{zlib.crc32(role.encode()):08X}"
    return {
        "type": "AssumedRole",
        "principalId": f"{unique}:{session}",
        "arn": arn,
        "accountId": ACCOUNT_ID,
        "accessKeyId": "ASIASANDBOX",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": unique,
                "arn": f"arn:aws:iam::{ACCOUNT_ID}:role/{role}",
                "accountId": ACCOUNT_ID,
                "userName": role,
            },
            "attributes": {
                "creationDate": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                "mfaAuthenticated": "false",
            },
        },
    }


def _document(body: Any) -> dict[str, Any]:
    """What a JSON document holds, or the single values of an XML one."""
    if isinstance(body, bytes) and body.startswith(b"<"):
        return {key.decode(): value.decode() for key, value in _LEAF.findall(body)}
    try:
        parsed = json.loads(body or b"{}")
    except (TypeError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _parameters(path: str, body: bytes, query_params: Mapping[str, Any]) -> dict[str, Any]:
    request = _document(body)
    if named := _NAMED.search(unquote(path)):
        request["FunctionName"] = named.group(1)
    if mapping := _MAPPING.search(path):
        request["UUID"] = mapping.group(1)
    if qualifier := query_params.get("Qualifier"):
        request["Qualifier"] = qualifier[0]
    return request


def _form(body: bytes, query_params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call of a query API, with its name."""
    parameters = {**query_params, **parse_qs(body.decode(errors="replace"))}
    named = {
        key: value[0] if isinstance(value, list) else value for key, value in parameters.items()
    }
    named.pop("Version", None)
    return named


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    service: str
    operation: str
    parameters: Mapping[str, Any]


def _tell(world: World, call: _Call, answer: Any, caller: str | None) -> None:
    status, _, body = answer
    response = _document(body)
    failed = status >= 400  # noqa: PLR2004
    code = str(response.get("__type") or response.get("Code") or _UNNAMED) if failed else None
    if call.operation == "Invoke" and code not in _DENIED:
        return
    publish(
        world,
        call.operation,
        identity=caller_identity(caller, datetime.fromtimestamp(world.clock.now(), UTC)),
        request=call.parameters,
        response=None if failed or not response else response,
        error="AccessDenied" if call.operation == "Invoke" else code,
        message=str(response.get("Message") or response.get("message") or ""),
        service=call.service,
    )


def apply(world: World) -> None:
    """Watch the calls that reach the emulator."""

    async def tell(request: Call, proceed: Callable[[], Awaitable[Answer]]) -> Answer:
        answer = await proceed()
        if request.method == "GET":
            return answer
        try:
            call = _call(request)
            if call is not None:
                _tell(world, call, answer, request.caller)
        except Exception:
            logger.exception("cannot tell of %s %s", request.method, request.path)
        return answer

    intercept(tell)


def _call(request: Call) -> _Call | None:
    """The call that a request is; ``None`` for one that is not told.

    It is named as CloudTrail names it, which `Call.action` does not.
    """
    if target := request.headers.get("x-amz-target", ""):
        operation = target.rpartition(".")[2]
        if operation not in _TOLD_BY_TARGET:
            return None
        parameters = _document(request.body)
        service = request.service
    elif request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        parameters = _form(request.body, request.query_params)
        operation = str(parameters.pop("Action", ""))
        service = request.service
    else:
        service = request.service
        operation, parameters = _by_path(
            service, request.method, request.path, request.body, request.query_params
        )
    names = EVENT_NAMES if service == "lambda" else TOLD.get(service, ())
    if operation not in names:
        return None
    return _Call(service=service, operation=operation, parameters=parameters)


def _by_path(
    service: str, method: str, path: str, body: bytes, query_params: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The operation of a service that names it by path and method, with its parameters."""
    match service:
        case "lambda":
            operation = operation_of(method, path, query_params) or ""
            return operation, _parameters(path, body, query_params)
        case "s3":
            bucket, _, key = unquote(path).strip("/").partition("/")
            changes = (
                name
                for (what, by), name in _BUCKET_CALLS.items()
                if by == method and what in query_params
            )
            usual = "DeleteBucket" if method == "DELETE" and not query_params else ""
            return "" if key else next(changes, usual), {"BucketName": bucket}
        case "scheduler" | "pipes":
            operation = iam_actions._match_rest_action(service, method, path, query_params) or ""
            name = unquote(path).removeprefix("/v1").strip("/").split("/")[1:2]
            group = query_params.get("groupName")
            parameters = _document(body) | ({"GroupName": group[0]} if group else {})
            return operation, parameters | {"Name": "".join(name)}
        case "apigateway":
            return _api_call(method, unquote(path).rstrip("/"), body)
        case _:
            return "", {}


def _api_call(method: str, path: str, body: bytes) -> tuple[str, dict[str, Any]]:
    for (by, pattern), name in _API_CALLS.items():
        if by == method and (named := re.fullmatch(pattern, path)):
            key = "RestApiId" if path.startswith("/restapis") else "ApiId"
            return name, _document(body) | {key: named.group(1)}
    return "", {}
