"""`loopbreaker drill` from its words to its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from click.testing import CliRunner

from cdk_loopbreaker.cli.commands import drill_run
from cdk_loopbreaker.cli.main import main
from cdk_loopbreaker.drill.aws.stacks import FoundStack
from cdk_loopbreaker.drill.model import Check, Depth
from functions.contain.settings import Settings
from tests.unit.cdk_loopbreaker.drill.samples import NOON, report

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from cdk_loopbreaker.drill.run import DrillOptions

SETTINGS = Settings(
    notice_topic_arn="arn:aws:sns:eu-west-1:123456789012:Loopbreaker-Topic",
    stack_name="Loopbreaker",
    ledger_table="Ledger",
    hold_schedules="Loopbreaker-holds",
    hold_role_arn="arn:aws:iam::123456789012:role/hold",
    restore_arn="arn:aws:lambda:eu-west-1:123456789012:function:Loopbreaker-restore",
    undelivered_arn="arn:aws:sqs:eu-west-1:123456789012:dead",
    mode="enforce",
    response="hold",
    floor_per_minute=500,
    blast_radius=3,
    exempt=(),
    own_functions=("Loopbreaker-contain",),
    account_concurrency=1000,
    sweep_minutes=60,
)
ENVIRONMENT = SETTINGS.to_env()


class FakeLambda:
    """Answers what the drill asks before it begins."""

    def __init__(self) -> None:
        self.answer: Any = {
            "Environment": {"Variables": ENVIRONMENT},
            "Role": "arn:aws:iam::1:role",
        }

    def get_function_configuration(self, **_: Any) -> Any:
        """The configuration of `contain`."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Account:
    """An account that the command finds instead of AWS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lambda_ = FakeLambda()
        self.left: tuple[FoundStack, ...] = ()
        self.removed: list[str] = []
        self.ran: list[DrillOptions] = []
        self.report = report(depth=Depth.BELL, loops=())
        monkeypatch.setattr(drill_run, "open_session", lambda *_: None)
        monkeypatch.setattr(drill_run, "connect", lambda _: None)
        monkeypatch.setattr(drill_run, "Clients", lambda _: self)
        monkeypatch.setattr(drill_run, "find_stacks", lambda _: self.left)
        monkeypatch.setattr(
            drill_run, "remove", lambda _clients, _client, names: self.removed.append(names.stack)
        )
        monkeypatch.setattr(drill_run, "Drill", self._begin)

    region = "eu-west-1"

    def __call__(self, _service: str) -> FakeLambda:
        """The client of Lambda; no other is asked for."""
        return self.lambda_

    def _begin(self, _stage: object, options: DrillOptions) -> Any:
        self.ran.append(options)
        return self

    def run(self) -> Any:
        """The drill itself."""
        return self.report


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    """An account with a guard; reports go into an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Account(monkeypatch)


def run(*words: str, answer: str | None = None) -> Result:
    """Run the command as a shell would."""
    return CliRunner().invoke(main, ["drill", *words], input=answer)


def refused(code: str) -> ClientError:
    """An error of AWS."""
    return ClientError({"Error": {"Code": code, "Message": "words"}}, "GetFunctionConfiguration")


@pytest.mark.usefixtures("account")
def test_a_drill_that_passes_ends_with_0_and_two_reports(tmp_path: Path) -> None:
    """The bell asks nobody."""
    result = run()

    assert result.exit_code == 0, result.output
    assert "passed" in result.stdout
    assert json.loads((tmp_path / "drill-report.json").read_text())["is_passed"]
    assert (tmp_path / "drill-report.html").read_text().startswith("<!DOCTYPE html>")


def test_a_failed_check_is_1(account: Account) -> None:
    """With the reason on the screen."""
    failing = Check(title="The alarm invokes the guard", is_passed=False, text="no run")
    account.report = report(depth=Depth.BELL, loops=(), checks=(failing,))

    result = run("--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["is_passed"] is False


def test_an_interrupted_drill_is_130(account: Account) -> None:
    """What it had made is removed by then."""
    account.report = report(is_interrupted=True)

    assert run().exit_code == 130


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused("ResourceNotFoundException"), "Loopbreaker is not deployed in eu-west-1"),
        (refused("AccessDeniedException"), "--print-policy prints the rights"),
        (NoCredentialsError(), "no AWS credentials"),
        ({"Environment": {"Variables": {}}, "Role": ""}, "of another version"),
    ],
)
def test_no_guard_is_one_line(account: Account, error: Any, words: str) -> None:
    """Without a traceback, with what to do."""
    account.lambda_.answer = error

    result = run()

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert account.ran == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--depth", "dry", "--loop", "sqs"), "--loop is for --depth live"),
        (("--output", "nowhere"), "there is no folder"),
        (("--depth", "live"), "add --yes"),
        (("--depth", "dry"), "add --yes"),
    ],
)
@pytest.mark.usefixtures("account")
def test_mistakes_are_one_line(words: tuple[str, ...], said: str) -> None:
    """On standard error."""
    result = run(*words)

    assert result.exit_code == 2
    assert said in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output


def test_the_most_that_it_costs_is_said_before_it_is_asked(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A no changes nothing."""
    monkeypatch.setattr(drill_run, "can_answer", lambda: True)

    result = run("--depth", "live", answer="n\n")

    assert result.exit_code == 1
    assert "invocations, costs $" in result.stderr
    assert "one place stays free" in result.stderr
    assert account.ran == []


def test_a_floor_that_is_too_high_is_refused(account: Account) -> None:
    """Before anything is made."""
    variables = replace(SETTINGS, floor_per_minute=90_000).to_env()
    account.lambda_.answer = {"Environment": {"Variables": variables}, "Role": "r"}

    result = run("--depth", "live", "--yes")

    assert result.exit_code == 2
    assert "floor_per_minute of the deployed guard is 90,000" in result.stderr


def test_what_an_earlier_drill_left_is_removed_first(account: Account) -> None:
    """It is named, and asked about."""
    account.left = (FoundStack(name="loopbreaker-drill-aaaaaa", created_at=NOON),)

    assert run().exit_code == 2
    assert account.removed == []
    result = run("--yes")

    assert result.exit_code == 0
    assert account.removed == ["loopbreaker-drill-aaaaaa"]
    assert len(account.ran) == 1
    assert "loopbreaker-drill-aaaaaa of 2026-11-29 12:00 UTC" in result.stderr


def test_clean_only_removes(account: Account) -> None:
    """Nothing, if there is nothing."""
    assert run("--clean").exit_code == 0
    account.left = (FoundStack(name="loopbreaker-drill-aaaaaa", created_at=NOON),)

    assert run("--clean").exit_code == 2
    assert run("--clean", "--yes").exit_code == 0
    assert account.removed == ["loopbreaker-drill-aaaaaa"]
    assert account.ran == []


@pytest.mark.parametrize("depth", Depth)
def test_the_policy_needs_no_credentials(depth: Depth) -> None:
    """It grows with the depth."""
    result = run("--depth", depth.value, "--print-policy")

    assert result.exit_code == 0
    statements = json.loads(result.stdout)["Statement"]
    actions = {action for one in statements for action in one["Action"]}
    assert "cloudwatch:SetAlarmState" in actions
    assert ("cloudformation:CreateStack" in actions) is (depth is not Depth.BELL)
    assert ("events:PutRule" in actions) is (depth is Depth.LIVE)
    assert not any("*" in action for action in actions)
