"""Stories of loops that get no mail of their own: they come in a digest, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions.domain.account.configuration_change import Change, ChangeKind
from tests.functional.chart.scene import Scene

if TYPE_CHECKING:
    from functions.domain.notices.notice import Notice

WEEK = 7 * 24 * 60


def deploy(scene: Scene, number: int, *, is_possible: bool = True) -> str:
    """Deploy a loop; the next tick reads it."""
    name = scene.add_loop(number, is_possible=is_possible)
    note(scene, number)
    return name


def note(scene: Scene, number: int) -> None:
    """Note that role and mapping of a loop have changed."""
    scene.note(
        Change(kind=ChangeKind.ROLE, name=f"orders-{number:05}-role"),
        Change(kind=ChangeKind.MAPPING, name=f"fresh-{number}"),
    )


def digests(scene: Scene) -> list[Notice]:
    """The digests that were sent."""
    return [one for one in scene.topic.sent if "POSSIBLE LOOPS" in one.subject]


def listed(scene: Scene, name: str) -> int:
    """How many mails hold the command that accepts a loop of the function."""
    return sum(f"function:{name} --tags" in one.body for one in scene.topic.sent)


def test_the_first_digest_comes_with_the_first_reading() -> None:
    """Possible loops that were there before the guard are reported at once, in one mail."""
    scene = Scene()
    names = [scene.add_loop(number, is_possible=True) for number in (3, 4)]
    scene.tick()

    assert scene.subjects == [
        "[Loopbreaker] WARNING orders-00000 can invoke itself in a loop",
        "[Loopbreaker] POSSIBLE LOOPS: 2 new, 2 in all",
    ]
    assert [listed(scene, one) for one in names] == [1, 1]
    assert "Account prod-eu (" in digests(scene)[0].body


def test_a_possible_loop_waits_for_the_week() -> None:
    """Deploying one sends no mail; the next digest lists it, with how many there are in all."""
    scene = Scene()
    scene.add_loop(3, is_possible=True)
    scene.tick()
    name = deploy(scene, 4)
    scene.tick(minutes=60)
    early = list(scene.subjects)
    scene.tick(minutes=WEEK)

    assert len(early) == 2
    assert [one.subject for one in digests(scene)[1:]] == [
        "[Loopbreaker] POSSIBLE LOOPS: 1 new, 2 in all"
    ]
    assert listed(scene, name) == 1


def test_a_possible_loop_waits_also_after_quiet_weeks() -> None:
    """The week goes on while there is nothing to report, so no single loop makes a mail."""
    scene = Scene()
    scene.tick()
    for _ in range(3):
        scene.tick(minutes=WEEK)
    deploy(scene, 4)
    scene.tick(minutes=60)
    early = len(digests(scene))
    scene.tick(minutes=WEEK)

    assert (early, len(digests(scene))) == (0, 1)


def test_nothing_new_is_no_mail() -> None:
    """Weeks in which nothing is added are silent."""
    scene = Scene()
    scene.add_loop(3, is_possible=True)
    for _ in range(4):
        scene.tick(minutes=WEEK)

    assert len(digests(scene)) == 1


def test_a_loop_that_is_gone_or_accepted_before_the_digest_is_not_in_it() -> None:
    """Only what is still there after the week is worth a line."""
    scene = Scene()
    scene.tick()
    accepted, kept = deploy(scene, 4), deploy(scene, 5)
    scene.tick()
    scene.aws.tags[scene.aws.arn("lambda", f"function:{accepted}")] = {
        "loopbreaker:accepted-loop": "it ends by itself"
    }
    scene.tick(minutes=WEEK)

    assert (listed(scene, accepted), listed(scene, kept)) == (0, 1)


def test_a_possible_loop_that_becomes_certain_gets_its_mail() -> None:
    """Whether or not it was in a digest before."""
    scene = Scene()
    name = scene.add_loop(3, is_possible=True)
    scene.tick()
    role = scene.aws.roles[next(one for one in scene.aws.roles if one.endswith(f"/{name}-role"))]
    statements = role["RolePolicyList"][0]["PolicyDocument"]["Statement"]
    statements[-1]["Resource"] = scene.aws.arn("dynamodb", "table/fresh-3")
    note(scene, 3)
    scene.tick()

    assert scene.subjects[-1] == f"[Loopbreaker] WARNING {name} can invoke itself in a loop"


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
@pytest.mark.parametrize("call", ["write_book", "save", "keep_notice", "drop_notice"])
def test_a_run_that_dies_over_a_digest_lists_each_loop_once(when: str, call: str) -> None:
    """Wherever it dies; only a mail that may have arrived is sent again, and says so."""
    scene = Scene()
    scene.tick()
    name = deploy(scene, 4)
    scene.tick()
    scene.now = scene.now.replace(year=scene.now.year + 1)
    setattr(scene.memory, when, call)
    died = scene.dying_tick()
    for _ in range(3):
        scene.tick(minutes=16)
    told = [one for one in digests(scene) if f"function:{name} --tags" in one.body]

    assert died
    assert len([one for one in told if "(again)" not in one.subject]) <= 1
    assert len(told) == (2 if (when, call) == ("crash_before", "drop_notice") else 1)
    assert scene.memory.store().read_notices() == ()


def test_two_ticks_at_once_send_one_digest() -> None:
    """A doubled event finds the turn taken, or nothing left to do."""
    scene = Scene()
    scene.add_loop(3, is_possible=True)
    first, second = scene.refresh(), scene.refresh()
    first.tick()
    second.tick()

    assert len(digests(scene)) == 1
