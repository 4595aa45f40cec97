"""The rules' patterns against payloads of every trigger: what must pass and what must not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infrastructure.conftest import ROOT

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesized

EVENTS = ROOT / "tests" / "events"


def matches(pattern: Any, event: Any) -> bool:
    """Match as EventBridge does, for the kinds of conditions that the rules use."""
    if isinstance(pattern, dict):
        found = event if isinstance(event, dict) else {}
        return all(matches(condition, found.get(key)) for key, condition in pattern.items())
    if event is None:  # absent: the payloads hold no null where a rule looks
        return {"exists": False} in pattern
    for condition in pattern:
        if isinstance(condition, dict):
            ((kind, operand),) = condition.items()
            if kind == "prefix" and isinstance(event, str) and event.startswith(operand):
                return True
            if kind == "Ref":  # the account that it is deployed to
                return True
            if kind == "anything-but" and event not in operand:
                return True
        elif condition == event:
            return True
    return False


def rules_for(synthesized: Synthesized, event: dict[str, Any]) -> set[str]:
    """Names of the rules that an event sets off."""
    return {
        rule["Name"].removeprefix("Loopbreaker-")
        for rule in synthesized.properties("AWS::Events::Rule")
        if "EventPattern" in rule and matches(resolved(rule["EventPattern"]), event)
    }


def resolved(pattern: Any) -> Any:
    """The pattern with roles by the names that CloudFormation gives them, as in the payloads."""
    match pattern:
        case {"Ref": str() as name} if "Role" in name:
            return f"Loopbreaker-{name}-4E5F6G7H8I9J"
        case dict():
            return {key: resolved(value) for key, value in pattern.items()}
        case list():
            return [resolved(one) for one in pattern]
        case _:
            return pattern


def guard_roles(synthesized: Synthesized) -> list[str]:
    """The names of the roles of the functions that change others, as deployed."""
    functions = synthesized.properties("AWS::Lambda::Function")
    roles = {one["FunctionName"]: one["Role"]["Fn::GetAtt"][0] for one in functions}
    return [resolved({"Ref": roles[f"Loopbreaker-{one}"]}) for one in ("contain", "restore")]


def payload(name: str) -> dict[str, Any]:
    """A payload of a trigger, with the name of one of the deployed alarms if it is of an alarm."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    if "alarmName" in event.get("detail", {}):
        event["detail"]["alarmName"] = "Loopbreaker-signal-invocations"
    return event


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("alarm_state_change.alarm", {"alarm"}),
        ("alarm_state_change.drops", {"alarm"}),
        ("alarm_state_change.ok", set()),
        ("alarm_state_change.insufficient_data", set()),
        ("alarm_contributor_state_change.alarm", {"contributor"}),
        ("alarm_contributor_state_change.ok", set()),
        ("cloudtrail.put_function_concurrency", {"change"}),
        ("cloudtrail.delete_function_concurrency", {"change"}),
        ("cloudtrail.delete_function", {"change", "chart-functions"}),
        ("cloudtrail.put_provisioned_concurrency", {"change"}),
        ("cloudtrail.by_a_user", {"change"}),
        ("cloudtrail.by_a_service", {"change"}),
        ("cloudtrail.update_event_source_mapping", {"change", "chart-functions"}),
        ("health.runaway", {"health"}),
        ("scheduled.pulse", set()),
    ],
)
def test_payloads(default: Synthesized, name: str, rules: set[str]) -> None:
    """Each payload sets off its rule and no other; what needs no look sets off none."""
    assert rules_for(default, payload(name)) == rules


def test_no_change_of_its_own_wakes_the_guard(default: Synthesized) -> None:
    """What it takes back after a refusal would else lead to the next attempt, for ever."""
    event = payload("cloudtrail.by_the_guard")
    issuer = event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]
    roles = guard_roles(default)
    assert roles[0] != roles[1]

    for role in roles:
        issuer["userName"] = role
        assert rules_for(default, event) == set()
    issuer["userName"] = "Loopbreaker-deployer"
    assert rules_for(default, event) == {"change"}


def test_other_alarms_do_not_wake_the_guard(default: Synthesized) -> None:
    """Alarms of the user and alarms on the guard itself are none of its signals."""
    event = payload("alarm_state_change.alarm")

    for name in ("orders-errors", "Loopbreaker-guard-pulse"):
        event["detail"]["alarmName"] = name
        assert rules_for(default, event) == set()


@pytest.mark.parametrize(
    "name",
    [
        "UpdateFunctionCode20150331v2",
        "DeleteFunctionCodeSigningConfig",
        "GetFunctionConcurrency",
    ],
)
def test_other_calls_do_not_wake_the_guard(default: Synthesized, name: str) -> None:
    """Calls that change nothing of what the guard holds or charts stay unheard."""
    event = payload("cloudtrail.delete_function")
    event["detail"]["eventName"] = name

    assert rules_for(default, event) == set()
