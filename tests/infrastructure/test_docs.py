"""What the pages for users say of the stack is what the template holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from functions.domain.diagnosis.checks.registry import CHECKS
from functions.domain.diagnosis.remedy import RemedyKind
from stacks.config import FLAGS
from stacks.names import GUARD_FUNCTIONS
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.test_permissions import allowed

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Synthesize, Synthesized

DEPLOYING = (ROOT / "docs/deploying.md").read_text()
COSTS = (ROOT / "docs/costs.md").read_text()
DIAGNOSIS = (ROOT / "docs/diagnosis.md").read_text()
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


def test_resources(synthesize: Synthesize) -> None:
    """The page says how many resources a stack has without and with the flags that add some."""
    small, large = (len(synthesize(**flags).template["Resources"]) for flags in (SMALLEST, LARGEST))
    address = synthesize(email="a@example.com", **LARGEST).template["Resources"]

    assert numbers(r"of (\d+) to (\d+) resources, and one more for each address") == [small, large]
    assert len(address) == large + 1


def test_alarms_rules_and_queues(synthesize: Synthesize) -> None:
    """So it does of alarms, rules and queues."""
    alarm = "AWS::CloudWatch::Alarm"

    signals = counted(synthesize, alarm, "Loopbreaker-signal-")
    guards = counted(synthesize, alarm, "Loopbreaker-guard-")
    assert numbers(r"\| (\d+) or (\d+) signal alarms") == signals
    assert numbers(r"\| (\d+) or (\d+) alarms `Loopbreaker-guard-") == guards
    assert numbers(r"\| (\d+) or (\d+) EventBridge rules") == counted(
        synthesize, "AWS::Events::Rule"
    )
    assert numbers(r"\| (\d+) SQS queues") * 2 == counted(synthesize, "AWS::SQS::Queue")


def test_alarms_that_cost(synthesize: Synthesize) -> None:
    """The page on costs counts the same alarms."""
    default = synthesize()
    names = [one["AlarmName"] for one in default.properties("AWS::CloudWatch::Alarm")]
    on_guard = sum(name.startswith("Loopbreaker-guard-") for name in names)
    without_sweep = len(synthesize(sweep_minutes="0").properties("AWS::CloudWatch::Alarm"))

    assert numbers(
        r"(\d+) alarms with one metric each: (\d+) on the account, (\d+) on the guard itself. "
        r"(\d+) with `sweep_minutes=0`",
        COSTS,
    ) == [len(names), len(names) - on_guard, on_guard, without_sweep]


def test_every_function_is_described() -> None:
    """Each guard function is in the table of what is created and in that of what it may change."""
    created = " ".join(row[0] for row in rows(DEPLOYING, "## What it creates"))
    changing = " ".join(row[0] for row in rows(DEPLOYING, "## Permissions"))

    assert set(re.findall(r"Loopbreaker-\w+(?=`)", created)) == set(GUARD_FUNCTIONS)
    assert set(re.findall(r"Loopbreaker-\w+(?=`)", changing)) == set(GUARD_FUNCTIONS)


def test_every_flag_is_described() -> None:
    """The table of flags is complete, and has none that does not exist."""
    assert {row[0].strip("`") for row in rows(DEPLOYING, "## The flags")} == set(FLAGS)


def test_every_check_and_every_remedy_is_described() -> None:
    """The table of the diagnosis has a row for each check, and names each kind of remedy."""
    table = DIAGNOSIS[DIAGNOSIS.index("\n|") :].strip().partition("\n\n")[0].splitlines()[2:]
    remedies = " ".join(row.rsplit("|", 2)[1] for row in table)

    assert len(table) == len(CHECKS), "docs/diagnosis.md needs a row for each check"
    assert [one for one in RemedyKind if f"`{one}`" not in remedies] == []


def changes(synthesized: Synthesized, function: str) -> set[str]:
    """What a function may change, besides what all of them do."""
    return {one for one in allowed(synthesized, function) if not READS.match(one)} - EVERYDAY


def test_what_may_be_changed_is_described(synthesize: Synthesize) -> None:
    """Every action that changes something is in the row of its function, and no other is."""
    plain, remedies = synthesize(), synthesize(**REMEDIES)
    described: dict[tuple[str, bool], set[str]] = {}
    names: Any = ()
    for who, actions, _ in rows(DEPLOYING, "## Permissions"):
        names = re.findall(r"Loopbreaker-\w+(?=`)", who) or names
        for name in names:
            found = described.setdefault((name, "with `remedies`" in who), set())
            found |= set(re.findall(r"`(\w+:\w+)`", actions))

    for function in GUARD_FUNCTIONS:
        always = changes(plain, function)
        assert described[function, False] == always
        assert described.get((function, True), set()) == changes(remedies, function) - always


def test_what_reveals_code_and_variables_is_said(default: Synthesized) -> None:
    """Whoever reviews it must find the actions whose answers hold code and variables."""
    telling = {
        "lambda:GetFunction",
        "lambda:ListFunctions",
        "iam:GetAccountAuthorizationDetails",
        "states:DescribeStateMachine",
        "logs:FilterLogEvents",
    }
    granted = set().union(*(allowed(default, function) for function in GUARD_FUNCTIONS))
    reading = DEPLOYING[DEPLOYING.index("**What the guard may read.**") :].split("\n", 1)[0]

    assert {one for one in telling if f"`{one}`" in reading} == telling & granted
