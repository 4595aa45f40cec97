"""The small readers of the diagnosis: alarms, rules, a function's details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from functions.aws.diagnosis.alarm_actions import PRINCIPAL, AlarmActions
from functions.aws.diagnosis.function_details import DetailsReader
from functions.aws.diagnosis.rule_watch import RuleTargets
from functions.aws.diagnosis.schedule_watch import Schedules
from functions.domain.account.inventory import Rule, RuleTarget, Schedule
from functions.domain.diagnosis.collection.details import FunctionDetails
from functions.domain.diagnosis.collection.failure_metrics import (
    group_of,
    query_group_failures,
    query_rule_failures,
)
from functions.domain.diagnosis.collection.metric_queries import MetricQuery
from functions.domain.diagnosis.facts import FoundTrigger, InvokerKind
from functions.domain.errors import BusyError, FunctionNotFoundError, RefusedError
from tests.unit.aws.stubs import scripted

if TYPE_CHECKING:
    from tests.unit.aws.stubs import Script

HOME = "us-east-1:123456789012"
FUNCTION = f"arn:aws:lambda:{HOME}:function:orders"
ALARM = f"arn:aws:cloudwatch:{HOME}:alarm:too-many"
BUS = f"arn:aws:events:{HOME}:event-bus"


cloudwatch = scripted("cloudwatch")
events = scripted("events")
scheduler = scripted("scheduler")
lambda_ = scripted("lambda")


def rule(name: str = "nightly", bus: str = "default") -> Rule:
    """A rule."""
    path = name if bus == "default" else f"{bus}/{name}"
    return Rule(arn=f"arn:aws:events:{HOME}:rule/{path}", name=name, bus_arn=f"{BUS}/{bus}")


def alarm(**changes: Any) -> dict[str, Any]:
    """An alarm that invokes a function."""
    return {"AlarmName": "too-many", "AlarmArn": ALARM, "AlarmActions": [FUNCTION], **changes}


def test_alarms_that_invoke(cloudwatch: Script) -> None:
    """Alarms of both kinds, over pages; actions of other services are none of ours."""
    cloudwatch.answer(
        "describe_alarms",
        {"MetricAlarms": [alarm(AlarmActions=[FUNCTION, "arn:aws:sns:::t"])], "NextToken": "more"},
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        ActionPrefix="arn:aws:lambda:",
    )
    cloudwatch.answer(
        "describe_alarms",
        {
            "CompositeAlarms": [
                alarm(AlarmActions=[], OKActions=[f"{FUNCTION}:live"], ActionsEnabled=False)
            ]
        },
    )

    found = AlarmActions(cloudwatch.client).read_triggers("aws")

    assert found == {
        "orders": (
            FoundTrigger(
                kind=InvokerKind.ALARM,
                principal=PRINCIPAL,
                source_arn=ALARM,
                source_account="123456789012",
                evidence="alarm too-many invokes it when it goes to ALARM",
            ),
            FoundTrigger(
                kind=InvokerKind.ALARM,
                principal=PRINCIPAL,
                source_arn=ALARM,
                source_account="123456789012",
                qualifier="live",
                evidence="alarm too-many invokes it when it goes to OK",
                is_enabled=False,
            ),
        )
    }


def test_odd_actions_are_left_out(cloudwatch: Script) -> None:
    """What is no function's ARN hides no other alarm."""
    cloudwatch.answer(
        "describe_alarms",
        {"MetricAlarms": [alarm(AlarmActions=["arn:aws:lambda:nonsense"]), alarm(AlarmArn="odd")]},
    )

    (found,) = AlarmActions(cloudwatch.client).read_triggers("aws")["orders"]

    assert (found.source_arn, found.source_account) == ("odd", "")


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDenied", RefusedError), ("Throttling", BusyError)]
)
def test_alarms_that_are_not_told(cloudwatch: Script, code: str, error: type[Exception]) -> None:
    """Refusals are told apart from what passes."""
    cloudwatch.refuse("describe_alarms", code)

    with pytest.raises(error, match="alarms"):
        AlarmActions(cloudwatch.client).read_triggers("aws")


@pytest.mark.parametrize(
    ("one", "dimensions"),
    [
        (rule(), (("RuleName", "nightly"),)),
        (rule(bus="shop"), (("EventBusName", "shop"), ("RuleName", "nightly"))),
    ],
)
def test_the_metric_of_a_rule(one: Rule, dimensions: tuple[tuple[str, str], ...]) -> None:
    """Only another bus than the default one is a dimension."""
    assert query_rule_failures(one) == MetricQuery(
        namespace="AWS/Events", metric="FailedInvocations", dimensions=dimensions
    )


def test_targets_of_a_rule(events: Script) -> None:
    """All pages, with what matters of each target."""
    events.answer(
        "list_targets_by_rule",
        {"Targets": [{"Id": "1", "Arn": FUNCTION, "Input": "{}"}], "NextToken": "more"},
        Rule="nightly",
        EventBusName="shop",
    )
    events.answer(
        "list_targets_by_rule",
        {"Targets": [{"Id": "2", "Arn": FUNCTION, "DeadLetterConfig": {"Arn": "arn:queue"}}]},
        Rule="nightly",
        EventBusName="shop",
        NextToken="more",
    )

    assert RuleTargets(events.client).of(rule(bus="shop")) == (
        RuleTarget(arn=FUNCTION, id="1", input_is_constant=True),
        RuleTarget(arn=FUNCTION, id="2", dead_letter_arn="arn:queue"),
    )


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDeniedException", RefusedError), ("ThrottlingException", BusyError)]
)
def test_targets_that_are_not_told(events: Script, code: str, error: type[Exception]) -> None:
    """The rule is named."""
    events.refuse("list_targets_by_rule", code)

    with pytest.raises(error, match="nightly"):
        RuleTargets(events.client).of(rule())


LISTED = Schedule(
    arn=f"arn:aws:scheduler:{HOME}:schedule/shop/nightly", target_arn=f"{FUNCTION}:live"
)
ROLE = "arn:aws:iam::123456789012:role/nightly"


@pytest.mark.parametrize(
    ("arn", "group"),
    [
        (LISTED.arn, "shop"),
        (f"arn:aws:scheduler:{HOME}:schedule/default/a.b-c_d", "default"),
        (f"arn:aws-cn:scheduler:{HOME}:schedule/default/x", "default"),
        ("nonsense", ""),
    ],
)
def test_the_group_of_a_schedule(arn: str, group: str) -> None:
    """It is in the schedule's ARN."""
    assert group_of(arn) == group


def test_the_metric_of_a_group() -> None:
    """A schedule has none of its own."""
    assert query_group_failures("shop") == MetricQuery(
        namespace="AWS/Scheduler",
        metric="TargetErrorCount",
        dimensions=(("ScheduleGroup", "shop"),),
    )


def test_a_schedule_with_its_role(scheduler: Script) -> None:
    """As it is now, which may not be what a list said some time ago."""
    scheduler.answer(
        "get_schedule",
        {
            "Arn": LISTED.arn,
            "GroupName": "shop",
            "Name": "nightly",
            "State": "DISABLED",
            "Target": {
                "Arn": FUNCTION,
                "RoleArn": ROLE,
                "DeadLetterConfig": {"Arn": "arn:queue"},
                "Input": "{}",
            },
        },
        GroupName="shop",
        Name="nightly",
    )

    assert Schedules(scheduler.client).read_schedule(LISTED) == Schedule(
        arn=LISTED.arn,
        target_arn=FUNCTION,
        role_arn=ROLE,
        dead_letter_arn="arn:queue",
        is_enabled=False,
    )


def test_an_enabled_schedule_keeps_the_version_that_it_invokes(scheduler: Script) -> None:
    """An alias is part of its target, and every call waits its turn."""
    waited: list[bool] = []
    target = {"Arn": LISTED.target_arn, "RoleArn": ROLE}
    scheduler.answer("get_schedule", {"State": "ENABLED", "Target": target})

    found = Schedules(scheduler.client, lambda: waited.append(True)).read_schedule(LISTED)

    assert found == Schedule(arn=LISTED.arn, target_arn=LISTED.target_arn, role_arn=ROLE)
    assert waited == [True]


def test_a_schedule_that_is_gone(scheduler: Script) -> None:
    """One-time schedules may delete themselves at any moment."""
    scheduler.refuse("get_schedule", "ResourceNotFoundException", status=404)

    assert Schedules(scheduler.client).read_schedule(LISTED) is None


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDeniedException", RefusedError), ("ThrottlingException", BusyError)]
)
def test_schedules_that_are_not_told(scheduler: Script, code: str, error: type[Exception]) -> None:
    """The schedule is named."""
    scheduler.refuse("get_schedule", code)

    with pytest.raises(error, match="shop/nightly"):
        Schedules(scheduler.client).read_schedule(LISTED)


def test_details_of_a_function(lambda_: Script) -> None:
    """What lists leave out."""
    lambda_.answer(
        "get_function_configuration",
        {
            "FunctionName": "orders",
            "Architectures": ["arm64"],
            "Description": "takes orders",
            "MemorySize": 512,
            "Timeout": 30,
            "TracingConfig": {"Mode": "Active"},
            "LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "WARN"},
            "Layers": [{"Arn": "arn:layer:1"}],
        },
        FunctionName="orders",
    )

    assert DetailsReader(lambda_.client).of("orders") == FunctionDetails(
        architecture="arm64",
        description="takes orders",
        memory_mb=512,
        timeout_seconds=30,
        tracing_mode="Active",
        system_log_level="WARN",
        layers=("arn:layer:1",),
    )


def test_details_of_a_version(lambda_: Script) -> None:
    """An alias is answered with the configuration of the version that it leads to."""
    lambda_.answer("list_aliases", {"Aliases": [{"Name": "live"}]}, FunctionName="orders")
    lambda_.answer(
        "get_function_configuration",
        {"FunctionName": "orders", "MemorySize": 256, "Version": "7"},
        FunctionName="orders",
        Qualifier="live",
    )
    reader = DetailsReader(lambda_.client)

    assert reader.read_aliases("orders") == ("live",)
    assert reader.of("orders", "live") == FunctionDetails(memory_mb=256, version="7")


def test_details_that_were_never_set(lambda_: Script) -> None:
    """AWS's defaults."""
    lambda_.answer("get_function_configuration", {"FunctionName": "orders"})

    assert DetailsReader(lambda_.client).of("orders") == FunctionDetails()


def test_details_of_nobody(lambda_: Script) -> None:
    """A function that is gone is told as such."""
    lambda_.refuse("get_function_configuration", "ResourceNotFoundException", status=404)

    with pytest.raises(FunctionNotFoundError):
        DetailsReader(lambda_.client).of("orders")
