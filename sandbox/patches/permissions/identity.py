"""IAM's own calls where the emulator does not know what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions

from sandbox.patches.hooks import check, replace

if TYPE_CHECKING:
    from sandbox.world import World


def apply(world: World) -> None:  # noqa: ARG001 - every patch takes the world
    """Let the principal that is simulated be the resource, as policies on the simulator name it."""
    read = check(iam_actions, "_query_param", ("query_params", "key"))

    def resource(  # noqa: PLR0917 - as the emulator calls it
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        simulated = read(query_params, "PolicySourceArn") if service == "iam" else ""
        return str(
            simulated
            or original(service, method, path, headers, body, query_params, region, account_id)
        )

    original = replace(
        iam_actions,
        "extract_resource_arn",
        resource,
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
    )
