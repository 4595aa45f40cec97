"""The drill at each of its depths, in AWS's weather, with the rights that it prints."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import boto3
import pytest

from cdk_loopbreaker.drill.aws.clients import Clients
from cdk_loopbreaker.drill.aws.guard import GuardLog, read_guard
from cdk_loopbreaker.drill.aws.stacks import find_stacks
from cdk_loopbreaker.drill.model import Depth, LoopKind, Names, Outcome, Phase
from cdk_loopbreaker.drill.plan import DrillPlan, LoopPlan
from cdk_loopbreaker.drill.policy import build_statements
from cdk_loopbreaker.drill.reports.html_report import format_drill_html
from cdk_loopbreaker.drill.reports.json_report import format_drill_json
from cdk_loopbreaker.drill.run import Drill, DrillOptions
from cdk_loopbreaker.drill.stage import Stage
from cdk_loopbreaker.operating.connection import connect
from sandbox.settings import ACCOUNT_ID, REGION
from tests.e2e.test_operating import TRUST

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_loopbreaker.drill.model import DrillReport
    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

SPEED = 30.0
# A real second is half a virtual minute here: loops of this machine go round often enough for this
# floor, and the small loop of the dry drill stays below it.
FLOOR: Final = "20"
LOOP_PERIOD_SECONDS: Final = 0.02
ROUNDS: Final = 4_000
RESOLUTION_SECONDS: Final = 20.0
ROLE: Final = "driller"


@pytest.fixture(scope="module", autouse=True)
def flags(stack: Deployment) -> None:
    """Hold what is suspected, as a deployment does that says nothing else."""
    stack.deploy(response="hold", floor_per_minute=FLOOR, sweep_minutes="5")


class SandboxTime:
    """The clock of the sandbox's minutes."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws

    def now(self) -> datetime:
        """The present moment."""
        return datetime.fromtimestamp(self._aws.clock.timestamp(), UTC)

    def sleep(self, seconds: float) -> None:
        """Let so many of its seconds pass."""
        until = self._aws.clock.timestamp() + seconds
        while self._aws.clock.timestamp() < until:
            time.sleep(0.05)


@pytest.fixture
def as_driller(account: Account, monkeypatch: pytest.MonkeyPatch) -> Callable[[Depth], Clients]:
    """Gives the rights that the drill prints for a depth, and nothing else."""
    aws = account.aws

    def take(depth: Depth) -> Clients:
        iam, name = aws.client("iam"), f"{ROLE}-{depth}"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        statements = build_statements(depth, account=ACCOUNT_ID, region=REGION)
        policy = {"Version": "2012-10-17", "Statement": statements}
        iam.put_role_policy(RoleName=name, PolicyName="drill", PolicyDocument=json.dumps(policy))
        answer = aws.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{name}", RoleSessionName="anna"
        )
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        keys = answer["Credentials"]
        session = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=REGION,
        )
        clients = Clients(session)
        account.until(lambda: _may_list(clients), "the rights of the driller")
        return clients

    return take


def _may_list(clients: Clients) -> bool:
    try:
        find_stacks(clients)
    except Exception:  # noqa: BLE001 - not yet
        return False
    return True


def run(
    account: Account, clients: Clients, depth: Depth, plan: DrillPlan
) -> tuple[DrillReport, list[str]]:
    """Run a drill by the sandbox's time; its report and what it told."""
    said: list[str] = []
    stage = Stage(
        clients=clients,
        guard=read_guard(clients),
        client=replace(connect(clients._session)),
        log=GuardLog(clients, 0),
        clock=SandboxTime(account.aws),
        names=Names(id=f"e2e{depth.value}"),
        say=said.append,
    )
    options = DrillOptions(depth=depth, plan=plan, poll_seconds=RESOLUTION_SECONDS)
    report = Drill(stage, options).run()
    return report, said


def failed(report: DrillReport) -> list[str]:
    """Checks that failed, with their texts."""
    return [f"{one.title}: {one.text}" for one in report.checks if one.is_passed is False]


def test_the_bell(account: Account, as_driller: Callable[[Depth], Clients]) -> None:
    """An alarm without a cause invokes the guard, which changes nothing; the alarm is put back."""
    clients = as_driller(Depth.BELL)
    before = {one["name"]: one["state"] for one in account.aws.alarms()}

    report, said = run(account, clients, Depth.BELL, DrillPlan(loops=()))

    assert failed(report) == []
    assert report.is_passed
    assert [one.title for one in report.figures] == ["Alarm to run of contain"]
    account.until(
        lambda: {one["name"]: one["state"] for one in account.aws.alarms()} == before,
        "all alarms are as before",
    )
    assert said
