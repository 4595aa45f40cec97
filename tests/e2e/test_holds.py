"""Holds in the local AWS: a loop is held, let go a little, held again, and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.scenarios.catalogue import make_loop

if TYPE_CHECKING:
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

SPEED = 30.0
ROUNDS = 3
SWEEP_MINUTES = "5"
HELD_WITHIN_MINUTES = 60
SHOWN_WITHIN_MINUTES = 150
# Its mappings were switched up to six times by then; how soon they poll again is AWS's affair.
POKED_WITHIN_MINUTES = 120


@pytest.fixture(scope="module", autouse=True)
def flags(stack: Deployment) -> None:
    """Hold what is suspected, as a deployment does that says nothing else."""
    stack.deploy(sweep_minutes=SWEEP_MINUTES, response="hold")


# The other two loops run here with hardly more than one execution at a time: no cap would bind.
@pytest.mark.parametrize("kind", ["chain", "dynamodb", "sqs"])
def test_a_loop_is_held_shown_and_put_back(account: Account, kind: str) -> None:
    """Its events wait meanwhile, and everything comes back exactly."""
    loop = make_loop(kind, account.aws)
    loop.deploy()
    account.past(*loop.functions)
    before = loop.settings()

    loop.seed(ROUNDS)
    account.until(
        lambda: any(account.incident(one) for one in loop.functions),
        f"{loop.functions} is held",
        HELD_WITHIN_MINUTES,
    )
    held = next(one for one in loop.functions if account.incident(one))
    assert account.mail("] HELD", held)
    account.until(
        lambda: bool(account.contained(loop.functions)), f"{kind} is shown", SHOWN_WITHIN_MINUTES
    )

    loop.fix()
    account.stack.deploy(
        sweep_minutes=SWEEP_MINUTES, response="hold", rollback="all", rollback_force="yes"
    )
    account.until(lambda: loop.settings() == before, "all settings are as before")
    loop.rest()
    outcome = loop.poke(POKED_WITHIN_MINUTES)

    assert outcome, outcome
    # `restore` asks the real clock: to the guard, what was measured just before seems to come after
    # it. Then it holds the other function of a chain once more, and lets it go.
    account.until(lambda: loop.settings() == before, "all settings are as before")
