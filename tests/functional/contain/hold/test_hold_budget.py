"""A function is held a few times a day at most, so that nobody can keep it held by bursts."""

from datetime import timedelta

import pytest

from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.assessment import Ground, Reason, Unit
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import RefusedError
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.hold_budget import COUNTED_FOR, MOST_HOLDS
from functions.domain.incidents.states import IncidentState
from tests.fakes.faults import SimulatedCrash
from tests.functional.contain.hold.held import Held, suspected

BETWEEN = timedelta(hours=5)
DENIED = RefusedError("AccessDeniedException: explicit deny")


def _spike(story: Held) -> None:
    story.spike(20)
    story.scene.survives(story.scene.contributor)


def _is_held(story: Held) -> bool:
    stored = story.scene.account.ledger.stored("orders")
    is_touched = story.function.reserved is not None or any(
        not one.enabled for one in story.scene.account.by_uuid.values()
    )
    return is_touched and stored is not None and stored.state is IncidentState.CAPPED


def _go_on(story: Held) -> None:
    """Put it back by a person, who lets hours pass until the next burst."""
    story.scene.rollback("orders")
    assert story.scene.account.ledger.stored("orders") is None
    story.scene.now += BETWEEN


def _hold(story: Held, times: int = 1) -> None:
    for _ in range(times):
        _spike(story)
        assert _is_held(story)
        _go_on(story)


@pytest.mark.parametrize("kind", [SourceKind.ASYNCHRONOUS, SourceKind.QUEUE])
def test_the_fifth_hold_of_a_day_is_not_made(kind: SourceKind) -> None:
    """People are told why, once, and nothing is changed."""
    story = suspected(kind)
    _hold(story, MOST_HOLDS)

    _spike(story)
    story.pass_minutes(3)

    assert not _is_held(story)
    incident = story.scene.incident()
    assert (incident.state, incident.decided) == (
        IncidentState.NOTIFIED,
        DecisionReason.HELD_OFTEN,
    )
    assert incident.assessment.grounds[0] == Ground(
        reason=Reason.HELD_OFTEN, value=4, unit=Unit.TIMES, reference=4
    )
    assert sum("SUSPECTED, NOT HELD: orders" in one for one in story.scene.subjects) == 1
    body = " ".join(story.scene.account.publisher.sent[-1].body.split())
    assert "at most 4 times within 24 hours" in body
    assert "it was held 4 times within 24 hours; the maximum is 4 times" in body


@pytest.mark.parametrize(
    ("after", "held"), [(COUNTED_FOR - timedelta(minutes=1), False), (COUNTED_FOR, True)]
)
def test_a_day_after_the_first_it_is_held_again(after: timedelta, *, held: bool) -> None:
    """Each hold counts for a day, from when it took effect."""
    story = suspected()
    first = story.scene.now
    _hold(story, MOST_HOLDS)
    _spike(story)
    assert not _is_held(story)
    story.scene.now += timedelta(minutes=20)
    story.end()
    story.scene.pulse(10)
    assert story.scene.account.ledger.stored("orders") is None

    story.scene.now = first + after
    _spike(story)

    assert _is_held(story) is held


def test_bursts_do_not_have_a_function_stopped_either() -> None:
    """Not even on a certain loop, where one that cannot be held is stopped in the end."""
    story = suspected(is_loop=False)
    _hold(story, MOST_HOLDS)
    known = LoopStatus(proof=LoopProof.CERTAIN, at=story.scene.now)
    story.scene.loops.stored["orders"] = known

    _spike(story)
    story.pass_minutes(25)

    assert story.function.reserved is None
    assert story.scene.incident().decided == DecisionReason.HELD_OFTEN
    assert not any("STOPPED" in one for one in story.scene.subjects)


@pytest.mark.parametrize("call", ["schedule", "reserve", "save", "publish"])
def test_a_hold_that_a_run_died_in_counts_once(call: str) -> None:
    """The next run goes on with it."""
    story = suspected()
    story.scene.account.faults.fail(call, SimulatedCrash("died"))
    _spike(story)
    story.scene.pulse(3)
    assert _is_held(story)
    _go_on(story)

    _hold(story, MOST_HOLDS - 1)
    _spike(story)

    assert not _is_held(story)
    assert story.scene.incident().decided == DecisionReason.HELD_OFTEN


def test_a_hold_that_aws_refused_does_not_count() -> None:
    """Nothing was held."""
    story = suspected()
    for _ in range(MOST_HOLDS):
        story.scene.account.faults.fail("reserve", DENIED)
        _spike(story)
        assert not _is_held(story)
        story.end()
        story.scene.now += timedelta(minutes=1)
        story.scene.pulse(2)
        story.scene.now += BETWEEN

    _spike(story)

    assert _is_held(story)


def test_a_hold_that_a_person_released_counts_before_its_incident_is_closed() -> None:
    """The burst goes on after the time in which it is left alone."""
    story = suspected()
    _hold(story, MOST_HOLDS - 1)
    _spike(story)
    story.function.reserved = None
    story.scene.pulse()
    assert story.scene.incident().state is IncidentState.RELEASED

    story.scene.now += timedelta(minutes=90)
    story.spike(20)
    story.scene.pulse()

    assert story.function.reserved is None
    assert story.scene.incident().state is IncidentState.RELEASED
    assert "RUNNING AWAY AGAIN" in story.scene.subjects[-1]
