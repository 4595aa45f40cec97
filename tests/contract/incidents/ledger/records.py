"""Incidents as the contract of the ledger needs them."""

from dataclasses import replace
from datetime import datetime, timedelta

from functions.domain.incidents.history import WHATEVER_CLOSED
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.ports import (
    BlastRadius,
    Opened,
)
from functions.domain.incidents.states import IncidentState, Transition
from tests.contract.stage import NOON, Stage, an_incident

HOUR = timedelta(hours=1)
THREE = BlastRadius(most=3, window=HOUR)
ONE = BlastRadius(most=1, window=HOUR)


def opened(stage: Stage, function: str, at: datetime = NOON, most: int = 3) -> Incident:
    """An incident that was opened with a place within the blast radius."""
    opening = stage.ledger.open(an_incident(function, at), BlastRadius(most=most, window=HOUR))
    assert isinstance(opening, Opened)
    return opening.incident


def noted(stage: Stage, function: str, at: datetime = NOON) -> Incident:
    """An incident of which people are only told."""
    opening = stage.ledger.open(an_incident(function, at), None)
    assert isinstance(opening, Opened)
    return opening.incident


def ended(incident: Incident, at: datetime) -> Incident:
    """The incident, closed."""
    return incident.to(IncidentState.ENDED, at)


def told(incident: Incident) -> Incident:
    """The incident with a notice that waits to be sent."""
    return incident.with_notice(Transition.NOTIFIED, "subject", "body")


def held(stage: Stage, function: str, at: datetime, most: int = 1) -> Incident:
    """An incident whose snapshot is written and whose function was stopped."""
    incident = an_incident(function, at).to(IncidentState.CONTAINING, at).with_reservation(0, None)
    opening = stage.ledger.open(
        replace(incident, contained_at=at),
        BlastRadius(most=most, window=HOUR),
        known_until=WHATEVER_CLOSED,
    )
    assert isinstance(opening, Opened)
    return opening.incident


def restored(stage: Stage, incident: Incident, closing: IncidentState, at: datetime) -> None:
    """Close an incident by putting its function back."""
    closed = incident.to(IncidentState.RESTORING, at).to(closing, at)
    stage.ledger.file_away(stage.ledger.save(closed))


def given_up(stage: Stage, incident: Incident, at: datetime) -> Incident:
    """The incident after AWS refused the stop."""
    return stage.ledger.save(
        replace(incident.to(IncidentState.NOTIFIED, at), snapshot=None, steps=(), target=None)
    )


def released(stage: Stage, function: str, most: int = 3) -> Incident:
    """An incident of a function that somebody has released."""
    incident = opened(stage, function, most=most)
    changed = replace(incident, state=IncidentState.RELEASED, released_at=NOON)
    return stage.ledger.save(changed)
