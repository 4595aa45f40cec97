"""Containing a function, from a written snapshot to a sent notice. Resumes wherever it stopped."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    LoopbreakerError,
    ProvisionedConcurrencyError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.incident import Incident, IncidentState, Transition
from functions.domain.notice import FoundReservation
from functions.domain.outbox import announce, deliver
from functions.domain.plan import RemoveProvisioned, Reserve, ScaleToZero, StepStatus
from functions.domain.steps import perform, undo
from functions.domain.world import World

_UNFINISHED = (StepStatus.PLANNED, StepStatus.FAILED)
# How long AWS may go on refusing a reservation of 0 after the provisioned concurrency was removed.
_REMOVAL_SETTLES_WITHIN: Final = timedelta(minutes=2)


def contain(
    incident: Incident, world: World, now: datetime, *, is_resumed: bool = False
) -> Incident:
    """Carry out what the incident says: throttle or cap, pause the mappings, tell people.

    The first call is the one that stops the bleeding.

    Parameters
    ----------
    incident
        As stored in the ledger, in `CONTAINING` or `CAPPING`.
    is_resumed
        Whether an earlier run may have begun: then somebody may have changed the reservation
        since the snapshot, and that is looked at first.

    Raises
    ------
    BusyError
        When AWS keeps throttling the call that matters: the incident stays as it is, people are
        told once, and the next pulse goes on.
    LedgerUnavailableError
        When the ledger fails after the incident was opened: the snapshot is safe there.
    """
    try:
        if is_resumed and not _is_stopped(incident) and not incident.is_on_instances:
            found = world.functions.reserved_concurrency(incident.function)
            if found not in _ours_or_prior(incident):
                return _yield_to_people(incident, found, world, now)
        return _contain(incident, world, now)
    except FunctionNotFoundError:
        return close_as_deleted(incident, world, now)
    except StaleIncidentError:
        return _leave_to_other_run(incident, world)


def finish_steps(incident: Incident, world: World) -> Incident:
    """Try the steps again that have not succeeded yet, saving each outcome.

    What else is to be changed is read first, where it is not known yet: one that cannot be read
    now is read by the next pulse, because the function itself is stopped already.
    """
    with suppress(RefusedError, BusyError):  # the notice says what is not known
        incident = _with_surroundings(incident, world)
    for outcome in incident.steps:
        if outcome.status not in _UNFINISHED or isinstance(outcome.step, Reserve | ScaleToZero):
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
    if not _is_stopped(incident):
        try:
            incident = _stop(incident, world, now)
        except RefusedError as refusal:
            return _give_up(incident, refusal, world, now)
        except BusyError as busy:
            _tell_of_delay(incident, busy, world, now)
            raise
        incident = _stopped(incident, now)
    if incident.state is IncidentState.CONTAINING:
        incident = finish_steps(incident, world)
        state, transition = IncidentState.CONTAINED, Transition.CONTAINED
    else:
        state, transition = IncidentState.CAPPED, Transition.CAPPED
    incident = incident.to(state, now).unleased()
    if not incident.has_told(transition):
        incident = announce(incident, transition, world, now)
    return deliver(world.ledger.save(incident), world, now)


def _stop(incident: Incident, world: World, now: datetime) -> Incident:
    """Set the reservation; make room for it where AWS insists.

    That a reservation below the provisioned concurrency is refused is documented, the error's
    text is not, so any refusal makes us look for provisioned concurrency; where there is none,
    nothing else is changed.
    """
    try:
        _perform_stops(incident, world)
    except RefusedError:
        if incident.state is not IncidentState.CONTAINING or incident.is_on_instances:
            raise
        incident = _with_provisioned(incident, world)
        removals = [one for one in incident.steps if isinstance(one.step, RemoveProvisioned)]
        if not removals:
            raise
        for outcome in removals:
            if outcome.status in _UNFINISHED:
                status = perform(outcome.step, world.functions)
                incident = world.ledger.save(
                    incident.with_outcome(outcome.step, status, done_at=now)
                )
        try:
            _perform_stops(incident, world)
        except InvalidValueError as refusal:
            # Removing it is still under way: not a no, but a not yet. UNCONFIRMED: AWS's words
            # for it, and how long it takes; so any words count, for as long as is plausible.
            is_named = isinstance(refusal, ProvisionedConcurrencyError)
            if not is_named and not _is_settling(incident, now):
                raise
            raise BusyError(str(refusal)) from refusal
    return incident


def _is_settling(incident: Incident, now: datetime) -> bool:
    """Whether provisioned concurrency was removed a moment ago."""
    return any(
        isinstance(one.step, RemoveProvisioned)
        and one.done_at is not None
        and now - one.done_at < _REMOVAL_SETTLES_WITHIN
        for one in incident.steps
    )


def _ours_or_prior(incident: Incident) -> tuple[int | None, ...]:
    prior = () if incident.snapshot is None else (incident.snapshot.reserved_concurrency,)
    return (*incident.written, *prior)


def _yield_to_people(
    incident: Incident, found: int | None, world: World, now: datetime
) -> Incident:
    """Somebody set the reservation before the guard could: theirs is not to be overwritten.

    Where nothing was changed yet, the next look decides afresh, with a fresh snapshot.
    """
    if not _has_changed_anything(incident):
        return deliver(world.ledger.save(_holding_nothing(incident, now)), world, now)
    released = replace(incident.to(IncidentState.RELEASED, now), released_at=now).unleased()
    reservation = FoundReservation(reserved_concurrency=found)
    told = announce(released, Transition.RELEASED, world, now, found=reservation)
    return deliver(world.ledger.save(told), world, now)


def _has_changed_anything(incident: Incident) -> bool:
    is_escalated = len(incident.written) > 1
    return is_escalated or any(one.status is StepStatus.DONE for one in incident.steps)


def _holding_nothing(incident: Incident, now: datetime) -> Incident:
    return replace(
        incident.to(IncidentState.NOTIFIED, now).unleased(),
        snapshot=None,
        steps=(),
        target=None,
        written=(),
        contained_at=None,
        stopped_at=None,
    )


def _is_stopped(incident: Incident) -> bool:
    return bool(incident.stops) and all(one.status not in _UNFINISHED for one in incident.stops)


def _perform_stops(incident: Incident, world: World) -> None:
    for outcome in incident.stops:
        perform(outcome.step, world.functions)


def _stopped(incident: Incident, now: datetime) -> Incident:
    if not incident.stops:
        return incident
    done = incident
    for outcome in incident.stops:
        done = done.with_outcome(outcome.step, StepStatus.DONE)
    held = replace(done, contained_at=incident.contained_at or now)
    return held if held.target else replace(held, stopped_at=incident.stopped_at or now)


def _with_surroundings(incident: Incident, world: World) -> Incident:
    """Write down what else is to be changed, before it is changed."""
    snapshot = incident.snapshot
    if snapshot is None or snapshot.mappings is not None:
        return incident
    if snapshot.provisioned is None:
        incident = incident.with_provisioned(world.functions.provisioned(incident.function))
    mappings = world.functions.mappings(incident.function)
    return world.ledger.save(incident.with_mappings(mappings))


def _with_provisioned(incident: Incident, world: World) -> Incident:
    """The same of provisioned concurrency alone: the mappings take longer to be found."""
    if incident.snapshot is None or incident.snapshot.provisioned is not None:
        return incident
    found = world.functions.provisioned(incident.function)
    return world.ledger.save(incident.with_provisioned(found))


def _give_up(incident: Incident, refusal: RefusedError, world: World, now: datetime) -> Incident:
    """Take back what was changed so far and go back to telling people, with AWS's words."""
    incident = _with_failure(_latest(incident, world), refusal, world, now)
    for outcome in incident.steps:
        is_removal = isinstance(outcome.step, RemoveProvisioned)
        # Of several versions, those before the one that was refused are at 0 by now.
        if isinstance(outcome.step, ScaleToZero) or (
            is_removal and outcome.status is StepStatus.DONE
        ):
            undo(outcome.step.inverse(), incident.written, world.functions)
    return deliver(world.ledger.save(_holding_nothing(incident, now)), world, now)


def _tell_of_delay(incident: Incident, busy: BusyError, world: World, now: datetime) -> None:
    incident = _with_failure(_latest(incident, world), busy, world, now)
    deliver(world.ledger.save(incident.unleased()), world, now)


def _with_failure(
    incident: Incident, error: LoopbreakerError, world: World, now: datetime
) -> Incident:
    for outcome in incident.stops:
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
    for outcome in incident.stops:
        undo(outcome.step.inverse(), incident.written, world.functions)
    return incident if current is None else current
