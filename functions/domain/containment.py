"""Containing a function, from a written snapshot to a sent notice. Resumes wherever it stopped."""

from dataclasses import replace
from datetime import datetime

from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    LoopbreakerError,
    ProvisionedConcurrencyError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.incident import Incident, IncidentState, Transition
from functions.domain.outbox import announce, deliver
from functions.domain.plan import RemoveProvisioned, Reserve, StepStatus
from functions.domain.steps import perform, undo
from functions.domain.world import World

_UNFINISHED = (StepStatus.PLANNED, StepStatus.FAILED)


def contain(incident: Incident, world: World, now: datetime) -> Incident:
    """Carry out what the incident says: throttle or cap, pause the mappings, tell people.

    The first call is the one that stops the bleeding. `incident` is stored in the ledger, in
    `CONTAINING` or `CAPPING`.

    Raises
    ------
    BusyError
        When AWS keeps throttling the call that matters: the incident stays as it is, people are
        told once, and the next pulse goes on.
    LedgerUnavailableError
        When the ledger fails after the incident was opened: the snapshot is safe there.
    """
    try:
        return _contain(incident, world, now)
    except FunctionNotFoundError:
        return close_as_deleted(incident, world, now)
    except StaleIncidentError:
        return _leave_to_other_run(incident, world)


def finish_steps(incident: Incident, world: World) -> Incident:
    """Try the steps again that have not succeeded yet, saving each outcome."""
    for outcome in incident.steps:
        if outcome.status not in _UNFINISHED or isinstance(outcome.step, Reserve):
            continue
        status, detail = StepStatus.FAILED, ""
        try:
            status = perform(outcome.step, world.functions)
        except (RefusedError, BusyError) as error:
            detail = str(error)
        if (status, detail) != (outcome.status, outcome.detail):
            incident = world.ledger.save(incident.with_outcome(outcome.step, status, detail))
    return incident


def close_as_deleted(incident: Incident, world: World, now: datetime) -> Incident:
    """Close the incident of a function that no longer exists, and say so."""
    current = world.ledger.find(incident.function)
    if current is None or current.id != incident.id or current.is_closed:
        return incident
    closed = announce(current.to(IncidentState.DELETED, now), Transition.DELETED, world, now)
    return deliver(world.ledger.save(closed), world, now)


def _contain(incident: Incident, world: World, now: datetime) -> Incident:
    if not _is_reserved(incident):
        try:
            incident = _stop(incident, world)
        except RefusedError as refusal:
            return _give_up(incident, refusal, world, now)
        except BusyError as busy:
            _tell_of_delay(incident, busy, world, now)
            raise
        incident = _reserved(incident, now)
    if incident.state is IncidentState.CONTAINING:
        incident = finish_steps(_with_surroundings(incident, world), world)
        state, transition = IncidentState.CONTAINED, Transition.CONTAINED
    else:
        state, transition = IncidentState.CAPPED, Transition.CAPPED
    incident = incident.to(state, now).unleased()
    if not incident.has_told(transition):
        incident = announce(incident, transition, world, now)
    return deliver(world.ledger.save(incident), world, now)


def _stop(incident: Incident, world: World) -> Incident:
    """Set the reservation; make room for it where AWS insists.

    That a reservation below the provisioned concurrency is refused is documented, the error's
    text is not, so any refusal makes us look for provisioned concurrency; where there is none,
    nothing else is changed.
    """
    try:
        _reserve(incident, world)
    except RefusedError:
        if incident.state is not IncidentState.CONTAINING:
            raise
        incident = _with_surroundings(incident, world)
        removals = [one for one in incident.steps if isinstance(one.step, RemoveProvisioned)]
        if not removals:
            raise
        for outcome in removals:
            if outcome.status in _UNFINISHED:
                status = perform(outcome.step, world.functions)
                incident = world.ledger.save(incident.with_outcome(outcome.step, status))
        try:
            _reserve(incident, world)
        except ProvisionedConcurrencyError as refusal:
            # Taking it away is still under way: not a no, but a not yet.
            raise BusyError(str(refusal)) from refusal
    return incident


def _is_reserved(incident: Incident) -> bool:
    outcome = incident.reservation
    return outcome is not None and outcome.status not in _UNFINISHED


def _reserve(incident: Incident, world: World) -> None:
    outcome = incident.reservation
    if outcome is not None:
        perform(outcome.step, world.functions)


def _reserved(incident: Incident, now: datetime) -> Incident:
    outcome = incident.reservation
    if outcome is None:
        return incident
    done = incident.with_outcome(outcome.step, StepStatus.DONE)
    return replace(done, contained_at=incident.contained_at or now)


def _with_surroundings(incident: Incident, world: World) -> Incident:
    """Write down what else is to be changed, before it is changed."""
    snapshot = incident.snapshot
    if snapshot is None or snapshot.mappings is not None:
        return world.ledger.save(incident)
    provisioned = snapshot.provisioned
    if provisioned is None:
        provisioned = world.functions.provisioned(incident.function)
    mappings = world.functions.mappings(incident.function)
    return world.ledger.save(incident.with_surroundings(provisioned, mappings))


def _give_up(incident: Incident, refusal: RefusedError, world: World, now: datetime) -> Incident:
    """Take back what was changed so far and go back to telling people, with AWS's words."""
    incident = _with_failure(_latest(incident, world), refusal, world, now)
    for outcome in incident.steps:
        if isinstance(outcome.step, RemoveProvisioned) and outcome.status is StepStatus.DONE:
            undo(outcome.step.inverse(), incident.written, world.functions)
    nothing_held = replace(
        incident.to(IncidentState.NOTIFIED, now).unleased(),
        snapshot=None,
        steps=(),
        target=None,
        written=(),
        contained_at=None,
    )
    return deliver(world.ledger.save(nothing_held), world, now)


def _tell_of_delay(incident: Incident, busy: BusyError, world: World, now: datetime) -> None:
    incident = _with_failure(_latest(incident, world), busy, world, now)
    deliver(world.ledger.save(incident.unleased()), world, now)


def _with_failure(
    incident: Incident, error: LoopbreakerError, world: World, now: datetime
) -> Incident:
    outcome = incident.reservation
    if outcome is not None:
        incident = incident.with_outcome(outcome.step, StepStatus.FAILED, str(error))
    if incident.has_told(Transition.CONTAIN_FAILED):
        return incident
    return announce(incident, Transition.CONTAIN_FAILED, world, now)


def _latest(incident: Incident, world: World) -> Incident:
    """The incident with the version of our own last write."""
    stored = world.ledger.find(incident.function)
    return stored if stored is not None and stored.id == incident.id else incident


def _leave_to_other_run(incident: Incident, world: World) -> Incident:
    """Another run moved the incident on: see to it that our last change does not outlive it."""
    current = world.ledger.find(incident.function)
    if current is not None and current.id == incident.id:
        holds = current.state not in (IncidentState.RESTORING, IncidentState.RELEASED)
        if holds and not current.is_closed:
            return current
    elif current is not None:
        return current  # a newer incident holds the function
    outcome = incident.reservation
    if outcome is not None:
        undo(outcome.step.inverse(), incident.written, world.functions)
    return incident if current is None else current
