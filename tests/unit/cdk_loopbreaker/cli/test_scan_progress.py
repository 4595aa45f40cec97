"""What is shown while a scan reads, and how Ctrl-C stops it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading

from rich.console import Console

from cdk_loopbreaker.cli.commands.scan_progress import CallCounter, stop_on_interrupt
from cdk_loopbreaker.scanning.client import StopSignal
from functions.aws.account.rate_limit import Quota
from functions.aws.account.read_client import Operation

GET = Operation(
    service="lambda", method="get_policy", action="lambda:GetPolicy", lane=Quota.LAMBDA_POLICY
)
TWICE = """
import os, signal, sys, time
from rich.console import Console
from cdk_loopbreaker.cli.commands.scan_progress import stop_on_interrupt
from cdk_loopbreaker.scanning.client import StopSignal
with stop_on_interrupt(StopSignal(), Console(file=sys.stderr)):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(30)
"""


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The seconds."""
        return self.now


def make_console(*, is_terminal: bool) -> Console:
    """A console whose text is kept."""
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=100)


def read_text(console: Console) -> str:
    """What was printed."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_log_gets_a_line_now_and_then() -> None:
    """Not one for each call, and none before the reading."""
    clock, console = Clock(), make_console(is_terminal=False)
    counter = CallCounter(console, clock)
    counter("eu-west-1", GET)
    with counter.show(100):
        for second in range(1, 13):
            clock.now = second
            counter("eu-west-1", GET)

    assert read_text(console) == "11 of about 100 calls: eu-west-1 lambda:GetPolicy\n"
    assert counter.done == 13


def test_a_terminal_gets_a_bar() -> None:
    """With what is being read."""
    console = make_console(is_terminal=True)
    counter = CallCounter(console)
    with counter.show(10):
        counter("eu-west-1", GET)

    assert "1 of about 10 calls" in read_text(console)


def test_more_calls_than_expected_move_the_end() -> None:
    """It never says 12 of 10."""
    clock, console = Clock(), make_console(is_terminal=False)
    counter = CallCounter(console, clock)
    with counter.show(1):
        counter("eu-west-1", GET)
        clock.now = 60
        counter("eu-west-1", GET)

    assert read_text(console).startswith("2 of about 2 calls")


def test_the_first_interruption_asks_for_the_end() -> None:
    """And the handler of before is back afterwards."""
    before = signal.getsignal(signal.SIGINT)
    stop, console = StopSignal(), make_console(is_terminal=False)
    with stop_on_interrupt(stop, console):
        os.kill(os.getpid(), signal.SIGINT)

    assert stop.reason == "interrupted"
    assert "Ctrl-C again ends at once" in read_text(console)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_interruption_ends_the_process() -> None:
    """Whatever it is doing."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", TWICE], capture_output=True, timeout=60, check=False
    )

    assert done.returncode == -signal.SIGINT
    assert b"Traceback" not in done.stderr


def test_other_threads_have_no_signals() -> None:
    """There it does nothing, and is no error."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with stop_on_interrupt(StopSignal(), make_console(is_terminal=False)):
                pass
        except BaseException as error:  # noqa: BLE001 - any error is one
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert errors == []
