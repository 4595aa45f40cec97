"""What people type or click: the rollback command, AWS CLI commands, links to the console."""

import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from functions.domain.changes.steps import (
    DisableMapping,
    EnableMapping,
    InverseStep,
    LimitMapping,
    PutBackLimit,
    PutBackProvisioned,
    PutBackReserved,
    PutBackScaling,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    Step,
    StepOutcome,
    StepStatus,
    VersionScaling,
    restore_order,
)
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import EXEMPT_TAG

# Steps in these states changed nothing.
_UNCHANGED: Final = frozenset({StepStatus.FAILED, StepStatus.GONE, StepStatus.CHANGED_MEANWHILE})
# Inverses in these states leave nothing of the guard's behind.
_SETTLED: Final = frozenset(
    {StepStatus.DONE, StepStatus.ALREADY, StepStatus.CHANGED_MEANWHILE, StepStatus.GONE}
)
_BEFORE: Final = timedelta(hours=1)
_LONGEST_GRAPH: Final = timedelta(days=14)


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


def list_steps_in_force(incident: Incident) -> tuple[StepOutcome, ...]:
    """The steps that are, or may be, still in force, in the order in which they are undone.

    A step that is only planned counts: a run may have died between doing it and writing it down.
    """
    outcomes = incident.steps
    if not outcomes and incident.snapshot is not None:
        prior = incident.snapshot.reserved_concurrency
        step = Reserve(function=incident.function, to=incident.target or 0, prior=prior)
        outcomes = (StepOutcome(step=step),)
    return tuple(
        one
        for one in restore_order(outcomes)
        if one.status not in _UNCHANGED and one.restored not in _SETTLED
    )


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


def name_step(step: Step) -> str:
    """What a step changes, for people."""
    match step:
        case Reserve():
            return "reserved concurrency"
        case ScaleToZero():
            return f"scaling of {step.prior.qualifier}"
        case DisableMapping():
            return f"event source mapping {step.uuid}"
        case LimitMapping():
            return f"maximum concurrency of event source mapping {step.uuid}"
        case RemoveProvisioned():
            return f"provisioned concurrency of {step.qualifier}"


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


def build_function_link(function: str, region: str) -> str:
    """The function's monitoring tab in the Lambda console."""
    return (
        f"{_find_console(region)}/lambda/home?region={quote(region, safe='')}"
        f"#/functions/{quote(function, safe='')}?tab=monitoring"
    )


def build_metric_link(function: str, region: str, begin: datetime, end: datetime) -> str:
    """The function's invocations, throttles and concurrency in the CloudWatch console.

    The time is absolute, so that the picture is still the right one next week. The console keeps
    a graph in its URL in the notation of JSURL (https://github.com/Sage/jsurl): a text begins
    with an apostrophe, and what is not a letter, a digit, ``_``, ``-`` or ``.`` is written as
    ``*`` with two hexadecimal digits. The apostrophe is percent-encoded, which that notation
    provides for, because mail readers end a link at it.
    """
    start = max(begin - _BEFORE, end - _LONGEST_GRAPH)
    name = _encode_jsurl(function)
    metrics = (
        f"~(~{_encode_jsurl('AWS/Lambda')}~{_encode_jsurl('Invocations')}~{_encode_jsurl('FunctionName')}~{name})"
        f"~(~{_encode_jsurl('.')}~{_encode_jsurl('Throttles')}~{_encode_jsurl('.')}~{_encode_jsurl('.')})"
        f"~(~{_encode_jsurl('.')}~{_encode_jsurl('ConcurrentExecutions')}~{_encode_jsurl('.')}~{_encode_jsurl('.')}"
        f"~(stat~{_encode_jsurl('Maximum')}))"
    )
    graph = (
        f"~(metrics~({metrics})~view~{_encode_jsurl('timeSeries')}~stacked~false"
        f"~region~{_encode_jsurl(region)}~stat~{_encode_jsurl('Sum')}~period~60"
        f"~start~{_encode_jsurl(_format_stamp(start))}"
        f"~end~{_encode_jsurl(_format_stamp(end + _BEFORE))})"
    )
    # The query comes last, so that the link does not end in a parenthesis.
    query = f"~{_encode_jsurl('{AWS/Lambda,FunctionName} ' + function)}"
    place = quote(region, safe="")
    home = f"{_find_console(region)}/cloudwatch/home?region={place}"
    return f"{home}#metricsV2?graph={graph}&query={query}"


def _encode_jsurl(text: str) -> str:
    kept = "_-."
    return "%27" + "".join(
        one
        if one.isascii() and (one.isalnum() or one in kept)
        else "".join(f"*{byte:02x}" for byte in one.encode(errors="backslashreplace"))
        for one in text
    )


def _format_stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _find_console(region: str) -> str:
    place = quote(region, safe="")
    if region.startswith("cn-"):
        return f"https://{place}.console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return f"https://{place}.console.amazonaws-us-gov.com"
    return f"https://{place}.console.aws.amazon.com"
