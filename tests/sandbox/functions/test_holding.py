"""What the levers of a hold do here: limits of mappings, and streams at a reservation of 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
SLOW = "import time\ndef handler(event, context): time.sleep(0.4)"
OK = "def handler(event, context): return 'ok'"
MESSAGES = 16


def _settled(aws: LocalAws, uuid: str) -> None:
    states = {"Enabled", "Disabled"}
    lambda_ = aws.client("lambda")
    aws.wait_until(
        lambda: lambda_.get_event_source_mapping(UUID=uuid)["State"] in states, "settled"
    )


def _most_in_flight(aws: LocalAws, url: str, until: Callable[[], bool]) -> int:
    """The most messages that were received and not deleted yet, until something is the case."""
    name = "ApproximateNumberOfMessagesNotVisible"
    seen = [0]

    def looked() -> bool:
        answer = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        seen.append(int(answer["Attributes"][name]))
        return until()

    aws.wait_until(looked, "the messages", 60)
    return max(seen)


def test_a_limited_mapping_takes_no_more_at_a_time(
    aws: LocalAws, function: Callable[..., str], counted: Callable[..., float]
) -> None:
    """The others stay visible, and each is received once; without the limit more are taken."""
    function("f", SLOW)
    url = aws.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    lambda_, sqs = aws.client("lambda"), aws.client("sqs")
    uuid = lambda_.create_event_source_mapping(
        FunctionName="f", EventSourceArn=QUEUE, BatchSize=1, Enabled=False
    )["UUID"]
    _settled(aws, uuid)
    lambda_.update_event_source_mapping(
        UUID=uuid, Enabled=True, ScalingConfig={"MaximumConcurrency": 2}
    )
    _settled(aws, uuid)

    def send() -> None:
        for number in range(MESSAGES):
            sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def deleted(number: int) -> Callable[[], bool]:
        name = "NumberOfMessagesDeleted"
        return lambda: counted("AWS/SQS", name, QueueName="q") >= number

    send()
    assert _most_in_flight(aws, url, deleted(MESSAGES)) == 2
    lambda_.update_event_source_mapping(UUID=uuid, ScalingConfig={})
    _settled(aws, uuid)
    send()
    assert _most_in_flight(aws, url, deleted(2 * MESSAGES)) > 2
    aws.wait_minutes(1)
    assert counted("AWS/SQS", "NumberOfMessagesReceived", QueueName="q") == 2 * MESSAGES


def test_a_limit_is_answered_refused_and_removed_as_on_aws(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """From 2 to 1,000, of queues only; an empty one removes it, and is shown by no answer."""
    function("f")
    aws.client("sqs").create_queue(QueueName="q")
    lambda_ = aws.client("lambda")
    created = lambda_.create_event_source_mapping(FunctionName="f", EventSourceArn=QUEUE)
    uuid = created["UUID"]
    stream = aws.client("dynamodb").create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]["LatestStreamArn"]
    polling = lambda_.create_event_source_mapping(
        FunctionName="f", EventSourceArn=stream, StartingPosition="LATEST"
    )["UUID"]

    def update(which: str, config: dict[str, int]) -> dict[str, Any]:
        _settled(aws, which)
        answer: dict[str, Any] = lambda_.update_event_source_mapping(
            UUID=which, ScalingConfig=config
        )
        return answer

    assert "ScalingConfig" not in created
    assert update(uuid, {"MaximumConcurrency": 1_000})["ScalingConfig"] == {
        "MaximumConcurrency": 1_000
    }
    for which, most in ((uuid, 1_001), (polling, 5)):
        with pytest.raises(ClientError) as refused:
            update(which, {"MaximumConcurrency": most})
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    _settled(aws, uuid)
    # Whatever else is changed, the limit stays.
    answer = lambda_.update_event_source_mapping(UUID=uuid, BatchSize=5)
    assert answer["ScalingConfig"] == {"MaximumConcurrency": 1_000}
    answer = update(uuid, {})
    assert (answer["State"], "ScalingConfig" in answer) == ("Updating", False)
    _settled(aws, uuid)
    assert "ScalingConfig" not in lambda_.get_event_source_mapping(UUID=uuid)


@pytest.mark.parametrize("service", ["dynamodb", "kinesis"])
def test_a_stream_loses_nothing_while_its_function_may_not_run(
    aws: LocalAws, function: Callable[..., str], counted: Callable[..., float], service: str
) -> None:
    """What does not reach the function counts no attempt: it is all delivered afterwards."""
    function("f", OK)
    put = _table(aws) if service == "dynamodb" else _stream(aws)
    lambda_ = aws.client("lambda")
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    lambda_.create_event_source_mapping(
        FunctionName="f",
        EventSourceArn=put.arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=1,
        MaximumRetryAttempts=0,
    )

    for number in range(3):
        put(str(number))
    aws.wait_until(lambda: counted("AWS/Lambda", "Throttles", FunctionName="f") >= 2, "throttles")
    assert counted("AWS/Lambda", "Invocations", FunctionName="f") == 0
    lambda_.delete_function_concurrency(FunctionName="f")

    aws.wait_until(
        lambda: counted("AWS/Lambda", "Invocations", FunctionName="f") >= 3, "all that waited"
    )
    aws.wait_minutes(1)
    assert counted("AWS/Lambda", "Invocations", FunctionName="f") == 3


class _Source:
    """A source of records."""

    def __init__(self, arn: str, put: Callable[[str], Any]) -> None:
        self.arn = arn
        self._put = put

    def __call__(self, name: str) -> None:
        """Put a record there."""
        self._put(name)


def _table(aws: LocalAws) -> _Source:
    dynamodb = aws.client("dynamodb")
    arn = dynamodb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]["LatestStreamArn"]
    return _Source(
        arn, lambda name: dynamodb.put_item(TableName="things", Item={"id": {"S": name}})
    )


def _stream(aws: LocalAws) -> _Source:
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)

    def status() -> str:
        description = kinesis.describe_stream(StreamName="s")["StreamDescription"]
        return str(description["StreamStatus"])

    aws.wait_until(lambda: status() == "ACTIVE", "the stream")
    return _Source(
        f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s",
        lambda name: kinesis.put_record(StreamName="s", Data=name.encode(), PartitionKey="p"),
    )
