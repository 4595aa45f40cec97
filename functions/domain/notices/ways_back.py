"""How a person puts back what the guard changed: by a deployment, or by its command line."""

from typing import Final

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.notices.commands import build_own_restore_command, build_rollback_command
from functions.domain.notices.layout import command_line, indent, paragraph
from functions.domain.notices.notice import Deployment
from functions.domain.requests.terms import RestoreTerms

_AT_ONCE: Final = RestoreTerms()
WITHOUT_DEPLOYMENT: Final = "Or from any folder, without a deployment:"


def list_ways_back(
    function: str,
    function_arn: str,
    deployment: Deployment,
    *,
    is_item: bool = False,
) -> tuple[str, ...]:
    """Write both commands, each on a line of its own.

    Parameters
    ----------
    is_item
        Whether they belong to an item of a list.
    """
    own = compose_own_command(function, deployment)
    if deployment.is_embedded:
        return (own,)
    return (
        compose_deployment(function, function_arn, deployment),
        indent(WITHOUT_DEPLOYMENT) if is_item else paragraph(WITHOUT_DEPLOYMENT),
        own,
    )


def compose_deployment(
    function: str, function_arn: str, deployment: Deployment, terms: RestoreTerms = _AT_ONCE
) -> str:
    """Write the deployment that restores a function."""
    return command_line(build_rollback_command(function, function_arn, deployment, terms))


def compose_own_command(
    function: str, deployment: Deployment, terms: RestoreTerms = _AT_ONCE
) -> str:
    """Write the command that restores a function without a deployment."""
    return command_line(build_own_restore_command(function, deployment.region, terms))


def describe_code_fix(loop: LoopStatus, deployment: Deployment) -> str:
    """Say what a restore needs after a fix in the code; empty where no loop is certain.

    The event graph knows the configuration alone: there the loop is closed as before.
    """
    if loop.proof is not LoopProof.CERTAIN:
        return ""
    own = "--probation or --force"
    flags = "-c rollback_mode=probation or -c rollback_force=yes"
    added = own if deployment.is_embedded else f"{flags} (without a deployment: {own})"
    return paragraph(
        "Fixed in the code? Loopbreaker reads the configuration alone, still sees the loop, and"
        f" refuses these commands. Add {added}."
    )
