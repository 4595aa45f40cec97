"""The wheel in a fresh virtual environment, and an app in another folder that uses it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
STACK: Final = "Safety"
_SECONDS: Final = 300.0
# The versions of Python that the project is for: its own, and that of the deployed functions.
_RUNTIMES: Final = (str(ROOT / ".venv313/bin/python"), "python3.13")

_APP: Final = """
import functions
import stacks
from stacks.safety import Safety
from aws_cdk import App

assert functions.WHOSE == stacks.WHOSE == "theirs"
app = App()
Safety(app, "Safety")
app.synth()
"""
_STACK: Final = """
from aws_cdk import Stack
from cdk_loopbreaker import LoopGuard


class Safety(Stack):
    def __init__(self, scope, construct_id):
        super().__init__(scope, construct_id)
        LoopGuard(self, "Guard", {properties})
"""


def build_wheel(directory: Path) -> Path:
    """Build the wheel as `make package` does."""
    _run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(directory), str(ROOT)],
        directory,
    )
    (wheel,) = directory.glob("*.whl")
    return wheel


def find_pythons() -> list[str]:
    """The Python of this run, and that of the deployed functions where it is installed."""
    found = [sys.executable]
    for one in _RUNTIMES:
        path = shutil.which(one)
        # A command may be a shim for a version that is not active: it must run.
        if (
            path is not None
            and not subprocess.run(  # noqa: S603 - fixed names
                [path, "-c", "import venv"], capture_output=True, check=False
            ).returncode
        ):
            return [*found, path]
    return found


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """An app of somebody's with packages `functions` and `stacks`, beside an environment.

    The environment holds the wheel. What it depends on comes from that of the tests, which does
    not hold the project itself.
    """

    directory: Path
    environment: Path

    @classmethod
    def make(cls, directory: Path, wheel: Path, python: str, properties: str) -> InstalledApp:
        """Install the wheel and write the app."""
        made = cls(directory / "app", directory / "environment")
        made.directory.mkdir(parents=True)
        made._install(wheel, python)
        made._write(properties)
        return made

    def _install(self, wheel: Path, python: str) -> None:
        here = self.environment.parent
        _run([python, "-m", "venv", "--without-pip", str(self.environment)], here)
        own = str(self.environment / "bin/python")
        pip = [sys.executable, "-m", "pip", "--python", own, "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], here)
        (packages,) = self.environment.glob("lib/python*/site-packages")
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def _write(self, properties: str) -> None:
        for name in ("functions", "stacks"):
            (self.directory / name).mkdir()
            (self.directory / name / "__init__.py").write_text('WHOSE = "theirs"\n')
        (self.directory / "app.py").write_text(_APP)
        (self.directory / "stacks" / "safety.py").write_text(_STACK.format(properties=properties))

    def synthesize(self, output: Path) -> None:
        """Run the app as the CDK command line does."""
        _run(
            [str(self.environment / "bin/python"), "app.py"], self.directory, CDK_OUTDIR=str(output)
        )

    def run(self, *words: str) -> str:
        """What the command `loopbreaker` of the environment prints."""
        return _run([str(self.environment / "bin/loopbreaker"), *words], self.directory)


def _run(words: list[str], directory: Path, **variables: str) -> str:
    environment = {name: one for name, one in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603 - programs of this project and of the environment
        words,
        cwd=directory,
        env={**environment, "CDK_VALIDATION": "false", **variables},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout
