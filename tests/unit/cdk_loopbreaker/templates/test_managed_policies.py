"""The managed policies of AWS in the package."""

from __future__ import annotations

import json
import lzma
from typing import Any

import pytest

from bench.write_managed_policies import ASKED, FILE, list_documents, reduce_policies
from cdk_loopbreaker.templates.managed_policies import find_managed_policy, is_managed_by_aws
from functions.domain.graph.writes.policy_index import list_services
from functions.domain.graph.writes.service_calls import _find_changing_actions
from functions.domain.iam.access import Identity, read_rights
from functions.domain.iam.document import parse_policy

MOST_BYTES = 60_000
EVERY = 41
TRICKY = ["AmazonDataZoneEnvironmentRolePermissionsBoundary", "PowerUserAccess"]


def read(statements: list[dict[str, Any]]) -> Identity:
    """What a policy of these statements lets a role do."""
    document = parse_policy(json.dumps({"Statement": statements}), "policy")
    return Identity(policies=(document,))


def test_the_file_is_what_is_written_from_the_documents() -> None:
    """Whoever updates the documents writes the file again, and it stays small."""
    assert reduce_policies() == lzma.decompress(FILE.read_bytes()).decode()
    assert FILE.stat().st_size < MOST_BYTES


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/AmazonS3FullAccess",
        "arn:aws-cn:iam::aws:policy/AmazonS3FullAccess",
        "arn:aws-us-gov:iam::aws:policy/AmazonS3FullAccess",
    ],
)
def test_every_partition(arn: str) -> None:
    """A policy has the same name in every partition."""
    found = find_managed_policy(arn)

    assert found is not None
    assert found.name == "AmazonS3FullAccess"
    assert '"s3:*"' in found.text


@pytest.mark.parametrize(
    "arn", ["", "AmazonS3FullAccess", "arn:aws:iam::123456789012:policy/AmazonS3FullAccess"]
)
def test_other_policies_are_not_of_aws(arn: str) -> None:
    """A policy of an account may have the name of one of AWS's."""
    assert not is_managed_by_aws(arn)
    assert find_managed_policy(arn) is None


def test_unheard_of() -> None:
    """A policy that AWS has made since is of AWS, and not known."""
    arn = "arn:aws:iam::aws:policy/service-role/NotInventedYet"

    assert is_managed_by_aws(arn)
    assert find_managed_policy(arn) is None


@pytest.mark.thorough
def test_a_reduced_policy_says_the_same_of_what_is_asked() -> None:
    """Of every action that is asked about by name the resources are those of the policy."""
    for name in sorted(list_documents())[::EVERY]:
        whole = read(list_documents()[name])
        kept = find_managed_policy(f"arn:aws:iam::aws:policy/{name}")
        assert kept is not None
        reduced = read(json.loads(kept.text)["Statement"])

        for action in ASKED:
            expected = read_rights(whole, action)
            found = read_rights(reduced, action)
            assert [one.pattern for one in expected.own.allowed] == [
                one.pattern for one in found.own.allowed
            ], (name, action)
            assert len(expected.own.denied) == len(found.own.denied), (name, action)


def test_a_reduced_policy_changes_the_same_services() -> None:
    """Rules that hear of the changes of a service hear of the same roles."""
    for name in sorted(list_documents())[::EVERY] + TRICKY:
        statements = list_documents()[name]
        kept = find_managed_policy(f"arn:aws:iam::aws:policy/{name}")
        assert kept is not None
        whole, reduced = read(statements), read(json.loads(kept.text)["Statement"])

        changed = _find_changing_actions(whole, {}).keys()
        assert changed <= _find_changing_actions(reduced, {}).keys(), name
        services = list_services(reduced)
        assert services is None or changed - {"*"} <= services, name
