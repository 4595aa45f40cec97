"""Consequences of the template: what happens to signals, failures, data and money."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Token

from stacks.components.guard_function import size_of_environment
from stacks.flag_values import ConfigError
from stacks.names import GUARD_FUNCTIONS, PRESENT

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Json, Synthesize, Synthesized

CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART = (
    f"Loopbreaker-{verb}" for verb in ("contain", "restore", "protect", "diagnose", "chart")
)
# By the beginning of a rule's name: whom it wakes. All others wake `contain`.
OWNERS = {"Loopbreaker-diagnosis": DIAGNOSE, "Loopbreaker-chart": CHART}
LASTING = (
    "-c email=a@example.com,b@example.com -c mode=observe -c response=notify "
    "-c exempt=billing,audit -c floor_per_minute=120 -c account_alarm_per_minute=5000 "
    "-c coverage=function -c sweep_minutes=0 -c blast_radius=7 "
    "-c accepted_loops=archiver,requeue "
    "-c remedies=logs,traces,permissions,memory -c memory_ceiling_mb=2048 "
    "-c events=off -c chat=on -c dashboard=on"
)
ACCOUNT = "AWS::AccountId"
RULE = "AWS::Events::Rule"
# Rules whose events come to the function through a queue.
QUEUED = {"Loopbreaker-denied-invocations"}
SIGNAL_ALARMS = {"invocations", "concurrency", "dropped"}
GUARD_ALARMS = {
    "contain-errors",
    "contain-throttles",
    "restore-errors",
    "restore-throttles",
    "undelivered",
    "failed",
    "pulse",
    "chart",
    "diagnosis",
    "sweep",
}


def logical_id(synthesized: Synthesized, resource_type: str, key: str, value: str) -> str:
    """Logical id of the resource with a property."""
    (found,) = (
        name
        for name, resource in synthesized.of_type(resource_type).items()
        if resource["Properties"].get(key) == value
    )
    return found


def arn_of(synthesized: Synthesized, function: str) -> Json:
    """The reference to the ARN of a guard function."""
    name = logical_id(synthesized, "AWS::Lambda::Function", "FunctionName", function)
    return {"Fn::GetAtt": [name, "Arn"]}


def contain_arn(synthesized: Synthesized) -> Json:
    """The reference to the ARN of `contain`."""
    return arn_of(synthesized, CONTAIN)


# -- alarms


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "invocations",
            {
                "Namespace": "AWS/Lambda",
                "MetricName": "Invocations",
                "Statistic": "Sum",
                "EvaluationPeriods": 2,
                "DatapointsToAlarm": 2,
            },
        ),
        (
            "concurrency",
            {
                "Namespace": "AWS/Lambda",
                "MetricName": "ConcurrentExecutions",
                "Statistic": "Maximum",
                "EvaluationPeriods": 2,
                "DatapointsToAlarm": 2,
            },
        ),
        (
            "dropped",
            {
                "Namespace": "AWS/Lambda",
                "MetricName": "RecursiveInvocationsDropped",
                "Statistic": "Sum",
                "Threshold": 1,
                "EvaluationPeriods": 1,
                "DatapointsToAlarm": 1,
            },
        ),
    ],
)
def test_account_alarms(default: Synthesized, name: str, expected: Json) -> None:
    """The account-wide alarms look at one minute of a series without dimension."""
    alarm = default.alarm(f"Loopbreaker-signal-{name}")

    assert expected.items() <= alarm.items()
    assert "Dimensions" not in alarm
    assert alarm["Period"] == 60
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"


def test_concurrency_threshold_comes_from_the_account(default: Synthesized) -> None:
    """The alarm on concurrency follows the limit that the account really has."""
    (account,) = default.of_type("Custom::LoopbreakerAccount")

    assert default.alarm("Loopbreaker-signal-concurrency")["Threshold"] == {
        "Fn::GetAtt": [account, "ConcurrencyAlarmThreshold"]
    }


def test_alarm_per_function(full: Synthesized) -> None:
    """With coverage=function one alarm watches all functions, also those to come."""
    alarm = full.alarm("Loopbreaker-signal-function")

    (metric,) = alarm["Metrics"]
    assert metric["Expression"] == (
        'SELECT SUM(Invocations) FROM SCHEMA("AWS/Lambda", FunctionName) '
        "GROUP BY FunctionName ORDER BY SUM() DESC"
    )
    assert metric["Period"] == 60
    assert metric.get("ReturnData", True) is True
    assert alarm["Threshold"] == 120
    assert alarm["TreatMissingData"] == "notBreaching"


def test_no_alarm_per_function_by_default(default: Synthesized) -> None:
    """The alarm that costs ten cents a function is there only when it is asked for."""
    assert [one for one in default.properties("AWS::CloudWatch::Alarm") if "Metrics" in one] == []


@pytest.mark.parametrize(
    ("flags", "given"), [({}, 0), ({"account_alarm_per_minute": "10000"}, 10000)]
)
def test_invocations_threshold_comes_from_the_account(
    synthesize: Synthesize, flags: dict[str, str], given: int
) -> None:
    """The alarm on invocations has the threshold that `protect` answers, the flag's or its own."""
    synthesized = synthesize(**flags)
    (account,) = synthesized.of_type("Custom::LoopbreakerAccount")

    assert synthesized.one("Custom::LoopbreakerAccount")["AccountAlarmPerMinute"] == given
    assert synthesized.alarm("Loopbreaker-signal-invocations")["Threshold"] == {
        "Fn::GetAtt": [account, "AccountAlarmThreshold"]
    }
    assert synthesized.template["Outputs"]["AccountAlarm"]["Value"] == {
        "Fn::GetAtt": [account, "AccountAlarm"]
    }


def test_signal_alarms_call_contain_directly(full: Synthesized) -> None:
    """Each signal alarm has a second way to `contain`, and the permission for it."""
    signals = {
        name: resource["Properties"]
        for name, resource in full.of_type("AWS::CloudWatch::Alarm").items()
        if resource["Properties"]["AlarmName"].startswith("Loopbreaker-signal-")
    }
    permitted = {
        permission["SourceArn"]["Fn::GetAtt"][0]
        for permission in full.properties("AWS::Lambda::Permission")
        if permission["Principal"] == "lambda.alarms.cloudwatch.amazonaws.com"
    }

    assert len(signals) == 4
    assert all(alarm["AlarmActions"] == [contain_arn(full)] for alarm in signals.values())
    assert permitted == set(signals)


@pytest.mark.parametrize("name", sorted(GUARD_ALARMS))
def test_guard_alarms_go_straight_to_people(default: Synthesized, name: str) -> None:
    """Alarms on the guard do not need the guard to be heard."""
    (topic,) = default.of_type("AWS::SNS::Topic")

    assert default.alarm(f"Loopbreaker-guard-{name}")["AlarmActions"] == [{"Ref": topic}]


def test_there_are_no_other_alarms(default: Synthesized) -> None:
    """Each alarm costs money, so the list is exact."""
    names = {one["AlarmName"] for one in default.properties("AWS::CloudWatch::Alarm")}

    assert names == {f"Loopbreaker-signal-{name}" for name in SIGNAL_ALARMS} | {
        f"Loopbreaker-guard-{name}" for name in GUARD_ALARMS
    }


@pytest.mark.parametrize("flags", [{}, {"sweep_minutes": "0"}, {"coverage": "function"}])
def test_cost_counts_every_standard_alarm(synthesize: Synthesize, flags: dict[str, str]) -> None:
    """The number of alarms in the cost is the number in the template."""
    synthesized = synthesize(**flags)
    standard = [
        alarm
        for alarm in synthesized.properties("AWS::CloudWatch::Alarm")
        if "Metrics" not in alarm
    ]

    assert synthesized.one("Custom::LoopbreakerAccount")["StandardAlarms"] == len(standard)


def test_pulse_alarm(default: Synthesized) -> None:
    """A pulse that does not run for five minutes is told, however it came to a stop."""
    alarm = default.alarm("Loopbreaker-guard-pulse")

    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Invocations")
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 60, 5)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "missing"
    assert alarm["InsufficientDataActions"] == alarm["AlarmActions"]


@pytest.mark.parametrize("minutes", [5, 60, 1440])
def test_sweep_alarm(synthesize: Synthesize, minutes: int) -> None:
    """A sweep that was left out twice is told; the window is one that CloudWatch accepts."""
    alarm = synthesize(sweep_minutes=str(minutes)).alarm("Loopbreaker-guard-sweep")

    seconds = alarm["Period"] * alarm["EvaluationPeriods"]
    assert seconds == 2 * minutes * 60
    # CloudWatch: a day at most, or a week for periods of an hour or more (PutMetricAlarm).
    assert seconds <= (604_800 if alarm["Period"] >= 3600 else 86_400)
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == (
        "LessThanThreshold",
        "missing",
    )
    assert alarm["InsufficientDataActions"] == alarm["AlarmActions"]


@pytest.mark.parametrize("verb", ["contain", "restore"])
@pytest.mark.parametrize(
    ("metric", "evaluated"), [("Errors", (300, 1, 1)), ("Throttles", (60, 5, 3))]
)
def test_failures_of_the_guard(
    default: Synthesized, verb: str, metric: str, evaluated: tuple[int, int, int]
) -> None:
    """One error of the guard is reported, and throttling that goes on.

    A burst of more events than it has executions throttles it for a moment, and is no failure.
    """
    alarm = default.alarm(f"Loopbreaker-guard-{verb}-{metric.lower()}")

    function = logical_id(default, "AWS::Lambda::Function", "FunctionName", f"Loopbreaker-{verb}")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": function}}]
    assert (alarm["MetricName"], alarm["Statistic"]) == (metric, "Sum")
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "notBreaching")
    assert evaluated == (
        alarm["Period"],
        alarm["EvaluationPeriods"],
        alarm["DatapointsToAlarm"],
    )


def test_the_throttle_alarm_names_both_causes(default: Synthesized) -> None:
    """Whoever reads it must not look for a runaway that is not there."""
    description = default.alarm("Loopbreaker-guard-contain-throttles")["AlarmDescription"]

    assert "more events come than its reserved executions take" in description
    assert "the account's concurrency is used up" in description


# -- rules


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


# -- functions


@pytest.mark.parametrize(
    ("verb", "timeout", "memory", "longest_wait"),
    [
        ("contain", 120, 512, 600),
        ("restore", 900, 512, 900),
        ("protect", 300, 256, 600),
        ("diagnose", 900, 1024, 3600),
        ("chart", 900, 1024, 3600),
    ],
)
def test_functions(
    default: Synthesized, verb: str, timeout: int, memory: int, longest_wait: int
) -> None:
    """Each function has its limits, and what fails three times is kept."""
    name = f"Loopbreaker-{verb}"
    function = default.function(name)
    logical = logical_id(default, "AWS::Lambda::Function", "FunctionName", name)
    (invoke,) = (
        one
        for one in default.properties("AWS::Lambda::EventInvokeConfig")
        if one["FunctionName"] == {"Ref": logical}
    )
    (queue,) = (
        one for one in default.of_type("AWS::SQS::Queue") if one.startswith("DeadLettersFailed")
    )

    assert (function["Handler"], function["Timeout"], function["MemorySize"]) == (
        f"functions.{verb}.handler.handler",
        timeout,
        memory,
    )
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert (invoke["MaximumRetryAttempts"], invoke["MaximumEventAgeInSeconds"]) == (2, longest_wait)
    assert invoke["DestinationConfig"] == {
        "OnFailure": {"Destination": {"Fn::GetAtt": [queue, "Arn"]}}
    }
    assert {"Key": "loopbreaker:exempt", "Value": "true"} in function["Tags"]


def test_no_reservation_in_the_template(default: Synthesized) -> None:
    """A reservation as a property would fail the deployment on small accounts."""
    for function in default.properties("AWS::Lambda::Function"):
        assert "ReservedConcurrentExecutions" not in function


def test_logs_are_kept_for_three_months(default: Synthesized) -> None:
    """Each function writes to its own group, which ends with the stack."""
    groups = default.of_type("AWS::Logs::LogGroup").values()

    assert {one["Properties"]["LogGroupName"] for one in groups} == {
        f"/aws/lambda/{name}" for name in (CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART)
    }
    assert {one["Properties"]["RetentionInDays"] for one in groups} == {90}
    assert {one["DeletionPolicy"] for one in groups} == {"Delete"}


def test_settings_of_contain(full: Synthesized) -> None:
    """The flags reach `contain`, and the account's limit comes from the deployment."""
    variables = full.function(CONTAIN)["Environment"]["Variables"]
    (account,) = full.of_type("Custom::LoopbreakerAccount")
    (table,) = full.of_type("AWS::DynamoDB::Table")
    names = {
        one["Properties"]["DisplayName"]: name
        for name, one in full.of_type("AWS::SNS::Topic").items()
    }
    topic, chat = names["Loopbreaker"], names["Loopbreaker chat"]
    way_back = {
        name: variables.pop(f"LOOPBREAKER_{name}")
        for name in ("HOLD_SCHEDULES", "HOLD_ROLE_ARN", "RESTORE_ARN", "UNDELIVERED_ARN")
    }
    for_restore = full.function(RESTORE)["Environment"]["Variables"]

    assert way_back == {name: for_restore[f"LOOPBREAKER_{name}"] for name in way_back}
    assert way_back["HOLD_SCHEDULES"] == full.one("AWS::Scheduler::ScheduleGroup")["Name"]
    assert str(way_back["RESTORE_ARN"]).endswith(f":function:{RESTORE}']]}}")
    assert variables == {
        "POWERTOOLS_SERVICE_NAME": CONTAIN,
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "LOOPBREAKER_LEDGER_TABLE": {"Ref": table},
        "LOOPBREAKER_NOTICE_TOPIC_ARN": {"Ref": topic},
        "LOOPBREAKER_CHAT_TOPIC_ARN": {"Ref": chat},
        "LOOPBREAKER_STACK_NAME": "Loopbreaker",
        "LOOPBREAKER_MODE": "observe",
        "LOOPBREAKER_RESPONSE": "notify",
        "LOOPBREAKER_DANGER_USD_PER_MINUTE": "1",
        "LOOPBREAKER_FLOOR_PER_MINUTE": "120",
        "LOOPBREAKER_BLAST_RADIUS": "7",
        "LOOPBREAKER_BLAST_RADIUS_WINDOW_MINUTES": "60",
        "LOOPBREAKER_EXEMPT": "billing,audit",
        "LOOPBREAKER_OWN_FUNCTIONS": ",".join((*GUARD_FUNCTIONS, PRESENT)),
        "LOOPBREAKER_ACCOUNT_CONCURRENCY": {"Fn::GetAtt": [account, "ConcurrencyLimit"]},
        "LOOPBREAKER_SWEEP_MINUTES": "0",
        "LOOPBREAKER_DEPLOY_FLAGS": LASTING,
    }


# -- data


def test_ledger_survives(default: Synthesized) -> None:
    """The table outlives the stack, cannot be deleted in passing and can be put back."""
    (table,) = default.of_type("AWS::DynamoDB::Table").values()
    properties = table["Properties"]

    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]


def test_queues_are_encrypted_and_dead_letters_kept(default: Synthesized) -> None:
    """Dead letters are kept for two weeks, and all queues encrypt and refuse plain HTTP."""
    queues = default.properties("AWS::SQS::Queue")
    refusals = [
        statement
        for policy in default.properties("AWS::SQS::QueuePolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]

    assert len(queues) == len(refusals) == 3
    assert all(one["SqsManagedSseEnabled"] is True for one in queues)
    assert sorted(one["MessageRetentionPeriod"] // 86_400 for one in queues) == [1, 14, 14]
    assert all(one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for one in refusals)


def test_topic_takes_tls_and_the_alarms_on_the_guard(default: Synthesized) -> None:
    """Only alarms on the guard of this account may publish by the topic's policy."""
    statements = default.one("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (denial,) = (one for one in statements if one["Effect"] == "Deny")
    (allowance,) = (one for one in statements if one["Effect"] == "Allow")

    assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allowance["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowance["Condition"]["StringEquals"] == {
        "aws:SourceAccount": {"Ref": "AWS::AccountId"}
    }
    source: Any = allowance["Condition"]["ArnLike"]["aws:SourceArn"]
    assert source["Fn::Join"][1][-1] == ":alarm:Loopbreaker-guard-*"


def test_subscriptions(full: Synthesized, default: Synthesized) -> None:
    """Each address is subscribed; without the flag nobody is."""
    subscribed = {
        (one["Protocol"], one["Endpoint"]) for one in full.properties("AWS::SNS::Subscription")
    }

    assert subscribed == {("email", "a@example.com"), ("email", "b@example.com")}
    assert default.properties("AWS::SNS::Subscription") == []


# -- custom resources


def test_rollback_properties(full: Synthesized) -> None:
    """The flag reaches `restore` as a list, with the nonce that makes it run again."""
    restore = logical_id(full, "AWS::Lambda::Function", "FunctionName", RESTORE)

    assert full.one("Custom::LoopbreakerRollback") == {
        "ServiceToken": {"Fn::GetAtt": [restore, "Arn"]},
        "ServiceTimeout": "900",
        "Rollback": ["orders", "enrich"],
        "Mode": "now",
        "Nonce": "0123456789abcdef",
        "StackName": "Loopbreaker",
    }


def test_no_rollback_without_the_flag(default: Synthesized) -> None:
    """Without the flag the properties are empty and always the same."""
    properties = default.one("Custom::LoopbreakerRollback")

    assert (properties["Rollback"], properties["Nonce"]) == ([], "")


def test_rollback_comes_last_and_goes_first(full: Synthesized) -> None:
    """All that `restore` needs is there before it is asked and still there when it is deleted."""
    (rollback,) = full.of_type("Custom::LoopbreakerRollback").values()
    needed = {
        name
        for resource_type in (
            "AWS::SNS::Topic",
            "AWS::SNS::TopicPolicy",
            "AWS::SNS::Subscription",
            "AWS::DynamoDB::Table",
            "Custom::LoopbreakerReservation",
        )
        for name in full.of_type(resource_type)
    } | {
        name
        for name, resource in full.template["Resources"].items()
        if name.startswith(("Contain", "Restore"))
        and resource["Type"]
        in {
            "AWS::Lambda::Function",
            "AWS::IAM::Role",
            "AWS::Logs::LogGroup",
            "AWS::Lambda::EventInvokeConfig",
        }
    }

    assert needed <= set(rollback["DependsOn"])


def test_no_hold_can_begin_while_the_stack_is_deleted(default: Synthesized) -> None:
    """The schedules' group goes before the holds are ended, and without it nothing is held."""
    (rollback,) = default.of_type("Custom::LoopbreakerRollback")
    (group,) = default.of_type("AWS::Scheduler::ScheduleGroup").values()

    assert group["DependsOn"] == [rollback]


def test_reservation_is_asked_for_both_functions(default: Synthesized) -> None:
    """Concurrency is asked for the functions that must run during a runaway."""
    assert default.one("Custom::LoopbreakerReservation")["Functions"] == {CONTAIN: 5, RESTORE: 2}


def test_changed_flags_ask_the_account_anew(default: Synthesized, full: Synthesized) -> None:
    """A deployment with another flag makes CloudFormation call both resources again."""
    for resource_type in ("Custom::LoopbreakerAccount", "Custom::LoopbreakerReservation"):
        assert default.one(resource_type)["Flags"] != full.one(resource_type)["Flags"]


def test_outputs(default: Synthesized) -> None:
    """The outputs say where things are, what they cost and how to restore."""
    outputs = default.template["Outputs"]
    (account,) = default.of_type("Custom::LoopbreakerAccount")
    (reservation,) = default.of_type("Custom::LoopbreakerReservation")
    (rollback,) = default.of_type("Custom::LoopbreakerRollback")

    assert set(outputs) == {
        "NoticeTopic",
        "LedgerTable",
        "RollbackCommand",
        "Restored",
        "Diagnosis",
        "Protection",
        "AccountAlarm",
        "ExemptFunctions",
        "MonthlyCost",
        "Watch",
    }
    assert outputs["Restored"]["Value"] == {"Fn::GetAtt": [rollback, "Restored"]}
    assert outputs["MonthlyCost"]["Value"] == {"Fn::GetAtt": [account, "MonthlyCost"]}
    assert outputs["Protection"]["Value"] == {"Fn::GetAtt": [reservation, "Protection"]}
    assert outputs["RollbackCommand"]["Value"] == (
        "npx cdk deploy -c email=none -c rollback=FUNCTION"
    )


def test_restore_commands_repeat_the_flags(full: Synthesized, default: Synthesized) -> None:
    """A restore command without the flags of the deployment would take the mail away."""
    assert full.template["Outputs"]["RollbackCommand"]["Value"] == (
        f"npx cdk deploy {LASTING} -c rollback=FUNCTION"
    )
    for function in (CONTAIN, RESTORE, DIAGNOSE, CHART):
        variables = full.function(function)["Environment"]["Variables"]
        assert variables["LOOPBREAKER_DEPLOY_FLAGS"] == LASTING
        variables = default.function(function)["Environment"]["Variables"]
        assert variables["LOOPBREAKER_DEPLOY_FLAGS"] == "-c email=none"


def test_lists_that_do_not_fit_into_an_environment(synthesize: Synthesize) -> None:
    """Names that Lambda would refuse during the deployment are refused before, with a way out."""
    names = ",".join(f"{'a' * 32}-{number:02}" for number in range(60))

    with pytest.raises(ConfigError) as caught:
        synthesize(exempt=names)

    assert re.fullmatch(
        r"Loopbreaker: flag exempt=a[a0-9,-]+\.\.\.: with 60 entries the environment of "
        r"Loopbreaker-contain has 6,\d{3} bytes, Lambda takes 4,096; use the tag "
        r"loopbreaker:exempt=true on the functions instead",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, len("{}")),
        ({"A": "é"}, len('{"A":"é"}') + 1),
        ({"A": "b", "C": Token.as_string({"Ref": "T"})}, len('{"A":"b","C":""}') + 150),
    ],
)
def test_size_of_an_environment(environment: dict[str, str], expected: int) -> None:
    """The size is that of the JSON text in UTF-8, with room for what CloudFormation fills in."""
    assert size_of_environment(environment) == expected


def test_arns_of_exempt_functions(synthesize: Synthesize) -> None:
    """Functions may be exempted by their ARNs; the guard knows them by name."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function"
    stack = synthesize(exempt=f"{arn}:billing,audit", accepted_loops=f"{arn}:requeue")

    assert variable(stack, CONTAIN, "EXEMPT") == "billing,audit"
    assert variable(stack, DIAGNOSE, "EXEMPT") == "billing,audit"
    assert stack.one("Custom::LoopbreakerAccount")["Arns"] == [f"{arn}:billing", f"{arn}:requeue"]
    assert variable(stack, CHART, "ACCEPTED_LOOPS") == "requeue"


def variable(synthesized: Synthesized, function: str, name: str) -> str:
    """A setting of a guard function."""
    variables: dict[str, str] = synthesized.function(function)["Environment"]["Variables"]
    return variables[f"LOOPBREAKER_{name}"]


def test_environment_agnostic(default: Synthesized) -> None:
    """The template names no account and no Region, so it deploys anywhere."""
    assert Token.is_unresolved(default.stack.account)
    assert Token.is_unresolved(default.stack.region)
