"""Exactly what each guard function may do, and what it may never do."""

from __future__ import annotations

import importlib
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import functions.aws
from functions.domain.incidents.tags import snapshot as tagged_snapshot
from functions.domain.notices.events.envelope import SOURCE
from stacks.names import EVENT_SOURCE, GUARD_FUNCTIONS

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Json, Synthesize, Synthesized

CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART, PRESENT = (
    f"Loopbreaker-{verb}"
    for verb in ("contain", "restore", "protect", "diagnose", "chart", "present")
)

CHANGES = {
    "lambda:DeleteFunctionConcurrency",
    "lambda:DeleteProvisionedConcurrencyConfig",
    "lambda:PutFunctionConcurrency",
    "lambda:PutFunctionScalingConfig",
    "lambda:PutProvisionedConcurrencyConfig",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateEventSourceMapping",
}
CHANGE_FUNCTIONS = CHANGES | {
    "lambda:GetEventSourceMapping",
    "lambda:GetFunction",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionScalingConfig",
    "lambda:GetPolicy",
    "lambda:ListAliases",
    "lambda:ListEventSourceMappings",
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:ListFunctionVersionsByCapacityProvider",
    "lambda:ListProvisionedConcurrencyConfigs",
    "lambda:ListTags",
    "tag:GetResources",
}
LEDGER = {
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}
# The way back of a hold.
WAY_BACK = {
    "iam:PassRole",
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "scheduler:UpdateSchedule",
}
# Notices for people, and the same as events for programs.
TELL = {"events:PutEvents", "sns:Publish"}
# What the runtime does in a function's name: write its logs, keep its failed events.
BY_THE_RUNTIME = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}


def as_list(value: Any) -> list[Any]:
    """CloudFormation writes a single entry without its list."""
    return value if isinstance(value, list) else [value]


def arn_text(value: Any) -> str:
    """Render `Fn::Join` of an ARN with the pseudo parameters' names in it."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{value['Fn::GetAtt'][0]}>"
    return "".join(arn_text(part) for part in value["Fn::Join"][1])


def allowed(synthesized: Synthesized, function: str) -> set[str]:
    """All actions that a function's policy allows."""
    return {
        action
        for statement in synthesized.statements(function)
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }


def statement(synthesized: Synthesized, function: str, sid: str) -> Json:
    """One statement of a function's policy."""
    (found,) = (one for one in synthesized.statements(function) if one["Sid"] == sid)
    return found


@pytest.mark.parametrize(
    ("function", "actions"),
    [
        (
            CONTAIN,
            CHANGE_FUNCTIONS
            | LEDGER
            | WAY_BACK
            | BY_THE_RUNTIME
            | TELL
            | {
                "cloudwatch:GetMetricData",
                "cloudwatch:ListMetrics",
                "iam:ListAccountAliases",
                "kinesis:DescribeStreamSummary",
                "lambda:GetAccountSettings",
                "sqs:GetQueueAttributes",
                "sqs:ListDeadLetterSourceQueues",
            },
        ),
        (
            RESTORE,
            CHANGE_FUNCTIONS
            | LEDGER
            | WAY_BACK
            | BY_THE_RUNTIME
            | TELL
            | {
                "cloudwatch:DescribeAlarms",
                "cloudwatch:GetMetricData",
                "iam:ListAccountAliases",
            },
        ),
        (
            PROTECT,
            BY_THE_RUNTIME
            | TELL
            | {"cloudwatch:GetMetricData"}
            | {
                "lambda:GetAccountSettings",
                "lambda:GetFunctionConcurrency",
                "lambda:PutFunctionConcurrency",
            },
        ),
    ],
)
def test_exact_actions(default: Synthesized, function: str, actions: set[str]) -> None:
    """Each function is allowed these actions and no other."""
    assert allowed(default, function) == actions


@pytest.mark.parametrize("function", [CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART, PRESENT])
def test_no_wildcard_action(full: Synthesized, function: str) -> None:
    """No policy allows an action by a wildcard."""
    assert [action for action in allowed(full, function) if "*" in action] == []


def test_there_are_no_other_policies(default: Synthesized) -> None:
    """The inline policy of each role is all there is: no managed and no attached policy."""
    assert default.of_type("AWS::IAM::Policy") == {}
    assert default.of_type("AWS::IAM::ManagedPolicy") == {}
    # One for each function, and one for the schedules that end holds.
    assert len(default.of_type("AWS::IAM::Role")) == len(GUARD_FUNCTIONS) + 1
    for role in default.properties("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role


@pytest.mark.parametrize("function", [CONTAIN, RESTORE])
def test_schedules_are_those_of_one_group_with_one_role(
    default: Synthesized, function: str
) -> None:
    """No other schedule can be changed, and no other role be handed to Scheduler or anybody."""
    schedules = statement(default, function, "ScheduleEnds")
    role = statement(default, function, "HandOverTheRole")

    assert arn_text(schedules["Resource"]) == (
        "arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule/Loopbreaker-holds/*"
    )
    assert role["Action"] == "iam:PassRole"
    assert role["Resource"] == {"Fn::GetAtt": [way_back_role(default)[0], "Arn"]}
    assert role["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}


def way_back_role(synthesized: Synthesized) -> tuple[str, Json]:
    """The role of the schedules that end holds: its logical id and its properties."""
    (found,) = (
        (name, one["Properties"])
        for name, one in synthesized.of_type("AWS::IAM::Role").items()
        if "scheduler.amazonaws.com" in str(one["Properties"]["AssumeRolePolicyDocument"])
    )
    return found


def test_the_role_of_the_schedules_invokes_restore_and_nothing_else(default: Synthesized) -> None:
    """Besides, it may keep a dead letter; only schedules of the group can take it."""
    _, role = way_back_role(default)
    (policy,) = role["Policies"]
    invoke, keep = policy["PolicyDocument"]["Statement"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]

    assert (invoke["Action"], arn_text(invoke["Resource"])) == (
        "lambda:InvokeFunction",
        f"arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:{RESTORE}",
    )
    assert keep["Action"] == "sqs:SendMessage"
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    only = trust["Condition"]["StringEquals"]
    assert only["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert arn_text(only["aws:SourceArn"]) == (
        "arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>"
        ":schedule-group/Loopbreaker-holds"
    )


@pytest.mark.parametrize("function", [CONTAIN, RESTORE])
def test_the_guard_never_changes_itself(default: Synthesized, function: str) -> None:
    """Every change of functions that is allowed is denied on the guard's own functions."""
    changes = {
        action
        for action in allowed(default, function)
        if action.startswith("lambda:") and not action.startswith(("lambda:Get", "lambda:List"))
    }
    by_name = statement(default, function, "NeverOurOwnFunctions")
    by_mapping = statement(default, function, "NeverOurOwnMappings")

    assert changes == CHANGES
    assert changes == {*as_list(by_name["Action"]), *as_list(by_mapping["Action"])}
    assert by_name["Effect"] == by_mapping["Effect"] == "Deny"
    assert "Condition" not in by_name
    own = "arn:<AWS::Partition>:lambda:*:*:function:Loopbreaker-*"
    assert [arn_text(one) for one in as_list(by_name["Resource"])] == [own]
    assert arn_text(by_mapping["Condition"]["ArnLike"]["lambda:FunctionArn"]) == own


def test_the_denied_pattern_covers_every_guard_function(default: Synthesized) -> None:
    """All deployed functions have a name that the denial matches, also with a qualifier."""
    names = [one["FunctionName"] for one in default.properties("AWS::Lambda::Function")]

    assert sorted(names) == [CHART, CONTAIN, DIAGNOSE, PROTECT, RESTORE]
    assert all(fnmatchcase(f"{name}:live", "Loopbreaker-*") for name in names)


def test_contain_never_touches_exempt_functions(default: Synthesized) -> None:
    """Changes of concurrency and tags are denied on functions that carry the exempt tag."""
    denial = statement(default, CONTAIN, "NeverExemptFunctions")

    assert denial["Effect"] == "Deny"
    untag = "lambda:UntagResource"
    exempt = {"StringEquals": {"aws:ResourceTag/loopbreaker:exempt": "true"}}
    assert set(denial["Action"]) == CHANGES - {"lambda:UpdateEventSourceMapping", untag}
    assert denial["Condition"] == exempt
    tags = statement(default, CONTAIN, "NeverExemptTags")
    assert (tags["Effect"], tags["Action"]) == ("Deny", untag)
    assert tags["Condition"] == {
        **exempt,
        "ForAnyValue:StringNotLike": {"aws:TagKeys": [f"{tagged_snapshot.SNAPSHOT_TAG}*"]},
    }


def test_restore_may_put_back_a_function_that_became_exempt(default: Synthesized) -> None:
    """A function that gets the tag while it is contained can still be restored."""
    assert [one["Sid"] for one in default.statements(RESTORE) if "ResourceTag" in str(one)] == []


@pytest.mark.parametrize("function", [CONTAIN, RESTORE])
def test_only_own_tags_are_changed_and_never_the_exempt_tag(
    default: Synthesized, function: str
) -> None:
    """The guard writes tags of its own prefix, and leaves the one that people set."""
    own = statement(default, function, "ChangeOwnTags")["Condition"]
    denial = statement(default, function, "NeverTheExemptTag")

    assert own == {"ForAllValues:StringLike": {"aws:TagKeys": ["loopbreaker:*"]}}
    assert denial["Effect"] == "Deny"
    assert denial["Condition"] == {
        "ForAnyValue:StringEquals": {"aws:TagKeys": ["loopbreaker:exempt"]}
    }


@pytest.mark.parametrize("function", [CONTAIN, RESTORE, PROTECT])
def test_wildcard_resources(default: Synthesized, function: str) -> None:
    """Only the statements that AWS allows no resource for are allowed on `*`."""
    on_everything = {
        action
        for one in default.statements(function)
        if one["Effect"] == "Allow" and "*" in as_list(one["Resource"])
        for action in as_list(one["Action"])
    }

    assert on_everything <= {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "iam:ListAccountAliases",
        "lambda:GetAccountSettings",
        "lambda:ListEventSourceMappings",
        "tag:GetResources",
    }


@pytest.mark.parametrize("function", [CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART])
def test_events_go_to_the_default_bus_and_only_ours(default: Synthesized, function: str) -> None:
    """No other bus, and no event that looks like somebody else's."""
    send = statement(default, function, "SendEvents")

    assert send["Action"] == "events:PutEvents"
    assert arn_text(send["Resource"]) == (
        "arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default"
    )
    assert send["Condition"] == {"StringEquals": {"events:source": SOURCE}}
    assert SOURCE == EVENT_SOURCE


@pytest.mark.parametrize("function", [CONTAIN, RESTORE, PROTECT, DIAGNOSE, CHART])
def test_without_events_there_is_no_permission(synthesize: Synthesize, function: str) -> None:
    """`events=off` takes the right and the setting away; `chat=on` adds one topic to both."""
    made = synthesize(events="off", chat="on")
    (chat,) = (
        name
        for name, one in made.of_type("AWS::SNS::Topic").items()
        if one["Properties"]["DisplayName"] == "Loopbreaker chat"
    )
    variables = made.function(function)["Environment"]["Variables"]

    assert "events:PutEvents" not in allowed(made, function)
    assert "LOOPBREAKER_HAS_EVENTS" not in variables
    assert variables["LOOPBREAKER_CHAT_TOPIC_ARN"] == {"Ref": chat}
    assert {"Ref": chat} in statement(made, function, "Tell")["Resource"]


def test_protect_reserves_for_guard_functions_only(default: Synthesized) -> None:
    """The function that runs at deployments cannot change any function of the user."""
    arns = [arn_text(one) for one in statement(default, PROTECT, "Reserve")["Resource"]]

    assert arns == [
        f"arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:{name}"
        for name in (CONTAIN, RESTORE)
    ]


@pytest.mark.parametrize("verb", ["contain", "restore", "protect", "diagnose", "chart", "present"])
def test_policy_is_what_the_adapters_declare(synthesize: Synthesize, verb: str) -> None:
    """The actions declared beside the calls are the actions in the policy, both ways."""
    default = synthesize(dashboard="on")
    declared: set[str] = set()
    for module in importlib.import_module(f"functions.{verb}.wiring").ADAPTERS:
        assert module.__name__.startswith("functions.aws."), module
        declared |= module.IAM_ACTIONS

    granted = allowed(default, f"Loopbreaker-{verb}") - BY_THE_RUNTIME
    assert declared == granted, (
        f"stacks/components/permissions: allow {verb} {sorted(declared - granted)};"
        f" take {sorted(granted - declared)} away, or declare it in IAM_ACTIONS of the adapter"
    )


def test_every_adapter_declares_its_actions() -> None:
    """Each module of `functions.aws` that calls AWS by a client declares actions, well-formed."""
    root = Path(functions.aws.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "self._client." not in path.read_text():
            continue
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        module = importlib.import_module(f"functions.aws.{name}")
        assert module.IAM_ACTIONS, path.name
        for action in module.IAM_ACTIONS:
            assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z]+", action), (path.name, action)
