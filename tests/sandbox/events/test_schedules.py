"""EventBridge Scheduler: with whose rights it invokes, what it counts, what the guard finds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from functions.aws.account.account_reader import AccountReader
from functions.aws.account.facts import begin
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import ReadClient
from functions.aws.diagnosis.alarm_actions import AlarmActions
from functions.aws.diagnosis.function_details import DetailsReader
from functions.aws.diagnosis.iam_simulation import Simulator
from functions.aws.diagnosis.logs import FunctionLogs
from functions.aws.diagnosis.metrics import DiagnosisMetrics
from functions.aws.diagnosis.rule_watch import RuleTargets
from functions.aws.diagnosis.schedule_watch import Schedules
from functions.domain.diagnosis.checks.registry import examine
from functions.domain.diagnosis.collection.guard_state import GuardState
from functions.domain.diagnosis.collection.ports import Readers
from functions.workflows.diagnosis.collect_facts import FactCollector
from sandbox.scenarios.provision import create_function
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws

GROUP = "shop"


@pytest.fixture
def aws(strict_aws: LocalAws) -> LocalAws:
    """That AWS, with nothing but a function and a group of schedules."""
    strict_aws.reset()
    create_function(strict_aws, "report", code="steady_report")
    strict_aws.client("scheduler").create_schedule_group(Name=GROUP)
    return strict_aws


def schedule(aws: LocalAws, name: str, target: str, *, may_invoke: str = "") -> None:
    """A schedule with a role of its own, which may invoke this ARN and nothing else."""
    iam = aws.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = iam.create_role(
        RoleName=f"{name}-role", AssumeRolePolicyDocument=_document(trust), Path="/schedules/"
    )["Role"]["Arn"]
    if may_invoke:
        allow(aws, name, may_invoke)
    aws.client("scheduler").create_schedule(
        Name=name,
        GroupName=GROUP,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": role, "Input": '{"n": 1}'},
    )


def allow(aws: LocalAws, name: str, arn: str) -> None:
    """Let the role of a schedule invoke a function, by a policy that is attached to it."""
    iam = aws.client("iam")
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn}
    created = iam.create_policy(PolicyName=f"{name}-invokes", PolicyDocument=_document(statement))
    iam.attach_role_policy(RoleName=f"{name}-role", PolicyArn=created["Policy"]["Arn"])


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def counted(aws: LocalAws, metric: str) -> float:
    """What the group has counted so far."""
    now = aws.clock.timestamp()
    stat = {
        "Metric": {
            "Namespace": "AWS/Scheduler",
            "MetricName": metric,
            "Dimensions": [{"Name": "ScheduleGroup", "Value": GROUP}],
        },
        "Period": 60,
        "Stat": "Sum",
    }
    answer = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": stat}],
        StartTime=now - 3600,
        EndTime=now + 60,
    )
    return float(sum(answer["MetricDataResults"][0]["Values"]))


def arn_of(function: str) -> str:
    """Its ARN."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function}"


def test_a_schedule_invokes_with_the_rights_of_its_role(aws: LocalAws) -> None:
    """No resource policy is needed, and nothing fails."""
    schedule(aws, "nightly", arn_of("report"), may_invoke=arn_of("report"))

    aws.wait_until(lambda: aws.counts().get("report", 0) >= 2, "two invocations", 10)

    assert counted(aws, "InvocationAttemptCount") >= 2
    assert counted(aws, "TargetErrorCount") == 0


def test_an_invocation_that_the_role_may_not_make_fails(aws: LocalAws) -> None:
    """It is counted for the group, and the function is not invoked until the role may."""
    schedule(aws, "nightly", arn_of("report"))

    aws.wait_until(lambda: counted(aws, "TargetErrorCount") >= 1, "a failure", 10)
    assert aws.counts() == {}

    allow(aws, "nightly", arn_of("report"))
    aws.fire("nightly")
    aws.wait_until(lambda: aws.counts().get("report", 0) >= 1, "an invocation", 10)


def found(aws: LocalAws) -> tuple[str, ...]:
    """What the diagnosis says of the function now, out of this account."""
    now = datetime.fromtimestamp(aws.clock.timestamp(), UTC)
    account = AccountReader(ReadClient(aws.client, RateLimiter({}))).read(
        begin(ACCOUNT_ID, REGION, "aws", now)
    )
    assert account is not None
    readers = Readers(
        metrics=DiagnosisMetrics(aws.client("cloudwatch")),
        logs=FunctionLogs(aws.client("logs")),
        simulator=Simulator(aws.client("iam")),
        alarms=AlarmActions(aws.client("cloudwatch")),
        targets=RuleTargets(aws.client("events")),
        schedules=Schedules(aws.client("scheduler")),
        details=DetailsReader(aws.client("lambda")),
    )
    collector = FactCollector.of(account, readers, GuardState(), now)
    (facts,) = collector.facts(("report",), now + timedelta(minutes=1))
    return tuple(
        cause
        for one in examine(facts).findings
        for cause in one.causes
        if one.entry == "not_authorized"
    )


def test_the_diagnosis_finds_it_until_the_role_may(aws: LocalAws) -> None:
    """By the role's path and its attached policies; its neighbour in the group is left alone."""
    schedule(aws, "hourly", arn_of("report"), may_invoke=arn_of("report"))
    schedule(aws, "nightly", arn_of("report"))
    aws.wait_until(lambda: counted(aws, "TargetErrorCount") >= 1, "a failure", 10)
    role = f"arn:aws:iam::{ACCOUNT_ID}:role/schedules/nightly-role"
    assert found(aws) == (f"identity policy:{role}",)

    allow(aws, "nightly", arn_of("report"))

    assert found(aws) == ()
    assert counted(aws, "TargetErrorCount") >= 1


def once(aws: LocalAws, name: str, minutes: int, after: str = "DELETE") -> float:
    """A schedule that invokes a function once, so many minutes from now; its moment.

    On a busy machine that moment may be over before the schedule is made: then it gets another.
    """
    schedule(aws, name, arn_of("report"), may_invoke=arn_of("report"))
    while True:
        moment = datetime.fromtimestamp(aws.clock.timestamp(), UTC) + timedelta(minutes=minutes)
        _invoke_once(aws, name, moment, after)
        if aws.clock.timestamp() < moment.timestamp():
            return moment.timestamp()
        minutes *= 2


def _invoke_once(aws: LocalAws, name: str, moment: datetime, after: str) -> None:
    scheduler = aws.client("scheduler")
    role = scheduler.get_schedule(Name=name, GroupName=GROUP)["Target"]["RoleArn"]
    scheduler.update_schedule(
        Name=name,
        GroupName=GROUP,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion=after,
        Target={"Arn": arn_of("report"), "RoleArn": role, "Input": '{"n": 1}'},
    )


def names(aws: LocalAws) -> list[str]:
    """The schedules of the group."""
    listed = aws.client("scheduler").list_schedules(GroupName=GROUP)["Schedules"]
    return [one["Name"] for one in listed]


@pytest.mark.parametrize(("after", "left"), [("DELETE", []), ("NONE", ["soon"])])
def test_a_one_time_schedule_fires_once(aws: LocalAws, after: str, left: list[str]) -> None:
    """In virtual time, not before its moment; then it is gone where it says so."""
    moment = once(aws, "soon", 3, after)

    aws.wait_until(lambda: aws.counts().get("report", 0) >= 1, "an invocation", 20)
    assert aws.clock.timestamp() >= moment
    aws.wait_minutes(3)

    assert aws.counts() == {"report": 1}
    assert names(aws) == left


def test_a_one_time_schedule_can_be_fired_before_its_time(aws: LocalAws) -> None:
    """Tests need not wait for it, and it fires no second time."""
    once(aws, "later", 600)

    aws.fire("later")

    aws.wait_until(lambda: aws.counts().get("report", 0) >= 1, "an invocation", 10)
    assert names(aws) == []


def allowed_on(aws: LocalAws, arn: str) -> Any:
    """Scheduler under a role that may create and delete these schedules only."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT_ID}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="deputy", AssumeRolePolicyDocument=_document(trust))["Role"]
    actions = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": arn}
    iam.put_role_policy(
        RoleName="deputy", PolicyName="schedules", PolicyDocument=_document(statement)
    )
    keys = aws.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="deputy")
    return boto3.client(
        "scheduler",
        endpoint_url=aws.endpoint,
        region_name=REGION,
        aws_access_key_id=keys["Credentials"]["AccessKeyId"],
        aws_secret_access_key=keys["Credentials"]["SecretAccessKey"],
        aws_session_token=keys["Credentials"]["SessionToken"],
    )


def test_a_policy_on_one_group_allows_no_other(aws: LocalAws) -> None:
    """IAM sees the group of a schedule, in the body of a request and in its query."""
    aws.client("scheduler").create_schedule_group(Name="other")
    once(aws, "mine", 600)
    scheduler = allowed_on(aws, f"arn:aws:scheduler:{REGION}:{ACCOUNT_ID}:schedule/{GROUP}/*")
    target = {"Arn": arn_of("report"), "RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/any"}
    request: dict[str, Any] = {
        "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }

    scheduler.create_schedule(Name="new", GroupName=GROUP, **request)
    scheduler.delete_schedule(Name="mine", GroupName=GROUP)

    assert names(aws) == ["new"]
    for group in ({"GroupName": "other"}, {}):
        with pytest.raises(ClientError, match="AccessDenied"):
            scheduler.create_schedule(Name="new", **group, **request)
        with pytest.raises(ClientError, match="AccessDenied"):
            scheduler.delete_schedule(Name="new", **group)
