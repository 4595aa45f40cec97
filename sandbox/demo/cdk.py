"""Runs the CDK command line against the local AWS, and ends it when the demonstration ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

from sandbox.demo.settings import PROJECT, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PROGRAM: Final = PROJECT / "node_modules" / ".bin" / "cdk"
TIMEOUT_SECONDS: Final = 180.0
POLL_SECONDS: Final = 0.1
STOP_SECONDS: Final = 3.0
TAIL_LINES: Final = 25
_WITHOUT_QUESTIONS: Final = ("--require-approval", "never", "--no-notices", "--progress", "events")


class CdkError(RuntimeError):
    """When a CDK command failed; the text holds the end of what it said."""


class Cdk:
    """The project's own CDK command line.

    Parameters
    ----------
    environment
        What points it to the local AWS.
    directory
        Where it writes the cloud assembly and where its output is kept.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CDK_"))}
        quiet = {
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            "NODE_NO_WARNINGS": "1",
            "NO_COLOR": "1",
            "LOOPBREAKER_FLAGS_FILE": "",
        }
        self._environment = inherited | dict(environment) | quiet
        self._directory = directory
        self._count = 0

    def run(
        self, arguments: tuple[str, ...], meanwhile: Callable[[], None] = lambda: None
    ) -> list[str]:
        """Run one command to its end and return what it said.

        Parameters
        ----------
        meanwhile
            Called again and again while the command runs.

        Raises
        ------
        CdkError
            When it fails or takes longer than `TIMEOUT_SECONDS`.
        """
        if not PROGRAM.exists():
            raise CdkError("the CDK command line is not installed: run `make setup`")
        self._count += 1
        log_path = self._directory / f"cdk-{self._count}-{arguments[0]}.log"
        command = [
            str(PROGRAM),
            *arguments,
            *_WITHOUT_QUESTIONS,
            "--output",
            str(self._directory / "cdk.out"),
        ]
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                _wait(process, meanwhile)
            finally:
                _end(process)
        said = log_path.read_text(errors="replace").splitlines()
        if process.returncode != 0:
            tail = "\n".join(said[-TAIL_LINES:])
            raise CdkError(f"{spoken(arguments)} ended with {process.returncode}:\n{tail}")
        return said


def outputs(said: list[str]) -> dict[str, str]:
    """The stack's outputs among what a deployment said."""
    pairs = (line.partition(" = ") for line in said if line.startswith("Loopbreaker."))
    return {name.partition(".")[2]: value for name, _, value in pairs}


def _wait(process: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise CdkError(f"the CDK did not finish within {TIMEOUT_SECONDS:g} s")
        meanwhile()
        time.sleep(POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it has started: all of it is in one process group of its own.

    The group's number is the command's process id, which is ours until it is waited for.
    """
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
