"""What is counted of requests to tables, and of their streams."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.metrics.arrivals.conftest import (
    ACCOUNT,
    OK,
    make_state_machine,
    make_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws


def test_every_successful_request_to_a_table_is_a_sample_of_its_operation(
    aws: LocalAws, counted: Callable[..., float]
) -> None:
    """A batch is one request; a condition that does not hold is none that succeeds."""
    dynamodb, item = aws.client("dynamodb"), {"id": {"S": "1"}}
    make_table(aws, "orders")
    dynamodb.put_item(TableName="orders", Item=item)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName="orders", Item=item, ConditionExpression="attribute_not_exists(id)"
        )
    dynamodb.update_item(
        TableName=f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders",
        Key=item,
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    puts = [{"PutRequest": {"Item": {"id": {"S": str(number)}}}} for number in range(5)]
    dynamodb.batch_write_item(RequestItems={"orders": puts})
    write = {"Put": {"TableName": "orders", "Item": item}}
    dynamodb.transact_write_items(TransactItems=[write])
    dynamodb.execute_statement(Statement="INSERT INTO \"orders\" VALUE {'id': 'new'}")
    dynamodb.batch_execute_statement(
        Statements=[
            {"Statement": 'DELETE FROM "orders" WHERE id = ?', "Parameters": [{"S": str(number)}]}
            for number in (2, 3)
        ]
    )
    dynamodb.delete_item(TableName="orders", Key=item)
    dynamodb.scan(TableName="orders")
    machine = make_state_machine(
        aws,
        "m",
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Parameters": {"TableName": "orders", "Item": item},
        },
    )
    states = aws.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    aws.wait_until(
        lambda: states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED",
        "the item of the state machine",
    )

    def samples(operation: str) -> float:
        name = "SuccessfulRequestLatency"
        return counted("AWS/DynamoDB", name, "SampleCount", TableName="orders", Operation=operation)

    assert samples("PutItem") == 2
    once = (
        "UpdateItem",
        "BatchWriteItem",
        "TransactWriteItems",
        "ExecuteStatement",
        "BatchExecuteStatement",
        "DeleteItem",
        "Scan",
    )
    assert {name: samples(name) for name in once} == dict.fromkeys(once, 1)


def test_every_item_that_is_written_consumes_capacity(
    aws: LocalAws, reaches: Callable[..., None]
) -> None:
    """By size, in batches and transactions too; reads consume none."""
    dynamodb = aws.client("dynamodb")
    make_table(aws, "orders")
    make_table(aws, "others")
    one: dict[str, Any] = {"id": {"S": "1"}}
    consumed = 0

    dynamodb.put_item(TableName="orders", Item=one | {"text": {"S": "x" * 2_500}})
    consumed += 3
    dynamodb.put_item(TableName="orders", Item=one)  # replaces the large one
    consumed += 3
    dynamodb.put_item(TableName="orders", Item=one)  # changes nothing
    consumed += 1
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(
            TableName="orders", Item=one, ConditionExpression="attribute_not_exists(id)"
        )
    consumed += 1
    dynamodb.update_item(
        TableName="orders",
        Key=one,
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    consumed += 1
    puts = [{"PutRequest": {"Item": {"id": {"S": str(number)}}}} for number in range(10, 35)]
    dynamodb.batch_write_item(RequestItems={"orders": puts[:20], "others": puts[20:]})
    consumed += 20
    dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "orders", "Item": {"id": {"S": "t"}}}},
            {"Delete": {"TableName": "orders", "Key": {"id": {"S": "10"}}}},
        ]
    )
    consumed += 4
    dynamodb.execute_statement(Statement="INSERT INTO \"orders\" VALUE {'id': 'new'}")
    consumed += 1
    dynamodb.delete_item(TableName="orders", Key={"id": {"S": "11"}})
    dynamodb.delete_item(TableName="orders", Key={"id": {"S": "never there"}})
    consumed += 2
    dynamodb.scan(TableName="orders")
    dynamodb.get_item(TableName="orders", Key=one)

    reaches(consumed, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName="orders")
    reaches(5, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName="others")


def test_what_expires_is_counted_and_reaches_the_stream(
    aws: LocalAws, function: Callable[..., str], reaches: Callable[..., None]
) -> None:
    """An item whose time is over is deleted by DynamoDB, and the stream says by whom."""
    stream = make_table(
        aws,
        "sessions",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    dynamodb = aws.client("dynamodb")
    function(
        "f", "def handler(event, context): return [one['eventName'] for one in event['Records']]"
    )
    aws.client("lambda").create_event_source_mapping(
        FunctionName="f",
        EventSourceArn=stream,
        StartingPosition="LATEST",
        FilterCriteria={
            "Filters": [
                {
                    "Pattern": json.dumps(
                        {
                            "eventName": ["REMOVE"],
                            "userIdentity": {"principalId": ["dynamodb.amazonaws.com"]},
                        }
                    )
                }
            ]
        },
    )
    dynamodb.update_time_to_live(
        TableName="sessions",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"},
    )

    for name, until in (("old", time.time() - 1), ("new", time.time() + 600)):
        item = {"id": {"S": name}, "until": {"N": str(int(until))}}
        dynamodb.put_item(TableName="sessions", Item=item)

    reaches(1, "AWS/DynamoDB", "TimeToLiveDeletedItemCount", TableName="sessions")
    # Two were written; what TTL deletes consumes nothing.
    reaches(2, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName="sessions")
    reaches(1, "AWS/Lambda", "Invocations", FunctionName="f")
    (left,) = dynamodb.scan(TableName="sessions")["Items"]
    assert left["id"] == {"S": "new"}


def test_records_of_a_stream_are_counted_and_their_age_is_measured(
    aws: LocalAws,
    function: Callable[..., str],
    counted: Callable[..., float],
    reaches: Callable[..., None],
) -> None:
    """Requests, a batch of them, and what DynamoDB puts there."""
    kinesis, arn = aws.client("kinesis"), f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"
    kinesis.create_stream(StreamName="s", ShardCount=1)
    aws.wait_until(
        lambda: (
            kinesis.describe_stream(StreamName="s")["StreamDescription"]["StreamStatus"] == "ACTIVE"
        ),
        "the stream",
    )
    make_table(aws, "orders")
    aws.client("dynamodb").enable_kinesis_streaming_destination(TableName="orders", StreamArn=arn)
    function("f", OK)
    aws.client("lambda").create_event_source_mapping(
        FunctionName="f", EventSourceArn=arn, StartingPosition="TRIM_HORIZON"
    )

    kinesis.put_record(StreamName="s", Data=b"1", PartitionKey="p")
    records = [{"Data": b"1", "PartitionKey": "p"} for _ in range(2)]
    kinesis.put_records(StreamARN=arn, Records=records)
    aws.client("dynamodb").put_item(TableName="orders", Item={"id": {"S": "1"}})

    reaches(4, "AWS/Kinesis", "IncomingRecords", StreamName="s")
    name = "IteratorAge"
    aws.wait_until(
        lambda: counted("AWS/Lambda", name, "SampleCount", FunctionName="f"), "the age of a batch"
    )
