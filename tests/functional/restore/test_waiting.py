"""Rollbacks of several functions: whom they wait for, and how long."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from functions.domain.changes.record import LEASE
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.seal import seal
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.signal import SignalKind
from functions.workflows.rollback.results import (
    BEING_STOPPED,
    NO_TIME_LEFT,
    Refused,
    Restored,
)
from tests.fakes.ledger import TAG_KEY
from tests.functional.scene import Scene

if TYPE_CHECKING:
    from datetime import datetime

NAMES = tuple(f"function-{number:02d}" for number in range(10))


@pytest.fixture
def scene() -> Scene:
    """Ten functions that are held, with room for them."""
    staged = Scene()
    staged.policy = replace(staged.policy, blast_radius=len(NAMES))
    for name in NAMES:
        staged.add_runaway(name)
        staged.contributor(name)
    return staged


def lease(scene: Scene, name: str) -> None:
    """Let another run hold the incident of a function, which it began to do just now."""
    scene.account.ledger.save(scene.incident(name).leased(scene.now))


def test_leases_of_dead_runs_are_waited_for_together(scene: Scene) -> None:
    """Ten of them cost no more time than one."""
    for name in NAMES:
        lease(scene, name)

    results = scene.rollback("all")

    assert {one.text for one in results} == {"restored"}
    assert scene.slept <= LEASE.total_seconds() + 2


def test_who_is_not_leased_is_not_kept_waiting(scene: Scene) -> None:
    """All others run again before a lease is waited for."""
    lease(scene, NAMES[0])
    before: list[set[str]] = []

    def look(seconds: float) -> None:
        before.append({one for one in NAMES if scene.account.by_name[one].reserved is None})
        scene.sleep(seconds)

    replace(scene.rollbacks, sleep=look).of(("all",))

    assert before[0] == set(NAMES[1:])


def test_a_run_that_lets_go_early_is_not_waited_for_longer(scene: Scene) -> None:
    """A live run takes seconds, not the whole lease."""
    lease(scene, NAMES[0])

    def let_go(seconds: float) -> None:
        scene.sleep(seconds)
        held = scene.incident(NAMES[0])
        if held.lease_until is not None:
            scene.account.ledger.save(held.unleased())

    (result,) = replace(scene.rollbacks, sleep=let_go).of((NAMES[0],))

    assert result == Restored(function=NAMES[0], text="restored")
    assert scene.slept <= 2


def test_a_run_that_takes_the_lease_first_is_waited_for(scene: Scene) -> None:
    """Between the first read of the record and the first write into it."""
    scene.account.faults.before("describe", lambda: lease(scene, NAMES[0]))

    (result,) = scene.rollback(NAMES[0])

    assert result == Restored(function=NAMES[0], text="restored")
    assert scene.slept >= LEASE.total_seconds() - 2


def test_a_slow_rollback_holds_each_incident_for_as_long_as_it_works_on_it(scene: Scene) -> None:
    """The lease of the last one begins when its turn comes, so that no pulse meddles."""
    until: list[datetime | None] = []

    def slow() -> None:
        scene.now += timedelta(seconds=20)
        scene.account.faults.before("unreserve", slow)
        restoring = [
            one
            for one in scene.account.ledger.read_live().incidents
            if one.state is IncidentState.RESTORING
        ]
        until.extend(one.lease_until for one in restoring if one.is_leased(scene.now))

    scene.account.faults.before("unreserve", slow)
    scene.rollback("all")

    assert len(until) == len(NAMES)


def test_a_run_without_time_answers_for_every_function(scene: Scene) -> None:
    """Whoever is not reached is named; an answer after the deadline reaches nobody."""
    left = iter([90.0, *[50.0] * 100])

    results = scene.rollbacks.of(NAMES, lambda: next(left))

    assert [one.text for one in results[:2]] == ["restored", "restored"]
    assert set(results[2:]) == {Refused(function=one, text=NO_TIME_LEFT) for one in NAMES[2:]}


def test_the_notice_of_a_slow_restore_is_sent_once(scene: Scene) -> None:
    """A pulse that comes by while it is being sent sees a fresh claim, however old the run is."""

    def take_long() -> None:
        scene.now += 2 * LEASE
        scene.account.faults.before("publish", lambda: scene.signal(SignalKind.PULSE))

    scene.account.faults.before("unreserve", take_long)
    mails = len(scene.subjects)

    scene.rollback(NAMES[0])

    assert [one.split()[1] for one in scene.subjects[mails:]] == ["RESTORED"]


def test_a_clock_that_is_behind_restores_what_a_later_clock_has_stopped(scene: Scene) -> None:
    """The record says what is held; two machines need not agree on the time of day."""
    behind = replace(scene.world, clock=lambda: scene.now - timedelta(minutes=30))

    results = replace(scene.rollbacks, world=behind).of((NAMES[0],))

    assert {one.text for one in results} == {"restored"}
    assert scene.account.by_name[NAMES[0]].reserved is None


def test_the_tag_of_a_stop_that_may_be_under_way_stays() -> None:
    """Its run stalls between the tag and the stop; afterwards nothing else would know of it."""
    scene = Scene()
    orders = scene.account.add("orders", reserved=7)
    snapshot = TaggedSnapshot(reserved_concurrency=7, at=scene.now)
    orders.tags |= seal(snapshot.to_tags(), orders.arn, TAG_KEY)

    scene.now += timedelta(seconds=40)
    assert scene.rollback("orders") == (Refused(function="orders", text=BEING_STOPPED),)
    assert SNAPSHOT_TAG in orders.tags
    orders.reserved = 0  # by the run that had stalled
    scene.rollback("orders")

    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (7, False)


def test_the_tag_of_a_stop_that_never_came_is_removed_after_a_while() -> None:
    """Its run has died."""
    scene = Scene()
    orders = scene.account.add("orders", reserved=7)
    snapshot = TaggedSnapshot(reserved_concurrency=7, at=scene.now)
    orders.tags |= seal(snapshot.to_tags(), orders.arn, TAG_KEY)

    scene.now += timedelta(minutes=3)
    scene.rollback("orders")

    assert (orders.reserved, SNAPSHOT_TAG in orders.tags) == (7, False)
