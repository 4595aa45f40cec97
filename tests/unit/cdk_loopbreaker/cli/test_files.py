"""Files are written whole, or not at all."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from cdk_loopbreaker.cli.errors import UserError
from cdk_loopbreaker.cli.files import check_writable, write_file


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """Nothing else is left in the folder."""
    path = tmp_path / "report.json"
    path.write_text("old")
    write_file(path, b"new", "--output")

    assert path.read_text() == "new"
    assert [one.name for one in tmp_path.iterdir()] == ["report.json"]


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is one line, and no half of a file."""
    path = tmp_path / "report.json"
    path.write_text("old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match=r"--output .*cannot be written: No space left"):
        write_file(path, b"new", "--output")

    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(("is_private", "mode"), [(True, 0o600), (False, 0o644)])
def test_who_may_read_it(tmp_path: Path, mode: int, *, is_private: bool) -> None:
    """A snapshot is its owner's; a report is as other files."""
    before = os.umask(0o022)
    try:
        write_file(tmp_path / "a", b"", "--save", is_private=is_private)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    """It is not replaced by a file."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(path.read_bytes()))
    thread.start()
    write_file(path, b"report", "--output")
    thread.join(10)

    assert read == [b"report"]


def test_what_cannot_be_written_is_found_before(tmp_path: Path) -> None:
    """A folder, and a file in no folder."""
    check_writable(tmp_path / "new", "--save")
    check_writable(Path("new"), "--save")
    with pytest.raises(UserError, match="is a folder"):
        check_writable(tmp_path, "--save")
    with pytest.raises(UserError, match="there is no folder"):
        check_writable(tmp_path / "no" / "file", "--save")
