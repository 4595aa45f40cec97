"""Every way into a source of functions is counted, once, by the series that AWS publishes."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws
    from tests.sandbox.support import Inbox

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
QUEUES = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
ANYONE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        ],
    }
)
OK = "def handler(event, context): return 'ok'"


@pytest.fixture
def reaches(aws: LocalAws, counted: Callable[..., float]) -> Callable[..., None]:
    """Waits until a total is reached, and demands that it stays so for a virtual minute."""

    def wait(number: float, namespace: str, name: str, **dimensions: str) -> None:
        aws.wait_until(
            lambda: counted(namespace, name, **dimensions) >= number, f"{number:g} {name}"
        )
        aws.wait_minutes(1)
        assert counted(namespace, name, **dimensions) == number

    return wait


def _queue(aws: LocalAws, name: str, **attributes: str) -> str:
    answer = aws.client("sqs").create_queue(
        QueueName=name, Attributes={"Policy": ANYONE, **attributes}
    )
    return str(answer["QueueUrl"])


def _put_rule(aws: LocalAws, name: str, *targets: str, bus: str = "default") -> None:
    events = aws.client("events")
    pattern = json.dumps({"source": ["shop"]})
    events.put_rule(Name=name, EventPattern=pattern, EventBusName=bus)
    events.put_targets(
        Rule=name,
        EventBusName=bus,
        Targets=[{"Id": str(number), "Arn": arn} for number, arn in enumerate(targets)],
    )


def _put_events(aws: LocalAws, *sources: str, bus: str = "default") -> None:
    entries = [
        {"Source": one, "DetailType": "d", "Detail": "{}", "EventBusName": bus} for one in sources
    ]
    aws.client("events").put_events(Entries=entries)


def _state_machine(aws: LocalAws, name: str, state: dict[str, Any]) -> str:
    definition = {"StartAt": "only", "States": {"only": {**state, "End": True}}}
    answer = aws.client("stepfunctions").create_state_machine(
        name=name, roleArn=ROLE, definition=json.dumps(definition)
    )
    return str(answer["stateMachineArn"])


def _table(aws: LocalAws, name: str, **more: Any) -> str:
    answer = aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return str(answer["TableDescription"].get("LatestStreamArn", ""))


def test_every_way_into_a_queue_is_counted(
    aws: LocalAws, function: Callable[..., str], reaches: Callable[..., None]
) -> None:
    """Requests, SNS, EventBridge, S3, Step Functions and Lambda's destinations."""
    url, sqs, sns, s3 = _queue(aws, "q"), aws.client("sqs"), aws.client("sns"), aws.client("s3")
    arn = QUEUES + "q"
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    _put_rule(aws, "r", arn)
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_notification_configuration(
        Bucket="bucket",
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    function("f", OK)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    parameters = {"QueueUrl": url, "MessageBody": "hello"}
    machine = _state_machine(
        aws,
        "m",
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": parameters,
        },
    )

    sqs.send_message(QueueUrl=url, MessageBody="one")
    entries = [{"Id": str(number), "MessageBody": "one of two"} for number in range(2)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    sns.publish(TopicArn=topic, Message="hello")
    _put_events(aws, "shop")
    s3.put_object(Bucket="bucket", Key="k", Body=b"")
    aws.client("lambda").invoke(FunctionName="f", InvocationType="Event")
    aws.client("stepfunctions").start_execution(stateMachineArn=machine)

    # One more is the test event that S3 sends when it is told whom to notify.
    reaches(8 + 1, "AWS/SQS", "NumberOfMessagesSent", QueueName="q")


def test_a_message_is_received_more_than_once_and_redriven_without_being_sent(
    aws: LocalAws, counted: Callable[..., float]
) -> None:
    """Receives are counted each; what a redrive policy moves is not sent, but there."""
    _queue(aws, "dead")
    policy = json.dumps({"deadLetterTargetArn": QUEUES + "dead", "maxReceiveCount": 2})
    url, sqs = _queue(aws, "q", RedrivePolicy=policy, VisibilityTimeout="0"), aws.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="poison")

    received = [sqs.receive_message(QueueUrl=url).get("Messages", []) for _ in range(3)]

    assert [len(messages) for messages in received] == [1, 1, 0]
    visible = "ApproximateNumberOfMessagesVisible"
    aws.wait_until(
        lambda: counted("AWS/SQS", visible, "Maximum", QueueName="dead"), "the dead letter"
    )
    assert counted("AWS/SQS", "NumberOfMessagesReceived", QueueName="q") == 2
    assert counted("AWS/SQS", "NumberOfMessagesSent", QueueName="q") == 1
    assert counted("AWS/SQS", "NumberOfMessagesSent", QueueName="dead") == 0
    # A minute without any is a datapoint of an active queue.
    sent = counted("AWS/SQS", "NumberOfMessagesSent", "SampleCount", QueueName="dead")
    assert sent >= 1


def test_what_is_deleted_is_counted_whoever_deletes_it(
    aws: LocalAws, function: Callable[..., str], reaches: Callable[..., None]
) -> None:
    """One by one, in a batch, and by a mapping: handled or filtered out."""
    url, sqs = _queue(aws, "q"), aws.client("sqs")
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    messages = [
        message
        for _ in range(3)
        for message in sqs.receive_message(QueueUrl=url).get("Messages", [])
    ]
    handles = [message["ReceiptHandle"] for message in messages]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handles[0])
    sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[{"Id": str(n), "ReceiptHandle": one} for n, one in enumerate(handles[1:])],
    )
    reaches(3, "AWS/SQS", "NumberOfMessagesDeleted", QueueName="q")

    function("f", OK)
    aws.client("lambda").create_event_source_mapping(
        FunctionName="f",
        EventSourceArn=QUEUES + "q",
        BatchSize=1,
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": {"wanted": [True]}})}]},
    )
    for wanted in (True, False):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"wanted": wanted}))

    reaches(5, "AWS/SQS", "NumberOfMessagesDeleted", QueueName="q")
    reaches(1, "AWS/Lambda", "Invocations", FunctionName="f")


def test_the_age_of_the_oldest_message_grows_and_what_is_in_flight_is_not_visible(
    aws: LocalAws, counted: Callable[..., float]
) -> None:
    """Of a queue with one message in flight and one that waits, in virtual seconds."""
    url, sqs = _queue(aws, "q"), aws.client("sqs")
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="waits")
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=300)

    aws.wait_minutes(3)

    oldest = counted("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", QueueName="q")
    assert 60 <= oldest <= 300
    for name in ("Visible", "NotVisible"):
        metric = f"ApproximateNumberOfMessages{name}"
        assert counted("AWS/SQS", metric, "Minimum", QueueName="q") in {1, 2}
    assert counted("AWS/SQS", "ApproximateNumberOfMessagesDelayed", "Maximum", QueueName="q") == 0


def test_every_successful_request_to_a_table_is_a_sample_of_its_operation(
    aws: LocalAws, counted: Callable[..., float]
) -> None:
    """A batch is one request; a condition that does not hold is none that succeeds."""
    dynamodb, item = aws.client("dynamodb"), {"id": {"S": "1"}}
    _table(aws, "orders")
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
    machine = _state_machine(
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
    _table(aws, "orders")
    _table(aws, "others")
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
    stream = _table(
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
    _table(aws, "orders")
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


def test_messages_events_and_executions_are_counted_by_what_takes_them(
    aws: LocalAws, inbox: Callable[[str], Inbox], reaches: Callable[..., None]
) -> None:
    """An event that matches a rule of two targets is one match and two invocations."""
    topic = aws.client("sns").create_topic(Name="t")["TopicArn"]
    machine = _state_machine(aws, "m", {"Type": "Pass"})
    aws.client("events").create_event_bus(Name="own")
    _put_rule(aws, "r", topic, machine)
    _put_rule(aws, "r", inbox("other").arn, bus="own")

    _put_events(aws, "shop", "shop", "other")
    _put_events(aws, "shop", bus="own")
    aws.client("sns").publish(TopicArn=topic, Message="one")
    entries = [{"Id": str(number), "Message": "one of two"} for number in range(2)]
    aws.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    aws.client("stepfunctions").start_execution(stateMachineArn=machine)

    reaches(5, "AWS/SNS", "NumberOfMessagesPublished", TopicName="t")
    reaches(3, "AWS/States", "ExecutionsStarted", StateMachineArn=machine)
    for metric, number in (("MatchedEvents", 2), ("TriggeredRules", 2), ("Invocations", 4)):
        reaches(number, "AWS/Events", metric, RuleName="r")
        reaches(1, "AWS/Events", metric, RuleName="r", EventBusName="own")


def test_every_asynchronous_way_into_a_function_is_counted_once(
    aws: LocalAws,
    function: Callable[..., str],
    counted: Callable[..., float],
    reaches: Callable[..., None],
) -> None:
    """By request, from SNS, EventBridge, S3 and Logs; what fails and is retried is no new event."""
    arn = function("f", "def handler(event, context): raise ValueError")
    lambda_, sns, s3 = aws.client("lambda"), aws.client("sns"), aws.client("s3")
    logs = aws.client("logs")
    for number, service in enumerate(("events", "sns", "s3", "logs")):
        lambda_.add_permission(
            FunctionName="f",
            StatementId=str(number),
            Action="lambda:InvokeFunction",
            Principal=f"{service}.amazonaws.com",
        )
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    _put_rule(aws, "r", arn)
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_notification_configuration(
        Bucket="bucket",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    logs.create_log_group(logGroupName="shop")
    logs.create_log_stream(logGroupName="shop", logStreamName="one")
    logs.put_subscription_filter(
        logGroupName="shop", filterName="all", filterPattern="", destinationArn=arn
    )

    lambda_.invoke(FunctionName="f", InvocationType="Event")
    sns.publish(TopicArn=topic, Message="hello")
    _put_events(aws, "shop")
    s3.put_object(Bucket="bucket", Key="k", Body=b"")
    event = {"timestamp": int(time.time() * 1000), "message": "hello"}
    logs.put_log_events(logGroupName="shop", logStreamName="one", logEvents=[event])

    reaches(15, "AWS/Lambda", "Invocations", FunctionName="f")
    assert counted("AWS/Lambda", "AsyncEventsReceived", FunctionName="f") == 5
    assert counted("AWS/Lambda", "AsyncEventsDropped", FunctionName="f") == 5
    assert counted("AWS/Lambda", "AsyncEventAge", "SampleCount", FunctionName="f") == 15
    # The third attempt comes three minutes after the first.
    assert counted("AWS/Lambda", "AsyncEventAge", "Maximum", FunctionName="f") >= 180_000


def test_requests_are_counted_by_url_and_by_api(
    aws: LocalAws, function: Callable[..., str], reaches: Callable[..., None]
) -> None:
    """A function URL by its function, a REST API by its name, an HTTP API by its id."""
    arn = function("f", "def handler(event, context): return {'statusCode': 200, 'body': ''}")
    url = aws.client("lambda").create_function_url_config(FunctionName="f", AuthType="NONE")
    url_id = url["FunctionUrl"].split("//")[1].split(".")[0]
    rest, http = aws.client("apigateway"), aws.client("apigatewayv2")
    api = rest.create_rest_api(name="shop")["id"]
    root = rest.get_resources(restApiId=api)["items"][0]["id"]
    about = {"restApiId": api, "resourceId": root, "httpMethod": "ANY"}
    rest.put_method(**about, authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    rest.put_integration(**about, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    rest.create_deployment(restApiId=api, stageName="live")
    quick = http.create_api(Name="quick", ProtocolType="HTTP")["ApiId"]
    integration = http.create_integration(
        ApiId=quick, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    http.create_route(ApiId=quick, RouteKey="$default", Target=f"integrations/{integration}")
    http.create_stage(ApiId=quick, StageName="$default", AutoDeploy=True)

    for path, times in (
        (f"_aws/lambda-url/{url_id}/", 3),
        (f"_aws/execute-api/{api}/live/", 2),
        (f"_aws/execute-api/{quick}/$default/", 1),
    ):
        for _ in range(times):
            with urllib.request.urlopen(f"{aws.endpoint}/{path}") as answer:  # noqa: S310
                assert answer.status == 200

    reaches(3, "AWS/Lambda", "UrlRequestCount", FunctionName="f")
    reaches(2, "AWS/ApiGateway", "Count", ApiName="shop")
    reaches(1, "AWS/ApiGateway", "Count", ApiId=quick)
    reaches(6, "AWS/Lambda", "Invocations", FunctionName="f")
