"""Cloud Custodian beside the guard: installs it, pinned and apart, and runs its policy."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from bench.measure import REPORTS

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE: Final = Path(__file__).resolve().parent
PINNED: Final = HERE / "custodian.txt"
POLICY: Final = HERE / "policy.yml"
RUNNER: Final = HERE / "custodian_run.py"
HOME: Final = REPORTS / "custodian"
INSTALL_SECONDS: Final = 600
END_SECONDS: Final = 10


class CustodianUnavailableError(Exception):
    """When Cloud Custodian could not be installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of the policy took.

    Attributes
    ----------
    calls
        Requests by API: those before the function was stopped, or before the run was cut.
    seconds
        From the beginning of the policy to the stopped function, or to the cut.
    contained_functions
        How many functions were set to reserved concurrency 0.
    is_cut
        Whether it was ended before it was through: then all of this are lower bounds.
    """

    calls: Mapping[str, int]
    seconds: float
    contained_functions: int
    is_cut: bool

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read what the runner wrote.

        The call that stops the function is no part of the way to it; the runner counts it,
        because it is under way when the function is stopped.
        """
        calls = {
            name: number
            for name, number in document["calls"].items()
            if name != "PutFunctionConcurrency"
        }
        return cls(
            calls=calls,
            seconds=document["seconds"],
            contained_functions=document["contained_functions"],
            is_cut=document["is_cut"],
        )

    @property
    def call_count(self) -> int:
        """All requests."""
        return sum(self.calls.values())


def version() -> str:
    """The version that is pinned."""
    lines = PINNED.read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith("c7n=="))


def install() -> Path:
    """Create Custodian's virtual environment unless it is there; its interpreter.

    Raises
    ------
    CustodianUnavailableError
        When that fails, for want of a registry for example.
    """
    interpreter = HOME / "bin" / "python"
    ready = HOME / ".ready"
    if ready.exists() and ready.read_text() == PINNED.read_text():
        return interpreter
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(HOME)], [*pip, "-r", str(PINNED)]):
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CustodianUnavailableError(str(error)) from error
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "WARNING" not in line]
            raise CustodianUnavailableError(said[-1] if said else f"{command[0]} failed")
    ready.write_text(PINNED.read_text())
    return interpreter


def run(interpreter: Path, environment: Mapping[str, str], limit_seconds: float) -> Run:
    """Run the policy against the endpoint of the environment, at most so long."""
    with tempfile.TemporaryDirectory(prefix="custodian-") as directory:
        report, log = Path(directory, "report.json"), Path(directory, "custodian.log")
        command = [str(interpreter), str(RUNNER), str(POLICY), directory, str(report)]
        with log.open("wb") as said:
            process = subprocess.Popen(command, env=dict(environment), stderr=said, cwd=directory)
            try:
                process.wait(limit_seconds)
            except subprocess.TimeoutExpired:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(END_SECONDS)
            finally:
                process.kill()
                process.wait()
        if not report.exists():
            raise RuntimeError(f"Cloud Custodian failed:\n{log.read_text()[-2000:]}")
        return Run.of(json.loads(report.read_text()))
