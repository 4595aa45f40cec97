"""A new incident in the place of a closed one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.domain.errors import InvalidTransitionError, StaleIncidentError
from functions.domain.incidents.history import PastIncident
from functions.domain.incidents.ports import (
    BlastRadiusReached,
    Opened,
)
from functions.domain.incidents.states import IncidentState
from tests.contract.incidents.ledger.records import (
    HOUR,
    ONE,
    THREE,
    opened,
    released,
    told,
)
from tests.contract.stage import NOON, Stage, an_incident


def test_superseding(stage: Stage) -> None:
    """The old incident is filed away and the new one open, in one go."""
    later = NOON + timedelta(minutes=10)
    old = released(stage, "orders").to(IncidentState.SUPERSEDED, later)
    new = an_incident("orders", later)

    opening = stage.ledger.supersede(old, new, THREE)

    assert opening == Opened(incident=replace(new, version=1))
    assert stage.ledger.read_live().incidents == (replace(new, version=1),)
    past = PastIncident(function="orders", since=NOON - timedelta(minutes=9), until=later)
    assert stage.ledger.read_live().past == (past,)
    assert [old.id] == [one.id for one in stage.ledger.read_closed("orders", NOON)]


def test_superseding_keeps_unsent_notices(stage: Stage) -> None:
    """An old incident with a notice to send stays among the live ones until it is sent."""
    later = NOON + timedelta(minutes=10)
    old = told(released(stage, "orders").to(IncidentState.SUPERSEDED, later))

    stage.ledger.supersede(old, an_incident("orders", later), THREE)

    new, kept = stage.ledger.read_live().incidents
    assert (new.opened_at, kept) == (later, replace(old, version=old.version + 1))
    sent = stage.ledger.save(kept.with_notice_as(kept.outbox[0].sent()))
    stage.ledger.file_away(sent)
    assert stage.ledger.read_live().incidents == (new,)


def test_superseding_needs_a_place(stage: Stage) -> None:
    """Without a free place both stay as they are."""
    incident = released(stage, "orders", most=1)
    opened(stage, "other", NOON + HOUR, most=1)
    later = NOON + HOUR + timedelta(minutes=10)

    refused = stage.ledger.supersede(
        incident.to(IncidentState.SUPERSEDED, later), an_incident("orders", later), ONE
    )

    assert refused == BlastRadiusReached(contained=("other",))
    assert stage.ledger.find("orders") == incident


def test_superseding_what_is_done_already_needs_no_place(stage: Stage) -> None:
    """What is true already is written down, whether or not a place is free, and takes none."""
    incident = released(stage, "orders", most=1)
    later = NOON + HOUR + timedelta(minutes=10)
    ledger: Any = stage.ledger  # the port asks for a blast radius

    early = ledger.supersede(
        incident.to(IncidentState.SUPERSEDED, NOON), an_incident("orders", NOON + HOUR / 2), None
    )

    assert isinstance(early, Opened)
    assert isinstance(stage.ledger.open(an_incident("other", later), ONE), Opened)


def test_superseding_checks_the_version(stage: Stage) -> None:
    """What somebody else changed since is not superseded."""
    incident = released(stage, "orders")
    saved = stage.ledger.save(incident)
    later = NOON + timedelta(minutes=10)

    with pytest.raises(StaleIncidentError):
        stage.ledger.supersede(
            incident.to(IncidentState.SUPERSEDED, later), an_incident("orders", later), THREE
        )

    assert stage.ledger.find("orders") == saved


def test_superseding_again_is_harmless(stage: Stage) -> None:
    """The same once more answers what is stored."""
    later = NOON + timedelta(minutes=10)
    old = released(stage, "orders").to(IncidentState.SUPERSEDED, later)
    new = an_incident("orders", later)

    assert stage.ledger.supersede(old, new, THREE) == stage.ledger.supersede(old, new, THREE)


def test_only_closed_incidents_are_superseded(stage: Stage) -> None:
    """Superseding what is open is a mistake of the caller's."""
    incident = released(stage, "orders")

    with pytest.raises(InvalidTransitionError):
        stage.ledger.supersede(incident, an_incident("orders", NOON + HOUR), THREE)
