"""The wheel, built as `make package` builds it."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cdk_loopbreaker.version import __version__
from stacks.components.archive import hash_archive, hash_directory
from stacks.components.bundle import PACKAGES, write_bundle
from tests.infrastructure.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSET = "cdk_loopbreaker/stacks/components/functions.zip"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def build(directory: Path) -> Path:
    """Build the source archive, and the wheel out of that."""
    subprocess.run(  # noqa: S603 - our own interpreter and fixed arguments
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(directory), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = directory.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(built: Path) -> Iterator[zipfile.ZipFile]:
    """The wheel, open."""
    with zipfile.ZipFile(built) as file:
        yield file


def own_modules(name: str) -> set[str]:
    """Python files of a folder of the project."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / name).rglob("*.py")
        if "__pycache__" not in path.parts
    }


def test_names(built: Path, wheel: zipfile.ZipFile) -> None:
    """One import package and the metadata: nothing that could hide a package of somebody's app."""
    assert built.name == f"cdk_loopbreaker-{__version__}-py3-none-any.whl"
    assert {one.split("/")[0] for one in wheel.namelist()} == {
        "cdk_loopbreaker",
        f"cdk_loopbreaker-{__version__}.dist-info",
    }


def test_it_holds_all_code_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Every module, the asset and the marker of types; no test, no sandbox, nothing compiled."""
    modules = {one for one in wheel.namelist() if one.endswith(".py")}
    moved = own_modules("functions") | own_modules("stacks")

    assert modules == own_modules("cdk_loopbreaker") | {f"cdk_loopbreaker/{one}" for one in moved}
    assert {ASSET, "cdk_loopbreaker/py.typed"} <= set(wheel.namelist())
    assert not [one for one in wheel.namelist() if "__pycache__" in one or one.endswith(".pyc")]


def test_no_import_is_left_that_names_a_moved_package(wheel: zipfile.ZipFile) -> None:
    """Every module is parsed: an app's own `functions` and `stacks` are never asked."""
    imported = {
        name.split(".")[0]
        for one in wheel.namelist()
        if one.endswith(".py")
        for node in ast.walk(ast.parse(wheel.read(one), one))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }

    assert "cdk_loopbreaker" in imported
    assert imported & {"functions", "stacks", "tests", "sandbox", "bench"} == set()


def test_no_path_of_this_machine(wheel: zipfile.ZipFile) -> None:
    """Neither the checkout nor the home of whoever built it is named."""
    names = [str(ROOT).encode(), str(Path.home()).encode() + b"/", sys.prefix.encode()]
    found = [one for one in wheel.namelist() if any(name in wheel.read(one) for name in names)]

    assert found == []


def test_metadata(wheel: zipfile.ZipFile) -> None:
    """The licence, the command, the versions of Python, and ranges that hold what is tested."""
    info = f"cdk_loopbreaker-{__version__}.dist-info"
    metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    requirements = [Requirement(one) for one in metadata.get_all("Requires-Dist", [])]

    assert metadata["License-Expression"] == "Apache-2.0"
    assert b"Apache License" in wheel.read(f"{info}/licenses/LICENSE")
    assert metadata["Requires-Python"] == ">=3.11"
    assert (
        "loopbreaker = cdk_loopbreaker.cli.main:main"
        in wheel.read(f"{info}/entry_points.txt").decode()
    )
    pins = pinned()
    assert {canonicalize_name(one.name) for one in requirements} == set(named_in_requirements())
    for one in requirements:
        assert one.specifier.contains(pins[canonicalize_name(one.name)])
        assert not any(part.operator == "==" for part in one.specifier)


def pinned() -> dict[str, str]:
    """What constraints.txt says."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {str(canonicalize_name(name)): version for name, version in pairs}


def named_in_requirements() -> list[str]:
    """What requirements.txt names."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [str(canonicalize_name(one.split("==")[0])) for one in lines if "==" in one]


def test_what_the_asset_is_built_of() -> None:
    """An isolated build has the bundled packages at the versions that are tested."""
    requires = [Requirement(one) for one in PROJECT["build-system"]["requires"]]
    pins = pinned()

    assert {canonicalize_name(one.name) for one in requires} == {
        canonicalize_name(one) for one in (*PACKAGES, "hatchling")
    }
    assert {str(one.specifier) for one in requires} == {
        f"=={pins[canonicalize_name(one.name)]}" for one in requires
    }


def test_the_asset_is_that_of_the_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """An app with the package and the app of the repository deploy the same code, by one hash."""
    archive = tmp_path / "functions.zip"
    archive.write_bytes(wheel.read(ASSET))
    write_bundle(tmp_path / "bundle")

    assert hash_archive(archive) == hash_directory(tmp_path / "bundle")
    with zipfile.ZipFile(archive) as asset:
        assert "from functions." in asset.read("functions/contain/handler.py").decode()
        assert {one.date_time for one in asset.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {one.external_attr >> 16 for one in asset.infolist()} == {0o100644}
        assert not [one for one in asset.namelist() if "__pycache__" in one]


def test_two_builds_are_identical(built: Path, tmp_path: Path) -> None:
    """Byte for byte, wheel and source archive."""
    build(tmp_path)

    def digests(directory: Path) -> dict[str, str]:
        return {one.name: sha256(one.read_bytes()).hexdigest() for one in directory.iterdir()}

    assert len(digests(tmp_path)) == 2
    assert digests(tmp_path) == digests(built.parent)
