"""The part of the template that diagnoses: what wakes it, and what it may do with which flags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest

from functions.aws.diagnosis import function_changes as repairs
from functions.domain.diagnosis.remedy import RemedyKind
from stacks.flag_values import Remedy
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.test_patterns import rules_for
from tests.infrastructure.test_permissions import (
    BY_THE_RUNTIME,
    CHANGE_FUNCTIONS,
    DIAGNOSE,
    LEDGER,
    RESTORE,
    TELL,
    WAY_BACK,
    allowed,
    arn_text,
    as_list,
    statement,
)

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesize, Synthesized

READING = {
    "apigateway:GET",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "dynamodb:GetResourcePolicy",
    "events:DescribeRule",
    "events:ListEventBuses",
    "events:ListRules",
    "events:ListTargetsByRule",
    "firehose:DescribeDeliveryStream",
    "firehose:ListDeliveryStreams",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAccountAliases",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:SimulatePrincipalPolicy",
    "kinesis:GetResourcePolicy",
    "lambda:GetEventSourceMapping",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionRecursionConfig",
    "lambda:GetPolicy",
    "lambda:ListAliases",
    "lambda:ListEventSourceMappings",
    "lambda:ListFunctionEventInvokeConfigs",
    "lambda:ListFunctionUrlConfigs",
    "lambda:ListFunctions",
    "lambda:ListTags",
    "logs:DescribeAccountPolicies",
    "logs:DescribeLogGroups",
    "logs:DescribeSubscriptionFilters",
    "logs:FilterLogEvents",
    "pipes:DescribePipe",
    "pipes:ListPipes",
    "s3:GetBucketNotification",
    "s3:GetBucketPolicy",
    "s3:GetReplicationConfiguration",
    "s3:ListAllMyBuckets",
    "scheduler:GetSchedule",
    "scheduler:ListSchedules",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptions",
    "sqs:GetQueueAttributes",
    "sqs:ListDeadLetterSourceQueues",
    "states:DescribeStateMachine",
    "states:ListStateMachines",
    "tag:GetResources",
}
# What Lambda does with the queue of denied invocations, by the role of the function.
QUEUE = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
ALWAYS = READING | LEDGER | BY_THE_RUNTIME | QUEUE | TELL
UPDATE = "lambda:UpdateFunctionConfiguration"
ROLES = {"iam:DeleteRolePolicy", "iam:PutRolePolicy"}
PERMISSIONS = {"lambda:AddPermission", "lambda:RemovePermission"}
ALL = {"remedies": ",".join(RemedyKind), "memory_ceiling_mb": "2048"}
MEMORY = {"remedies": "memory", "memory_ceiling_mb": "512"}


@pytest.mark.parametrize(
    ("flags", "changes"),
    [
        ({}, set()),
        ({"remedies": "logs"}, ROLES | {UPDATE}),
        ({"remedies": "traces"}, {UPDATE}),
        (MEMORY, {UPDATE}),
        ({"remedies": "permissions"}, PERMISSIONS),
        (ALL, ROLES | PERMISSIONS | {UPDATE}),
    ],
)
def test_a_change_is_allowed_only_with_its_flag(
    synthesize: Synthesize, flags: dict[str, str], changes: set[str]
) -> None:
    """Without `remedies` the diagnosis may change nothing; with it what was named, no more."""
    assert allowed(synthesize(**flags), DIAGNOSE) == ALWAYS | changes


@pytest.mark.parametrize(
    ("flags", "undoing"),
    [
        ({}, set()),
        (
            {"remedies": "logs"},
            {
                "iam:DeleteRolePolicy",
                "iam:GetRolePolicy",
                UPDATE,
                "lambda:GetFunctionConfiguration",
            },
        ),
        ({"remedies": "traces"}, {UPDATE, "lambda:GetFunctionConfiguration"}),
        (
            {"remedies": "permissions"},
            {"lambda:GetFunctionConfiguration", "lambda:RemovePermission"},
        ),
    ],
)
def test_what_is_allowed_may_be_taken_back(
    synthesize: Synthesize, flags: dict[str, str], undoing: set[str]
) -> None:
    """`restore` may undo the allowed kinds of remedies, and grants nothing itself."""
    assert allowed(synthesize(**flags), RESTORE) == (
        CHANGE_FUNCTIONS
        | LEDGER
        | WAY_BACK
        | BY_THE_RUNTIME
        | TELL
        | {"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "iam:ListAccountAliases"}
        | undoing
    )


def test_every_kind_has_its_word_and_its_actions() -> None:
    """The flag has a word for each kind of remedy, and the adapter declares what each needs."""
    words, declared = set(get_args(Remedy)), set(repairs.IAM_ACTIONS_BY_REMEDY)

    assert words == set(RemedyKind), "Remedy of stacks/config.py and RemedyKind differ"
    assert declared == set(RemedyKind), "IAM_ACTIONS_BY_REMEDY and RemedyKind differ"


@pytest.mark.parametrize("kind", RemedyKind)
def test_a_remedy_may_be_undone(synthesize: Synthesize, kind: RemedyKind) -> None:
    """What a kind of remedy changes `restore` may change back, and only then."""
    flags = MEMORY if kind is RemedyKind.MEMORY else {"remedies": kind.value}

    more = allowed(synthesize(**flags), RESTORE) - allowed(synthesize(), RESTORE)

    assert more & repairs.IAM_ACTIONS_BY_REMEDY[kind], (
        f"stacks/components/permissions does not let restore undo {kind}"
    )


@pytest.mark.parametrize("kind", RemedyKind)
def test_a_remedy_has_all_that_its_adapter_declares(
    synthesize: Synthesize, kind: RemedyKind
) -> None:
    """What the calls of a kind of remedy need is in the policy once the kind is allowed."""
    flags = MEMORY if kind is RemedyKind.MEMORY else {"remedies": kind.value}

    granted = allowed(synthesize(**flags), DIAGNOSE)

    missing = repairs.IAM_ACTIONS_BY_REMEDY[kind] - granted
    assert not missing, f"stacks/components/permissions: allow diagnose {missing} for {kind}"
    assert (
        granted - READING - LEDGER - BY_THE_RUNTIME - QUEUE - TELL
        <= (repairs.IAM_ACTIONS_BY_REMEDY[kind])
    )


def test_remedies_never_touch_the_guard_and_exempt_functions(synthesize: Synthesize) -> None:
    """Every change of a function is denied on our own functions and on exempt ones."""
    stack = synthesize(**ALL)
    own = statement(stack, DIAGNOSE, "NeverOurOwnFunctions")
    exempt = statement(stack, DIAGNOSE, "NeverExemptFunctions")

    assert own["Effect"] == exempt["Effect"] == "Deny"
    assert set(own["Action"]) == set(exempt["Action"]) == PERMISSIONS | {UPDATE}
    assert [arn_text(one) for one in as_list(own["Resource"])] == [
        "arn:<AWS::Partition>:lambda:*:*:function:Loopbreaker-*"
    ]
    assert exempt["Condition"] == {"StringEquals": {"aws:ResourceTag/loopbreaker:exempt": "true"}}


def test_remedies_never_touch_roles_that_are_nobody_s_function(synthesize: Synthesize) -> None:
    """Roles of the guard, of AWS and of the CDK, and exempt ones, are denied."""
    stack = synthesize(**ALL)
    never = statement(stack, DIAGNOSE, "NeverTheseRoles")
    exempt = statement(stack, DIAGNOSE, "NeverExemptRoles")
    roles = "arn:<AWS::Partition>:iam::<AWS::AccountId>:role"

    assert never["Effect"] == exempt["Effect"] == "Deny"
    assert set(never["Action"]) == set(exempt["Action"]) == ROLES
    assert [arn_text(one) for one in never["Resource"]] == [
        f"{roles}/Loopbreaker-*",
        f"{roles}/aws-reserved/*",
        f"{roles}/aws-service-role/*",
        f"{roles}/cdk-*",
    ]
    assert exempt["Condition"] == {"StringEquals": {"aws:ResourceTag/loopbreaker:exempt": "true"}}


def test_only_services_are_ever_admitted(synthesize: Synthesize) -> None:
    """IAM itself refuses a permission for an account, a role or everybody."""
    admit = statement(synthesize(**ALL), DIAGNOSE, "AdmitServices")

    assert admit["Action"] == "lambda:AddPermission"
    assert admit["Condition"] == {
        "StringLike": {"lambda:Principal": ["*.amazonaws.com", "*.amazonaws.com.cn"]}
    }


@pytest.mark.parametrize("flags", [{}, ALL])
def test_only_reading_is_allowed_on_everything(
    synthesize: Synthesize, flags: dict[str, str]
) -> None:
    """What is allowed on `*` describes the account and changes nothing."""
    on_everything = {
        action
        for one in synthesize(**flags).statements(DIAGNOSE)
        if one["Effect"] == "Allow" and "*" in as_list(one["Resource"])
        for action in as_list(one["Action"])
    }

    assert on_everything <= READING - {"logs:FilterLogEvents", "iam:SimulatePrincipalPolicy"}
    verbs = ("Get", "List", "Describe")
    assert [one for one in on_everything if not one.partition(":")[2].startswith(verbs)] == []


def test_settings(full: Synthesized, default: Synthesized) -> None:
    """The flags reach the diagnosis; without them nothing is allowed."""
    given = full.function(DIAGNOSE)["Environment"]["Variables"]
    none = default.function(DIAGNOSE)["Environment"]["Variables"]

    assert given["LOOPBREAKER_REMEDIES"] == "logs,traces,permissions,memory"
    assert given["LOOPBREAKER_MEMORY_CEILING_MB"] == "2048"
    assert given["LOOPBREAKER_MODE"] == "observe"
    assert given["LOOPBREAKER_EXEMPT"] == "billing,audit"
    assert none["LOOPBREAKER_REMEDIES"] == ""
    assert none["LOOPBREAKER_MEMORY_CEILING_MB"] == "0"


def test_question_and_answer(full: Synthesized, default: Synthesized) -> None:
    """The flag reaches the custom resource with a nonce; without it both are empty."""
    (asked,) = full.of_type("Custom::LoopbreakerDiagnosis").values()
    (nothing,) = default.of_type("Custom::LoopbreakerDiagnosis").values()
    (name,) = full.of_type("Custom::LoopbreakerDiagnosis")

    assert asked["Properties"]["Function"] == "orders"
    assert asked["Properties"]["Nonce"]
    assert (nothing["Properties"]["Function"], nothing["Properties"]["Nonce"]) == ("", "")
    assert full.template["Outputs"]["Diagnosis"]["Value"] == {"Fn::GetAtt": [name, "Diagnosis"]}


def test_a_question_restores_nothing(synthesize: Synthesize) -> None:
    """Asking brings no new nonce to the rollback."""
    stack = synthesize(diagnose="orders")

    assert stack.one("Custom::LoopbreakerRollback")["Nonce"] == ""


def test_it_runs_every_hour(default: Synthesized) -> None:
    """Every hour it goes on with what is due."""
    assert default.rule("Loopbreaker-diagnosis")["ScheduleExpression"] == "rate(1 hour)"


def _payload(name: str, **detail: Any) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "tests/events" / f"{name}.json").read_text())
    event["detail"] |= detail
    return event


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("cloudtrail.add_permission", {"chart-functions", "diagnosis-functions"}),
        ("cloudtrail.update_function_configuration", {"chart-functions", "diagnosis-functions"}),
        ("cloudtrail.put_role_policy", {"chart-roles", "diagnosis-roles"}),
        ("cloudtrail.invoke_denied", {"denied-invocations"}),
        ("cloudtrail.put_function_concurrency", {"change"}),
    ],
)
def test_payloads(default: Synthesized, name: str, rules: set[str]) -> None:
    """Each payload sets off its rules and no other."""
    assert rules_for(default, _payload(name)) == rules


def test_invocations_that_were_let_in_wake_nobody(default: Synthesized) -> None:
    """A trail with data events tells of each invocation; only denied ones are heard."""
    event = _payload("cloudtrail.invoke_denied")
    del event["detail"]["errorCode"]

    assert rules_for(default, event) == set()
