"""A function that is held by a cap, and what feeds it meanwhile: on a loop that is certain."""

from typing import Any, Final
from weakref import WeakKeyDictionary

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.policy import Policy
from tests.functional.contain.hold import held
from tests.functional.scene import Scene

NORMAL_PEAK: Final = held.NORMAL_PEAK
SHOWN_AFTER: Final = 60  # minutes, in which a hold has shown a loop twice

_stories: Final[WeakKeyDictionary[Scene, held.Held]] = WeakKeyDictionary()


def suspected(policy: Policy | None = None, **given: Any) -> Scene:
    """A function with a flat spike far above its normal, well below the ceiling."""
    story = held.suspected(policy=policy, **given)
    scene = story.scene
    scene.loops.stored["orders"] = LoopStatus(proof=LoopProof.CERTAIN, at=scene.now)
    scene.account.journal.clear()
    _stories[scene] = story
    return scene


def minutes_under_the_cap(scene: Scene, minutes: int, *, pinned: bool) -> None:
    """Minutes under a cap, each with its pulse: it feeds itself, or people go on feeding it."""
    story = _stories[scene]
    story.is_loop = pinned
    story.pass_minutes(minutes)


def spike_again(scene: Scene) -> None:
    """The function was at its spike for the last 20 minutes."""
    _stories[scene].spike(20)


def burn_in_a_loop(scene: Scene) -> None:
    """It fills the account, and AWS itself finds it invoking itself."""
    scene.burn()
    scene.account.metrics.record("orders", until=scene.now, native_drops=[5.0] * 8)
