"""The code of the guard functions as one file, and its hash.

The hash is of names and contents and not of the compressed bytes: those differ between versions of
zlib. A folder and the archive made of it have the same one, so an app that uses the package and the
app of the repository deploy the same asset.
"""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# The earliest time that a ZIP archive can hold.
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_REGULAR_FILE: Final = 0o100644


def write_archive(directory: Path, archive: Path) -> None:
    """Write all files of a folder into a ZIP archive, in the order of their names.

    The same files give the same bytes with the same version of zlib.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, path in _list_files(directory):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, path.read_bytes(), compresslevel=9)


def hash_directory(directory: Path) -> str:
    """Hash the names and contents of all files of a folder; 64 hexadecimal digits."""
    return _hash((name, path.read_bytes()) for name, path in _list_files(directory))


def hash_archive(archive: Path) -> str:
    """Hash the names and contents of all files of an archive, as `hash_directory` does."""
    with zipfile.ZipFile(archive) as file:
        return _hash((name, file.read(name)) for name in sorted(file.namelist()))


def _list_files(directory: Path) -> list[tuple[str, Path]]:
    return sorted(
        (path.relative_to(directory).as_posix(), path)
        for path in directory.rglob("*")
        if path.is_file()
    )


def _hash(files: Iterable[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, content in files:
        # Digests have one length, and names no line break: two different folders give two texts.
        digest.update(f"{hashlib.sha256(content).hexdigest()} {name}\n".encode())
    return digest.hexdigest()
