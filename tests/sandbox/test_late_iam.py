"""The policies of a role count some seconds after they were changed, in AWS's weather."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.local_aws import LocalAws
from sandbox.scenarios.provision import BASIC_EXECUTION, create_function
from sandbox.weather.lateness import iam_seconds
from sandbox.weather.seeded import Weather, WeatherKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT = "123456789012"
ROLE_NAMES = ("r", "of-stack", "nightly-import-role")
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


def _is_slow(seed: int) -> bool:
    weather = Weather(kind=WeatherKind.AWS, seed=seed)
    return all(iam_seconds(weather, role, n) > 20.0 for role in ROLE_NAMES for n in range(2))


@pytest.fixture(scope="module")
def shared_aws() -> Iterator[LocalAws]:
    """A local AWS in which the first changes of a role take 10 to 15 real seconds."""
    seed = next(seed for seed in range(10_000) if _is_slow(seed))
    with LocalAws(speed=2, auth=True, worker_cap=4, weather="aws", seed=seed) as aws:
        yield aws


def _allow(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _caller(aws: LocalAws, role: str) -> Callable[[], bool]:
    """Tells whether the role may list queues."""
    answer = aws.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="test"
    )
    keys = answer["Credentials"]
    sqs: Any = boto3.client(
        "sqs",
        endpoint_url=aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}),
    )

    def may() -> bool:
        try:
            sqs.list_queues()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}:
                return False
            raise
        return True

    return may


def test_rights_come_late_and_go_late(aws: LocalAws) -> None:
    """The old rights hold meanwhile; who reads the policy or simulates it sees the new."""
    iam = aws.client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))
    may = _caller(aws, "r")

    iam.put_role_policy(RoleName="r", PolicyName="list", PolicyDocument=_allow("sqs:ListQueues"))

    assert not may()
    simulated = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/r", ActionNames=["sqs:ListQueues"]
    )
    assert simulated["EvaluationResults"][0]["EvalDecision"] == "allowed"
    assert iam.list_role_policies(RoleName="r")["PolicyNames"] == ["list"]
    aws.wait_until(may, "allowed", 60)
    iam.delete_role_policy(RoleName="r", PolicyName="list")
    assert may()
    aws.wait_until(lambda: not may(), "denied again", 60)


def test_a_role_of_a_stack_has_its_rights_late(aws: LocalAws) -> None:
    """CloudFormation itself is not kept waiting by it."""
    template = {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": "of-stack",
                    "AssumeRolePolicyDocument": TRUST,
                    "Policies": [
                        {
                            "PolicyName": "list",
                            "PolicyDocument": json.loads(_allow("sqs:ListQueues")),
                        }
                    ],
                },
            }
        }
    }
    cloudformation = aws.client("cloudformation")

    def is_created() -> bool:
        stack = cloudformation.describe_stacks(StackName="s")["Stacks"][0]
        return bool(stack["StackStatus"] == "CREATE_COMPLETE")

    cloudformation.create_stack(
        StackName="s",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    aws.wait_until(is_created, "created", 20)
    may = _caller(aws, "of-stack")

    assert not may()
    aws.wait_until(may, "allowed", 60)


def test_a_function_logs_once_its_role_may(aws: LocalAws) -> None:
    """What ran before leaves no log; nothing has to be updated for what runs after."""
    create_function(aws, "nightly-import", writes_logs=False)
    logs = aws.client("logs")

    def is_logged() -> bool:
        aws.client("lambda").invoke(FunctionName="nightly-import", Payload=b"{}")
        prefix = "/aws/lambda/nightly-import"
        return bool(logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"])

    aws.client("iam").attach_role_policy(RoleName="nightly-import-role", PolicyArn=BASIC_EXECUTION)

    assert not is_logged()
    aws.wait_until(is_logged, "logs", 60)
