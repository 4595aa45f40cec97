"""An archive and the folder that it is made of are one asset."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stacks.components.archive import hash_archive, hash_directory, write_archive

if TYPE_CHECKING:
    from pathlib import Path


def write(directory: Path, files: dict[str, str]) -> Path:
    """A folder with files."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def test_one_hash(tmp_path: Path) -> None:
    """Whether it is hashed packed or not."""
    directory = write(tmp_path / "code", {"b/c.py": "c", "a.py": "a", "b.py": "b" * 9999})
    write_archive(directory, tmp_path / "code.zip")

    assert hash_archive(tmp_path / "code.zip") == hash_directory(directory)


def test_times_modes_and_order_do_not_count(tmp_path: Path) -> None:
    """The same files give the same bytes."""
    one = write(tmp_path / "one", {"a.py": "a", "b.py": "b"})
    two = write(tmp_path / "two", {"b.py": "b", "a.py": "a"})
    os.utime(two / "a.py", (1e9, 1e9))
    (two / "b.py").chmod(0o600)
    for directory in (one, two):
        write_archive(directory, directory.with_suffix(".zip"))

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_names_and_contents_count(tmp_path: Path) -> None:
    """Whatever is changed is deployed."""
    hashes = {
        hash_directory(write(tmp_path / str(number), files))
        for number, files in enumerate(
            ({"a.py": "a"}, {"a.py": "b"}, {"b.py": "a"}, {"a.py": "a", "b.py": ""}, {})
        )
    }

    assert len(hashes) == 5
