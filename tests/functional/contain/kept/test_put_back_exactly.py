"""What comes back is what people had, whatever was changed meanwhile and whoever knew of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.errors import (
    BusyError,
    LedgerUnavailableError,
    RefusedError,
)
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from functions.domain.signal import SignalKind
from functions.workflows.incidents.restore import restore
from tests.functional.contain.danger.capped import (
    NORMAL_PEAK,
    SHOWN_AFTER,
    burn_in_a_loop,
    minutes_under_the_cap,
    suspected,
)
from tests.functional.contain.kept.refusing import (
    refuse_stops,
)
from tests.functional.scene import Scene


def test_the_former_cap_as_a_persons_own_value_is_left_alone() -> None:
    """Stopped after a cap of 3; then somebody sets 3 and means it."""
    scene = suspected()
    scene.contributor()
    minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)
    orders = scene.account.by_name["orders"]
    assert orders.reserved == 0
    scene.account.reserves("orders", NORMAL_PEAK)
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED

    (result,) = scene.rollback("orders")

    assert orders.reserved == NORMAL_PEAK
    assert f"{NORMAL_PEAK} are reserved now" in result.text


@pytest.mark.parametrize("pulses", [0, 2])
def test_a_stop_of_a_capped_function_whose_tag_has_no_seal_is_put_back_by_name(pulses: int) -> None:
    """The tag is needed only to tell that the 0 is the guard's: the incident knows the rest."""
    scene = suspected(reserved=50)
    scene.contributor()
    orders = scene.account.by_name["orders"]
    scene.now += timedelta(minutes=2)
    burn_in_a_loop(scene)
    scene.contributor_without_ledger()
    orders.tags[SNAPSHOT_TAG] = orders.tags[SNAPSHOT_TAG].partition(" seal=")[0]
    scene.calm("orders", 30)
    scene.pulse(pulses)

    scene.rollback("orders")

    assert (orders.reserved, orders.tags) == (50, {})


def test_a_configuration_that_was_read_under_a_cap_is_read_again_when_the_cap_is_over() -> None:
    """One run reads the guard's cap, another lifts it: the first one must not take it for past."""
    scene = suspected(reserved=50)
    scene.contributor()
    orders = scene.account.by_name["orders"]
    assert orders.reserved == NORMAL_PEAK
    scene.now += timedelta(minutes=2)
    burn_in_a_loop(scene)

    def lift() -> None:
        restore(scene.incident(), scene.world, scene.now, IncidentState.LIFTED)

    scene.account.faults.before("open", lift)

    scene.contributor()

    assert (orders.reserved, scene.incident().prior) == (0, 50)
    scene.calm("orders", 60)
    scene.rollback("orders")
    assert orders.reserved == 50


@pytest.mark.parametrize("reserved", [None, 50])
def test_a_cap_that_is_neither_escalated_nor_lifted_is_still_the_guards(
    reserved: int | None,
) -> None:
    """AWS is busy when it is to be stopped, and when it is put back as it became exempt."""
    scene = suspected(reserved=reserved)
    scene.contributor()
    busy = BusyError("Rate exceeded")
    scene.account.faults.fail("reserve", busy, times=-1, concurrency=0)
    minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)
    assert scene.incident().state is IncidentState.CONTAINING
    for method in ("reserve", "unreserve"):
        scene.account.faults.fail(method, busy, times=-1)
    scene.policy = replace(scene.policy, exempt=frozenset({"orders"}))

    minutes_under_the_cap(scene, 3, pinned=True)

    assert scene.incident().state is IncidentState.CAPPED
    assert scene.incident().target == NORMAL_PEAK
    scene.account.faults.clear()
    scene.rollback("orders")
    assert scene.account.by_name["orders"].reserved == reserved


def test_what_somebody_set_after_the_stop_comes_back_and_not_what_was_there_before() -> None:
    """They released it to 44, and stopped it by hand later, as the mail says."""
    scene = Scene()
    scene.add_runaway(reserved=50)
    scene.contributor()
    scene.account.reserves("orders", 44)
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED
    scene.account.reserves("orders", 0)

    scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 44


def test_what_a_tag_adds_to_an_incident_whose_writing_was_not_confirmed_is_kept() -> None:
    """The ledger took it and its answer was lost; so the stop made room by itself."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    away = LedgerUnavailableError("no answer")
    scene.account.faults.fail("open", away, lost=True)
    scene.survives(scene.contributor)
    assert (orders.reserved, orders.provisioned) == (0, {})
    assert SNAPSHOT_TAG in orders.tags

    scene.pulse(4)

    assert scene.incident().state is IncidentState.CONTAINED
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned) == (None, {"live": 5})


def test_provisioned_concurrency_that_only_the_tag_knows_comes_back() -> None:
    """Stopped, released and provisioned by people, and stopped again without the ledger."""
    scene = Scene()
    orders = scene.add_runaway()
    scene.contributor()
    scene.account.reserves("orders", None)
    orders.provisioned["live"] = 4
    scene.now += timedelta(minutes=3)
    scene.burn()
    scene.contributor_without_ledger()
    assert (orders.reserved, orders.provisioned) == (0, {})

    scene.pulse(2)
    scene.rollback("orders")

    assert (orders.reserved, orders.provisioned) == (None, {"live": 4})


def test_a_tag_that_another_run_has_taken_over_meanwhile_is_no_error() -> None:
    """Two pulses overlap; the other one has opened the next incident, and has stopped by then."""
    scene = Scene()
    orders = scene.add_runaway()
    scene.contributor()
    scene.account.reserves("orders", 50)
    scene.now += timedelta(minutes=3)
    scene.burn()
    scene.contributor_without_ledger()
    scene.account.faults.before("supersede", lambda: scene.signal(SignalKind.PULSE))

    scene.now += timedelta(minutes=1)
    scene.signal(SignalKind.PULSE)

    assert scene.incident().state is IncidentState.CONTAINED
    scene.rollback("orders")
    assert orders.reserved == 50


def test_what_a_tag_older_than_the_incident_tells_was_removed_comes_back() -> None:
    """The run without the ledger died before its stop; the next one found the ledger again."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    scene.account.faults.before("remove_provisioned", lambda: None)
    scene.account.faults.fail("reserve", BusyError("Rate exceeded"), skip=1)
    scene.contributor_without_ledger()
    assert orders.provisioned == {}
    scene.now += timedelta(seconds=30)
    scene.contributor()
    assert scene.incident().is_at_zero

    scene.pulse(3)
    scene.rollback("orders")

    assert (orders.reserved, orders.provisioned, orders.tags) == (None, {"live": 5}, {})


def test_provisioned_concurrency_that_people_changed_before_the_second_stop_comes_back() -> None:
    """There were 5 before the first stop, and 4 when it was stopped again without the ledger."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    scene.contributor()
    scene.account.reserves("orders", None)
    orders.provisioned["live"] = 4
    scene.now += timedelta(minutes=3)
    scene.burn()
    scene.contributor_without_ledger()

    scene.pulse(2)
    scene.rollback("orders")

    assert (orders.reserved, orders.provisioned) == (None, {"live": 4})


def test_provisioned_concurrency_that_people_changed_after_a_release_comes_back() -> None:
    """The same, with the release seen by a pulse before the second stop."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    scene.contributor()
    scene.account.reserves("orders", None)
    orders.provisioned["live"] = 4
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED
    scene.now += timedelta(minutes=80)
    scene.burn()
    scene.contributor_without_ledger()
    assert (orders.reserved, orders.provisioned) == (0, {})

    scene.pulse(2)
    scene.rollback("orders")

    assert (orders.reserved, orders.provisioned) == (None, {"live": 4})


@pytest.mark.parametrize("reserved", [3, None])
def test_what_cannot_be_put_back_after_a_release_waits_in_the_ledger(reserved: int | None) -> None:
    """Stopped by its tag, then released: AWS refuses the provisioned concurrency from then on."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    scene.contributor_without_ledger()
    scene.account.reserves("orders", reserved)
    scene.account.faults.fail("put_provisioned", RefusedError("not now"), times=-1)
    scene.calm("orders")

    scene.pulse(6)

    assert scene.incident().state is IncidentState.RELEASED
    assert (orders.reserved, orders.tags) == (reserved, {})
    assert sum("RELEASED orders" in one for one in scene.subjects) == 1
    failed = len(scene.log.lines)
    scene.pulse(3)
    assert not [line for line, _ in scene.log.lines[failed:] if line == "failed"]
    scene.account.faults.clear()
    scene.account.reserves("orders", None)
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned) == (None, {"live": 5})


def test_a_zero_that_the_guard_may_have_written_does_not_stay_after_a_rollback() -> None:
    """Its stop was refused under a cap; the function is found at 0, and nobody knows by whom."""
    scene = suspected(reserved=50)
    scene.contributor()
    refuse_stops(scene)
    minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)
    assert scene.incident().state is IncidentState.CAPPED
    scene.account.faults.clear()
    scene.account.reserves("orders", 0)
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED

    scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 50
