"""What is counted of messages in queues."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.sandbox.metrics.arrivals.conftest import (
    OK,
    QUEUES,
    make_queue,
    make_state_machine,
    put_events,
    put_rule,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws


def test_every_way_into_a_queue_is_counted(
    aws: LocalAws, function: Callable[..., str], reaches: Callable[..., None]
) -> None:
    """Requests, SNS, EventBridge, S3, Step Functions and Lambda's destinations."""
    url, sqs, sns, s3 = make_queue(aws, "q"), aws.client("sqs"), aws.client("sns"), aws.client("s3")
    arn = QUEUES + "q"
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    put_rule(aws, "r", arn)
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
    machine = make_state_machine(
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
    put_events(aws, "shop")
    s3.put_object(Bucket="bucket", Key="k", Body=b"")
    aws.client("lambda").invoke(FunctionName="f", InvocationType="Event")
    aws.client("stepfunctions").start_execution(stateMachineArn=machine)

    # One more is the test event that S3 sends when it is told whom to notify.
    reaches(8 + 1, "AWS/SQS", "NumberOfMessagesSent", QueueName="q")


def test_a_message_is_received_more_than_once_and_redriven_without_being_sent(
    aws: LocalAws, counted: Callable[..., float]
) -> None:
    """Receives are counted each; what a redrive policy moves is not sent, but there."""
    make_queue(aws, "dead")
    policy = json.dumps({"deadLetterTargetArn": QUEUES + "dead", "maxReceiveCount": 2})
    url, sqs = make_queue(aws, "q", RedrivePolicy=policy, VisibilityTimeout="0"), aws.client("sqs")
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
    url, sqs = make_queue(aws, "q"), aws.client("sqs")
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
    url, sqs = make_queue(aws, "q"), aws.client("sqs")
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
