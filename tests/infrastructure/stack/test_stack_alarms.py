"""The alarms of the stack: what they watch, whom they call, what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infrastructure.stack.resources import (
    SIGNAL_ALARMS,
    contain_arn,
    logical_id,
)

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Json, Synthesize, Synthesized


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
