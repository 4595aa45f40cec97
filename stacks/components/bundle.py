"""The code of all guard functions, put together without Docker and without a network.

The asset holds `functions/` and the packages that it imports and the Lambda runtime lacks, copied
from the environment that runs the synthesis. They are pure Python, so what runs here runs on any
runtime and processor. boto3 is left out: it comes with the runtime.
"""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aws_cdk import Stage
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs import Construct

PACKAGES: Final = ("aws_lambda_powertools", "jmespath", "typing_extensions")

_ROOT: Final = Path(__file__).resolve().parents[2]
_COMPILED: Final = frozenset({".so", ".pyd", ".dylib"})
_FILE_MODE: Final = 0o644


class BundleError(Exception):
    """Raised when the code of the guard functions cannot be put together."""


def function_code(scope: Construct) -> lambda_.Code:
    """Bundle the code below the cloud assembly and make it a CDK asset.

    The asset's hash is the CDK's fingerprint of the bundle: of names and contents, not of times.
    The same sources therefore always give the same hash, and a deployment without a change of
    code leaves the functions alone.
    """
    stage = Stage.of(scope)
    if stage is None:
        raise BundleError("the functions can only be bundled within an app")
    directory = Path(stage.asset_outdir) / "bundle"
    write_bundle(directory)
    return lambda_.Code.from_asset(str(directory))


def write_bundle(directory: Path) -> None:
    """Write all files of the asset; what the directory held before is removed.

    Raises
    ------
    BundleError
        When a package is not installed or holds compiled code.
    """
    if directory.exists():
        shutil.rmtree(directory)
    sources = dict(_project_files())
    for package in PACKAGES:
        sources |= dict(_package_files(package))
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


def _package_files(package: str) -> Iterator[tuple[str, Path]]:
    try:
        files = distribution(package).files
    except PackageNotFoundError as error:
        raise BundleError(f"package {package} is not installed: run make setup") from error
    for file in files or ():
        target = Path(str(file))
        if target.parts[0] == ".." or target.parts[0].endswith(".dist-info"):
            continue  # scripts and pip's own records
        if target.suffix in _COMPILED:
            raise BundleError(f"package {package} holds compiled code: {target}")
        if _is_wanted(target):
            yield target.as_posix(), Path(str(file.locate()))


def _is_wanted(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and "__pycache__" not in path.parts
