"""A scan of the sandbox, with the rights of the printed policy and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cdk_loopbreaker.cli.main import main
from cdk_loopbreaker.scanning.policy import format_policy
from sandbox.local_aws import LocalAws
from tests.functional.scan.loops import ACCOUNT, HEALTHY, LOOPING, REGION, Builder

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE = f"arn:aws:iam::{ACCOUNT}:role/scan"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    """An account with the loops, in which IAM is enforced."""
    with LocalAws(speed=60.0, worker_cap=4, auth=True) as local:
        Builder(local.client).build()
        iam = local.client("iam")
        iam.create_role(RoleName="scan", AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName="scan", PolicyName="scan", PolicyDocument=format_policy())
        yield local


def scan(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """The report of a scan by the role."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["scan", "--role-arn", ROLE, "--json", *arguments])
    assert result.exit_code == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


@pytest.mark.thorough
@pytest.mark.usefixtures("_hasty")
def test_the_printed_policy_is_enough(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each loop is found, every other function is free of one, and nothing was denied."""
    report = scan(aws, monkeypatch, "--all-settings")
    (region,) = report["regions"]
    proofs = {one["name"]: one["proof"] for one in region["functions"]}

    assert region["gaps"] == []
    assert proofs == dict.fromkeys(LOOPING, "certain") | dict.fromkeys(HEALTHY, "ruled_out")
    assert {one["recursive_loop"] for one in region["functions"]} == {"Terminate"}
    assert [one["functions"] for one in region["near_loops"]] == [["copy"]]


@pytest.mark.thorough
@pytest.mark.usefixtures("_hasty")
def test_a_right_that_is_missing_is_a_gap(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report names the action, and rules nothing out that depends on it."""
    policy = json.loads(format_policy())
    policy["Statement"][0]["Action"].remove("s3:GetBucketNotification")
    iam = aws.client("iam")
    iam.put_role_policy(RoleName="scan", PolicyName="scan", PolicyDocument=json.dumps(policy))
    try:
        report = scan(aws, monkeypatch, "--region", REGION)
    finally:
        iam.put_role_policy(RoleName="scan", PolicyName="scan", PolicyDocument=format_policy())
    (region,) = report["regions"]
    proofs = {one["name"]: one["proof"] for one in region["functions"]}

    assert {one["action"] for one in region["gaps"]} == {"s3:GetBucketNotification"}
    assert {proofs["resize"], proofs["copy"]} <= {"possible", "unknown"}
    assert proofs["enrich"] == "certain"
