"""The pages describe checks, remedies, bounds and rules; every link leads somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from functions.domain.detection import shapes, traffic
from functions.domain.detection.lateness import LATEST
from functions.domain.diagnosis.checks.registry import CHECKS
from functions.domain.diagnosis.finding_registry import MOST_OPEN
from functions.domain.diagnosis.remedy import RemedyKind
from functions.domain.graph.paths.limits import Limits
from functions.domain.graph.summary import MOST_PAGES
from functions.domain.holding import plan
from functions.domain.holding.judgement import case, outside
from functions.domain.incidents.hold_budget import COUNTED_FOR, MOST_HOLDS
from functions.domain.incidents.policy import Policy
from stacks.names import GUARD_FUNCTIONS, PRESENT
from tests.infrastructure.conftest import ROOT
from tests.infrastructure.docs.pages import (
    DEMO,
    DEPLOYING,
    DIAGNOSIS,
    GRAPH,
    MINUTE,
    PAGES,
    README,
    REMEDIES,
    changes,
    heading_fragments,
    rows,
)
from tests.infrastructure.test_permissions import allowed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infrastructure.conftest import Synthesize, Synthesized


def test_every_check_and_every_remedy_is_described() -> None:
    """The table of the diagnosis has a row for each check, and names each kind of remedy."""
    table = DIAGNOSIS[DIAGNOSIS.index("\n|") :].strip().partition("\n\n")[0].splitlines()[2:]
    remedies = " ".join(row.rsplit("|", 2)[1] for row in table)

    assert len(table) == len(CHECKS), "docs/diagnosis.md needs a row for each check"
    assert [one for one in RemedyKind if f"`{one}`" not in remedies] == []


def test_what_may_be_changed_is_described(synthesize: Synthesize) -> None:
    """Every action that changes something is in the row of its function, and no other is."""
    plain, remedies = synthesize(dashboard="on"), synthesize(**REMEDIES, dashboard="on")
    described: dict[tuple[str, bool], set[str]] = {}
    names: Any = ()
    for who, actions, _ in rows(DEPLOYING, "## Permissions"):
        names = re.findall(r"Loopbreaker-\w+(?=`)", who) or names
        for name in names:
            found = described.setdefault((name, "with `remedies`" in who), set())
            found |= set(re.findall(r"`(\w+:\w+)`", actions))

    for function in (*GUARD_FUNCTIONS, PRESENT):
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


def test_bounds_of_a_graph_are_described() -> None:
    """The page on the event graph has the bounds that the code keeps."""
    table = {row[0]: row[1] for row in rows(GRAPH, "## Bounds of a graph")}
    limits = Limits()

    def first(begin: str) -> int:
        (cell,) = (cell for what, cell in table.items() if what.startswith(begin))
        number, _, unit = cell.replace(",", "").partition(";")[0].partition(" ")
        return int(number) * (1_000_000 if unit.startswith("million") else 1)

    assert [
        first("comparing statements"),
        first("writes that policies allow"),
        first("checking whether filters"),
        first("checking whether a role"),
        first("edges of the graph"),
        first("edges visited to list"),
        first("edges of listed loops"),
        first("loops with explanations"),
        first("stored findings"),
    ] == [
        limits.policies,
        limits.grants,
        limits.passages,
        limits.decisions,
        limits.edges,
        limits.search,
        limits.listed,
        MOST_PAGES,
        MOST_OPEN,
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each relative link names a file that is there, and a heading that it has."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)

    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        file, _, fragment = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        if fragment:
            assert fragment in heading_fragments(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.relative_to(ROOT).as_posix())
def test_every_path_on_a_page_is_there(page: Path) -> None:
    """Each file and folder of the project that a page names exists."""
    named = re.findall(
        r"`((?:functions|stacks|tests|docs|sandbox|bench)/[^`\s*<>]+)`", page.read_text()
    )

    assert [one for one in named if not (ROOT / one).exists()] == []


def test_every_page_is_linked_to() -> None:
    """The README leads to each page for readers."""
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"]:
        assert f"]({page.relative_to(ROOT).as_posix()})" in README


def test_every_target_of_make_is_described() -> None:
    """The page for contributors names each target, and none that is not there."""
    (targets,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    page = (ROOT / "CONTRIBUTING.md").read_text()

    assert set(re.findall(r"`make ([a-z0-9-]+)", page)) == set(targets.split())


def test_every_step_of_the_demo_is_described() -> None:
    """The page on the demo has its headings in their order."""
    story = (ROOT / "sandbox/demo/story.py").read_text()

    steps = [row[0] for row in rows(DEMO, "## What you see")]
    assert steps == re.findall(r'self\._stage\("(.+?)"\)', story)


def test_every_rule_of_the_simulation_is_described() -> None:
    """The page on the simulation has the rules that it checks."""
    page = (ROOT / "docs/simulation.md").read_text()
    code = (ROOT / "tests/simulation/rules.py").read_text()

    checked = set(re.findall(r'_break\(\s*[\w.]+,\s*"(\w+)"', code))
    assert {row[0] for row in rows(page, "## The rules")} == checked
    assert f"{len(checked)} rules" in page.replace("ten", "10")


def test_constants_of_the_detection_are_described() -> None:
    """The table of constants has the numbers of the code, in minutes where they are times."""
    page = (ROOT / "docs/detection-figures.md").read_text()
    table = {row[0]: row[1] for row in rows(page, "## Constants")}
    policy = Policy()

    for name, values in {
        "floor (`floor_per_minute`)": [policy.floor_per_minute],
        "plateau above anything before": [shapes.EARLY_PLATEAU_TIMES, 2, shapes.PLATEAU_TIMES, 3],
        "plateau without a step": [traffic.PLATEAU_MINUTES, traffic.PROVEN_PLATEAU_MINUTES],
        "any shape": [shapes.RISE_MINUTES, shapes.RISE_TIMES],
        "young": [LATEST / MINUTE],
        "generations": [plan.GENERATIONS],
        "written for each": [outside.MOST_WRITES],
        "back": [case.BACK_SHARE],
        "longest hold": [plan.LONGEST_HELD_SECONDS / 60],
        "cooling off": [policy.cooling_off / MINUTE / 60],
        "budget": [MOST_HOLDS, COUNTED_FOR / MINUTE / 60],
        "grace period": [policy.patience / MINUTE],
    }.items():
        assert [float(one) for one in re.findall(r"\d+(?:\.\d+)?", table[name])] == values, name
