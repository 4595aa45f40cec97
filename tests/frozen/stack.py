"""Which resources of the stack must stay the same ones: those that keep something, or have a name.

CloudFormation knows a resource by its logical id. Under another one the table would be a new, empty
one, and a resource with a fixed name could not be created beside the former one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("CDK_VALIDATION", "false")

from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.config import Config
from stacks.loopbreaker_stack import LoopbreakerStack
from stacks.names import STACK_NAME

_CONTEXT: Final[dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[2] / "cdk.json").read_text()
)["context"]
FLAGS: Final = {
    "email": "on-call@example.com",
    "remedies": "logs,traces,permissions,memory",
    "memory_ceiling_mb": "2048",
}
_NAMES: Final = (
    "AlarmName",
    "FunctionName",
    "GroupName",
    "LogGroupName",
    "Name",
    "QueueName",
    "RoleName",
    "TableName",
    "TopicName",
)
# They hold messages, subscriptions that people have confirmed, or what CloudFormation was answered.
_KEEPING: Final = ("AWS::SNS::Topic", "AWS::SQS::Queue", "Custom::")


def lasting_resources() -> dict[str, dict[str, str]]:
    """By logical id: the type of each lasting resource, and its fixed name, or an empty one."""
    app = App(context={**_CONTEXT, **FLAGS})
    config = Config.from_context(app.node.get_all_context())
    stack = LoopbreakerStack(app, STACK_NAME, config=config, nonce="")
    resources = Template.from_stack(stack).to_json()["Resources"]
    found = {
        logical_id: {"type": one["Type"], "name": _name(one.get("Properties", {}))}
        for logical_id, one in resources.items()
        if _name(one.get("Properties", {}))
        or one.get("DeletionPolicy") == "Retain"
        or one["Type"].startswith(_KEEPING)
    }
    return dict(sorted(found.items()))


def _name(properties: dict[str, Any]) -> str:
    return next((one for key in _NAMES if isinstance(one := properties.get(key), str)), "")
