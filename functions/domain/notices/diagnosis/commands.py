"""What people type: AWS CLI commands for remedies and their inverses, and the rollback."""

import shlex
from typing import assert_never

from functions.domain.diagnosis.remedy import (
    AddPermission,
    DeleteInlinePolicy,
    NamedStep,
    PutBackDescription,
    PutBackMemory,
    PutBackTracing,
    PutInlinePolicy,
    RefreshCredentials,
    RemedyInverse,
    RemovePermission,
    SetMemory,
    SetTimeout,
    SetTracing,
)


def build_step_command(step: NamedStep, region: str | None) -> str:
    """The command that does what a step does; empty where it cannot be written.

    A description that is not known cannot be changed without losing it.
    """
    match step:
        case PutInlinePolicy():
            return build_aws_command(
                None,
                "iam",
                "put-role-policy",
                "--role-name",
                step.role,
                "--policy-name",
                step.policy_name,
                "--policy-document",
                step.document,
            )
        case SetTracing():
            return _build_configuration_command(
                region, step.function, "--tracing-config", f"Mode={step.to}"
            )
        case SetMemory():
            return _build_configuration_command(
                region, step.function, "--memory-size", str(step.to)
            )
        case SetTimeout():
            return _build_configuration_command(region, step.function, "--timeout", str(step.to))
        case RefreshCredentials():
            if not step.to:
                return ""
            return _build_configuration_command(region, step.function, "--description", step.to)
        case AddPermission():
            return _build_add_permission(step, region)
        case _:
            assert_never(step)


def build_inverse_command(step: RemedyInverse, region: str | None) -> str:
    """The command that does what an inverse does."""
    match step:
        case DeleteInlinePolicy():
            return build_aws_command(
                None,
                "iam",
                "delete-role-policy",
                "--role-name",
                step.role,
                "--policy-name",
                step.policy_name,
            )
        case PutBackTracing():
            return _build_configuration_command(
                region, step.function, "--tracing-config", f"Mode={step.prior}"
            )
        case PutBackMemory():
            return _build_configuration_command(
                region, step.function, "--memory-size", str(step.prior)
            )
        case PutBackDescription():
            return _build_configuration_command(region, step.function, "--description", step.prior)
        case RemovePermission():
            own = step.permission
            qualifier = ("--qualifier", own.qualifier) if own.qualifier else ()
            return build_aws_command(
                region,
                "lambda",
                "remove-permission",
                "--function-name",
                own.function,
                "--statement-id",
                own.statement_id,
                *qualifier,
            )
        case _:
            assert_never(step)


def describe_step(step: NamedStep) -> str:
    """What a step changes, for people."""
    match step:
        case PutInlinePolicy():
            return f"inline policy {step.policy_name} of role {step.role}"
        case SetTracing():
            return f"tracing mode {step.prior} to {step.to}"
        case SetMemory():
            return f"memory size {step.prior:,} MB to {step.to:,} MB"
        case SetTimeout():
            return f"timeout {step.prior:,} s to {step.to:,} s"
        case AddPermission():
            return f"statement {step.statement_id} of the resource policy"
        case RefreshCredentials():
            return "a mark in the description, so that fresh environments take the new rights"
        case _:
            assert_never(step)


def build_rollback_command(function: str, function_arn: str, deploy_flags: str | None) -> str:
    """The command that undoes what the guard changed, safe to paste into a shell.

    A function that is called ``all`` is named by its ARN: the flag means every function by that
    word.
    """
    return _build_deploy_command("rollback", function, function_arn, deploy_flags)


def build_diagnose_command(function: str, function_arn: str, deploy_flags: str | None) -> str:
    """The command that examines one function and answers at length."""
    return _build_deploy_command("diagnose", function, function_arn, deploy_flags)


def _build_deploy_command(
    flag: str, function: str, function_arn: str, deploy_flags: str | None
) -> str:
    name = function_arn if function == "all" and function_arn else function
    asked = f"npx cdk deploy -c {shlex.quote(f'{flag}={name}')}"
    return f"{asked} {deploy_flags}" if deploy_flags else asked


def _build_add_permission(step: AddPermission, region: str | None) -> str:
    options = (
        ("--source-arn", step.source_arn),
        ("--source-account", step.source_account),
        ("--qualifier", step.qualifier),
    )
    return build_aws_command(
        region,
        "lambda",
        "add-permission",
        "--function-name",
        step.function,
        "--statement-id",
        step.statement_id,
        "--action",
        step.action,
        "--principal",
        step.principal,
        *(word for name, value in options if value for word in (name, value)),
    )


def _build_configuration_command(region: str | None, function: str, *words: str) -> str:
    return build_aws_command(
        region, "lambda", "update-function-configuration", "--function-name", function, *words
    )


def build_aws_command(region: str | None, *words: str) -> str:
    """Write a command of the AWS CLI, safe to paste into a shell."""
    place = ("--region", region) if region else ()
    return shlex.join(("aws", *words, *place))
