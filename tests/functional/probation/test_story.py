"""Probation: what is mended is restored, what still loops is held as before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import RefusedError
from functions.domain.incidents.policy import EXEMPT_TAG, Mode
from functions.domain.incidents.states import IncidentState
from functions.domain.probation.record import ProbationPhase
from functions.domain.requests.request import StopRequest
from functions.domain.requests.terms import RestoreTerms
from functions.domain.signal import SignalKind
from functions.workflows.holding.end_hold import HoldEnder, Outcome
from functions.workflows.rollback.results import LoopClosed, OnProbation, Refused, Restored
from tests.functional.contain.hold.held import held as held_story
from tests.functional.probation.stage import FORCED, Stage, stopped

KINDS = [SourceKind.ASYNCHRONOUS, SourceKind.QUEUE, SourceKind.TABLE]
OVER = 40  # minutes after which any probation is over
LIMITED = RefusedError(
    "decreases account's UnreservedConcurrentExecution below its minimum value of [100]"
)


def leads(stage: Stage) -> list[str]:
    """What the mails after the first begin with."""
    return [
        subject.removeprefix("[Loopbreaker] ").partition(":")[0]
        for subject in stage.scene.subjects[1:]
    ]


def last_mail(stage: Stage) -> str:
    """The last mail, on one line."""
    return " ".join(stage.scene.account.publisher.sent[-1].body.split())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("late", [0, 2])
def test_a_mended_function_is_restored_exactly(kind: SourceKind, late: int) -> None:
    """With one mail when it begins, and one when it ends."""
    stage = stopped(kind, reserved=20)
    stage.late_minutes = late
    stage.is_loop = False

    result = stage.ask()

    most = 2 if kind is SourceKind.QUEUE else 1
    assert isinstance(result, OnProbation)
    assert stage.function.reserved == most
    stage.pass_minutes(OVER)
    assert stage.state == "none"
    enabled = () if kind is SourceKind.ASYNCHRONOUS else ((True, None),)
    assert stage.settings() == (20, {}, enabled)
    assert leads(stage) == ["ON PROBATION", "RESTORED orders, probation passed"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_that_still_loops_is_stopped_again(kind: SourceKind) -> None:
    """At 0 under its open incident; the snapshot is what it was, and force restores it."""
    stage = stopped(kind, reserved=20, provisioned={"live": 3})
    snapshot = stage.scene.incident().snapshot

    stage.ask()
    stage.pass_minutes(OVER)

    assert stage.state == "contained"
    assert stage.function.reserved == 0
    assert all(not one.enabled for one in stage.scene.account.by_uuid.values())
    assert leads(stage) == ["ON PROBATION", "STOPPED AGAIN"]
    assert "they came back" in last_mail(stage)
    assert stage.scene.incident().snapshot == snapshot
    stage.ask(FORCED)
    enabled = () if kind is SourceKind.ASYNCHRONOUS else ((True, None),)
    assert stage.settings() == (20, {"live": 3}, enabled)


def test_people_who_come_back_with_the_function_are_no_loop() -> None:
    """Producers start with the restore, and go on while it is held again."""
    stage = stopped(SourceKind.QUEUE)
    stage.is_loop = False
    stage.waiting = 5

    stage.ask()
    stage.outside = 90.0
    found = stage.states(OVER)

    assert ProbationPhase.HELD_AGAIN.value in found
    assert leads(stage) == ["ON PROBATION", "RESTORED orders, probation passed"]
    assert "fed from outside" in last_mail(stage)


def test_a_backlog_that_is_too_large_to_go_round_stays_held() -> None:
    """It came back as it was let go: likely a loop, and not shown."""
    stage = stopped(SourceKind.TABLE)
    stage.outside = 500.0
    stage.pass_minutes(20)
    stage.outside = 0.0
    stage.ask()

    stage.pass_minutes(OVER)

    assert stage.state == "contained"
    assert "likely and not shown" in last_mail(stage)


def test_nothing_that_could_show_a_loop_restores_it() -> None:
    """The person asked for it, and nothing speaks against it."""
    stage = stopped(SourceKind.QUEUE)
    stage.waiting = 0.0

    stage.ask()
    stage.pass_minutes(OVER)

    assert stage.state == "none"
    assert leads(stage) == ["ON PROBATION", "RESTORED orders, the probation showed nothing"]


@pytest.mark.parametrize("is_mate_stopped", [True, False])
def test_a_loop_that_is_cut_elsewhere_shows_nothing(*, is_mate_stopped: bool) -> None:
    """Nothing comes back to it while another function of its loop stands still."""
    stage = stopped(SourceKind.ASYNCHRONOUS)
    stage.is_loop = False
    stage.scene.account.add("billing")
    stage.scene.loops.together = frozenset({"orders", "billing"})
    if is_mate_stopped:
        stage.scene.orders.stop(StopRequest(id="a-request", function="billing"), "billing")
    stage.ask()

    stage.pass_minutes(OVER)

    assert stage.state == "none"
    assert stage.function.reserved is None
    cut = "Another function of its loop was stopped or held meanwhile"
    assert (cut in last_mail(stage)) is is_mate_stopped
    tail = "the probation showed nothing" if is_mate_stopped else "probation passed"
    assert leads(stage)[-1] == f"RESTORED orders, {tail}"


def test_mappings_are_let_go_one_by_one() -> None:
    """The one on the surest loop first; what is not let go yet stays disabled."""
    stage = stopped(SourceKind.QUEUE, SourceKind.TABLE)
    stage.is_loop = False
    stage.waiting = 3.0
    assert stage.settings()[2] == ((False, None), (False, None))

    stage.ask()

    assert stage.settings()[2] == ((False, None), (True, None))  # by their names: no graph
    stage.pass_minutes(7)
    assert stage.settings()[2] == ((True, 2), (True, None))
    stage.pass_minutes(OVER)
    assert stage.settings() == (None, {}, ((True, None), (True, None)))


def test_what_was_only_held_is_held_again_as_it_was() -> None:
    """Its queue is paused once more, nothing is reserved, and who calls it is served all along."""
    story = held_story(SourceKind.QUEUE)
    story.pass_minutes(30)
    assert story.scene.incident().is_shown
    stage = Stage(scene=story.scene, kinds=(SourceKind.QUEUE,), waiting=5.0)

    stage.ask()
    assert stage.settings() == (None, {}, ((True, 2),))
    stage.pass_minutes(OVER)

    incident = stage.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert stage.settings() == (None, {}, ((False, 2),))
    assert sum("HELD AGAIN" in one for one in stage.scene.subjects) == 1
    stage.ask(FORCED)
    assert stage.settings() == (None, {}, ((True, None),))


def test_a_probation_during_a_hold_ends_it() -> None:
    """Nothing was shown yet; the hold's own schedule does not end the probation."""
    story = held_story(SourceKind.ASYNCHRONOUS, reserved=20)
    stage = Stage(scene=story.scene, kinds=(SourceKind.ASYNCHRONOUS,), is_loop=False)

    stage.ask()
    ender = HoldEnder(world=stage.scene.world, sleep=stage.scene.sleep)
    early = ender.end(stage.scene.incident().id, "orders")
    stage.pass_minutes(OVER)

    assert early is Outcome.NOT_DUE
    assert stage.state == "none"
    assert stage.function.reserved == 20


def test_a_second_request_does_nothing_twice() -> None:
    """It is told how long the first one lasts."""
    stage = stopped(SourceKind.QUEUE)
    stage.ask()
    version = stage.scene.incident().version

    again = stage.ask()

    assert isinstance(again, OnProbation)
    assert stage.scene.incident().version == version
    assert leads(stage) == ["ON PROBATION"]


@pytest.mark.parametrize("minutes", [0, 2, 8])
def test_a_restore_during_a_probation_finishes_it(minutes: int) -> None:
    """Also while it is held again."""
    stage = stopped(SourceKind.QUEUE, reserved=20)
    stage.ask()
    stage.pass_minutes(minutes)

    result = stage.ask(RestoreTerms())

    assert isinstance(result, Restored)
    assert stage.settings() == (20, {}, ((True, None),))
    assert leads(stage)[-1] == "RESTORED orders"


@pytest.mark.parametrize("minutes", [0, 2, 8])
def test_an_order_during_a_probation_stops_it(minutes: int) -> None:
    """Its mappings are disabled again, and a restore brings everything back."""
    stage = stopped(SourceKind.QUEUE, reserved=20)
    stage.ask()
    stage.pass_minutes(minutes)

    stage.scene.orders.stop(StopRequest(id="a-request", function="orders"), "orders")
    stage.pass_minutes(3)

    assert stage.state == "contained"
    assert stage.function.reserved == 0
    assert [one.enabled for one in stage.scene.account.by_uuid.values()] == [False]
    stage.pass_minutes(OVER)
    assert stage.state == "contained"
    stage.ask(FORCED)
    assert stage.settings() == (20, {}, ((True, None),))


def test_what_people_reserve_meanwhile_is_left_alone() -> None:
    """That ends the probation: the incident goes on as released."""
    stage = stopped()
    stage.ask()

    stage.scene.account.reserves("orders", 7)
    stage.pass_minutes(2)

    assert stage.state == "let go" or stage.scene.incident().state is IncidentState.RELEASED
    assert stage.function.reserved == 7


def test_a_mapping_that_people_disable_meanwhile_stays_so() -> None:
    """Held again or restored, it is theirs."""
    stage = stopped(SourceKind.QUEUE)
    stage.ask()
    (mapping,) = stage.scene.account.by_uuid.values()

    mapping.enabled = False
    stage.pass_minutes(OVER)

    assert stage.state == "none"
    assert not mapping.enabled


def test_an_exempt_function_is_restored_at_once() -> None:
    """The guard must not hold it again."""
    stage = stopped(reserved=20)
    stage.function.tags[EXEMPT_TAG] = "true"

    result = stage.ask()

    assert isinstance(result, Restored)
    assert "at once" in result.note
    assert stage.function.reserved == 20


def test_in_observe_mode_a_probation_ends_restored() -> None:
    """Nothing may be held again there."""
    stage = stopped(reserved=20)
    stage.ask()

    stage.scene.policy = replace(stage.scene.policy, mode=Mode.OBSERVE)
    stage.pass_minutes(1)

    assert stage.function.reserved == 20
    assert stage.state == "none"


def test_a_reservation_of_0_from_before_is_restored_at_once() -> None:
    """A probation would let more run than people want."""
    stage = stopped(SourceKind.QUEUE, reserved=5)
    incident = stage.scene.incident()
    ledger = stage.scene.account.ledger
    ledger.save(incident.with_prior(0))

    result = stage.ask()

    assert isinstance(result, Restored)
    assert stage.function.reserved == 0


def test_a_small_account_refuses_it_and_says_so() -> None:
    """AWS keeps 100 unreserved: nothing was changed, and the mail names the other way."""
    stage = stopped(SourceKind.QUEUE, reserved=None)
    before, steps = stage.settings(), stage.scene.incident().steps
    stage.scene.account.faults.fail("reserve", LIMITED, times=1)

    result = stage.ask()

    assert isinstance(result, Refused)
    assert "[100]" in result.text
    assert stage.state == "contained"
    assert leads(stage) == ["NO PROBATION"]
    assert [one.status for one in stage.scene.incident().steps][:1] == [steps[0].status]
    assert stage.settings()[0] == before[0]
    assert [one.enabled for one in stage.scene.account.by_uuid.values()] == [False]
    stage.pass_minutes(5)
    assert stage.state == "contained"
    stage.ask(FORCED)
    assert stage.settings() == (None, {}, ((True, None),))


def test_a_refusal_during_a_trial_leaves_what_the_trial_lets_run() -> None:
    """More than the cap of the hold. Nobody is accused of a change, and a restore puts it back."""
    story = held_story(SourceKind.ASYNCHRONOUS, reserved=20)
    stage = Stage(scene=story.scene, kinds=(SourceKind.ASYNCHRONOUS,))
    cap = stage.function.reserved
    while stage.function.reserved == cap:
        story.pass_minutes(1)
    trial = stage.function.reserved
    assert trial is not None
    stage.function.provisioned["live"] = 4

    result = stage.ask()

    assert isinstance(result, Refused), result
    assert stage.function.reserved == trial
    stored = stage.scene.incident()
    assert (stored.target, stored.probation) == (trial, None)
    assert {one.status for one in stored.stops} == {StepStatus.DONE}
    del stage.function.provisioned["live"]
    stage.scene.survives(lambda: stage.scene.signal(SignalKind.PULSE))
    assert stage.scene.incident().state is IncidentState.CAPPED
    stage.ask(FORCED)
    assert stage.function.reserved == 20


def test_a_probation_without_a_guard_ends_restored() -> None:
    """The schedule that was made before brings back what the person asked for."""
    stage = stopped(SourceKind.QUEUE, reserved=20)
    stage.ask()
    stage.pass_minutes(2)
    (incident_id, (_, at)) = next(iter(stage.scene.account.way_back.due.items()))
    stage.scene.now = at + timedelta(minutes=1)

    HoldEnder(world=stage.scene.world, sleep=stage.scene.sleep).end(incident_id, "orders")

    assert stage.settings() == (20, {}, ((True, None),))
    assert leads(stage)[-1] == "RESTORED orders, the probation showed nothing"
    assert "a schedule did" in last_mail(stage)


def test_removing_the_stack_ends_a_probation() -> None:
    """Nobody would watch it any more."""
    stage = stopped(SourceKind.QUEUE, reserved=20)
    stage.ask()

    ended = HoldEnder(world=stage.scene.world, sleep=stage.scene.sleep).end_all()

    assert ended == ("orders",)
    assert stage.settings() == (20, {}, ((True, None),))


@pytest.mark.thorough
@pytest.mark.parametrize("is_loop", [True, False])
@pytest.mark.parametrize("call", range(1, 34))
def test_a_run_that_dies_anywhere_loses_nothing(call: int, *, is_loop: bool) -> None:
    """The request, or the pulse after it: the next pulses go on."""
    stage = stopped(SourceKind.QUEUE, reserved=20)
    stage.is_loop = is_loop
    snapshot = stage.scene.incident().snapshot
    stage.scene.account.faults.crash_after(call)
    stage.scene.survives(stage.ask)
    stage.pass_minutes(2)
    stage.ask()

    stage.pass_minutes(OVER + 5)

    if is_loop:
        assert stage.state == "contained"
        assert stage.scene.incident().snapshot == snapshot
        stage.ask(FORCED)
        stage.pass_minutes(2)
    assert stage.settings() == (20, {}, ((True, None),))


def test_a_closed_loop_is_restored_by_force_only() -> None:
    """The answer names it; on probation it needs none."""
    stage = stopped(SourceKind.QUEUE, reserved=20)
    stage.scene.chart(proof=LoopProof.CERTAIN)
    before = stage.settings()

    refused = stage.ask(RestoreTerms())

    assert isinstance(refused, LoopClosed)
    assert "orders ─SendMessage▶ orders" in refused.text
    assert "rollback_mode=probation" in refused.text
    assert stage.settings() == before
    assert isinstance(stage.ask(FORCED), Restored)
    assert stage.function.reserved == 20


@pytest.mark.parametrize("age", ["none", "old", "before the change"])
def test_a_graph_that_cannot_tell_prevents_nothing(age: str) -> None:
    """And the answer says so."""
    stage = stopped(SourceKind.QUEUE, reserved=20)
    if age != "none":
        stage.scene.chart(proof=LoopProof.CERTAIN)
    if age == "old":
        stage.scene.now += timedelta(days=3)
    if age == "before the change":
        stage.function.last_modified = stage.scene.now + timedelta(seconds=1)

    result = stage.ask(RestoreTerms())

    assert isinstance(result, Restored)
    assert "event graph" in result.note
    assert stage.function.reserved == 20
