"""The policy that is printed allows what a scan calls, and nothing else."""

from __future__ import annotations

import json

from bench.worlds.paged_account import ACCOUNT, REGION, PagedAccount
from cdk_loopbreaker.scanning.estimate import OPERATIONS
from cdk_loopbreaker.scanning.policy import IAM_ACTIONS, ONLY_AFTER_CHANGES, format_policy
from cdk_loopbreaker.scanning.scan import Scan, ScanOptions
from functions.aws.account import account_reader
from functions.aws.account.read_session import run_one_by_one
from tests.unit.aws.account.test_shapes import checked
from tests.unit.cdk_loopbreaker.scanning.samples import AT, HastyStop

# Made for roles and policies that the listing of all roles does not hold.
CONDITIONAL = {
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
}


def list_made() -> set[str]:
    """The actions of a scan of an account with something of everything in it."""
    aws = PagedAccount()
    for name, value in vars(checked()).items():
        setattr(aws, name, value)
    made: set[str] = set()
    scan = Scan(
        ACCOUNT,
        "aws",
        lambda _: aws.client,
        at=AT,
        stop=HastyStop(),
        options=ScanOptions(
            rates={},
            on_call=lambda _, operation: made.add(operation.action),
            side_by_side=run_one_by_one,
            with_all_settings=True,
        ),
    )
    scan.read(scan.plan([REGION]))
    return made


def list_allowed() -> set[str]:
    """The actions of the printed policy."""
    statements = json.loads(format_policy())["Statement"]
    return {
        action
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }


def test_every_call_is_allowed_and_every_right_is_used() -> None:
    """What the account was really asked for is what the policy allows."""
    made = list_made()

    assert made - list_allowed() == set()
    assert list_allowed() - made - CONDITIONAL == set()


def test_the_policy_allows_what_the_adapters_declare() -> None:
    """Without what only the deployed guard calls, to work changes in."""
    assert list_allowed() == IAM_ACTIONS
    assert ONLY_AFTER_CHANGES < account_reader.IAM_ACTIONS
    assert {one.action for one in OPERATIONS} <= IAM_ACTIONS


def test_the_policy_only_reads() -> None:
    """No action changes anything, and none reads data."""
    verbs = {one.partition(":")[2] for one in list_allowed()}

    assert all(one.startswith(("Get", "List", "Describe", "GET")) for one in verbs)
    assert "lambda:GetFunction" not in list_allowed()
    assert "s3:GetObject" not in list_allowed()


def test_other_partitions_have_their_own_arns() -> None:
    """The APIs of a Region in China lie in another partition."""
    text = format_policy("aws-cn")

    assert "arn:aws-cn:apigateway:*::/apis" in text
    assert "arn:aws:" not in text


def test_the_policy_fits_into_a_managed_policy() -> None:
    """IAM takes 6,144 characters, white space not counted."""
    assert len("".join(format_policy().split())) < 6_144
