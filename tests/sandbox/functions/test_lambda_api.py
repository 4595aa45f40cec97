"""Lambda's API where the guard depends on AWS's exact answers."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_function_without_a_policy_has_none(aws: LocalAws, function: Callable[..., str]) -> None:
    """GetPolicy answers ResourceNotFoundException until a statement is there."""
    function("f")
    lambda_ = aws.client("lambda")

    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.get_policy(FunctionName="f")
    lambda_.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )
    assert "events.amazonaws.com" in lambda_.get_policy(FunctionName="f")["Policy"]


def test_a_function_can_have_been_deployed_long_ago(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """What is new is judged otherwise than what has been there for weeks."""
    function("f")

    aws.was_deployed(["f"], days_ago=14)

    answer = aws.client("lambda").get_function(FunctionName="f")
    modified = datetime.fromisoformat(answer["Configuration"]["LastModified"])
    assert timedelta(days=13) < datetime.now(UTC) - modified < timedelta(days=15)


def test_no_reservation_is_not_zero(aws: LocalAws, function: Callable[..., str]) -> None:
    """An unreserved function has no value at all; zero is a value; deleting brings back none."""
    function("f")
    lambda_ = aws.client("lambda")

    def reserved() -> int | None:
        answer: dict[str, Any] = lambda_.get_function_concurrency(FunctionName="f")
        return answer.get("ReservedConcurrentExecutions")

    assert reserved() is None
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    assert reserved() == 0
    lambda_.delete_function_concurrency(FunctionName="f")
    assert reserved() is None


def test_a_reservation_must_leave_enough_unreserved(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """Beyond the account's minimum a reservation is refused in AWS's words; zero never is."""
    function("f")
    lambda_ = aws.client("lambda")
    limit = lambda_.get_account_settings()["AccountLimit"]

    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=900)
    with pytest.raises(ClientError) as refused:
        lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=901)
    left = lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)

    assert limit["ConcurrentExecutions"] == 1000
    assert left == 100
    assert _code(refused) == "InvalidParameterValueException"
    assert refused.value.response["Error"]["Message"].endswith(
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100]."
    )


def test_provisioned_concurrency_is_listed_and_forbids_zero(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """It can be put on a version, is listed, and must be gone before a reservation of zero."""
    arn = function("f")
    lambda_ = aws.client("lambda")
    version = lambda_.publish_version(FunctionName="f")["Version"]
    lambda_.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier=version, ProvisionedConcurrentExecutions=2
    )

    (config,) = lambda_.list_provisioned_concurrency_configs(FunctionName="f")[
        "ProvisionedConcurrencyConfigs"
    ]
    with pytest.raises(ClientError) as refused:
        lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    lambda_.delete_provisioned_concurrency_config(FunctionName="f", Qualifier=version)
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)

    assert config["FunctionArn"] == f"{arn}:{version}"
    assert config["RequestedProvisionedConcurrentExecutions"] == 2
    assert _code(refused) == "InvalidParameterValueException"
    answer = lambda_.list_provisioned_concurrency_configs(FunctionName="f")
    assert answer["ProvisionedConcurrencyConfigs"] == []
    with pytest.raises(ClientError) as missing:
        lambda_.get_provisioned_concurrency_config(FunctionName="f", Qualifier=version)
    assert _code(missing) == "ProvisionedConcurrencyConfigNotFoundException"


def test_provisioned_concurrency_of_the_unpublished_version_is_refused(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """Only versions and aliases may have it."""
    function("f")

    with pytest.raises(ClientError) as refused:
        aws.client("lambda").put_provisioned_concurrency_config(
            FunctionName="f", Qualifier="$LATEST", ProvisionedConcurrentExecutions=1
        )

    assert _code(refused) == "InvalidParameterValueException"


def test_the_invoke_config_is_updated_in_part(aws: LocalAws, function: Callable[..., str]) -> None:
    """Update changes what it names, Put replaces everything, and without one Get says so."""
    function("f")
    lambda_ = aws.client("lambda")

    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.update_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    lambda_.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    lambda_.update_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)

    config = lambda_.get_function_event_invoke_config(FunctionName="f")
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)


def test_a_mapping_takes_a_moment_to_be_disabled(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """While it is changing, a mapping cannot be changed again."""
    function("f")
    lambda_ = aws.client("lambda")
    aws.client("sqs").create_queue(QueueName="q")
    uuid = lambda_.create_event_source_mapping(
        FunctionName="f", EventSourceArn="arn:aws:sqs:us-east-1:123456789012:q"
    )["UUID"]

    answer = lambda_.update_event_source_mapping(UUID=uuid, Enabled=False)
    with pytest.raises(ClientError) as refused:
        lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)

    assert answer["State"] == "Disabling"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert _code(refused) == "ResourceInUseException"
    aws.wait_until(
        lambda: lambda_.get_event_source_mapping(UUID=uuid)["State"] == "Disabled", "disabled", 5
    )


def test_functions_are_found_by_their_tags(aws: LocalAws, function: Callable[..., str]) -> None:
    """The tagging API lists the functions with a tag."""
    arn = function("exempt", Tags={"loopbreaker:exempt": "true"})
    function("other")

    answer = aws.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "loopbreaker:exempt", "Values": ["true"]}],
        ResourceTypeFilters=["lambda:function"],
    )

    assert [found["ResourceARN"] for found in answer["ResourceTagMappingList"]] == [arn]


def test_a_cancelled_transaction_tells_what_was_there(aws: LocalAws) -> None:
    """A failed condition comes with its item, and the others are not written."""
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    there = {"id": {"S": "open"}, "kept": {"N": "5"}}
    dynamodb.put_item(TableName="ledger", Item=there)

    def once(key: str) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": "ledger",
                "Item": {"id": {"S": key}},
                "ConditionExpression": "attribute_not_exists(id)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as cancelled:
        dynamodb.transact_write_items(TransactItems=[once("new"), once("open")])

    reasons = cancelled.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == there
    assert "Item" not in dynamodb.get_item(TableName="ledger", Key={"id": {"S": "new"}})

    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as failed:
        dynamodb.update_item(
            TableName="ledger",
            Key={"id": {"S": "open"}},
            UpdateExpression="SET closed = :now",
            ConditionExpression="kept = :other",
            ExpressionAttributeValues={":now": {"S": "now"}, ":other": {"N": "6"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert failed.value.response["Item"] == there


def test_functions_run_under_their_role(aws: LocalAws, function: Callable[..., str]) -> None:
    """A function's own calls are made by its role."""
    function(
        "who",
        "import boto3\n"
        "def handler(event, context): return boto3.client('sts').get_caller_identity()['Arn']\n",
    )

    answer = aws.client("lambda").invoke(FunctionName="who", Payload=b"{}")

    assert answer["Payload"].read() == b'"arn:aws:sts::123456789012:assumed-role/any/who"'


def test_many_functions_are_bounded_by_the_worker_cap(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """However many events wait, no more functions run at once than this machine may."""
    function("slow", "import time\ndef handler(event, context): time.sleep(0.2)")
    for _ in range(12):
        aws.client("lambda").invoke(FunctionName="slow", InvocationType="Event", Payload=b"{}")

    most = 0
    deadline = time.monotonic() + 10
    while aws.counts().get("slow", 0) < 12 and time.monotonic() < deadline:
        most = max(most, aws.state()["running"].get("slow", 0))
        time.sleep(0.02)

    assert 1 < most <= 4


def test_a_reservation_covers_all_versions(aws: LocalAws, function: Callable[..., str]) -> None:
    """A stopped function does not run by way of a published version either."""
    function("f")
    lambda_ = aws.client("lambda")
    version = lambda_.publish_version(FunctionName="f")["Version"]
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)

    with pytest.raises(lambda_.exceptions.TooManyRequestsException):
        lambda_.invoke(FunctionName="f", Qualifier=version, Payload=b"{}")

    assert aws.counts() == {}
