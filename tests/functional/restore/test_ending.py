"""Holds that are ended by their schedule, whatever has become of `contain`."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions.domain.changes.record import LEASE
from functions.domain.errors import (
    LedgerUnavailableError,
    NoticeUndeliveredError,
    RefusedError,
    UnrecognisedSignalError,
)
from functions.domain.incidents.states import IncidentState
from functions.restore import handler as module
from functions.restore.handler import handler
from functions.workflows.holding.end_hold import TRIED_AGAIN_AFTER, HoldEnder, Outcome
from tests.functional.contain.danger.capped import (
    NORMAL_PEAK,
    SHOWN_AFTER,
    minutes_under_the_cap,
    suspected,
)
from tests.functional.lambda_context import lambda_context
from tests.functional.scene import Scene

EVENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "events" / "schedule.end_hold.json").read_text()
)
ID = EVENT["incident"]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A function that had 50 reserved and is capped, behind the handler."""
    staged = suspected(reserved=50)
    staged.contributor()
    assert staged.incident().id == ID
    assert staged.incident().state is IncidentState.CAPPED
    monkeypatch.setattr(module, "connect", lambda: staged.rollbacks)
    return staged


def fire(event: dict[str, Any] | None = None) -> None:
    """Let the schedule invoke `restore`."""
    handler(EVENT if event is None else event, lambda_context("Loopbreaker-restore"))


def ending(scene: Scene) -> HoldEnder:
    """Who ends holds."""
    return HoldEnder(world=scene.world, sleep=scene.sleep)


def reserved(scene: Scene) -> int | None:
    """What is reserved for the function now."""
    return scene.account.by_name["orders"].reserved


def test_a_hold_is_over_when_its_schedule_fires(scene: Scene) -> None:
    """The function has what it had, the incident is closed as lifted, and people get the reason."""
    fire()

    assert reserved(scene) == 50
    (filed,) = scene.account.ledger.filed("orders")
    assert filed.state is IncidentState.LIFTED
    assert not filed.is_explained
    mail = scene.account.publisher.sent[-1]
    assert mail.subject == "[Loopbreaker] RESTORED BY LOOPBREAKER: orders, not decided"
    assert "This one was ended by a schedule" in " ".join(mail.body.split())


def test_a_schedule_that_fires_twice_does_nothing_the_second_time(scene: Scene) -> None:
    """One end, one notice."""
    fire()
    calls, mails = len(scene.account.calls()), len(scene.subjects)

    fire()

    assert {one.name for one in scene.account.calls()[calls:]} == {
        "ledger.find",
        "ledger.read_live",
    }
    assert len(scene.subjects) == mails


def test_what_has_become_a_containment_is_never_let_go(scene: Scene) -> None:
    """The schedule of a hold is late, and the function is proven a loop by then."""
    minutes_under_the_cap(scene, SHOWN_AFTER, pinned=True)
    assert scene.incident().state is IncidentState.CONTAINED

    fire()

    assert reserved(scene) == 0
    assert scene.incident().state is IncidentState.CONTAINED


def test_a_containment_that_is_under_way_is_not_let_go(scene: Scene) -> None:
    """`contain` died after it had decided to stop the function: the next pulse goes on."""
    stopping = scene.incident().to(IncidentState.CONTAINING, scene.now).with_reservation(0, 50)
    scene.account.ledger.save(stopping)

    fire()

    assert scene.incident().state is IncidentState.CONTAINING
    assert reserved(scene) == NORMAL_PEAK


def test_a_stop_without_the_ledger_is_not_hidden(scene: Scene) -> None:
    """Only its tag knows it: the incident stays open, and the next pulse takes the stop over."""
    scene.account.by_name["orders"].tags["loopbreaker:snapshot"] = "any"
    scene.account.reserves("orders", 0)

    assert ending(scene).end(ID, "orders") is Outcome.CONTAINED

    assert scene.incident().state is IncidentState.CAPPED
    assert reserved(scene) == 0


def test_a_later_incident_of_the_function_is_not_ended(scene: Scene) -> None:
    """A schedule ends its own incident, and no other of the same function."""
    assert ending(scene).end("orders-20260309T080000Z", "orders") is Outcome.NOTHING_HELD

    assert reserved(scene) == NORMAL_PEAK
    assert scene.incident().state is IncidentState.CAPPED


def test_what_a_person_has_set_meanwhile_stays(scene: Scene) -> None:
    """A reservation of somebody else's is left alone, and the incident is closed."""
    scene.account.reserves("orders", 70)

    fire()

    assert reserved(scene) == 70
    assert scene.account.ledger.stored("orders") is None


def test_a_cap_that_a_run_left_half_done_is_taken_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`contain` died right after it had set the cap, before it could write so."""
    other = suspected(reserved=50)
    monkeypatch.setattr(module, "connect", lambda: other.rollbacks)
    number = next(one.number for one in scene.account.calls("reserve"))
    other.account.faults.revive()
    other.account.faults.crash_after(number)
    assert not other.survives(other.contributor)
    assert (other.incident().state, reserved(other)) == (IncidentState.CAPPING, NORMAL_PEAK)

    fire()

    assert reserved(other) == 50
    assert other.account.ledger.stored("orders") is None


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(1, 14))
def test_an_end_that_dies_anywhere_is_finished_by_its_retry(scene: Scene, number: int) -> None:
    """Lambda runs the event again: what is done stays done, and nothing is left."""
    scene.account.faults.revive()
    scene.account.faults.crash_after(number)
    scene.survives(fire)
    scene.now += LEASE

    fire()

    assert reserved(scene) == 50
    assert scene.account.ledger.stored("orders") is None
    assert scene.account.ledger.filed("orders")[0].state is IncidentState.LIFTED
    assert "RESTORED BY LOOPBREAKER: orders" in scene.subjects[-1]


def test_a_notice_that_sns_did_not_take_is_sent_by_a_schedule(scene: Scene) -> None:
    """The hold is over; who tells people may be gone, so `restore` does it later."""
    scene.account.faults.fail("publish", NoticeUndeliveredError("away"))
    mails = len(scene.subjects)

    fire()

    assert (reserved(scene), len(scene.subjects)) == (50, mails)
    assert ID in scene.account.way_back.due
    scene.now += TRIED_AGAIN_AFTER
    fire()
    assert len(scene.subjects) == mails + 1


def test_a_run_that_is_at_it_is_waited_for_and_one_that_died_is_not(scene: Scene) -> None:
    """The lease of another run is respected for as long as a run may hold it."""
    scene.account.ledger.save(scene.incident().leased(scene.now))

    fire()

    assert 0 < scene.slept <= LEASE.total_seconds() + 2
    assert reserved(scene) == 50


def test_runs_that_take_the_lease_again_and_again_do_not_keep_it_held(scene: Scene) -> None:
    """A loop that wakes `contain` all the time is not to prolong the hold."""

    def lease() -> None:
        scene.account.ledger.save(scene.incident().leased(scene.now))

    def sleep(seconds: float) -> None:
        scene.sleep(seconds)
        lease()

    lease()

    outcome = HoldEnder(world=scene.world, sleep=sleep).end(ID, "orders")

    assert outcome is Outcome.ENDED
    assert scene.slept <= LEASE.total_seconds() + 2


def test_what_another_run_decides_meanwhile_counts(scene: Scene) -> None:
    """It moved the incident on between the look and the change: looked at again."""
    scene.account.faults.before(
        "ledger.save",
        lambda: scene.account.ledger.save(
            scene.incident().to(IncidentState.CONTAINING, scene.now).with_reservation(0, 50)
        ),
    )

    assert ending(scene).end(ID, "orders") is Outcome.NOTHING_HELD

    assert scene.incident().state is IncidentState.CONTAINING


def test_a_refused_end_is_told_once_and_scheduled_again(scene: Scene) -> None:
    """Ten minutes later the next schedule ends it, with nobody else at work."""
    scene.account.faults.fail("functions.reserve", RefusedError("AWS says no"), times=2)
    for _ in range(2):
        fire()
        assert reserved(scene) == NORMAL_PEAK
        assert scene.account.way_back.due == {ID: ("orders", scene.now + TRIED_AGAIN_AFTER)}
        scene.now += TRIED_AGAIN_AFTER

    fire()

    assert reserved(scene) == 50
    assert sum("RESTORE FAILED" in one for one in scene.subjects) == 1


def test_without_the_ledger_it_is_tried_again_soon_and_later(scene: Scene) -> None:
    """The event fails, for Lambda to try it again, and a schedule comes after that."""
    scene.account.faults.fail("find", LedgerUnavailableError("away"))

    with pytest.raises(LedgerUnavailableError, match="away"):
        fire()

    assert ID in scene.account.way_back.due
    assert reserved(scene) == NORMAL_PEAK


@pytest.mark.parametrize(
    "changed",
    [
        {"loopbreaker": "end holds"},
        {"incident": ""},
        {"incident": None},
        {"function": 7},
        {"more": "than that"},
    ],
)
def test_an_event_of_another_shape_is_refused(scene: Scene, changed: dict[str, Any]) -> None:
    """It becomes a dead letter, and nothing is let go."""
    with pytest.raises(UnrecognisedSignalError, match="no schedule of Loopbreaker sends this"):
        fire({**EVENT, **changed})

    assert reserved(scene) == NORMAL_PEAK


@pytest.mark.parametrize("key", ["incident", "function"])
def test_an_event_that_lacks_something_is_refused(scene: Scene, key: str) -> None:
    """So is one that does not say which hold."""
    with pytest.raises(UnrecognisedSignalError):
        fire({name: value for name, value in EVENT.items() if name != key})

    assert reserved(scene) == NORMAL_PEAK


def test_holds_end_when_the_stack_is_deleted_and_containments_do_not(scene: Scene) -> None:
    """One function is let go, and people are notified; the other stays stopped and is named."""
    scene.add_runaway("billing")
    scene.account.metrics.record("billing", until=scene.now, native_drops=[5.0] * 8)
    scene.contributor("billing")

    assert ending(scene).end_all() == ("orders",)

    assert reserved(scene) == 50
    assert scene.account.by_name["billing"].reserved == 0
    assert scene.subjects[-1] == "[Loopbreaker] RESTORED BY LOOPBREAKER: orders, stack deleted"
    assert scene.rollbacks.notify_of_deletion() == ("billing",)


def test_a_hold_that_cannot_be_ended_at_the_deletion_is_named(scene: Scene) -> None:
    """It stays in the ledger, and the last notice names it."""
    scene.account.faults.fail("functions.reserve", RefusedError("AWS says no"))

    assert ending(scene).end_all() == ()

    assert scene.rollbacks.notify_of_deletion() == ("orders",)
