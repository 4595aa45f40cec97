"""From a hold to a stop."""

from dataclasses import replace
from datetime import datetime

from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.probation.steps import plan_holding_again
from functions.workflows.holding.disabled_mappings import find_disabled_by_others
from functions.workflows.holding.way_back import restore_way_back
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.context import Context


def stop_held(
    incident: Incident, world: Context, now: datetime, *, is_resumed: bool = False
) -> Incident:
    """Stop a function that is held or capped, and delete the schedule that would end the hold.

    A hold that goes on because AWS refuses the stop keeps its way back.

    Parameters
    ----------
    incident
        As stored in the ledger, in `CAPPED` or `CAPPING`, with the decision that stops it.

    Raises
    ------
    BusyError, LedgerUnavailableError
        As `contain` does.
    RefusedError
        Where AWS does not say what is reserved for a function whose mappings are paused.
    StaleIncidentError
        When another run has moved the incident on.
    """
    held = end_probation(incident, world)
    if held.is_paused:  # people may have reserved something since, and that is theirs
        held = held.with_prior(world.functions.reserved_concurrency(held.function))
    stopping = held.to(IncidentState.CONTAINING, now).with_reservation(0, held.prior)
    stopping = stopping.leased(world.present(now))
    after = contain(world.ledger.save(stopping), world, now, is_resumed=is_resumed)
    if incident.watch is not None or incident.probation is not None:
        restore_way_back(after, world, world.present(now))
    return after


def end_probation(incident: Incident, world: Context) -> Incident:
    """The incident without its probation, with what that has let go to be held again."""
    if incident.probation is None:
        return incident
    disabled = find_disabled_by_others(incident, world.functions)
    return replace(plan_holding_again(incident, disabled), probation=None)
