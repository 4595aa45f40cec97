"""AWS/Lambda metrics of every way to invoke a function."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws
    from tests.sandbox.support import Inbox

# Virtual minutes, which are the longer the slower this machine is.
PATIENCE_MINUTES = 30


def _total(
    read: Callable[..., list[dict[str, Any]]], name: str, function: str | None = None
) -> float:
    (result,) = read([metric(name, "Sum", function)])
    return float(sum(result["Values"]))


def _wait_for(
    aws: LocalAws, read: Callable[..., list[dict[str, Any]]], name: str, function: str | None = None
) -> float:
    return aws.wait_until_within(
        PATIENCE_MINUTES, lambda: _total(read, name, function), f"{name} of {function}"
    )


def test_an_invocation_is_counted_for_its_function_and_the_account(
    aws: LocalAws,
    function: Callable[..., str],
    read: Callable[..., list[dict[str, Any]]],
) -> None:
    """Each metric is there with the dimension FunctionName and without a dimension."""
    function("once")
    aws.client("lambda").invoke(FunctionName="once", Payload=b"{}")

    for name in ("once", None):
        results = read(
            [
                metric("Invocations", "Sum", name),
                metric("Errors", "Sum", name),
                metric("Throttles", "Sum", name),
                metric("ConcurrentExecutions", "Maximum", name),
                metric("Duration", "p95", name),
            ]
        )
        values = [result["Values"] for result in results]
        assert [sum(found) for found in values[:3]] == [1.0, 0.0, 0.0]
        assert max(values[3]) == 1.0
        assert 0 < values[4][0] < 10_000


def test_a_cold_start_is_no_part_of_the_duration(
    aws: LocalAws,
    function: Callable[..., str],
    read: Callable[..., list[dict[str, Any]]],
) -> None:
    """What runs outside of the handler is initialisation, which AWS does not count."""
    function("cold", "import time\ntime.sleep(1.5)\ndef handler(event, context): time.sleep(0.1)")
    aws.client("lambda").invoke(FunctionName="cold", Payload=b"{}")

    (duration,) = read([metric("Duration", "Maximum", "cold")])
    events = aws.client("logs").filter_log_events(
        logGroupName="/aws/lambda/cold", filterPattern="REPORT"
    )["events"]

    assert 100 <= max(duration["Values"]) < 1500
    assert 100 <= float(events[0]["message"].split("Duration: ")[1].split(" ms")[0]) < 1500


def test_errors_are_counted(
    aws: LocalAws,
    function: Callable[..., str],
    read: Callable[..., list[dict[str, Any]]],
) -> None:
    """A function that raises is an invocation and an error."""
    function("broken", "def handler(event, context): raise ValueError('no')")
    aws.client("lambda").invoke(FunctionName="broken", Payload=b"{}")

    assert _total(read, "Invocations", "broken") == 1
    assert _total(read, "Errors", "broken") == 1


def test_every_trigger_is_counted(
    aws: LocalAws,
    function: Callable[..., str],
    read: Callable[..., list[dict[str, Any]]],
) -> None:
    """S3, SNS, SQS, a stream, EventBridge and asynchronous calls are invocations as well."""
    arns = {name: function(name) for name in ("s3", "sns", "sqs", "stream", "events", "async")}
    lambda_, s3, sns = aws.client("lambda"), aws.client("s3"), aws.client("sns")
    s3.create_bucket(Bucket="uploads")
    for name in ("s3", "sns", "events"):
        lambda_.add_permission(
            FunctionName=name,
            StatementId="any",
            Action="lambda:InvokeFunction",
            Principal=f"{name}.amazonaws.com",
        )
    s3.put_bucket_notification_configuration(
        Bucket="uploads",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": arns["s3"], "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arns["sns"])
    queue = aws.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    lambda_.create_event_source_mapping(
        FunctionName="sqs", EventSourceArn="arn:aws:sqs:us-east-1:123456789012:q"
    )
    table = aws.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    lambda_.create_event_source_mapping(
        FunctionName="stream",
        EventSourceArn=table["TableDescription"]["LatestStreamArn"],
        StartingPosition="LATEST",
    )
    events = aws.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["mine"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arns["events"]}])

    s3.put_object(Bucket="uploads", Key="k", Body=b"")
    sns.publish(TopicArn=topic, Message="m")
    aws.client("sqs").send_message(QueueUrl=queue, MessageBody="m")
    aws.client("dynamodb").put_item(TableName="orders", Item={"id": {"S": "1"}})
    events.put_events(Entries=[{"Source": "mine", "DetailType": "d", "Detail": "{}"}])
    lambda_.invoke(FunctionName="async", InvocationType="Event", Payload=b"{}")

    assert {name: _wait_for(aws, read, "Invocations", name) for name in arns} == dict.fromkeys(
        arns, 1.0
    )


def test_a_reservation_of_zero_refuses_and_is_counted(
    aws: LocalAws,
    function: Callable[..., str],
    read: Callable[..., list[dict[str, Any]]],
) -> None:
    """A refused call is a throttle and no invocation."""
    function("stopped")
    lambda_ = aws.client("lambda")
    lambda_.put_function_concurrency(FunctionName="stopped", ReservedConcurrentExecutions=0)

    with pytest.raises(ClientError) as refused:
        lambda_.invoke(FunctionName="stopped", Payload=b"{}")

    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    answer: dict[str, Any] = dict(refused.value.response)
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert _total(read, "Throttles", "stopped") == 1
    assert _total(read, "Throttles") == 1
    assert _total(read, "Invocations", "stopped") == 0


def test_a_mapped_queue_is_throttled_and_keeps_its_messages(
    aws: LocalAws,
    function: Callable[..., str],
    read: Callable[..., list[dict[str, Any]]],
) -> None:
    """Lambda polls on for a stopped function; the message comes back with a higher count."""
    function("stopped")
    lambda_, sqs = aws.client("lambda"), aws.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    lambda_.put_function_concurrency(FunctionName="stopped", ReservedConcurrentExecutions=0)
    mapping = lambda_.create_event_source_mapping(
        FunctionName="stopped", EventSourceArn="arn:aws:sqs:us-east-1:123456789012:q"
    )
    sqs.send_message(QueueUrl=url, MessageBody="m")

    assert _wait_for(aws, read, "Throttles", "stopped") >= 1
    lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
    received = aws.wait_until(
        lambda: sqs.receive_message(
            QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"]
        ).get("Messages"),
        "the message",
        10,
    )
    assert int(received[0]["Attributes"]["ApproximateReceiveCount"]) >= 2


def test_events_for_a_stopped_function_are_dropped_or_kept_by_a_destination(
    aws: LocalAws,
    function: Callable[..., str],
    read: Callable[..., list[dict[str, Any]]],
    inbox: Callable[[str], Inbox],
) -> None:
    """Without a destination a new event is lost; with one it goes there at once. Both count."""
    function("stopped")
    lambda_, kept = aws.client("lambda"), inbox("kept")
    lambda_.put_function_concurrency(FunctionName="stopped", ReservedConcurrentExecutions=0)

    lambda_.invoke(FunctionName="stopped", InvocationType="Event", Payload=b'{"n": 1}')
    assert _wait_for(aws, read, "AsyncEventsDropped", "stopped") == 1

    lambda_.put_function_event_invoke_config(
        FunctionName="stopped", DestinationConfig={"OnFailure": {"Destination": kept.arn}}
    )
    lambda_.invoke(FunctionName="stopped", InvocationType="Event", Payload=b'{"n": 2}')
    record = kept.wait()
    assert record["requestPayload"] == {"n": 2}
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["functionArn"].endswith(":function:stopped:$LATEST")
    assert _total(read, "AsyncEventsDropped", "stopped") == 2


def test_a_failing_event_is_retried_and_then_a_dead_letter(
    aws: LocalAws,
    function: Callable[..., str],
    read: Callable[..., list[dict[str, Any]]],
    inbox: Callable[[str], Inbox],
) -> None:
    """Two retries, one and two virtual minutes later; the dead letter is the event itself."""
    dead = inbox("dead")
    function(
        "broken",
        "def handler(event, context): raise ValueError('no')",
        DeadLetterConfig={"TargetArn": dead.arn},
    )
    aws.client("lambda").invoke(FunctionName="broken", InvocationType="Event", Payload=b'{"n": 3}')

    assert dead.wait() == {"n": 3}
    attributes = dead.received[0]["MessageAttributes"]
    assert attributes["ErrorMessage"]["StringValue"] == "no"
    assert _total(read, "Invocations", "broken") == 3
    assert _total(read, "Errors", "broken") == 3


def test_what_waits_in_the_queue_sees_the_reservation_of_today(
    aws: LocalAws, function: Callable[..., str], read: Callable[..., list[dict[str, Any]]]
) -> None:
    """An event that was queued before a containment does not run during it, but after it."""
    function("later", "import time\ndef handler(event, context): time.sleep(0.3)")
    lambda_ = aws.client("lambda")
    lambda_.put_function_concurrency(FunctionName="later", ReservedConcurrentExecutions=1)
    for _ in range(3):
        lambda_.invoke(FunctionName="later", InvocationType="Event", Payload=b"{}")
    lambda_.put_function_concurrency(FunctionName="later", ReservedConcurrentExecutions=0)
    time.sleep(1)
    during = aws.counts()["later"]

    lambda_.delete_function_concurrency(FunctionName="later")

    assert during < 3
    aws.wait_until(lambda: aws.counts()["later"] == 3, "the events that waited", 15)


def test_the_loop_detection_of_lambda_emits_its_metric(
    aws: LocalAws, function: Callable[..., str], read: Callable[..., list[dict[str, Any]]]
) -> None:
    """A function that calls itself is cut off after sixteen rounds."""
    function(
        "self",
        "import boto3\n"
        "client = boto3.client('lambda')\n"
        "def handler(event, context):\n"
        "    client.invoke(FunctionName='self', InvocationType='Event', Payload=b'{}')\n",
    )
    aws.client("lambda").invoke(FunctionName="self", InvocationType="Event", Payload=b"{}")

    assert _wait_for(aws, read, "RecursiveInvocationsDropped", "self") >= 1
    assert _total(read, "RecursiveInvocationsDropped") >= 1


def test_metrics_can_be_emitted(aws: LocalAws, read: Callable[..., list[dict[str, Any]]]) -> None:
    """What the sandbox cannot cause can be recorded."""
    aws.emit("RecursiveInvocationsDropped", "f", 5)

    assert _total(read, "RecursiveInvocationsDropped", "f") == 5
    assert _total(read, "RecursiveInvocationsDropped") == 5


def test_pages_of_metric_data(aws: LocalAws, read: Callable[..., list[dict[str, Any]]]) -> None:
    """No more than MaxDatapoints values come at a time, in either order."""
    aws.seed([{"metric": "Invocations", "values": list(range(10)), "minutes_ago": 10}])
    now = aws.clock.timestamp()
    pages = list(
        aws.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=[metric("Invocations", "Sum")],
            StartTime=now - 1800,
            EndTime=now,
            ScanBy="TimestampAscending",
            MaxDatapoints=4,
        )
    )

    assert [page["MetricDataResults"][0]["Values"] for page in pages] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]
    assert [page["MetricDataResults"][0]["StatusCode"] for page in pages] == [
        "PartialData",
        "PartialData",
        "Complete",
    ]
    (newest_first,) = read([metric("Invocations", "Sum")])
    assert newest_first["Values"] == list(range(9, -1, -1))


def test_two_insights_queries_are_refused(
    aws: LocalAws, read: Callable[..., list[dict[str, Any]]]
) -> None:
    """A request may hold one Metrics Insights query."""
    select = 'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName)'

    with pytest.raises(ClientError) as refused:
        read([{"Id": name, "Expression": select, "Period": 60} for name in ("a", "b")])

    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_list_metrics_knows_what_was_active(aws: LocalAws) -> None:
    """RecentlyActive leaves out what has not been published for three hours."""
    aws.seed(
        [
            {"functions": ["old"], "metric": "Invocations", "values": [1], "minutes_ago": 400},
            {"functions": ["new"], "metric": "Invocations", "values": [1], "minutes_ago": 4},
        ]
    )
    cloudwatch = aws.client("cloudwatch")

    def names(**more: Any) -> list[str]:
        answer = cloudwatch.list_metrics(
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": "FunctionName"}],
            **more,
        )
        return [one["Dimensions"][0]["Value"] for one in answer["Metrics"]]

    assert names() == ["old", "new"]
    assert names(RecentlyActive="PT3H") == ["new"]


def test_own_metrics_are_stored(aws: LocalAws) -> None:
    """PutMetricData and GetMetricStatistics work on the same store."""
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="Guard",
        MetricData=[
            {"MetricName": "Contained", "Value": 2.0, "Unit": "Count"},
            {"MetricName": "Contained", "Values": [1.0, 4.0], "Counts": [2.0, 1.0]},
        ],
    )
    now = aws.clock.timestamp()

    answer = cloudwatch.get_metric_statistics(
        Namespace="Guard",
        MetricName="Contained",
        Period=3600,
        StartTime=now - 3600,
        EndTime=now + 60,
        Statistics=["Sum", "Maximum", "SampleCount"],
    )

    assert sum(point["Sum"] for point in answer["Datapoints"]) == 8
    assert max(point["Maximum"] for point in answer["Datapoints"]) == 4


def test_embedded_metrics_are_taken_from_the_log(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """What a function prints in the embedded metric format becomes a metric."""
    function(
        "counting",
        "import json\n"
        "def handler(event, context):\n"
        "    directive = {'Namespace': 'Guard', 'Dimensions': [['service']],\n"
        "                 'Metrics': [{'Name': 'Contained', 'Unit': 'Count'}]}\n"
        "    print(json.dumps({'_aws': {'Timestamp': 0, 'CloudWatchMetrics': [directive]},\n"
        "                      'service': 'contain', 'Contained': [2]}))\n",
    )
    aws.client("lambda").invoke(FunctionName="counting", Payload=b"{}")
    now = aws.clock.timestamp()

    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="Guard",
        MetricName="Contained",
        Dimensions=[{"Name": "service", "Value": "contain"}],
        Period=3600,
        StartTime=now - 3600,
        EndTime=now + 60,
        Statistics=["Sum"],
    )

    assert sum(point["Sum"] for point in answer["Datapoints"]) == 2


def test_queues_and_rules_are_measured(aws: LocalAws, inbox: Callable[[str], Inbox]) -> None:
    """The length of a queue and the deliveries of a rule are metrics as well."""
    seen, events = inbox("waiting"), aws.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["mine"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": seen.arn}])
    events.put_events(Entries=[{"Source": "mine", "DetailType": "d", "Detail": "{}"}])
    cloudwatch = aws.client("cloudwatch")

    def latest(namespace: str, name: str, dimension: str, value: str) -> list[float]:
        now = aws.clock.timestamp()
        answer = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": dimension, "Value": value}],
            Period=3600,
            StartTime=now - 3600,
            EndTime=now + 60,
            Statistics=["Maximum"],
        )
        return [point["Maximum"] for point in answer["Datapoints"]]

    name = "ApproximateNumberOfMessagesVisible"
    # The queue may be measured before the rule has delivered: it was empty then.
    aws.wait_until(
        lambda: max(latest("AWS/SQS", name, "QueueName", "waiting"), default=0) == 1,
        "the message in the queue",
        5,
    )
    aws.wait_until(
        lambda: latest("AWS/Events", "Invocations", "RuleName", "r") == [1.0], "the delivery", 5
    )
