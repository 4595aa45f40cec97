"""What AWS's own execution roles allow is enough for every check of rights."""

from __future__ import annotations

import pytest

from cdk_loopbreaker.checking.troubleshooting import ASKED, CONSUMING, POLLING
from cdk_loopbreaker.templates.managed_policies import find_managed_policy
from functions.domain.account.inventory import Role
from functions.domain.iam.access import Access, evaluate_identity, read_identity

OF_SOURCES = {
    "sqs": "service-role/AWSLambdaSQSQueueExecutionRole",
    "dynamodb": "service-role/AWSLambdaDynamoDBExecutionRole",
    "kinesis": "service-role/AWSLambdaKinesisExecutionRole",
}


def is_allowed(policy: str, action: str) -> bool:
    """Whether one of AWS's managed policies allows an action on everything."""
    found = find_managed_policy(f"arn:aws:iam::aws:policy/{policy}")
    assert found is not None
    role = Role(arn="arn:aws:iam::123456789012:role/any", policies=(found,))
    return evaluate_identity(read_identity(role), action, "*").access is Access.ALLOWED


@pytest.mark.parametrize("service", POLLING)
def test_the_role_for_a_source_may_poll_it(service: str) -> None:
    """A function with the managed policy for its source has no finding."""
    assert all(is_allowed(OF_SOURCES[service], action) for action in POLLING[service])


@pytest.mark.parametrize("action", CONSUMING)
def test_the_role_for_streams_may_read_through_a_consumer(action: str) -> None:
    """The policy for streams is the one for their consumers as well."""
    assert is_allowed(OF_SOURCES["kinesis"], action)


@pytest.mark.parametrize("action", sorted(ASKED))
def test_an_administrator_may_do_all(action: str) -> None:
    """No action that is asked about was lost from the policies that allow everything."""
    assert is_allowed("AdministratorAccess", action)
