"""The ledger or SNS is away, or one function cannot be read."""

from datetime import timedelta

import pytest

from functions.domain.errors import BusyError, LedgerUnavailableError, NoticeUndeliveredError
from functions.domain.incidents.policy import Policy, Response
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG
from functions.domain.signal import SignalKind
from functions.workflows.detection.report import PartlyFailedError
from tests.functional.scene import QUEUE, Scene


def test_with_the_ledger_down_the_function_is_contained_and_the_snapshot_kept() -> None:
    """The tag holds the snapshot; once the ledger is back, the containment is completed there."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    mapping = scene.account.add_mapping("orders", QUEUE)
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    orders = scene.account.by_name["orders"]
    assert orders.reserved == 0
    assert "reserved=5" in orders.tags[SNAPSHOT_TAG]
    assert "--reserved-concurrent-executions 5" in scene.account.publisher.sent[-1].body

    scene.account.ledger.is_down = False
    scene.pulse()
    assert SNAPSHOT_TAG not in orders.tags
    assert mapping.enabled is False
    scene.rollback("orders")
    assert (orders.reserved, mapping.enabled) == (5, True)


def test_a_function_that_was_contained_without_the_ledger_can_be_restored_from_its_tag() -> None:
    """The tag is enough for a rollback."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.account.ledger.is_down = True
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.account.ledger.is_down = False

    scene.rollback("all")

    orders = scene.account.by_name["orders"]
    assert (orders.reserved, orders.tags) == (5, {})


def test_a_signal_that_is_tried_again_does_not_stop_what_the_ledger_took_over() -> None:
    """Nobody has written down when that trouble began: its minutes count as the trouble's."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.account.ledger.is_down = True
    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.account.ledger.is_down = False
    scene.pulse()
    scene.now += timedelta(minutes=1)
    scene.rollback("orders")

    scene.contributor()

    assert scene.account.by_name["orders"].reserved == 5


def test_without_any_place_for_the_snapshot_nothing_is_changed() -> None:
    """Ledger, tags and SNS all down: losing the snapshot would be worse than the loop."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.account.ledger.is_down = True
    scene.account.faults.fail("tag", BusyError("slow down"), times=-1)
    scene.account.faults.fail("publish", NoticeUndeliveredError("no"), times=-1)

    with pytest.raises(PartlyFailedError):
        scene.contributor()

    assert scene.account.by_name["orders"].reserved == 5


def test_without_the_ledger_the_blast_radius_still_holds() -> None:
    """Tagged functions count."""
    scene = Scene(Policy(blast_radius=1, response=Response.THROTTLE))
    scene.add_runaway("a")
    scene.add_runaway("b")
    scene.account.ledger.is_down = True

    with pytest.raises(PartlyFailedError):
        scene.signal(SignalKind.ALARM)

    assert sorted(one.reserved is None for one in scene.account.by_name.values()) == [False, True]


def test_a_notice_that_sns_does_not_take_is_sent_by_the_next_pulse_once() -> None:
    """The function is contained all the same; the notice waits in the outbox."""
    scene = Scene()
    scene.add_runaway()
    scene.account.faults.fail("publish", NoticeUndeliveredError("down"), times=1)

    scene.contributor()
    assert scene.account.by_name["orders"].reserved == 0
    assert scene.subjects == []
    scene.pulse(3)

    assert len(scene.subjects) == 1
    assert "again" not in scene.subjects[0]


def test_a_notice_whose_answer_is_lost_is_not_sent_every_minute() -> None:
    """SNS may have delivered it each time; once it answers, the notice comes within minutes."""
    scene = Scene()
    scene.add_runaway()
    scene.account.faults.fail("publish", NoticeUndeliveredError("no answer"), times=8)

    scene.contributor()
    scene.pulse(30)
    early = list(scene.subjects)
    scene.pulse(30)

    assert early == []
    assert len(scene.subjects) == 1


def test_one_function_that_cannot_be_read_does_not_keep_the_others_running() -> None:
    """An error about one candidate surfaces after the others were dealt with."""
    scene = Scene()
    scene.add_runaway("a")
    scene.add_runaway("b")
    scene.account.faults.fail("describe", BusyError("Rate exceeded"), times=1)

    with pytest.raises(PartlyFailedError, match="Rate exceeded"):
        scene.signal(SignalKind.ALARM)

    assert sorted(one.reserved is None for one in scene.account.by_name.values()) == [False, True]


def test_a_ledger_that_dies_after_the_throttle_loses_nothing() -> None:
    """The snapshot was written before; the next pulse finishes and tells."""
    scene = Scene()
    scene.add_runaway(reserved=5)
    scene.account.faults.fail("ledger.save", LedgerUnavailableError("gone"), times=1)

    with pytest.raises(PartlyFailedError):
        scene.contributor()
    scene.now += timedelta(minutes=1)
    scene.pulse()

    assert scene.incident().state is IncidentState.CONTAINED
    assert len(scene.subjects) == 1
    scene.rollback("orders")
    assert scene.account.by_name["orders"].reserved == 5
