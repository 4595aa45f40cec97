"""Containing a function, from a written snapshot to a sent notice. Resumes wherever it stopped."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.changes.outcome import UNFINISHED, StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    LimitMapping,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
)
from functions.domain.detection.evidence import FunctionFacts
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    LoopbreakerError,
    ProvisionedConcurrencyError,
    RecordTooLargeError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.holding.watch import Phase
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.incidents.steps.given_up import leave_as_found
from functions.domain.incidents.steps.hold_steps import plan_second_hold
from functions.domain.incidents.steps.provisioned_steps import plan_removal_anew
from functions.domain.incidents.tags.seal import claims_stop
from functions.workflows.holding.way_back import schedule_way_back
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.execution import Execution
from functions.workflows.probation.move import move_probation

# How long AWS may go on refusing a reservation of 0 after the provisioned concurrency was removed.
_REMOVAL_SETTLES_WITHIN: Final = timedelta(minutes=2)


def contain(
    incident: Incident, world: Context, now: datetime, *, is_resumed: bool = False
) -> Incident:
    """Carry out what the incident says: throttle or cap, pause the mappings, notify people.

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
        reported once, and the next pulse goes on.
    LedgerUnavailableError
        When the ledger fails after the incident was opened: the snapshot is safe there.
    """
    run = Execution(record=incident, world=world, now=now)
    try:
        if is_resumed and not incident.is_held and incident.reservation is not None:
            found = world.functions.reserved_concurrency(incident.function)
            # Once a stop is known to have been in force, also what was there before is people's.
            before = () if incident.stopped_at else (incident.prior,)
            if found not in (*incident.ours, *before):
                if find_stop_of_tag(incident, found, world) is not None:
                    return run.save(incident.unleased())
                return _yield_to_people(run, found)
        probation = run.incident.probation
        if probation is not None and run.incident.state is IncidentState.CAPPING:
            return move_probation(run, probation)
        return _contain(run)
    except FunctionNotFoundError:
        return close_as_deleted(incident, world, now)
    except StaleIncidentError:
        # Another run has moved it on; what this one changed is put right.
        return world.ledger.find(incident.function) or run.incident


def find_stop_of_tag(incident: Incident, found: int | None, world: Context) -> FunctionFacts | None:
    """The function, if a reservation of 0 is the guard's own, written while the ledger was away.

    Then only the function's tag knows it, until the ledger takes the tag over.

    Raises
    ------
    FunctionNotFoundError, RefusedError, BusyError
        As the port does.
    """
    if found != 0 or 0 in incident.ours:
        return None
    facts = world.functions.describe(incident.function)
    return facts if claims_stop(facts) else None


def has_unfinished_steps(incident: Incident) -> bool:
    """Whether something beside the reservation is still to be changed, or to be found."""
    is_known = incident.snapshot is None or incident.snapshot.mappings is not None
    return not is_known or any(
        one.status in UNFINISHED and not isinstance(one.step, Reserve | ScaleToZero)
        for one in incident.steps
    )


def finish_steps(incident: Incident, world: Context, now: datetime) -> Incident:
    """Try the steps of a contained function again that have not succeeded yet, under a lease.

    Raises
    ------
    LedgerUnavailableError, StaleIncidentError, FunctionNotFoundError
        As the ports do.
    """
    run = Execution(record=incident, world=world, now=now)
    run.take()
    _finish_steps(run)
    return run.save(run.incident.unleased())


def close_as_deleted(incident: Incident, world: Context, now: datetime) -> Incident:
    """Close the incident of a function that no longer exists, and say so."""
    current = world.ledger.find(incident.function)
    if current is None or current.id != incident.id or current.is_closed:
        return incident
    closed = announce(current.to(IncidentState.DELETED, now), Transition.DELETED, world, now)
    return deliver(world.ledger.save(closed), world, now)


def _contain(run: Execution) -> Incident:
    attempt, is_begun = _attempt(run.incident), run.incident.is_held
    try:
        _bring_about(run, is_begun=is_begun)
    except RefusedError as refusal:
        return _hold_on(run) if is_begun else _give_up(run, refusal)
    except BusyError as busy:
        if is_begun:
            return run.save(run.incident.unleased())  # the next pulse goes on
        failed = _with_failure(run, busy)
        deliver(run.save(failed.unleased()), run.world, run.present)
        raise
    if run.incident.state is IncidentState.CONTAINING:
        _finish_steps(run)
        state, transition = IncidentState.CONTAINED, Transition.CONTAINED
    else:
        state, transition = IncidentState.CAPPED, Transition.CAPPED
    present = run.present
    held = run.incident.holding_since(present).accepted(attempt).to(state, present).unleased()
    if held.watch is not None and state is IncidentState.CAPPED:
        held = replace(held, watch=held.watch.in_force(present))
    if not held.has_notified(transition):
        held = announce(held, transition, run.world, present)
    return deliver(run.save(held), run.world, present)


def _bring_about(run: Execution, *, is_begun: bool) -> None:
    """Stop, hold or let go a little, as it is written down.

    Parameters
    ----------
    is_begun
        Whether what stops or holds the function is in force already.

    Raises
    ------
    RefusedError, BusyError
        As AWS answers.
    """
    incident = run.incident
    if not is_begun or incident.is_let_go:
        _prepare_way_back(run)
    if not is_begun:
        _stop(run)
    if incident.state is IncidentState.CAPPING and incident.is_paused and incident.is_let_go:
        _enable_limited(run)


def _attempt(incident: Incident) -> Attempt:
    return Attempt.STOP if incident.state is IncidentState.CONTAINING else Attempt.CAP


def _stop(run: Execution) -> None:
    """Set the reservation; make room for it where AWS insists.

    That a reservation below the provisioned concurrency is refused is documented, the error's
    text is not, so any refusal of the *value* makes us look for provisioned concurrency; where
    there is none, nothing else is changed. A refusal of access is none of the value, and taking
    anything away because of it would only do harm.
    """
    try:
        _carry_out_stops(run)
    except InvalidValueError:
        if run.incident.state is not IncidentState.CONTAINING or run.incident.is_on_instances:
            raise
        _find_provisioned_anew(run)
        _find_provisioned(run)
        removals = [one for one in run.incident.steps if isinstance(one.step, RemoveProvisioned)]
        if not removals:
            raise
        for outcome in removals:
            if outcome.status in UNFINISHED or outcome.restored is not None:
                run.carry_out(outcome.step)
        try:
            _carry_out_stops(run)
        except InvalidValueError as refusal:
            # Removing it is still under way: not a no, but a not yet. UNCONFIRMED A-003: AWS's
            # words for it, and how long it takes; so any words count, for as long as is plausible.
            is_named = isinstance(refusal, ProvisionedConcurrencyError)
            if not is_named and not _is_settling(run):
                raise
            raise BusyError(str(refusal)) from refusal


def _prepare_way_back(run: Execution) -> None:
    """Make or move what ends the hold if this function is gone by then, before anything changes.

    Raises
    ------
    RefusedError, BusyError
        As AWS answers: then nothing is held, or no second round begins.
    """
    incident, watch = run.incident, run.incident.watch
    if incident.state is not IncidentState.CAPPING or watch is None:
        return
    run.take()
    schedule_way_back(incident, watch, run.world, run.present)


def _enable_limited(run: Execution) -> None:
    """Let a little go of a function whose mappings are disabled: limit them, then enable them.

    Raises
    ------
    RefusedError, BusyError
        As AWS answers.
    """
    for outcome in run.incident.steps:
        if isinstance(outcome.step, LimitMapping) and outcome.status in UNFINISHED:
            run.carry_out(outcome.step)
    for outcome in run.incident.stops:
        if outcome.restored is None or outcome.restored is StepStatus.PLANNED:
            run.begin_to_take_back(outcome.step)
            status, detail = run.undo(outcome.step)
            undone = run.incident.with_restored(outcome.step, status, detail)
            run.record_taken_back(undone, outcome.step)


def _hold_on(run: Execution) -> Incident:
    """Leave a hold as it was before AWS refused to let a little go: it is tried again, or ends."""
    watch = run.incident.watch
    if watch is not None:
        run.save(plan_second_hold(run.incident, watch.taken_back()))
        try:
            _carry_out_stops(run)
        except (RefusedError, BusyError):
            return run.save(run.incident.unleased())  # the next pulse goes on
    present = run.present
    left = run.incident.refused(Attempt.CAP, present).to(IncidentState.CAPPED, present)
    return run.save(left.unleased())


def _carry_out_stops(run: Execution) -> None:
    for outcome in run.incident.stops:
        # A mapping that people disabled during a trial is left to them.
        if not (run.incident.is_paused and outcome.restored is StepStatus.DONE):
            run.carry_out(outcome.step)


def _is_settling(run: Execution) -> bool:
    """Whether provisioned concurrency was removed a moment ago."""
    present = run.present
    return any(
        isinstance(one.step, RemoveProvisioned)
        and one.done_at is not None
        and present - one.done_at < _REMOVAL_SETTLES_WITHIN
        for one in run.incident.steps
    )


def _finish_steps(run: Execution) -> None:
    """Change what is left beside the reservation; what AWS refuses is tried again later.

    What else is to be changed is read first, where it is not known yet: what cannot be read or
    recorded now is left alone until a later pulse, because the function itself is stopped already.
    """
    if run.incident.is_pausing(Attempt.FOLLOW_UP, run.present):
        return
    refusals: list[LoopbreakerError] = []
    try:
        _find_surroundings(run)
    except (RefusedError, RecordTooLargeError) as refusal:
        refusals.append(refusal)
    except BusyError:
        pass  # the notice says what is not known
    for outcome in run.incident.steps:
        if outcome.status in UNFINISHED and not isinstance(outcome.step, Reserve | ScaleToZero):
            try:
                run.carry_out(outcome.step)
            except RefusedError as refusal:
                refusals.append(refusal)
            except BusyError:
                continue
    if refusals:
        run.save(run.incident.refused(Attempt.FOLLOW_UP, run.present))


def _find_surroundings(run: Execution) -> None:
    """Write down what else is to be changed, before it is changed."""
    snapshot = run.incident.snapshot
    if snapshot is None or snapshot.mappings is not None:
        return
    _find_provisioned(run)
    mappings = run.world.functions.mappings(run.incident.function)
    run.save(run.incident.with_mappings(mappings).leased(run.present))


def _find_provisioned(run: Execution) -> None:
    """The same of provisioned concurrency alone: the mappings take longer to be found."""
    snapshot = run.incident.snapshot
    if snapshot is None or snapshot.provisioned is not None:
        return
    found = run.world.functions.provisioned(run.incident.function)
    run.save(run.incident.with_provisioned(found).leased(run.present))


def _find_provisioned_anew(run: Execution) -> None:
    """Write down what somebody, or auto scaling, has requested since an earlier attempt has looked.

    It stands in the way of the reservation again, and is what a restore brings back.
    """
    snapshot = run.incident.snapshot
    if snapshot is None or snapshot.provisioned is None or _is_settling(run):
        return
    found = run.world.functions.provisioned(run.incident.function)
    if found:
        run.save(plan_removal_anew(run.incident, found).leased(run.present))


def _yield_to_people(run: Execution, found: int | None) -> Incident:
    """Somebody set the reservation before the guard could: theirs is not to be overwritten.

    Where nothing was changed yet, the next look decides afresh, with a fresh snapshot.
    """
    present = run.present
    left = leave_as_found(run.incident, found, present)
    if left.state is IncidentState.RELEASED:
        left = announce(left, Transition.RELEASED, run.world, present, found=left.released_to)
    return deliver(run.save(left), run.world, present)


def _give_up(run: Execution, refusal: RefusedError) -> Incident:
    """Take back what was changed so far, and leave the incident as what is in force makes it.

    Where it is not known what is reserved, the incident stays as it is: a later pulse goes on.
    """
    attempt = _attempt(run.incident)
    _put_back_beside(run)
    present = run.present
    try:
        found = _find_reserved(run)
    except (RefusedError, BusyError):
        refused = _with_failure(run, refusal).refused(attempt, present).unleased()
        return deliver(run.save(refused), run.world, present)
    failed = _with_failure(run, refusal, FoundReservation(reserved_concurrency=found))
    left = leave_as_found(failed.refused(attempt, present), found, present)
    if attempt is Attempt.CAP and left.state is IncidentState.CAPPED and left.watch is not None:
        left = replace(left, watch=left.watch.taken_back())
    return deliver(run.save(left), run.world, present)


def _find_reserved(run: Execution) -> int | None:
    if run.incident.is_on_instances:
        return None  # it has no reservation
    return run.world.functions.reserved_concurrency(run.incident.function)


def _put_back_beside(run: Execution) -> None:
    """Undo what was removed to make room, and those versions that were scaled to 0.

    What AWS does not take back stays in the record.
    """
    for outcome in run.incident.left_beside:
        step = outcome.step
        is_hold = run.incident.is_paused and isinstance(step, DisableMapping | LimitMapping)
        if not is_hold and not isinstance(step, RemoveProvisioned | ScaleToZero):
            continue
        run.begin_to_take_back(step)
        with suppress(RefusedError, BusyError):
            status, detail = run.undo(step)
            run.record_taken_back(run.incident.with_restored(step, status, detail), step)


def _with_failure(
    run: Execution, error: LoopbreakerError, found: FoundReservation | None = None
) -> Incident:
    """The incident with a notice of AWS's words, unless people had these of it before."""
    attempt, words = _attempt(run.incident), str(error)
    watch = run.incident.watch
    is_begun = watch is not None and watch.phase is not Phase.HELD
    is_begun = is_begun and attempt is Attempt.CAP and not run.incident.is_paused
    if is_begun or run.incident.was_reported(attempt, words):
        return run.incident  # a hold that goes on as it was is tried again, or ends by itself
    announced = announce(
        run.incident, Transition.CONTAIN_FAILED, run.world, run.present, found=found
    )
    return announced.with_reported(attempt, words)
