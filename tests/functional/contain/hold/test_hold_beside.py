"""A function that is held by its queues alone: what else invokes it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.incidents.states import IncidentState
from tests.fakes.faults import SimulatedCrash
from tests.fakes.resources import FakeMapping
from tests.functional.contain.hold.held import Held, suspected
from tests.functional.scene import TABLE_STREAM

API = Trigger(kind=TriggerKind.SYNC, service="API Gateway", source_arn="")
OWN = Source(kind=SourceKind.QUEUE, name="orders", loop=LoopProof.POSSIBLE)
CALLERS = Source(kind=SourceKind.OTHER, name="orders-api", loop=LoopProof.RULED_OUT)
STOCK = Source(kind=SourceKind.TABLE, name="orders", loop=LoopProof.RULED_OUT)


def _story(*others: Source, proof: LoopProof = LoopProof.POSSIBLE, **given: Any) -> Held:
    """A queue's function that callers invoke as well, a few hundred times a minute."""
    story = suspected(SourceKind.QUEUE, **given)
    story.function.pushed = (API,)
    story.beside = 300.0
    story.spike(20)
    scene = story.scene
    scene.loops.stored["orders"] = LoopStatus(proof=proof, at=scene.now - timedelta(hours=1))
    scene.loops.feeding["orders"] = (replace(OWN, loop=proof), *(others or (CALLERS,)))
    return story


def _queue(story: Held) -> FakeMapping:
    return next(iter(story.scene.account.by_uuid.values()))


@contextmanager
def _watched(story: Held) -> Iterator[list[str]]:
    """Note each call after which a poller of the queue could meet a concurrency of 0."""
    account, met = story.scene.account, list[str]()
    call = account.call

    @contextmanager
    def watched(port: str, method: str, **arguments: Any) -> Iterator[None]:
        try:
            with call(port, method, **arguments):
                yield
        finally:
            if story.function.reserved == 0 and _queue(story).enabled:
                met.append(method)

    account.call = watched  # type: ignore[method-assign]
    yield met
    account.call = call  # type: ignore[method-assign]


def test_callers_are_served_while_the_queue_is_paused() -> None:
    """Nothing is reserved. What goes round in the queue is shown all the same."""
    story = _story()
    story.scene.contributor()
    assert not _queue(story).enabled
    assert "What else invokes it goes on." in " ".join(
        story.scene.account.publisher.sent[-1].body.split()
    )

    story.pass_minutes(25)

    incident = story.scene.incident()
    assert (incident.state, incident.is_shown) == (IncidentState.CAPPED, True)
    assert not story.scene.account.calls("reserve")
    story.scene.rollback("orders")
    assert _queue(story).enabled


def test_people_who_send_to_the_queue_are_let_go() -> None:
    """What arrives there goes on while it is paused."""
    story = _story(is_loop=False)
    story.scene.contributor()

    story.pass_minutes(14)

    assert _queue(story).enabled
    assert "RESTORED AFTER HOLD: orders" in story.scene.subjects[-1]


def test_a_queue_of_another_account_beside_it_stays_enabled() -> None:
    """Whether its messages would be lost is not known."""
    story = _story(CALLERS, Source(kind=SourceKind.OTHER, name="stock", loop=LoopProof.RULED_OUT))
    shared = "arn:aws:sqs:us-east-1:210987654321:stock"
    mapping = story.scene.account.add_mapping("orders", shared)

    story.scene.contributor()

    assert not _queue(story).enabled
    assert mapping.enabled


def test_a_stream_beside_the_queue_stays_enabled() -> None:
    """Its records may be skipped where a mapping is disabled, and it lies on no loop."""
    story = _story(CALLERS, STOCK)
    stream = story.scene.account.add_mapping("orders", TABLE_STREAM)
    story.scene.contributor()
    assert not _queue(story).enabled

    for _ in range(25):
        story.pass_minutes(1)
        assert stream.enabled
        assert story.function.reserved is None

    assert story.scene.incident().is_shown


@pytest.mark.parametrize(
    "others",
    [
        (replace(STOCK, loop=LoopProof.POSSIBLE), CALLERS),
        (Source(kind=SourceKind.STREAM, name="stock", loop=LoopProof.RULED_OUT), CALLERS),
    ],
)
def test_what_may_be_on_a_loop_beside_the_queue_is_not_left_alone(
    others: tuple[Source, ...],
) -> None:
    """Nor what the event graph does not know: the hold would miss that part of the loop."""
    story = _story(*others)
    story.scene.account.add_mapping("orders", TABLE_STREAM)

    story.scene.contributor()

    assert _queue(story).enabled
    assert "SUSPECTED, NOT HELD: orders" in story.scene.subjects[-1]


def test_a_queue_that_carries_little_of_it_is_not_held() -> None:
    """The rest would hide what a trial shows."""
    story = _story()
    story.beside = 9_000.0
    story.spike(20)

    story.scene.contributor()

    assert _queue(story).enabled
    assert "SUSPECTED, NOT HELD: orders" in story.scene.subjects[-1]


def test_a_loop_that_is_certain_is_stopped_with_its_queue_disabled_before() -> None:
    """Shown twice. Callers are refused from then on, as in any stop."""
    story = _story(proof=LoopProof.CERTAIN)
    with _watched(story) as met:
        story.scene.contributor()
        story.pass_minutes(45)

    assert story.scene.incident().state is IncidentState.CONTAINED
    assert (story.function.reserved, _queue(story).enabled, met) == (0, False, [])


@pytest.mark.thorough
@pytest.mark.parametrize(
    "call", ["open", "schedule", "switch_mapping", "limit_mapping", "save", "reserve", "publish"]
)
@pytest.mark.parametrize("skip", [0, 1, 2])
@pytest.mark.parametrize("is_lost", [False, True])
def test_no_poller_ever_meets_a_concurrency_of_zero(call: str, skip: int, *, is_lost: bool) -> None:
    """Nor after a run that died: good messages would end in the dead-letter queue."""
    story = _story(proof=LoopProof.CERTAIN)
    scene = story.scene
    scene.account.faults.fail(call, SimulatedCrash("died"), skip=skip, lost=is_lost)

    with _watched(story) as met:
        for _ in range(2):
            scene.survives(scene.contributor)
        story.pass_minutes(45)  # a trial that begins late may show nothing
        story.end()
        for _ in range(2):
            scene.survives(lambda: scene.rollback("orders"))

    assert met == []
    assert story.function.reserved is None
    assert (_queue(story).enabled, _queue(story).maximum_concurrency) == (True, None)
