"""`app.py` as the CDK command line runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.infrastructure.conftest import CDK_CONTEXT, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


NOTHING_MORE: Mapping[str, str] = {}


def run(
    outdir: Path, flags: Mapping[str, str], variables: Mapping[str, str] = NOTHING_MORE
) -> subprocess.CompletedProcess[str]:
    """Run the app without credentials, without a Region and without a proxy to any AWS."""
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],  # jsii keeps its unpacked packages there
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "CDK_OUTDIR": str(outdir),
            "CDK_CONTEXT_JSON": json.dumps({**CDK_CONTEXT, **flags}),
            "AWS_EC2_METADATA_DISABLED": "true",
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "LOOPBREAKER_FLAGS_FILE": "",
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (
            {"sweep_minutes": "2"},
            "sweep_minutes=2: must be a whole number from 5 to 1440, or 0 for off",
        ),
        (
            {"rollback": "orders", "rollback_mode": "later"},
            "rollback_mode=later: must be now or probation",
        ),
    ],
)
def test_wrong_flag(tmp_path: Path, flags: dict[str, str], line: str) -> None:
    """A wrong flag ends the synthesis with exit code 1 and one line, without a traceback."""
    ran = run(tmp_path, flags)

    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"Loopbreaker: flag {line}\n")
    assert not (tmp_path / "Loopbreaker.template.json").exists()


def test_arn_of_another_account(tmp_path: Path) -> None:
    """An ARN of another account than that of the credentials ends the synthesis."""
    arn = "arn:aws:lambda:eu-west-1:999999999999:function:orders"
    place = {"CDK_DEFAULT_ACCOUNT": "123456789012", "CDK_DEFAULT_REGION": "eu-west-1"}

    ran = run(tmp_path, {"email": "none", "rollback": arn}, place)

    assert (ran.returncode, ran.stderr) == (
        1,
        (
            f"Loopbreaker: flag rollback={arn}: is in account 999999999999 Region eu-west-1, "
            "but this deployment goes to account 123456789012 Region eu-west-1\n"
        ),
    )


def test_nobody_would_be_notified(tmp_path: Path) -> None:
    """A deployment that stops functions and was not told whom to notify is refused."""
    ran = run(tmp_path, {}, {"CDK_VALIDATION": "false"})

    assert ran.returncode == 1
    # The CDK's own process writes it: before or after what Python says.
    assert (
        "ERROR Loopbreaker: nobody would be notified: give -c email=you@example.com, "
        "or -c email=none if others subscribe to the topic, or -c mode=observe"
    ) in ran.stderr


def test_synthesis_needs_no_aws(tmp_path: Path) -> None:
    """Without credentials and network the stack is synthesized, and nothing else is said.

    The CDK's own validation of the template has nothing to say either. The lasting flags come from
    the file that stands for `loopbreaker.json`.
    """
    file = tmp_path / "flags.json"
    file.write_text('{"email": ["none"], "exempt": ["billing", "audit"]}')

    ran = run(tmp_path, {"rollback": "orders"}, {"LOOPBREAKER_FLAGS_FILE": str(file)})

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert "missing" not in manifest
    assert "Loopbreaker" in manifest["artifacts"]
    template = json.loads((tmp_path / "Loopbreaker.template.json").read_text())
    (nonce,) = (
        resource["Properties"]["Nonce"]
        for resource in template["Resources"].values()
        if resource["Type"] == "Custom::LoopbreakerRollback"
    )
    assert len(nonce) == 16
    assert "-c email=none -c exempt=billing,audit" in json.dumps(template["Outputs"])


def test_all_recommended_feature_flags_are_set() -> None:
    """cdk.json has exactly the flags that the pinned CDK recommends for new projects."""
    import tarfile  # noqa: PLC0415 - only this test opens the package of the CDK
    from importlib.metadata import files  # noqa: PLC0415

    (archive,) = (
        file.locate() for file in files("aws-cdk-lib") or () if file.name.endswith(".jsii.tgz")
    )
    with tarfile.open(str(archive)) as package:
        member = package.extractfile("package/recommended-feature-flags.json")
        assert member is not None
        assert json.load(member) == CDK_CONTEXT
