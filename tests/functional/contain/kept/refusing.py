"""What stands in the way of a stop: AWS refuses it, or the ledger is away at one of its calls."""

from functions.domain.errors import (
    RefusedError,
)
from tests.functional.scene import Scene

DENIED = RefusedError("AccessDeniedException: explicit deny")


def refuse_stops(scene: Scene, times: int = -1) -> None:
    """AWS refuses every reservation of 0 from now on."""
    scene.account.faults.fail("reserve", DENIED, times=times, concurrency=0)


def numbers_of(scene: Scene, method: str) -> list[int]:
    """The numbers of a method's calls in an undisturbed run of the same story."""
    twin = Scene()
    one = scene.account.by_name["orders"]
    twin.add_runaway(reserved=one.reserved, provisioned=dict(one.provisioned))
    twin.contributor()
    return [call.number for call in twin.account.calls(method)]
