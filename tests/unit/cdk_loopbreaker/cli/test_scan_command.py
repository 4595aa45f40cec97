"""The command `scan`: its options, exit codes and files."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from cdk_loopbreaker.cli.commands.scan_command import scan
from cdk_loopbreaker.cli.main import main
from cdk_loopbreaker.scanning import analysis, credentials
from cdk_loopbreaker.scanning.credentials import Identity
from cdk_loopbreaker.scanning.errors import ScanError
from functions.aws.account import rate_limit

if TYPE_CHECKING:
    from click.testing import Result

    from bench.worlds.paged_account import PagedAccount

SIZE = 8
PAGE = Path(__file__).resolve().parents[4] / "docs" / "scanning.md"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> PagedAccount:
    """The account of whoever scans; nothing of it takes time."""
    found = grown(SIZE)
    monkeypatch.setattr(credentials, "open_session", lambda _: None)
    monkeypatch.setattr(credentials, "choose_regions", lambda _, asked: asked or (REGION,))
    monkeypatch.setattr(
        credentials,
        "identify",
        lambda *_: Identity(account=ACCOUNT, partition="aws"),
    )
    monkeypatch.setattr(credentials, "make_clients", lambda *_: found.client)
    monkeypatch.setattr(rate_limit.RateLimiter, "wait", lambda *_: None)
    return found


def run(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["scan", *map(str, arguments)])


def test_a_scan_reports_and_says_before_what_it_takes(account: PagedAccount) -> None:
    """The report is on standard output, everything else on standard error."""
    result = run("--alias", "shop")

    assert result.exit_code == 0
    assert f"Account {ACCOUNT} (shop), {REGION}" in result.stdout
    assert "LB001 certain" in result.stdout
    assert f"Scanning account {ACCOUNT} in {REGION}: about " in result.stderr
    # The caller is asked for before the account's calls are counted.
    assert f"{account.calls.total():,} calls were made." in result.stderr
    assert "{" not in result.stderr


@pytest.mark.usefixtures("account")
def test_json_is_all_of_standard_output() -> None:
    """Programs read it without a word before or after."""
    assert json.loads(run("--json").stdout)["summary"]["functions"] == SIZE


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(("fail_on", "code"), [("certain", 1), ("possible", 1), ("never", 0)])
def test_fail_on(fail_on: str, code: int) -> None:
    """The exit code is 1 for findings that are asked for."""
    assert run("--fail-on", fail_on).exit_code == code


@pytest.mark.usefixtures("account")
def test_accepted_findings_never_fail(tmp_path: Path) -> None:
    """What the file accepts is in the report, with its reason."""
    path = tmp_path / "accepted.yaml"
    names = [f"orders-{number:05}" for number in range(SIZE)]
    entries = "".join(f"\n  - function: {name}\n    reason: meant" for name in names)
    path.write_text(f"accept:{entries}")
    result = run("--accept", path, "--fail-on", "possible")

    assert result.exit_code == 0
    assert "Accepted: meant" in result.stdout


@pytest.mark.usefixtures("account")
def test_a_saved_scan_gives_the_same_report(tmp_path: Path) -> None:
    """Without credentials, and only its owner may read the file."""
    path = tmp_path / "scan.json.gz"
    first = run("--save", path, "--json", "--alias", "shop")
    second = run("--from", path, "--json")

    assert first.exit_code == second.exit_code == 0
    assert first.stdout == second.stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["scan.json.gz"]


def test_a_saved_scan_is_gone_on_with(account: PagedAccount, tmp_path: Path) -> None:
    """Its details are not asked for again."""
    path = tmp_path / "scan.json.gz"
    first = run("--save", path, "--json")
    account.calls.clear()
    second = run("--resume", path, "--json")

    assert account.calls["lambda.get_policy"] == 0
    assert json.loads(first.stdout)["findings"] == json.loads(second.stdout)["findings"]


def test_a_dry_run_counts_only(account: PagedAccount) -> None:
    """A dozen calls, and the numbers for people or programs."""
    text, document = run("--dry-run"), run("--dry-run", "--json")

    assert text.exit_code == document.exit_code == 0
    assert "lambda GetPolicy" in text.stdout
    assert json.loads(document.stdout)["regions"][0]["functions"] == SIZE
    assert account.calls.total() == 26
    assert account.calls["lambda.get_policy"] == 0


def test_the_policy_needs_nothing() -> None:
    """Neither credentials nor a Region."""
    result = run("--print-policy")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["Version"] == "2012-10-17"
    assert "arn:aws-cn:" in run("--print-policy", "--region", "cn-north-1").stdout


@pytest.mark.usefixtures("account")
def test_a_report_is_written_to_a_file(tmp_path: Path) -> None:
    """As a whole, without colour, and nothing is printed."""
    path = tmp_path / "report.txt"
    result = run("--output", path)

    assert result.stdout == ""
    assert "LB001 certain" in path.read_text()
    assert "\x1b" not in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "none.json.gz"), "none.json.gz: cannot be read: No such file"),
        (("--from", "x", "--region", "eu-west-1"), "cannot be given with --region"),
        (("--from", "x", "--save", "y"), "cannot be given with --save"),
        (("--from", "x", "--dry-run"), "cannot be given with --dry-run"),
        (("--format", "html"), "--format html needs --output"),
        (("--output", "no/such/report.json"), "there is no folder no/such"),
        (("--save", "."), "is a folder"),
        (("--accept", "none.yaml"), "none.yaml: cannot be read"),
    ],
)
def test_mistakes_take_one_line(
    account: PagedAccount, arguments: tuple[str, ...], words: str
) -> None:
    """The exit code is 2, and nothing was called."""
    result = run(*arguments)

    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert account.calls.total() == 0


def test_an_account_that_refuses_takes_one_line(account: PagedAccount, tmp_path: Path) -> None:
    """Nothing is written for it."""
    account.refused |= {("lambda", "get_account_settings"), ("lambda", "list_functions")}
    result = run("--save", tmp_path / "scan.json.gz")

    assert result.exit_code == 2
    assert "--print-policy" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("account")
def test_bad_credentials_take_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words are those of the credentials."""

    def fail(_: Any) -> None:
        raise ScanError("no AWS credentials")

    monkeypatch.setattr(credentials, "open_session", fail)
    result = run()

    assert (result.exit_code, result.stderr) == (2, "loopbreaker: no AWS credentials\n")


@pytest.mark.usefixtures("account")
def test_an_interruption_after_the_reading_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exit code of an interrupted program, and without a traceback."""

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(analysis, "analyze", interrupt)
    result = run()

    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_the_page_has_every_option() -> None:
    """docs/scanning.md lists what the command takes, and nothing else."""
    taken = {name for one in scan.params for name in one.opts}
    listed = set(re.findall(r"^\| `(--[a-z-]+)", PAGE.read_text(), re.MULTILINE))

    assert listed == taken
