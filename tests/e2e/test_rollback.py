"""The rollback flag: what it restores, and what must restore nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from functions.domain.incidents.states import IncidentState
from sandbox.scenarios.provision import function_arn
from stacks.names import STACK_NAME
from tests.e2e.account import LONG_SPIKE_MINUTES, SPIKE_MINUTES, SPIKE_PER_MINUTE
from tests.e2e.deployment import DeploymentFailedError

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account

pytestmark = pytest.mark.e2e

PULSE = f"{STACK_NAME}-pulse"

# `restore` asks the real clock, the pulse lives by the sandbox's: at a higher speed the pulse would
# take a restore for one that died, and go on with it.
SPEED = 15.0
# A second runaway shortly after the first is unusual only where it is far higher.
FAR_HIGHER_PER_MINUTE = 20 * SPIKE_PER_MINUTE
UNRESERVED_MINIMUM = 100
ACCOUNT_LIMIT = 1000


@pytest.mark.function("again-and-again", reserved=20)
def test_the_same_flag_restores_again_and_again(account: Account, name: str) -> None:
    """A function that is contained a second time is restored a second time, to what it had."""
    before = account.settings(name)

    for times, per_minute in enumerate((SPIKE_PER_MINUTE, FAR_HIGHER_PER_MINUTE), 1):
        if times > 1:
            # What was measured before the restore is not held against the function again.
            account.wait_minutes(SPIKE_MINUTES + 1)
        account.contain(name, per_minute)
        assert account.settings(name) != before
        outputs = account.stack.deploy(rollback=name)

        account.until_settings(name, before)
        assert outputs["Restored"] == f"{name}: restored"
        assert len(account.mails("RESTORED", name)) == times


@pytest.mark.function("half-off", reserved=5)
def test_what_the_owner_had_switched_off_stays_off(account: Account, name: str) -> None:
    """A mapping that was disabled before stays disabled; 0 that was reserved before stays 0."""
    client = account.aws.client("lambda")
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    account.until(
        lambda: account.settings(name).mappings == ((mapping["UUID"], "Disabled"),), "disabled"
    )
    before = account.settings(name)

    account.contain(name)
    account.stack.deploy(rollback=name)

    account.until_settings(name, before)


@pytest.mark.function("left-contained")
def test_without_the_flag_nothing_is_restored(account: Account, name: str) -> None:
    """A deployment without the flag leaves what is contained contained."""
    account.contain(name)

    outputs = account.stack.deploy()

    assert outputs["Restored"] == "nothing was asked for"
    assert account.reserved(name) == 0
    assert not account.mails("RESTORED", name)
    account.stack.deploy(rollback=name)
    assert account.reserved(name) is None


@pytest.mark.function("held-before")
@pytest.mark.function("held-since")
def test_a_failed_deployment_restores_nothing(account: Account, names: list[str]) -> None:
    """CloudFormation's rollback repeats the old request; that must not release what is held."""
    before, name = names
    account.contain(before)
    account.stack.deploy(rollback="all")
    account.contain(name)

    broken = json.loads(account.stack.synthesize().template)
    (rollback,) = (
        logical_id
        for logical_id, resource in broken["Resources"].items()
        if resource["Type"] == "Custom::LoopbreakerRollback"
    )
    broken["Resources"]["Broken"] = {
        "Type": "Custom::Broken",
        "Properties": {"ServiceToken": function_arn("does-not-exist")},
        "DependsOn": rollback,
    }
    with pytest.raises(DeploymentFailedError, match="UPDATE_ROLLBACK_COMPLETE"):
        account.stack.apply(json.dumps(broken))

    assert account.reserved(name) == 0
    assert not account.mails("RESTORED", name)
    account.stack.deploy(rollback=name)
    assert account.reserved(name) is None


@pytest.mark.function("greedy")
@pytest.mark.function("wants-many", reserved=300)
@pytest.mark.function("wants-nothing")
def test_a_refused_restore_fails_the_deployment_and_stays_open(
    account: Account, names: list[str]
) -> None:
    """AWS's words and the function's name are in the error; the others are restored."""
    greedy, refused, other = names
    account.contain(refused)
    account.contain(other)
    account.aws.client("lambda").put_function_concurrency(
        FunctionName=greedy, ReservedConcurrentExecutions=ACCOUNT_LIMIT - UNRESERVED_MINIMUM - 100
    )

    with pytest.raises(DeploymentFailedError) as failure:
        account.stack.deploy(rollback=f"{refused},{other}")

    assert refused in str(failure.value)
    assert f"below its minimum value of [{UNRESERVED_MINIMUM}]" in str(failure.value)
    assert account.reserved(refused) == 0
    assert account.reserved(other) is None
    incident = account.incident(refused)
    assert incident is not None
    assert incident.state is IncidentState.CONTAINED
    assert account.mail("RESTORE FAILED", refused)

    account.aws.client("lambda").delete_function_concurrency(FunctionName=greedy)
    account.stack.deploy(rollback=refused)

    assert account.reserved(refused) == 300
    assert account.incident(refused) is None


@pytest.mark.function("left-behind", reserved=7)
@pytest.mark.function("only-held", reserved=30, may_be_held=True)
def test_deleting_the_stack_names_what_is_contained_and_lets_go_what_is_held(
    account: Account, names: list[str], aws: LocalAws
) -> None:
    """The last notices tell what stays stopped, how to restore it, and what runs again."""
    name, held = names
    account.contain(name)
    account.stack.deploy(response="hold")
    account.spike(held, minutes=LONG_SPIKE_MINUTES)
    assert account.mail("] HELD", held)
    aws.client("events").disable_rule(Name=PULSE)  # it would let it go again by itself

    account.stack.delete()

    mail = account.mail("STACK DELETED")
    assert account.reserved(name) == 0
    assert name in mail.body
    assert held not in mail.body
    assert f"aws lambda put-function-concurrency --function-name {name}" in mail.body
    assert "--reserved-concurrent-executions 7" in mail.body
    assert account.reserved(held) == 30
    assert "stack deleted" in account.mail("RESTORED BY LOOPBREAKER", held).subject
    tables = aws.client("dynamodb").list_tables()["TableNames"]
    assert any("Ledger" in table for table in tables)
