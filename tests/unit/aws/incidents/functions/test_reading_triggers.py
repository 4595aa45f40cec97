"""Who polls for a function, and who may push to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.incidents.function_triggers import pushed_by
from functions.domain.changes.steps import EventSourceMapping
from functions.domain.detection.evidence import Trigger, TriggerKind
from functions.domain.errors import (
    BusyError,
    RefusedError,
)
from tests.unit.aws.incidents.functions.conftest import (
    ARN,
    QUEUE,
    UUID,
)

if TYPE_CHECKING:
    from functions.aws.incidents.lambda_functions import LambdaFunctions
    from tests.unit.aws.stubs import Script


@pytest.mark.parametrize(
    ("source", "kind", "service"),
    [
        (QUEUE, TriggerKind.SQS, "SQS"),
        (
            "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
            TriggerKind.STREAM,
            "DynamoDB stream",
        ),
        ("arn:aws:kinesis:us-east-1:123456789012:stream/s", TriggerKind.STREAM, "Kinesis"),
        (
            "arn:aws:kafka:us-east-1:123456789012:cluster/c/1",
            TriggerKind.OTHER_POLLED,
            "Kafka",
        ),
        ("arn:aws:mq:us-east-1:123456789012:broker:b:1", TriggerKind.OTHER_POLLED, "Amazon MQ"),
        ("arn:aws:rds:us-east-1:123456789012:cluster:c", TriggerKind.OTHER_POLLED, "DocumentDB"),
        ("", TriggerKind.OTHER_POLLED, "Kafka"),  # self-managed: no ARN
        ("arn:aws:new:us-east-1:123456789012:thing", TriggerKind.OTHER_POLLED, "new"),
    ],
)
def test_names_what_polls(
    functions: LambdaFunctions, script: Script, source: str, kind: TriggerKind, service: str
) -> None:
    """Every kind of event source has its family and its name."""
    script.refuse("get_policy", "ResourceNotFoundException", status=404)
    script.answer("list_aliases", {"Aliases": []})
    mapping = EventSourceMapping(uuid=UUID, source_arn=source, enabled=True)

    found = functions.triggers("orders", [mapping])

    assert found == (Trigger(kind=kind, service=service, source_arn=source, mapping_uuid=UUID),)


def test_a_policy_that_cannot_be_read_is_an_error(
    functions: LambdaFunctions, script: Script
) -> None:
    """That there is no policy and that nobody may read it are two things."""
    script.refuse("get_policy", "AccessDeniedException", status=403)

    with pytest.raises(RefusedError):
        functions.triggers("orders", ())


def _admit(service: str, alias: str = "") -> dict[str, Any]:
    """What GetPolicy answers of a function, or of an alias of it, that one service may invoke."""
    resource = f"{ARN}:{alias}" if alias else ARN
    statement = {**_statement(f"{service}.amazonaws.com"), "Resource": resource}
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


def test_knows_who_may_invoke_an_alias(functions: LambdaFunctions, script: Script) -> None:
    """A permission on an alias is in the policy of that alias alone."""
    script.answer("get_policy", _admit("sns"), FunctionName="orders")
    aliases = [{"Name": "live"}, {"Name": "old"}, {"Name": "test"}]
    script.answer("list_aliases", {"Aliases": aliases[:1], "NextMarker": "more"})
    script.answer("list_aliases", {"Aliases": aliases[1:]})
    script.answer(
        "get_policy", _admit("apigateway", "live"), FunctionName="orders", Qualifier="live"
    )
    script.refuse("get_policy", "ResourceNotFoundException", status=404)
    script.answer("get_policy", _admit("sns", "test"), FunctionName="orders", Qualifier="test")

    found = functions.triggers("orders", ())

    assert found == (_pushed(ASYNC, "SNS"), _pushed(SYNC, "API Gateway"))


def test_aliases_that_cannot_be_listed_are_an_error(
    functions: LambdaFunctions, script: Script
) -> None:
    """Who invokes the function through them is not known then."""
    script.answer("get_policy", _admit("sns"))
    script.refuse("list_aliases", "AccessDeniedException", status=403)

    with pytest.raises(RefusedError):
        functions.triggers("orders", ())


def test_no_settings_for_asynchronous_events(functions: LambdaFunctions, script: Script) -> None:
    """A function without such settings sends its failures nowhere."""
    operation = "list_function_event_invoke_configs"
    script.answer(operation, {"FunctionEventInvokeConfigs": []})
    assert functions.async_target("orders") == ""

    script.answer(operation, {"FunctionEventInvokeConfigs": [{"FunctionArn": f"{ARN}:$LATEST"}]})
    assert functions.async_target("orders") == ""

    script.refuse(operation, "ResourceNotFoundException", status=404)
    assert functions.async_target("orders") == ""

    script.refuse(operation, "TooManyRequestsException", status=429)
    with pytest.raises(BusyError):
        functions.async_target("orders")


@pytest.mark.parametrize(
    ("qualifiers", "expected"),
    [(["live"], "live"), (["live", "$LATEST"], "$LATEST"), (["live", "2"], "2")],
)
def test_finds_where_the_failures_of_an_alias_go(
    functions: LambdaFunctions, script: Script, qualifiers: list[str], expected: str
) -> None:
    """Each has settings of its own; those of the function itself come first."""
    configs = [
        {
            "FunctionArn": f"{ARN}:{one}",
            "DestinationConfig": {"OnFailure": {"Destination": f"{QUEUE}-{one}"}},
        }
        for one in qualifiers
    ]
    script.answer("list_function_event_invoke_configs", {"FunctionEventInvokeConfigs": configs})

    assert functions.async_target("orders") == f"{QUEUE}-{expected}"


def _statement(service: object, condition: object = None, **more: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        **({} if condition is None else {"Condition": condition}),
        **more,
    }


def _pushed(kind: TriggerKind, service: str, source: str = "") -> Trigger:
    return Trigger(kind=kind, service=service, source_arn=source)


BUCKET = "arn:aws:s3:::uploads"
SYNC, ASYNC = TriggerKind.SYNC, TriggerKind.ASYNC


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            _statement(
                "s3.amazonaws.com",
                {
                    "StringEquals": {"AWS:SourceAccount": "123456789012"},
                    "ArnLike": {"AWS:SourceArn": BUCKET},
                },
            ),
            [_pushed(ASYNC, "S3", BUCKET)],
        ),
        (
            _statement("sns.amazonaws.com", {"StringLike": {"aws:sourcearn": ["a", "b"]}}),
            [_pushed(ASYNC, "SNS", "a"), _pushed(ASYNC, "SNS", "b")],
        ),
        (
            _statement("events.amazonaws.com", {"ArnEquals": {"aws:SourceArn": "rule"}}),
            [_pushed(ASYNC, "EventBridge", "rule")],
        ),
        (
            _statement("events.amazonaws.com", {"StringEqualsIfExists": {"aws:SourceArn": "rule"}}),
            [_pushed(ASYNC, "EventBridge", "rule")],
        ),
        (
            _statement("events.amazonaws.com", {"ArnNotLike": {"aws:SourceArn": "rule"}}),
            [_pushed(ASYNC, "EventBridge")],
        ),
        (_statement("logs.us-east-1.amazonaws.com"), [_pushed(ASYNC, "CloudWatch Logs")]),
        (
            _statement("lambda.alarms.cloudwatch.amazonaws.com"),
            [_pushed(ASYNC, "CloudWatch alarm")],
        ),
        (_statement("iot.amazonaws.com.cn"), [_pushed(ASYNC, "IoT")]),
        (
            _statement(["apigateway.amazonaws.com", "elasticloadbalancing.amazonaws.com"]),
            [_pushed(SYNC, "API Gateway"), _pushed(SYNC, "load balancer")],
        ),
        (_statement("brandnew.amazonaws.com"), [_pushed(ASYNC, "brandnew")]),
        (
            _statement("x", Principal="*", Action="lambda:InvokeFunctionUrl"),
            [_pushed(SYNC, "function URL")],
        ),
        (_statement("x", Principal="*"), [_pushed(SYNC, "anyone")]),
        (
            _statement("x", Principal={"AWS": "arn:aws:iam::210987654321:root"}),
            [_pushed(SYNC, "another account or role")],
        ),
        (_statement("s3.amazonaws.com", Effect="Deny"), []),
        (_statement("x", Principal=None), []),
        (_statement("s3.amazonaws.com", "no condition"), [_pushed(ASYNC, "S3")]),
        (_statement("s3.amazonaws.com", {"ArnLike": "no keys"}), [_pushed(ASYNC, "S3")]),
        ("no statement", []),
    ],
)
def test_names_what_pushes(statement: object, expected: list[Trigger]) -> None:
    """Every statement that admits somebody tells who, how and from where."""
    policy = {"Version": "2012-10-17", "Id": "default"}

    alone = pushed_by(json.dumps({**policy, "Statement": statement}))
    twice = pushed_by(json.dumps({**policy, "Statement": [statement, statement]}))

    assert alone == twice == tuple(expected)


@pytest.mark.parametrize("policy", ["", "{", "[]", "{}", "null", '{"Statement": 7}'])
def test_a_malformed_policy_admits_nobody(policy: str) -> None:
    """What cannot be read is left out, and the rest goes on."""
    assert pushed_by(policy) == ()
