"""The CDK app: reads the context flags and composes the one stack."""

from __future__ import annotations

import os
import secrets
import sys

# The bridge to the CDK greets Node 20 with eleven lines about its end of life. It works, and what
# we say in one line must not drown in them.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from pathlib import Path

from aws_cdk import App

from stacks.config import Config, ConfigFileError, flags_from_file
from stacks.flag_values import ConfigError
from stacks.loopbreaker_stack import LoopbreakerStack
from stacks.names import STACK_NAME

# In the directory that the CDK command line is called in. The local AWS of the demonstration and
# of the tests names no file: the flags of a real account are none of its business.
FLAGS_FILE = os.environ.get("LOOPBREAKER_FLAGS_FILE", "loopbreaker.json")


def main() -> None:
    """Synthesize the stack, or end with one line that says which flag is wrong."""
    app = App()
    try:
        lasting = flags_from_file(Path(FLAGS_FILE)) if FLAGS_FILE else {}
        config = Config.from_context({**lasting, **app.node.get_all_context()})
        # The CDK command line sets both from the credentials it found; without any, neither is.
        config.refuse_other_homes(
            os.environ.get("CDK_DEFAULT_ACCOUNT"), os.environ.get("CDK_DEFAULT_REGION")
        )
        is_asking = bool(config.rollback or config.diagnose)
        LoopbreakerStack(
            app, STACK_NAME, config=config, nonce=secrets.token_hex(8) if is_asking else ""
        )
    except (ConfigError, ConfigFileError) as error:
        sys.exit(str(error))
    app.synth()


if __name__ == "__main__":
    main()
