"""The frozen sets: what each version, from the first one on, has stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent / "sets"
SHAPES: Final = "shapes"
STACK: Final = "stack"


def set_names() -> list[str]:
    """The names of all sets, the oldest first: they begin with the day of their version."""
    return sorted(one.name for one in FOLDER.iterdir() if one.is_dir())


def story_names(name: str) -> list[str]:
    """The names of the stories of a set."""
    files = {one.stem for one in (FOLDER / name).glob("*.json")}
    return sorted(files - {SHAPES, STACK})


def read(name: str, story: str) -> dict[str, Any]:
    """One story of a set, or its shapes."""
    found: dict[str, Any] = json.loads((FOLDER / name / f"{story}.json").read_text())
    return found
