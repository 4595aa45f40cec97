"""An incident whose containment goes no further: what is in force decides what becomes of it."""

from dataclasses import replace
from datetime import datetime

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    LimitMapping,
    RemoveProvisioned,
    Reserve,
    StepOutcome,
)
from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.incidents.states import IncidentState


def leave_as_found(incident: Incident, present: int | None, now: datetime) -> Incident:
    """The incident after a containment that goes no further, by what is in force now.

    Nothing else drops a snapshot, and this only where nothing of the guard's can be in force:
    what is reserved was read and is not the guard's, and nothing beside it is left.

    Parameters
    ----------
    present
        What is reserved, as just read.

    Returns
    -------
    Incident
        Contained or capped where the guard's reservation is in force, capped as well where a hold
        pauses its mappings and the stop did not come to be, released where something else may be
        in force, else as if nothing had been changed.
    """
    free = replace(incident.unleased(), probation=None)
    if present is not None and present in incident.ours:
        # A hold reserves 0 for what polls streams, and is no stop for that.
        is_held = present or incident.is_hold
        state = IncidentState.CAPPED if is_held else IncidentState.CONTAINED
        step = Reserve(function=incident.function, to=present, prior=incident.prior)
        done = StepOutcome(step=step, status=StepStatus.DONE)
        held = _forget_put_back(replace(free.to(state, now), target=present))
        held = held.with_step(done).holding_since(now)
        return _as_held(held) if state is IncidentState.CAPPED else held
    if incident.state is IncidentState.CONTAINING and is_held_by_pause(incident):
        steps = tuple(one for one in incident.steps if not isinstance(one.step, Reserve))
        return _as_held(replace(free.to(IncidentState.CAPPED, now), steps=steps, target=None))
    if incident.left_beside:
        released = free.to(IncidentState.RELEASED, now)
        found = FoundReservation(reserved_concurrency=present)
        return replace(released, released_at=released.updated_at, released_to=found)
    return replace(
        free.to(IncidentState.NOTIFIED, now),
        snapshot=None,
        steps=(),
        target=None,
        written=(),
        contained_at=None,
        stopped_at=None,
        watch=None,
        is_shown=False,
    )


def is_held_by_pause(incident: Incident) -> bool:
    """Whether a hold pauses its event source mappings, whatever is to follow it."""
    watch = incident.watch
    is_pause = watch is not None and watch.plan.levers == (Lever.PAUSE,)
    return is_pause and any(
        isinstance(one.step, DisableMapping | LimitMapping) for one in incident.left_beside
    )


def _as_held(incident: Incident) -> Incident:
    """The incident with the decision that its hold rests on: the one to stop it is not in force."""
    if incident.watch is None or incident.is_hold:
        return incident
    decided = DecisionReason.SHOWN if incident.is_shown else DecisionReason.SUSPECTED
    return replace(incident, decided=decided)


def _forget_put_back(incident: Incident) -> Incident:
    """Without the provisioned concurrency, once all of it is back: it may change from here."""
    left = tuple(one for one in incident.left_beside if isinstance(one.step, RemoveProvisioned))
    if left or incident.snapshot is None:
        return incident
    steps = tuple(one for one in incident.steps if not isinstance(one.step, RemoveProvisioned))
    return replace(incident, steps=steps, snapshot=replace(incident.snapshot, provisioned=None))
