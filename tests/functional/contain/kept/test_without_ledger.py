"""Without the ledger, what was there before is kept in the tag or in the notice."""

from datetime import timedelta

import pytest

from functions.domain.errors import (
    BusyError,
    InvalidValueError,
    LedgerUnavailableError,
)
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.seal import seal
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
from functions.workflows.incidents.contain import contain
from tests.fakes.functions import MOST_TAGS
from tests.fakes.ledger import TAG_KEY
from tests.functional.contain.danger.callers import callers
from tests.functional.contain.danger.capped import (
    NORMAL_PEAK,
    burn_in_a_loop,
    suspected,
)
from tests.functional.contain.kept.refusing import (
    DENIED,
)
from tests.functional.scene import QUEUE, Scene


@pytest.mark.parametrize("reserved", [None, 50])
@pytest.mark.parametrize("rolled_back_first", [True, False])
def test_a_stop_without_the_ledger_does_not_take_the_cap_for_the_past(
    reserved: int | None, *, rolled_back_first: bool
) -> None:
    """Capped, then the ledger is away, then stopped: the tag can hold the cap only."""
    scene = suspected(reserved=reserved)
    scene.contributor()
    mapping = scene.account.add_mapping("orders", QUEUE)
    orders = scene.account.by_name["orders"]
    assert orders.reserved == NORMAL_PEAK
    scene.now += timedelta(minutes=2)
    burn_in_a_loop(scene)
    scene.contributor_without_ledger()
    assert orders.reserved == 0
    assert f"reserved={NORMAL_PEAK}" in orders.tags[SNAPSHOT_TAG]

    if not rolled_back_first:
        scene.pulse()
        incident = scene.incident()
        assert incident.state is IncidentState.CONTAINED
        assert incident.snapshot is not None
        assert incident.snapshot.reserved_concurrency == reserved
        assert (mapping.enabled, SNAPSHOT_TAG in orders.tags) == (False, False)
    scene.rollback("orders")

    assert (orders.reserved, mapping.enabled) == (reserved, True)
    assert orders.tags == {}
    scene.calm("orders", 60)
    scene.pulse(2)
    assert scene.account.ledger.stored("orders") is None


@pytest.mark.parametrize("rolled_back_first", [True, False])
@pytest.mark.parametrize("noticed", [True, False])
def test_a_persons_value_that_only_the_tag_knows_comes_back(
    *, rolled_back_first: bool, noticed: bool
) -> None:
    """Stopped, released to 50, then stopped again while the ledger was away."""
    scene = Scene()
    orders = scene.add_runaway()
    scene.contributor()
    scene.account.reserves("orders", 50)
    if noticed:
        scene.pulse()
        assert scene.incident().state is IncidentState.RELEASED
    scene.now += timedelta(minutes=80)
    scene.burn()
    scene.contributor_without_ledger()
    assert orders.reserved == 0

    if not rolled_back_first:
        scene.pulse()
    scene.rollback("orders")

    assert orders.reserved == 50


def test_a_stop_during_a_restore_that_the_ledger_did_not_see_end_is_adopted() -> None:
    """The restore could not be recorded, the function ran away and was stopped by its tag."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)
    scene.contributor()
    scene.account.faults.before("reserve", lambda: setattr(scene.account.ledger, "is_down", True))
    scene.rollback("orders")
    assert orders.reserved == 7
    scene.now += timedelta(minutes=9)
    scene.burn()
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    assert orders.reserved == 0
    scene.account.ledger.is_down = False

    scene.pulse(2)

    assert scene.incident().state is IncidentState.CONTAINED
    scene.rollback("orders")
    assert orders.reserved == 7


def test_a_tag_that_was_just_written_is_left_to_the_run_that_wrote_it() -> None:
    """The ledger comes back between the tag and the throttle."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)
    scene.account.ledger.is_down = True

    def pulse() -> None:
        scene.account.ledger.is_down = False
        scene.survives(lambda: scene.signal(SignalKind.SWEEP))
        scene.account.ledger.is_down = True

    scene.account.faults.before("reserve", pulse)
    scene.survives(scene.contributor)
    scene.account.ledger.is_down = False
    scene.pulse()
    scene.rollback("all")

    assert (orders.reserved, orders.tags) == (7, {})


def test_a_tag_whose_throttle_never_came_to_be_goes_away() -> None:
    """After some minutes nobody is about to set the reservation any more."""
    scene = Scene()
    orders = scene.add_runaway(reserved=7)
    scene.account.faults.fail("reserve", DENIED)
    scene.contributor_without_ledger()
    scene.calm("orders", 180)
    assert SNAPSHOT_TAG in orders.tags

    scene.pulse(4)

    assert (orders.reserved, orders.tags) == (7, {})


@pytest.mark.parametrize("error", [DENIED, BusyError("Rate exceeded")])
def test_a_refusal_without_the_ledger_is_told_once_an_hour(error: Exception) -> None:
    """Nobody else would know that the function goes on."""
    scene = Scene()
    scene.add_runaway(reserved=7)
    scene.account.ledger.is_down = True
    scene.account.faults.fail("reserve", error, times=-1)

    for _ in range(3):
        with pytest.raises(PartlyFailedError):
            scene.contributor()
        scene.now += timedelta(minutes=1)
        scene.burn()

    assert len(scene.subjects) == 1
    assert "COULD NOT STOP orders" in scene.subjects[0]
    assert str(error) in scene.account.publisher.sent[0].body


@pytest.mark.parametrize("rolled_back_first", [True, False])
def test_without_the_ledger_provisioned_concurrency_is_written_down_and_removed(
    *, rolled_back_first: bool
) -> None:
    """The tag and the notice hold it; it comes back with the rest."""
    scene = Scene()
    orders = scene.add_runaway(reserved=9, provisioned={"live": 5, "canary": 1})
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert (orders.reserved, orders.provisioned) == (0, {})
    said = {value.partition(" seal=")[0] for value in orders.tags.values()}
    assert {"v1 provisioned=canary:1", "v1 provisioned=live:5"} <= said
    body = " ".join(scene.account.publisher.sent[-1].body.replace("\\\n", "").split())
    assert "--qualifier live --provisioned-concurrent-executions 5" in body
    scene.account.ledger.is_down = False
    if not rolled_back_first:
        scene.pulse()
        assert SNAPSHOT_TAG not in orders.tags
    scene.rollback("all")
    assert (orders.reserved, orders.provisioned) == (9, {"live": 5, "canary": 1})


def test_without_the_ledger_a_removal_under_way_is_not_forgotten_by_the_next_attempt() -> None:
    """The first attempt removes it, the second one stops the function."""
    scene = Scene()
    orders = scene.add_runaway(reserved=9, provisioned={"live": 5})
    scene.account.ledger.is_down = True
    under_way = InvalidValueError("InvalidParameterValueException: still allocated")
    scene.account.faults.fail("reserve", under_way, skip=1, times=1)
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    assert (orders.reserved, orders.provisioned) == (9, {})
    scene.now += timedelta(minutes=1)
    scene.burn()

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert orders.reserved == 0
    scene.account.ledger.is_down = False
    scene.pulse()
    scene.rollback("orders")
    assert (orders.reserved, orders.provisioned) == (9, {"live": 5})


def test_what_was_removed_for_a_throttle_that_never_came_to_be_is_put_back() -> None:
    """The ledger is back, the function runs, and its provisioned concurrency does too."""
    scene = Scene()
    orders = scene.add_runaway(reserved=9, provisioned={"live": 5})
    scene.account.faults.fail("reserve", DENIED, skip=1, times=1)
    scene.contributor_without_ledger()
    assert orders.provisioned == {}
    scene.calm("orders", 180)

    scene.pulse(4)

    assert (orders.reserved, orders.provisioned, orders.tags) == (9, {"live": 5}, {})


def test_more_provisioned_concurrency_than_tags_hold_is_written_into_the_notice_first() -> None:
    """The notice is the only record then: it is sent before anything is removed."""
    scene = Scene()
    many = {f"alias-number-{number:03d}": 1 for number in range(MOST_TAGS)}
    orders = scene.add_runaway(reserved=90, provisioned=dict(many))
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    names = [one.method for one in scene.account.calls("publish", "remove_provisioned")]
    assert (orders.reserved, orders.provisioned, names[0]) == (0, {}, "publish")
    assert "KEEP THIS NOTICE" in scene.account.publisher.sent[0].body
    assert "alias-number-029" in scene.account.publisher.sent[0].body


def test_an_event_that_comes_twice_without_the_ledger_forgets_nothing_that_was_removed() -> None:
    """The second run has read the configuration before the first one made room for its stop."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    scene.account.faults.before("open", lambda: scene.survives(scene.contributor))
    scene.contributor_without_ledger()
    assert (orders.reserved, orders.provisioned) == (0, {})

    scene.pulse(3)
    scene.rollback("orders")

    assert (orders.reserved, orders.provisioned) == (None, {"live": 5})


def test_a_stop_without_the_ledger_over_an_unfinished_cap_is_no_change_of_people() -> None:
    """Only the tag knows of the 0: the record knows the cap, and what was there before it."""
    scene = suspected(reserved=50)
    scene.account.faults.fail("save", LedgerUnavailableError("no answer"), times=-1)
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    orders = scene.account.by_name["orders"]
    assert (orders.reserved, scene.incident().state) == (NORMAL_PEAK, IncidentState.CAPPING)
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=2)
    burn_in_a_loop(scene)
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    assert orders.reserved == 0
    scene.account.faults.clear()
    scene.account.ledger.is_down = False
    scene.calm("orders", 180)

    left = contain(scene.incident(), scene.world, scene.now, is_resumed=True)

    assert (left.state, left.prior, orders.reserved) == (IncidentState.CAPPING, 50, 0)
    scene.pulse(6)
    assert (orders.reserved, orders.tags) == (0, {})
    scene.rollback("orders")
    assert orders.reserved == 50


@pytest.mark.parametrize("kind", ["cap", "cap of callers"])
def test_a_stop_without_the_ledger_is_not_taken_for_what_people_had_set(kind: str) -> None:
    """Another run stops the function between the decision to hold it and the plan of the hold."""
    scene = suspected() if kind == "cap" else callers().scene
    orders = scene.account.by_name["orders"]

    def stop() -> None:
        orders.reserved = 0
        tags = TaggedSnapshot(reserved_concurrency=None, at=scene.now).to_tags()
        orders.tags |= seal(tags, orders.arn, TAG_KEY)

    scene.account.faults.before("functions.mappings", stop)
    scene.contributor()

    assert orders.reserved == 0
    assert scene.account.ledger.read_live().incidents == ()

    scene.pulse(2)
    snapshot = scene.incident().snapshot
    assert snapshot is not None
    assert snapshot.reserved_concurrency is None
    scene.rollback("orders")
    assert orders.reserved is None
