"""What resources are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.templates.identity.names import find_naming_property
from functions.domain.graph.model import NodeKind
from functions.domain.graph.nodes import node_of
from tests.unit.cdk_loopbreaker.templates.written import list_words, read, read_resources

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "us-east-1:123456789012"


@pytest.mark.parametrize(
    ("kind", "properties", "names", "attributes"),
    [
        (
            "AWS::Lambda::Function",
            "FunctionName: n",
            ("n", f"arn:aws:lambda:{PLACE}:function:n"),
            {"Arn": f"arn:aws:lambda:{PLACE}:function:n"},
        ),
        (
            "AWS::Lambda::Alias",
            "FunctionName: n, Name: live",
            (f"arn:aws:lambda:{PLACE}:function:n:live", f"arn:aws:lambda:{PLACE}:function:n:live"),
            {"AliasArn": f"arn:aws:lambda:{PLACE}:function:n:live"},
        ),
        (
            "AWS::Lambda::Version",
            f"FunctionName: 'arn:aws:lambda:{PLACE}:function:n'",
            (f"arn:aws:lambda:{PLACE}:function:n:1", f"arn:aws:lambda:{PLACE}:function:n:1"),
            {"Version": "1"},
        ),
        (
            "AWS::S3::Bucket",
            "BucketName: n",
            ("n", "arn:aws:s3:::n"),
            {"Arn": "arn:aws:s3:::n", "DomainName": "n.s3.amazonaws.com"},
        ),
        (
            "AWS::SQS::Queue",
            "QueueName: n",
            ("https://sqs.us-east-1.amazonaws.com/123456789012/n", f"arn:aws:sqs:{PLACE}:n"),
            {"Arn": f"arn:aws:sqs:{PLACE}:n", "QueueName": "n"},
        ),
        (
            "AWS::SNS::Topic",
            "TopicName: n",
            (f"arn:aws:sns:{PLACE}:n", f"arn:aws:sns:{PLACE}:n"),
            {"TopicName": "n", "TopicArn": f"arn:aws:sns:{PLACE}:n"},
        ),
        (
            "AWS::DynamoDB::GlobalTable",
            "TableName: n",
            ("n", f"arn:aws:dynamodb:{PLACE}:table/n"),
            {"StreamArn": f"arn:aws:dynamodb:{PLACE}:table/n/stream/2026-01-01T00:00:00.000"},
        ),
        (
            "AWS::Kinesis::Stream",
            "Name: n",
            ("n", f"arn:aws:kinesis:{PLACE}:stream/n"),
            {"Arn": f"arn:aws:kinesis:{PLACE}:stream/n"},
        ),
        (
            "AWS::Kinesis::StreamConsumer",
            f"ConsumerName: n, StreamARN: 'arn:aws:kinesis:{PLACE}:stream/s'",
            (
                f"arn:aws:kinesis:{PLACE}:stream/s/consumer/n:0",
                f"arn:aws:kinesis:{PLACE}:stream/s/consumer/n:0",
            ),
            {"ConsumerName": "n"},
        ),
        (
            "AWS::Events::Rule",
            "Name: n",
            ("n", f"arn:aws:events:{PLACE}:rule/n"),
            {"Arn": f"arn:aws:events:{PLACE}:rule/n"},
        ),
        (
            "AWS::Events::Rule",
            f"Name: n, EventBusName: 'arn:aws:events:{PLACE}:event-bus/b'",
            ("b|n", f"arn:aws:events:{PLACE}:rule/b/n"),
            {},
        ),
        (
            "AWS::Events::EventBus",
            "Name: n",
            ("n", f"arn:aws:events:{PLACE}:event-bus/n"),
            {"Name": "n"},
        ),
        ("AWS::Pipes::Pipe", "Name: n", ("n", f"arn:aws:pipes:{PLACE}:pipe/n"), {}),
        (
            "AWS::Scheduler::Schedule",
            "Name: n, GroupName: g",
            ("n", f"arn:aws:scheduler:{PLACE}:schedule/g/n"),
            {},
        ),
        (
            "AWS::Logs::LogGroup",
            "LogGroupName: /n",
            ("/n", f"arn:aws:logs:{PLACE}:log-group:/n"),
            {"Arn": f"arn:aws:logs:{PLACE}:log-group:/n:*"},
        ),
        (
            "AWS::StepFunctions::StateMachine",
            "StateMachineName: n",
            (f"arn:aws:states:{PLACE}:stateMachine:n", f"arn:aws:states:{PLACE}:stateMachine:n"),
            {"Name": "n"},
        ),
        (
            "AWS::KinesisFirehose::DeliveryStream",
            "DeliveryStreamName: n",
            ("n", f"arn:aws:firehose:{PLACE}:deliverystream/n"),
            {},
        ),
        (
            "AWS::IAM::Role",
            "RoleName: n, Path: /a/b/",
            ("n", "arn:aws:iam::123456789012:role/a/b/n"),
            {"Arn": "arn:aws:iam::123456789012:role/a/b/n"},
        ),
        (
            "AWS::IAM::ManagedPolicy",
            "ManagedPolicyName: n",
            ("arn:aws:iam::123456789012:policy/n", "arn:aws:iam::123456789012:policy/n"),
            {"PolicyArn": "arn:aws:iam::123456789012:policy/n"},
        ),
    ],
)
def test_a_named_resource_is_called_as_cloudformation_calls_it(
    tmp_path: Path, kind: str, properties: str, names: tuple[str, str], attributes: dict[str, str]
) -> None:
    """By reference, by ARN and by its attributes."""
    text = f"Resources: {{X: {{Type: '{kind}', Properties: {{{properties}}}}}}}"

    resource = read_resources(tmp_path, text)["X"]

    assert (resource.ref, resource.arn) == names
    assert attributes.items() <= resource.attributes.items()


@pytest.mark.parametrize(
    ("kind", "node"),
    [
        ("AWS::Lambda::Function", NodeKind.FUNCTION),
        ("AWS::Lambda::Url", NodeKind.FUNCTION),
        ("AWS::S3::Bucket", NodeKind.BUCKET),
        ("AWS::SQS::Queue", NodeKind.QUEUE),
        ("AWS::SNS::Topic", NodeKind.TOPIC),
        ("AWS::DynamoDB::Table", NodeKind.TABLE),
        ("AWS::Kinesis::Stream", NodeKind.STREAM),
        ("AWS::KinesisFirehose::DeliveryStream", NodeKind.DELIVERY_STREAM),
        ("AWS::Events::EventBus", NodeKind.BUS),
        ("AWS::StepFunctions::StateMachine", NodeKind.STATE_MACHINE),
        ("AWS::Logs::LogGroup", NodeKind.LOG_GROUP),
        ("AWS::ApiGateway::RestApi", NodeKind.API),
        ("AWS::ApiGatewayV2::Api", NodeKind.API),
        ("AWS::ElasticLoadBalancingV2::TargetGroup", NodeKind.API),
        ("AWS::MSK::Cluster", NodeKind.BROKER),
        ("AWS::Scheduler::Schedule", NodeKind.SCHEDULE),
    ],
)
def test_a_resource_without_a_name_is_a_node_of_the_event_graph(
    tmp_path: Path, kind: str, node: NodeKind
) -> None:
    """Its made name is its own, and differs in another stack."""
    text = f"Resources: {{X: {{Type: '{kind}'}}, Y: {{Type: '{kind}'}}}}"

    first, second = read(tmp_path, text).resources

    assert node_of(first.arn).kind is node
    assert first.arn != second.arn
    assert read(tmp_path, text).resources[0].arn == first.arn


def test_a_made_name_follows_the_rules_of_its_kind(tmp_path: Path) -> None:
    """Length, case and ending, as CloudFormation has them."""
    text = f"""
Resources:
  {"Long" * 30}: {{Type: AWS::Lambda::Function}}
  Bucket: {{Type: AWS::S3::Bucket}}
  Fifo: {{Type: AWS::SQS::Queue, Properties: {{FifoQueue: true}}}}
"""

    function, bucket, queue = read(tmp_path, text).resources

    assert len(function.name) == 64
    assert bucket.name == bucket.name.lower()
    assert queue.name.endswith(".fifo")


def test_a_name_that_is_not_known_is_made_up_and_reported(tmp_path: Path) -> None:
    """References to the resource meet it all the same."""
    text = """
        Resources:
          Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub "{{resolve:ssm:/n}}"}}
          S: {Type: Custom::X, Properties: {Value: !GetAtt Queue.Arn}}
        """

    templates = read(tmp_path, text)

    assert list_words(templates) == ["QueueName of Queue is not known (dynamic reference ssm:/n)"]
    assert templates.resources[1].properties["Value"] == templates.resources[0].arn


def test_types_that_nothing_is_known_of_have_names_too(tmp_path: Path) -> None:
    """Their ARNs equal no ARN of the event graph; results of custom resources are unknown."""
    text = """
        Resources:
          A: {Type: AWS::New::Thing}
          C: {Type: Custom::Thing}
          S: {Type: Custom::X, Properties: {A: !GetAtt A.Arn, B: !Ref A, C: !Ref C, D: !GetAtt C.B}}
        """

    subject = read_resources(tmp_path, text)["S"].properties

    assert str(subject["A"]).startswith(f"arn:aws:new:{PLACE}:thing/app-A-")
    assert node_of(str(subject["A"])).kind is NodeKind.OTHER
    assert str(subject["B"]).startswith("app-A-")
    assert getattr(subject["C"], "why", "") == "result of custom resource C"
    assert getattr(subject["D"], "why", "") == "attribute B of C"


def test_the_property_that_names_a_type_is_known() -> None:
    """Of tables and of special types; empty for an id that AWS gives."""
    found = map(find_naming_property, ["AWS::SQS::Queue", "AWS::Kinesis::Stream", "AWS::A::B"])

    assert list(found) == ["QueueName", "Name", ""]
