"""In AWS's weather deliveries come twice now and then, and CloudTrail's events late."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.local_aws import LocalAws
from sandbox.weather.lateness import Duplicates, trail_seconds
from sandbox.weather.seeded import Weather, WeatherKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sandbox.support import Inbox

TARGETS = "arn:aws:sqs:us-east-1:123456789012:"
RULE = "arn:aws:events:us-east-1:123456789012:rule/shop"
SENT = 12
CALL = ("PutFunctionConcurrency", "f")


def _comes_twice(weather: Weather, *receiver: str) -> bool:
    duplicates = Duplicates(weather)
    return any(duplicates.second_after(n * 1000.0, *receiver) is not None for n in range(SENT))


def _suits(seed: int) -> bool:
    """Whether something comes twice soon, and the second of two calls is reported first."""
    weather = Weather(kind=WeatherKind.AWS, seed=seed)
    first, second = (trail_seconds(weather, *CALL, number) for number in range(2))
    return (
        len(first) > 1
        and min(first) > max(second) + 20.0
        and max(first) < 60.0
        and _comes_twice(weather, "rule", RULE, TARGETS + "of-rule")
        and _comes_twice(weather, "queue", TARGETS + "of-topic")
        and _comes_twice(weather, "async", "f")
    )


@pytest.fixture(scope="module")
def shared_aws() -> Iterator[LocalAws]:
    """A local AWS whose weather shows everything soon."""
    seed = next(seed for seed in range(10_000_000) if _suits(seed))
    with LocalAws(speed=6, worker_cap=4, weather="aws", seed=seed) as aws:
        yield aws


def _wait_for_two(aws: LocalAws, names: Callable[[], list[str]]) -> None:
    def is_twice() -> bool:
        found = names()
        return len(found) > len(set(found))

    aws.wait_until(is_twice, "something that came twice", 30)


def test_an_event_comes_twice_with_its_id(aws: LocalAws, inbox: Callable[[str], Inbox]) -> None:
    """The target of a rule can tell by the event's id."""
    seen, events = inbox("of-rule"), aws.client("events")
    events.put_rule(Name="shop", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="shop", Targets=[{"Id": "1", "Arn": seen.arn}])

    for number in range(SENT):
        detail = json.dumps({"number": number})
        entry = {"Source": "shop", "DetailType": "Order", "Detail": detail}
        events.put_events(Entries=[entry])

    _wait_for_two(aws, lambda: [body["id"] for body in seen.bodies()])
    assert {body["detail"]["number"] for body in seen.bodies()} == set(range(SENT))


def test_a_notification_comes_twice_with_its_id(
    aws: LocalAws, inbox: Callable[[str], Inbox]
) -> None:
    """The queue that is subscribed can tell by the message's id."""
    seen, sns = inbox("of-topic"), aws.client("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=seen.arn)

    for _ in range(SENT):
        sns.publish(TopicArn=topic, Message="hello")

    _wait_for_two(aws, lambda: [body["MessageId"] for body in seen.bodies()])


def test_an_asynchronous_invocation_comes_twice_with_its_request_id(
    aws: LocalAws, function: Callable[..., str]
) -> None:
    """The function can tell by the request id of its context."""
    function("f", "def handler(event, context): print('ID', context.aws_request_id)")

    for _ in range(SENT):
        aws.client("lambda").invoke(FunctionName="f", InvocationType="Event")

    def ids() -> list[str]:
        group, logs = "/aws/lambda/f", aws.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return []
        events = logs.filter_log_events(logGroupName=group)["events"]
        lines = [one["message"].strip() for one in events]
        return [line for line in lines if line.startswith("ID ")]

    _wait_for_two(aws, ids)
    aws.wait_until(lambda: len(set(ids())) == SENT, "each of them", 30)


def test_cloudtrail_reports_late_twice_and_out_of_order(
    aws: LocalAws, inbox: Callable[[str], Inbox], function: Callable[..., str]
) -> None:
    """An event has the time of its call, and the same event id each time it comes."""
    seen, events, lambda_ = inbox("trail"), aws.client("events"), aws.client("lambda")
    pattern = {"detail": {"eventName": ["PutFunctionConcurrency20171031"]}}
    events.put_rule(Name="trail", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="trail", Targets=[{"Id": "1", "Arn": seen.arn}])
    function("f")

    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=2)

    first = seen.wait()
    assert _reserved(first) == 2
    called = datetime.fromisoformat(first["detail"]["eventTime"])
    assert (aws.clock.now() - called).total_seconds() >= 5.0
    assert first["time"] == first["detail"]["eventTime"]

    def of_the_first_call() -> list[dict[str, Any]]:
        return [body for body in seen.bodies() if _reserved(body) == 1]

    aws.wait_until(lambda: len({one["id"] for one in of_the_first_call()}) == 2, "twice", 30)
    assert len({one["detail"]["eventID"] for one in of_the_first_call()}) == 1


def _reserved(event: dict[str, Any]) -> int:
    return int(event["detail"]["requestParameters"]["reservedConcurrentExecutions"])
