from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from aws_cdk import Stack

from stacks.loop_guard import LoopGuard

if TYPE_CHECKING:
    from constructs import Construct

    from stacks.config import Config


class LoopbreakerStack(Stack):
    """A stack with one `LoopGuard`, deployed by context flags.

    Parameters
    ----------
    config
        The checked context flags.
    nonce
        New with each synthesis that restores or examines something, otherwise empty.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Config, nonce: str = ""
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Loopbreaker finds Lambda functions that invoke themselves and stops them",
        )
        # The CDK leaves the id Default out of logical ids: the resources keep those that they had
        # when they stood in the stack itself.
        LoopGuard(
            self,
            "Default",
            **{one.name: getattr(config, one.name) for one in fields(config)},
            takes_flags=True,
            nonce=nonce,
        )
