"""The CDK app: reads the context flags and composes the one stack."""

from __future__ import annotations

import os
import secrets
import sys

# The bridge to the CDK greets Node 20 with eleven lines about its end of life. It works, and what
# we say in one line must not drown in them.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App

from stacks.config import Config, ConfigError
from stacks.loopbreaker_stack import LoopbreakerStack
from stacks.names import STACK_NAME


def main() -> None:
    """Synthesize the stack, or end with one line that says which flag is wrong."""
    app = App()
    try:
        config = Config.from_context(app.node.get_all_context())
    except ConfigError as error:
        sys.exit(str(error))
    is_asking = bool(config.rollback or config.diagnose)
    LoopbreakerStack(
        app, STACK_NAME, config=config, nonce=secrets.token_hex(8) if is_asking else ""
    )
    app.synth()


if __name__ == "__main__":
    main()
