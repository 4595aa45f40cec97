"""Stories of the cap: a suspected function is bounded first, and what it does then is evidence."""

from datetime import timedelta

import pytest

from functions.contain.guard import PartlyFailedError
from functions.domain.errors import BusyError
from functions.domain.incident import IncidentState
from functions.domain.signal import SignalKind
from functions.domain.wording import moment
from tests.functional.contain.capped import (
    NORMAL_PEAK,
    minutes_under_the_cap,
    plateau,
    suspected,
)
from tests.functional.scene import QUEUE, Scene


def test_a_suspected_function_is_capped_at_its_normal_peak_and_keeps_its_mappings() -> None:
    """Normal work goes on: only the reservation changes, and people are told."""
    scene = suspected()
    mapping = scene.account.add_mapping("orders", QUEUE)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == NORMAL_PEAK
    assert mapping.enabled is True
    assert scene.incident().state is IncidentState.CAPPED
    assert len(scene.subjects) == 1


def test_a_loop_stays_pinned_at_the_cap_and_is_throttled() -> None:
    """The experiment ends with 0, within 14 minutes, and what was there before is kept."""
    scene = suspected(reserved=50)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()

    minutes_under_the_cap(scene, 14, pinned=True)

    assert (scene.account.by_name["orders"].reserved, mapping.enabled) == (0, False)
    assert scene.incident().state is IncidentState.CONTAINED
    assert len(scene.subjects) == 2
    scene.rollback("orders")
    assert (scene.account.by_name["orders"].reserved, mapping.enabled) == (50, True)


def test_the_notice_of_a_stop_after_a_cap_tells_both_moments_and_both_rates() -> None:
    """Capped at one minute, stopped at another; 4,000 a minute before, 500 asked for under it."""
    scene = suspected()
    scene.contributor()
    capped_at = scene.now

    minutes_under_the_cap(scene, 12, pinned=True)

    stopped_at = scene.incident().stopped_at
    assert stopped_at is not None
    assert stopped_at > capped_at
    mail = scene.account.publisher.sent[-1]
    text = " ".join(mail.body.split())
    assert mail.subject.endswith("orders: 4,000/min before its cap, normal 30/min")
    assert f"Its reserved concurrency is 0 since {moment(stopped_at)}" in text
    assert f"It had been capped at 3 first, at {moment(capped_at)}." in text
    assert f"4,000 invocations a minute before the cap, measured at {moment(capped_at)}." in text
    assert "Under the cap: 300 invocations a minute, of 500 attempts, measured at" in text
    assert "Under the cap its demand fell, as a loop's does: 500 attempts a minute, before" in text
    assert "AWS is throttling it" not in text


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
    scene.account.add("greedy", reserved=899)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved is None
    assert scene.incident().state is IncidentState.NOTIFIED
    assert "below its minimum value of [100]" in scene.account.publisher.sent[-1].body


def test_a_function_whose_own_reservation_is_lower_is_not_capped() -> None:
    """Its reservation holds it already; people are told."""
    scene = suspected(reserved=2)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 2
    assert len(scene.subjects) == 1


def _one_shard(scene: Scene, minutes: int) -> None:
    """A stream of one shard that is worked off as fast as one execution can."""
    before = 180 - minutes
    scene.account.metrics.record(
        "orders",
        until=scene.now,
        invocations=[30.0] * before + [4_000.0] * minutes,
        concurrency=[1.0] * 180,
        throttles=[0.0] * 180,
        errors=[0.0] * 180,
        duration_ms=[14.0] * 180,
    )


def test_a_loop_that_no_cap_can_hold_is_told_and_then_throttled() -> None:
    """A one-shard loop runs at its normal concurrency: a cap would change and show nothing."""
    scene = Scene()
    scene.account.add("orders")
    scene.account.metrics.habit("orders", 150.0)
    _one_shard(scene, 10)
    scene.contributor()
    at_once = (scene.account.by_name["orders"].reserved, scene.incident().state)

    for minute in range(11, 26):
        scene.now += timedelta(minutes=1)
        _one_shard(scene, minute)
        scene.survives(lambda: scene.signal(SignalKind.PULSE))

    assert at_once == (None, IncidentState.NOTIFIED)
    assert scene.account.by_name["orders"].reserved == 0
    assert scene.incident().state is IncidentState.CONTAINED
    assert ["NOT CAPPED" in one for one in scene.subjects] == [True, False]


def test_a_one_shard_backlog_that_ends_in_time_is_left_alone() -> None:
    """Work that was waiting looks the same and ends: people hear of both, nothing is changed."""
    scene = Scene()
    scene.account.add("orders")
    scene.account.metrics.habit("orders", 150.0)
    _one_shard(scene, 10)
    scene.contributor()

    for minute in range(20):
        scene.now += timedelta(minutes=1)
        scene.account.metrics.record(
            "orders",
            until=scene.now,
            invocations=[4_000.0 if minute < 5 else 30.0],
            concurrency=[1.0],
            throttles=[0.0],
        )
        scene.survives(lambda: scene.signal(SignalKind.PULSE))

    assert scene.account.by_name["orders"].reserved is None
    assert scene.account.ledger.stored("orders") is None
    assert len(scene.subjects) == 2


def test_a_spike_that_a_cap_explained_is_left_alone_for_an_hour() -> None:
    """The same plateau is not capped again at once, and is capped again when it goes on."""
    scene = suspected()
    scene.contributor()
    minutes_under_the_cap(scene, 12, pinned=False)
    plateau(scene, 20)

    scene.contributor()
    within = scene.account.by_name["orders"].reserved
    scene.now += scene.policy.cooling_off
    plateau(scene, 20)
    scene.contributor()

    assert (within, scene.account.by_name["orders"].reserved) == (None, NORMAL_PEAK)


def test_a_rollback_ends_the_experiment() -> None:
    """A person may put a capped function back like a stopped one."""
    scene = suspected(reserved=50)
    scene.contributor()

    scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 50
    assert scene.account.ledger.stored("orders") is None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_anywhere_on_the_way_from_cap_to_throttle_converges(moment: str) -> None:
    """The snapshot keeps the owner's value through the cap, the crash and the throttle."""
    for number in range(1, 30):
        scene = suspected(reserved=50)
        mapping = scene.account.add_mapping("orders", QUEUE)
        scene.contributor()
        minutes_under_the_cap(scene, 4, pinned=True)
        faults = scene.account.faults
        faults.revive()
        (faults.crash_before if moment == "before" else faults.crash_after)(number)

        minutes_under_the_cap(scene, 8, pinned=True)

        assert scene.incident().state is IncidentState.CONTAINED, number
        assert (scene.account.by_name["orders"].reserved, mapping.enabled) == (0, False)
        scene.rollback("orders")
        assert (scene.account.by_name["orders"].reserved, mapping.enabled) == (50, True)


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
