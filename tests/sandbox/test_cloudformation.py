"""What the guard's stack needs of CloudFormation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.support import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws

STACK = "guard"
_PROVIDER = """
import boto3, json, urllib.request
sqs = boto3.client("sqs")
def handler(event, context):
    url = sqs.get_queue_url(QueueName="requests")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    wanted = event["ResourceProperties"].get("Fail")
    fails = event["RequestType"] != "Delete" and wanted == "true"
    answer = {
        "Status": "FAILED" if fails else "SUCCESS",
        "Reason": "orders-function: no such function",
        "PhysicalResourceId": "the-one",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Floor": "25"},
    }
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT"
    )
    urllib.request.urlopen(request)
"""


def _function(**more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "f",
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::123456789012:role/any",
            "Code": {"ZipFile": "def handler(event, context): return 1"},
        }
        | more,
    }


def _deploy(aws: LocalAws, resources: dict[str, Any]) -> str:
    cloudformation = aws.client("cloudformation")
    template = json.dumps({"Resources": resources})
    known = {s["StackName"] for s in cloudformation.describe_stacks()["Stacks"]}
    call = cloudformation.update_stack if STACK in known else cloudformation.create_stack
    call(StackName=STACK, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])

    def finished() -> str | None:
        status = str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])
        return None if status.endswith("IN_PROGRESS") else status

    return aws.wait_until(finished, "the deployment", 20)


def test_function_properties_take_effect_and_leave(aws: LocalAws) -> None:
    """Reservation, dead-letter queue and loop detection come with the template and go with it."""
    lambda_ = aws.client("lambda")
    queue = "arn:aws:sqs:us-east-1:123456789012:dead"
    full = _function(
        ReservedConcurrentExecutions=5,
        DeadLetterConfig={"TargetArn": queue},
        RecursiveLoop="Allow",
    )
    assert _deploy(aws, {"F": full}) == "CREATE_COMPLETE"
    there = lambda_.get_function(FunctionName="f")
    loop = lambda_.get_function_recursion_config(FunctionName="f")["RecursiveLoop"]

    assert _deploy(aws, {"F": _function()}) == "UPDATE_COMPLETE"
    gone = lambda_.get_function(FunctionName="f")

    assert there["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert there["Configuration"]["DeadLetterConfig"] == {"TargetArn": queue}
    assert loop == "Allow"
    assert "Concurrency" not in gone
    assert "DeadLetterConfig" not in gone["Configuration"]


def test_an_unchanged_reservation_is_not_put_again(aws: LocalAws) -> None:
    """An update of something else leaves a contained function contained."""
    _deploy(aws, {"F": _function(ReservedConcurrentExecutions=5)})
    lambda_ = aws.client("lambda")
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)

    _deploy(aws, {"F": _function(ReservedConcurrentExecutions=5, MemorySize=256)})

    assert lambda_.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 0


def test_a_reservation_beyond_the_pool_fails_the_deployment(aws: LocalAws) -> None:
    """The stack's event says why in AWS's words, and the stack is rolled back."""
    assert _deploy(aws, {"F": _function(ReservedConcurrentExecutions=950)}) == "ROLLBACK_COMPLETE"

    events = aws.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert "UnreservedConcurrentExecution below its minimum value of [100]" in reasons


@pytest.fixture
def provider(
    aws: LocalAws, function: Callable[..., str], inbox: Callable[[str], Inbox]
) -> tuple[str, Inbox]:
    """A function that answers custom resources, and what it was asked."""
    requests = inbox("requests")
    return function("provider", _PROVIDER), requests


def _custom(token: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": token, **properties}}


def test_a_threshold_may_come_from_a_custom_resource(
    aws: LocalAws, provider: tuple[str, Inbox]
) -> None:
    """An attribute is text, the alarm's threshold a number."""
    alarm = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "each",
            "EvaluationPeriods": 1,
            "Threshold": {"Fn::GetAtt": ["Thing", "Floor"]},
            "ComparisonOperator": "GreaterThanThreshold",
            "Metrics": [
                {
                    "Id": "q",
                    "Expression": 'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
                    "GROUP BY FunctionName ORDER BY SUM() DESC",
                    "Period": "60",
                    "ReturnData": True,
                }
            ],
        },
    }

    status = _deploy(aws, {"Thing": _custom(provider[0]), "Alarm": alarm})

    assert status == "CREATE_COMPLETE"
    (made,) = aws.client("cloudwatch").describe_alarms(AlarmNames=["each"])["MetricAlarms"]
    assert (made["Threshold"], made["Metrics"][0]["Period"]) == (25.0, 60)


def test_a_failed_update_is_taken_back_with_the_old_properties(
    aws: LocalAws, provider: tuple[str, Inbox]
) -> None:
    """The provider's reason stands in the events, and it is asked to go back."""
    token, requests = provider
    _deploy(aws, {"Thing": _custom(token, Nonce="1")})

    status = _deploy(aws, {"Thing": _custom(token, Nonce="2", Fail=True)})

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    aws.wait_until(lambda: len(requests.bodies()) == 3, "three requests", 5)
    asked = [
        (
            r["RequestType"],
            r["ResourceProperties"].get("Nonce"),
            r.get("OldResourceProperties", {}).get("Nonce"),
            r.get("PhysicalResourceId"),
        )
        for r in requests.bodies()
    ]
    assert asked == [
        ("Create", "1", None, None),
        ("Update", "2", "1", "the-one"),
        ("Update", "1", "2", "the-one"),
    ]
    events = aws.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    (reason,) = {
        event["ResourceStatusReason"]
        for event in events
        if event["ResourceStatus"] == "UPDATE_FAILED"
    }
    assert reason.startswith(
        "Received response status [FAILED] from custom resource. Message returned: "
        "orders-function: no such function"
    )


def test_an_unchanged_custom_resource_is_left_alone(
    aws: LocalAws, provider: tuple[str, Inbox]
) -> None:
    """A deployment that changes something else does not ask the provider again."""
    token, requests = provider
    _deploy(aws, {"Thing": _custom(token, Nonce="1")})
    _deploy(aws, {"Thing": _custom(token, Nonce="1"), "F": _function()})

    assert [request["RequestType"] for request in requests.bodies()] == ["Create"]


def test_tables_are_complete_and_retained(aws: LocalAws) -> None:
    """Time to live, recovery and encryption are set, and the table outlives its stack."""
    table = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "Properties": {
            "TableName": "ledger",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True},
        },
    }
    dynamodb, cloudformation = aws.client("dynamodb"), aws.client("cloudformation")
    _deploy(aws, {"Ledger": table})

    described = dynamodb.describe_table(TableName="ledger")["Table"]
    ttl = dynamodb.describe_time_to_live(TableName="ledger")["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName="ledger")
    cloudformation.delete_stack(StackName=STACK)
    aws.wait_until(
        lambda: all(
            s["StackStatus"] != "DELETE_IN_PROGRESS"
            for s in cloudformation.describe_stacks()["Stacks"]
        ),
        "deletion",
        10,
    )

    assert ttl == {"AttributeName": "until", "TimeToLiveStatus": "ENABLED"}
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert described["SSEDescription"]["Status"] == "ENABLED"
    assert dynamodb.list_tables()["TableNames"] == ["ledger"]


def test_the_other_resource_types_work(aws: LocalAws) -> None:
    """Log groups, policies of topics and queues, and invoke settings are made."""
    allow = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "*",
                "Resource": "*",
            }
        ]
    }

    def made(kind: str, **properties: Any) -> dict[str, Any]:
        return {"Type": kind, "Properties": properties}

    status = _deploy(
        aws,
        {
            "F": _function(),
            "Logs": made("AWS::Logs::LogGroup", LogGroupName="/aws/lambda/f", RetentionInDays=14),
            "Topic": made("AWS::SNS::Topic", TopicName="notices"),
            "Queue": made("AWS::SQS::Queue", QueueName="dead"),
            "TopicPolicy": made(
                "AWS::SNS::TopicPolicy", PolicyDocument=allow, Topics=[{"Ref": "Topic"}]
            ),
            "QueuePolicy": made(
                "AWS::SQS::QueuePolicy", PolicyDocument=allow, Queues=[{"Ref": "Queue"}]
            ),
            "Mail": made(
                "AWS::SNS::Subscription",
                TopicArn={"Ref": "Topic"},
                Protocol="email",
                Endpoint="me@example.com",
            ),
            "Invoke": made(
                "AWS::Lambda::EventInvokeConfig",
                FunctionName={"Ref": "F"},
                Qualifier="$LATEST",
                MaximumRetryAttempts=1,
                DestinationConfig={"OnFailure": {"Destination": {"Fn::GetAtt": ["Queue", "Arn"]}}},
            ),
        },
    )

    assert status == "CREATE_COMPLETE"
    aws.client("lambda").put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    aws.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
    queue = Inbox(aws, "dead")
    assert queue.wait()["requestContext"]["condition"] == "ZeroReservedConcurrency"
    aws.client("sns").publish(
        TopicArn="arn:aws:sns:us-east-1:123456789012:notices", Message="hello"
    )
    assert aws.wait_for_mail("hello").recipient == "me@example.com"
