"""What the pages for users say of the stack is what the template holds."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from functions.domain.deployment.guard_cost import estimate_refresh_usd
from functions.domain.detection import shapes, traffic
from functions.domain.detection.lateness import LATEST
from functions.domain.diagnosis.checks.registry import CHECKS
from functions.domain.diagnosis.finding_registry import MOST_OPEN
from functions.domain.diagnosis.remedy import RemedyKind
from functions.domain.graph.paths.limits import Limits
from functions.domain.graph.summary import MOST_PAGES
from functions.domain.holding import case, plan, verdict
from functions.domain.incidents.hold_budget import COUNTED_FOR, MOST_HOLDS
from functions.domain.incidents.policy import Policy
from functions.domain.page.overview import MOST_CARDS
from stacks import loop_guard
from stacks.components.deployment import Account
from stacks.config import Config
from stacks.flag_values import FLAGS, ConfigError
from stacks.loop_guard import LoopGuard
from stacks.names import GUARD_ALARM_PREFIX, GUARD_FUNCTIONS, PRESENT, SIGNAL_ALARM_PREFIX
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


def test_resources(synthesize: Synthesize) -> None:
    """The page says how many resources a stack has without and with the flags that add some."""
    small, large = (len(synthesize(**flags).template["Resources"]) for flags in (SMALLEST, LARGEST))
    address = synthesize(email="a@example.com", **LARGEST).template["Resources"]

    assert numbers(r"of (\d+) to (\d+) resources, and one more for each address") == [small, large]
    assert len(address) == large + 1
    shown = synthesize(**SMALLEST, dashboard="on").template["Resources"]
    assert numbers(r"`dashboard=on` adds (\d+)\.") == [len(shown) - small]


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


def test_what_looking_costs() -> None:
    """The page has what one refresh of the dashboard costs, and what a screen on the wall does."""
    found = {
        row[0]: [float(one.strip("$")) for one in row[1:]]
        for row in rows(COSTS, "## The dashboard")
    }
    month = 30 * 24

    for index, incidents in enumerate((0, MOST_CARDS)):
        one = estimate_refresh_usd(incidents)
        assert [
            found["one refresh"][index],
            found["a screen on the wall, refreshed every 15 minutes, a month"][index],
            found["the same, refreshed every minute"][index],
        ] == [round(one, 5), round(one * 4 * month, 2), round(one * 60 * month, 2)]


def test_every_function_is_described() -> None:
    """Each guard function is in the table of what is created and in that of what it may change."""
    created = " ".join(row[0] for row in rows(DEPLOYING, "## What it creates"))
    changing = " ".join(row[0] for row in rows(DEPLOYING, "## Permissions"))

    assert set(re.findall(r"Loopbreaker-\w+(?=`)", created)) == {*GUARD_FUNCTIONS, PRESENT}
    assert set(re.findall(r"Loopbreaker-\w+(?=`)", changing)) == {*GUARD_FUNCTIONS, PRESENT}


def test_every_flag_is_described() -> None:
    """The table of flags is complete, and has none that does not exist."""
    assert sorted(row[0].strip("`") for row in FLAG_ROWS) == sorted(FLAGS)


@pytest.mark.parametrize("flag", FLAGS)
def test_what_a_flag_allows_is_described(flag: str) -> None:
    """The flag takes each word and both ends of the range on the page, and nothing beyond them."""
    (allowed_values,) = (row[2] for row in FLAG_ROWS if row[0] == f"`{flag}`")
    words = re.findall(r"`(\w+)`", allowed_values)
    ends = re.search(r"(\d+) to (\d+)(?! addresses)", allowed_values)

    for word in words:
        assert FLAGS[flag](flag, word) is not None
    if ends is None:
        return
    least, most = (int(one) for one in ends.groups())
    off = {0} if "0 for off" in allowed_values else set()
    for number in {least, most} | off:
        assert FLAGS[flag](flag, str(number)) == number
    for number in {least - 1, most + 1} - off:
        with pytest.raises(ConfigError):
            FLAGS[flag](flag, str(number))


@pytest.mark.parametrize("flag", FLAGS)
def test_the_default_of_a_flag_is_described(flag: str) -> None:
    """The word or number in the column of the default is the default; else there is none."""
    (default,) = (row[1] for row in FLAG_ROWS if row[0] == f"`{flag}`")
    value = getattr(Config(), flag)

    if re.fullmatch(r"`\w+`", default):
        assert default == f"`{value}`"
    else:
        assert not value


def asked_of_the_account(**flags: str) -> object:
    """Properties of the custom resource that reads the account; it runs when one changes."""
    stack = Stack()
    protect = lambda_.Function.from_function_name(stack, "Protect", "protect")
    Account(stack, "Account", protect=protect, config=Config.from_context(flags))
    (resource,) = Template.from_stack(stack).to_json()["Resources"].values()
    return resource["Properties"]


def test_flags_that_read_the_account_again_are_described() -> None:
    """The page names each flag that makes the deployment read traffic and limits, and no other."""
    other = {
        "email": "a@example.com",
        "mode": "observe",
        "response": "notify",
        "exempt": "billing",
        "floor_per_minute": "600",
        "danger_usd_per_minute": "2",
        "account_alarm_per_minute": "20000",
        "coverage": "function",
        "sweep_minutes": "30",
        "blast_radius": "4",
        "accepted_loops": "billing",
        "remedies": "logs",
        "events": "off",
        "chat": "on",
        "rollback": "orders",
        "diagnose": "orders",
        "dashboard": "on",
    }
    paired = {
        "rollback_mode",
        "rollback_force",
        "memory_ceiling_mb",
    }  # given together with another only
    section = DEPLOYING[DEPLOYING.index("### The account alarm") :]
    (line,) = (one for one in section.splitlines() if "when you change one of these flags" in one)

    before = asked_of_the_account()
    assert set(FLAGS) == set(other) | paired
    assert set(re.findall(r"`(\w+)`", line)) == {
        flag for flag, value in other.items() if asked_of_the_account(**{flag: value}) != before
    }


@pytest.mark.parametrize("pattern", [r"about (\d+) names of (\d+)", r", or (\d+) of (\d+)\."])
def test_how_many_names_fit(synthesize: Synthesize, pattern: str) -> None:
    """So many exempt functions fit into the environment, and a quarter more do not."""
    count, length = numbers(f"`exempt` holds.*?{pattern}")
    names = [f"{number:0{length}d}" for number in range(count * 5 // 4)]

    synthesize(exempt=",".join(names[:count]))
    with pytest.raises(ConfigError):
        synthesize(exempt=",".join(names))


def test_every_output_is_described(synthesize: Synthesize) -> None:
    """The table of outputs has each output of the stack."""
    table = rows(DEPLOYING, "## 3. Confirm the subscription and read the outputs")

    assert sorted(row[0].strip("`") for row in table) == sorted(
        synthesize(chat="on").template["Outputs"]
    )


def test_every_resource_type_is_described(synthesize: Synthesize) -> None:
    """Whoever narrows the execution role reads of each type of resource that it has to manage."""
    largest = synthesize(email="a@example.com", **LARGEST)
    types = {one["Type"] for one in largest.template["Resources"].values()}
    described = " ".join(row[1] for row in rows(DEPLOYING, "## 1. Prepare"))
    customs = {one for one in types if one.startswith("Custom::")}

    assert set(re.findall(r"`(AWS::\w+::\w+)`", described)) == types - customs
    assert len(customs) == len(largest.of_type("Custom::LoopbreakerAccount")) * 4


def test_every_property_of_the_construct_is_described() -> None:
    """The table has each property, in the order of the class, with its default."""
    table = rows(INSTALLING, "## Properties")
    properties = {
        name: one.default
        for name, one in inspect.signature(LoopGuard.__init__).parameters.items()
        if one.kind is one.KEYWORD_ONLY
    }

    assert [row[0].strip("`") for row in table] == list(properties)
    for name, _, described in table:
        default = properties[name.strip("`")]
        if re.fullmatch(r"`.+`", described):
            assert ast.literal_eval(described.strip("`")) == default
        else:
            assert default in {(), "", None}


def test_every_attribute_of_the_construct_is_described() -> None:
    """The table has each attribute and each method, and no other."""
    table = rows(INSTALLING, "## Attributes and methods")
    named = {name for row in table for name in re.findall(r"`(\w+)", row[0])}
    stack = Stack()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_guard, "function_code", lambda _: lambda_.Code.from_inline("x"))
        guard = LoopGuard(stack, "Guard", email="none")

    own = {one for one in vars(guard) if not one.startswith("_")}
    methods = {one for one in vars(LoopGuard) if not one.startswith("_")}
    assert named == own | methods


def names_in(heading: str) -> list[str]:
    """The names in the first column of a table."""
    return sorted(
        name for row in rows(DEPLOYING, heading) for name in re.findall(r"`(.+?)`", row[0])
    )


def test_every_alarm_is_described(synthesize: Synthesize) -> None:
    """The two tables of alarms have each alarm of the largest stack, and no other."""
    alarms = synthesize(**LARGEST).properties("AWS::CloudWatch::Alarm")

    for prefix, heading in (
        (SIGNAL_ALARM_PREFIX, "### Signal alarms"),
        (GUARD_ALARM_PREFIX, "### When an alarm on the guard notifies you"),
    ):
        names = [one["AlarmName"] for one in alarms if one["AlarmName"].startswith(prefix)]
        assert names_in(heading) == sorted(name.removeprefix(prefix) for name in names)


def test_every_rule_is_described(default: Synthesized) -> None:
    """The table of rules has each rule and says which function it invokes."""
    targets = {
        name: row[1]
        for row in rows(DEPLOYING, "### Rules")
        for name in re.findall(r"`(.+?)`", row[0])
    }

    invoked = {}
    for rule in default.properties("AWS::Events::Rule"):
        (target,) = rule["Targets"]
        function = re.match("Contain|Chart|Diagnose|Denials", target["Arn"]["Fn::GetAtt"][0])
        assert function is not None, target
        invoked[rule["Name"].removeprefix("Loopbreaker-")] = function[0]
    assert targets == {
        name: "`diagnose`, through a queue" if one == "Denials" else f"`{one.lower()}`"
        for name, one in invoked.items()
    }


def test_figures_of_the_first_screen() -> None:
    """The prices in the README are those of the page on costs, in whole dollars."""
    table = {row[0]: row[6].strip("$*") for row in rows(COSTS, "## Per month")}

    assert numbers(r"\$(\d+) a month for ten functions, \$(\d+) for a thousand", README) == [
        round(float(table[count])) for count in ("10", "1,000")
    ]


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
        "generations": [case.GENERATIONS],
        "written for each": [verdict.MOST_WRITES],
        "back": [verdict.BACK_SHARE],
        "longest hold": [plan.LONGEST_HELD_SECONDS / 60],
        "cooling off": [policy.cooling_off / MINUTE / 60],
        "budget": [MOST_HOLDS, COUNTED_FOR / MINUTE / 60],
        "grace period": [policy.patience / MINUTE],
    }.items():
        assert [float(one) for one in re.findall(r"\d+(?:\.\d+)?", table[name])] == values, name
