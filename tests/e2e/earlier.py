"""The code of an earlier version, out of the repository's history."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT: Final = Path(__file__).resolve().parents[2]
_PINS: Final = ("constraints.txt", "requirements.txt", "package-lock.json")
_SYNTHESIS_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The files of a commit.

    Attributes
    ----------
    directory
        Holds the whole tree of the commit.
    """

    commit: str
    directory: Path

    @classmethod
    def out_of_history(cls, commit: str, directory: Path) -> Earlier:
        """Unpack a commit; the test is skipped, and says so, where the repository lacks it."""
        if not _git("cat-file", "-e", f"{commit}^{{commit}}"):
            pytest.skip(
                f"commit {commit[:7]} is not in this copy of the repository: clone it fully"
            )
        archive = directory / "earlier.zip"
        assert _git("archive", f"--output={archive}", commit), f"{commit} cannot be packed"
        tree = directory / "earlier"
        with zipfile.ZipFile(archive) as files:
            files.extractall(tree)
        return cls(commit=commit, directory=tree)

    def synthesize(self, output: Path, context: Mapping[str, Any]) -> None:
        """Synthesize its stack by its own `app.py`, with the packages that are installed here."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.directory),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_OUTDIR": str(output),
        }
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SYNTHESIS_SECONDS,
            check=False,
        )
        assert done.returncode == 0, (
            f"{self.commit[:7]} cannot be synthesized{self._words_about_pins()}:\n{done.stderr}"
        )

    def _words_about_pins(self) -> str:
        """That it was made for other packages than those that are installed here, if it was."""
        others = [one for one in _PINS if (self.directory / one).read_bytes() != _own(one)]
        return f" (it pins other packages: {', '.join(others)})" if others else ""


def _own(name: str) -> bytes:
    return (_ROOT / name).read_bytes()


def _git(*arguments: str) -> bool:
    """Whether git did what it was asked to do."""
    done = subprocess.run(  # noqa: S603 - fixed arguments
        ["git", "-C", str(_ROOT), *arguments],  # noqa: S607 - whatever git there is
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
