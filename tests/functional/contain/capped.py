"""A function that is suspected, and what it does under its cap."""

from datetime import timedelta
from typing import Any

from functions.domain.assessment import Verdict
from functions.domain.policy import Policy
from functions.domain.signal import SignalKind
from functions.domain.spike import assess
from tests.functional.scene import Scene

NORMAL_PEAK = 3


def suspected(policy: Policy | None = None, **given: Any) -> Scene:
    """A function with a flat plateau far above its normal, well below the ceiling."""
    scene = Scene(policy)
    scene.account.add("orders", **given)
    scene.account.metrics.habit("orders", 150.0)
    plateau(scene, 20)
    evidence = scene.guard.gathering.of_one("orders", scene.now)
    assert evidence is not None
    assert assess(evidence, scene.policy).verdict is Verdict.SUSPECTED, "the stage is not set"
    scene.account.journal.clear()
    return scene


def plateau(scene: Scene, minutes: int) -> None:
    """The function works at its flat plateau for the last minutes."""
    before = 180 - minutes
    scene.account.metrics.record(
        "orders",
        until=scene.now,
        invocations=[30.0] * before + [4_000.0] * minutes,
        concurrency=[float(NORMAL_PEAK)] * before + [40.0] * minutes,
        throttles=[0.0] * 180,
        errors=[0.0] * 180,
        duration_ms=[600.0] * 180,
    )


def minutes_under_the_cap(scene: Scene, minutes: int, *, pinned: bool) -> None:
    """Minutes under a cap, each with its pulse: pinned at it like a loop, or far below it."""
    for _ in range(minutes):
        scene.now += timedelta(minutes=1)
        scene.account.metrics.record(
            "orders",
            until=scene.now,
            invocations=[300.0 if pinned else 25.0],
            concurrency=[float(NORMAL_PEAK) if pinned else 1.0],
            throttles=[200.0 if pinned else 0.0],
            errors=[0.0],
            duration_ms=[600.0],
        )
        scene.survives(lambda: scene.signal(SignalKind.PULSE))
