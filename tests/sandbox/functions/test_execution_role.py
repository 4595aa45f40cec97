"""What Lambda does under a function's role: logs, traces, REPORT lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.scenarios.provision import BASIC_EXECUTION, arn, create_function
from tests.sandbox.support import metric

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws


@pytest.fixture
def aws(strict_aws: LocalAws) -> LocalAws:
    """That AWS, empty."""
    strict_aws.reset()
    return strict_aws


def _messages(aws: LocalAws, group: str) -> list[str]:
    logs = aws.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    return [one["message"] for one in logs.filter_log_events(logGroupName=group)["events"]]


def _invoke(aws: LocalAws, name: str) -> None:
    aws.client("lambda").invoke(FunctionName=name, Payload=b"{}")


def _incoming(aws: LocalAws, group: str) -> float:
    now = aws.clock.timestamp()
    answer = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": "incoming",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Logs",
                        "MetricName": "IncomingLogEvents",
                        "Dimensions": [{"Name": "LogGroupName", "Value": group}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
        ],
        StartTime=now - 3600,
        EndTime=now + 60,
    )
    return float(sum(answer["MetricDataResults"][0]["Values"]))


def test_logs_need_the_rights_of_the_role(aws: LocalAws) -> None:
    """Without the rights nothing is logged; with AWS's policy the log and its metric appear."""
    create_function(aws, "mute", code="steady_report", writes_logs=False)
    create_function(aws, "talks", code="steady_report")

    _invoke(aws, "mute")
    _invoke(aws, "talks")

    assert _messages(aws, "/aws/lambda/mute") == []
    assert [one.split()[0] for one in _messages(aws, "/aws/lambda/talks")] == [
        "START",
        "END",
        "REPORT",
    ]
    assert _incoming(aws, "/aws/lambda/mute") == 0
    assert _incoming(aws, "/aws/lambda/talks") == 3


def test_an_added_right_counts_after_an_update_of_the_function(aws: LocalAws) -> None:
    """Running environments keep outdated credentials; the trivial update replaces them."""
    create_function(aws, "mute", code="steady_report", writes_logs=False)
    _invoke(aws, "mute")

    aws.client("iam").attach_role_policy(RoleName="mute-role", PolicyArn=BASIC_EXECUTION)
    _invoke(aws, "mute")
    assert _messages(aws, "/aws/lambda/mute") == []
    aws.client("lambda").update_function_configuration(FunctionName="mute", Description="")
    _invoke(aws, "mute")

    assert len(_messages(aws, "/aws/lambda/mute")) == 3


def test_a_missing_group_needs_the_right_to_create_it(aws: LocalAws) -> None:
    """Streams and events are not enough where the log group does not exist."""
    group = "/custom/group"
    create_function(
        aws, "f", code="steady_report", writes_logs=False, LoggingConfig={"LogGroup": group}
    )
    statement = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": arn("logs", f"log-group:{group}:*"),
    }
    aws.client("iam").put_role_policy(
        RoleName="f-role",
        PolicyName="logs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}),
    )

    _invoke(aws, "f")
    assert _messages(aws, group) == []
    aws.client("logs").create_log_group(logGroupName=group)
    _invoke(aws, "f")

    assert len(_messages(aws, group)) == 3


@pytest.mark.parametrize(
    ("mode", "action", "expected"),
    [
        ("Active", "xray:*", {"f": 1}),
        ("Active", "xray:PutTraceSegments", {}),
        ("PassThrough", "xray:*", {}),
    ],
)
def test_traces_need_active_tracing_and_the_rights(
    aws: LocalAws, mode: str, action: str, expected: dict[str, int]
) -> None:
    """A trace reaches X-Ray when the function asks for it and its role may send it."""
    create_function(aws, "f", code="steady_report", TracingConfig={"Mode": mode})
    document: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"},
    }
    aws.client("iam").put_role_policy(
        RoleName="f-role", PolicyName="xray", PolicyDocument=json.dumps(document)
    )

    _invoke(aws, "f")

    assert aws.traces() == expected


def test_the_report_line_tells_memory_as_the_scenario_wants(aws: LocalAws) -> None:
    """A small function reports 60 MB; a scenario may let it report more."""
    create_function(aws, "f", code="steady_report", MemorySize=256)
    _invoke(aws, "f")
    aws.memory_used("f", 250)
    _invoke(aws, "f")

    reports = [one for one in _messages(aws, "/aws/lambda/f") if one.startswith("REPORT")]

    assert ["Max Memory Used: 60 MB" in reports[0], "Max Memory Used: 250 MB" in reports[1]] == [
        True,
        True,
    ]
    assert all("Memory Size: 256 MB" in one for one in reports)


def test_duration_has_percentiles(aws: LocalAws) -> None:
    """The p95 of the duration can be asked for, as on AWS."""
    create_function(aws, "f", code="steady_report")
    _invoke(aws, "f")
    now = aws.clock.timestamp()

    answer = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[metric("Duration", "p95", "f")], StartTime=now - 600, EndTime=now + 60
    )

    assert len(answer["MetricDataResults"][0]["Values"]) == 1


def test_a_principal_is_what_the_simulator_is_asked_about(aws: LocalAws) -> None:
    """Who may simulate roles may simulate roles, and no users."""
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "iam:SimulatePrincipalPolicy",
            "Resource": "arn:aws:iam::123456789012:role/*",
        },
    }
    create_function(aws, "asks", code="simulate")
    aws.client("iam").put_role_policy(
        RoleName="asks-role", PolicyName="own", PolicyDocument=json.dumps(document)
    )
    aws.client("iam").create_user(UserName="ada")

    def ask(principal: str) -> str:
        answer = aws.client("lambda").invoke(
            FunctionName="asks", Payload=json.dumps({"principal": principal}).encode()
        )
        return str(json.load(answer["Payload"]))

    assert ask("arn:aws:iam::123456789012:role/asks-role") == "allowed"
    assert ask("arn:aws:iam::123456789012:user/ada") == "AccessDenied"


def test_who_is_admitted_is_a_condition_key(aws: LocalAws) -> None:
    """A policy may allow permissions for services only."""
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "lambda:AddPermission",
            "Resource": "*",
            "Condition": {"StringLike": {"lambda:Principal": "*.amazonaws.com"}},
        },
    }
    create_function(aws, "admits", code="admit")
    create_function(aws, "f", code="steady_report")
    aws.client("iam").put_role_policy(
        RoleName="admits-role", PolicyName="own", PolicyDocument=json.dumps(document)
    )

    def admit(principal: str) -> str:
        answer = aws.client("lambda").invoke(
            FunctionName="admits", Payload=json.dumps({"principal": principal}).encode()
        )
        return str(json.load(answer["Payload"]))

    assert admit("events.amazonaws.com") == "done"
    assert admit("210987654321") == "AccessDeniedException"
