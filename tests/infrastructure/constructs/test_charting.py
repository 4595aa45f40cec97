"""The part of the template that charts: what wakes it, and what it may do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from functions.aws.account.configuration_changes import CALLS, find_changes
from stacks.components.triggers import charting
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.test_permissions import BY_THE_RUNTIME, allowed, as_list, statement

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesized

CHART = "Loopbreaker-chart"
RULES = (
    charting.ROLE_CALLS,
    charting.SOURCE_CALLS,
    charting.POLICY_CALLS,
    charting.FLOW_CALLS,
)
RULE = "AWS::Events::Rule"
SERVICES = {"states": "stepfunctions"}
# Services whose API has another version beside it.
VERSIONS = {"apigateway": ("apigatewayv2",)}
# CloudTrail's names of calls that the API names otherwise.
TRAIL_NAMES = {"s3": {"PutBucketNotification"}}


def operations(source: str) -> set[str]:
    """The names of all calls of a service."""
    session = botocore.session.get_session()
    names = set(TRAIL_NAMES.get(source, ()))
    for service in (SERVICES.get(source, source), *VERSIONS.get(source, ())):
        names.update(session.get_service_model(service).operation_names)
    return names


def woken_by(source: str) -> set[str]:
    """The calls of a service for which a rule wakes the chart."""
    if source == "lambda":
        # As CloudTrail writes them, with the version after most names.
        return {
            name
            for name in operations(source)
            if any(
                form.startswith(call)
                for call in charting.LAMBDA_CALLS
                for form in (f"{name}20150331v2", name)
                if form != name or name not in {"CreateFunction", "DeleteFunction"}
            )
        }
    names = {one for calls in RULES if source in calls for each in calls.values() for one in each}
    return names & operations(source)


# Applications create schedules for single events: no rule sends these calls, however well they are
# understood, and the hourly lists hold what they changed.
TOO_MANY = {"scheduler"}


@pytest.mark.parametrize("source", sorted(TOO_MANY))
def test_calls_of_applications_wake_nobody(default: Synthesized, source: str) -> None:
    """A run for each schedule of an application would be the guard's own runaway."""
    patterns = [json.dumps(one.get("EventPattern")) for one in default.properties(RULE)]

    assert [one for one in patterns if f"aws.{source}" in one] == []


@pytest.mark.parametrize("source", sorted(set(CALLS) - TOO_MANY))
def test_whatever_wakes_the_chart_is_understood(source: str) -> None:
    """No rule sends a call that the chart does not know, and none that it knows is left out."""
    sent, understood = woken_by(source), set(CALLS[source]) & operations(source)

    assert sent == understood, (
        f"stacks/components/triggers/charting.py: {source} lacks {sorted(understood - sent)};"
        f" configuration_changes.py does not know {sorted(sent - understood)}"
    )


def test_it_reads_and_keeps_and_tells_and_nothing_else(default: Synthesized) -> None:
    """Beside reading it writes to its part of the table, and publishes."""
    writing = {
        one
        for one in allowed(default, CHART) - BY_THE_RUNTIME
        if not one.split(":")[1].startswith(("Get", "List", "Describe", "GET"))
    }

    assert writing == {
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "sns:Publish",
    }


def test_incidents_are_out_of_its_reach(default: Synthesized) -> None:
    """The table's other items are not the chart's, whatever its code does."""
    kept = statement(default, CHART, "KeepTheChart")

    assert kept["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["chart", "chart-*", "account#*"]}
    }
    everywhere = [
        one["Sid"]
        for one in default.statements(CHART)
        if one["Effect"] == "Allow" and "*" in as_list(one["Resource"])
    ]
    assert everywhere == ["ReadConfiguration", "ReadAccountAlias"]


def test_it_ticks_every_two_minutes(default: Synthesized) -> None:
    """A change is told of within minutes."""
    assert default.rule("Loopbreaker-chart")["ScheduleExpression"] == "rate(2 minutes)"


def test_a_chart_that_is_not_kept_is_told(default: Synthesized) -> None:
    """Half an hour without a tick rings."""
    alarm = default.alarm("Loopbreaker-guard-chart")

    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Events", "Invocations")
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (300, 6)
    assert alarm["InsufficientDataActions"] == alarm["AlarmActions"]


def test_settings(full: Synthesized, default: Synthesized) -> None:
    """The flag reaches the chart."""
    given = full.function(CHART)["Environment"]["Variables"]
    none = default.function(CHART)["Environment"]["Variables"]

    assert given["LOOPBREAKER_ACCEPTED_LOOPS"] == "archiver,requeue"
    assert none["LOOPBREAKER_ACCEPTED_LOOPS"] == ""
    assert CHART in given["LOOPBREAKER_OWN_FUNCTIONS"].split(",")


def test_patterns_fit_the_bus(default: Synthesized) -> None:
    """A pattern holds at most 2,048 characters (EventBridge quotas)."""
    for rule in default.properties("AWS::Events::Rule"):
        if "EventPattern" in rule:
            assert len(json.dumps(rule["EventPattern"], separators=(",", ":"))) < 2048, rule["Name"]


@pytest.mark.parametrize(
    "name",
    [
        "cloudtrail.add_permission",
        "cloudtrail.put_role_policy",
        "cloudtrail.update_event_source_mapping",
        "cloudtrail.update_function_configuration",
        "cloudtrail.delete_function",
    ],
)
def test_recorded_events_are_understood(name: str) -> None:
    """The payloads that wake the chart name what is to be read again."""
    event: dict[str, Any] = json.loads((ROOT / "tests/events" / f"{name}.json").read_text())

    assert len(find_changes(event)) == 1
