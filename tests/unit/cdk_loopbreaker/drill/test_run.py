"""A drill cleans up whatever happens, and says what it could not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from cdk_loopbreaker.drill import run as module
from cdk_loopbreaker.drill.aws.guard import DeployedGuard
from cdk_loopbreaker.drill.aws.stacks import FoundStack
from cdk_loopbreaker.drill.bell import BellResult
from cdk_loopbreaker.drill.errors import DrillError
from cdk_loopbreaker.drill.model import Depth, LoopKind, Names
from cdk_loopbreaker.drill.plan import plan_dry
from cdk_loopbreaker.drill.run import Drill, DrillOptions
from cdk_loopbreaker.drill.stage import Stage
from tests.unit.cdk_loopbreaker.cli.test_drill_command import SETTINGS
from tests.unit.cdk_loopbreaker.drill.samples import NOON

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.model import DrillReport


class Account:
    """Whose stacks come and go."""

    region = "eu-west-1"

    def __init__(self) -> None:
        self.stacks: set[str] = set()
        self.removal: Exception | None = None


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account in which a bell is rung at once."""
    found = Account()

    def create(_clients: object, names: Names, _template: str) -> None:
        found.stacks.add(names.stack)

    def remove(_clients: object, _client: object, names: Names) -> None:
        if found.removal is not None:
            raise found.removal
        found.stacks.discard(names.stack)

    def find(_clients: object) -> tuple[FoundStack, ...]:
        return tuple(FoundStack(name=one, created_at=NOON) for one in found.stacks)

    monkeypatch.setattr(module, "ring", lambda _: BellResult(checks=()))
    monkeypatch.setattr(module, "create_stack", create)
    monkeypatch.setattr(module, "remove", remove)
    monkeypatch.setattr(module, "find_stacks", find)
    return found


def play(
    account: Account, monkeypatch: pytest.MonkeyPatch, ends_with: BaseException
) -> DrillReport:
    """A dry drill that ends with an exception in its midst."""

    def fail(*_: object) -> Any:
        assert account.stacks
        raise ends_with

    class Time:
        def now(self) -> Any:
            return NOON

        def sleep(self, _seconds: float) -> None:
            """Nothing waits."""

    monkeypatch.setattr(module, "run_dry", fail)
    stage = Stage(
        clients=cast("Any", account),
        guard=DeployedGuard(settings=SETTINGS, role_arn=""),
        client=cast("Any", None),
        log=cast("Any", None),
        clock=Time(),
        names=Names(id="3f9a1c"),
        say=lambda _: None,
    )
    assert plan_dry(500).loops[0].kind is LoopKind.SQS
    return Drill(stage, DrillOptions(depth=Depth.DRY, plan=plan_dry(500))).run()


def test_what_cannot_be_done_is_a_failed_check(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is left."""
    report = play(account, monkeypatch, DrillError("the queue is gone"))

    failed = {one.title: one.text for one in report.checks if one.is_passed is False}
    assert failed == {"The drill is carried out": "the queue is gone"}
    assert not report.is_passed
    assert account.stacks == set()


def test_an_interrupted_drill_removes_what_it_made(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And reports as far as it came."""
    report = play(account, monkeypatch, KeyboardInterrupt())

    assert report.is_interrupted
    assert not report.is_passed
    assert account.stacks == set()


def test_a_defect_removes_what_it_made_too(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is raised."""
    with pytest.raises(ZeroDivisionError):
        play(account, monkeypatch, ZeroDivisionError())

    assert account.stacks == set()


def test_what_is_left_is_said(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that tries again."""
    account.removal = DrillError("loopbreaker drill --clean tries again")

    report = play(account, monkeypatch, KeyboardInterrupt())

    (check,) = [one for one in report.checks if one.title == "Everything is removed"]
    assert check.is_passed is False
    assert "--clean" in check.text
