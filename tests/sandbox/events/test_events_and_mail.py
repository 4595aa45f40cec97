"""Schedules, targets, faults, mail, control."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.local_aws import LocalAws
    from tests.sandbox.support import Inbox

PATCHED = {
    "ministack.services.lambda_svc._execute_function_dispatch",
    "ministack.services.lambda_svc._acquire_execution_slot",
    "ministack.services.lambda_svc._reserved_concurrency",
    "ministack.services.lambda_svc.invoke_async_with_retry",
    "ministack.services.cloudwatch._evaluate_alarm",
    "ministack.services.cloudwatch._dispatch_alarm_actions",
    "ministack.services.cloudwatch.handle_request",
    "ministack.services.eventbridge._now_ts",
    "ministack.services.eventbridge._dispatch_to_lambda",
    "ministack.services.sns._fanout",
    "ministack.services.cloudformation.provisioners._cw_metric_alarm_record",
    "ministack.services.cloudformation.custom_resource.invoke_custom_resource",
    "ministack.app._dispatch_service_request",
}


def test_all_patches_are_applied(aws: LocalAws) -> None:
    """The functions that the sandbox relies on are replaced in the running emulator."""
    assert set(aws.control("GET", "patches")) >= PATCHED


@pytest.mark.parametrize("expression", ["rate(1 minute)", "cron(* * * * ? *)"])
def test_schedules_run_in_virtual_minutes(
    aws: LocalAws, inbox: Callable[[str], Inbox], expression: str
) -> None:
    """A rule that runs each minute sends events whose times are a minute apart."""
    seen, events = inbox("ticks"), aws.client("events")
    events.put_rule(Name="tick", ScheduleExpression=expression)
    events.put_targets(Rule="tick", Targets=[{"Id": "queue", "Arn": seen.arn}])

    aws.wait_until(lambda: len(seen.bodies()) >= 3, "three ticks", 10)

    times = [datetime.fromisoformat(event["time"]).timestamp() for event in seen.bodies()]
    assert {later - earlier for earlier, later in pairwise(times)} == {60.0}
    assert abs(times[-1] - aws.clock.timestamp()) < 180


def test_a_target_that_cannot_be_invoked_goes_to_the_rules_dead_letter_queue(
    aws: LocalAws, function: Callable[..., str], inbox: Callable[[str], Inbox]
) -> None:
    """EventBridge needs the function's permission; without it the event is a dead letter."""
    arn, dead = function("closed"), inbox("dead")
    events = aws.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["mine"]}))
    target = {"Id": "1", "Arn": arn, "DeadLetterConfig": {"Arn": dead.arn}}
    events.put_targets(Rule="r", Targets=[target])

    events.put_events(Entries=[{"Source": "mine", "DetailType": "d", "Detail": '{"n": 1}'}])

    assert dead.wait()["detail"] == {"n": 1}
    assert dead.received[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert aws.counts() == {}


def test_events_of_aws_services_can_be_published(
    aws: LocalAws, inbox: Callable[[str], Inbox]
) -> None:
    """What only AWS may send can be sent through the sandbox's own endpoint."""
    seen, events = inbox("health"), aws.client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.health"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": seen.arn}])

    aws.publish("aws.health", "AWS Health Event", {"service": "LAMBDA"}, ["arn:x"])

    event = seen.wait()
    assert (event["detail-type"], event["resources"]) == ("AWS Health Event", ["arn:x"])


def test_mail_looks_like_snss(aws: LocalAws) -> None:
    """A notification arrives as plain text with subject, sender and the unsubscribe footer."""
    sns = aws.client("sns")
    topic = sns.create_topic(Name="t", Attributes={"DisplayName": "Guard"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="me@example.com")

    sns.publish(TopicArn=topic, Subject="Stopped ─ enrich-order", Message="orders ─▶ enrich\nend")
    mail = aws.wait_for_mail()

    assert mail.sender == "Guard <no-reply@sns.amazonaws.com>"
    assert mail.recipient == "me@example.com"
    assert mail.subject == "Stopped ─ enrich-order"
    assert mail.body.startswith("orders ─▶ enrich\nend\n\n--\nIf you wish to stop receiving")


def test_calls_fail_on_request_and_then_no_more(aws: LocalAws) -> None:
    """The next calls of an action are answered with the wanted error."""
    lambda_ = aws.client("lambda")
    aws.fail("lambda:ListFunctions", "TooManyRequestsException", times=2, status=429)

    for _ in range(2):
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            lambda_.list_functions()

    assert lambda_.list_functions()["Functions"] == []


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("sns", "list_topics", "sns:ListTopics"),
        ("s3", "list_buckets", "s3:ListAllMyBuckets"),
        ("dynamodb", "list_tables", "dynamodb:*"),
        ("cloudwatch", "describe_alarms", "cloudwatch:DescribeAlarms"),
        ("cloudformation", "list_stacks", "cloudformation:ListStacks"),
    ],
)
def test_every_protocol_can_fail(aws: LocalAws, service: str, operation: str, action: str) -> None:
    """The error's code arrives whatever the service's protocol."""
    aws.fail(action, "ServiceUnavailable", status=503)

    with pytest.raises(ClientError) as failed:
        getattr(aws.client(service), operation)()

    assert failed.value.response["Error"]["Code"] == "ServiceUnavailable"


def test_a_fault_can_hit_one_role_only(aws: LocalAws, function: Callable[..., str]) -> None:
    """A call from a function under another role goes through."""
    function(
        "caller",
        "import boto3\n"
        "client = boto3.client('lambda')\n"
        "def handler(event, context):\n"
        "    try: return len(client.list_functions()['Functions'])\n"
        "    except Exception as error: return str(error)\n",
    )
    aws.fail("lambda:ListFunctions", "AccessDeniedException", status=403, role="any")

    assert len(aws.client("lambda").list_functions()["Functions"]) == 1
    answer = aws.client("lambda").invoke(FunctionName="caller", Payload=b"{}")
    assert "AccessDeniedException" in json.load(answer["Payload"])


def test_a_lost_answer_leaves_the_change(aws: LocalAws, function: Callable[..., str]) -> None:
    """A fault may let the call take effect, as when only the answer is lost."""
    function("f")
    lambda_ = aws.client("lambda")
    aws.fail("lambda:PutFunctionConcurrency", "ServiceException", status=500, is_applied=True)

    with pytest.raises(ClientError):
        lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)

    assert lambda_.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 0


def test_what_control_cannot_answer_is_an_error(aws: LocalAws) -> None:
    """A broken request to the sandbox's own endpoints says what is wrong."""
    with pytest.raises(ValueError, match="KeyError"):
        aws.control("POST", "seed", {"nothing": 1})
    with pytest.raises(ValueError, match="does not exist"):
        aws.control("GET", "nothing")
