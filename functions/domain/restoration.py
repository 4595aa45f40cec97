"""Putting back what an incident changed: the inverses from last to first, each checked first."""

from dataclasses import replace
from datetime import datetime

from functions.domain.containment import close_as_deleted
from functions.domain.errors import BusyError, FunctionNotFoundError, RefusedError
from functions.domain.incident import Incident, IncidentState, Transition
from functions.domain.outbox import announce, deliver
from functions.domain.plan import (
    DisableMapping,
    Reserve,
    StepOutcome,
    StepStatus,
    restore_order,
)
from functions.domain.steps import perform, undo
from functions.domain.world import World

_TOLD = {
    IncidentState.RESTORED: Transition.RESTORED,
    IncidentState.LIFTED: Transition.LIFTED,
}


def restore(
    incident: Incident,
    world: World,
    now: datetime,
    closing: IncidentState = IncidentState.RESTORED,
) -> Incident:
    """Put everything back that the incident changed, tell people, close the incident.

    What somebody else changed meanwhile is left alone and reported. When AWS refuses, the
    function is left as contained as it was, the incident stays open, and people are told.

    Parameters
    ----------
    incident
        As stored in the ledger, open.
    now
        By the caller's clock, which may be behind the one that wrote the incident: the record goes
        on from its own latest moment then, and the notice claims no duration.
    closing
        `RESTORED` when a person asked for it, `LIFTED` when the guard lifts its own cap.

    Returns
    -------
    Incident
        Closed, or open with the failed steps' ``restored`` at `FAILED`.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError
        As the ledger does. Restoring again goes on where it stopped.
    """
    at = max(now, incident.updated_at)
    if incident.state is not IncidentState.RESTORING:
        incident = replace(incident.to(IncidentState.RESTORING, at), closing=closing)
    for outcome in incident.steps:
        if outcome.restored is StepStatus.FAILED:
            incident = incident.with_restored(outcome.step, None)
    first = _next(incident)
    was_tried = first is not None and first.restored is StepStatus.PLANNED
    incident = world.ledger.save(_marked(incident).leased(at))
    try:
        incident = _undo_all(incident, world, was_tried=was_tried)
    except FunctionNotFoundError:
        return close_as_deleted(incident, world, at)
    if any(one.restored is StepStatus.FAILED for one in incident.steps):
        return _keep_open(incident, world, now)
    closed = announce(incident.to(incident.closing, at), _TOLD[incident.closing], world, now)
    return deliver(world.ledger.save(closed), world, at)


def failures(incident: Incident) -> tuple[str, ...]:
    """AWS's words for each step that could not be put back."""
    return tuple(one.restored_detail for one in incident.steps if one.restored is StepStatus.FAILED)


def _next(incident: Incident) -> StepOutcome | None:
    """The step whose inverse is to be carried out next; ``None`` when none is left."""
    return next(
        (
            one
            for one in restore_order(incident.steps)
            if one.restored in {None, StepStatus.PLANNED}
        ),
        None,
    )


def _marked(incident: Incident) -> Incident:
    """The incident with the next inverse written down as begun, before it is carried out.

    A run may die, or be overtaken by another one, between the change and its record. Who goes on
    then finds the thing as it was before, and knows by this mark that Loopbreaker did that itself.
    """
    outcome = _next(incident)
    return incident if outcome is None else incident.with_restored(outcome.step, StepStatus.PLANNED)


def _undo_all(incident: Incident, world: World, *, was_tried: bool) -> Incident:
    """Carry out the inverses; `was_tried`: an earlier run may have carried out the next one."""
    while (outcome := _next(incident)) is not None:
        try:
            status, detail = undo(outcome.step.inverse(), incident.written, world.functions)
        except (RefusedError, BusyError) as error:
            status, detail = StepStatus.FAILED, str(error)
        if status is StepStatus.ALREADY and was_tried:
            status = StepStatus.DONE
        was_tried = False
        incident = incident.with_restored(outcome.step, status, detail)
        if status is StepStatus.FAILED and isinstance(outcome.step, Reserve):
            # The function stays stopped, so its mappings must not stay switched on: their
            # messages would march to the dead-letter queue.
            return _pause_again(world.ledger.save(incident), world)
        incident = world.ledger.save(_marked(incident))
    return incident


def _pause_again(incident: Incident, world: World) -> Incident:
    for outcome in incident.steps:
        if not isinstance(outcome.step, DisableMapping) or outcome.restored is None:
            continue
        try:
            perform(outcome.step, world.functions)
            incident = incident.with_restored(outcome.step, None)
        except (RefusedError, BusyError) as error:
            incident = incident.with_outcome(
                outcome.step, StepStatus.FAILED, str(error)
            ).with_restored(outcome.step, None)
    return world.ledger.save(incident)


def _keep_open(incident: Incident, world: World, now: datetime) -> Incident:
    """Some of it could not be put back: what is still in force decides where that leaves us."""
    reservation = incident.reservation
    told = announce(incident, Transition.RESTORE_FAILED, world, now).unleased()
    if reservation is not None and reservation.restored is StepStatus.FAILED:
        state = IncidentState.CONTAINED if told.target == 0 else IncidentState.CAPPED
        held = told.to(state, now)  # never before the record's latest moment
    else:
        freed = told.to(IncidentState.RELEASED, now)
        held = replace(freed, released_at=freed.updated_at)
    return deliver(world.ledger.save(held), world, max(now, held.updated_at))
