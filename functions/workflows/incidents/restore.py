"""Putting back what an incident changed: the reservation first, each step checked first."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.changes.outcome import StepStatus
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
# How long a mapping may stay in AWS's own hands before that counts as a refusal. UNCONFIRMED A-017:
# how long AWS takes; others who change mappings wait for 10 minutes.
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
    """Put everything back that the incident changed, notify people, close the incident.

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
        Whether a person asks for it now. Who asks is notified of each refusal; what the guard tries
        by itself is reported once for each of AWS's answers, and tried again after a pause.

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
    run = Execution(record=incident, world=world, now=now)
    try:
        is_late = at - incident.updated_at >= PENDING_AT_MOST
        run.take_all_back(is_late=is_late)
    except FunctionNotFoundError:
        return close_as_deleted(run.incident, world, at)
    if run.incident.failures:
        return _keep_open(run)
    unsure = run.incident.unsure_steps(run.present)
    if unsure and not run.incident.pending:
        # Once the incident is closed, nobody would know of what is changed after that.
        for outcome in unsure:
            run.record = run.incident.with_restored(outcome.step, None, CHECKED_AGAIN)
    if run.incident.pending:
        return run.save(run.incident.unleased())
    done = run.incident.to(run.incident.closing, at)
    closed = announce(done, _TOLD[done.closing], world, now)
    return deliver(run.save(closed), world, at)


def _keep_open(run: Execution) -> Incident:
    """Some of it could not be put back: what is still in force decides where that leaves us."""
    incident, world, now = run.incident, run.world, run.now
    words = "; ".join(incident.failures)
    if not incident.was_reported(Attempt.RESTORE, words):
        incident = announce(incident, Transition.RESTORE_FAILED, world, now)
        incident = incident.with_reported(Attempt.RESTORE, words)
    told = incident.refused(Attempt.RESTORE, run.present).unleased()
    # What runs in part is released: found so, it is not taken for a release by people.
    stops = incident.stops
    if stops and all(one.restored is StepStatus.FAILED for one in stops):
        target = _in_force(run)
        is_stop = target == 0 and not incident.is_hold and incident.probation is None
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
