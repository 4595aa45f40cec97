"""The same code is unpacked and compiled once, and not for each execution environment.

The emulator unpacks a function's package for every process that it starts, so Python compiles the
AWS SDK in it again each time: two thirds of a second of the processor. On AWS the code directory
is read-only; here nobody may write to it either, for environments share it.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ministack.core import lambda_runtime

from sandbox.patches.hooks import substitute

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

CODE = "code"


class SharedZipFile(zipfile.ZipFile):
    """An archive of a function's code, unpacked where all environments with this code find it."""

    def extractall(
        self,
        path: str | os.PathLike[str] | None = None,
        members: Iterable[str | zipfile.ZipInfo] | None = None,
        pwd: bytes | None = None,
    ) -> None:
        """Put a link to the unpacked code in the place of the empty code directory."""
        if path is None or Path(path).name != CODE or self.filename is None:
            super().extractall(path, members, pwd)
            return
        wanted = Path(path)
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir()) / f"{CODE}-{digest}"
        if not shared.exists():
            fresh = tempfile.mkdtemp(prefix=f"{CODE}-{digest}-")
            super().extractall(fresh, members, pwd)
            try:
                Path(fresh).rename(shared)
            except OSError:  # another environment with this code was faster
                shared = Path(fresh) if not shared.exists() else shared
        wanted.rmdir()
        wanted.symlink_to(shared, target_is_directory=True)


def apply() -> None:
    """Give the emulator's runtime an archive class that unpacks once."""
    shim = ModuleType("zipfile")
    shim.__dict__.update({name: getattr(zipfile, name) for name in zipfile.__all__})
    shim.__dict__["ZipFile"] = SharedZipFile
    substitute(lambda_runtime, "zipfile", shim, ModuleType)
