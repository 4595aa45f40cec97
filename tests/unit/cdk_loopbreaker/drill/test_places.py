"""The drill leaves a place of the blast radius free for a real runaway."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

import pytest

from cdk_loopbreaker.drill.aws.guard import DeployedGuard
from cdk_loopbreaker.drill.errors import DrillError
from cdk_loopbreaker.drill.model import Names
from cdk_loopbreaker.drill.places import count_places, wait_for_place
from cdk_loopbreaker.drill.stage import Stage
from tests.unit.cdk_loopbreaker.cli.test_drill_command import SETTINGS
from tests.unit.cdk_loopbreaker.operating.guard import FakeLambda, contain, make_client

if TYPE_CHECKING:
    from datetime import datetime

    from cdk_loopbreaker.drill.aws.clients import Clients
    from cdk_loopbreaker.drill.aws.guard import GuardLog

WINDOW: Final = timedelta(hours=1)


class SceneTime:
    """The clock of the guard's scene."""

    def __init__(self, fake: FakeLambda) -> None:
        self.fake = fake
        self.slept = timedelta(0)

    def now(self) -> datetime:
        """The present moment."""
        return self.fake.scene.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.fake.scene.now += timedelta(seconds=seconds)
        self.slept += timedelta(seconds=seconds)


def stage_of(fake: FakeLambda, blast_radius: int) -> tuple[Stage, SceneTime]:
    """A drill of a guard that may hold so many functions within an hour."""
    settings = replace(SETTINGS, blast_radius=blast_radius)
    clock = SceneTime(fake)
    stage = Stage(
        clients=cast("Clients", None),
        guard=DeployedGuard(settings=settings, role_arn=""),
        client=make_client(fake),
        log=cast("GuardLog", None),
        clock=clock,
        names=Names(id="3f9a1c"),
        say=lambda _: None,
    )
    return stage, clock


@pytest.fixture
def fake() -> FakeLambda:
    """A guard that has stopped one function, and put another back."""
    found = FakeLambda()
    contain(found.scene, "orders", "invoices")
    found.scene.now += timedelta(minutes=5)
    found.scene.rollback("invoices")
    found.scene.now += timedelta(minutes=5)
    return found


def test_what_was_put_back_keeps_its_place(fake: FakeLambda) -> None:
    """For the whole window."""
    stage, _ = stage_of(fake, 3)

    assert count_places(stage, WINDOW) == 2


@pytest.mark.parametrize(
    ("blast_radius", "leaves_one", "waits"), [(4, True, False), (3, False, False), (3, True, True)]
)
def test_it_waits_only_where_no_other_place_stays_free(
    fake: FakeLambda, *, blast_radius: int, leaves_one: bool, waits: bool
) -> None:
    """With two of three places taken, the third is for a real runaway."""
    stage, clock = stage_of(fake, blast_radius)

    wait_for_place(stage, leaves_one=leaves_one)

    assert (clock.slept > timedelta(0)) is waits
    assert clock.slept <= WINDOW


def test_a_blast_radius_of_one_can_leave_none(fake: FakeLambda) -> None:
    """It waits for that place alone; here another function keeps it."""
    stage, _ = stage_of(fake, 1)

    with pytest.raises(DrillError, match="used up by other functions"):
        wait_for_place(stage, leaves_one=True)
