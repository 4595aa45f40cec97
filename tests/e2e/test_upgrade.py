"""A deployment of today's code over an earlier version that holds functions.

What an earlier version has stored is read, nothing that it did is forgotten, and a rollback puts
each function back exactly as it was.
"""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pytest

from functions.domain.incidents.states import IncidentState
from sandbox.local_aws import SandboxTimeoutError
from stacks.names import EXEMPT_TAG, STACK_NAME
from tests.e2e.account import SPIKE_MINUTES, SPIKE_PER_MINUTE
from tests.e2e.deployment import Deployment, DeploymentFailedError
from tests.e2e.earlier import Earlier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.local_aws import LocalAws
    from sandbox.scenarios.provision import FunctionSettings
    from tests.e2e.account import Account

pytestmark = pytest.mark.e2e

# Its code limits what it suspects to a cap, and knows neither holds nor schedules.
COMMIT: Final = "68b12d2653ad2219fc17f7a7d28c3cd7548f0e67"
# `restore` asks the real clock, the pulse lives by the sandbox's.
SPEED = 15.0
PULSE: Final = f"{STACK_NAME}-pulse"
OFTEN: Final = 100_000
ALIAS: Final = "live"
PROVISIONED: Final = 5
# That version goes by the shape of a spike: it must still be there when it is looked at.
BURNING_MINUTES: Final = 12
LOOKED_AT_EVERY_MINUTES: Final = 2
SET_BY_A_PERSON: Final = 3

CONTAINED: Final = "was-contained"
CONTAINING: Final = "was-containing"
CAPPED: Final = "was-capped"
CAPPING: Final = "was-capping"
NOTIFIED: Final = "was-notified"
RELEASED: Final = "was-released"
RESTORING: Final = "was-restoring"
STATES: Final = {
    CONTAINED: IncidentState.CONTAINED,
    CONTAINING: IncidentState.CONTAINING,
    CAPPED: IncidentState.CAPPED,
    CAPPING: IncidentState.CAPPING,
    NOTIFIED: IncidentState.NOTIFIED,
    RELEASED: IncidentState.RELEASED,
    RESTORING: IncidentState.RESTORING,
}


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    """The earlier version."""
    return Earlier.out_of_history(COMMIT, tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module")
def stack(earlier: Earlier, aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The stack of the earlier version, in place of today's.

    That version does not wait for rights that were just written.
    """
    deployment = Deployment(aws, tmp_path_factory.mktemp("assembly"))
    with aws.prompt_rights():
        deployment.deploy_earlier(earlier)
    return deployment


@pytest.fixture
def before(account: Account, functions: None) -> dict[str, FunctionSettings]:
    """What each function is like before anything is stopped."""
    client = account.aws.client("lambda")
    version = client.publish_version(FunctionName=CONTAINED)["Version"]
    client.create_alias(FunctionName=CONTAINED, Name=ALIAS, FunctionVersion=version)
    client.put_provisioned_concurrency_config(
        FunctionName=CONTAINED, Qualifier=ALIAS, ProvisionedConcurrentExecutions=PROVISIONED
    )
    account.until(
        lambda: bool(account.settings(CONTAINED).provisioned_concurrency), "it is provisioned"
    )
    return {name: account.settings(name) for name in STATES}


@pytest.mark.function(CONTAINED, reserved=20)
@pytest.mark.function(CONTAINING, reserved=9, may_be_held=True)
@pytest.mark.function(CAPPED, reserved=30)
@pytest.mark.function(CAPPING)
@pytest.mark.function(NOTIFIED, tags={EXEMPT_TAG: "true"})
@pytest.mark.function(RELEASED, reserved=7)
@pytest.mark.function(RESTORING, reserved=12)
def test_an_upgrade_forgets_nothing(
    account: Account, earlier: Earlier, before: dict[str, FunctionSettings]
) -> None:
    """Seven functions in seven states: all are read by today's code, and all come back."""
    _hold_them(account, earlier)

    account.stack.deploy(response="hold")

    assert {name: account.state(name) for name in STATES} == STATES
    account.aws.heal()
    account.aws.client("events").enable_rule(Name=PULSE)
    account.let_pulses_pass()
    assert account.settings(NOTIFIED) == before[NOTIFIED]
    assert account.reserved(CONTAINED) == 0
    account.stack.deploy(response="hold", rollback="all", rollback_force="yes")
    theirs = dataclasses.replace(before[RELEASED], reserved_concurrency=SET_BY_A_PERSON)
    for name, settings in {**before, RELEASED: theirs}.items():
        account.until_settings(name, settings)
    assert not account.mails("UNREADABLE")


def _hold_them(account: Account, earlier: Earlier) -> None:
    """Let the earlier version hold each function in its state."""
    _spike(account, dict.fromkeys((CONTAINED, RELEASED, RESTORING), IncidentState.CONTAINED))
    account.aws.client("lambda").put_function_concurrency(
        FunctionName=RELEASED, ReservedConcurrentExecutions=SET_BY_A_PERSON
    )
    assert account.mail("RELEASED", RELEASED)
    account.stack.deploy_earlier(earlier, response="cap")
    # From here on nothing goes on by itself.
    account.aws.client("events").disable_rule(Name=PULSE)
    _break_off_restore(account, earlier)
    _spike(account, {name: STATES[name] for name in (CAPPED, NOTIFIED)})
    # Reservations take effect, and `contain` does not hear of it.
    _lose_answers(account, "lambda:PutFunctionConcurrency", role="Contain")
    # What the event graph is certain of is stopped, whatever else is capped.
    unchanged = {name: account.reserved(name) for name in (CONTAINING, CAPPING)}
    _spike(account, {name: STATES[name] for name in unchanged})
    account.until(
        lambda: all(account.reserved(name) != was for name, was in unchanged.items()),
        "reservations took effect",
    )
    assert {name: account.state(name) for name in STATES} == STATES


def _spike(account: Account, wanted: Mapping[str, IncidentState]) -> None:
    """Let metrics look like those of loops, until the functions' incidents are in these states."""
    with ThreadPoolExecutor(len(wanted)) as pool:
        list(pool.map(lambda name: _spike_one(account, name, wanted[name]), wanted))


def _spike_one(account: Account, name: str, wanted: IncidentState) -> None:
    account.burn(name, SPIKE_PER_MINUTE, SPIKE_MINUTES, further_minutes=BURNING_MINUTES)
    for _ in range(BURNING_MINUTES // LOOKED_AT_EVERY_MINUTES):
        account.signal(name)
        with suppress(SandboxTimeoutError):
            account.until(
                lambda: account.state(name) is wanted,
                f"{name} is {wanted}",
                LOOKED_AT_EVERY_MINUTES,
            )
            return
    raise AssertionError(f"{name} is {account.state(name)}, not {wanted}")


def _break_off_restore(account: Account, earlier: Earlier) -> None:
    """Let `restore` begin, and then not reach its ledger any more."""
    _lose_answers(account, "dynamodb:UpdateItem", role="Restore")
    with pytest.raises(DeploymentFailedError):
        account.stack.deploy_earlier(earlier, response="cap", rollback=RESTORING)
    account.aws.heal()
    assert account.state(RESTORING) is IncidentState.RESTORING


def _lose_answers(account: Account, action: str, *, role: str) -> None:
    account.aws.fail(
        action, "InternalServerError", status=500, times=OFTEN, role=role, is_applied=True
    )
