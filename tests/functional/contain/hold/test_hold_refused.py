"""Holds of which AWS refuses a part: what goes on, what ends, and what people are told."""

from dataclasses import replace

import pytest

from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import RefusedError
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.states import IncidentState
from functions.domain.requests.request import StopRequest
from functions.domain.requests.terms import RestoreMode, RestoreTerms
from tests.functional.contain.hold.held import Held, held, is_held_again, suspected
from tests.functional.scene import QUEUE

DENIED = RefusedError("AccessDeniedException: explicit deny")
KINDS = [SourceKind.ASYNCHRONOUS, SourceKind.QUEUE, SourceKind.TABLE]
ORDER = StopRequest(id="1", function="orders", ordered_by="arn:aws:iam::123456789012:user/x")
CAREFULLY = RestoreTerms(mode=RestoreMode.PROBATION)
PEOPLE_ALLOW = 10  # executions at a time; 40 ran in the spike
OTHER_QUEUE = QUEUE + "-archive"


def _refuse_stop(story: Held) -> None:
    story.scene.account.faults.fail("reserve", DENIED, times=-1, concurrency=0)


def _read_way_back(story: Held) -> dict[str, tuple[str, object]]:
    return dict(story.scene.account.way_back.due)


@pytest.mark.parametrize("kind", [SourceKind.ASYNCHRONOUS, SourceKind.QUEUE])
def test_a_hold_goes_on_where_an_ordered_stop_is_refused(kind: SourceKind) -> None:
    """It is judged on, ends by itself, and keeps the schedule that ends it without `contain`."""
    story = suspected(kind, is_loop=False)
    before = story.settings()
    story.scene.contributor()
    way_back = _read_way_back(story)
    _refuse_stop(story)

    story.scene.orders.stop(ORDER, "orders")

    incident = story.scene.incident()
    assert (incident.state, incident.is_being_judged) == (IncidentState.CAPPED, True)
    assert incident.decided == DecisionReason.SUSPECTED
    assert _read_way_back(story) == way_back
    assert "COULD NOT STOP orders" in story.scene.subjects[-1]
    story.pass_minutes(15)
    assert story.describe() == "none"
    assert story.settings() == before


def test_a_paused_hold_goes_on_where_a_stop_is_refused_during_its_trial() -> None:
    """Its mappings are enabled then, with a limit of the guard's."""
    story = suspected(SourceKind.QUEUE)
    before = story.settings()
    story.scene.contributor()
    story.pass_until(lambda phases: phases[-1:] == ["capped trial"])
    _refuse_stop(story)

    story.scene.orders.stop(ORDER, "orders")

    assert story.scene.incident().state is IncidentState.CAPPED
    story.scene.rollback("orders")
    assert story.settings() == before


def test_a_certain_loop_stays_held_where_its_stop_is_refused() -> None:
    """No schedule may let it go: people decide."""
    story = suspected(SourceKind.QUEUE)
    before = story.settings()
    story.scene.chart(proof=LoopProof.CERTAIN)
    story.scene.contributor()
    _refuse_stop(story)

    story.pass_minutes(90)

    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert not _read_way_back(story)
    assert "LOOP, HELD: orders" in story.scene.subjects[-1]
    story.scene.account.faults.clear()
    story.scene.rollback("orders")
    assert story.settings() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_certain_loop_stays_held_where_its_second_trial_is_refused(kind: SourceKind) -> None:
    """The trial is tried again until the time of the hold is over, and no schedule comes first."""
    story = suspected(kind)
    story.scene.chart(proof=LoopProof.CERTAIN)
    story.scene.contributor()
    story.pass_until(is_held_again)
    call = "switch_mapping" if kind is SourceKind.QUEUE else "reserve"
    enables = {"enabled": True} if kind is SourceKind.QUEUE else {}
    story.scene.account.faults.fail(call, DENIED, times=-1, **enables)

    story.pass_minutes(60)

    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert not _read_way_back(story)


def test_what_people_reserve_while_a_queue_is_paused_comes_back() -> None:
    """A pause reserves nothing: what is there when the loop is stopped is theirs."""
    story = held(SourceKind.QUEUE)
    story.scene.chart(proof=LoopProof.CERTAIN)
    story.scene.account.reserves("orders", 50)

    story.pass_until(lambda phases: phases[-1:] == ["contained held again"])
    assert story.function.reserved == 0
    story.scene.rollback("orders")

    assert story.settings() == (50, [(True, None)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_runs_no_more_than_people_allow(kind: SourceKind) -> None:
    """Neither than they have reserved, nor than they have limited a mapping to."""
    is_queue = kind is SourceKind.QUEUE
    reserved = None if is_queue else PEOPLE_ALLOW
    story = suspected(kind, work=1_500.0, reserved=reserved)
    for one in story.scene.account.by_uuid.values():
        one.maximum_concurrency = PEOPLE_ALLOW if is_queue else None
    story.scene.contributor()

    allowed = []
    for _ in range(30):
        story.pass_minutes(1)
        found, mappings = story.settings()
        allowed.append(mappings[0][1] if is_queue else found)

    assert {one for one in allowed if one is not None and one > PEOPLE_ALLOW} == set()
    assert PEOPLE_ALLOW in allowed


@pytest.mark.parametrize("kind", KINDS)
def test_a_hold_keeps_its_way_back_where_a_probation_is_refused(kind: SourceKind) -> None:
    """It goes on, and ends even if nothing judges it any more."""
    story = held(kind)
    way_back = _read_way_back(story)
    story.scene.account.faults.fail("reserve", DENIED)
    story.scene.account.faults.fail("limit_mapping", DENIED)

    replace(story.scene.rollbacks, terms=CAREFULLY).of(("orders",))

    assert story.scene.incident().is_being_judged
    assert story.scene.incident().probation is None
    assert _read_way_back(story) == way_back


def test_a_probation_limits_what_a_trial_has_let_go() -> None:
    """It may run two executions at a time, as people are told."""
    story = held(SourceKind.QUEUE)
    story.pass_until(lambda phases: phases[-1:] == ["capped trial"])

    replace(story.scene.rollbacks, terms=CAREFULLY).of(("orders",))

    assert story.settings() == (None, [(True, 2)])


def test_a_hold_that_ends_in_part_is_no_release_by_people() -> None:
    """One of two queues cannot be enabled: that is told once, and tried again."""
    story = suspected(SourceKind.QUEUE, is_loop=False)
    other = story.scene.account.add_mapping("orders", OTHER_QUEUE)
    story.scene.contributor()
    story.scene.account.faults.fail(
        "switch_mapping", DENIED, times=-1, uuid=other.uuid, enabled=True
    )

    story.pass_minutes(40)

    assert [one.partition("]")[2].split(":")[0] for one in story.scene.subjects] == [
        " HELD orders",
        " RESTORE FAILED",
    ]
    story.scene.account.faults.clear()
    story.pass_minutes(60)
    assert story.describe() == "none"
    assert story.settings() == (None, [(True, None), (True, None)])
