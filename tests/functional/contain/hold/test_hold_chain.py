"""Several functions on one loop: one of them is held, and what it shows counts for the loop."""

from datetime import timedelta
from typing import Any

import pytest

from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import RefusedError
from functions.domain.incidents.policy import EXEMPT_TAG, Mode, Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from tests.fakes.faults import SimulatedCrash
from tests.fakes.resources import FakeQueue
from tests.functional.contain.hold.chain import FIRST, SECOND, Chain, chain
from tests.functional.contain.hold.held import USUAL

POSSIBLE_OR_CERTAIN = [LoopProof.POSSIBLE, LoopProof.CERTAIN]
KINDS = [
    (SourceKind.QUEUE, SourceKind.TABLE),
    (SourceKind.TABLE, SourceKind.QUEUE),
    (SourceKind.QUEUE, SourceKind.QUEUE),
]


@pytest.mark.thorough
@pytest.mark.parametrize("proof", POSSIBLE_OR_CERTAIN)
@pytest.mark.parametrize("kinds", KINDS)
def test_two_functions_of_a_loop_are_never_held_together(
    kinds: tuple[SourceKind, SourceKind], proof: LoopProof
) -> None:
    """Each would keep the other's events back: nothing comes back in a trial, and both go free."""
    story = chain(kinds, proof=proof)

    for name in (FIRST, SECOND):
        story.scene.contributor(name)
    assert len(story.held()) == 1
    story.pass_minutes(40)

    assert all(sum(minute.values()) <= 1 for minute in story.minutes)
    (name,) = story.held()
    incident = story.scene.incident(name)
    is_certain = proof is LoopProof.CERTAIN
    state = IncidentState.CONTAINED if is_certain else IncidentState.CAPPED
    assert (incident.state, incident.is_shown) == (state, not is_certain)
    assert not any(one.startswith("RESTORED AFTER HOLD") for one in story.scene.subjects)


def test_functions_that_others_feed_are_judged_one_after_the_other() -> None:
    """Once the first is let go, the other has its turn."""
    story = chain(proof=LoopProof.POSSIBLE, is_loop=False)

    story.scene.signal(SignalKind.ALARM)
    story.pass_minutes(30)

    assert story.held() == set()
    assert sum("RESTORED AFTER HOLD" in one for one in story.scene.subjects) >= 1
    assert not any("STOPPED" in one for one in story.scene.subjects)


def test_of_two_that_were_held_at_the_same_moment_one_gives_way() -> None:
    """Two runs may begin side by side, and neither knows of the other."""
    story = chain(proof=LoopProof.POSSIBLE)
    together, story.scene.loops.together = story.scene.loops.together, frozenset()
    for name in (FIRST, SECOND):
        story.scene.contributor(name)
    assert story.held() == {FIRST, SECOND}
    story.scene.loops.together = together

    story.pass_minutes(1)

    (held,) = story.held()
    (other,) = {FIRST, SECOND} - {held}
    assert any(
        f"RESTORED BY LOOPBREAKER: {other}, its loop is held" in one for one in story.scene.subjects
    )
    story.pass_minutes(30)
    assert story.scene.incident(held).is_shown
    assert story.scene.account.ledger.stored(other) is None


# -- held elsewhere on the loop


def _not_holdable(batch: float = 100.0, **given: Any) -> Chain:
    """A loop whose suspected function would lose messages; the other one works in batches."""
    story = chain(batch=batch, **given)
    first = story.links[0]
    story.scene.account.queues[first.arn] = FakeQueue(max_receive_count=1)
    return story


def _settings(story: Chain) -> list[object]:
    account = story.scene.account
    return [
        *(one.reserved for one in account.by_name.values()),
        *((one.enabled, one.maximum_concurrency) for one in account.by_uuid.values()),
    ]


def _mail(story: Chain, lead: str) -> str:
    sent = story.scene.account.publisher.sent
    return next(" ".join(one.body.split()) for one in sent if lead in one.subject)


def test_another_function_of_the_loop_is_held_where_the_suspected_one_cannot_be() -> None:
    """What goes round passes it as well; the mail says which one is suspected, and why."""
    story = _not_holdable()

    story.scene.contributor(FIRST)

    assert story.held() == {SECOND}
    assert story.scene.account.ledger.stored(FIRST) is None
    told = _mail(story, f"HELD {SECOND}")
    assert f"Suspected is {FIRST}, with 4,000 invocations a minute." in told
    assert "its queue gives a message up after" in told


def test_whom_people_put_back_is_not_held_for_what_was_before_its_suspected_mate() -> None:
    """It ran away some minutes before the function for which it was held; all that is past now."""
    story = _not_holdable(batch=1.0)
    scene = story.scene
    scene.account.metrics.record(
        FIRST, until=scene.now - timedelta(minutes=5), invocations=[USUAL] * 15
    )
    scene.contributor(FIRST)
    assert story.held() == {SECOND}
    scene.rollback(SECOND)

    scene.contributor(SECOND)

    assert story.held() == set()


def test_what_was_read_of_the_suspected_function_is_not_read_again() -> None:
    """It was read for the signal, and for the plan; the choice of the place adds nothing."""
    story = _not_holdable()

    story.scene.contributor(FIRST)

    calls = story.scene.account.calls("recent", "precedent")
    gathered = [one.method for one in calls if FIRST in one.arguments["functions"]]
    assert sorted(gathered) == ["precedent"] * 2 + ["recent"] * 2
    read = [one.arguments["function"] for one in story.scene.account.calls("hold_facts.read")]
    assert read.count(FIRST) == 1


def test_what_was_shown_twice_stops_the_function_that_was_held() -> None:
    """Each round passes it. The suspected one is not touched, and all of it comes back."""
    story = _not_holdable()
    before = _settings(story)
    story.scene.contributor(FIRST)

    story.pass_minutes(45)

    assert story.held() == {SECOND}
    assert story.scene.incident(SECOND).state is IncidentState.CONTAINED
    assert story.scene.account.by_name[SECOND].reserved == 0
    assert f"Suspected is {FIRST}" in _mail(story, f"STOPPED {SECOND}")
    assert story.scene.account.ledger.stored(FIRST) is None
    story.scene.rollback("all")
    assert _settings(story) == before


def test_whom_the_hold_of_another_function_acquits_is_not_stopped() -> None:
    """People keep the circle busy: it is told once, and nobody is stopped for being on it."""
    story = _not_holdable(is_loop=False)
    before = _settings(story)
    story.scene.contributor(FIRST)
    assert story.held() == {SECOND}

    for _ in range(11):
        story.pass_minutes(5)
        story.scene.contributor(FIRST)

    assert _settings(story) == before
    assert any(f"RESTORED AFTER HOLD: {SECOND}" in one for one in story.scene.subjects)
    assert not any("STOPPED" in one or "NOT HELD" in one for one in story.scene.subjects)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(exempt=frozenset({SECOND})),
        Policy(own_functions=frozenset({SECOND})),
        Policy(mode=Mode.OBSERVE),
        Policy(response=Response.NOTIFY),
    ],
)
def test_what_protects_a_function_counts_for_the_one_that_would_be_held(policy: Policy) -> None:
    """It is not taken from for the sake of another one."""
    story = _not_holdable(policy=policy)
    story.scene.policy = policy
    before = _settings(story)

    story.scene.contributor(FIRST)
    story.pass_minutes(10)

    assert _settings(story) == before


def test_an_exempt_tag_counts_as_well() -> None:
    """The same."""
    story = _not_holdable()
    story.scene.account.by_name[SECOND].tags[EXEMPT_TAG] = "true"

    story.scene.contributor(FIRST)

    assert story.held() == set()
    assert any(f"SUSPECTED, NOT HELD: {FIRST}" in one for one in story.scene.subjects)


def test_a_loop_that_is_only_possible_is_not_held_elsewhere() -> None:
    """The other function may have nothing to do with it."""
    story = _not_holdable(proof=LoopProof.POSSIBLE)

    story.scene.contributor(FIRST)

    assert story.held() == set()


def test_a_function_that_people_put_back_lately_is_not_held_for_another() -> None:
    """They have decided about it."""
    story = _not_holdable()
    story.scene.contributor(FIRST)
    story.scene.rollback(SECOND)

    story.pass_minutes(3)

    assert story.held() == set()


def test_the_blast_radius_counts_the_function_that_is_held() -> None:
    """None is left: people are notified, and nothing is changed."""
    policy = Policy(blast_radius=1)
    story = _not_holdable(policy=policy)
    story.scene.add_runaway("images")
    metrics = story.scene.account.metrics
    metrics.record("images", until=story.scene.now, native_drops=[5.0])
    story.scene.contributor("images")
    assert story.scene.account.by_name["images"].reserved == 0

    story.scene.contributor(FIRST)

    assert story.held() == set()


@pytest.mark.parametrize("call", ["describe", "mappings"])
def test_what_cannot_be_read_of_the_others_keeps_nobody_from_being_held(call: str) -> None:
    """The suspected one is held, or told of, as if it were alone."""
    able, unable = chain((SourceKind.TABLE, SourceKind.QUEUE)), _not_holdable()
    able.links[1].backlog = 200_000.0
    able.spike(20)
    for story in (able, unable):
        denied = RefusedError("AccessDeniedException: no")
        story.scene.account.faults.fail(call, denied, times=-1, function=SECOND)

        story.scene.contributor(FIRST)

    assert able.held() == {FIRST}
    assert unable.held() == set()
    assert any(f"SUSPECTED, NOT HELD: {FIRST}" in one for one in unable.scene.subjects)


@pytest.mark.thorough
@pytest.mark.parametrize("call", ["open", "schedule", "reserve", "save", "publish"])
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_run_that_dies_leaves_one_hold_that_goes_on(call: str, *, is_lost: bool) -> None:
    """Whatever it had reached; nothing is held twice, and all of it comes back."""
    story = _not_holdable()
    before = _settings(story)
    story.scene.account.faults.fail(call, SimulatedCrash("died"), lost=is_lost)
    story.scene.survives(lambda: story.scene.contributor(FIRST))
    story.scene.survives(lambda: story.scene.contributor(FIRST))  # Lambda's retry

    story.pass_minutes(2)
    assert story.held() == {SECOND}
    story.pass_minutes(45)

    assert all(sum(minute.values()) <= 1 for minute in story.minutes)
    assert story.scene.incident(SECOND).state is IncidentState.CONTAINED
    story.scene.rollback("all")
    assert _settings(story) == before


# -- the bottleneck


@pytest.mark.thorough
def test_the_function_that_works_off_a_backlog_is_held() -> None:
    """Held itself it writes nothing; held elsewhere, the backlog looks like what others send."""
    story = chain((SourceKind.TABLE, SourceKind.QUEUE))
    story.links[1].backlog = 200_000.0
    story.spike(20)

    story.scene.contributor(FIRST)

    assert story.held() == {SECOND}
    assert "works off a backlog of" in _mail(story, f"HELD {SECOND}")
    story.pass_minutes(400)  # one trial of six hours
    assert not any("RESTORED AFTER HOLD" in one for one in story.scene.subjects)
    assert story.held() == {SECOND}
