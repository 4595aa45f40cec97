"""Stories of what the event graph proves: it hastens, it holds back, and it is never waited for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import STALE_AFTER, LoopStatus
from functions.domain.incidents.policy import Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from tests.functional.contain.hold import held
from tests.functional.contain.hold.held import NORMAL_PEAK
from tests.functional.scene import Scene

DRAWING = "orders ─stream▶ enrich ─PutItem▶ orders"


def _suspected(
    proof: LoopProof, age: timedelta = timedelta(hours=1), policy: Policy | None = None
) -> Scene:
    """A flat plateau far above the normal: without proof it is held."""
    scene = held.suspected(policy=policy).scene
    scene.loops.stored["orders"] = LoopStatus(
        proof=proof,
        drawing=DRAWING,
        closed_by=("the mapping 42",),
        broken_by="filter the records of orders",
        at=scene.now - age,
    )
    return scene


@pytest.mark.parametrize(
    ("proof", "reserved"),
    [
        (LoopProof.CERTAIN, NORMAL_PEAK),
        (LoopProof.POSSIBLE, NORMAL_PEAK),
        (LoopProof.UNKNOWN, NORMAL_PEAK),
        (LoopProof.RULED_OUT, None),
    ],
)
def test_the_same_spike_ends_as_the_graph_says(proof: LoopProof, reserved: int | None) -> None:
    """What cannot be a loop goes on; any other is held, also one that the graph is certain of."""
    scene = _suspected(proof)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == reserved


@pytest.mark.parametrize("proof", [LoopProof.CERTAIN, LoopProof.RULED_OUT])
def test_a_stale_graph_proves_nothing(proof: LoopProof) -> None:
    """What the account was like two days ago neither hastens nor holds back."""
    scene = _suspected(proof, STALE_AFTER + timedelta(minutes=1))

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == NORMAL_PEAK


@pytest.mark.parametrize("proof", [LoopProof.CERTAIN, LoopProof.RULED_OUT])
def test_a_function_deployed_since_is_judged_without_the_graph(proof: LoopProof) -> None:
    """The deployment of a minute ago may have closed the loop, or opened it."""
    scene = _suspected(proof)
    fake = scene.account.by_name["orders"]
    fake.last_modified = scene.now - timedelta(minutes=5)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == NORMAL_PEAK


@pytest.mark.parametrize(
    ("minutes_before", "reserved"),
    [(2, NORMAL_PEAK), (14, NORMAL_PEAK), (16, None)],
    ids=["young", "late", "settled"],
)
def test_a_new_function_is_ruled_out_once_late_reports_of_its_triggers_have_come(
    minutes_before: int, reserved: int | None
) -> None:
    """The graph may have read it before it heard of the URL that was created with it."""
    scene = _suspected(LoopProof.RULED_OUT)
    known = scene.loops.stored["orders"].at
    assert known is not None
    scene.account.by_name["orders"].last_modified = known - timedelta(minutes=minutes_before)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == reserved


@pytest.mark.parametrize("proof", [LoopProof.CERTAIN, LoopProof.RULED_OUT])
def test_so_is_one_among_many(proof: LoopProof) -> None:
    """Where several are looked at, no proof counts before the configuration was compared."""
    scene = _suspected(proof)
    scene.account.add("bystander")
    scene.account.metrics.record("bystander", until=scene.now, invocations=[900.0] * 180)
    scene.account.by_name["orders"].last_modified = scene.now - timedelta(minutes=5)

    scene.signal(SignalKind.SWEEP)

    assert scene.account.by_name["orders"].reserved == NORMAL_PEAK


def test_the_notice_draws_the_loop_and_says_what_breaks_it() -> None:
    """People read which trigger and which right close it, and as of when."""
    scene = _suspected(LoopProof.CERTAIN, policy=Policy(response=Response.THROTTLE))

    scene.contributor()

    (mail,) = scene.account.publisher.sent
    assert scene.incident().state is IncidentState.CONTAINED
    for text in (DRAWING, "- the mapping 42", "How to fix it: filter the records of orders"):
        assert text in mail.body
    assert "2026-03-10 11:00 UTC" in mail.body


def test_a_runaway_at_the_ceiling_that_cannot_trigger_itself_is_left_alone() -> None:
    """Nothing that it does leads back to it, so others feed it."""
    scene = Scene()
    scene.add_runaway()
    scene.loops.stored["orders"] = LoopStatus(proof=LoopProof.RULED_OUT, at=scene.now)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved is None


def test_an_older_proof_still_draws_the_loop() -> None:
    """A stale graph is no reason to act, and still a hint for people."""
    scene = _suspected(LoopProof.CERTAIN, STALE_AFTER * 2)

    scene.contributor()

    assert DRAWING in scene.account.publisher.sent[0].body


def test_what_is_known_loses_only_its_proof_with_age() -> None:
    """Everything else is told as it was read."""
    scene = _suspected(LoopProof.CERTAIN)
    known = scene.loops.stored["orders"]

    assert known.believed(scene.now) == known
    assert known.believed(scene.now + STALE_AFTER) == replace(known, proof=LoopProof.POSSIBLE)


# -- several functions on one loop


def _two(*together: str) -> Scene:
    """Two functions that run away at the same time, each on a proven loop."""
    scene = Scene()
    for name in ("orders", "mails"):
        scene.add_runaway(name)
        scene.loops.stored[name] = LoopStatus(
            proof=LoopProof.CERTAIN, drawing=DRAWING, at=scene.now - timedelta(hours=1)
        )
    scene.loops.together = frozenset(together)
    return scene


def _reserved(scene: Scene) -> list[int | None]:
    return sorted(
        (scene.account.by_name[name].reserved for name in ("orders", "mails")),
        key=lambda one: one is None,
    )


def test_one_function_of_a_loop_is_stopped() -> None:
    """That cuts it: the spike of the others ends with it, and none of them is touched."""
    scene = _two("orders", "mails")

    scene.signal(SignalKind.ALARM)
    scene.pulse()

    assert _reserved(scene) == [0, None]
    assert [one.split()[1] for one in scene.subjects] == ["STOPPED"]


def test_functions_of_two_loops_are_both_stopped() -> None:
    """To cut one loop does nothing to the other."""
    scene = _two()

    scene.signal(SignalKind.ALARM)

    assert _reserved(scene) == [0, 0]


def test_a_function_that_goes_on_after_its_loop_was_cut_is_stopped_as_well() -> None:
    """Once the minutes tell of the time after the cut, they count."""
    scene = _two("orders", "mails")
    scene.signal(SignalKind.ALARM)
    (going_on,) = (n for n in ("orders", "mails") if scene.account.by_name[n].reserved is None)

    for minute in range(10):
        scene.burn(going_on, minutes=8 + minute)
        scene.pulse()

    assert _reserved(scene) == [0, 0]


def test_a_function_that_stands_still_after_the_cut_is_left_alone_for_good() -> None:
    """It is on watch for some minutes, and nothing is found."""
    scene = _two("orders", "mails")
    scene.signal(SignalKind.ALARM)

    for _ in range(15):
        for name in ("orders", "mails"):
            scene.calm(name, minutes=3)
        scene.pulse()

    assert _reserved(scene) == [0, None]
    assert [one.split()[1] for one in scene.subjects] == ["STOPPED"]


def test_a_restore_of_one_does_not_end_in_the_stop_of_another() -> None:
    """The minutes before the cut do not count against the others afterwards, either."""
    scene = _two("orders", "mails")
    scene.signal(SignalKind.ALARM)
    scene.rollback("all")

    for _ in range(3):
        scene.pulse()

    assert _reserved(scene) == [None, None]
    assert [one.split()[1] for one in scene.subjects] == ["STOPPED", "RESTORED"]


def test_a_stop_after_the_grace_period_is_in_the_log() -> None:
    """A certain loop that could not be held goes on: the log says that it was stopped, and why."""
    story = held.suspected()
    scene = story.scene
    scene.loops.stored["orders"] = LoopStatus(
        proof=LoopProof.CERTAIN,
        drawing=DRAWING,
        closed_by=("the mapping 42",),
        broken_by="filter the records of orders",
        at=scene.now,
    )
    scene.account.add("greedy", reserved=900)  # leaves nothing of the pool for a cap
    scene.contributor()
    first = scene.incident().state
    story.pass_minutes(20)

    told = [fields for message, fields in scene.log.lines if message == "decided"]
    assert first is IncidentState.NOTIFIED
    assert (story.function.reserved, scene.incident().state) == (0, IncidentState.CONTAINED)
    assert [(one["decision"], one["because"]) for one in told][-1] == ("Contain", "still_suspected")
