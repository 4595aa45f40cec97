"""Event source mappings in AWS's weather pass through their states, and refuse changes there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.local_aws import LocalAws
from sandbox.scenarios.provision import map_source
from sandbox.weather.lateness import mapping_transition_seconds
from sandbox.weather.seeded import Weather, WeatherKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARN = "arn:aws:sqs:us-east-1:123456789012:q"
STATES = ("Creating", "Disabling", "Enabling", "Updating", "Deleting")
ROLE = "arn:aws:iam::123456789012:role/any"


def _is_slow(seed: int) -> bool:
    """Whether a test has time to see each state."""
    weather = Weather(kind=WeatherKind.AWS, seed=seed)
    return all(mapping_transition_seconds(weather, "f", ARN, state, 0) > 50.0 for state in STATES)


@pytest.fixture(scope="module")
def shared_aws() -> Iterator[LocalAws]:
    """A local AWS in which a transition of the first mapping takes 8 to 15 real seconds."""
    seed = next(seed for seed in range(10_000) if _is_slow(seed))
    with LocalAws(speed=6, worker_cap=4, weather="aws", seed=seed) as aws:
        yield aws


@pytest.fixture
def mapping(aws: LocalAws, function: Callable[..., str]) -> dict[str, Any]:
    """A mapping that is being created."""
    function("f")
    aws.client("sqs").create_queue(QueueName="q")
    answer: dict[str, Any] = aws.client("lambda").create_event_source_mapping(
        FunctionName="f", EventSourceArn=ARN
    )
    return answer


def _state(aws: LocalAws, uuid: str) -> str:
    return str(aws.client("lambda").get_event_source_mapping(UUID=uuid)["State"])


def _wait(aws: LocalAws, uuid: str, state: str) -> None:
    aws.wait_until(lambda: _state(aws, uuid) == state, state, 60)


def _send(aws: LocalAws) -> None:
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="q")["QueueUrl"], MessageBody="{}")


def _refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(refused.value.response["Error"]["Code"])


def test_a_new_mapping_polls_only_once_it_is_enabled(
    aws: LocalAws, mapping: dict[str, Any]
) -> None:
    """Messages wait while it is being created, and it takes no change."""
    lambda_, uuid = aws.client("lambda"), mapping["UUID"]
    _send(aws)

    assert mapping["State"] == "Creating"
    assert _state(aws, uuid) == "Creating"
    assert _refusal(lambda: lambda_.update_event_source_mapping(UUID=uuid, BatchSize=1)) == (
        "ResourceInUseException"
    )
    assert _refusal(lambda: lambda_.delete_event_source_mapping(UUID=uuid)) == (
        "ResourceInUseException"
    )
    assert aws.counts().get("f", 0) == 0
    _wait(aws, uuid, "Enabled")
    aws.wait_until(lambda: aws.counts().get("f"), "the message is delivered", 30)


def test_a_mapping_polls_on_until_it_is_disabled(aws: LocalAws, mapping: dict[str, Any]) -> None:
    """What is sent while it is being disabled is delivered, what comes after waits."""
    lambda_, uuid = aws.client("lambda"), mapping["UUID"]
    _wait(aws, uuid, "Enabled")

    answer = lambda_.update_event_source_mapping(UUID=uuid, Enabled=False)
    _send(aws)

    assert answer["State"] == "Disabling"
    assert [
        one["State"] for one in lambda_.list_event_source_mappings()["EventSourceMappings"]
    ] == ["Disabling"]
    aws.wait_until(lambda: aws.counts().get("f") == 1, "the message is delivered", 30)
    _wait(aws, uuid, "Disabled")
    _send(aws)
    answer = lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert answer["State"] == "Enabling"
    assert aws.counts()["f"] == 1
    _wait(aws, uuid, "Enabled")
    aws.wait_until(lambda: aws.counts().get("f") == 2, "the second message is delivered", 30)


def test_a_limit_takes_its_time(aws: LocalAws, function: Callable[..., str]) -> None:
    """The mapping polls on as before while it is updated, and takes no other change."""
    function("f", "import time\ndef handler(event, context): time.sleep(0.5)")
    lambda_, sqs = aws.client("lambda"), aws.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    uuid = lambda_.create_event_source_mapping(FunctionName="f", EventSourceArn=ARN, BatchSize=1)[
        "UUID"
    ]
    _wait(aws, uuid, "Enabled")

    def in_flight() -> int:
        name = "ApproximateNumberOfMessagesNotVisible"
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    answer = lambda_.update_event_source_mapping(UUID=uuid, ScalingConfig={"MaximumConcurrency": 2})
    for _ in range(100):
        _send(aws)

    assert (answer["State"], answer["ScalingConfig"]) == ("Updating", {"MaximumConcurrency": 2})
    aws.wait_until(lambda: in_flight() > 2, "as many as before", 30)
    assert _state(aws, uuid) == "Updating"
    assert (
        _refusal(lambda: lambda_.update_event_source_mapping(UUID=uuid, ScalingConfig={}))
        == "ResourceInUseException"
    )
    _wait(aws, uuid, "Enabled")
    aws.wait_until(lambda: 0 < in_flight() <= 2, "those that had begun are done", 30)
    assert max(in_flight() for _ in range(20)) <= 2


def test_a_deleted_mapping_is_there_for_a_while(aws: LocalAws, mapping: dict[str, Any]) -> None:
    """It is being deleted, and then it is unknown."""
    lambda_, uuid = aws.client("lambda"), mapping["UUID"]
    _wait(aws, uuid, "Enabled")

    answer = lambda_.delete_event_source_mapping(UUID=uuid)

    assert answer["State"] == "Deleting"
    assert _state(aws, uuid) == "Deleting"
    aws.wait_until(
        lambda: not lambda_.list_event_source_mappings()["EventSourceMappings"], "deleted", 60
    )


def test_cloudformation_waits_for_its_mappings(aws: LocalAws, function: Callable[..., str]) -> None:
    """A stack is complete when its mapping is enabled, and serves requests meanwhile."""
    function("g")
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "g"}},
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "FunctionName": "g",
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                },
            },
        }
    }
    cloudformation, lambda_ = aws.client("cloudformation"), aws.client("lambda")

    def status() -> str:
        return str(cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"])

    def states() -> list[str]:
        found = lambda_.list_event_source_mappings(FunctionName="g")["EventSourceMappings"]
        return [one["State"] for one in found]

    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))

    aws.wait_until(lambda: status() == "CREATE_COMPLETE", "created", 60)
    assert states() == ["Enabled"]
    template["Resources"]["Mapping"]["Properties"]["Enabled"] = False  # type: ignore[index]
    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(template))
    aws.wait_until(lambda: status() == "UPDATE_COMPLETE", "updated", 60)
    assert states() == ["Disabled"]
    cloudformation.delete_stack(StackName="s")
    aws.wait_until(lambda: not states(), "deleted", 60)


def test_a_scenario_goes_on_once_its_mapping_polls(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """What a test notes of a function's settings right after is what they stay."""
    function("f")
    aws.client("sqs").create_queue(QueueName="q")

    uuid = map_source(aws, "f", ARN)

    assert _state(aws, uuid) == "Enabled"
