"""What a CloudTrail event asks to read again."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from functions.aws.account.apply_changes import _WAYS
from functions.aws.account.configuration_changes import CALLS, find_changes
from functions.domain.account.configuration_change import AREAS, Change, ChangeKind
from functions.domain.errors import UnrecognisedSignalError

EVENTS = Path(__file__).parents[3] / "events"
DOCUMENTED = Path(__file__).parents[5] / "shared" / "events"
AWS_SAMPLE = DOCUMENTED / "eventbridge_cloudtrail.create_function.THIRDPARTY.json"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:enrich"
# Reported by no call: the diagnosis asks for it again where something fails.
ASKED_BY_DIAGNOSIS = {ChangeKind.SCHEDULE_GROUP}


def event(source: str, name: str, request: Any = None, response: Any = None) -> dict[str, Any]:
    """CloudTrail's event of a call, with the frame of a recorded one."""
    framed: dict[str, Any] = json.loads(
        (EVENTS / "cloudtrail.put_function_concurrency.json").read_text()
    )
    framed["source"] = f"aws.{source}"
    framed["detail"].update(
        eventSource=f"{source}.amazonaws.com",
        eventName=name,
        requestParameters=request,
        responseElements=response,
    )
    return framed


@pytest.mark.parametrize(
    ("told", "change"),
    [
        (
            event("lambda", "CreateFunction20150331", {"functionName": "enrich"}),
            (ChangeKind.FUNCTION, "enrich"),
        ),
        (
            event("lambda", "UpdateFunctionConfiguration20150331v2", {"functionName": LAMBDA}),
            (ChangeKind.FUNCTION, "enrich"),
        ),
        (
            event("lambda", "AddPermission20150331v2", {"functionName": f"{LAMBDA}:live"}),
            (ChangeKind.PERMISSION, "enrich"),
        ),
        (
            event(
                "lambda",
                "CreateEventSourceMapping20150331",
                {"functionName": "enrich"},
                {"uUID": "1234", "functionArn": LAMBDA},
            ),
            (ChangeKind.MAPPING, "1234"),
        ),
        (
            event("apigateway", "UpdateRoute", {"apiId": "a1b2"}),
            (ChangeKind.API, "a1b2"),
        ),
        (
            event("apigateway", "PutIntegration", {"restApiId": "c3"}),
            (ChangeKind.API, "c3"),
        ),
        (
            event("lambda", "UpdateEventSourceMapping20150331", {"uUID": "1234"}),
            (ChangeKind.MAPPING, "1234"),
        ),
        (
            event("lambda", "PutFunctionEventInvokeConfig", {"functionName": "enrich"}),
            (ChangeKind.DESTINATIONS, "enrich"),
        ),
        (
            event("lambda", "TagResource20170331v2", {"resource": LAMBDA}),
            (ChangeKind.TAGS, "all"),
        ),
        (event("iam", "PutRolePolicy", {"roleName": "r"}), (ChangeKind.ROLE, "r")),
        (
            event("iam", "CreatePolicyVersion", {"policyArn": "arn:aws:iam::1:policy/p"}),
            (ChangeKind.POLICY, "arn:aws:iam::1:policy/p"),
        ),
        (
            event("s3", "PutBucketNotification", {"bucketName": "uploads"}),
            (ChangeKind.BUCKET, "uploads"),
        ),
        (
            event("s3", "DeleteBucket", {"bucketName": "b"}),
            (ChangeKind.BUCKET_GONE, "b"),
        ),
        (
            event("sns", "Subscribe", {"topicArn": "t"}, {"subscriptionArn": "arn:s"}),
            (ChangeKind.SUBSCRIPTION, "arn:s"),
        ),
        (
            event("events", "PutRule", {"name": "paid"}),
            (ChangeKind.RULE, "default|paid"),
        ),
        (
            event("events", "PutTargets", {"rule": "paid", "eventBusName": "shop"}),
            (ChangeKind.RULE, "shop|paid"),
        ),
        (
            event("scheduler", "CreateSchedule", {"name": "s", "groupName": "g"}),
            (ChangeKind.SCHEDULE, "g|s"),
        ),
        (event("pipes", "CreatePipe", {"name": "p"}), (ChangeKind.PIPE, "p")),
        (
            event("logs", "PutSubscriptionFilter", {"logGroupName": "/a"}),
            (ChangeKind.LOG_GROUP, "/a"),
        ),
        (
            event("logs", "PutAccountPolicy", {"policyType": "SUBSCRIPTION_FILTER_POLICY"}),
            (ChangeKind.ACCOUNT_LOGS, "account"),
        ),
        (
            event("states", "CreateStateMachine", {"name": "m"}, {"stateMachineArn": "arn:m"}),
            (ChangeKind.MACHINE, "arn:m"),
        ),
        (
            event("firehose", "UpdateDestination", {"deliveryStreamName": "d"}),
            (ChangeKind.STREAM, "d"),
        ),
        (
            event(
                "sqs",
                "SetQueueAttributes",
                {
                    "queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/work",
                    "attributes": {"RedrivePolicy": '{"deadLetterTargetArn": "arn:dead"}'},
                },
            ),
            (ChangeKind.QUEUE, "arn:aws:sqs:us-east-1:123456789012:work|arn:dead"),
        ),
        (
            event("events", "PutPermission", {"statementId": "s"}),
            (ChangeKind.BUS_POLICY, "all"),
        ),
        (
            event("s3", "PutBucketPolicy", {"bucketName": "uploads"}),
            (ChangeKind.RESOURCE_POLICY, "arn:aws:s3:::uploads"),
        ),
        (
            event("sns", "SetTopicAttributes", {"topicArn": "arn:t"}),
            (ChangeKind.RESOURCE_POLICY, "arn:t"),
        ),
    ],
)
def test_calls_that_change_what_is_read(
    told: dict[str, Any], change: tuple[ChangeKind, str]
) -> None:
    """Each call names the one thing that is to be read again."""
    assert find_changes(told) == (Change(kind=change[0], name=change[1]),)


@pytest.mark.parametrize(
    "told",
    [
        event("logs", "PutAccountPolicy", {"policyType": "DATA_PROTECTION_POLICY"}),
        event("sns", "Subscribe", {"topicArn": "t"}, None),
        event("sns", "Subscribe", {"topicArn": "t"}, {"subscriptionArn": "pending confirmation"}),
    ],
)
def test_calls_that_change_nothing_that_is_read(told: dict[str, Any]) -> None:
    """A call that is no matter here asks nothing."""
    assert find_changes(told) == ()


def test_a_call_that_was_denied_changed_nothing() -> None:
    """A failed call asks nothing."""
    told = event("iam", "PutRolePolicy", {"roleName": "r"})
    told["detail"]["errorCode"] = "AccessDenied"

    assert find_changes(told) == ()


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"detail-type": "Scheduled Event"},
        event("lambda", "Invoke", {"functionName": "enrich"}),
        event("lambda", "CreateFunction20150331", {"functionName": "not a name!"}),
        {**event("sqs", "SetQueueAttributes"), "detail": None},
    ],
)
def test_refuses_what_no_rule_sends(told: dict[str, Any]) -> None:
    """An event of another shape is an error with what was seen, not nothing."""
    with pytest.raises(UnrecognisedSignalError, match="no call that changes what is charted"):
        find_changes(told)


def test_every_kind_of_change_has_an_area_and_a_way() -> None:
    """No kind of change is left out of what follows from it."""
    asked = {kind for calls in CALLS.values() for kind, _ in calls.values()} | ASKED_BY_DIAGNOSIS

    kinds = set(ChangeKind)
    assert kinds == asked, f"no call in CALLS of configuration_changes.py asks for {kinds - asked}"
    assert kinds == set(AREAS), f"AREAS of configuration_changes.py lacks {kinds - set(AREAS)}"
    assert kinds == set(_WAYS), f"_WAYS of apply_changes.py lacks {kinds - set(_WAYS)}"


@pytest.mark.skipif(not AWS_SAMPLE.exists(), reason="AWS's documents are not here")
def test_a_recorded_event_is_read() -> None:
    """The event of another project's account is one of the accepted shapes."""
    told = json.loads(AWS_SAMPLE.read_text())

    assert find_changes(copy.deepcopy(told)) == (
        Change(kind=ChangeKind.FUNCTION, name="test-function"),
    )
