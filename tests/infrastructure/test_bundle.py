"""The code asset: what is in it, and that the same sources always give the same hash."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from importlib.metadata import distribution
from typing import TYPE_CHECKING, Final

import pytest
from aws_cdk import App
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from functions.services import SERVICES
from stacks.components import bundle
from stacks.components.archive import hash_directory
from stacks.components.bundle import PACKAGES, BundleError, write_bundle
from stacks.config import Config
from stacks.loopbreaker_stack import LoopbreakerStack
from tests.infrastructure.conftest import CDK_CONTEXT, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.infrastructure.conftest import Synthesized

HANDLERS: Final = ("chart", "contain", "diagnose", "protect", "restore")


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bundle."""
    directory = tmp_path_factory.mktemp("bundle")
    write_bundle(directory)
    return directory


def test_contents(bundled: Path) -> None:
    """The asset holds our functions and the packages they need, nothing compiled, nothing stale."""
    files = [path.relative_to(bundled) for path in bundled.rglob("*") if path.is_file()]

    assert {file.parts[0] for file in files} == {
        "functions",
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "dateutil",
        "jmespath",
        "s3transfer",
        "six.py",
        "typing_extensions.py",
        "urllib3",
    }
    assert [file for file in files if "__pycache__" in file.parts or file.suffix == ".pyc"] == []
    assert {file.as_posix() for file in files if file.parts[0] == "functions"} == {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "functions").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_models(bundled: Path) -> None:
    """Of botocore's data the asset holds the services that are called, once, and what all share."""
    data = bundled / "botocore" / "data"
    folders = [path for path in data.iterdir() if path.is_dir()]

    assert {path.name for path in folders} == SERVICES
    assert {path.name: len(list(path.iterdir())) for path in folders} == dict.fromkeys(SERVICES, 1)
    assert {path.name for path in data.iterdir() if path.is_file()} == {
        "_retry.json",
        "endpoints.json",
        "partitions.json",
        "sdk-default-configuration.json",
    }
    assert list(bundled.rglob("examples-1.json")) == []


def test_stays_small(bundled: Path) -> None:
    """The asset is far below what botocore alone takes, and so quickly fetched at a cold start."""
    total = sum(path.stat().st_size for path in bundled.rglob("*") if path.is_file())

    assert total < 15_000_000


def test_packages_are_complete() -> None:
    """The list names what the code imports and everything that this requires, and nothing else."""
    wanted = {canonicalize_name(name) for name in ("aws_lambda_powertools", "boto3")}
    missing = list(wanted)
    while missing:
        for text in distribution(missing.pop()).requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            name = canonicalize_name(requirement.name)
            if name not in wanted and (marker is None or marker.evaluate({"extra": ""})):
                wanted.add(name)
                missing.append(name)

    assert {canonicalize_name(name) for name in PACKAGES} == wanted


def test_services_are_those_that_the_code_calls() -> None:
    """Every client that the code makes is of a bundled service, and each of these is called."""
    asked: set[object] = set()
    for tree in _sources():
        asked |= {
            call.args[0].value
            for call in _calls(tree, "_make_client")
            if isinstance(call.args[0], ast.Constant)
        }
        asked |= {
            keyword.value.value
            for call in _calls(tree, "Operation")
            for keyword in call.keywords
            if keyword.arg == "service" and isinstance(keyword.value, ast.Constant)
        }

    assert asked == SERVICES


def _sources() -> Iterator[ast.Module]:
    for path in (ROOT / "functions").rglob("*.py"):
        yield ast.parse(path.read_text())


def _calls(tree: ast.Module, function: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name == function:
                yield node


def test_handlers_import_from_the_asset_alone(bundled: Path) -> None:
    """The asset and the standard library are all that the functions need."""
    printed = _run_in_asset(
        bundled,
        f"""
import importlib
for name in {HANDLERS!r}:
    print(importlib.import_module(f"functions.{{name}}.handler").__file__)
import aws_lambda_powertools, boto3, botocore, urllib3
for module in (aws_lambda_powertools, boto3, botocore, urllib3):
    print(module.__file__)
""",
    )

    assert len(printed) == len(HANDLERS) + 4
    assert all(path.startswith(str(bundled)) for path in printed)


def test_every_client_is_made_from_the_asset(bundled: Path) -> None:
    """All services can be called with the bundled models, and CloudWatch is read as JSON."""
    printed = _run_in_asset(
        bundled,
        """
from functions.aws.runtime import clients
from functions.services import SERVICES
for service in sorted(SERVICES):
    made = clients.make_reading_client(service)
    assert made.meta.endpoint_url.startswith("https://"), made.meta.endpoint_url
    print(made.meta.service_model.service_name)
print(clients.make_cloudwatch_client().meta.service_model.resolved_protocol)
import botocore.session
print(botocore.session.get_session().get_available_services())
""",
    )

    assert printed == [*sorted(SERVICES), "json", str(sorted(SERVICES))]


def _run_in_asset(bundled: Path, code: str) -> list[str]:
    """The lines that the code prints with nothing to import but the asset and Python's own."""
    own = "[path for path in sys.path if 'site-packages' not in path]"
    alone = f"import sys; sys.path = [{str(bundled)!r}, *{own}]"
    ran = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-I", "-B", "-c", f"{alone}\n{code}"],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "POWERTOOLS_LOG_LEVEL": "ERROR",
        },
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_same_sources_same_hash(tmp_path: Path) -> None:
    """Neither the place nor the time of the synthesis changes the hash."""
    once, again = tmp_path / "here", tmp_path / "else" / "where"
    write_bundle(once)
    write_bundle(again)
    for path in again.rglob("*"):
        os.utime(path, (time.time() - 1e6, time.time() - 1e6))

    assert hash_directory(again) == hash_directory(once)


def test_a_changed_source_changes_the_hash(tmp_path: Path) -> None:
    """A function is deployed anew when its code changes."""
    write_bundle(tmp_path / "one")
    before = hash_directory(tmp_path / "one")

    (tmp_path / "one" / "functions" / "environment.py").write_text("# changed")

    assert hash_directory(tmp_path / "one") != before


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
    second = LoopbreakerStack(app, "Loopbreaker", config=Config(email=("none",), blast_radius=9))
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


def test_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not installed as it was tested is not deployed."""
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("# pinned\nboto3==1.0.0\n")
    monkeypatch.setattr(bundle, "_CONSTRAINTS", constraints)
    monkeypatch.setattr(bundle, "PACKAGES", ("boto3",))

    with pytest.raises(
        BundleError, match=r"boto3 is installed as \S+, constraints.txt says 1.0.0:"
    ):
        write_bundle(tmp_path / "bundle")


def test_compiled_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with compiled code would break on arm64 and is refused."""
    monkeypatch.setattr(bundle, "PACKAGES", ("numpy",))

    with pytest.raises(BundleError, match="numpy holds compiled code"):
        write_bundle(tmp_path)
