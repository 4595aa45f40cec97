"""What people and others change while a function is stopped, and after it was put back."""

from datetime import timedelta

import pytest

from functions.domain.errors import NoticeUndeliveredError
from functions.domain.incidents.states import IncidentState
from functions.domain.signal import SignalKind
from tests.functional.scene import OWN, QUEUE, Scene


def test_a_release_by_a_person_is_told_and_not_fought() -> None:
    """Within the cooling-off a released function is watched, even when it runs away again."""
    scene = Scene()
    scene.add_runaway()
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    scene.account.reserves("orders", 20)

    scene.pulse()
    assert "orders" in scene.subjects[-1]
    assert scene.incident().state is IncidentState.RELEASED
    scene.now += timedelta(minutes=5)
    scene.burn()
    scene.pulse(3)

    assert scene.account.by_name["orders"].reserved == 20
    assert mapping.enabled is False
    assert len(scene.subjects) == 3


def test_a_released_function_that_runs_away_after_the_cooling_off_is_contained_anew() -> None:
    """The person's value is what is restored then, and the mapping that was paused before."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    scene.account.reserves("orders", 20)
    scene.pulse()
    scene.now += timedelta(minutes=70)
    scene.burn()

    scene.pulse()
    assert scene.account.by_name["orders"].reserved == 0
    scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 20
    assert mapping.enabled is True


def test_the_actor_of_a_release_is_named_where_cloudtrail_told() -> None:
    """A change event brings who released the function into the notice."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.account.functions.unreserve("orders")
    scene.now += timedelta(minutes=1)

    scene.signal(
        SignalKind.CHANGE, "orders", actor="arn:aws:sts::123456789012:assumed-role/deploy/ann"
    )

    assert "assumed-role/deploy/ann" in scene.account.publisher.sent[-1].body


@pytest.mark.parametrize("function", sorted(OWN))
def test_a_change_of_the_guards_own_is_no_signal(function: str) -> None:
    """It wakes nobody to look; what it may hide is found by the next pulse."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.account.functions.unreserve("orders")
    scene.now += timedelta(minutes=1)
    before = len(scene.account.calls())

    scene.signal(
        SignalKind.CHANGE,
        "orders",
        actor=f"arn:aws:sts::123456789012:assumed-role/Loopbreaker-Role0A1B/{function}",
    )

    assert len(scene.account.calls()) == before
    scene.pulse()
    assert scene.incident().state is IncidentState.RELEASED


def test_a_deleted_function_closes_its_incident_and_says_so() -> None:
    """There is nothing to put back any more."""
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.account.delete("orders")

    scene.pulse()

    assert scene.account.ledger.stored("orders") is None
    assert scene.account.ledger.filed("orders")[0].state is IncidentState.DELETED
    assert len(scene.subjects) == 2


def test_what_a_person_restored_by_hand_is_not_claimed() -> None:
    """A mapping that somebody has enabled again is not one that the restore has restored."""
    scene = Scene()
    scene.add_runaway()
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.contributor()
    mapping.enabled = True

    scene.rollback("orders")

    body = scene.account.publisher.sent[-1].body
    assert "already as before, enabled; not by this restore." in " ".join(body.split())
    assert "Reserved concurrency: restored, nothing reserved." in body


def test_what_a_person_changed_while_contained_is_left_alone() -> None:
    """A reservation that somebody set meanwhile is not overwritten, and that is said."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.account.reserves("orders", 50)

    results = scene.rollback("orders")

    assert scene.account.by_name["orders"].reserved == 50
    assert "50 are reserved now" in results[0].text


def test_a_rollback_of_nothing_changes_nothing() -> None:
    """A function that is not held stays as it is; an unknown one is refused by name."""
    scene = Scene()
    scene.account.add("orders", reserved=4)

    held, unknown = scene.rollback("orders", "ordres")

    assert held.text == "was not held; nothing was changed"
    assert "no such function" in unknown.text
    assert scene.account.by_name["orders"].reserved == 4


def test_what_a_restored_function_did_before_is_not_held_against_it() -> None:
    """A minute after the rollback the newest datapoints are still those of the stopped loop.

    Also while its incident waits for its last notice to be sent.
    """
    scene = Scene()
    scene.add_runaway()
    scene.contributor()
    scene.account.faults.fail("publish", NoticeUndeliveredError("no answer"), times=1)
    scene.rollback("orders")

    scene.pulse(2)

    assert scene.account.by_name["orders"].reserved is None
    assert [subject for subject in scene.subjects if "STOPPED" in subject] == scene.subjects[:1]


@pytest.mark.parametrize("kind", [SignalKind.CONTRIBUTOR, SignalKind.ALARM, SignalKind.PULSE])
@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=2)])
def test_what_was_put_back_is_not_stopped_for_what_was_before(
    kind: SignalKind, later: timedelta
) -> None:
    """A late signal, right after the rollback, still sees the minutes of the former trouble."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.rollback("orders")
    scene.now += later

    scene.signal(kind, *(["orders"] if kind is SignalKind.CONTRIBUTOR else []))

    assert scene.account.by_name["orders"].reserved == 5
    assert [one.split()[1] for one in scene.subjects] == ["STOPPED", "RESTORED"]


def test_what_was_put_back_is_stopped_when_it_runs_away_again() -> None:
    """The minutes since the rollback are enough, however short it was ago."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.rollback("orders")
    scene.now += timedelta(minutes=9)
    scene.burn(minutes=8)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 0
    assert [one.split()[1] for one in scene.subjects] == ["STOPPED", "RESTORED", "STOPPED"]


def test_an_unsent_notice_of_the_past_changes_nothing_about_that() -> None:
    """The former incident is known whether or not it could be filed away."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.contributor()
    scene.account.faults.fail("publish", NoticeUndeliveredError("no SNS"), times=-1)
    scene.rollback("orders")
    scene.now += timedelta(minutes=1)

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 5
