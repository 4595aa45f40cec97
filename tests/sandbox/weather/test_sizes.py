"""What is too large for AWS is refused, and so are names that AWS does not take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.weather.sizes import (
    environment_refusal,
    function_name_refusal,
    function_policy_refusal,
    queue_policy_refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws


def _code(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def _policy(statements: int, padding: int = 0) -> str:
    one = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    more = [one | {"Sid": f"s{number}{'x' * padding}"} for number in range(statements)]
    return json.dumps({"Version": "2012-10-17", "Statement": more})


def test_an_environment_has_4_kb_at_most() -> None:
    """Measured is its JSON: names, values and what is between them."""
    fits = {"NAME": "x" * (4096 - len('{"NAME":""}'))}

    assert environment_refusal(fits) is None
    assert "4KB limit" in (environment_refusal({"NAME": fits["NAME"] + "x"}) or "")


def test_a_function_policy_has_20_kb_at_most() -> None:
    """AWS states the size that it would have."""
    assert function_policy_refusal({"Statement": ["x" * 20_000]}) is None
    assert "(20480)" in (function_policy_refusal({"Statement": ["x" * 20_480]}) or "")


@pytest.mark.parametrize(
    ("policy", "is_refused"),
    [
        ("", False),
        (None, False),
        (_policy(20), False),
        (_policy(21), True),
        (_policy(10, 300), False),
        (_policy(20, 400), True),
        (json.loads(_policy(21)), True),
    ],
)
def test_a_queue_policy_has_20_statements_and_8_kb(policy: Any, *, is_refused: bool) -> None:
    """As text and as a document."""
    assert (queue_policy_refusal(policy) is not None) == is_refused


@pytest.mark.parametrize(
    ("operation", "name", "is_refused"),
    [
        ("PutFunctionConcurrency", "orders", False),
        ("PutFunctionConcurrency", "arn:aws:lambda:us-east-1:123456789012:function:orders", False),
        ("PutFunctionConcurrency", "orders.v2", True),
        ("GetFunction", "orders.v2", False),
        ("GetFunction", "orders v2", True),
        ("PutFunctionConcurrency", "x" * 141, True),
        ("ListFunctions", "anything", False),
    ],
)
def test_each_operation_takes_its_own_names(operation: str, name: str, *, is_refused: bool) -> None:
    """By the pattern and the length that botocore knows of it."""
    assert (function_name_refusal(operation, name) is not None) == is_refused


def test_the_api_refuses_what_is_too_large(aws: LocalAws, function: Callable[..., str]) -> None:
    """Nothing is changed by what is refused."""
    lambda_, sqs = aws.client("lambda"), aws.client("sqs")
    large = {"Variables": {"NAME": "x" * 4096}}
    arn = function("f")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]

    def permit(number: int) -> None:
        lambda_.add_permission(
            FunctionName="f",
            StatementId=f"{number:0100}",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::bucket-{number}",
        )

    def permit_all() -> None:
        for number in range(100):
            permit(number)

    assert _code(lambda: function("g", Environment=large)) == "InvalidParameterValueException"
    assert (
        _code(lambda: lambda_.update_function_configuration(FunctionName="f", Environment=large))
        == "InvalidParameterValueException"
    )
    assert _code(permit_all) == "PolicyLengthExceededException"
    assert len(lambda_.get_policy(FunctionName="f")["Policy"]) < 20_480 + 2000
    assert (
        _code(lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(21)}))
        == "InvalidAttributeValue"
    )
    assert (
        _code(
            lambda: lambda_.put_function_concurrency(
                FunctionName=f"{arn}.v2", ReservedConcurrentExecutions=0
            )
        )
        == "ValidationException"
    )
    names = [one["FunctionName"] for one in lambda_.list_functions()["Functions"]]
    assert names == ["f"]


def test_cloudformation_refuses_what_is_too_large(aws: LocalAws) -> None:
    """The stack says why."""
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}
    policy = {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {"Queues": [{"Ref": "Q"}], "PolicyDocument": json.loads(_policy(21))},
    }
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="s", TemplateBody=json.dumps({"Resources": {"Q": queue, "P": policy}})
    )

    def reasons() -> list[str]:
        events = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
        found = (event.get("ResourceStatusReason", "") for event in events)
        return [reason for reason in found if "more than 20 statements" in reason]

    aws.wait_until(reasons, "the reason", 15)


@pytest.mark.parametrize("size", [400 * 1024, 256 * 1024])
def test_the_emulator_checks_items_and_notifications_itself(aws: LocalAws, size: int) -> None:
    """400 KB of an item, 256 KB of a notification."""
    if size == 256 * 1024:
        sns = aws.client("sns")
        topic = sns.create_topic(Name="t")["TopicArn"]
        code = _code(lambda: sns.publish(TopicArn=topic, Message="x" * (size + 1)))
        assert code == "InvalidParameter"
        return
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "1"}, "value": {"S": "x" * size}}
    assert _code(lambda: dynamodb.put_item(TableName="items", Item=item)) == "ValidationException"
