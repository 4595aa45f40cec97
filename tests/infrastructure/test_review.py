"""Reviews by cdk-nag and cfn-lint, without an unexplained finding."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aws_cdk import App
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import ManualArgs, lint  # type: ignore[import-untyped]

from stacks.config import Config
from stacks.loopbreaker_stack import LoopbreakerStack
from tests.infrastructure.conftest import CDK_CONTEXT

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesize

FLAGS = [
    {},
    {
        "email": "a@example.com",
        "coverage": "function",
        "rollback": "all",
        "sweep_minutes": "0",
        "dashboard": "on",
    },
    {
        "diagnose": "orders",
        "remedies": "logs,traces,permissions,memory",
        "memory_ceiling_mb": "2048",
    },
]

REGIONS = ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"]

# Accepted findings of cfn-lint and why.
EXPLAINED = {
    "W3005": "the CDK writes DependsOn beside a reference that implies it; both say the same",
}


def findings(app: App) -> list[str]:
    """What cdk-nag finds and nobody accepted with a reason."""
    report = AwsSolutionsChecks().validate_scope(app)
    return [
        f"{violation.rule_name} at {resource.construct_path}"
        for violation in report.violations
        for resource in violation.violating_resources
    ]


@pytest.mark.parametrize("flags", FLAGS)
def test_cdk_nag(synthesize: Synthesize, flags: dict[str, str]) -> None:
    """AWS Solutions' rules find nothing that is not accepted where it is caused."""
    assert findings(synthesize(**flags).app) == []


def test_cdk_nag_is_awake() -> None:
    """The check above would see a finding: a topic without TLS is one."""
    app = App(context=CDK_CONTEXT)
    stack = LoopbreakerStack(app, "Loopbreaker", config=Config())
    guard = stack.node.find_child("Default")
    topic = guard.node.find_child("Notices").node.find_child("Topic")
    topic.node.try_remove_child("Policy")

    assert findings(app) == ["AwsSolutions-SNS3 at Loopbreaker/Default/Notices/Topic/Resource"]


@pytest.mark.parametrize("flags", FLAGS)
def test_cfn_lint(synthesize: Synthesize, flags: dict[str, str]) -> None:
    """cfn-lint finds nothing in the template, in ordinary and in special Regions."""
    matches = lint(
        json.dumps(synthesize(**flags).template),
        config=ManualArgs(regions=REGIONS),
    )

    assert [str(match) for match in matches if match.rule.id not in EXPLAINED] == []
