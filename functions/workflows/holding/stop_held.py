"""From a hold to a stop."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from functions.domain.errors import BusyError, RefusedError
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.probation.steps import plan_holding_again
from functions.workflows.holding.disabled_mappings import find_disabled_by_others
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
    stopping = end_probation(incident, world).to(IncidentState.CONTAINING, now)
    stopping = stopping.with_reservation(0, incident.prior).leased(world.present(now))
    after = contain(world.ledger.save(stopping), world, now, is_resumed=is_resumed)
    cancel_way_back(incident, world)
    return after


def end_probation(incident: Incident, world: Context) -> Incident:
    """The incident without its probation, with what that has let go to be held again."""
    if incident.probation is None:
        return incident
    disabled = find_disabled_by_others(incident, world.functions)
    return replace(plan_holding_again(incident, disabled), probation=None)


def cancel_way_back(incident: Incident, world: Context) -> None:
    """Delete the schedule that ends a hold. One that stays finds nothing to do when it comes."""
    if incident.watch is not None or incident.probation is not None:
        cancel_schedule(incident, world)


def cancel_schedule(incident: Incident, world: Context) -> None:
    """Delete the schedule of an incident, if AWS takes that."""
    with suppress(RefusedError, BusyError):
        world.way_back.cancel(incident.id)
