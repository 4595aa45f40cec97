"""Putting back what an incident changed: the reservation first, each step checked first."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.containment import close_as_deleted
from functions.domain.errors import BusyError, FunctionNotFoundError, RefusedError
from functions.domain.incident import Incident, IncidentState, Transition
from functions.domain.outbox import announce, deliver
from functions.domain.plan import (
    DisableMapping,
    Reserve,
    ScaleToZero,
    StepOutcome,
    StepStatus,
    restore_order,
)
from functions.domain.steps import undo
from functions.domain.world import World

_TOLD = {
    IncidentState.RESTORED: Transition.RESTORED,
    IncidentState.LIFTED: Transition.LIFTED,
}
# How long a mapping may stay in AWS's own hands before that counts as a refusal. UNCONFIRMED: how
# long AWS takes; others who change mappings wait for 10 minutes.
_UNDONE: Final = frozenset({StepStatus.PLANNED, StepStatus.FAILED})
PENDING_AT_MOST: Final = timedelta(minutes=10)


def restore(
    incident: Incident,
    world: World,
    now: datetime,
    closing: IncidentState = IncidentState.RESTORED,
) -> Incident:
    """Put everything back that the incident changed, tell people, close the incident.

    What somebody else changed meanwhile is left alone and reported. When AWS refuses the
    reservation, the function is left as contained as it was, the incident stays open, and people
    are told. A mapping that AWS is still changing is pending: the incident stays `RESTORING`, and
    whoever comes next goes on with it.

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
        Closed; or `RESTORING` with pending steps; or open with the failed steps' ``restored`` at
        `FAILED`.

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
        is_late = at - incident.updated_at >= PENDING_AT_MOST
        incident = _undo_all(incident, world, now, was_tried=was_tried, is_late=is_late)
    except FunctionNotFoundError:
        return close_as_deleted(incident, world, at)
    if any(one.restored is StepStatus.FAILED for one in incident.steps):
        return _keep_open(incident, world, now)
    if pending(incident):
        return world.ledger.save(incident.unleased())
    closed = announce(incident.to(incident.closing, at), _TOLD[incident.closing], world, now)
    return deliver(world.ledger.save(closed), world, at)


def failures(incident: Incident) -> tuple[str, ...]:
    """AWS's words for each step that could not be put back."""
    return tuple(one.restored_detail for one in incident.steps if one.restored is StepStatus.FAILED)


def pending(incident: Incident) -> tuple[str, ...]:
    """AWS error messages for the steps that are not undone yet, and will be."""
    return tuple(one.restored_detail for one in incident.steps if one.is_pending)


def _next(incident: Incident, tried: frozenset[str] = frozenset()) -> StepOutcome | None:
    """The step whose inverse is to be carried out next; ``None`` when none is left.

    Parameters
    ----------
    tried
        Keys of steps that this run has tried: one that is pending waits for the next run.
    """
    return next(
        (
            one
            for one in restore_order(incident.steps)
            if one.restored in {None, StepStatus.PLANNED} and one.step.key not in tried
        ),
        None,
    )


def _marked(incident: Incident, tried: frozenset[str] = frozenset()) -> Incident:
    """The incident with the next inverse written down as begun, before it is carried out.

    A run may die, or be overtaken by another one, between the change and its record. Who goes on
    then finds the thing as it was before, and knows by this mark that Loopbreaker did that itself.
    """
    outcome = _next(incident, tried)
    return incident if outcome is None else incident.with_restored(outcome.step, StepStatus.PLANNED)


def _freed(incident: Incident, now: datetime) -> Incident:
    """The incident with the moment at which nothing of it stops the function any more."""
    is_over = all(one.restored not in {None, *_UNDONE} for one in incident.stops)
    if incident.freed_at is not None or not is_over:
        return incident
    at = max(now, incident.updated_at)
    return replace(incident, freed_at=at, is_freed_at_known=now >= incident.updated_at)


def _undo_all(
    incident: Incident, world: World, now: datetime, *, was_tried: bool, is_late: bool
) -> Incident:
    """Carry out the inverses.

    Parameters
    ----------
    was_tried
        Whether an earlier run may have carried out the next one.
    is_late
        Whether what AWS is still changing counts as refused.
    """
    tried: frozenset[str] = frozenset()
    while (outcome := _next(incident, tried)) is not None:
        status: StepStatus | None
        try:
            status, detail = undo(outcome.step.inverse(), incident.written, world.functions)
        except RefusedError as error:
            status, detail = StepStatus.FAILED, str(error)
        except BusyError as error:
            may_wait = isinstance(outcome.step, DisableMapping) and not is_late
            status, detail = None if may_wait else StepStatus.FAILED, str(error)
        if status is StepStatus.ALREADY and was_tried:
            status = StepStatus.DONE
        was_tried = False
        tried |= {outcome.step.key}
        incident = incident.with_restored(outcome.step, status, detail)
        if status is StepStatus.FAILED and isinstance(outcome.step, Reserve | ScaleToZero):
            return world.ledger.save(incident)  # the function stays stopped, and its mappings too
        incident = world.ledger.save(_marked(_freed(incident, now), tried))
    return incident


def _keep_open(incident: Incident, world: World, now: datetime) -> Incident:
    """Some of it could not be put back: what is still in force decides where that leaves us."""
    told = announce(incident, Transition.RESTORE_FAILED, world, now).unleased()
    if any(one.restored is StepStatus.FAILED for one in incident.stops):
        state = IncidentState.CONTAINED if told.target == 0 else IncidentState.CAPPED
        held = told.to(state, now)  # never before the record's latest moment
    else:
        freed = told.to(IncidentState.RELEASED, now)
        held = replace(freed, released_at=freed.updated_at)
    return deliver(world.ledger.save(held), world, max(now, held.updated_at))
