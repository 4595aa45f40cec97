"""Each of the five loops, from the first invocation to an exact restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.demo.watch import STOPPED
from sandbox.scenarios.catalogue import LOOPS, BurstFunction, SteadyFunction, make_loop
from tests.e2e.account import CHART_MINUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.local_aws import LocalAws
    from sandbox.scenarios.healthy_functions import HealthyFunction
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

# Loops really run here: a CloudWatch minute has to be long enough to count some rounds.
SPEED = 30.0
ROUNDS = 3
# One with a loop's shape is stopped at once. The loops run in real time: on a busy machine one may
# have none, is held like anything that is new, and stopped when two rounds have shown that it feeds
# itself, or stays held.
CONTAINED_WITHIN_MINUTES = 200
# What was reserved before, where something was: it must come back, and nothing must stay nothing.
RESERVED = {"run-job": 20, "write-report": 15}
# A loop that is not found at the first look is found by the sweep.
SWEEP_MINUTES = "5"


@pytest.fixture(scope="module", autouse=True)
def flags(stack: Deployment) -> None:
    """Look at all functions often."""
    stack.deploy(sweep_minutes=SWEEP_MINUTES)


@pytest.fixture(scope="module")
def healthy(aws: LocalAws, flags: None) -> Iterator[list[HealthyFunction]]:
    """A steady function and a burst, deployed long ago, under load beside all loops."""
    steady, burst = SteadyFunction(aws), BurstFunction(aws, messages=60, seconds_between_bursts=20)
    for one in (steady, burst):
        one.deploy()
        # No graph rules out a function that was deployed minutes before it was read.
        aws.was_deployed(one.functions, days_ago=14)
    aws.wait_minutes(aws.trail_minutes + CHART_MINUTES)
    with steady, burst:
        yield [steady, burst]


@pytest.mark.parametrize("kind", sorted(LOOPS))
def test_a_loop_is_stopped_and_put_back(
    account: Account, healthy: list[HealthyFunction], kind: str
) -> None:
    """It is found by its metrics, throttled, told of, and restored; healthy functions run on."""
    loop = make_loop(kind, account.aws)
    loop.deploy()
    for name in loop.functions:
        if name in RESERVED:
            account.aws.client("lambda").put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=RESERVED[name]
            )
    account.past(*loop.functions)
    before = loop.settings()
    bystanders = [one.settings() for one in healthy]

    loop.seed(ROUNDS)
    account.until(
        lambda: bool(account.contained(loop.functions)),
        f"{loop.functions} contained",
        CONTAINED_WITHIN_MINUTES,
    )
    (contained, *_) = account.contained(loop.functions)
    mail = account.mail_of_containment(contained)
    if STOPPED in mail.subject:
        assert account.reserved(contained) == 0
        loop.rest()
        at_rest = account.aws.counts()
        account.let_pulses_pass()
        assert [account.aws.counts()[name] for name in loop.functions] == [
            at_rest[name] for name in loop.functions
        ]
    assert f"-c rollback={contained}" in mail.body

    loop.fix()
    account.stack.deploy(sweep_minutes=SWEEP_MINUTES, rollback="all", rollback_force="yes")
    # Event source mappings change slowly: what waited for them comes when they are enabled again.
    account.until(lambda: loop.settings() == before, "all settings are as before")
    loop.rest()
    outcome = loop.poke()

    assert outcome, outcome
    assert loop.settings() == before
    assert account.mail("RESTORED", contained)
    account.until(lambda: account.incident(contained) is None, "the incident is closed")
    assert [one.settings() for one in healthy] == bystanders
    assert [one.refusals for one in healthy] == [0, 0]
    for one in healthy:
        assert not account.mails("", one.functions[0])
