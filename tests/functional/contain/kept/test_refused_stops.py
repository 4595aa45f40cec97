"""Where AWS refuses a stop or a restore, the snapshot is kept and people are notified."""

from datetime import timedelta

import pytest

from functions.domain.errors import (
    BusyError,
    RefusedError,
)
from functions.domain.incidents.policy import Policy
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState
from tests.functional.contain.danger.capped import (
    NORMAL_PEAK,
    SHOWN_AFTER,
    burn_in_a_loop,
    minutes_under_the_cap,
    suspected,
)
from tests.functional.contain.kept.refusing import (
    DENIED,
    numbers_of,
    refuse_stops,
)
from tests.functional.scene import QUEUE, Scene


@pytest.mark.parametrize("reserved", [None, 50])
def test_a_stop_that_aws_refuses_leaves_the_cap_and_its_snapshot(reserved: int | None) -> None:
    """The function stays capped, people know, and a rollback brings back what was there first."""
    scene = suspected(reserved=reserved)
    scene.contributor()
    refuse_stops(scene)

    minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)

    orders, incident = scene.account.by_name["orders"], scene.incident()
    assert (orders.reserved, incident.state) == (NORMAL_PEAK, IncidentState.CAPPED)
    assert (incident.target, incident.stopped_at) == (NORMAL_PEAK, None)
    assert incident.snapshot is not None
    assert incident.snapshot.reserved_concurrency == reserved
    assert "COULD NOT STOP orders" in scene.subjects[-1]
    assert f"Its cap of {NORMAL_PEAK} is still in force." in scene.account.publisher.sent[-1].body

    scene.account.faults.clear()
    assert [one.text for one in scene.rollback("orders")] == ["restored"]
    assert orders.reserved == reserved


def test_a_stop_that_is_refused_only_for_a_while_is_carried_out_later() -> None:
    """The cap holds meanwhile; the mapping is paused with the stop, and both come back."""
    scene = suspected(reserved=50)
    scene.contributor()
    mapping = scene.account.add_mapping("orders", QUEUE)
    refuse_stops(scene, times=3)

    minutes_under_the_cap(scene, SHOWN_AFTER + 10, pinned=True)

    orders = scene.account.by_name["orders"]
    assert (orders.reserved, mapping.enabled) == (0, False)
    assert scene.incident().state is IncidentState.CONTAINED
    assert sum("COULD NOT STOP" in one for one in scene.subjects) == 1
    scene.rollback("orders")
    assert (orders.reserved, mapping.enabled) == (50, True)


def test_where_it_cannot_be_read_what_is_reserved_nothing_is_forgotten() -> None:
    """The incident waits, unfinished, with its snapshot."""
    scene = suspected(reserved=50)
    scene.contributor()
    refuse_stops(scene, times=1)
    # The first look asks whether somebody has changed it.
    scene.account.faults.fail("reserved_concurrency", BusyError("Rate exceeded"), skip=10, times=1)
    minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)
    scene.account.faults.clear()
    incident = scene.incident()
    assert incident.snapshot is not None
    assert incident.snapshot.reserved_concurrency == 50
    assert incident.state is not IncidentState.NOTIFIED

    scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 50


def test_provisioned_concurrency_that_was_removed_and_not_yet_recorded_is_not_forgotten() -> None:
    """The run dies between the two; then a person sets a reservation."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    scene.account.faults.before("remove_provisioned", lambda: None)
    calls = numbers_of(scene, "remove_provisioned")
    scene.account.faults.crash_after(calls[0])
    scene.survives(scene.contributor)
    assert orders.provisioned == {}
    scene.account.reserves("orders", 40)
    scene.now += timedelta(minutes=2)
    scene.calm("orders")

    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED
    scene.rollback("orders")

    assert (orders.reserved, orders.provisioned) == (40, {"live": 5})


def test_a_refusal_of_access_takes_no_provisioned_concurrency_away() -> None:
    """It does not stand in the way: nobody has said so."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    refuse_stops(scene)

    scene.contributor()
    scene.pulse(30)

    assert scene.account.calls("remove_provisioned", "put_provisioned") == []
    assert (orders.reserved, orders.provisioned) == (None, {"live": 5})


@pytest.mark.thorough
def test_a_refused_stop_is_tried_again_with_growing_pauses_and_told_once() -> None:
    """After 1, 2, 4, ... 60 minutes; the growth of the loop does not shorten them."""
    scene = Scene()
    scene.add_runaway()
    refuse_stops(scene)
    scene.contributor()
    begin, tried = scene.now, []
    for _ in range(200):
        before = len(scene.account.calls("reserve"))
        scene.burn()
        scene.pulse()
        if len(scene.account.calls("reserve")) > before:
            tried.append(int((scene.now - begin) / timedelta(minutes=1)))

    pauses = [after - former for former, after in zip([0, *tried], tried, strict=False)]
    # Where people were only told, one looks every few minutes after a while.
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert [pause // 5 for pause in pauses[5:]] == [6, 12, 12]
    assert sum("COULD NOT STOP" in one for one in scene.subjects) == 1
    assert scene.incident().state is IncidentState.NOTIFIED


def test_another_refusal_is_told_as_well() -> None:
    """What AWS says has changed: what people have to do may have, too."""
    scene = Scene()
    scene.add_runaway()
    scene.account.faults.fail("reserve", DENIED, times=2)
    scene.account.faults.fail("reserve", RefusedError("by an SCP"), times=1)
    scene.contributor()

    for _ in range(9):
        scene.burn()
        scene.pulse()

    told = [one.body for one in scene.account.publisher.sent if "COULD NOT STOP" in one.subject]
    assert ["explicit deny" in one for one in told] == [True, False]
    assert "by an SCP" in told[1]


def test_a_refused_cap_does_not_keep_a_loop_from_being_stopped() -> None:
    """The pool that leaves no room for a cap leaves room for 0."""
    scene = suspected()
    scene.account.add("greedy", reserved=900)
    scene.contributor()
    assert scene.incident().is_pausing(Attempt.CAP, scene.now)
    scene.now += timedelta(seconds=2)
    burn_in_a_loop(scene)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 0


def test_a_lift_that_aws_refuses_is_told_once_and_tried_with_pauses() -> None:
    """An hour of refusals: one notice, seven attempts, and then the cap is lifted."""
    scene = suspected(Policy(), reserved=50)
    scene.contributor()
    scene.account.faults.fail("reserve", DENIED, times=7)
    scene.account.journal.clear()

    minutes_under_the_cap(scene, 70, pinned=False)

    assert sum("RESTORE FAILED" in one for one in scene.subjects) == 1
    assert len(scene.account.calls("reserve")) <= 8
    assert scene.incident().state is IncidentState.CAPPED
    minutes_under_the_cap(scene, 90, pinned=False)
    assert scene.account.by_name["orders"].reserved == 50
    assert scene.account.ledger.stored("orders") is None


def test_each_request_of_a_person_that_aws_refuses_is_told() -> None:
    """Who asks is answered, also the second time."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.account.faults.fail("reserve", DENIED, times=2)

    scene.rollback("orders")
    scene.rollback("orders")

    assert sum("RESTORE FAILED" in one for one in scene.subjects) == 2
    scene.rollback("orders")
    assert scene.account.by_name["orders"].reserved == 5
