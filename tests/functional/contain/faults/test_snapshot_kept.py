"""What was there before the guard's first change comes back, whatever goes wrong in between."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.errors import (
    BusyError,
    InvalidValueError,
    LedgerUnavailableError,
    RefusedError,
)
from functions.domain.incidents.policy import Policy
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.seal import seal
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.restore import restore
from tests.fakes.functions import MOST_TAGS
from tests.fakes.ledger import TAG_KEY
from tests.functional.contain.danger.callers import callers
from tests.functional.contain.danger.capped import (
    NORMAL_PEAK,
    SHOWN_AFTER,
    burn_in_a_loop,
    minutes_under_the_cap,
    suspected,
)
from tests.functional.scene import QUEUE, Scene

DENIED = RefusedError("AccessDeniedException: explicit deny")


def _refuse_stops(scene: Scene, times: int = -1) -> None:
    """AWS refuses every reservation of 0 from now on."""
    scene.account.faults.fail("reserve", DENIED, times=times, concurrency=0)


@pytest.mark.parametrize("reserved", [None, 50])
def test_a_stop_that_aws_refuses_leaves_the_cap_and_its_snapshot(reserved: int | None) -> None:
    """The function stays capped, people know, and a rollback brings back what was there first."""
    scene = suspected(reserved=reserved)
    scene.contributor()
    _refuse_stops(scene)

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
    _refuse_stops(scene, times=3)

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
    _refuse_stops(scene, times=1)
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
    calls = _numbers_of(scene, "remove_provisioned")
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


def _numbers_of(scene: Scene, method: str) -> list[int]:
    """The numbers of a method's calls in an undisturbed run of the same story."""
    twin = Scene()
    one = scene.account.by_name["orders"]
    twin.add_runaway(reserved=one.reserved, provisioned=dict(one.provisioned))
    twin.contributor()
    return [call.number for call in twin.account.calls(method)]


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
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=2)
    burn_in_a_loop(scene)
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    assert orders.reserved == 0
    assert f"reserved={NORMAL_PEAK}" in orders.tags[SNAPSHOT_TAG]
    scene.account.ledger.is_down = False

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
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=80)
    scene.burn()
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    assert orders.reserved == 0
    scene.account.ledger.is_down = False

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
    scene.account.ledger.is_down = True
    scene.account.faults.fail("reserve", DENIED)
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.account.ledger.is_down = False
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
    scene.account.ledger.is_down = True
    scene.account.faults.fail("reserve", DENIED, skip=1, times=1)
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    assert orders.provisioned == {}
    scene.account.ledger.is_down = False
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


def test_a_refusal_of_access_takes_no_provisioned_concurrency_away() -> None:
    """It does not stand in the way: nobody has said so."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    _refuse_stops(scene)

    scene.contributor()
    scene.pulse(30)

    assert scene.account.calls("remove_provisioned", "put_provisioned") == []
    assert (orders.reserved, orders.provisioned) == (None, {"live": 5})


def test_a_refused_stop_is_tried_again_with_growing_pauses_and_told_once() -> None:
    """After 1, 2, 4, ... 60 minutes; the growth of the loop does not shorten them."""
    scene = Scene()
    scene.add_runaway()
    _refuse_stops(scene)
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


@pytest.mark.parametrize("pulses", [0, 2])
def test_a_stop_of_a_capped_function_whose_tag_has_no_seal_is_put_back_by_name(pulses: int) -> None:
    """The tag is needed only to tell that the 0 is the guard's: the incident knows the rest."""
    scene = suspected(reserved=50)
    scene.contributor()
    orders = scene.account.by_name["orders"]
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=2)
    burn_in_a_loop(scene)
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    orders.tags[SNAPSHOT_TAG] = orders.tags[SNAPSHOT_TAG].partition(" seal=")[0]
    scene.account.ledger.is_down = False
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
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=3)
    scene.burn()
    scene.survives(scene.contributor)
    assert (orders.reserved, orders.provisioned) == (0, {})
    scene.account.ledger.is_down = False

    scene.pulse(2)
    scene.rollback("orders")

    assert (orders.reserved, orders.provisioned) == (None, {"live": 4})


def test_a_tag_that_another_run_has_taken_over_meanwhile_is_no_error() -> None:
    """Two pulses overlap; the other one has opened the next incident, and has stopped by then."""
    scene = Scene()
    orders = scene.add_runaway()
    scene.contributor()
    scene.account.reserves("orders", 50)
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=3)
    scene.burn()
    scene.survives(scene.contributor)
    scene.account.ledger.is_down = False
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
    scene.account.ledger.is_down = True
    scene.account.faults.before("remove_provisioned", lambda: None)
    scene.account.faults.fail("reserve", BusyError("Rate exceeded"), skip=1)
    scene.survives(scene.contributor)
    assert orders.provisioned == {}
    scene.account.ledger.is_down = False
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
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=3)
    scene.burn()
    scene.survives(scene.contributor)
    scene.account.ledger.is_down = False

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
    scene.account.ledger.is_down = True
    scene.now += timedelta(minutes=80)
    scene.burn()
    scene.survives(scene.contributor)
    assert (orders.reserved, orders.provisioned) == (0, {})
    scene.account.ledger.is_down = False

    scene.pulse(2)
    scene.rollback("orders")

    assert (orders.reserved, orders.provisioned) == (None, {"live": 4})


@pytest.mark.parametrize("reserved", [3, None])
def test_what_cannot_be_put_back_after_a_release_waits_in_the_ledger(reserved: int | None) -> None:
    """Stopped by its tag, then released: AWS refuses the provisioned concurrency from then on."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    scene.account.ledger.is_down = True
    scene.survives(scene.contributor)
    scene.account.ledger.is_down = False
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
    _refuse_stops(scene)
    minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)
    assert scene.incident().state is IncidentState.CAPPED
    scene.account.faults.clear()
    scene.account.reserves("orders", 0)
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED

    scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 50


def test_an_event_that_comes_twice_without_the_ledger_forgets_nothing_that_was_removed() -> None:
    """The second run has read the configuration before the first one made room for its stop."""
    scene = Scene()
    orders = scene.add_runaway(provisioned={"live": 5})
    scene.account.ledger.is_down = True
    scene.account.faults.before("open", lambda: scene.survives(scene.contributor))
    scene.survives(scene.contributor)
    assert (orders.reserved, orders.provisioned) == (0, {})
    scene.account.ledger.is_down = False

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
