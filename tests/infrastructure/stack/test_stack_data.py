"""What the stack keeps, whom it tells, and what happens at a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Token

from tests.infrastructure.stack.resources import (
    CHART,
    CONTAIN,
    DIAGNOSE,
    LASTING,
    RESTORE,
    logical_id,
)

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesized


def test_ledger_survives(default: Synthesized) -> None:
    """The table outlives the stack, cannot be deleted in passing and can be put back."""
    (table,) = default.of_type("AWS::DynamoDB::Table").values()
    properties = table["Properties"]

    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]


def test_queues_are_encrypted_and_dead_letters_kept(default: Synthesized) -> None:
    """Dead letters are kept for two weeks, and all queues encrypt and refuse plain HTTP."""
    queues = default.properties("AWS::SQS::Queue")
    refusals = [
        statement
        for policy in default.properties("AWS::SQS::QueuePolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]

    assert len(queues) == len(refusals) == 3
    assert all(one["SqsManagedSseEnabled"] is True for one in queues)
    assert sorted(one["MessageRetentionPeriod"] // 86_400 for one in queues) == [1, 14, 14]
    assert all(one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}} for one in refusals)


def test_topic_takes_tls_and_the_alarms_on_the_guard(default: Synthesized) -> None:
    """Only alarms on the guard of this account may publish by the topic's policy."""
    statements = default.one("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (denial,) = (one for one in statements if one["Effect"] == "Deny")
    (allowance,) = (one for one in statements if one["Effect"] == "Allow")

    assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allowance["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowance["Condition"]["StringEquals"] == {
        "aws:SourceAccount": {"Ref": "AWS::AccountId"}
    }
    source: Any = allowance["Condition"]["ArnLike"]["aws:SourceArn"]
    assert source["Fn::Join"][1][-1] == ":alarm:Loopbreaker-guard-*"


def test_subscriptions(full: Synthesized, default: Synthesized) -> None:
    """Each address is subscribed; without the flag nobody is."""
    subscribed = {
        (one["Protocol"], one["Endpoint"]) for one in full.properties("AWS::SNS::Subscription")
    }

    assert subscribed == {("email", "a@example.com"), ("email", "b@example.com")}
    assert default.properties("AWS::SNS::Subscription") == []


def test_rollback_properties(full: Synthesized) -> None:
    """The flag reaches `restore` as a list, with the nonce that makes it run again."""
    restore = logical_id(full, "AWS::Lambda::Function", "FunctionName", RESTORE)

    assert full.one("Custom::LoopbreakerRollback") == {
        "ServiceToken": {"Fn::GetAtt": [restore, "Arn"]},
        "ServiceTimeout": "900",
        "Rollback": ["orders", "enrich"],
        "Mode": "now",
        "Nonce": "0123456789abcdef",
        "StackName": "Loopbreaker",
    }


def test_no_rollback_without_the_flag(default: Synthesized) -> None:
    """Without the flag the properties are empty and always the same."""
    properties = default.one("Custom::LoopbreakerRollback")

    assert (properties["Rollback"], properties["Nonce"]) == ([], "")


def test_rollback_comes_last_and_goes_first(full: Synthesized) -> None:
    """All that `restore` needs is there before it is asked and still there when it is deleted."""
    (rollback,) = full.of_type("Custom::LoopbreakerRollback").values()
    needed = {
        name
        for resource_type in (
            "AWS::SNS::Topic",
            "AWS::SNS::TopicPolicy",
            "AWS::SNS::Subscription",
            "AWS::DynamoDB::Table",
            "Custom::LoopbreakerReservation",
        )
        for name in full.of_type(resource_type)
    } | {
        name
        for name, resource in full.template["Resources"].items()
        if name.startswith(("Contain", "Restore"))
        and resource["Type"]
        in {
            "AWS::Lambda::Function",
            "AWS::IAM::Role",
            "AWS::Logs::LogGroup",
            "AWS::Lambda::EventInvokeConfig",
        }
    }

    assert needed <= set(rollback["DependsOn"])


def test_no_hold_can_begin_while_the_stack_is_deleted(default: Synthesized) -> None:
    """The schedules' group goes before the holds are ended, and without it nothing is held."""
    (rollback,) = default.of_type("Custom::LoopbreakerRollback")
    (group,) = default.of_type("AWS::Scheduler::ScheduleGroup").values()

    assert group["DependsOn"] == [rollback]


def test_reservation_is_asked_for_both_functions(default: Synthesized) -> None:
    """Concurrency is asked for the functions that must run during a runaway."""
    assert default.one("Custom::LoopbreakerReservation")["Functions"] == {CONTAIN: 5, RESTORE: 2}


def test_changed_flags_ask_the_account_anew(default: Synthesized, full: Synthesized) -> None:
    """A deployment with another flag makes CloudFormation call both resources again."""
    for resource_type in ("Custom::LoopbreakerAccount", "Custom::LoopbreakerReservation"):
        assert default.one(resource_type)["Flags"] != full.one(resource_type)["Flags"]


def test_outputs(default: Synthesized) -> None:
    """The outputs say where things are, what they cost and how to restore."""
    outputs = default.template["Outputs"]
    (account,) = default.of_type("Custom::LoopbreakerAccount")
    (reservation,) = default.of_type("Custom::LoopbreakerReservation")
    (rollback,) = default.of_type("Custom::LoopbreakerRollback")

    assert set(outputs) == {
        "NoticeTopic",
        "LedgerTable",
        "RollbackCommand",
        "Restored",
        "Diagnosis",
        "Protection",
        "AccountAlarm",
        "ExemptFunctions",
        "MonthlyCost",
        "Watch",
    }
    assert outputs["Restored"]["Value"] == {"Fn::GetAtt": [rollback, "Restored"]}
    assert outputs["MonthlyCost"]["Value"] == {"Fn::GetAtt": [account, "MonthlyCost"]}
    assert outputs["Protection"]["Value"] == {"Fn::GetAtt": [reservation, "Protection"]}
    assert outputs["RollbackCommand"]["Value"] == (
        "npx cdk deploy -c email=none -c rollback=FUNCTION"
    )


def test_restore_commands_repeat_the_flags(full: Synthesized, default: Synthesized) -> None:
    """A restore command without the flags of the deployment would take the mail away."""
    assert full.template["Outputs"]["RollbackCommand"]["Value"] == (
        f"npx cdk deploy {LASTING} -c rollback=FUNCTION"
    )
    for function in (CONTAIN, RESTORE, DIAGNOSE, CHART):
        variables = full.function(function)["Environment"]["Variables"]
        assert variables["LOOPBREAKER_DEPLOY_FLAGS"] == LASTING
        variables = default.function(function)["Environment"]["Variables"]
        assert variables["LOOPBREAKER_DEPLOY_FLAGS"] == "-c email=none"


def test_environment_agnostic(default: Synthesized) -> None:
    """The template names no account and no Region, so it deploys anywhere."""
    assert Token.is_unresolved(default.stack.account)
    assert Token.is_unresolved(default.stack.region)
