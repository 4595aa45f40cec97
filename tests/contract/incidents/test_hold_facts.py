"""What must be known of a function and its triggers before it is held."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest

from functions.domain.detection.arrivals import SourceKind
from functions.domain.holding.facts import HoldFacts, MappingFacts
from tests.contract.stage import unique
from tests.fakes.resources import FakeQueue

if TYPE_CHECKING:
    from tests.contract.stage import Stage


@pytest.fixture
def name() -> str:
    """A function's name that no other test uses."""
    return unique("orders")


def test_a_function_without_triggers(stage: Stage, name: str) -> None:
    """Its asynchronous events are kept for 6 hours where nobody has said otherwise."""
    stage.add(name)

    assert stage.hold_facts.read(name) == HoldFacts(
        maximum_event_age_seconds=21_600.0, has_provisioned_concurrency=False
    )


def test_the_shortest_age_of_asynchronous_events_counts(stage: Stage, name: str) -> None:
    """Each alias has one of its own."""
    stage.add(name)
    stage.keep_events(name, 3_600)
    first = stage.hold_facts.read(name)
    alias = stage.provision(name, 3)
    stage.keep_events(name, 120, alias=alias)

    second = stage.hold_facts.read(name)

    ages = (first.maximum_event_age_seconds, second.maximum_event_age_seconds)
    assert ages == (3_600.0, 120.0)
    assert (first.has_provisioned_concurrency, second.has_provisioned_concurrency) == (False, True)


def test_the_limits_of_the_account_are_without_what_is_reserved(stage: Stage, name: str) -> None:
    """What a trial may reserve is told from them."""
    stage.add(name)
    before = stage.hold_facts.read_limits()
    stage.functions.reserve(name, 7)

    after = stage.hold_facts.read_limits()

    assert before is not None
    assert after == replace(before, unreserved=before.unreserved - 7)
    assert after.concurrency >= after.unreserved


@pytest.mark.thorough
@pytest.mark.parametrize(
    "queue",
    [
        FakeQueue(),
        FakeQueue(max_receive_count=3, retention_seconds=600, delay_seconds=5),
    ],
)
def test_a_queue(stage: Stage, name: str, queue: FakeQueue) -> None:
    """How long it keeps messages, how often they may be received, when they arrive."""
    stage.add(name)
    stage.add(other := unique("other"))
    stage.let_poll(other)
    uuid, arn = stage.let_poll(name)
    paused, second = stage.let_poll(name, enabled=False)
    stage.functions.limit_mapping(paused, 5)
    stage.functions.mapping(paused)  # waits until it is
    stage.keep_messages(arn, queue)

    found = {one.uuid: one for one in stage.hold_facts.read(name).mappings}

    assert found.keys() == {uuid, paused}
    assert found[uuid] == MappingFacts(
        uuid=uuid,
        kind=SourceKind.QUEUE,
        source_arn=arn,
        batching_window_seconds=0.0,
        batch_size=10,
        is_provisioned_mode=False,
        max_receive_count=queue.max_receive_count,
        queue_retention_seconds=queue.retention_seconds,
        delay_seconds=queue.delay_seconds,
    )
    assert (found[paused].is_enabled, found[paused].maximum_concurrency) == (False, 5)
    assert found[paused].source_arn == second


@pytest.mark.parametrize("age", [None, 600])
def test_the_stream_of_a_table(stage: Stage, name: str, age: int | None) -> None:
    """It keeps its records for a day; the mapping may give them up before."""
    stage.add(name)
    uuid, arn = stage.let_poll_table(name, record_age_seconds=age)

    assert stage.hold_facts.read(name).mappings == (
        MappingFacts(
            uuid=uuid,
            kind=SourceKind.TABLE,
            source_arn=arn,
            maximum_record_age_seconds=age,
            stream_retention_hours=24.0,
            batching_window_seconds=0.0,
            batch_size=7,
            is_provisioned_mode=False,
        ),
    )


def test_a_kinesis_stream(stage: Stage, name: str) -> None:
    """Its retention is its own."""
    stage.add(name)
    uuid, arn = stage.let_poll_stream(name, hours=72)

    assert stage.hold_facts.read(name).mappings == (
        MappingFacts(
            uuid=uuid,
            kind=SourceKind.STREAM,
            source_arn=arn,
            stream_retention_hours=72.0,
            batching_window_seconds=9.0,
            batch_size=100,
            is_provisioned_mode=False,
        ),
    )


def test_all_that_a_hold_depends_on_is_read(stage: Stage, name: str) -> None:
    """What nobody reads would be a guess for ever."""
    stage.add(name)
    stage.let_poll(name)

    found = stage.hold_facts.read(name)

    unread = {one.name for one in fields(HoldFacts) if getattr(found, one.name) == one.default}
    assert unread == {"unreadable"}


def test_a_missing_function(stage: Stage) -> None:
    """Nothing is known of it, and that is said."""
    facts = stage.hold_facts.read("nobody")

    assert (facts.mappings, facts.maximum_event_age_seconds) == ((), None)
    assert facts.has_provisioned_concurrency is None
    assert [one.partition(":")[0] for one in facts.unreadable] == [
        "maximum event age",
        "provisioned concurrency",
    ]


def test_the_depth_of_queues_counts_what_nobody_may_receive_yet(stage: Stage, name: str) -> None:
    """All of them together; those that are disabled keep what they have."""
    stage.add(name)
    _, first = stage.let_poll(name, enabled=False)
    _, second = stage.let_poll(name, enabled=False)
    empty = stage.hold_facts.depth([first, second])
    stage.send(first, 3, delayed=2)
    stage.send(second, 1)

    depths = [stage.hold_facts.depth(one) for one in ([first], [first, second], [])]

    assert (empty, depths) == (0.0, [5.0, 6.0, 0.0])
