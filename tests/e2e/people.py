"""People in the account, each with a role and a shell.

Their rights count late, as in IAM: a test waits until they do.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import boto3
from click.testing import CliRunner

from cdk_loopbreaker.cli.main import main
from sandbox.scenarios.provision import arn
from sandbox.settings import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from click.testing import Result

    from sandbox.local_aws import LocalAws

PERSON: Final = "anna"
TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def make_role(aws: LocalAws, name: str, statements: Sequence[Mapping[str, Any]] = ()) -> None:
    """Make a role that anybody in the account may take, with these rights, which count later."""
    iam = aws.client("iam")
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    if statements:
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(policy))


def allow_invoking(*functions: str) -> dict[str, Any]:
    """The right to invoke these functions."""
    return {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": [arn("lambda", f"function:{name}") for name in functions],
    }


def take_role(aws: LocalAws, name: str) -> dict[str, str]:
    """Take a role; gives the variables that a shell has then."""
    keys = aws.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{name}", RoleSessionName=PERSON
    )["Credentials"]
    return {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def open_session(shell: Mapping[str, str]) -> boto3.Session:
    """A session with the keys of such a shell."""
    return boto3.Session(
        aws_access_key_id=shell["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=shell["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=shell["AWS_SESSION_TOKEN"],
        region_name=shell["AWS_REGION"],
    )


def run(*words: str) -> Result:
    """Run a command as a shell would."""
    return CliRunner().invoke(main, words)
