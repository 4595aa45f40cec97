"""A function with more event source mappings than the ledger can record as text, or at all."""

import pytest

from functions.aws.records import items
from functions.aws.records.incidents import incident_record
from functions.domain.incidents.states import IncidentState
from tests import fake_table
from tests.functional.scene import QUEUE, Scene

_MAPPINGS = 100


def _add(scene: Scene) -> None:
    scene.add_runaway()
    for number in range(_MAPPINGS):
        scene.account.add_mapping("orders", f"{QUEUE}{number}")


def _count_enabled(scene: Scene) -> int:
    return sum(one.enabled for one in scene.account.by_uuid.values())


def test_many_mappings_are_disabled_and_enabled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their record is compressed where it is too long as text."""
    monkeypatch.setattr(incident_record, "MOST_BYTES", 20_000)
    monkeypatch.setattr(fake_table, "MOST_ITEM_BYTES", 25_000)
    scene = Scene()
    _add(scene)

    scene.contributor()
    assert (scene.incident().state, _count_enabled(scene)) == (IncidentState.CONTAINED, 0)
    scene.pulse()
    scene.calm("orders")
    scene.rollback("orders")

    assert _count_enabled(scene) == _MAPPINGS
    assert scene.account.by_name["orders"].reserved is None


def test_mappings_without_room_in_the_record_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stop stands and is reported once, with what that means for their events."""
    monkeypatch.setattr(incident_record, "MOST_BYTES", 30_000)
    monkeypatch.setattr(items, "MOST_BYTES", 2_000)
    scene = Scene()
    _add(scene)

    scene.contributor()
    scene.pulse(5)

    assert scene.account.by_name["orders"].reserved == 0
    assert (scene.incident().state, _count_enabled(scene)) == (IncidentState.CONTAINED, _MAPPINGS)
    assert [one.split(":")[0] for one in scene.subjects] == ["[Loopbreaker] STOPPED orders"]
    body = scene.account.publisher.sent[0].body
    assert "Its event source mapping is not disabled." in body
    monkeypatch.undo()
    scene.pulse(10)
    assert _count_enabled(scene) == 0
    scene.calm("orders")
    scene.rollback("orders")
    assert _count_enabled(scene) == _MAPPINGS
