"""From a hold to a stop."""

from contextlib import suppress
from datetime import datetime

from functions.domain.errors import BusyError, RefusedError
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.context import Context


def stop_held(
    incident: Incident, world: Context, now: datetime, *, is_resumed: bool = False
) -> Incident:
    """Stop a function that is held or capped, and delete the schedule that would end the hold.

    Parameters
    ----------
    incident
        As stored in the ledger, in `CAPPED` or `CAPPING`, with the decision that stops it.

    Raises
    ------
    BusyError, LedgerUnavailableError
        As `contain` does.
    StaleIncidentError
        When another run has moved the incident on.
    """
    stopping = incident.to(IncidentState.CONTAINING, now)
    stopping = stopping.with_reservation(0, incident.prior).leased(world.present(now))
    after = contain(world.ledger.save(stopping), world, now, is_resumed=is_resumed)
    cancel_way_back(incident, world)
    return after


def cancel_way_back(incident: Incident, world: Context) -> None:
    """Delete the schedule that ends a hold. One that stays finds nothing to do when it comes."""
    if incident.watch is not None:
        with suppress(RefusedError, BusyError):
            world.way_back.cancel(incident.id)
