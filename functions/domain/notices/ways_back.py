"""How a person puts back what the guard changed: by a deployment, or by its command line."""

from typing import Final

from functions.domain.notices.commands import build_own_restore_command, build_rollback_command
from functions.domain.notices.layout import command_line, indent, paragraph
from functions.domain.notices.notice import Deployment

WITHOUT_DEPLOYMENT: Final = "Or from any folder, without a deployment:"


def list_ways_back(
    function: str, function_arn: str, deployment: Deployment, *, is_item: bool = False
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


def compose_deployment(function: str, function_arn: str, deployment: Deployment) -> str:
    """Write the deployment that restores a function."""
    return command_line(build_rollback_command(function, function_arn, deployment))


def compose_own_command(function: str, deployment: Deployment) -> str:
    """Write the command that restores a function without a deployment."""
    return command_line(build_own_restore_command(function, deployment.region))
