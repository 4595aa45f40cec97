"""Coming back carefully: on probation, and past a loop that is still closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.scenarios.catalogue import make_loop
from tests.e2e.deployment import DeploymentFailedError

if TYPE_CHECKING:
    from sandbox.scenarios.loops import Loop
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

# `restore` asks the real clock, the pulse lives by the sandbox's: see test_rollback.
SPEED = 15.0
ROUNDS = 3
SWEEP_MINUTES = "5"
CONTAINED_WITHIN_MINUTES = 200
# It is let go for some ten minutes and held again for as many, and mappings are slow to switch.
OVER_WITHIN_MINUTES = 80
POKED_WITHIN_MINUTES = 120
RESERVED = 20


@pytest.fixture(scope="module", autouse=True)
def flags(stack: Deployment) -> None:
    """Look at all functions often."""
    stack.deploy(sweep_minutes=SWEEP_MINUTES)


def run_away(account: Account, kind: str) -> Loop:
    """A loop that runs until one of its functions is stopped, or stays held."""
    loop = make_loop(kind, account.aws)
    loop.deploy()
    (name,) = loop.functions
    account.aws.client("lambda").put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=RESERVED
    )
    account.past(name)
    loop.seed(ROUNDS)
    account.until(
        lambda: bool(account.contained(loop.functions)),
        f"{name} contained",
        CONTAINED_WITHIN_MINUTES,
    )
    return loop


@pytest.mark.parametrize(("kind", "is_forced"), [("dynamodb", False), ("sqs", True)])
def test_a_fixed_function_passes_its_probation_and_one_that_loops_does_not(
    account: Account, kind: str, *, is_forced: bool
) -> None:
    """Restored exactly, or held as before, with one notice each; or by force after the fix."""
    loop = run_away(account, kind)
    (name,) = loop.functions
    before_probation = account.settings(name)
    stopped = account.state(name)

    careful = account.stack.deploy(
        sweep_minutes=SWEEP_MINUTES, rollback=name, rollback_mode="probation"
    )

    assert f"{name}: on probation" in careful["Restored"]
    assert account.mail("ON PROBATION", name)
    account.until(
        lambda: bool(account.mails("AGAIN:", name)), f"{name} is held again", OVER_WITHIN_MINUTES
    )
    assert account.state(name) is stopped
    assert account.reserved(name) == before_probation.reserved_concurrency
    assert len(account.mails("AGAIN:", name)) == 1

    with pytest.raises(DeploymentFailedError, match="still closed in the event graph"):
        account.stack.deploy(sweep_minutes=SWEEP_MINUTES, rollback=name)
    assert account.state(name) is stopped

    loop.fix()
    how = {"rollback_force": "yes"} if is_forced else {"rollback_mode": "probation"}
    account.stack.deploy(sweep_minutes=SWEEP_MINUTES, rollback=name, **how)
    account.until(
        lambda: account.incident(name) is None, f"{name} is restored", OVER_WITHIN_MINUTES
    )

    assert account.reserved(name) == RESERVED
    restored = account.mail("RESTORED", name)  # it is sent after the incident is closed
    assert ("probation passed" in restored.subject) is not is_forced
    assert len(account.mails("RESTORED", name)) == 1
    loop.rest()
    outcome = loop.poke(POKED_WITHIN_MINUTES)
    assert outcome, outcome
    assert {one.reserved_concurrency for one in loop.settings().values()} == {RESERVED}
