"""Several functions on one loop: one of them is held, and what it shows counts for the loop."""

import pytest

from functions.domain.arrivals import SourceKind
from functions.domain.evidence import LoopProof
from functions.domain.incident import IncidentState
from functions.domain.signal import SignalKind
from tests.functional.contain.chain import FIRST, SECOND, chain

POSSIBLE_OR_CERTAIN = [LoopProof.POSSIBLE, LoopProof.CERTAIN]
KINDS = [
    (SourceKind.QUEUE, SourceKind.TABLE),
    (SourceKind.TABLE, SourceKind.QUEUE),
    (SourceKind.QUEUE, SourceKind.QUEUE),
]


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
    assert not any(one.startswith("LET GO") for one in story.scene.subjects)


def test_functions_that_others_feed_are_judged_one_after_the_other() -> None:
    """Once the first is let go, the other has its turn."""
    story = chain(proof=LoopProof.POSSIBLE, is_loop=False)

    story.scene.signal(SignalKind.ALARM)
    story.pass_minutes(30)

    assert story.held() == set()
    assert sum("LET GO" in one for one in story.scene.subjects) >= 1
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
    assert any(f"PUT BACK: {other}, its loop is held" in one for one in story.scene.subjects)
    story.pass_minutes(30)
    assert story.scene.incident(held).is_shown
    assert story.scene.account.ledger.stored(other) is None
