"""The demonstration: what it counts, marks, shows and refuses."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from rich.console import Console

from sandbox.demo.__main__ import parse
from sandbox.demo.inbox import Inbox
from sandbox.demo.report import Report
from sandbox.demo.screen import DOCUMENT_LINES, Screen
from sandbox.demo.watch import Watch, state_of
from sandbox.local_aws import LocalAws, _mail
from sandbox.scenarios.healthy_functions import ACCOUNT_REFUSAL, HealthyFunction
from sandbox.scenarios.provision import create_function
from sandbox.weather.seeded import WeatherKind

if TYPE_CHECKING:
    from pathlib import Path


class _Healthy(HealthyFunction):
    """Gets one answer after the other; without any left its call is fine."""

    functions = ("steady",)
    seconds_between_calls = 0.0

    def __init__(self, *answers: Exception) -> None:
        super().__init__(LocalAws())
        self.answers = list(answers)

    def deploy(self) -> None:
        """Nothing is needed."""

    def call(self) -> None:
        """Get the next answer."""
        if self.answers:
            raise self.answers.pop(0)


def _error(status: int, code: str, **more: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": f"{code} it says"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "Invoke")


TIMEOUT = ReadTimeoutError(endpoint_url="http://127.0.0.1")
THROTTLED = _error(429, "TooManyRequestsException", Reason="ReservedFunctionConcurrent")
STARVED = _error(429, "TooManyRequestsException", Reason=ACCOUNT_REFUSAL)
GONE = _error(404, "ResourceNotFoundException")
FAILED = _error(500, "ServiceException")


@pytest.mark.parametrize(
    ("answers", "counted"),
    [
        ([], (0, 0, 0)),
        ([TIMEOUT, FAILED], (0, 0, 0)),
        ([TIMEOUT] * 4, (0, 0, 1)),
        ([THROTTLED], (1, 0, 0)),
        ([GONE], (1, 0, 0)),
        ([STARVED], (0, 1, 0)),
        ([TIMEOUT, THROTTLED], (1, 0, 0)),
    ],
)
def test_only_what_aws_decides_counts_as_refused(
    answers: list[Exception], counted: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that a busy machine fails is tried again and never held against the guard."""
    function = _Healthy(*answers)
    monkeypatch.setattr("sandbox.scenarios.healthy_functions.RETRY_SECONDS", 0.0)

    function._call_persistently()

    assert (function.refusals, function.starved, function.failures) == counted
    assert bool(function.errors) is any(counted)


def test_a_folded_subject_arrives_without_the_fold(tmp_path: Path) -> None:
    """White space before the first word of a header is none of its text."""
    path = tmp_path / "1.eml"
    path.write_bytes(b"Subject:\r\n [Loopbreaker] STOPPED\r\n orders\r\n\r\nbody\r\n")

    assert _mail(path).subject == "[Loopbreaker] STOPPED orders"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--speed=abc", "abc is not a speed: must be a number from 1 to 60"),
        ("--speed=61", "61 is not a speed: must be a number from 1 to 60"),
        ("--seed=-1", "-1 is not a seed: must be a whole number from 0 to 2147483647"),
        ("--weather=rain", "invalid choice: 'rain'"),
    ],
)
def test_bad_input_is_refused_in_plain_words(
    argument: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names what was wrong and what is allowed, and nothing of the program."""
    with pytest.raises(SystemExit):
        parse([argument])

    assert message in capsys.readouterr().err


def test_the_weather_is_that_of_aws_and_can_be_had_again() -> None:
    """Without a seed one is drawn, and the command that repeats the demonstration has it."""
    settings = parse(["--loop", "sqs"])

    again = settings.same_again

    assert settings.weather is WeatherKind.AWS
    assert f"LOOP=sqs SPEED=12 WEATHER=aws SEED={settings.seed}" in again
    assert parse(["--seed", "7", "--weather", "calm"]).seed == 7


class _Mails(LocalAws):
    """An account of which only the mails are asked."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        (directory / "mails").mkdir()

    def receive(self, number: int, subject: str, lines: int) -> None:
        """A mail of so many lines arrives."""
        body = "".join(f"line {index}\r\n" for index in range(lines))
        text = f"X-Envelope-To: a@b\r\nSubject: {subject}\r\n\r\n{body}"
        (self.directory / "mails" / f"{number}.eml").write_text(text)


@pytest.mark.parametrize("is_full", [False, True])
def test_mails_are_shown_in_part_and_none_goes_unmentioned(
    tmp_path: Path, *, is_full: bool
) -> None:
    """The first lines and the file's name are shown; the others are named at the end."""
    output, text = tmp_path / "build" / "demo", io.StringIO()
    output.mkdir(parents=True)
    aws = _Mails(tmp_path)
    screen = Screen(Console(file=text, width=100), shows_full_mails=is_full)
    inbox = Inbox(aws=aws, output=output, screen=screen, report=Report(loop="sqs", speed=12))
    aws.receive(1, "STOPPED orders", lines=40)
    aws.receive(2, "POSSIBLE LOOPS: 1 new, 1 in all", lines=1)

    inbox.show(aws.mails()[0])
    aws.receive(3, "RESTORED orders", lines=1)
    inbox.name_others()

    shown = text.getvalue()
    assert ("line 39" in shown) is is_full
    assert ("more lines" in shown) is not is_full
    assert shown.count("| line ") == (40 if is_full else DOCUMENT_LINES)
    assert "build/demo/mail-1.txt" in shown
    assert "mail-2.txt: POSSIBLE LOOPS: 1 new, 1 in all" in shown
    assert "mail-3.txt: RESTORED orders" in shown
    assert "line 39" in (output / "mail-1.txt").read_text()


def test_a_hold_is_seen(aws: LocalAws) -> None:
    """A setting that is not as it was has its moment; whether it is a stop the guard's log says."""
    create_function(aws, "steady-report")
    lambda_ = aws.client("lambda")
    watch = Watch(aws=aws, loop=("steady-report",), healthy=())
    watch.begin()
    watch.look()
    before = watch.happened.held

    lambda_.put_function_concurrency(FunctionName="steady-report", ReservedConcurrentExecutions=1)
    watch.until(lambda: bool(watch.held), "the hold", 20)

    assert before is None
    assert watch.happened.held is not None
    assert watch.happened.contained is None
    now = state_of(watch.settings["steady-report"], "steady-report")
    assert now == "the reserved concurrency of steady-report is 1"
