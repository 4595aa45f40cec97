"""The code asset: what is in it, and that the same sources always give the same hash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from aws_cdk import App, FileSystem

from stacks.components import bundle
from stacks.components.bundle import BundleError, write_bundle
from stacks.config import Config
from stacks.loopbreaker_stack import LoopbreakerStack
from tests.infrastructure.conftest import CDK_CONTEXT, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infrastructure.conftest import Synthesized


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bundle."""
    directory = tmp_path_factory.mktemp("bundle")
    write_bundle(directory)
    return directory


def test_contents(bundled: Path) -> None:
    """The asset holds our functions and three packages, nothing compiled and nothing stale."""
    files = [path.relative_to(bundled) for path in bundled.rglob("*") if path.is_file()]

    assert {file.parts[0] for file in files} == {
        "functions",
        "aws_lambda_powertools",
        "jmespath",
        "typing_extensions.py",
    }
    assert [file for file in files if "__pycache__" in file.parts or file.suffix == ".pyc"] == []
    assert {file.as_posix() for file in files if file.parts[0] == "functions"} == {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "functions").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_handlers_import_from_the_asset_alone(bundled: Path) -> None:
    """With boto3 of the runtime, the asset is all that a function needs."""
    runtime = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
    code = f"""
import importlib.util, sys
outside = {[p for p in sys.path if p.endswith("site-packages")]!r}
sys.path = [{str(bundled)!r}] + [p for p in sys.path if "site-packages" not in p]
class Runtime:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {runtime!r} and path is None:
            return importlib.machinery.PathFinder.find_spec(name, outside)
sys.meta_path.append(Runtime())
import functions.protect.handler as handler
print(handler.__file__, sys.modules["aws_lambda_powertools"].__file__)
"""
    ran = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-I", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )

    assert ran.returncode == 0, ran.stderr
    assert all(path.startswith(str(bundled)) for path in ran.stdout.split())


def test_same_sources_same_hash(tmp_path: Path) -> None:
    """Neither the place nor the time of the synthesis changes the hash."""
    once, again = tmp_path / "here", tmp_path / "else" / "where"
    write_bundle(once)
    write_bundle(again)
    for path in again.rglob("*"):
        os.utime(path, (time.time() - 1e6, time.time() - 1e6))

    assert FileSystem.fingerprint(str(again)) == FileSystem.fingerprint(str(once))


def test_a_changed_source_changes_the_hash(tmp_path: Path) -> None:
    """A function is deployed anew when its code changes."""
    write_bundle(tmp_path / "one")
    before = FileSystem.fingerprint(str(tmp_path / "one"))

    (tmp_path / "one" / "functions" / "environment.py").write_text("# changed")

    assert FileSystem.fingerprint(str(tmp_path / "one")) != before


def test_stale_files_are_removed(tmp_path: Path) -> None:
    """A bundle that was left from an earlier synthesis does not leak into the asset."""
    (tmp_path / "functions").mkdir()
    stale = tmp_path / "functions" / "removed.py"
    stale.write_text("")

    write_bundle(tmp_path)

    assert not stale.exists()


def test_one_asset_for_all_functions(default: Synthesized) -> None:
    """All functions share one asset, and a second app gives it the same hash."""
    app = App(context=CDK_CONTEXT)
    second = LoopbreakerStack(app, "Loopbreaker", config=Config(blast_radius=9))
    app.synth()
    codes = {json.dumps(one["Code"]) for one in default.properties("AWS::Lambda::Function")}

    (code,) = codes
    assert json.loads(code)["S3Key"] in json.dumps(
        json.loads((_directory(app) / f"{second.stack_name}.template.json").read_text())
    )


def _directory(app: App) -> Path:
    from pathlib import Path  # noqa: PLC0415 - only this needs it at run time

    return Path(app.outdir)


def test_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that is not installed is named, with what to do."""
    monkeypatch.setattr(bundle, "PACKAGES", ("no_such_package",))

    with pytest.raises(BundleError, match="no_such_package is not installed: run make setup"):
        write_bundle(tmp_path)


def test_compiled_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with compiled code would break on arm64 and is refused."""
    monkeypatch.setattr(bundle, "PACKAGES", ("numpy",))

    with pytest.raises(BundleError, match="numpy holds compiled code"):
        write_bundle(tmp_path)
