"""One local AWS with IAM enforced for each module, the real stack in it, its log on a failure.

It has AWS's weather, unless a module says otherwise, and the same one in each run. The seed is in
the head of a run and beside each failure. `LOOPBREAKER_WEATHER_SEED` names another one, or draws
one with `random`; `LOOPBREAKER_WEATHER=calm` gives all modules calm weather.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

# The CDK's own validation takes eight seconds in each process; tests/infrastructure has it on.
os.environ.setdefault("CDK_VALIDATION", "false")

from sandbox.local_aws import LocalAws
from sandbox.weather.seeded import WeatherKind, new_seed
from tests.e2e.account import Account
from tests.e2e.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

# A CloudWatch minute lasts one second, unless a module says otherwise.
SPEED = 60.0
LOG_LINES = 120
TEST_SECONDS = 900
SEED_VARIABLE = "LOOPBREAKER_WEATHER_SEED"
KIND_VARIABLE = "LOOPBREAKER_WEATHER"
DEFAULT_KIND = WeatherKind.AWS
# A failure must not come and go with the draw; other seeds are for whoever looks for one.
DEFAULT_SEED = 11
RANDOM = "random"
LONGEST_FIRST = (
    "test_drill",
    "test_probation",
    "test_loops",
    "test_holds",
    "test_healthy",
    "test_dashboard",
    "test_rollback",
    "test_chart",
)


def pytest_configure() -> None:
    """Draw a seed where that is asked for; the workers of this run inherit it."""
    if os.environ.setdefault(SEED_VARIABLE, str(DEFAULT_SEED)) == RANDOM:
        os.environ[SEED_VARIABLE] = str(new_seed())


def pytest_report_header() -> str:
    """Say which weather it is."""
    return _weather(os.environ.get(KIND_VARIABLE, DEFAULT_KIND))


def _kind_of(module: object) -> WeatherKind:
    named = getattr(module, "WEATHER", DEFAULT_KIND)
    return WeatherKind(os.environ.get(KIND_VARIABLE, named))


def _weather(kind: str) -> str:
    return f"weather: {KIND_VARIABLE}={kind} {SEED_VARIABLE}={os.environ[SEED_VARIABLE]}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the first test of a module take its time: the set-up of the module counts as part of it.

    What a test waits for has a limit of its own, in the sandbox's minutes. The modules that take
    longest begin first, so that none of them is alone in the end.
    """
    items.sort(key=_begins)
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


def _begins(item: pytest.Item) -> int:
    name = item.path.stem
    return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)


@pytest.fixture(scope="module")
def aws(request: pytest.FixtureRequest) -> Iterator[LocalAws]:
    """A local AWS that enforces IAM."""
    with LocalAws(
        speed=getattr(request.module, "SPEED", SPEED),
        auth=True,
        weather=_kind_of(request.module),
        seed=int(os.environ[SEED_VARIABLE]),
    ) as local:
        yield local


@pytest.fixture(scope="module")
def stack(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The stack, deployed with the flags of the tests."""
    deployment = Deployment(aws, tmp_path_factory.mktemp("assembly"))
    deployment.deploy()
    return deployment


@pytest.fixture(scope="module")
def functions(request: pytest.FixtureRequest, aws: LocalAws, stack: Deployment) -> None:
    """All functions that the module's tests are marked with: their creation is waited for once."""
    marks = [
        mark
        for item in request.session.items
        if item.path == request.path
        for mark in item.iter_markers("function")
    ]
    Account(aws, stack).functions({mark.args[0]: mark.kwargs for mark in marks})


@pytest.fixture
def names(request: pytest.FixtureRequest, functions: None) -> list[str]:
    """The functions that the test is marked with, from top to bottom."""
    marks = list(request.node.iter_markers("function"))
    return [mark.args[0] for mark in reversed(marks)]


@pytest.fixture
def name(names: list[str]) -> str:
    """The only function that the test is marked with."""
    (only,) = names
    return only


@pytest.fixture
def account(aws: LocalAws, stack: Deployment) -> Iterator[Account]:
    """The account with the stack in it, without faults before and after."""
    aws.heal()
    yield Account(aws, stack)
    aws.heal()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Put what the guard logged, and the mails, beside a failure."""
    outcome: Any = yield
    report = outcome.get_result()
    aws = getattr(item, "funcargs", {}).get("aws")
    if report.failed and isinstance(aws, LocalAws):
        report.sections.append(("weather", _weather(aws.weather.kind)))
        try:
            report.sections.append(("the guard's log", guard_log(aws)))
            report.sections.append(("mails", "\n".join(mail.subject for mail in aws.mails())))
        except Exception as error:  # noqa: BLE001 - the failure itself must be shown all the same
            report.sections.append(("the guard's log", f"cannot be read: {error}"))


def guard_log(aws: LocalAws) -> str:
    """The end of what the guard's functions logged, without the frame around it."""
    logs = aws.client("logs")
    lines: list[tuple[int, str]] = []
    for group in logs.describe_log_groups()["logGroups"]:
        name = group["logGroupName"]
        if "Loopbreaker" in name:
            for event in logs.filter_log_events(logGroupName=name)["events"]:
                text = _short(event["message"].rstrip())
                if text:
                    lines.append((event["timestamp"], f"{name.rpartition('/')[2]}: {text}"))
    return "\n".join(text for _, text in sorted(lines)[-LOG_LINES:])


def _short(message: str) -> str:
    if message.startswith(("START", "END", "REPORT")):
        return ""
    if not message.startswith("{"):
        return message
    record = json.loads(message)
    if record.get("message") == "pulse" and record.get("outcome") == "Quiet":
        return ""
    frame = ("service", "cold_start", "location", "level", "xray_trace_id")
    kept = {
        key: value
        for key, value in record.items()
        if key not in frame and not key.startswith("function_")
    }
    return json.dumps(kept)
