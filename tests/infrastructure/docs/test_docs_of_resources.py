"""The pages describe what the template has."""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING

import pytest
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from functions.domain.deployment.guard_cost import estimate_refresh_usd
from functions.domain.page.overview import MOST_CARDS
from stacks import loop_guard
from stacks.loop_guard import LoopGuard
from stacks.names import GUARD_ALARM_PREFIX, GUARD_FUNCTIONS, PRESENT, SIGNAL_ALARM_PREFIX
from tests.infrastructure.docs.pages import (
    COSTS,
    DEPLOYING,
    INSTALLING,
    LARGEST,
    README,
    SMALLEST,
    counted,
    names_in,
    numbers,
    rows,
)

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesize, Synthesized


def test_resources(synthesize: Synthesize) -> None:
    """The page says how many resources a stack has without and with the flags that add some."""
    small, large = (len(synthesize(**flags).template["Resources"]) for flags in (SMALLEST, LARGEST))
    address = synthesize(email="a@example.com", **LARGEST).template["Resources"]

    assert numbers(r"of (\d+) to (\d+) resources, and one more for each address") == [small, large]
    assert len(address) == large + 1
    shown = synthesize(**SMALLEST, dashboard="on").template["Resources"]
    assert numbers(r"`dashboard=on` adds (\d+)\.") == [len(shown) - small]


def test_alarms_rules_and_queues(synthesize: Synthesize) -> None:
    """So it does of alarms, rules and queues."""
    alarm = "AWS::CloudWatch::Alarm"

    signals = counted(synthesize, alarm, "Loopbreaker-signal-")
    guards = counted(synthesize, alarm, "Loopbreaker-guard-")
    assert numbers(r"\| (\d+) or (\d+) signal alarms") == signals
    assert numbers(r"\| (\d+) or (\d+) alarms `Loopbreaker-guard-") == guards
    assert numbers(r"\| (\d+) or (\d+) EventBridge rules") == counted(
        synthesize, "AWS::Events::Rule"
    )
    assert numbers(r"\| (\d+) SQS queues") * 2 == counted(synthesize, "AWS::SQS::Queue")


def test_alarms_that_cost(synthesize: Synthesize) -> None:
    """The page on costs counts the same alarms."""
    default = synthesize()
    names = [one["AlarmName"] for one in default.properties("AWS::CloudWatch::Alarm")]
    on_guard = sum(name.startswith("Loopbreaker-guard-") for name in names)
    without_sweep = len(synthesize(sweep_minutes="0").properties("AWS::CloudWatch::Alarm"))

    assert numbers(
        r"(\d+) alarms with one metric each: (\d+) on the account, (\d+) on the guard itself. "
        r"(\d+) with `sweep_minutes=0`",
        COSTS,
    ) == [len(names), len(names) - on_guard, on_guard, without_sweep]


def test_what_looking_costs() -> None:
    """The page has what one refresh of the dashboard costs, and what a screen on the wall does."""
    found = {
        row[0]: [float(one.strip("$")) for one in row[1:]]
        for row in rows(COSTS, "## The dashboard")
    }
    month = 30 * 24

    for index, incidents in enumerate((0, MOST_CARDS)):
        one = estimate_refresh_usd(incidents)
        assert [
            found["one refresh"][index],
            found["a screen on the wall, refreshed every 15 minutes, a month"][index],
            found["the same, refreshed every minute"][index],
        ] == [round(one, 5), round(one * 4 * month, 2), round(one * 60 * month, 2)]


def test_every_function_is_described() -> None:
    """Each guard function is in the table of what is created and in that of what it may change."""
    created = " ".join(row[0] for row in rows(DEPLOYING, "## What it creates"))
    changing = " ".join(row[0] for row in rows(DEPLOYING, "## Permissions"))

    assert set(re.findall(r"Loopbreaker-\w+(?=`)", created)) == {*GUARD_FUNCTIONS, PRESENT}
    assert set(re.findall(r"Loopbreaker-\w+(?=`)", changing)) == {*GUARD_FUNCTIONS, PRESENT}


def test_every_output_is_described(synthesize: Synthesize) -> None:
    """The table of outputs has each output of the stack."""
    table = rows(DEPLOYING, "## 3. Confirm the subscription and read the outputs")

    assert sorted(row[0].strip("`") for row in table) == sorted(
        synthesize(chat="on").template["Outputs"]
    )


def test_every_resource_type_is_described(synthesize: Synthesize) -> None:
    """Whoever narrows the execution role reads of each type of resource that it has to manage."""
    largest = synthesize(email="a@example.com", chat="on", dashboard="on", **LARGEST)
    types = {one["Type"] for one in largest.template["Resources"].values()}
    described = " ".join(row[1] for row in rows(DEPLOYING, "## 1. Prepare"))
    customs = {one for one in types if one.startswith("Custom::")}

    assert set(re.findall(r"`(AWS::\w+::\w+)`", described)) == types - customs
    assert len(customs) == len(largest.of_type("Custom::LoopbreakerAccount")) * 4


def test_every_property_of_the_construct_is_described() -> None:
    """The table has each property, in the order of the class, with its default."""
    table = rows(INSTALLING, "## Properties")
    properties = {
        name: one.default
        for name, one in inspect.signature(LoopGuard.__init__).parameters.items()
        if one.kind is one.KEYWORD_ONLY
    }

    assert [row[0].strip("`") for row in table] == list(properties)
    for name, _, described in table:
        default = properties[name.strip("`")]
        if re.fullmatch(r"`.+`", described):
            assert ast.literal_eval(described.strip("`")) == default
        else:
            assert default in {(), "", None}


def test_every_attribute_of_the_construct_is_described() -> None:
    """The table has each attribute and each method, and no other."""
    table = rows(INSTALLING, "## Attributes and methods")
    named = {name for row in table for name in re.findall(r"`(\w+)", row[0])}
    stack = Stack()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_guard, "function_code", lambda _: lambda_.Code.from_inline("x"))
        guard = LoopGuard(stack, "Guard", email="none")

    own = {one for one in vars(guard) if not one.startswith("_")}
    methods = {one for one in vars(LoopGuard) if not one.startswith("_")}
    assert named == own | methods


def test_every_alarm_is_described(synthesize: Synthesize) -> None:
    """The two tables of alarms have each alarm of the largest stack, and no other."""
    alarms = synthesize(**LARGEST).properties("AWS::CloudWatch::Alarm")

    for prefix, heading in (
        (SIGNAL_ALARM_PREFIX, "### Signal alarms"),
        (GUARD_ALARM_PREFIX, "### When an alarm on the guard notifies you"),
    ):
        names = [one["AlarmName"] for one in alarms if one["AlarmName"].startswith(prefix)]
        assert names_in(heading) == sorted(name.removeprefix(prefix) for name in names)


def test_every_rule_is_described(default: Synthesized) -> None:
    """The table of rules has each rule and says which function it invokes."""
    targets = {
        name: row[1]
        for row in rows(DEPLOYING, "### Rules")
        for name in re.findall(r"`(.+?)`", row[0])
    }

    invoked = {}
    for rule in default.properties("AWS::Events::Rule"):
        (target,) = rule["Targets"]
        function = re.match("Contain|Chart|Diagnose|Denials", target["Arn"]["Fn::GetAtt"][0])
        assert function is not None, target
        invoked[rule["Name"].removeprefix("Loopbreaker-")] = function[0]
    assert targets == {
        name: "`diagnose`, through a queue" if one == "Denials" else f"`{one.lower()}`"
        for name, one in invoked.items()
    }


def test_figures_of_the_first_screen() -> None:
    """The prices in the README are those of the page on costs, in whole dollars."""
    table = {row[0]: row[6].strip("$*") for row in rows(COSTS, "## Per month")}

    assert numbers(r"\$(\d+) a month for ten functions, \$(\d+) for a thousand", README) == [
        round(float(table[count])) for count in ("10", "1,000")
    ]
