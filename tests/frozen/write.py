"""Freezes what this version stores: ``python -m tests.frozen.write 2026-11-28``.

A set of frozen records is written once and never edited: what is stored in an account stays as it
is, too. The name is the day, or the commit, of the version whose code is run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from sandbox.local_aws import LocalAws
from tests.frozen.sets import FOLDER, SHAPES, STACK
from tests.frozen.shapes import stored_partitions, stored_shapes
from tests.frozen.stack import lasting_resources
from tests.frozen.stage import Stage
from tests.frozen.stories import STORIES


def freeze(directory: Path) -> None:
    """Play all stories and write what they leave behind, a file for each.

    Raises
    ------
    FileExistsError
        When there is a set of that name.
    """
    directory.mkdir(parents=True)
    with LocalAws() as aws:
        for name, story in STORIES.items():
            stage = Stage(aws, name.replace("_", "-"))
            story(stage)
            _write(directory / f"{name}.json", stage.frozen())
    shapes = {"classes": stored_shapes(), "partitions": stored_partitions()}
    _write(directory / f"{SHAPES}.json", shapes)
    _write(directory / f"{STACK}.json", lasting_resources())


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Write a set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the set: a date or a commit")
    parser.add_argument("--into", type=Path, default=FOLDER, help="the folder of all sets")
    given = parser.parse_args()
    try:
        freeze(given.into / given.name)
    except FileExistsError:
        sys.exit(f"the set {given.name} is there: a frozen set is never written again")


if __name__ == "__main__":
    main()
