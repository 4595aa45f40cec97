"""Stacks as a user of the account deploys them with the CDK."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import App, DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from sandbox.scenarios.provision import read_handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from constructs import Construct

    from sandbox.local_aws import LocalAws

PATIENCE_SECONDS = 60.0


class UserStackError(Exception):
    """When CloudFormation does not create a stack; its reasons are the text."""


def deploy_stack(aws: LocalAws, name: str, build: Callable[[Construct], object]) -> None:
    """Synthesize a stack and create it.

    Parameters
    ----------
    build
        Defines what is in the stack, whose scope it is given.

    Raises
    ------
    UserStackError
        When it is not created.
    """
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=synthesize(name, build),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )

    def status() -> str:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return str(stack["StackStatus"])

    aws.wait_until(
        lambda: not status().endswith("_IN_PROGRESS"), f"the stack {name}", PATIENCE_SECONDS
    )
    if status() != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [one["ResourceStatusReason"] for one in events if "ResourceStatusReason" in one]
        raise UserStackError(f"{name} is {status()}: {'; '.join(reasons)}")
    aws.let_iam_settle()


def synthesize(name: str, build: Callable[[Construct], object]) -> str:
    """The template of a stack."""
    with tempfile.TemporaryDirectory() as directory:
        app = App(outdir=directory)
        stack = Stack(
            app,
            name,
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        build(stack)
        app.synth()
        return Path(directory, f"{name}.template.json").read_text()


def define_function(
    scope: Construct, name: str, *, code: str, timeout_seconds: int = 10, **settings: Any
) -> lambda_.Function:
    """A function with the code of a handler; ``settings`` are further ones of the construct."""
    return lambda_.Function(
        scope,
        name,
        function_name=name,
        runtime=lambda_.Runtime.PYTHON_3_12,
        handler="index.handler",
        code=lambda_.Code.from_inline(read_handler(code)),
        timeout=Duration.seconds(timeout_seconds),
        **settings,
    )


def define_role(scope: Construct, function: str) -> iam.Role:
    """A role for a function that may do nothing at all, not even write logs."""
    return iam.Role(
        scope,
        f"{function}-role",
        role_name=f"{function}-role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
