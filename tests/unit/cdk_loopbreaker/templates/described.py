"""Templates that tests write as Python, and the accounts that they describe."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import yaml

from cdk_loopbreaker.templates.account.describe import describe_accounts
from cdk_loopbreaker.templates.read import read_templates
from functions.domain.graph.build import build

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_loopbreaker.templates.account.model import DescribedAccount
    from functions.domain.graph.model import EventGraph

AT: Final = datetime(2026, 11, 29, tzinfo=UTC)
HOME: Final = "us-east-1:123456789012"


def describe(folder: Path, resources: dict[str, Any], **sections: Any) -> DescribedAccount:
    """The one account that a template describes."""
    path = folder / "app.yaml"
    path.write_text(yaml.safe_dump({**sections, "Resources": resources}))
    (described,) = describe_accounts(read_templates([path]), at=AT)
    return described


def conclude(folder: Path, resources: dict[str, Any], **sections: Any) -> EventGraph:
    """The event graph of the one account that a template describes."""
    return build(describe(folder, resources, **sections).account)


def role(*statements: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """A role of Lambda with these statements, which allow if they say nothing else."""
    listed = [{"Effect": "Allow", **one} for one in statements]
    document = {"Version": "2012-10-17", "Statement": listed}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Statement": [{**trust, "Action": "sts:AssumeRole"}]},
            "Policies": [{"PolicyName": "own", "PolicyDocument": document}],
            **properties,
        },
    }


def function(**properties: Any) -> dict[str, Any]:
    """A function called ``work`` with the role ``Role``."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "work",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            **properties,
        },
    }


def loop(**replaced: Any) -> dict[str, Any]:
    """A queue whose function sends messages to it: a certain loop."""
    return {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}},
        "Role": role({"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}),
        "Work": function(),
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Work"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
            },
        },
        **replaced,
    }
