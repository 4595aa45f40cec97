"""Where test data lies that is not part of the project: beside it, or where a variable says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(
    os.environ.get("LOOPBREAKER_SHARED", Path(__file__).resolve().parents[2] / "shared")
)


def shared(name: str) -> Path:
    """A file of the shared folder; the test is skipped, and says so, where it is not there."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"{path} is not there (LOOPBREAKER_SHARED names the folder)")
    return path
