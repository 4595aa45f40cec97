"""The dashboard: its widgets ask one function, which only reads, and cost nothing when off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from cdk_loopbreaker import LoopGuard
from functions.domain.page.overview import View
from functions.domain.page.widget_request import parse_widget_request
from stacks.loop_guard import LoopGuardError
from stacks.names import GUARD_FUNCTIONS, PRESENT
from tests.infrastructure.test_permissions import allowed, arn_text, as_list, statement

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Json, Synthesize, Synthesized

DASHBOARD: Final = "AWS::CloudWatch::Dashboard"
EUROPE: Final = Environment(account="123456789012", region="eu-west-1")


@pytest.fixture(scope="session")
def shown(synthesize: Synthesize) -> Synthesized:
    """The stack with a dashboard."""
    return synthesize(dashboard="on")


def read_body(dashboard: Json) -> Any:
    """The body of a dashboard, with references as names."""
    return json.loads(arn_text(dashboard["DashboardBody"]))


def list_custom(dashboard: Json) -> list[Any]:
    """The widgets that a function answers."""
    return [one for one in read_body(dashboard)["widgets"] if one["type"] == "custom"]


def test_off_by_default(default: Synthesized) -> None:
    """Neither a dashboard nor its function is there, nor is it known as one of the guard's."""
    assert default.of_type(DASHBOARD) == {}
    names = {one["FunctionName"] for one in default.properties("AWS::Lambda::Function")}
    assert names == set(GUARD_FUNCTIONS)
    for one in default.properties("AWS::Lambda::Function"):
        assert PRESENT not in json.dumps(one)


def test_every_widget_asks_the_function(shown: Synthesized) -> None:
    """By its ARN, for a view that there is; each view has a widget."""
    (function,) = (
        name
        for name, one in shown.of_type("AWS::Lambda::Function").items()
        if one["Properties"]["FunctionName"] == PRESENT
    )
    widgets = list_custom(shown.one(DASHBOARD))

    assert {one["properties"]["endpoint"] for one in widgets} == {f"<{function}>"}
    views = [parse_widget_request(one["properties"]["params"]).view for one in widgets]
    assert sorted(views) == sorted(View)


def test_widgets_are_asked_when_the_dashboard_is_refreshed_only(shown: Synthesized) -> None:
    """Each call costs an invocation: a change of size or of the time range makes none."""
    for one in list_custom(shown.one(DASHBOARD)):
        assert one["properties"]["updateOn"] == {
            "refresh": True,
            "resize": False,
            "timeRange": False,
        }


def test_the_widgets_do_not_overlap(shown: Synthesized) -> None:
    """All of them fit into the 24 columns."""
    taken: set[tuple[int, int]] = set()
    for one in read_body(shown.one(DASHBOARD))["widgets"]:
        cells = {
            (x, y)
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_its_name_has_the_region(shown: Synthesized) -> None:
    """Dashboards are global: that of another Region must not be replaced."""
    assert arn_text(shown.one(DASHBOARD)["DashboardName"]) == "Loopbreaker-<AWS::Region>"


def test_the_function_reads_and_changes_nothing(shown: Synthesized) -> None:
    """Beside its own logs and dead letters, which the runtime writes."""
    assert allowed(shown, PRESENT) == {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "lambda:GetFunctionConcurrency",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
        "tag:GetResources",
    }


def test_the_secret_of_the_tags_is_out_of_its_reach(shown: Synthesized) -> None:
    """Of the table it reads what a page shows, by the keys of the items."""
    condition = statement(shown, PRESENT, "ReadRecords")["Condition"]
    keys = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]

    assert sorted(keys) == ["chart", "closed#*", "diagnosis", "filed", "live", "treatment"]


def test_it_is_one_of_the_guards_own(shown: Synthesized) -> None:
    """Never contained, hidden in graphs, exempt by its tag, and its logs are kept as others are."""
    present = shown.function(PRESENT)
    told = [
        one["Environment"]["Variables"].get("LOOPBREAKER_OWN_FUNCTIONS", "")
        for one in shown.properties("AWS::Lambda::Function")
        if one["FunctionName"] != "Loopbreaker-protect"
    ]

    assert {"Key": "loopbreaker:exempt", "Value": "true"} in present["Tags"]
    assert set(told) == {",".join((*GUARD_FUNCTIONS, PRESENT))}
    groups = [one["LogGroupName"] for one in shown.properties("AWS::Logs::LogGroup")]
    assert f"/aws/lambda/{PRESENT}" in groups


def test_what_it_adds(default: Synthesized, shown: Synthesized) -> None:
    """Nothing that is there without it goes, or is made anew."""
    added = shown.template["Resources"].keys() - default.template["Resources"].keys()

    assert default.template["Resources"].keys() <= shown.template["Resources"].keys()
    assert sorted(shown.template["Resources"][one]["Type"] for one in added) == [
        DASHBOARD,
        "AWS::IAM::Role",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
    ]


def test_widgets_for_a_dashboard_of_ones_own() -> None:
    """They stand beside others, and whoever may look is said by a grant."""
    stack = Stack(App(), "Theirs", env=EUROPE)
    guard = LoopGuard(stack, "Guard", email="you@example.com", dashboard="on")
    theirs = cloudwatch.Dashboard(stack, "Dashboard", dashboard_name="wall")
    theirs.add_widgets(*guard.dashboard_widgets())
    viewer = iam.Role(stack, "Viewer", assumed_by=iam.AccountPrincipal("123456789012"))
    guard.grant_view(viewer)
    template = Template.from_stack(stack).to_json()

    (wall,) = (
        one["Properties"]
        for one in template["Resources"].values()
        if one["Type"] == DASHBOARD and one["Properties"]["DashboardName"] == "wall"
    )
    assert len(list_custom(wall)) == len(View)
    (policy,) = (
        one["Properties"]["PolicyDocument"]["Statement"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::IAM::Policy"
    )
    (grant,) = policy
    assert grant["Action"] == "lambda:InvokeFunction"
    assert all("GuardPresent" in json.dumps(one) for one in as_list(grant["Resource"]))


def test_without_the_dashboard_there_are_no_widgets() -> None:
    """The property that brings them is named."""
    guard = LoopGuard(Stack(App(), "Theirs", env=EUROPE), "Guard", email="you@example.com")

    with pytest.raises(LoopGuardError, match='give dashboard="on"'):
        guard.dashboard_widgets()
