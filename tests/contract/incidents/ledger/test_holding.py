"""A hold takes a place, once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.errors import StaleIncidentError
from functions.domain.incidents.ports import (
    BlastRadius,
    BlastRadiusReached,
    Opened,
)
from functions.domain.incidents.states import IncidentState
from tests.contract.incidents.ledger.records import (
    HOUR,
    ONE,
    THREE,
    noted,
    opened,
)
from tests.contract.stage import NOON, Stage, an_incident


def test_holding_takes_a_place(stage: Stage) -> None:
    """An incident that begins to hold its function takes one of the places."""
    incident = noted(stage, "a")

    held = stage.ledger.hold(replace(incident, memory_mb=256), ONE)

    assert held == Opened(incident=replace(incident, memory_mb=256, version=2))
    assert stage.ledger.find("a") == replace(incident, memory_mb=256, version=2)
    assert stage.ledger.open(an_incident("b"), ONE) == BlastRadiusReached(contained=("a",))


def test_holding_needs_a_free_place(stage: Stage) -> None:
    """Without a free place the incident stays as it is."""
    opened(stage, "a", most=1)
    incident = noted(stage, "b")

    refused = stage.ledger.hold(replace(incident, memory_mb=256), ONE)

    assert refused == BlastRadiusReached(contained=("a",))
    assert stage.ledger.find("b") == incident


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("held_before", [False, True])
def test_holding_again_takes_no_second_place(stage: Stage, most: int, *, held_before: bool) -> None:
    """An incident that has a place keeps it, even where others have become free since."""
    radius = BlastRadius(most=most, window=HOUR)
    others = [opened(stage, f"other-{n}", NOON - timedelta(minutes=50)) for n in range(most - 1)]
    if held_before:
        first = stage.ledger.hold(noted(stage, "a"), radius)
        assert isinstance(first, Opened)
        incident = first.incident
    else:
        incident = opened(stage, "a", most=most)

    later = NOON + timedelta(minutes=20)
    held = stage.ledger.hold(incident.to(IncidentState.CONTAINING, later), radius)

    assert isinstance(held, Opened)
    later = NOON + timedelta(minutes=21)
    free = [stage.ledger.open(an_incident(f"late-{n}", later), radius) for n in range(most)]
    assert len(others) == sum(isinstance(one, Opened) for one in free)


def test_holding_anew_after_the_window(stage: Stage) -> None:
    """A place that has run out is no place: holding again needs one that is free."""
    incident = opened(stage, "a", most=1)
    later = NOON + 2 * HOUR
    opened(stage, "b", later, most=1)

    refused = stage.ledger.hold(incident.to(incident.state, later), ONE)

    assert refused == BlastRadiusReached(contained=("b",))


def test_holding_checks_the_version(stage: Stage) -> None:
    """What somebody else changed since is not written over."""
    incident = noted(stage, "a")
    stage.ledger.save(incident.leased(NOON))

    with pytest.raises(StaleIncidentError, match=r"1 is not what is stored: a-\S+ version 2"):
        stage.ledger.hold(incident, THREE)
