"""What CloudTrail tells of changes, by an API and by CloudFormation."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.account.configuration_changes import CALLS, find_changes
from functions.domain.account.configuration_change import Change, ChangeKind
from functions.domain.errors import UnrecognisedSignalError
from sandbox.patches.events.trail import EVENT_NAMES, TOLD, caller_identity
from sandbox.scenarios.provision import (
    arn,
    create_function,
    create_table,
    map_source,
    notify_on_new_objects,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws
    from tests.sandbox.support import Inbox

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
PATTERN = json.dumps({"source": ["shop"]})
K = ChangeKind


@pytest.fixture
def told(aws: LocalAws, inbox: Callable[[str], Inbox]) -> Callable[[Change], bool]:
    """Tells whether the events so far ask to read something again."""
    seen, events = inbox("trail"), aws.client("events")
    pattern = {"detail-type": ["AWS API Call via CloudTrail"]}
    events.put_rule(Name="trail", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="trail", Targets=[{"Id": "1", "Arn": seen.arn}])

    def is_told(change: Change) -> bool:
        return any(change in _changes(event) for event in seen.bodies())

    return is_told


def _changes(event: dict[str, Any]) -> tuple[Change, ...]:
    try:
        return find_changes(event)
    except UnrecognisedSignalError:
        return ()


def _role(aws: LocalAws) -> None:
    aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
    aws.client("iam").put_role_policy(RoleName="r", PolicyName="own", PolicyDocument=POLICY)


def _function(aws: LocalAws) -> None:
    create_function(aws, "f", code="steady_report")


def _permission(aws: LocalAws) -> None:
    _function(aws)
    aws.client("lambda").add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="*"
    )


def _tags(aws: LocalAws) -> None:
    _function(aws)
    function = arn("lambda", "function:f")
    aws.client("lambda").tag_resource(Resource=function, Tags={"loopbreaker:accepted-loop": "yes"})


def _recursion(aws: LocalAws) -> None:
    create_function(aws, "f", code="steady_report", allows_loops=True)


def _bucket(aws: LocalAws) -> None:
    _function(aws)
    aws.client("s3").create_bucket(Bucket="photos")
    notify_on_new_objects(aws, "photos", "f")


def _bucket_gone(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket="photos")
    aws.client("s3").delete_bucket(Bucket="photos")


def _bucket_policy(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket="photos")
    aws.client("s3").put_bucket_policy(Bucket="photos", Policy=POLICY)


def _rule(aws: LocalAws) -> None:
    aws.client("events").put_rule(Name="orders", EventPattern=PATTERN)


def _targets(aws: LocalAws) -> None:
    _rule(aws)
    target = {"Id": "1", "Arn": arn("sqs", "anywhere")}
    aws.client("events").put_targets(Rule="orders", Targets=[target])


def _queue(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.create_queue(QueueName="dead")
    policy = {"deadLetterTargetArn": arn("sqs", "dead"), "maxReceiveCount": "3"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})


def _topic(aws: LocalAws) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=POLICY)


def _schedule(aws: LocalAws) -> None:
    aws.client("scheduler").create_schedule(
        Name="nightly",
        GroupName="default",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn("sqs", "jobs"), "RoleArn": "arn:aws:iam::123456789012:role/r"},
    )


def _log_subscription(aws: LocalAws) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/a/b")
    logs.put_subscription_filter(
        logGroupName="/a/b",
        filterName="all",
        filterPattern="",
        destinationArn=arn("lambda", "function:f"),
    )


@pytest.mark.parametrize(
    ("call", "change"),
    [
        (_role, Change(kind=K.ROLE, name="r")),
        (_function, Change(kind=K.FUNCTION, name="f")),
        (_permission, Change(kind=K.PERMISSION, name="f")),
        (_tags, Change(kind=K.TAGS, name="all")),
        (_recursion, Change(kind=K.RECURSION, name="f")),
        (_bucket, Change(kind=K.BUCKET, name="photos")),
        (_bucket_gone, Change(kind=K.BUCKET_GONE, name="photos")),
        (_bucket_policy, Change(kind=K.RESOURCE_POLICY, name=arn("s3", "photos"))),
        (_rule, Change(kind=K.RULE, name="default|orders")),
        (_targets, Change(kind=K.RULE, name="default|orders")),
        (
            _queue,
            Change(kind=K.QUEUE, name=f"{arn('sqs', 'jobs')}|{arn('sqs', 'dead')}"),
        ),
        (_topic, Change(kind=K.RESOURCE_POLICY, name=arn("sns", "t"))),
        (_schedule, Change(kind=K.SCHEDULE, name="default|nightly")),
        (_log_subscription, Change(kind=K.LOG_GROUP, name="/a/b")),
    ],
    ids=lambda one: one.__name__.strip("_") if callable(one) else one.kind.value,
)
def test_a_change_by_an_api_is_told(
    aws: LocalAws,
    told: Callable[[Change], bool],
    call: Callable[[LocalAws], None],
    change: Change,
) -> None:
    """The event is one from which the chart takes what to read again."""
    call(aws)

    aws.wait_until(lambda: told(change), f"{change}")


def test_a_mapping_is_told_by_its_uuid(aws: LocalAws, told: Callable[[Change], bool]) -> None:
    """The answer of the call names it."""
    _function(aws)
    uuid = map_source(aws, "f", create_table(aws, "orders", has_stream=True) or "")

    aws.wait_until(lambda: told(Change(kind=K.MAPPING, name=uuid)), "the mapping")


def test_a_subscription_is_told_by_its_arn(aws: LocalAws, told: Callable[[Change], bool]) -> None:
    """The answer of the call names it, in XML."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    subscribed = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "q"), ReturnSubscriptionArn=True
    )["SubscriptionArn"]

    aws.wait_until(lambda: told(Change(kind=K.SUBSCRIPTION, name=subscribed)), "the subscription")


def test_the_integration_of_an_http_api_is_told_by_its_api(
    aws: LocalAws, told: Callable[[Change], bool]
) -> None:
    """A route that comes to lead elsewhere is read again."""
    apis = aws.client("apigatewayv2")
    api = apis.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    apis.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=arn("lambda", "function:f"),
        PayloadFormatVersion="2.0",
    )

    aws.wait_until(lambda: told(Change(kind=K.API, name=api)), "the API")


def test_the_integration_of_a_rest_api_is_told_by_its_api(
    aws: LocalAws, told: Callable[[Change], bool]
) -> None:
    """The older API Gateway names its parameter otherwise."""
    apis = aws.client("apigateway")
    api = apis.create_rest_api(name="shop")["id"]
    root = apis.get_resources(restApiId=api)["items"][0]["id"]
    method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    apis.put_method(**method, authorizationType="NONE")
    apis.put_integration(
        **method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri="arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations",
    )

    aws.wait_until(lambda: told(Change(kind=K.API, name=api)), "the API")


def test_what_cloudformation_makes_is_told(aws: LocalAws, told: Callable[[Change], bool]) -> None:
    """A stack's role, function, bucket and rule are told as the calls that make them."""
    template = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "r",
                "AssumeRolePolicyDocument": TRUST,
                "ManagedPolicyArns": [
                    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
                ],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "f",
                "Runtime": "python3.12",
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": "def handler(event, context): return 1"},
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                "Action": "lambda:InvokeFunction",
                "Principal": "events.amazonaws.com",
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {"Name": "orders", "EventPattern": json.loads(PATTERN)},
        },
    }

    aws.client("cloudformation").create_stack(
        StackName="shop", TemplateBody=json.dumps({"Resources": template})
    )

    for change in (
        Change(kind=K.ROLE, name="r"),
        Change(kind=K.FUNCTION, name="f"),
        Change(kind=K.PERMISSION, name="f"),
        Change(kind=K.RULE, name="default|orders"),
    ):
        aws.wait_until(lambda change=change: told(change), f"{change}")  # type: ignore[misc]


def test_what_the_chart_reads_is_told() -> None:
    """No call that the chart understands is missing here, but for one of another name on AWS."""
    known = {**TOLD, "lambda": frozenset(EVENT_NAMES)}

    missing = {
        source: left for source, names in CALLS.items() if (left := set(names) - known[source])
    }

    assert missing == {"s3": {"PutBucketNotificationConfiguration"}}


def test_a_session_is_told_as_aws_does() -> None:
    """The guard knows its own calls by the role and by the session that are named there."""
    path = Path(__file__).parents[2] / "events" / "cloudtrail.by_the_guard.json"
    payload = json.loads(path.read_text())["detail"]["userIdentity"]

    told = caller_identity(payload["arn"], datetime(2026, 3, 10, tzinfo=UTC))

    assert _keys(told) == _keys(payload)
    issuer = "sessionContext", "sessionIssuer"
    assert told["arn"] == payload["arn"]
    assert told[issuer[0]][issuer[1]]["userName"] == payload[issuer[0]][issuer[1]]["userName"]


def _keys(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _keys(value) for key, value in document.items()}
    return None
