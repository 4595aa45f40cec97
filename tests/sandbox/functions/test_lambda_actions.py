"""What a request to Lambda is, for IAM and for CloudTrail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.local_aws import LocalAws
from sandbox.scenarios.provision import create_function, package_code
from tests.sandbox.support import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
_CALL = """
import boto3
client = boto3.client("lambda")
def handler(event, context):
    try:
        getattr(client, event["call"])(**event["with"])
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "done"
"""


def _changes(aws: LocalAws, inbox: Callable[[str], Inbox]) -> Inbox:
    seen, events = inbox("changes"), aws.client("events")
    events.put_rule(Name="changes", EventPattern=json.dumps({"source": ["aws.lambda"]}))
    events.put_targets(Rule="changes", Targets=[{"Id": "1", "Arn": seen.arn}])
    return seen


def test_a_changed_reservation_is_told_by_cloudtrail(
    aws: LocalAws, function: Callable[..., str], inbox: Callable[[str], Inbox]
) -> None:
    """The event names the operation with its version, the function, and who called."""
    function("f")
    seen = _changes(aws, inbox)

    aws.client("lambda").put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=7)
    event = seen.wait()

    assert event["detail-type"] == "AWS API Call via CloudTrail"
    detail = event["detail"]
    assert detail["eventName"] == "PutFunctionConcurrency20171031"
    assert detail["requestParameters"] == {"functionName": "f", "reservedConcurrentExecutions": 7}
    assert detail["responseElements"] == {"reservedConcurrentExecutions": 7}
    assert detail["userIdentity"]["arn"] == "arn:aws:iam::123456789012:root"


def test_the_role_of_a_function_is_told(
    aws: LocalAws, function: Callable[..., str], inbox: Callable[[str], Inbox]
) -> None:
    """A call from a function is told with its role; a failed one with its error."""
    function("caller", _CALL)
    seen = _changes(aws, inbox)
    call = {"call": "delete_function_concurrency", "with": {"FunctionName": "nobody"}}

    aws.client("lambda").invoke(FunctionName="caller", Payload=json.dumps(call).encode())
    detail = seen.wait()["detail"]

    assert detail["eventName"] == "DeleteFunctionConcurrency20171031"
    assert detail["errorCode"] == "ResourceNotFoundException"
    assert detail["userIdentity"]["arn"].endswith(":assumed-role/any/caller")
    assert detail["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "any"


def test_a_changed_role_is_told_by_cloudtrail(aws: LocalAws, inbox: Callable[[str], Inbox]) -> None:
    """The event names the call and the role."""
    seen, events = inbox("roles"), aws.client("events")
    events.put_rule(Name="roles", EventPattern=json.dumps({"source": ["aws.iam"]}))
    events.put_targets(Rule="roles", Targets=[{"Id": "1", "Arn": seen.arn}])
    iam = aws.client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)

    document = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    iam.put_role_policy(
        RoleName="r",
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": document}),
    )
    event = seen.wait()

    assert event["source"] == "aws.iam"
    assert event["detail"]["eventSource"] == "iam.amazonaws.com"
    assert event["detail"]["eventName"] == "PutRolePolicy"
    assert event["detail"]["requestParameters"]["roleName"] == "r"


def test_a_denied_invocation_is_told_as_a_data_event() -> None:
    """Who was denied which function, in IAM's words, as a trail with data events tells it."""
    with LocalAws(speed=60, auth=True) as aws:
        seen = Inbox(aws, "denied")
        events = aws.client("events")
        pattern = {"source": ["aws.lambda"], "detail": {"eventName": ["Invoke"]}}
        events.put_rule(Name="denied", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="denied", Targets=[{"Id": "1", "Arn": seen.arn}])
        create_function(aws, "callee", code="steady_report")
        create_function(aws, "caller", code="call_callee")

        aws.client("lambda").invoke(FunctionName="callee", Payload=b"{}")
        aws.client("lambda").invoke(FunctionName="caller", Payload=b"{}")
        detail = seen.wait()["detail"]

        assert detail["eventCategory"] == "Data"
        assert detail["errorCode"] == "AccessDenied"
        assert "is not authorized to perform: lambda:InvokeFunction" in detail["errorMessage"]
        assert detail["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == (
            "caller-role"
        )
        assert detail["resources"][0]["ARN"].endswith(":function:callee")


@pytest.mark.e2e
def test_iam_knows_each_action_by_its_own_name() -> None:
    """A role that may do one thing can do that thing and not its neighbour."""
    with LocalAws(speed=60, auth=True) as aws:
        lambda_, iam = aws.client("lambda"), aws.client("iam")

        def make(name: str, *actions: str, **condition: Any) -> None:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
            statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **condition}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
            lambda_.create_function(
                FunctionName=name,
                Runtime="python3.12",
                Role=f"arn:aws:iam::123456789012:role/{name}",
                Handler="index.handler",
                Code={"ZipFile": package_code(_CALL)},
                Timeout=10,
            )

        def ask(who: str, call: str, **more: Any) -> Any:
            payload = json.dumps({"call": call, "with": more}).encode()
            return json.load(lambda_.invoke(FunctionName=who, Payload=payload)["Payload"])

        own = {"ArnLike": {"lambda:FunctionArn": "arn:aws:lambda:*:*:function:target"}}
        make("target", "logs:PutLogEvents")
        make("releaser", "lambda:DeleteFunctionConcurrency")
        make("lister", "lambda:ListProvisionedConcurrencyConfigs")
        make("mapper", "lambda:UpdateEventSourceMapping", Condition=own)
        aws.client("sqs").create_queue(QueueName="q")
        mappings = {
            name: lambda_.create_event_source_mapping(
                FunctionName=name,
                EventSourceArn="arn:aws:sqs:us-east-1:123456789012:q",
                Enabled=False,
            )["UUID"]
            for name in ("target", "lister")
        }
        denied = "AccessDeniedException"
        put = {"FunctionName": "target", "ReservedConcurrentExecutions": 0}

        assert ask("releaser", "delete_function_concurrency", FunctionName="target") == "done"
        assert ask("releaser", "put_function_concurrency", **put) == denied
        listed = ask("lister", "list_provisioned_concurrency_configs", FunctionName="target")
        assert listed == "done"
        assert ask("lister", "get_function", FunctionName="target") == denied
        update = "update_event_source_mapping"
        assert ask("mapper", update, UUID=mappings["target"], BatchSize=5) == "done"
        assert ask("mapper", update, UUID=mappings["lister"], BatchSize=5) == denied
        assert ask("lister", update, UUID=mappings["target"], BatchSize=5) == denied
