"""Functions run under their role, so that the sandbox can tell who calls."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ministack.core import lambda_runtime
from ministack.services import sts

from sandbox.patches.hooks import replace
from sandbox.settings import ACCOUNT_ID

if TYPE_CHECKING:
    from sandbox.world import World


def apply(world: World) -> None:  # noqa: ARG001 - every patch takes the world
    """Give each function a session of its role, whether or not IAM is enforced."""

    def session(config: dict[str, Any]) -> dict[str, str]:
        role = config.get("Role", "").rsplit("/", 1)[-1]
        name = config.get("FunctionName", "function")
        seed = hashlib.sha256(f"{config.get('FunctionArn')} {config.get('Role')}".encode())
        digest = seed.hexdigest()
        key = f"ASIA{digest[:16].upper()}"
        secret, token = digest[16:56], f"session-{digest}"
        sts.register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/{name[:64]}",
                "UserId": f"{role}:{name[:64]}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": token,
        }

    replace(lambda_runtime, "execution_credentials", session, ("config",))
