"""The pages of the documentation, and their tables."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from functions.domain.diagnosis.remedy import RemedyKind
from stacks.components.deployment import Account
from stacks.config import Config
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.test_permissions import allowed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infrastructure.conftest import Synthesize, Synthesized

DEPLOYING = (ROOT / "docs/deploying.md").read_text()
COSTS = (ROOT / "docs/costs.md").read_text()
INSTALLING = (ROOT / "docs/installing.md").read_text()
DEMO = (ROOT / "docs/demo.md").read_text()
GRAPH = (ROOT / "docs/event-graph.md").read_text()
README = (ROOT / "README.md").read_text()
DIAGNOSIS = (ROOT / "docs/diagnosis.md").read_text()
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
)
MINUTE = timedelta(minutes=1)
SMALLEST = {"sweep_minutes": "0"}
LARGEST = {"coverage": "function"}
REMEDIES = {"remedies": ",".join(RemedyKind), "memory_ceiling_mb": "2048"}
# What every function of the guard does: notices, logs, dead letters, records.
EVERYDAY = {
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "events:PutEvents",
    "sns:Publish",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
}
READS = re.compile(r"\w+:(Get|List|Describe|Query|Filter|Simulate|ConditionCheck|GET$)", re.ASCII)


def numbers(pattern: str, page: str = DEPLOYING) -> list[int]:
    """The numbers that the first match of a pattern holds."""
    found = re.search(pattern, page)
    assert found is not None, pattern
    return [int(one) for one in found.groups()]


def counted(synthesize: Synthesize, resource_type: str, prefix: str = "") -> list[int]:
    """How many resources the smallest and the largest stack have."""
    return [
        sum(prefix in str(one) for one in synthesize(**flags).properties(resource_type))
        for flags in (SMALLEST, LARGEST)
    ]


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its head."""
    after = page[page.index(f"\n{heading}\n") :]
    lines = re.findall(r"^\|.*\|$", after.split("\n#", 2)[1], re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


FLAG_ROWS = rows(DEPLOYING, "## The flags")


def names_in(heading: str) -> list[str]:
    """The names in the first column of a table."""
    return sorted(
        name for row in rows(DEPLOYING, heading) for name in re.findall(r"`(.+?)`", row[0])
    )


def changes(synthesized: Synthesized, function: str) -> set[str]:
    """What a function may change, besides what all of them do."""
    return {one for one in allowed(synthesized, function) if not READS.match(one)} - EVERYDAY


def heading_fragments(page: Path) -> set[str]:
    """The fragments by which GitHub links to the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: Counter[str] = Counter()
    fragments = set()
    for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        fragment = re.sub(r"[^\w -]", "", words).replace(" ", "-")
        fragments.add(f"{fragment}-{found[fragment]}" if found[fragment] else fragment)
        found[fragment] += 1
    return fragments


def asked_of_the_account(**flags: str) -> object:
    """Properties of the custom resource that reads the account; it runs when one changes."""
    stack = Stack()
    protect = lambda_.Function.from_function_name(stack, "Protect", "protect")
    Account(stack, "Account", protect=protect, config=Config.from_context(flags))
    (resource,) = Template.from_stack(stack).to_json()["Resources"].values()
    return resource["Properties"]
