"""Bringing the next step of a probation about. Resumes wherever it stopped."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from functions.domain.changes.outcome import UNFINISHED, StepStatus
from functions.domain.changes.steps import DisableMapping, LimitMapping, Reserve
from functions.domain.errors import BusyError, RefusedError
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.probation.record import Probation, ProbationPhase
from functions.domain.probation.steps import keep_held, plan_undoing
from functions.workflows.holding.way_back import restore_way_back
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.execution import Execution

# After the time that a probation takes at most: by then a pulse would have ended it.
ENDS_AFTER: Final = timedelta(minutes=10)


def move_probation(run: Execution, probation: Probation) -> Incident:
    """Carry out the steps of a probation that are written down, and record that they are in force.

    Parameters
    ----------
    run
        Of an incident in `CAPPING`.

    Raises
    ------
    FunctionNotFoundError, LedgerUnavailableError, StaleIncidentError
        As the ports do.
    """
    try:
        if probation.phase is ProbationPhase.LET_GO:
            _let_go(run, probation)
        else:
            _hold_again(run)
    except RefusedError as refusal:
        return _give_way(run, probation, refusal)
    except BusyError:
        return run.save(run.incident.unleased())  # the next pulse goes on
    present = max(run.present, run.incident.updated_at)
    moved = replace(run.incident, probation=probation.in_force(present))
    moved = moved.accepted(Attempt.CAP).to(IncidentState.CAPPED, present).unleased()
    if not probation.is_announced:
        moved = announce(moved, Transition.PROBATION, run.world, present)
    return deliver(run.save(moved), run.world, present)


def _let_go(run: Execution, probation: Probation) -> None:
    """Limit what polls a queue, reserve, then let mappings go: nothing runs free in between.

    What ends the probation if `contain` is gone by then is made before anything is let go.
    """
    run.take()
    until = max(probation.ends_at + ENDS_AFTER, run.present)
    run.world.way_back.schedule(run.incident.id, run.incident.function, until)
    for outcome in run.incident.steps:
        if isinstance(outcome.step, LimitMapping) and outcome.status in UNFINISHED:
            run.carry_out(outcome.step)
    for outcome in run.incident.steps:
        if isinstance(outcome.step, Reserve) and outcome.status in UNFINISHED:
            run.carry_out(outcome.step)
    for outcome in run.incident.steps:
        step = outcome.step
        if isinstance(step, DisableMapping) and outcome.restored is StepStatus.PLANNED:
            run.begin_to_take_back(step)
            status, detail = run.undo(step)
            run.record_taken_back(run.incident.with_restored(step, status, detail), step)


def _hold_again(run: Execution) -> None:
    """The reservation first: it takes seconds, a mapping up to a minute and a half."""
    for kind in (Reserve, DisableMapping):
        for outcome in run.incident.steps:
            if isinstance(outcome.step, kind) and outcome.status in UNFINISHED:
                run.carry_out(outcome.step)


def _give_way(run: Execution, probation: Probation, refusal: RefusedError) -> Incident:
    """AWS refused a step. At its beginning all is as before; later it is tried again.

    People are notified once of what AWS said.
    """
    present, words = run.present, str(refusal)
    is_begun = probation.let_go_at is not None
    if not is_begun:
        _put_back_what_began(run)
    incident = run.incident.refused(Attempt.CAP, run.present)
    if not incident.was_reported(Attempt.CAP, words):
        incident = announce(
            incident, Transition.PROBATION_REFUSED, run.world, present, detail=words
        ).with_reported(Attempt.CAP, words)
    if is_begun:
        if probation.phase is ProbationPhase.LET_GO:  # what is let go is watched on
            incident = keep_held(incident).to(IncidentState.CAPPED, present)
        return deliver(run.save(incident.unleased()), run.world, present)
    state = IncidentState.CONTAINED if probation.was_stopped else IncidentState.CAPPED
    left = replace(incident.to(state, present).unleased(), probation=None)
    restore_way_back(left, run.world, present)
    return deliver(run.save(left), run.world, present)


def _put_back_what_began(run: Execution) -> None:
    """Hold again what was let go before the refusal; nothing, where the first step was refused."""
    changed = run.save(plan_undoing(run.incident).leased(run.present))
    for outcome in changed.steps:
        step = outcome.step
        if outcome.status not in UNFINISHED or not isinstance(step, Reserve | DisableMapping):
            continue
        if isinstance(step, Reserve) and _is_in_force(run, step):
            run.save(run.incident.with_outcome(step, StepStatus.DONE))
            continue
        with suppress(RefusedError, BusyError):
            run.carry_out(step)


def _is_in_force(run: Execution, step: Reserve) -> bool:
    """Whether what was found is reserved still; so it is taken to be where AWS does not answer."""
    try:
        return run.world.functions.reserved_concurrency(step.function) == step.to
    except (RefusedError, BusyError):
        return True
