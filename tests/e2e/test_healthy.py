"""Healthy functions that look like loops, in the local AWS: held at most, and never stopped."""

from __future__ import annotations

import json
import uuid
from collections import deque
from typing import TYPE_CHECKING

import pytest

from sandbox.scenarios.catalogue import BurstFunction, ChainLoop, DynamoDbLoop, SqsLoop
from sandbox.scenarios.healthy_functions import HealthyFunction
from sandbox.scenarios.provision import Grant, arn, await_mappings, create_function, map_source
from tests.e2e.account import CHART_MINUTES, grounds_of

if TYPE_CHECKING:
    from sandbox.local_aws import LocalAws
    from sandbox.scenarios.catalogue import Loop
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

SPEED = 30.0
SWEEP_MINUTES = "5"
HELD_WITHIN_MINUTES = 60
LET_GO_WITHIN_MINUTES = 60
SECONDS_BETWEEN = 0.1
BACKLOG = 1200
WORKED_OFF_MINUTES = 120
SHOWN_WITHIN_MINUTES = 150
ROUNDS = 3
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="module", autouse=True)
def flags(stack: Deployment) -> None:
    """Hold what is suspected, as a deployment does that says nothing else."""
    stack.deploy(sweep_minutes=SWEEP_MINUTES, response="hold")


class Load(HealthyFunction):
    """Events from outside for a function that could invoke itself, and does not."""

    seconds_between_calls = SECONDS_BETWEEN

    def __init__(self, aws: LocalAws, loop: Loop) -> None:
        super().__init__(aws)
        self._loop = loop
        self.functions = loop.functions  # type: ignore[misc] # of this one
        self.waiting: deque[str] = deque()

    def deploy(self) -> None:
        """Deploy the loop, mended: its configuration closes a circle all the same."""
        self._loop.deploy()
        self._loop.fix()

    def call(self) -> None:
        """Send one event."""
        event_id = str(uuid.uuid4())
        self._loop.send(event_id)
        self.waiting.append(event_id)

    def are_handled(self) -> bool:
        """Whether nothing that was sent is lost. What was handled is not asked about again."""
        while self.waiting and self._loop.is_handled(self.waiting[0]):
            self.waiting.popleft()
        return not self.waiting


def _begin(account: Account, load: Load) -> str:
    """Deploy a function and wait until the event graph knows it; its name."""
    load.deploy()
    (name,) = load.functions
    # No graph knows a function that was deployed minutes before it was read.
    account.aws.was_deployed([name], days_ago=14)
    account.past(name)
    account.wait_minutes(account.aws.trail_minutes + CHART_MINUTES)
    return name


def test_a_load_test_on_a_function_that_is_certain_in_the_graph_is_let_go(account: Account) -> None:
    """What arrives does not stop when the function is held: it is fed from outside."""
    load = Load(account.aws, SqsLoop(account.aws))
    name = _begin(account, load)
    before = load.settings()

    with load:
        account.until(lambda: bool(account.mails("] HELD", name)), "held", HELD_WITHIN_MINUTES)
        account.until(
            lambda: bool(account.mails("RESTORED AFTER HOLD", name)),
            "let go",
            LET_GO_WITHIN_MINUTES,
        )
        assert load.settings() == before

    assert "fed from outside" in account.mail("RESTORED AFTER HOLD", name).subject
    assert "loop_proven" in grounds_of(account.aws, name)
    assert not account.mails("STOPPED", name)
    account.until(load.are_handled, "all events are handled")
    assert load.refusals == 0


def test_a_burst_that_ends_while_it_is_held_is_let_go(account: Account) -> None:
    """That nothing arrives any more is no proof: it must come back, and does not."""
    load = Load(account.aws, DynamoDbLoop(account.aws))
    name = _begin(account, load)
    before = load.settings()

    with load:
        account.until(lambda: bool(account.mails("] HELD", name)), "held", HELD_WITHIN_MINUTES)
    account.until(
        lambda: bool(account.mails("RESTORED AFTER HOLD", name)), "let go", LET_GO_WITHIN_MINUTES
    )

    assert load.settings() == before
    assert not account.mails("STOPPED", name)
    account.until(load.are_handled, "all events are handled")
    assert load.refusals == 0


def test_a_backlog_after_an_outage_is_worked_off(account: Account) -> None:
    """Its events arrived before: whether it is held for a while or not, none is lost."""
    name, aws = "catch-up", account.aws
    sqs, functions = aws.client("sqs"), aws.client("lambda")
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "15"})["QueueUrl"]
    own = Grant(actions=("sqs:*",), resources=(arn("sqs", name),))
    create_function(aws, name, code="nightly_import", grants=(own,))
    map_source(aws, name, arn("sqs", name))
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=1)
    await_mappings(aws, name)
    before = account.settings(name)
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    await_mappings(aws, name)
    account.past(name)
    for first in range(0, BACKLOG, 10):
        entries = [{"Id": str(at), "MessageBody": str(first + at)} for at in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)

    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    account.until(lambda: aws.counts().get(name, 0) >= BACKLOG, "worked off", WORKED_OFF_MINUTES)
    account.let_pulses_pass()

    assert not account.mails("STOPPED", name)
    assert grounds_of(aws, name)
    account.until_settings(name, before)


def test_among_administrators_the_loop_is_told_from_the_busy_function(account: Account) -> None:
    """Every role may do everything: the graph says of both that they may be a loop."""
    aws = account.aws
    loop, busy = ChainLoop(aws), BurstFunction(aws, messages=5, seconds_between_bursts=0.25)
    loop.deploy()
    busy.deploy()
    for name in (*loop.functions, *busy.functions):
        _make_administrator(aws, name)
    account.past(*loop.functions, *busy.functions)
    account.wait_minutes(aws.trail_minutes + CHART_MINUTES)
    before = busy.settings()
    (function,) = busy.functions

    with busy:
        loop.seed(ROUNDS)
        account.until(
            lambda: bool(account.contained(loop.functions)), "shown", SHOWN_WITHIN_MINUTES
        )
        account.until(lambda: account.incident(function) is None, "the busy one is let go")

        assert busy.settings() == before
    assert not account.mails("STOPPED", function)
    assert not account.mails("SHOWN", function)
    loop.fix()


def _make_administrator(aws: LocalAws, name: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [ANYTHING]}
    aws.client("iam").put_role_policy(
        RoleName=f"{name}-role", PolicyName="administrator", PolicyDocument=json.dumps(document)
    )
