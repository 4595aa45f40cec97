"""Control planes refuse the calls of roles beyond their rates, in AWS's weather."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.local_aws import LocalAws
from sandbox.weather.rates import BURST_SECONDS, CallRates, limit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
CALLS = 120
# So little of AWS's rates that a busy machine exceeds them too, and enough to get an answer.
SHARE = 0.1
RATE_ERRORS = {
    "TooManyRequestsException",
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
}


@pytest.fixture(scope="module")
def shared_aws() -> Iterator[LocalAws]:
    """A local AWS with its weather."""
    with LocalAws(speed=60, worker_cap=4, weather="aws", seed=7) as aws:
        yield aws


@pytest.fixture(scope="module")
def strict_aws() -> Iterator[LocalAws]:
    """A local AWS that takes few calls."""
    with LocalAws(speed=60, worker_cap=4, weather="aws", seed=7, rate_share=SHARE) as aws:
        yield aws


def test_calls_within_the_rate_are_taken_for_ever() -> None:
    """Fifteen a second, evenly."""
    rates = CallRates()

    assert all(rates.takes("lambda:ListTags", number / 15) for number in range(1, 1000))


def test_a_burst_is_taken_and_then_the_rate() -> None:
    """What was not used in the last seconds may be used at once."""
    rates = CallRates()
    at_once = sum(rates.takes("lambda:ListTags", 0.0) for _ in range(100))
    later = sum(rates.takes("lambda:ListTags", 1.0) for _ in range(100))

    assert at_once == 15 * BURST_SECONDS
    assert later == 15


def test_calls_of_lambda_share_a_rate_and_two_have_their_own() -> None:
    """GetFunction and GetPolicy are counted apart, invocations not at all."""
    rates = CallRates()
    while rates.takes("lambda:UpdateEventSourceMapping", 0.0):
        pass

    assert not rates.takes("lambda:PutFunctionConcurrency", 0.0)
    assert rates.takes("lambda:GetFunction", 0.0)
    assert rates.takes("lambda:GetPolicy", 0.0)
    assert limit_of("lambda:InvokeFunction") is None
    assert limit_of("sqs:SendMessage") is None
    assert limit_of("dynamodb:PutItem") is None


def _clients(aws: LocalAws, config: Config) -> Callable[[str], Any]:
    """Makes clients of a role."""
    aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
    keys = aws.client("sts").assume_role(
        RoleArn="arn:aws:iam::123456789012:role/r", RoleSessionName="test"
    )["Credentials"]
    session = boto3.session.Session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        region_name="us-east-1",
    )
    return lambda service: session.client(
        service,  # type: ignore[call-overload]
        endpoint_url=aws.endpoint,
        config=config,
    )


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("lambda", "list_functions"),
        ("cloudwatch", "describe_alarms"),
        ("iam", "list_roles"),
        ("events", "list_rules"),
        ("sqs", "list_queues"),
        ("sns", "list_topics"),
    ],
)
def test_a_role_that_calls_too_fast_is_refused(
    strict_aws: LocalAws, service: str, operation: str
) -> None:
    """With the error that the service's protocol has for it; the account itself goes on."""
    strict_aws.reset()
    client = _clients(
        strict_aws, Config(retries={"total_max_attempts": 1}, max_pool_connections=20)
    )(service)

    def code() -> str:
        try:
            getattr(client, operation)()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: code(), range(CALLS)))

    assert "" in codes
    refused = set(codes) - {""}
    assert len(refused) == 1
    assert refused <= RATE_ERRORS
    getattr(strict_aws.client(service), operation)()


def test_the_default_retries_of_boto3_cope(aws: LocalAws) -> None:
    """One caller that goes on and on is slowed down and meets no error."""
    client = _clients(aws, Config())("lambda")

    for _ in range(60):
        client.list_functions()
