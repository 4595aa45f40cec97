"""Which parts of the account an API call has changed, as CloudTrail reports it.

A change says what is to be read again, not what it is now: calls arrive late, twice or out of
order, and what is the case is asked for anyway. So nothing of an event is kept but names. Events
may be kept as dead letters: CloudTrail leaves environment variables out of those of CreateFunction
and UpdateFunctionConfiguration (Lambda developer guide, *Logging Lambda API calls*).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.errors import UnrecognisedSignalError

_Call: TypeAlias = Mapping[str, Any]  # the `detail` of the event
_Reader: TypeAlias = Callable[[_Call], str]


def _make_parameter_reader(*names: str) -> _Reader:
    """A parameter of the call, by the first of these names that it has."""

    def read(call: _Call) -> str:
        request = call.get("requestParameters") or {}
        return next((str(request[one]) for one in names if request.get(one)), "")

    return read


def _make_answer_reader(name: str) -> _Reader:
    def read(call: _Call) -> str:
        return str((call.get("responseElements") or {}).get(name) or "")

    return read


def _make_arn_reader(name: str) -> _Reader:
    """An ARN that the call or its answer has under this name.

    Of a subscription that its owner has yet to confirm SNS answers words instead; confirming it is
    a call of its own (SNS API reference, *Subscribe*).
    """
    ways = (_make_parameter_reader(name), _make_answer_reader(name))

    def read(call: _Call) -> str:
        return next((one for one in (way(call) for way in ways) if one.startswith("arn:")), "")

    return read


def _make_first_reader(*ways: _Reader) -> _Reader:
    return lambda call: next((one for one in (way(call) for way in ways) if one), "")


def _find_function(call: _Call) -> str:
    request, answer = call.get("requestParameters") or {}, call.get("responseElements") or {}
    named = request.get("functionName") or answer.get("functionArn") or answer.get("functionName")
    return parse_function_name(named) if named else ""


def _find_rule(call: _Call) -> str:
    request = call.get("requestParameters") or {}
    name = request.get("rule") or request.get("name") or ""
    return f"{request.get('eventBusName') or 'default'}|{name}" if name else ""


def _find_schedule(call: _Call) -> str:
    request = call.get("requestParameters") or {}
    name = request.get("name") or ""
    return f"{request.get('groupName') or 'default'}|{name}" if name else ""


def _find_queue(call: _Call) -> str:
    """A queue, with its dead-letter queue where the call sets one."""
    request, answer = call.get("requestParameters") or {}, call.get("responseElements") or {}
    url = request.get("queueUrl") or answer.get("queueUrl") or ""
    if not url:
        return ""
    account, name = url.split("/")[-2:]
    region = call.get("awsRegion", "")
    arn = f"arn:{_find_partition(region)}:sqs:{region}:{account}:{name}"
    attributes = request.get("attributes") or request.get("attribute") or {}
    policy = attributes.get("RedrivePolicy")
    document = json.loads(policy) if isinstance(policy, str) and policy else policy or {}
    return f"{arn}|{document.get('deadLetterTargetArn', '')}"


def _compose_bucket_arn(call: _Call) -> str:
    name = (call.get("requestParameters") or {}).get("bucketName") or ""
    return f"arn:{_find_partition(call.get('awsRegion', ''))}:s3:::{name}" if name else ""


def _find_partition(region: str) -> str:
    starts = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
    return next((one for start, one in starts.items() if region.startswith(start)), "aws")


def _find_subscription(call: _Call) -> str:
    request = call.get("requestParameters") or {}
    return "account" if request.get("policyType") == "SUBSCRIPTION_FILTER_POLICY" else ""


def _choose_all(call: _Call) -> str:  # noqa: ARG001 - the same for every call
    return "all"


_MAPPING: Final = _make_first_reader(
    _make_parameter_reader("uUID", "uuid", "UUID"),
    _make_answer_reader("uUID"),
    _make_answer_reader("uuid"),
)
_ROLE: Final = _make_parameter_reader("roleName")
_POLICY: Final = _make_parameter_reader("policyArn")
_SUBSCRIPTION: Final = _make_arn_reader("subscriptionArn")
_MACHINE: Final = _make_arn_reader("stateMachineArn")
_STREAM: Final = _make_parameter_reader("deliveryStreamName")
# UNCONFIRMED A-012: the name of the parameter in CloudTrail's events; without it the daily reading
# finds the change.
_API: Final = _make_parameter_reader("restApiId", "apiId")
# By event source without its domain, then by the call's name without the version of the API.
_K = ChangeKind
CALLS: Final[Mapping[str, Mapping[str, tuple[ChangeKind, _Reader]]]] = {
    "lambda": {
        "CreateFunction": (_K.FUNCTION, _find_function),
        "UpdateFunctionConfiguration": (_K.FUNCTION, _find_function),
        "DeleteFunction": (_K.FUNCTION, _find_function),
        "AddPermission": (_K.PERMISSION, _find_function),
        "RemovePermission": (_K.PERMISSION, _find_function),
        "CreateEventSourceMapping": (_K.MAPPING, _MAPPING),
        "UpdateEventSourceMapping": (_K.MAPPING, _MAPPING),
        "DeleteEventSourceMapping": (_K.MAPPING, _MAPPING),
        "PutFunctionEventInvokeConfig": (_K.DESTINATIONS, _find_function),
        "UpdateFunctionEventInvokeConfig": (_K.DESTINATIONS, _find_function),
        "DeleteFunctionEventInvokeConfig": (_K.DESTINATIONS, _find_function),
        "PutFunctionRecursionConfig": (_K.RECURSION, _find_function),
        "CreateFunctionUrlConfig": (_K.URL, _find_function),
        "DeleteFunctionUrlConfig": (_K.URL, _find_function),
        "TagResource": (_K.TAGS, _choose_all),
        "UntagResource": (_K.TAGS, _choose_all),
    },
    "iam": {
        "PutRolePolicy": (_K.ROLE, _ROLE),
        "DeleteRolePolicy": (_K.ROLE, _ROLE),
        "AttachRolePolicy": (_K.ROLE, _ROLE),
        "DetachRolePolicy": (_K.ROLE, _ROLE),
        "PutRolePermissionsBoundary": (_K.ROLE, _ROLE),
        "DeleteRolePermissionsBoundary": (_K.ROLE, _ROLE),
        "CreatePolicyVersion": (_K.POLICY, _POLICY),
        "SetDefaultPolicyVersion": (_K.POLICY, _POLICY),
    },
    "s3": {
        # CloudTrail's name; the API's own in case that changes.
        "PutBucketNotification": (_K.BUCKET, _make_parameter_reader("bucketName")),
        "PutBucketNotificationConfiguration": (_K.BUCKET, _make_parameter_reader("bucketName")),
        "PutBucketReplication": (_K.BUCKET, _make_parameter_reader("bucketName")),
        "DeleteBucketReplication": (_K.BUCKET, _make_parameter_reader("bucketName")),
        "DeleteBucket": (_K.BUCKET_GONE, _make_parameter_reader("bucketName")),
        "PutBucketPolicy": (_K.RESOURCE_POLICY, _compose_bucket_arn),
        "DeleteBucketPolicy": (_K.RESOURCE_POLICY, _compose_bucket_arn),
    },
    "sns": {
        "Subscribe": (_K.SUBSCRIPTION, _SUBSCRIPTION),
        "ConfirmSubscription": (_K.SUBSCRIPTION, _SUBSCRIPTION),
        "SetSubscriptionAttributes": (_K.SUBSCRIPTION, _SUBSCRIPTION),
        "Unsubscribe": (_K.SUBSCRIPTION, _SUBSCRIPTION),
        "SetTopicAttributes": (_K.RESOURCE_POLICY, _make_parameter_reader("topicArn")),
    },
    "events": {
        "PutRule": (_K.RULE, _find_rule),
        "DeleteRule": (_K.RULE, _find_rule),
        "EnableRule": (_K.RULE, _find_rule),
        "DisableRule": (_K.RULE, _find_rule),
        "PutTargets": (_K.RULE, _find_rule),
        "RemoveTargets": (_K.RULE, _find_rule),
        "PutPermission": (_K.BUS_POLICY, _choose_all),
        "RemovePermission": (_K.BUS_POLICY, _choose_all),
    },
    "scheduler": {
        "CreateSchedule": (_K.SCHEDULE, _find_schedule),
        "UpdateSchedule": (_K.SCHEDULE, _find_schedule),
        "DeleteSchedule": (_K.SCHEDULE, _find_schedule),
    },
    "pipes": {
        "CreatePipe": (_K.PIPE, _make_parameter_reader("name")),
        "UpdatePipe": (_K.PIPE, _make_parameter_reader("name")),
        "DeletePipe": (_K.PIPE, _make_parameter_reader("name")),
        "StartPipe": (_K.PIPE, _make_parameter_reader("name")),
        "StopPipe": (_K.PIPE, _make_parameter_reader("name")),
    },
    "logs": {
        "PutSubscriptionFilter": (_K.LOG_GROUP, _make_parameter_reader("logGroupName")),
        "DeleteSubscriptionFilter": (_K.LOG_GROUP, _make_parameter_reader("logGroupName")),
        "PutAccountPolicy": (_K.ACCOUNT_LOGS, _find_subscription),
        "DeleteAccountPolicy": (_K.ACCOUNT_LOGS, _find_subscription),
    },
    "states": {
        "CreateStateMachine": (_K.MACHINE, _MACHINE),
        "UpdateStateMachine": (_K.MACHINE, _MACHINE),
        "DeleteStateMachine": (_K.MACHINE_GONE, _MACHINE),
    },
    "firehose": {
        "CreateDeliveryStream": (_K.STREAM, _STREAM),
        "UpdateDestination": (_K.STREAM, _STREAM),
        "DeleteDeliveryStream": (_K.STREAM_GONE, _STREAM),
    },
    "dynamodb": {
        "PutResourcePolicy": (_K.RESOURCE_POLICY, _make_parameter_reader("resourceArn")),
        "DeleteResourcePolicy": (_K.RESOURCE_POLICY, _make_parameter_reader("resourceArn")),
    },
    "kinesis": {
        "PutResourcePolicy": (_K.RESOURCE_POLICY, _make_parameter_reader("resourceARN")),
        "DeleteResourcePolicy": (_K.RESOURCE_POLICY, _make_parameter_reader("resourceARN")),
    },
    # Both versions of API Gateway's own API. A new API is listed within the hour.
    "apigateway": {
        "PutIntegration": (_K.API, _API),
        "CreateIntegration": (_K.API, _API),
        "UpdateIntegration": (_K.API, _API),
        "DeleteIntegration": (_K.API, _API),
        "CreateRoute": (_K.API, _API),
        "UpdateRoute": (_K.API, _API),
        "DeleteRoute": (_K.API, _API),
        "DeleteMethod": (_K.API, _API),
        "DeleteResource": (_K.API, _API),
        "PutRestApi": (_K.API, _API),
        "ReimportApi": (_K.API, _API),
    },
    "sqs": {
        "SetQueueAttributes": (_K.QUEUE, _find_queue),
    },
}
_API_CALL: Final = "AWS API Call via CloudTrail"
# CloudTrail writes most of Lambda's names with the date of the API version.
_API_VERSION: Final = re.compile(r"\d{8}(?:v\d+)?$")
_MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError)


def find_changes(event: Mapping[str, Any]) -> tuple[Change, ...]:
    """What a CloudTrail event asks to read again; nothing for a call that failed.

    Raises
    ------
    UnrecognisedSignalError
        When it is no event of a call that changes what is read.
    """
    try:
        if event["detail-type"] != _API_CALL:
            raise _make_error(event, "no API call")
        call = event["detail"]
        source = call["eventSource"].partition(".")[0]
        name = _API_VERSION.sub("", call["eventName"])
        kind, read = CALLS[source][name]
        if call.get("errorCode"):
            return ()
        named = read(call)
    except InvalidFunctionReferenceError as error:
        raise _make_error(event, str(error)) from error
    except _MALFORMED as error:
        raise _make_error(event, f"{type(error).__name__} {error}") from error
    return (Change(kind=kind, name=named),) if named else ()


def is_change(event: Mapping[str, Any]) -> bool:
    """Whether an event reports an API call at all."""
    return event.get("detail-type") == _API_CALL


def _make_error(event: Mapping[str, Any], what: str) -> UnrecognisedSignalError:
    detail = event.get("detail") if isinstance(event, Mapping) else None
    name = detail.get("eventName") if isinstance(detail, Mapping) else None
    return UnrecognisedSignalError(
        f"no call that changes what is charted: {what}. Seen: source {event.get('source')!r}, "
        f"detail-type {event.get('detail-type')!r}, eventName {name!r}"
    )
