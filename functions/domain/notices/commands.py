"""The commands that people paste: deployments with a flag, and the AWS CLI.

Every command is safe to paste into a shell, whatever a name from the account holds.
"""

import shlex
from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from functions.domain.changes.steps import (
    EnableMapping,
    InverseStep,
    PutBackLimit,
    PutBackProvisioned,
    PutBackReserved,
    PutBackScaling,
    Reserve,
    ScaleToZero,
    StepOutcome,
    VersionScaling,
)
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
from functions.domain.incidents.policy import EXEMPT_TAG
from functions.domain.notices.notice import Deployment
from functions.domain.requests.terms import RestoreMode, RestoreTerms

_AT_ONCE: Final = RestoreTerms()


def build_rollback_command(
    function: str, function_arn: str, deployment: Deployment, terms: RestoreTerms = _AT_ONCE
) -> str:
    """Write the command that undoes all that the guard changed of a function.

    Where people deploy with flags, it is a deployment. Its flags are repeated: the CDK does not
    remember them.
    """
    # The word all means every function: a function of that name is named by its ARN.
    name = function_arn if function == "all" and function_arn else function
    if deployment.is_embedded:
        return build_own_restore_command(function, deployment.region, terms)
    is_careful = terms.mode is RestoreMode.PROBATION
    how = (
        *(("rollback_mode=probation",) if is_careful else ()),
        *(("rollback_force=yes",) if terms.is_forced else ()),
    )
    return _build_deploy_command("rollback", name, deployment, how)


def build_own_restore_command(
    function: str, region: str | None, terms: RestoreTerms = _AT_ONCE
) -> str:
    """Write the command of Loopbreaker's command line that does the same without a deployment."""
    how = (
        *(("--probation",) if terms.mode is RestoreMode.PROBATION else ()),
        *(("--force",) if terms.is_forced else ()),
    )
    return _build_own_command("restore", function, region, how)


def build_own_stop_command(function: str, region: str | None) -> str:
    """Write the command of Loopbreaker's command line that stops a function."""
    return _build_own_command("stop", function, region)


def _build_own_command(
    verb: str, function: str, region: str | None, how: tuple[str, ...] = ()
) -> str:
    place = (*how, *(("--region", region) if region else ()))
    # A name may begin with a hyphen, as options do.
    words = (*place, "--", function) if function.startswith("-") else (function, *place)
    return shlex.join(("loopbreaker", verb, *words))


def build_diagnose_command(function: str, deployment: Deployment) -> str:
    """Write the deployment that examines one function and answers at length.

    It is empty where people do not deploy with flags.
    """
    return "" if deployment.is_embedded else _build_deploy_command("diagnose", function, deployment)


def _build_deploy_command(
    flag: str, name: str, deployment: Deployment, more: Sequence[str] = ()
) -> str:
    asked = f"npx cdk deploy -c {shlex.quote(f'{flag}={name}')}"
    asked += "".join(f" -c {one}" for one in more)
    return f"{asked} {deployment.deploy_flags}" if deployment.deploy_flags else asked


def name_flag(flag: str, value: str, deployment: Deployment) -> str:
    """Name a flag with a value as people give it: on the command line, or in the code of an app."""
    return f'{flag}="{value}"' if deployment.is_embedded else f"-c {flag}={value}"


def name_setting(flag: str, deployment: Deployment) -> str:
    """Name a setting of the deployment as people give it: a flag, or a property."""
    return f"its property {flag}" if deployment.is_embedded else f"-c {flag}"


def name_restore_of_all(deployment: Deployment) -> str:
    """Name what restores all that the guard holds."""
    return "loopbreaker restore --all" if deployment.is_embedded else "-c rollback=all"


def build_restore_commands(
    outcomes: Iterable[StepOutcome], region: str | None, *, reserved_only: bool | None = None
) -> tuple[str, ...]:
    """Write the commands that undo steps of an incident, one each.

    Parameters
    ----------
    reserved_only
        True for the reservation alone, False for all but it, ``None`` for everything.
    """
    return tuple(
        _build_inverse_command(one.step.inverse(), region)
        for one in outcomes
        if reserved_only is None or isinstance(one.step, Reserve | ScaleToZero) is reserved_only
    )


def _build_inverse_command(step: InverseStep, region: str | None) -> str:
    match step:
        case PutBackReserved():
            if step.prior is None:
                return _build_function_command(region, "delete-function-concurrency", step.function)
            return _build_reserve_command(step.function, step.prior, region)
        case PutBackScaling(prior=scaling):
            return build_scale_command(step.function, scaling, region)
        case EnableMapping():
            return _build_mapping_command(region, step.uuid, "--enabled")
        case PutBackLimit():
            config = "{}" if step.prior is None else f"MaximumConcurrency={step.prior}"
            return _build_mapping_command(region, step.uuid, "--scaling-config", config)
        case PutBackProvisioned():
            return _build_function_command(
                region,
                "put-provisioned-concurrency-config",
                step.function,
                "--qualifier",
                step.qualifier,
                "--provisioned-concurrent-executions",
                str(step.requested),
            )
        case _:
            assert_never(step)


def build_remedy_command(step: NamedStep, region: str | None) -> str:
    """Write the command that does a step of a remedy; empty where it cannot be written.

    A description that is not known cannot be changed without losing it.
    """
    match step:
        case PutInlinePolicy():
            return _build_policy_command(
                "put-role-policy",
                step.role,
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
            return _build_permission_command(step, region)
        case _:
            assert_never(step)


def build_remedy_undo_command(step: RemedyInverse, region: str | None) -> str:
    """Write the command that undoes a step of a remedy."""
    match step:
        case DeleteInlinePolicy():
            return _build_policy_command("delete-role-policy", step.role, step.policy_name)
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
            return _build_function_command(
                region,
                "remove-permission",
                own.function,
                "--statement-id",
                own.statement_id,
                *qualifier,
            )
        case _:
            assert_never(step)


def build_look_command(function: str, region: str | None) -> str:
    """Write the command that shows what is reserved now."""
    return _build_function_command(region, "get-function-concurrency", function)


def build_stop_command(function: str, region: str | None) -> str:
    """Write the command that throttles a function."""
    return _build_reserve_command(function, 0, region)


def build_scaling_look_command(function: str, qualifier: str, region: str | None) -> str:
    """Write the command that shows the scaling of a version on Lambda Managed Instances."""
    return _build_function_command(
        region, "get-function-scaling-config", function, "--qualifier", qualifier
    )


def build_scale_command(function: str, scaling: VersionScaling, region: str | None) -> str:
    """Write the command that scales a version: what is not given goes back to Lambda's default."""
    named = (
        ("MinExecutionEnvironments", scaling.minimum),
        ("MaxExecutionEnvironments", scaling.maximum),
    )
    given = ",".join(f"{name}={value}" for name, value in named if value is not None)
    config = ("--function-scaling-config", given) if given else ()
    return _build_function_command(
        region, "put-function-scaling-config", function, "--qualifier", scaling.qualifier, *config
    )


def build_exempt_command(function_arn: str, region: str | None) -> str:
    """Write the command that makes the guard leave a function alone."""
    return build_lambda_command(
        region, "tag-resource", "--resource", function_arn, "--tags", f"{EXEMPT_TAG}=true"
    )


def build_untag_command(function_arn: str, keys: Sequence[str], region: str | None) -> str:
    """Write the command that removes tags."""
    return build_lambda_command(
        region, "untag-resource", "--resource", function_arn, "--tag-keys", *keys
    )


def build_lambda_command(region: str | None, *words: str) -> str:
    """Write a command of the AWS CLI for Lambda."""
    place = ("--region", region) if region else ()
    return shlex.join(("aws", "lambda", *words, *place))


def _build_function_command(region: str | None, action: str, function: str, *words: str) -> str:
    return build_lambda_command(region, action, "--function-name", function, *words)


def _build_reserve_command(function: str, reserved: int, region: str | None) -> str:
    return _build_function_command(
        region,
        "put-function-concurrency",
        function,
        "--reserved-concurrent-executions",
        str(reserved),
    )


def _build_mapping_command(region: str | None, uuid: str, *words: str) -> str:
    return build_lambda_command(region, "update-event-source-mapping", "--uuid", uuid, *words)


def _build_configuration_command(region: str | None, function: str, *words: str) -> str:
    return _build_function_command(region, "update-function-configuration", function, *words)


def _build_permission_command(step: AddPermission, region: str | None) -> str:
    options = (
        ("--source-arn", step.source_arn),
        ("--source-account", step.source_account),
        ("--qualifier", step.qualifier),
    )
    return _build_function_command(
        region,
        "add-permission",
        step.function,
        "--statement-id",
        step.statement_id,
        "--action",
        step.action,
        "--principal",
        step.principal,
        *(word for name, value in options if value for word in (name, value)),
    )


def _build_policy_command(action: str, role: str, policy_name: str, *words: str) -> str:
    # IAM has no Region.
    named = ("--role-name", role, "--policy-name", policy_name)
    return shlex.join(("aws", "iam", action, *named, *words))
