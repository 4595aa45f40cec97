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


def step_command(step: NamedStep, region: str | None) -> str:
    """The command that does what a step does; empty where it cannot be written.

    A description that is not known cannot be changed without losing it.
    """
    match step:
        case PutInlinePolicy():
            return _aws(
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
            return _configure(region, step.function, "--tracing-config", f"Mode={step.to}")
        case SetMemory():
            return _configure(region, step.function, "--memory-size", str(step.to))
        case SetTimeout():
            return _configure(region, step.function, "--timeout", str(step.to))
        case RefreshCredentials():
            if not step.to:
                return ""
            return _configure(region, step.function, "--description", step.to)
        case AddPermission():
            return _add_permission(step, region)
        case _:
            assert_never(step)


def inverse_command(step: RemedyInverse, region: str | None) -> str:
    """The command that does what an inverse does."""
    match step:
        case DeleteInlinePolicy():
            return _aws(
                None,
                "iam",
                "delete-role-policy",
                "--role-name",
                step.role,
                "--policy-name",
                step.policy_name,
            )
        case PutBackTracing():
            return _configure(region, step.function, "--tracing-config", f"Mode={step.prior}")
        case PutBackMemory():
            return _configure(region, step.function, "--memory-size", str(step.prior))
        case PutBackDescription():
            return _configure(region, step.function, "--description", step.prior)
        case RemovePermission():
            own = step.permission
            qualifier = ("--qualifier", own.qualifier) if own.qualifier else ()
            return _aws(
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


def step_words(step: NamedStep) -> str:
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


def rollback_command(function: str, function_arn: str, deploy_flags: str | None) -> str:
    """The command that undoes what the guard changed, safe to paste into a shell.

    A function that is called ``all`` is named by its ARN: the flag means every function by that
    word.
    """
    return _deploy("rollback", function, function_arn, deploy_flags)


def diagnose_command(function: str, function_arn: str, deploy_flags: str | None) -> str:
    """The command that examines one function and answers at length."""
    return _deploy("diagnose", function, function_arn, deploy_flags)


def _deploy(flag: str, function: str, function_arn: str, deploy_flags: str | None) -> str:
    name = function_arn if function == "all" and function_arn else function
    asked = f"npx cdk deploy -c {shlex.quote(f'{flag}={name}')}"
    return f"{asked} {deploy_flags}" if deploy_flags else asked


def _add_permission(step: AddPermission, region: str | None) -> str:
    options = (
        ("--source-arn", step.source_arn),
        ("--source-account", step.source_account),
        ("--qualifier", step.qualifier),
    )
    return _aws(
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


def _configure(region: str | None, function: str, *words: str) -> str:
    return _aws(
        region, "lambda", "update-function-configuration", "--function-name", function, *words
    )


def _aws(region: str | None, *words: str) -> str:
    place = ("--region", region) if region else ()
    return shlex.join(("aws", *words, *place))
