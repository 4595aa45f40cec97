"""The commands that ask a deployed guard, from their words to their exit codes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions as aws
from click.testing import CliRunner

from cdk_loopbreaker.cli.commands import (
    history_command,
    restore_command,
    status_command,
    stop_command,
)
from cdk_loopbreaker.cli.commands.history_command import parse_moment
from cdk_loopbreaker.cli.errors import UserError
from cdk_loopbreaker.cli.main import main
from cdk_loopbreaker.operating.errors import OperatingError
from functions.domain.detection.evidence import LoopProof
from tests.unit.cdk_loopbreaker.operating.guard import (
    FakeLambda,
    answered,
    contain,
    make_client,
)
from tests.unit.cdk_loopbreaker.scanning.page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

COMMANDS = (status_command, history_command, restore_command, stop_command)
NOW = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLambda:
    """A guard that the commands find instead of AWS."""
    found = FakeLambda()
    for module in COMMANDS:
        monkeypatch.setattr(module, "open_session", lambda *_: None)
        monkeypatch.setattr(module, "connect", lambda _session: make_client(found))
    monkeypatch.setattr(stop_command, "find_caller", lambda _session: "arn:aws:iam::1:user/anna")
    return found


def run(*words: str, answer: str | None = None) -> Result:
    """Run a command; with an answer, before a terminal."""
    return CliRunner().invoke(main, words, input=answer)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who can answer."""
    monkeypatch.setattr(restore_command, "can_answer", lambda: True)


def test_a_status_is_0_unless_an_exit_code_is_asked_for(fake: FakeLambda) -> None:
    """What is held is no failure of the command."""
    contain(fake.scene, "orders")

    plain, asked = run("status"), run("status", "--exit-code")

    assert (plain.exit_code, asked.exit_code) == (0, 1)
    assert "loopbreaker restore orders --region us-east-1" in plain.stdout


def test_nothing_held_is_0(fake: FakeLambda) -> None:
    """Also where an exit code is asked for."""
    result = run("status", "--exit-code")

    assert result.exit_code == 0
    assert result.stdout == "Loopbreaker holds no function in us-east-1.\n"


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("status",), "open"),
        (("history",), "ended"),
        (("restore", "orders", "--yes"), "results"),
        (("stop", "orders"), "outcome"),
    ],
)
def test_every_command_writes_json(words: tuple[str, ...], key: str, fake: FakeLambda) -> None:
    """With the Region, for whoever asks several."""
    contain(fake.scene, "orders")

    written: dict[str, Any] = json.loads(run(*words, "--json").stdout)

    assert written["region"] == "us-east-1"
    assert key in written


def test_a_restore_asks_and_shows_what_comes_back(fake: FakeLambda, terminal: None) -> None:
    """A no restores nothing."""
    contain(fake.scene, "orders")

    refused = run("restore", "orders", answer="n\n")
    assert refused.exit_code == 1
    assert "puts back  Reserved concurrency: 5 reserved" in refused.stdout
    assert fake.scene.account.by_name["orders"].reserved == 0
    agreed = run("restore", "orders", answer="y\n")

    assert agreed.exit_code == 0
    assert agreed.stdout.endswith("orders: restored\n")
    assert fake.scene.account.by_name["orders"].reserved == 5


def test_a_probation_lets_a_little_go(fake: FakeLambda) -> None:
    """It is done for now, and the status says what goes on."""
    contain(fake.scene, "orders")

    result = run("restore", "orders", "--probation", "--yes")

    assert result.exit_code == 0
    assert "on probation" in result.stdout
    assert fake.scene.account.by_name["orders"].reserved == 1
    assert fake.sent[-1][1]["loopbreaker"]["mode"] == "probation"
    status = run("status").stdout
    assert "on probation" in status
    assert "by itself, at about" in status


@pytest.mark.parametrize(("answer", "reserved", "code"), [("y\n", 5, 0), ("n\n", 0, 1)])
def test_a_closed_loop_is_asked_about(
    fake: FakeLambda, terminal: None, answer: str, reserved: int, code: int
) -> None:
    """`--yes` answers another question."""
    contain(fake.scene, "orders")
    fake.scene.chart("orders", LoopProof.CERTAIN)

    result = run("restore", "orders", "--yes", answer=answer)

    assert result.exit_code == code
    assert "still closed in the event graph" in " ".join(result.stdout.split())
    assert fake.scene.account.by_name["orders"].reserved == reserved


def test_a_closed_loop_is_left_where_nobody_can_answer(fake: FakeLambda) -> None:
    """A pipeline says so with `--force`."""
    contain(fake.scene, "orders")
    fake.scene.chart("orders", LoopProof.CERTAIN)

    left, forced = run("restore", "orders", "--yes"), run("restore", "orders", "--yes", "--force")

    assert (left.exit_code, forced.exit_code) == (1, 0)
    assert "--force" in left.stdout
    assert fake.scene.account.by_name["orders"].reserved == 5


def test_a_probation_needs_no_force(fake: FakeLambda) -> None:
    """One line says so, and nothing is asked of AWS."""
    result = run("restore", "orders", "--probation", "--force", "--yes")

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].endswith("leave one of them out")
    assert fake.sent == []


def test_a_restore_that_nobody_can_answer_needs_yes(fake: FakeLambda) -> None:
    """A pipeline that forgot it restores nothing, and asks AWS nothing."""
    result = run("restore", "orders")

    assert result.exit_code == 2
    assert "add --yes" in result.stderr
    assert fake.sent == []


def test_a_restore_of_all(fake: FakeLambda, terminal: None) -> None:
    """It says so where nothing is held."""
    contain(fake.scene, "a", "b")

    every = run("restore", "--all", answer="y\n")
    again = run("restore", "--all", answer="y\n")

    assert every.exit_code == 0
    assert "a: restored\nb: restored\n" in every.stdout
    assert (again.exit_code, again.stdout) == (0, "Nothing is held.\n")


def test_functions_that_are_not_held_or_not_there(fake: FakeLambda) -> None:
    """One that runs is as it should be; one that is not there is a mistake."""
    fake.scene.account.add("calm")

    calm, nobody = run("restore", "calm", "--yes"), run("restore", "nobody", "--yes")

    assert (calm.exit_code, nobody.exit_code) == (0, 1)
    assert calm.stdout == "calm: was not held; nothing was changed\n"
    assert "there is no such function" in nobody.stdout


def test_a_stop_names_the_way_back(fake: FakeLambda) -> None:
    """And tells whose order it was."""
    fake.scene.account.add("orders", reserved=5)

    result = run("stop", "orders")

    assert result.exit_code == 0
    assert "orders: stopped." in result.stdout
    assert "  loopbreaker restore orders --region us-east-1\n" in result.stdout
    assert fake.scene.incident().ordered_by == "arn:aws:iam::1:user/anna"


def test_a_stop_that_is_refused_is_1(fake: FakeLambda) -> None:
    """With the commands by which a person goes on."""
    fake.scene.account.add("orders", tags={"loopbreaker:exempt": "true"})

    result = run("stop", "orders")

    assert result.exit_code == 1
    assert "  aws lambda untag-resource" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("restore",), "name the functions to restore, or say --all"),
        (("restore", "orders", "--all", "--yes"), "name the functions to restore, or say --all"),
        (("restore", "a b", "--yes"), "'a b' is not a Lambda function"),
        (("restore", *map(str, range(51)), "--yes"), "name 50 at most"),
        (("stop", "a b"), "'a b' is not a Lambda function"),
        (("history", "a b"), "'a b' is not a Lambda function"),
        (("history", "--since", "yesterday"), "--since yesterday: write an age such as 7d"),
    ],
)
def test_a_mistake_is_one_line_and_2(
    words: tuple[str, ...], message: str, fake: FakeLambda
) -> None:
    """Nothing is asked of AWS."""
    result = run(*words)

    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert fake.sent == []


@pytest.mark.parametrize(
    "words", [("status",), ("history",), ("stop", "f"), ("restore", "f", "--yes")]
)
def test_an_error_of_aws_is_one_line_and_2(words: tuple[str, ...], fake: FakeLambda) -> None:
    """Standard output stays empty."""
    fake.errors = [aws.NoCredentialsError()]

    result = run(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == ("loopbreaker: no AWS credentials: sign in, or choose a --profile\n")


def test_no_connection_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a profile that does not exist."""

    def open_session(*_: object) -> None:
        raise OperatingError("no Region: give --region, or set AWS_REGION")

    monkeypatch.setattr(status_command, "open_session", open_session)

    result = run("status")

    assert (result.exit_code, result.stderr) == (
        2,
        "loopbreaker: no Region: give --region, or set AWS_REGION\n",
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("12h", NOW - timedelta(hours=12)),
        ("30m", NOW - timedelta(minutes=30)),
        ("99999d", NOW - timedelta(days=3_650)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T06:00:00+01:00", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ],
)
def test_a_moment_is_an_age_or_a_date(text: str, moment: datetime) -> None:
    """UTC where no zone is named."""
    assert parse_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "d", "-1d", "1w", "123456d", "٣d", "2026-13-01"])
def test_another_moment_is_a_mistake(text: str) -> None:
    """The line says what is allowed."""
    with pytest.raises(UserError, match="write an age such as 7d"):
        parse_moment(text, NOW)


def test_the_page_as_a_file(fake: FakeLambda, tmp_path: Path) -> None:
    """The whole page; the screen says how it stands and where the file is."""
    contain(fake.scene, "orders")
    file = tmp_path / "guard.html"

    result = run("status", "--html", str(file), "--exit-code")

    assert result.exit_code == 1
    assert result.stdout == (f"Loopbreaker holds 1 function in us-east-1. The page is in {file}.\n")
    assert result.stderr == ""
    page = Page(file.read_text(encoding="utf-8"))
    assert "loopbreaker restore orders --region us-east-1" in page.text
    assert "The guard itself" in page.text
    assert fake.sent == [
        ("Loopbreaker-restore", {"loopbreaker": {"version": 1, "request": "overview"}})
    ]


def test_a_page_of_nothing_held_is_0(fake: FakeLambda, tmp_path: Path) -> None:
    """Also where an exit code is asked for."""
    result = run("status", "--html", str(tmp_path / "guard.html"), "--exit-code")

    assert result.exit_code == 0
    assert result.stdout.startswith("No function is held in us-east-1.")


def test_a_page_and_json_exclude_each_other(fake: FakeLambda, tmp_path: Path) -> None:
    """Nothing is asked for, and nothing is written."""
    file = tmp_path / "guard.html"
    result = run("status", "--html", str(file), "--json")

    assert (result.exit_code, fake.sent, file.exists()) == (2, [], False)
    assert "give either --html or --json" in result.stderr


def test_a_file_that_cannot_be_written_is_said_first(fake: FakeLambda, tmp_path: Path) -> None:
    """Before the guard is asked."""
    result = run("status", "--html", str(tmp_path / "none" / "guard.html"))

    assert (result.exit_code, fake.sent) == (2, [])
    assert "there is no folder" in result.stderr


def test_a_guard_without_the_page_names_what_to_do(fake: FakeLambda, tmp_path: Path) -> None:
    """An older one rejects a question that it does not know."""
    rejected = {
        "version": 1,
        "answer": "rejected",
        "reason": "invalid",
        "text": "request is 'overview'; allowed are status, history, restore and stop",
    }
    fake.answers = [answered({"loopbreaker": rejected})]

    result = run("status", "--html", str(tmp_path / "guard.html"))

    assert result.exit_code == 2
    assert "deploy the version of this command line" in result.stderr
