"""What a hold must know, by AWS's answers: also those that the local AWS does not give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.incidents.hold_facts import AwsHoldFacts
from functions.domain.detection.arrivals import SourceKind
from functions.domain.holding.facts import MappingFacts
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

PLACE = "us-east-1:123456789012"
QUEUE = f"arn:aws:sqs:{PLACE}:orders"
STREAM = f"arn:aws:kinesis:{PLACE}:stream/orders"
UUID = "00000000-0000-4000-8000-000000000001"


script = scripted("lambda")
sqs = scripted("sqs")
kinesis = scripted("kinesis")


@pytest.fixture
def reader(script: Script, sqs: Script, kinesis: Script) -> AwsHoldFacts:
    """The adapter."""
    return AwsHoldFacts(script.client, lambda: sqs.client, lambda: kinesis.client)


def mapping(source: str, state: str = "Enabled", **more: Any) -> dict[str, Any]:
    """A mapping of the function, as AWS lists it."""
    function = f"arn:aws:lambda:{PLACE}:function:orders:live"
    return {
        "UUID": UUID,
        "EventSourceArn": source,
        "FunctionArn": function,
        "State": state,
        **more,
    }


def lists(script: Script, *entries: dict[str, Any]) -> None:
    """The mappings, and then a function without anything special."""
    script.answer("list_event_source_mappings", {"EventSourceMappings": list(entries)})
    script.answer("list_function_event_invoke_configs", {"FunctionEventInvokeConfigs": []})
    script.answer("list_provisioned_concurrency_configs", {"ProvisionedConcurrencyConfigs": []})


def test_a_queue_that_must_not_be_read_is_unknown(
    reader: AwsHoldFacts, script: Script, sqs: Script
) -> None:
    """What the mapping tells is known, and AWS's words for the rest."""
    config = {"MinimumPollers": 2, "MaximumPollers": 10}
    lists(script, mapping(QUEUE, ProvisionedPollerConfig=config))
    sqs.answer("list_dead_letter_source_queues", {"queueUrls": []})
    sqs.refuse("get_queue_attributes", "AccessDenied", "Access to the resource is denied.", 403)

    facts = reader.read("orders")

    assert facts.mappings == (
        MappingFacts(uuid=UUID, kind=SourceKind.QUEUE, source_arn=QUEUE, is_provisioned_mode=True),
    )
    assert facts.unreadable == (f"{QUEUE}: AccessDenied: Access to the resource is denied.",)


@pytest.mark.parametrize("elsewhere", ["us-east-1:210987654321", "eu-west-1:123456789012"])
@pytest.mark.parametrize("resource", ["sqs:{}:orders", "kinesis:{}:stream/orders"])
def test_a_source_of_another_account_or_region_is_not_asked_for(
    reader: AwsHoldFacts, script: Script, resource: str, elsewhere: str
) -> None:
    """What arrives there is not counted here, so nothing may be held by it."""
    arn = f"arn:aws:{resource.format(elsewhere)}"
    lists(script, mapping(arn))

    facts = reader.read("orders")

    assert [one.kind for one in facts.mappings] == [SourceKind.OTHER]
    assert facts.unreadable == ()


@pytest.mark.parametrize("receives", ["5", '"5"'])
def test_a_receive_count_may_be_a_text(
    reader: AwsHoldFacts, script: Script, sqs: Script, receives: str
) -> None:
    """A redrive policy is kept as it was written."""
    lists(script, mapping(QUEUE, MaximumBatchingWindowInSeconds=0, BatchSize=10))
    sqs.answer("list_dead_letter_source_queues", {"queueUrls": []})
    sqs.answer(
        "get_queue_attributes",
        {
            "Attributes": {
                "DelaySeconds": "0",
                "MessageRetentionPeriod": "345600",
                "RedrivePolicy": '{"deadLetterTargetArn":"d","maxReceiveCount":' + receives + "}",
            }
        },
        QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/orders",
        AttributeNames=[
            "DelaySeconds",
            "MessageRetentionPeriod",
            "RedrivePolicy",
        ],
    )

    (found,) = reader.read("orders").mappings

    assert found.max_receive_count == 5


def test_a_queue_that_gets_dead_letters_is_counted_by_nothing(
    reader: AwsHoldFacts, script: Script, sqs: Script
) -> None:
    """What SQS moves there is in no metric."""
    lists(script, mapping(QUEUE))
    sqs.answer("list_dead_letter_source_queues", {"queueUrls": ["https://another"]})

    assert [one.kind for one in reader.read("orders").mappings] == [SourceKind.OTHER]


def test_a_stream_is_read_behind_its_consumer(
    reader: AwsHoldFacts, script: Script, kinesis: Script
) -> None:
    """A mapping names its consumer; the stream has the retention."""
    consumer = f"{STREAM}/consumer/fast:1700000000"
    lists(script, mapping(consumer, MaximumRecordAgeInSeconds=-1, StartingPosition="LATEST"))
    summary = {
        "StreamName": "orders",
        "StreamARN": STREAM,
        "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 48,
        "StreamCreationTimestamp": 1_700_000_000,
        "EnhancedMonitoring": [],
        "OpenShardCount": 1,
    }
    kinesis.answer(
        "describe_stream_summary", {"StreamDescriptionSummary": summary}, StreamARN=STREAM
    )

    (found,) = reader.read("orders").mappings

    assert (found.kind, found.source_arn) == (SourceKind.STREAM, consumer)
    assert (found.stream_retention_hours, found.maximum_record_age_seconds) == (48.0, None)


@pytest.mark.parametrize(
    ("state", "is_enabled"),
    [("Updating", True), ("Creating", True), ("Disabling", False), ("Disabled", False)],
)
def test_a_mapping_that_may_poll_counts_as_enabled(
    reader: AwsHoldFacts, script: Script, state: str, *, is_enabled: bool
) -> None:
    """One that is being deleted is none any more; what has no ARN is known to nobody."""
    kafka = mapping("", state)
    del kafka["EventSourceArn"]
    lists(script, kafka, mapping(QUEUE, "Deleting"))

    assert reader.read("orders").mappings == (
        MappingFacts(
            uuid=UUID, kind=SourceKind.OTHER, is_enabled=is_enabled, is_provisioned_mode=False
        ),
    )


def test_nothing_that_fails_breaks_the_reader(reader: AwsHoldFacts, script: Script) -> None:
    """Without the mappings, one that nothing is known of stands for them."""
    for operation in (
        "list_event_source_mappings",
        "list_function_event_invoke_configs",
        "list_provisioned_concurrency_configs",
    ):
        script.refuse(operation, "AccessDeniedException", "not authorized", 403)

    facts = reader.read("orders")

    assert [one.kind for one in facts.mappings] == [SourceKind.OTHER]
    assert (facts.maximum_event_age_seconds, facts.has_provisioned_concurrency) == (None, None)
    assert len(facts.unreadable) == 3


def depths(*, visible: str, delayed: str = "0", taken: str = "0") -> dict[str, Any]:
    """How many messages a queue has, as SQS says it."""
    return {
        "Attributes": {
            "ApproximateNumberOfMessages": visible,
            "ApproximateNumberOfMessagesDelayed": delayed,
            "ApproximateNumberOfMessagesNotVisible": taken,
        }
    }


def test_messages_in_flight_are_in_the_queue_still(reader: AwsHoldFacts, sqs: Script) -> None:
    """They come back if their execution fails."""
    sqs.answer("get_queue_attributes", depths(visible="40", delayed="5", taken="300"))

    assert reader.depth([QUEUE]) == 345.0


def test_a_depth_that_one_queue_hides_is_unknown(reader: AwsHoldFacts, sqs: Script) -> None:
    """The others alone would look like a queue that empties."""
    sqs.answer("get_queue_attributes", depths(visible="40"))
    sqs.refuse("get_queue_attributes", "AccessDenied", "Access to the resource is denied.", 403)

    assert reader.depth([QUEUE, QUEUE]) is None
