"""The drill at each of its depths, in AWS's weather, with the rights that it prints."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from cdk_loopbreaker.drill.aws.clients import Clients
from cdk_loopbreaker.drill.aws.guard import GuardLog, read_guard
from cdk_loopbreaker.drill.aws.stacks import PROBE_POLICY, create_stack, find_stacks
from cdk_loopbreaker.drill.model import Depth, Helper, LoopKind, Names, Outcome, Phase
from cdk_loopbreaker.drill.plan import DrillPlan, LoopPlan
from cdk_loopbreaker.drill.policy import build_statements
from cdk_loopbreaker.drill.reports.html_report import format_drill_html
from cdk_loopbreaker.drill.reports.json_report import format_drill_json
from cdk_loopbreaker.drill.run import Drill, DrillOptions, remove
from cdk_loopbreaker.drill.stage import Stage
from cdk_loopbreaker.drill.template import build_template
from cdk_loopbreaker.operating.connection import connect
from sandbox.settings import ACCOUNT_ID, REGION
from stacks.names import SIGNAL_ALARM_PREFIX
from tests.e2e.people import make_role, open_session, take_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_loopbreaker.drill.model import DrillReport
    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account
    from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e

SPEED = 30.0
# A virtual minute lasts two seconds here, in which the loops of this machine go round that often.
FLOOR: Final = "10"
LOOP_PERIOD_SECONDS: Final = 0.02
TOKENS: Final = 8
ROUNDS: Final = 4_000
ENDS_AFTER_SECONDS: Final = 7_200.0
HEALTHY_MESSAGES: Final = 600
HEALTHY_PER_MINUTE: Final = 15.0
LIVE_SECONDS: Final = 1_800
REPORT_VARIABLE: Final = "LOOPBREAKER_DRILL_REPORT"
RESOLUTION_SECONDS: Final = 20.0
ROLE: Final = "driller"


@pytest.fixture(scope="module", autouse=True)
def flags(stack: Deployment) -> None:
    """Hold what is suspected, as a deployment does that says nothing else."""
    stack.deploy(response="hold", floor_per_minute="500", sweep_minutes="5")


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
        name = f"{ROLE}-{depth}"
        make_role(aws, name, build_statements(depth, account=ACCOUNT_ID, region=REGION))
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        session = open_session(take_role(aws, name))
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
    report, said = run(account, clients, Depth.BELL, DrillPlan(loops=()))

    assert failed(report) == []
    assert report.is_passed
    assert [one.title for one in report.figures] == ["Alarm to run of contain"]
    ringing = [one["name"] for one in account.aws.alarms() if one["state"] == "ALARM"]
    assert not any(one.startswith(SIGNAL_ALARM_PREFIX) for one in ringing)
    assert said


def test_the_dry_drill(account: Account, as_driller: Callable[[Depth], Clients]) -> None:
    """In enforce mode a small loop is decided about, recorded and reported; nothing changes."""
    clients = as_driller(Depth.DRY)
    loop = LoopPlan(
        kind=LoopKind.SQS, tokens=1, rounds=ROUNDS, period_seconds=0.1, seconds=ENDS_AFTER_SECONDS
    )

    report, said = run(account, clients, Depth.DRY, DrillPlan(loops=(loop,)))

    assert failed(report) == []
    assert report.is_passed
    (result,) = report.loops
    assert result.is_restored
    assert account.mails("WOULD", result.function)
    assert account.reserved_of_drills() == {}
    assert any("The guard decided" in one for one in said)


@pytest.mark.timeout(LIVE_SECONDS)
def test_the_live_drill(
    account: Account,
    stack: Deployment,
    as_driller: Callable[[Depth], Clients],
    tmp_path: Path,
) -> None:
    """Loops of all kinds are stopped, reported and restored; what can be measured is measured."""
    stack.deploy(response="hold", sweep_minutes="5", floor_per_minute=FLOOR)
    clients = as_driller(Depth.LIVE)
    plan = DrillPlan(
        loops=tuple(
            LoopPlan(
                kind=kind,
                tokens=TOKENS,
                rounds=ROUNDS,
                period_seconds=LOOP_PERIOD_SECONDS,
                seconds=ENDS_AFTER_SECONDS,
            )
            for kind in LoopKind
        ),
        healthy_messages=HEALTHY_MESSAGES,
        healthy_per_minute=HEALTHY_PER_MINUTE,
    )

    report, _ = run(account, clients, Depth.LIVE, plan)

    write(report, tmp_path)
    assert failed(report) == []
    assert report.is_passed
    assert [one.kind for one in report.loops] == list(LoopKind)
    for one in report.loops:
        assert one.is_stopped, one
        assert one.is_restored, one
        assert {Phase.FIRST_INVOCATION, Phase.DATAPOINT, Phase.VERDICT, Phase.HELD} <= set(
            one.moments
        )
        assert {Phase.NOTICE, Phase.RESTORED} <= set(one.moments)
        # A message that was received when its mapping was paused is visible again only after real
        # minutes, which are hours here: one for each execution at most.
        assert one.lost is not None
        assert one.lost <= 2
        assert "DRILL" in one.subjects[0]
    measured = {one.id: one for one in report.findings if one.outcome is not Outcome.NOT_MEASURED}
    # What the sandbox imitates of AWS, and what it answers by itself.
    assert {"A-001", "A-002", "A-004", "A-017", "A-024", "A-034", "A-050", "A-053"} <= set(measured)
    assert measured["A-024"].outcome is Outcome.CONFIRMED
    assert account.reserved_of_drills() == {}
    assert find_stacks(clients) == ()


def write(report: DrillReport, folder: Path) -> None:
    """Write the reports as the command does; where `LOOPBREAKER_DRILL_REPORT` says, too."""
    folders = [folder, *(map(Path, filter(None, [os.environ.get(REPORT_VARIABLE)])))]
    for one in folders:
        (one / "drill-report.html").write_text(format_drill_html(report))
        (one / "drill-report.json").write_text(format_drill_json(report))


def test_what_a_crash_left_is_found_and_removed(
    account: Account, as_driller: Callable[[Depth], Clients]
) -> None:
    """Also a function that the guard still holds, and a policy that CloudFormation has not made."""
    clients = as_driller(Depth.LIVE)
    names = Names(id="crashed")
    guard = read_guard(clients)
    create_stack(
        clients,
        names,
        build_template(names, (LoopKind.SQS,), (Helper.PROBE,), guard.settings.notice_topic_arn),
    )
    statement = {"Effect": "Allow", "Action": "dynamodb:DescribeTable", "Resource": "*"}
    clients("iam").put_role_policy(
        RoleName=names.role(Helper.PROBE),
        PolicyName=PROBE_POLICY,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    client = connect(clients._session)
    stopped = client.stop(names.function(LoopKind.SQS), "")
    assert stopped.is_done, stopped
    (left,) = find_stacks(clients)
    assert left.names == names

    remove(clients, client, left.names)

    assert find_stacks(clients) == ()
    assert account.reserved_of_drills() == {}
    assert client.read_status().open == ()
