"""Putting back what an incident changed: the reservation first, each step checked first."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.changes.steps import (
    MappingStep,
    Reserve,
    ScaleToZero,
    StepOutcome,
    StepStatus,
    restore_order,
)
from functions.domain.errors import BusyError, FunctionNotFoundError, RefusedError
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState, Transition
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.contain import close_as_deleted
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.execution import Execution

_TOLD = {
    IncidentState.RESTORED: Transition.RESTORED,
    IncidentState.LIFTED: Transition.LIFTED,
}
_UNDONE: Final = frozenset({StepStatus.PLANNED, StepStatus.FAILED})
# How long a mapping may stay in AWS's own hands before that counts as a refusal. UNCONFIRMED: how
# long AWS takes; others who change mappings wait for 10 minutes.
PENDING_AT_MOST: Final = timedelta(minutes=10)
CHECKED_AGAIN: Final = "it is checked once more, because another run may still change it"


def restore(
    incident: Incident,
    world: Context,
    now: datetime,
    closing: IncidentState = IncidentState.RESTORED,
    *,
    is_asked: bool = True,
) -> Incident:
    """Put everything back that the incident changed, tell people, close the incident.

    What somebody else changed meanwhile is left alone and reported. When AWS refuses the
    reservation, the function is left as contained as it was, the incident stays open, and people
    are told. A mapping that AWS is still changing is pending: the incident stays `RESTORING`, and
    whoever comes next goes on with it. So is a step that a run may be carrying out from which the
    incident was taken over, until that run has reached its time-out.

    Parameters
    ----------
    incident
        As stored in the ledger, open.
    now
        By the caller's clock, which may be behind the one that wrote the incident: the record goes
        on from its own latest moment then, and the notice claims no duration.
    closing
        `RESTORED` when a person asked for it, `LIFTED` when the guard lifts its own cap.
    is_asked
        Whether a person asks for it now. Who asks is told of each refusal; what the guard tries
        by itself is told once for each of AWS's answers, and tried again after a pause.

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
        incident = incident.accepted(Attempt.RESTORE) if is_asked else incident
    for outcome in incident.steps:
        if outcome.restored is StepStatus.FAILED:
            incident = incident.with_restored(outcome.step, None)
    first = _next(incident)
    was_tried = first is not None and first.restored is StepStatus.PLANNED
    run = Execution(incident=incident, world=world, now=now)
    run.save(_marked(incident).leased(run.present))
    try:
        is_late = at - incident.updated_at >= PENDING_AT_MOST
        _undo_all(run, was_tried=was_tried, is_late=is_late)
    except FunctionNotFoundError:
        return close_as_deleted(run.incident, world, at)
    if any(one.restored is StepStatus.FAILED for one in run.incident.steps):
        return _keep_open(run)
    unsure = run.incident.unsure_steps(run.present)
    if unsure and not pending(run.incident):
        # Once the incident is closed, nobody would know of what is changed after that.
        for outcome in unsure:
            run.incident = run.incident.with_restored(outcome.step, None, CHECKED_AGAIN)
    if pending(run.incident):
        return run.save(run.incident.unleased())
    done = run.incident.to(run.incident.closing, at)
    closed = announce(done, _TOLD[done.closing], world, now)
    return deliver(run.save(closed), world, at)


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


def _undo_all(run: Execution, *, was_tried: bool, is_late: bool) -> None:
    """Carry out the inverses.

    Parameters
    ----------
    was_tried
        Whether an earlier run may have carried out the next one.
    is_late
        Whether what AWS is still changing counts as refused.
    """
    tried: frozenset[str] = frozenset()
    while (outcome := _next(run.incident, tried)) is not None:
        step = outcome.step
        status: StepStatus | None
        try:
            status, detail = run.take_back(step)
        except RefusedError as error:
            status, detail = StepStatus.FAILED, str(error)
        except BusyError as error:
            may_wait = isinstance(step, MappingStep) and not is_late
            status, detail = None if may_wait else StepStatus.FAILED, str(error)
        if status is StepStatus.ALREADY and was_tried:
            status = StepStatus.DONE
        was_tried = False
        tried |= {step.key}
        undone = run.incident.with_restored(step, status, detail)
        if status is StepStatus.FAILED and isinstance(step, Reserve | ScaleToZero):
            # The function stays stopped, and its mappings too.
            run.record_taken_back(undone, step)
            return
        run.record_taken_back(_marked(_freed(undone, run.now), tried), step)


def _keep_open(run: Execution) -> Incident:
    """Some of it could not be put back: what is still in force decides where that leaves us."""
    incident, world, now = run.incident, run.world, run.now
    words = "; ".join(failures(incident))
    if not incident.was_told(Attempt.RESTORE, words):
        incident = announce(incident, Transition.RESTORE_FAILED, world, now)
        incident = incident.with_told(Attempt.RESTORE, words)
    told = incident.refused(Attempt.RESTORE, run.present).unleased()
    if any(one.restored is StepStatus.FAILED for one in incident.stops):
        target = _in_force(run)
        is_stop = target == 0 and not incident.is_hold
        state = IncidentState.CONTAINED if is_stop else IncidentState.CAPPED
        held = replace(told.to(state, now), target=target)  # never before the latest moment
    else:
        freed = told.to(IncidentState.RELEASED, now)
        held = replace(freed, released_at=freed.updated_at)
    return deliver(run.save(held), world, max(now, held.updated_at))


def _in_force(run: Execution) -> int | None:
    """The guard's reservation that is in force: an escalation may not have come to be.

    Where that cannot be read, or somebody else has set it by now, it is what the guard wants.
    """
    incident = run.incident
    if incident.is_on_instances:
        return incident.target
    try:
        present = run.world.functions.reserved_concurrency(incident.function)
    except (RefusedError, BusyError):
        return incident.target
    return present if present in incident.ours else incident.target
