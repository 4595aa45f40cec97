"""Files that commands write: whole, or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from cdk_loopbreaker.cli.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_ANYBODY = 0o666
_OWNER = 0o600


def check_writable(path: Path, option: str) -> None:
    """Make sure that a file can be written later, before something long is done.

    Raises
    ------
    UserError
    """
    folder = path.parent
    if path.is_dir():
        raise UserError(f"{option} {path}: is a folder; give the name of a file")
    if not folder.is_dir():
        raise UserError(f"{option} {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK) and not os.access(path, os.W_OK):
        raise UserError(f"{option} {path}: cannot be written: permission denied")


def write_file(path: Path, content: bytes, option: str, *, is_private: bool = False) -> None:
    """Write a file as a whole: whoever reads it sees the old content or the new one.

    Parameters
    ----------
    is_private
        Whether only its owner may read it.

    Raises
    ------
    UserError
    """
    try:
        if path.exists() and not path.is_file():  # a device or pipe, such as /dev/stdout
            path.write_bytes(content)
            return
        _replace(path, content, _OWNER if is_private else _ANYBODY)
    except OSError as error:
        raise UserError(f"{option} {path}: cannot be written: {error.strerror}") from error


def _replace(path: Path, content: bytes, mode: int) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
