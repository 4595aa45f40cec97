"""Looks of the pulse are paid for, whatever becomes of the run."""

from functions.domain.deployment.guard_cost import LOOKS_IN_STOCK
from functions.domain.errors import LedgerUnavailableError, MetricsUnavailableError
from functions.domain.pulse.memory import PulseMemory
from tests.functional.scene import Scene


def _looks(scene: Scene) -> int:
    return [call.method for call in scene.account.journal].count("busiest")


def _risen(stock: float) -> Scene:
    """An account in which a function runs away, with so many looks left."""
    scene = Scene()
    scene.add_runaway()
    memory = PulseMemory(stock=stock, stocked_at=scene.now)
    scene.account.ledger.remember_pulse(memory)
    scene.account.journal.clear()
    return scene


def test_a_look_that_fails_is_paid_for_and_tried_again() -> None:
    """Runs that fail for good use the budget up, and no more."""
    scene = _risen(LOOKS_IN_STOCK)
    scene.account.faults.fail("busiest", MetricsUnavailableError("CloudWatch is down"), times=-1)

    scene.pulse(2)
    stock = scene.account.ledger.read_live().pulse.stock

    assert _looks(scene) == 2
    assert stock is not None
    assert LOOKS_IN_STOCK - 2 <= stock < LOOKS_IN_STOCK - 1


def test_without_a_look_left_nothing_is_looked_at() -> None:
    """Not even a function that ran away: its alarm and the sweep are left."""
    scene = _risen(0.0)

    scene.pulse()

    assert _looks(scene) == 0


def test_a_loop_is_looked_for_while_the_ledger_cannot_be_read() -> None:
    """And nothing is written over what it holds."""
    scene = _risen(5.0)
    known = scene.account.ledger.read_live().pulse
    scene.account.journal.clear()
    scene.account.faults.fail("read_live", LedgerUnavailableError("DynamoDB is down"))

    scene.pulse()

    assert _looks(scene) == 1
    assert scene.account.ledger.read_live().pulse.stock == known.stock
