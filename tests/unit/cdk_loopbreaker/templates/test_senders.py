"""Queues, topics and the like that anybody sends to: by an API that calls AWS, by a rule of IoT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.model import Doubt
from tests.unit.cdk_loopbreaker.templates.described import conclude, describe, function, loop, role

if TYPE_CHECKING:
    from pathlib import Path

QUEUE_ARN = {"Fn::GetAtt": ["Queue", "Arn"]}
SQS = "arn:aws:apigateway:${AWS::Region}:sqs:path/${AWS::AccountId}/orders"
SQS_ACTION = "arn:aws:apigateway:us-east-1:sqs:action/"
URL = {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.amazonaws.com/prod"}
READING = {"Action": "sqs:ReceiveMessage", "Resource": QUEUE_ARN}


def behind(**resources: Any) -> dict[str, Any]:
    """A function that reads a queue and may send nothing, beside other resources."""
    return loop(Role=role(READING), **resources)


def method(uri: Any, **integration: Any) -> dict[str, Any]:
    """A REST API with one method, which calls AWS."""
    told = {"Type": "AWS", "IntegrationHttpMethod": "POST", "Uri": uri, **integration}
    return {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "shop"}},
        "Method": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "HttpMethod": "POST",
                "Integration": told,
            },
        },
    }


def route(subtype: str, **parameters: Any) -> dict[str, Any]:
    """An HTTP API with one route, which calls AWS."""
    told = {
        "ApiId": {"Ref": "Api"},
        "IntegrationType": "AWS_PROXY",
        "IntegrationSubtype": subtype,
        "RequestParameters": parameters,
    }
    return {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "shop"}},
        "Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": told},
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": "POST /orders",
                "Target": {"Fn::Sub": "integrations/${Integration}"},
            },
        },
    }


@pytest.mark.parametrize(
    "api",
    [
        method({"Fn::Sub": SQS}),
        method({"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:sqs:path/${Name}"}),
        method(f"{SQS_ACTION}SendMessage"),
        route("SQS-SendMessage", QueueUrl={"Ref": "Queue"}),
    ],
)
def test_whoever_calls_the_api_sends_to_the_queue(tmp_path: Path, api: dict[str, Any]) -> None:
    """Nobody needs a permission of IAM: the function is undecided, or possible if it names it."""
    parameters = {"Parameters": {"Name": {"Type": "String"}}}
    anybody = conclude(tmp_path, behind(**api), **parameters)
    naming = function(Environment={"Variables": {"API_URL": URL}})
    named = conclude(tmp_path, behind(**{**api, "Work": naming}), **parameters)

    assert dict(anybody.doubts) == {"work": (Doubt.HTTP,)}
    assert dict(named.proofs) == {"work": LoopProof.POSSIBLE}


@pytest.mark.parametrize(
    "api",
    [
        method(f"{SQS_ACTION}ReceiveMessage"),
        route("SQS-ReceiveMessage", QueueUrl={"Ref": "Queue"}),
        method("arn:aws:apigateway:us-east-1:s3:path/orders", IntegrationHttpMethod="GET"),
        method("arn:aws:apigateway:us-east-1:sqs:path/123456789012/other")
        | {"Other": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "other"}}},
    ],
)
def test_what_only_reads_or_sends_elsewhere_leads_nowhere(
    tmp_path: Path, api: dict[str, Any]
) -> None:
    """The function stays free of loops."""
    assert dict(conclude(tmp_path, behind(**api)).proofs) == {"work": LoopProof.RULED_OUT}


def test_an_event_without_a_bus_goes_to_the_default_one(tmp_path: Path) -> None:
    """Where an integration names a bus it is that one."""
    bus = {"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "shop"}}}
    arn = "arn:aws:events:us-east-1:123456789012:event-bus/"

    (named,) = describe(
        tmp_path, {**bus, **route("EventBridge-PutEvents", EventBusName="shop")}
    ).account.apis
    (silent,) = describe(tmp_path, route("EventBridge-PutEvents", Source="shop")).account.apis

    assert (named.target_arns, silent.target_arns) == ((f"{arn}shop",), (f"{arn}default",))


@pytest.mark.parametrize(
    "action",
    [
        {"Sqs": {"QueueUrl": {"Ref": "Queue"}, "RoleArn": "arn:aws:iam::1:role/x"}},
        {"StepFunctions": {"StateMachineName": "steps", "RoleArn": "arn:aws:iam::1:role/x"}},
    ],
)
def test_devices_send_to_what_a_rule_of_iot_names(tmp_path: Path, action: dict[str, Any]) -> None:
    """They publish with certificates: nobody knows what makes them do so."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/orders"},
        "End": True,
    }
    steps = {
        "StateMachineName": "steps",
        "RoleArn": {"Fn::GetAtt": ["Starter", "Arn"]},
        "Definition": {"StartAt": "Send", "States": {"Send": task}},
    }
    payload = {"Sql": "SELECT * FROM 'orders'", "Actions": [action]}
    resources = behind(
        Starter=role({"Action": "sqs:SendMessage", "Resource": QUEUE_ARN}),
        Steps={"Type": "AWS::StepFunctions::StateMachine", "Properties": steps},
    )
    rule = {"Type": "AWS::IoT::TopicRule", "Properties": {"TopicRulePayload": payload}}

    before = conclude(tmp_path, resources)
    after = conclude(tmp_path, {**resources, "Rule": rule})

    assert dict(before.proofs) == {"work": LoopProof.RULED_OUT}
    assert dict(after.doubts) == {"work": (Doubt.RESOURCE,)}
