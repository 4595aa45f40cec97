"""What `import cdk_loopbreaker` gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import cdk_loopbreaker

ROOT = Path(__file__).resolve().parents[3]


def lines(code: str) -> list[str]:
    """What code prints in a process of its own."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.splitlines()


def test_the_command_line_starts_without_the_cdk() -> None:
    """The CDK starts Node, which takes longer than a command that does without."""
    code = (
        "import sys, cdk_loopbreaker, cdk_loopbreaker.cli.main\n"
        "print([one for one in ('aws_cdk', 'jsii', 'boto3') if one in sys.modules])"
    )

    assert lines(code) == ["[]"]


def test_the_version() -> None:
    """The command line tells it."""
    code = "from cdk_loopbreaker.cli.main import main; main(['--version'])"

    assert lines(code) == [f"loopbreaker, version {cdk_loopbreaker.__version__}"]


def test_every_name_is_listed() -> None:
    """Also what is imported when it is asked for."""
    assert set(cdk_loopbreaker.__all__) <= set(dir(cdk_loopbreaker))


def test_a_name_that_does_not_exist() -> None:
    """It is an error as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'LoopGard'"):
        _ = cdk_loopbreaker.LoopGard
