"""Values of flags that several tests use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stacks.config import Config
from stacks.flag_values import ConfigError

ROOT = Path(__file__).resolve().parents[3]
CDK_KEYS: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
ARN = "arn:aws:lambda:eu-west-1:123456789012:function"
ELSEWHERE = "arn:aws:lambda:us-east-1:999999999999:function"
A_FUNCTION = f"a function name or an ARN like {ARN}:orders"
AN_ADDRESS = "an address like you@example.com, or none"
LISTED = "unknown flag, docs/deploying.md lists those that exist"


def is_accepted(flag: str, value: str) -> bool:
    """Whether flags pass."""
    try:
        Config.from_context({flag: value} if value else {})
    except ConfigError:
        return False
    return True
