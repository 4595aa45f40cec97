"""The package, installed beside an app in another folder, deploys a guard that works."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.version import __version__
from stacks.components.archive import hash_directory
from stacks.components.bundle import write_bundle
from stacks.names import GUARD_FUNCTIONS
from tests.e2e.deployment import FLAGS, Deployment
from tests.e2e.installed import STACK, InstalledApp, build_wheel, find_pythons

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.local_aws import LocalAws
    from tests.e2e.account import Account

pytestmark = pytest.mark.e2e

PROPERTIES = (
    f"email=[{FLAGS['email']!r}], response='throttle', floor_per_minute=10,"
    " account_alarm_per_minute=100_000, sweep_minutes=0, blast_radius=50"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def app(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstalledApp:
    """An app under the Python of the tests."""
    python, *_ = find_pythons()
    return InstalledApp.make(tmp_path_factory.mktemp("theirs"), wheel, python, PROPERTIES)


@pytest.fixture(scope="module")
def stack(app: InstalledApp, aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The app's stack, in place of ours."""
    output = tmp_path_factory.mktemp("output") / "cdk.out"
    app.synthesize(output)
    deployment = Deployment(aws, tmp_path_factory.mktemp("assembly"), STACK)
    deployment.deploy_assembly(output)
    return deployment


def test_the_command_is_installed(app: InstalledApp) -> None:
    """It tells the version of the package."""
    assert app.run("--version") == f"loopbreaker, version {__version__}\n"


def test_every_python_gives_the_same_asset(wheel: Path, tmp_path: Path) -> None:
    """That of the checkout, too: pip's compiled files are no part of it."""
    write_bundle(tmp_path / "bundle")
    # The CDK hashes the hash that it is given.
    expected = f"{sha256(hash_directory(tmp_path / 'bundle').encode()).hexdigest()}.zip"

    for number, python in enumerate(find_pythons()):
        home = tmp_path / str(number)
        observing = "email=['you@example.com'], mode='observe'"
        InstalledApp.make(home, wheel, python, observing).synthesize(home / "cdk.out")
        resources = json.loads((home / "cdk.out" / f"{STACK}.template.json").read_text())[
            "Resources"
        ]
        functions = {
            one["Properties"]["FunctionName"]: one["Properties"]["Code"]["S3Key"]
            for one in resources.values()
            if one["Type"] == "AWS::Lambda::Function"
        }
        assert functions == dict.fromkeys(GUARD_FUNCTIONS, expected)


@pytest.mark.function("enrich-order")
def test_a_guard_of_somebody_elses_app_works(account: Account, name: str) -> None:
    """It is deployed, stops a loop, and its mail says what restores it there."""
    mail = account.contain(name)

    assert f"loopbreaker restore {name} --region" in mail.body
    assert "cdk deploy" not in mail.body
