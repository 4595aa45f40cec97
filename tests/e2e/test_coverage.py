"""The alarm that watches each function by itself, and a function with provisioned concurrency."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sandbox.scenarios.catalogue import make_loop
from stacks.names import CONTAIN

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

SPEED = 30.0


@pytest.fixture(scope="module", autouse=True)
def flags(stack: Deployment) -> None:
    """One alarm over all functions; no sweep, and an account alarm that never rings."""
    stack.deploy(coverage="function")


def _judged(aws: LocalAws, function: str) -> set[str]:
    """The signals on which the guard judged a function."""
    events = aws.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{CONTAIN}", filterPattern="verdict"
    )["events"]
    records = [json.loads(one["message"]) for one in events if one["message"].startswith("{")]
    return {one["signal"] for one in records if one.get("function") == function}


def test_a_loop_sets_off_the_alarm_that_names_it(account: Account) -> None:
    """Alarm, contributor event, containment and rollback, with nothing brought by the test."""
    loop = make_loop("sqs", account.aws)
    loop.deploy()
    (name,) = loop.functions
    account.past(name)
    before = loop.settings()

    loop.seed(3)
    account.until(lambda: account.reserved(name) == 0, f"{name} contained")
    mail = account.mail("STOPPED", name)
    loop.rest()
    loop.fix()
    account.stack.deploy(coverage="function", rollback=name)
    loop.rest()

    assert "contributor" in _judged(account.aws, name)
    assert len(account.mails("STOPPED", name)) == 1
    assert f"-c rollback={name}" in mail.body
    assert loop.poke()
    assert loop.settings() == before


def test_provisioned_concurrency_is_taken_away_and_comes_back(account: Account) -> None:
    """AWS refuses 0 beside provisioned concurrency: it gives way, and a restore brings it back."""
    name = account.function("warm-orders", reserved=20)
    client = account.aws.client("lambda")
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    client.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="live", ProvisionedConcurrentExecutions=5
    )
    before = account.settings(name)

    account.contain(name)
    during = account.settings(name)
    account.stack.deploy(coverage="function", rollback=name)

    assert [requested for _, requested in before.provisioned_concurrency] == [5]
    assert (during.provisioned_concurrency, account.reserved(name)) == ((), 20)
    account.until_settings(name, before)
