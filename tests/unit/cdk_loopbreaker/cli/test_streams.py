"""What becomes of the output where it cannot be written as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cdk_loopbreaker.cli.test_check_command import LOOP

ROOT = Path(__file__).resolve().parents[4]
FULL = Path("/dev/full")


@pytest.fixture(name="template")
def write_template(tmp_path: Path) -> Path:
    """A template with a loop, which is drawn in lines that few encodings have."""
    path = tmp_path / "template.yaml"
    path.write_text(LOOP.replace("orders", "orders-of-Łódź"), encoding="utf-8")
    return path


def run(
    *arguments: object, stdout: int = subprocess.PIPE, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, whose output has an encoding."""
    return subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-m", "cdk_loopbreaker", *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )


@pytest.mark.parametrize("kind", ["text", "github", "markdown"])
def test_a_character_that_the_output_lacks_is_escaped(template: Path, kind: str) -> None:
    """The report comes, in an encoding of Windows too."""
    done = run("check", template, "--format", kind, "--fail-on", "certain", encoding="cp1252")

    assert (done.returncode, done.stderr) == (1, b"")
    assert b"LB002" in done.stdout


@pytest.mark.skipif(not FULL.exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [["--help"], ["rules"], ["check", "{}"]])
def test_a_full_disk_is_one_line(template: Path, arguments: list[str]) -> None:
    """And no code that means findings."""
    with FULL.open("wb") as full:
        done = run(*(one.format(template) for one in arguments), stdout=full.fileno())

    assert done.returncode == 2
    assert done.stderr == b"loopbreaker: the output: No space left on device\n"


def test_a_reader_that_has_enough_is_nothing_to_report(template: Path) -> None:
    """As with ``| head -1``."""
    reading, writing = os.pipe()
    os.close(reading)
    done = run("check", template, stdout=writing)
    os.close(writing)

    assert done.stderr == b""
