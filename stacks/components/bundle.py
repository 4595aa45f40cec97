"""The code of all guard functions, put together without Docker and without a network.

The asset holds `functions/` and the packages that it imports, copied from the environment that
runs the synthesis. They are pure Python, so what runs here runs on any runtime and processor. The
AWS SDK is among them, at the version of `constraints.txt`: the runtime's own one differs by Region
and over time, and with it the protocols of AWS's services (docs/adr/0011). Of botocore's 400
services the asset holds the models of those that the guard calls.
"""

from __future__ import annotations

import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from functions.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# By the names of their distributions: what `functions` imports, with all that these require.
PACKAGES: Final = (
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "six",
    "typing_extensions",
    "urllib3",
)

_ROOT: Final = Path(__file__).resolve().parents[2]
_CONSTRAINTS: Final = _ROOT / "constraints.txt"
_COMPILED: Final = frozenset({".so", ".pyd", ".dylib"})
_FILE_MODE: Final = 0o644
_MODELS: Final = ("botocore", "data")  # botocore/data/<service>/<API version>/<file>
_MODEL_DEPTH: Final = 5
# boto3's resources, which `functions` does not use; examples are for documentation.
_UNUSED: Final = (("boto3", "data"), ("boto3", "examples"))
_EXAMPLES: Final = "examples-1.json"


class BundleError(Exception):
    """Raised when the code of the guard functions cannot be put together."""


def write_bundle(directory: Path) -> None:
    """Write all files of the asset; what the directory held before is removed.

    Raises
    ------
    BundleError
        When a package is not installed, is not of the pinned version or holds compiled code.
    """
    if directory.exists():
        shutil.rmtree(directory)
    sources = dict(_project_files())
    pinned = _pinned_versions()
    for package in PACKAGES:
        sources |= dict(_package_files(package, pinned))
    for target, source in sorted(sources.items()):
        path = directory / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        path.chmod(_FILE_MODE)


def _project_files() -> Iterator[tuple[str, Path]]:
    for source in (_ROOT / "functions").rglob("*"):
        target = source.relative_to(_ROOT)
        if source.is_file() and _is_wanted(target):
            yield target.as_posix(), source


def _package_files(package: str, pinned: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    try:
        found = distribution(package)
    except PackageNotFoundError as error:
        raise BundleError(f"package {package} is not installed: run make setup") from error
    wanted = pinned.get(_normalized(package))
    if found.version != wanted:
        raise BundleError(
            f"package {package} is installed as {found.version}, constraints.txt says {wanted}: "
            "run make setup"
        )
    sources = {Path(str(file)): Path(str(file.locate())) for file in found.files or ()}
    current = _current_models(sources)
    for target, source in sources.items():
        if target.parts[0] == ".." or target.parts[0].endswith(".dist-info"):
            continue  # scripts and pip's own records
        if target.suffix in _COMPILED:
            raise BundleError(f"package {package} holds compiled code: {target}")
        is_needed = not _is_model(target) or target.parent in current
        if is_needed and _is_wanted(target):
            yield target.as_posix(), source


def _pinned_versions() -> dict[str, str]:
    lines = _CONSTRAINTS.read_text().splitlines()
    pins = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {_normalized(name): version.strip() for name, version in pins}


def _normalized(package: str) -> str:
    """The name as package indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package.strip()).lower()


def _is_model(path: Path) -> bool:
    """Whether the file belongs to one service; those that botocore needs for all lie above."""
    return path.parts[:2] == _MODELS and len(path.parts) == _MODEL_DEPTH


def _current_models(paths: Iterable[Path]) -> frozenset[Path]:
    """The folders with the newest API version of each service that the guard calls.

    Versions are dates. botocore takes the newest where none is asked for.
    """
    folders = {path.parent for path in paths if _is_model(path)}
    newest: dict[str, Path] = {}
    for folder in sorted(folders):
        newest[folder.parts[2]] = folder
    return frozenset(folder for service, folder in newest.items() if service in SERVICES)


def _is_wanted(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    unused = path.parts[:2] in _UNUSED or path.name == _EXAMPLES
    return not hidden and not unused and "__pycache__" not in path.parts
