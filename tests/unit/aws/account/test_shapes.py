"""Questions and answers have the shapes of botocore's models, also of calls no local AWS knows."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from bench.worlds.growth import Growth, Mix
from bench.worlds.paged_account import ACCOUNT, REGION, PagedAccount
from functions.aws.account import facts as f
from functions.aws.account.account_reader import AccountReader
from functions.aws.account.rate_limit import RateLimiter
from functions.aws.account.read_client import READS, ReadClient
from functions.aws.account.read_session import run_one_by_one
from tests.unit.aws.account import test_operations
from tests.unit.aws.account.changes import CHANGES
from tests.unit.aws.account.reading import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@functools.cache
def operation(service: str, method: str) -> Any:
    """Botocore's model of a call."""
    model = botocore.session.get_session().get_service_model(service)
    (name,) = (one for one in model.operation_names if xform_name(one) == method)
    return model.operation_model(name)


class CheckedAccount(PagedAccount):
    """An account that lets pass only what botocore would send and could have read."""

    def answer(self, service: str, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The answer, after the question was held against its model; then itself."""
        model = operation(service, method)
        assert wrong(dict(given), model.input_shape) == []
        answer: dict[str, Any] = pruned(super().answer(service, method, given), model.output_shape)
        found = wrong(_without_documents(answer), model.output_shape)
        # Fields that nobody reads are left out of these answers.
        assert [one for one in found if one[0] != "missing required field"] == []
        return answer


def pruned(told: Any, shape: Any) -> Any:
    """An answer without what the call does not tell: a list tells less than a description."""
    if shape.type_name == "structure" and isinstance(told, dict):
        members = shape.members
        return {key: pruned(one, members[key]) for key, one in told.items() if key in members}
    if shape.type_name == "list" and isinstance(told, list):
        return [pruned(one, shape.member) for one in told]
    return told


def wrong(told: dict[str, Any], shape: Any) -> list[Any]:
    """What of a question or an answer is not as its model says."""
    if shape is None:
        return [told] if told else []
    errors: list[Any] = ParamValidator().validate(told, shape)._errors
    return errors


def _without_documents(value: Any) -> Any:
    """Policy documents as the models have them: botocore turns the text into an object."""
    if isinstance(value, dict):
        return {
            key: json.dumps(one)
            if key in {"PolicyDocument", "AssumeRolePolicyDocument", "Document"}
            else _without_documents(one)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_without_documents(one) for one in value]
    return value


def checked() -> CheckedAccount:
    """An account with everything that is asked for only sometimes."""
    aws = CheckedAccount()
    growth = Growth(aws, 30, Mix())
    growth.all()
    growth.integrate(1, "api1", "/returns")
    (arn, role) = next(iter(aws.roles.items()))
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": ["logs.amazonaws.com", "s3.amazonaws.com"]},
    }
    role["AssumeRolePolicyDocument"] = {"Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    role["RolePolicyList"][0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "s3:ReplicateObject", "Resource": "arn:aws:s3:::bucket-0"}
    )
    uuid = "00000000-0000-4000-8000-0000000fffff"
    aws.mappings[uuid] = {
        "UUID": uuid,
        "FunctionArn": aws.arn("lambda", "function:orders-00001"),
        "EventSourceArn": aws.arn("kinesis", "stream/clicks"),
        "State": "Enabled",
    }
    aws.log_filters["/aws/lambda/orders-00001"] = [
        {"filterName": "a", "destinationArn": aws.arn("kinesis", "stream/clicks")}
    ]
    aws.account_policies = [
        {
            "policyName": "all",
            "policyDocument": json.dumps(
                {"DestinationArn": aws.arn("kinesis", "stream/clicks"), "FilterPattern": ""}
            ),
            "policyType": "SUBSCRIPTION_FILTER_POLICY",
            "selectionCriteria": 'LogGroupName NOT IN ["/aws/lambda/orders-00002"]',
        }
    ]
    aws.policies["orders-00003"] = json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl"}]}
    )
    assert arn in aws.roles
    return aws


def read(aws: PagedAccount) -> tuple[Any, f.Facts]:
    """The account, and the facts that it is made of."""
    facts = f.begin(ACCOUNT, REGION, "aws", NOW)
    asker = ReadClient(aws.client, RateLimiter({}), retry=replace(READS, sleep=lambda _: None))
    reader = AccountReader(asker, suspects=lambda _: NAMES, side_by_side=run_one_by_one)
    return reader.read(facts), facts


@pytest.mark.thorough
def test_a_reading_asks_and_is_answered_in_aws_shapes() -> None:
    """Every call of a reading has parameters that botocore sends, and reads what it gives."""
    account, _ = read(checked())

    assert account.gaps == ()
    subscriptions = {(one.log_group, one.excluded_groups) for one in account.log_subscriptions}
    assert subscriptions == {
        ("", ("/aws/lambda/orders-00002",)),
        ("/aws/lambda/orders-00001", ()),
    }
    assert [one.url for one in account.apis if one.kind == "url"] == [
        "https://orders-00003.lambda-url.us-east-1.on.aws/"
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("alter", CHANGES, ids=lambda one: one.__name__)
def test_changes_are_asked_in_aws_shapes(alter: Any) -> None:
    """The same of every call that works a change in."""
    aws = checked()
    _, facts = read(aws)
    change = alter(aws)
    asker = ReadClient(aws.client, RateLimiter({}), retry=replace(READS, sleep=lambda _: None))
    reader = AccountReader(asker, side_by_side=run_one_by_one)

    assert reader.work_in([change], facts) is not None


@pytest.mark.thorough
def test_every_call_was_made() -> None:
    """The two tests above leave no call of the reader out."""
    aws = checked()
    _, facts = read(aws)
    for alter in CHANGES:
        asker = ReadClient(aws.client, RateLimiter({}), retry=replace(READS, sleep=lambda _: None))
        AccountReader(asker, side_by_side=run_one_by_one).work_in([alter(aws)], facts)
        _, facts = read(aws)
    made = {f"{one.service}.{one.method}" for one in test_operations.OPERATIONS}

    assert made - set(aws.calls) == set()
