"""The rules of the stack: what they match, whom they call, what becomes of what fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.infrastructure.stack.resources import (
    ACCOUNT,
    CONTAIN,
    DIAGNOSE,
    OWNERS,
    RULE,
    SIGNAL_ALARMS,
    arn_of,
    logical_id,
)

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Json, Synthesize, Synthesized

# Rules whose events come to the function through a queue.
QUEUED = {"Loopbreaker-denied-invocations"}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        (
            "alarm",
            {
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "detail": {
                    "alarmName": [{"prefix": "Loopbreaker-signal-"}],
                    "state": {"value": ["ALARM"]},
                },
            },
        ),
        (
            "contributor",
            {
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm Contributor State Change"],
                "detail": {
                    "alarmName": [{"prefix": "Loopbreaker-signal-"}],
                    "state": {"value": ["ALARM"]},
                },
            },
        ),
        (
            "change",
            {
                "source": ["aws.lambda"],
                "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {
                    "eventSource": ["lambda.amazonaws.com"],
                    "eventName": [
                        {"prefix": "PutFunctionConcurrency"},
                        {"prefix": "DeleteFunctionConcurrency"},
                        {"prefix": "UpdateEventSourceMapping"},
                        {"prefix": "DeleteEventSourceMapping"},
                        {"prefix": "PutProvisionedConcurrencyConfig"},
                        {"prefix": "DeleteProvisionedConcurrencyConfig"},
                        "DeleteFunction20150331",
                    ],
                },
            },
        ),
        (
            "health",
            {
                "source": ["aws.health"],
                "detail-type": ["AWS Health Event"],
                "detail": {
                    "service": ["LAMBDA"],
                    "eventTypeCode": ["AWS_LAMBDA_RUNAWAY_TERMINATION_NOTIFICATION"],
                },
            },
        ),
    ],
)
def test_event_rules(default: Synthesized, name: str, pattern: Json) -> None:
    """Each rule matches AWS's events of the own account, and nothing else."""
    rule = default.rule(f"Loopbreaker-{name}")
    found = dict(rule["EventPattern"])
    detail = {key: one for key, one in found["detail"].items() if key != "userIdentity"}

    assert found | {"detail": detail} == {**pattern, "account": [{"Ref": "AWS::AccountId"}]}
    # Who called is asked of changes only: test_patterns shows whom that leaves out.
    assert ("userIdentity" in found["detail"]) is (name == "change")
    assert rule["State"] == "ENABLED"
    assert "EventBusName" not in rule


def test_signal_alarms_match_the_rule(full: Synthesized) -> None:
    """The prefix that the rules look for is that of every signal alarm and of no other."""
    rung = {
        one["AlarmName"]
        for one in full.properties("AWS::CloudWatch::Alarm")
        if one["AlarmName"].startswith("Loopbreaker-signal-")
    }

    assert rung == {f"Loopbreaker-signal-{name}" for name in (*SIGNAL_ALARMS, "function")}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, "rate(1 hour)"),
        ({"sweep_minutes": "5"}, "rate(5 minutes)"),
        ({"sweep_minutes": "1440"}, "rate(1 day)"),
        ({"sweep_minutes": "90"}, "rate(90 minutes)"),
    ],
)
def test_schedules(synthesize: Synthesize, flags: dict[str, str], expected: str) -> None:
    """The pulse runs each minute and the sweep as often as the flag says."""
    synthesized = synthesize(**flags)

    assert synthesized.rule("Loopbreaker-pulse")["ScheduleExpression"] == "rate(1 minute)"
    assert synthesized.rule("Loopbreaker-sweep")["ScheduleExpression"] == expected


def test_no_sweep(full: Synthesized) -> None:
    """sweep_minutes=0 leaves out the rule and the alarm on it."""
    names = {one["Name"] for one in full.properties("AWS::Events::Rule")}
    alarms = {one["AlarmName"] for one in full.properties("AWS::CloudWatch::Alarm")}

    assert "Loopbreaker-sweep" not in names
    assert "Loopbreaker-guard-sweep" not in alarms


def test_every_rule_has_a_dead_letter_queue_and_a_bounded_retry(default: Synthesized) -> None:
    """No signal is lost in silence and none arrives when it means nothing any more."""
    (queue,) = (
        name for name in default.of_type("AWS::SQS::Queue") if name.startswith("DeadLettersUndel")
    )
    rules = default.properties("AWS::Events::Rule")

    assert len(rules) == 16
    for rule in rules:
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 6 * 3600
        assert target["RetryPolicy"]["MaximumRetryAttempts"] <= 20
        if rule["Name"] in QUEUED:
            continue
        owner = next(
            (one for start, one in OWNERS.items() if rule["Name"].startswith(start)), CONTAIN
        )
        assert target["Arn"] == arn_of(default, owner)
    pulse = default.rule("Loopbreaker-pulse")["Targets"][0]["RetryPolicy"]
    assert pulse["MaximumEventAgeInSeconds"] <= 600


def test_every_rule_may_call_its_function_before_it_is_there(default: Synthesized) -> None:
    """What CloudTrail tells of the deployment itself finds no rule that may not call yet."""
    permissions = default.of_type("AWS::Lambda::Permission")
    rules = default.of_type("AWS::Events::Rule")

    for rule in rules.values():
        if rule["Properties"]["Name"] in QUEUED:
            continue
        (permission,) = (permissions[one] for one in rule["DependsOn"] if one in permissions)
        told = permission["Properties"]
        name = rule["Properties"]["Name"]
        assert told["Principal"] == "events.amazonaws.com"
        assert told["FunctionName"] == rule["Properties"]["Targets"][0]["Arn"]
        assert told["SourceArn"]["Fn::Join"][1][-1] == f":rule/{name}"
        assert "AWS::AccountId" in str(told["SourceArn"])


def test_denied_invocations_are_queued(default: Synthesized) -> None:
    """However many they are, two runs at a time take a thousand of them each."""
    ((name, queue),) = (
        one for one in default.of_type("AWS::SQS::Queue").items() if one[0].startswith("Denials")
    )
    (policy,) = (
        one
        for one, resource in default.of_type("AWS::SQS::QueuePolicy").items()
        if resource["Properties"]["Queues"] == [{"Ref": name}]
    )
    (rule,) = (
        one
        for one in default.of_type("AWS::Events::Rule").values()
        if one["Properties"]["Name"] == "Loopbreaker-denied-invocations"
    )
    mapping = default.one("AWS::Lambda::EventSourceMapping")
    arn = {"Fn::GetAtt": [name, "Arn"]}

    assert [target["Arn"] for target in rule["Properties"]["Targets"]] == [arn]
    assert policy in rule["DependsOn"]
    assert mapping["EventSourceArn"] == arn
    assert mapping["FunctionName"] == {
        "Ref": logical_id(default, "AWS::Lambda::Function", "FunctionName", DIAGNOSE)
    }
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (1000, 30)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # Lambda refuses a mapping whose queue shows messages again before the function may be done.
    assert queue["Properties"]["VisibilityTimeout"] > default.function(DIAGNOSE)["Timeout"]
    assert queue["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 3
    assert "DeadLettersFailed" in str(queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"])


@pytest.mark.parametrize("queue", ["DeadLettersUndelivered", "Denials"])
def test_every_rule_may_write_to_its_queues(full: Synthesized, queue: str) -> None:
    """One statement admits all rules of the stack, by the beginning of their names, and no more."""
    (statement,) = (
        statement
        for policy in full.properties("AWS::SQS::QueuePolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and queue in str(policy["Queues"])
    )

    source = statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": ACCOUNT}}
    assert source[-1] == ":rule/Loopbreaker-*"
    assert all(one["Name"].startswith("Loopbreaker-") for one in full.properties(RULE))
    targets = [target for one in full.properties(RULE) for target in one["Targets"]]
    admitted = statement["Resource"]
    if queue == "Denials":
        assert admitted in [target["Arn"] for target in targets]
    else:
        assert {str(one["DeadLetterConfig"]) for one in targets} == {str({"Arn": admitted})}


# SQS developer guide, quotas-policies; SNS: endpoints and quotas (30,720 bytes); Lambda developer
# guide, gettingstarted-limits.
POLICY_LIMITS = {
    "AWS::SQS::QueuePolicy": (20, 8_192),
    "AWS::SNS::TopicPolicy": (20, 30_720),
}
MOST_BYTES_OF_A_FUNCTION_POLICY = 20_480


@pytest.mark.parametrize("resource_type", sorted(POLICY_LIMITS))
def test_policies_of_queues_and_topics_fit(full: Synthesized, resource_type: str) -> None:
    """AWS refuses a policy with too many statements or bytes only when it is deployed."""
    most_statements, most_bytes = POLICY_LIMITS[resource_type]

    for policy in full.properties(resource_type):
        statements = policy["PolicyDocument"]["Statement"]
        # Twice, to leave room: a rule or a queue more must not be what breaks a deployment.
        assert 0 < 2 * len(statements) <= most_statements
        assert 2 * bytes_of(policy["PolicyDocument"]) <= most_bytes


def test_policies_of_functions_fit(full: Synthesized) -> None:
    """What may invoke a guard function is added statement by statement, up to 20 KB."""
    sizes: dict[str, int] = {}
    for permission in full.properties("AWS::Lambda::Permission"):
        function = str(permission["FunctionName"])
        # Lambda writes a statement of its own around it, with an id and the function's ARN.
        sizes[function] = sizes.get(function, 0) + bytes_of(permission) + 300

    assert len(sizes) == 3
    assert all(2 * size <= MOST_BYTES_OF_A_FUNCTION_POLICY for size in sizes.values())


def bytes_of(document: Json) -> int:
    """Bytes of a document of the template, with each reference as long as a long ARN."""

    def resolved(node: object) -> object:
        match node:
            case {"Fn::Join": [_, [*parts]]}:
                return "".join(str(resolved(part)) for part in parts)
            case {"Ref": str(name)} if name.startswith("AWS::"):
                return "x" * 20
            case {"Ref": _} | {"Fn::GetAtt": _}:
                return "x" * 150
            case dict():
                return {key: resolved(value) for key, value in node.items()}
            case list():
                return [resolved(one) for one in node]
            case _:
                return node

    return len(json.dumps(resolved(document)))
