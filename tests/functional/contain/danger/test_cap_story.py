"""Stories of a hold by a cap: people, faults and the ledger come between."""

import pytest

from functions.domain.errors import BusyError
from functions.domain.incidents.states import IncidentState
from functions.workflows.detection.report import PartlyFailedError
from tests.functional.contain.danger.capped import (
    NORMAL_PEAK,
    SHOWN_AFTER,
    minutes_under_the_cap,
    spike_again,
    suspected,
)


@pytest.mark.parametrize("reserved", [None, 50])
def test_legitimate_traffic_falls_below_the_cap_and_the_cap_is_lifted_exactly(
    reserved: int | None,
) -> None:
    """One notice says so, and nothing of the guard's stays."""
    scene = suspected(reserved=reserved)
    scene.contributor()

    minutes_under_the_cap(scene, 12, pinned=False)

    assert scene.account.by_name["orders"].reserved == reserved
    assert scene.account.ledger.stored("orders") is None
    assert scene.account.ledger.filed("orders")[0].state is IncidentState.LIFTED
    assert len(scene.subjects) == 2


def test_a_cap_that_a_person_takes_away_is_not_set_again() -> None:
    """People win: the function is watched."""
    scene = suspected()
    scene.contributor()
    scene.account.reserves("orders", 200)

    minutes_under_the_cap(scene, 3, pinned=True)

    assert scene.account.by_name["orders"].reserved == 200
    assert scene.incident().state is IncidentState.RELEASED


def test_a_cap_that_the_pool_does_not_allow_is_told_and_changes_nothing() -> None:
    """A cap takes from the account's pool: where nothing is left, people decide."""
    scene = suspected()
    scene.account.add("greedy", reserved=900)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved is None
    assert scene.incident().state is IncidentState.NOTIFIED
    assert "below its minimum value of [100]" in scene.account.publisher.sent[-1].body


def test_a_spike_that_a_cap_explained_is_left_alone_for_an_hour() -> None:
    """The same plateau is not capped again at once, and is capped again when it goes on."""
    scene = suspected()
    scene.contributor()
    minutes_under_the_cap(scene, 12, pinned=False)
    spike_again(scene)

    scene.contributor()
    within = scene.account.by_name["orders"].reserved
    scene.now += scene.policy.cooling_off
    spike_again(scene)
    scene.contributor()

    assert (within, scene.account.by_name["orders"].reserved) == (None, NORMAL_PEAK)


def test_a_rollback_ends_the_experiment() -> None:
    """A person may put a capped function back like a stopped one."""
    scene = suspected(reserved=50)
    scene.contributor()

    scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 50
    assert scene.account.ledger.stored("orders") is None


@pytest.mark.thorough
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_anywhere_on_the_way_from_cap_to_throttle_converges(moment: str) -> None:
    """The snapshot keeps the owner's value through the cap, the crash and the throttle."""
    for number in range(1, 30):
        scene = suspected(reserved=50)
        scene.contributor()
        minutes_under_the_cap(scene, 4, pinned=True)
        faults = scene.account.faults
        faults.revive()
        (faults.crash_before if moment == "before" else faults.crash_after)(number)

        minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)

        assert scene.incident().state is IncidentState.CONTAINED, number
        assert scene.account.by_name["orders"].reserved == 0
        scene.rollback("orders")
        assert scene.account.by_name["orders"].reserved == 50


def test_without_the_ledger_a_suspected_function_is_not_touched() -> None:
    """Only a runaway is worth acting without the record."""
    scene = suspected()
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert scene.account.by_name["orders"].reserved is None


def test_a_cap_that_aws_throttles_is_tried_again() -> None:
    """The pulse goes on with what a busy control plane left undone."""
    scene = suspected()
    scene.account.faults.fail("reserve", BusyError("Rate exceeded"), times=1)
    with pytest.raises(PartlyFailedError):
        scene.contributor()

    scene.pulse()

    assert scene.account.by_name["orders"].reserved == NORMAL_PEAK
