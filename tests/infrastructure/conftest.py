"""Synthesized templates, each made once per test session."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import pytest

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
# The CDK's own validation takes eight seconds before its first template. `test_app` has it on, and
# cfn-lint and cdk-nag review what is synthesized here.
os.environ.setdefault("CDK_VALIDATION", "false")

from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.config import Config
from stacks.loopbreaker_stack import LoopbreakerStack
from stacks.names import STACK_NAME

ROOT = Path(__file__).resolve().parents[2]
CDK_CONTEXT: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Synthesized:
    """One synthesized stack."""

    app: App
    stack: LoopbreakerStack
    template: Json

    def of_type(self, resource_type: str) -> dict[str, Json]:
        """All resources of a type, by logical id."""
        return {
            name: resource
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == resource_type
        }

    def properties(self, resource_type: str) -> list[Json]:
        """Properties of all resources of a type."""
        return [resource["Properties"] for resource in self.of_type(resource_type).values()]

    def one(self, resource_type: str) -> Json:
        """Properties of the only resource of a type."""
        (only,) = self.properties(resource_type)
        return only

    def alarm(self, name: str) -> Json:
        """Properties of an alarm."""
        (found,) = (
            alarm
            for alarm in self.properties("AWS::CloudWatch::Alarm")
            if alarm["AlarmName"] == name
        )
        return found

    def function(self, name: str) -> Json:
        """Properties of a function."""
        (found,) = (
            function
            for function in self.properties("AWS::Lambda::Function")
            if function["FunctionName"] == name
        )
        return found

    def rule(self, name: str) -> Json:
        """Properties of a rule."""
        (found,) = (rule for rule in self.properties("AWS::Events::Rule") if rule["Name"] == name)
        return found

    def statements(self, function: str) -> list[Json]:
        """Statements of the policy of a function's role."""
        (role_id, _) = self.function(function)["Role"]["Fn::GetAtt"]
        role = self.template["Resources"][role_id]["Properties"]
        (policy,) = role["Policies"]
        statements: list[Json] = policy["PolicyDocument"]["Statement"]
        return statements


Synthesize: TypeAlias = Callable[..., Synthesized]


@cache
def _synthesize(flags: tuple[tuple[str, str], ...]) -> Synthesized:
    app = App(context={**CDK_CONTEXT, **dict(flags)})
    config = Config.from_context(app.node.get_all_context())
    nonce = "0123456789abcdef" if config.rollback or config.diagnose else ""
    stack = LoopbreakerStack(app, STACK_NAME, config=config, nonce=nonce)
    return Synthesized(app=app, stack=stack, template=dict(Template.from_stack(stack).to_json()))


@pytest.fixture(scope="session")
def synthesize() -> Synthesize:
    """Synthesize the stack with context flags, once for the same flags; without `email`, none."""

    def with_flags(**flags: str) -> Synthesized:
        return _synthesize(tuple(sorted({"email": "none", **flags}.items())))

    return with_flags


@pytest.fixture(scope="session")
def default(synthesize: Synthesize) -> Synthesized:
    """The stack without any flag but the one that must be given."""
    return synthesize()


@pytest.fixture(scope="session")
def full(synthesize: Synthesize) -> Synthesized:
    """The stack with every flag."""
    return synthesize(
        email="a@example.com,b@example.com",
        mode="observe",
        response="notify",
        rollback="orders,enrich",
        rollback_mode="now",
        exempt="billing,audit",
        floor_per_minute="120",
        account_alarm_per_minute="5000",
        coverage="function",
        sweep_minutes="0",
        blast_radius="7",
        accepted_loops="archiver,requeue",
        diagnose="orders",
        remedies="logs,traces,permissions,memory",
        memory_ceiling_mb="2048",
        events="off",
        chat="on",
        dashboard="on",
    )
