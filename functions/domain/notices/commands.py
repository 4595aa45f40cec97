"""The commands that people paste: the rollback, and the AWS CLI for what the guard changes."""

import shlex
from collections.abc import Iterable, Sequence

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
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import EXEMPT_TAG


def build_rollback_command(incident: Incident, deploy_flags: str | None) -> str:
    """The command that puts everything back, safe to paste into a shell.

    A function that is called ``all`` is named by its ARN: the flag means every function by that
    word. The flags of the deployment are repeated: the CDK does not remember them.

    Parameters
    ----------
    deploy_flags
        As the command line takes them; ``None`` where they are unknown.
    """
    return build_rollback_of(incident.function, incident.function_arn, deploy_flags)


def build_rollback_of(name: str, function_arn: str, deploy_flags: str | None) -> str:
    """The same for a function that has no incident."""
    if name == "all" and function_arn:
        name = function_arn
    asked = f"npx cdk deploy -c {shlex.quote(f'rollback={name}')}"
    return f"{asked} {deploy_flags}" if deploy_flags else asked


def build_restore_commands(
    outcomes: Iterable[StepOutcome], region: str | None, *, reserved_only: bool | None = None
) -> tuple[str, ...]:
    """AWS CLI commands that undo steps, one each.

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
        case PutBackReserved(prior=None):
            return build_aws_command(
                region, "delete-function-concurrency", "--function-name", step.function
            )
        case PutBackReserved(prior=prior):
            return build_aws_command(
                region,
                "put-function-concurrency",
                "--function-name",
                step.function,
                "--reserved-concurrent-executions",
                str(prior),
            )
        case PutBackScaling(prior=prior_scaling):
            return build_scale_command(step.function, prior_scaling, region)
        case EnableMapping():
            return build_aws_command(
                region, "update-event-source-mapping", "--uuid", step.uuid, "--enabled"
            )
        case PutBackLimit():
            config = "{}" if step.prior is None else f"MaximumConcurrency={step.prior}"
            words = ("--uuid", step.uuid, "--scaling-config", config)
            return build_aws_command(region, "update-event-source-mapping", *words)
        case PutBackProvisioned():
            return build_aws_command(
                region,
                "put-provisioned-concurrency-config",
                "--function-name",
                step.function,
                "--qualifier",
                step.qualifier,
                "--provisioned-concurrent-executions",
                str(step.requested),
            )


def build_look_command(function: str, region: str | None) -> str:
    """The command that shows what is reserved now."""
    return build_aws_command(region, "get-function-concurrency", "--function-name", function)


def build_scaling_look_command(function: str, qualifier: str, region: str | None) -> str:
    """The command that shows the scaling of a version on Lambda Managed Instances."""
    return build_aws_command(
        region,
        "get-function-scaling-config",
        "--function-name",
        function,
        "--qualifier",
        qualifier,
    )


def build_stop_command(function: str, region: str | None) -> str:
    """The command that throttles a function by hand."""
    return build_aws_command(
        region,
        "put-function-concurrency",
        "--function-name",
        function,
        "--reserved-concurrent-executions",
        "0",
    )


def build_scale_command(function: str, scaling: VersionScaling, region: str | None) -> str:
    """The command that scales a version; what is left out goes back to Lambda's default."""
    named = (
        ("MinExecutionEnvironments", scaling.minimum),
        ("MaxExecutionEnvironments", scaling.maximum),
    )
    given = ",".join(f"{name}={value}" for name, value in named if value is not None)
    config = ("--function-scaling-config", given) if given else ()
    return build_aws_command(
        region,
        "put-function-scaling-config",
        "--function-name",
        function,
        "--qualifier",
        scaling.qualifier,
        *config,
    )


def build_exempt_command(function_arn: str, region: str | None) -> str:
    """The command that makes the guard leave a function alone."""
    return build_aws_command(
        region, "tag-resource", "--resource", function_arn, "--tags", f"{EXEMPT_TAG}=true"
    )


def build_untag_command(function_arn: str, keys: Sequence[str], region: str | None) -> str:
    """The command that removes tags."""
    return build_aws_command(
        region, "untag-resource", "--resource", function_arn, "--tag-keys", *keys
    )


def build_aws_command(region: str | None, *words: str) -> str:
    """A command of the AWS CLI for Lambda, safe to paste into a shell."""
    place = ("--region", region) if region else ()
    return shlex.join(("aws", "lambda", *words, *place))
