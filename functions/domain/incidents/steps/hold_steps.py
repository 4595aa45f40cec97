"""The steps of a hold: what is held, what of it is let go, and that it is held once more."""

from collections.abc import Collection
from dataclasses import replace

from functions.domain.changes.steps import (
    LEAST_MAPPING_LIMIT,
    MOST_MAPPING_LIMIT,
    DisableMapping,
    EventSourceMapping,
    StepOutcome,
)
from functions.domain.holding.watch import Lever, Watch
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.snapshot import Snapshot
from functions.domain.incidents.steps.limit_steps import find_prior_limit, plan_limit


def plan_hold(
    incident: Incident, watch: Watch, prior: int | None, mappings: tuple[EventSourceMapping, ...]
) -> Incident:
    """The incident with a hold written down, before anything is changed.

    Parameters
    ----------
    prior
        What is reserved.
    mappings
        Of the function, all of them.
    """
    held = replace(incident, watch=watch, is_shown=False)
    if watch.plan.levers != (Lever.PAUSE,):
        return held.with_reservation(watch.plan.cap or 0, prior)
    snapshot = held.snapshot or Snapshot(reserved_concurrency=prior)
    return replace(held, snapshot=snapshot, target=None).with_mappings(mappings)


def plan_trial(incident: Incident, watch: Watch) -> Incident:
    """The incident with the trial of its hold written down, before anything is let go.

    A mapping is limited before it is enabled again: see `is_let_go`. It never gets more than people
    have limited it to.
    """
    let_go = replace(incident, watch=watch)
    concurrency = watch.let_go_concurrency
    if not incident.is_paused or incident.snapshot is None:
        return let_go.with_reservation(concurrency, incident.prior)
    each = max(LEAST_MAPPING_LIMIT, concurrency // max(1, len(incident.stops)))
    for outcome in incident.stops:
        step = outcome.step
        if isinstance(step, DisableMapping):
            most = find_prior_limit(incident, step.uuid) or MOST_MAPPING_LIMIT
            let_go = plan_limit(let_go, step, min(each, most))
    return let_go


def plan_second_hold(incident: Incident, watch: Watch, disabled: Collection[str] = ()) -> Incident:
    """The incident with its second hold written down, before anything is held.

    Parameters
    ----------
    disabled
        Mappings that somebody has disabled during the trial: they stay as that person wants.
    """
    held = replace(incident, watch=watch)
    if not incident.is_paused:
        return held.with_reservation(watch.plan.cap or 0, incident.prior)
    for outcome in incident.stops:
        step = outcome.step
        if not (isinstance(step, DisableMapping) and step.uuid in disabled):
            held = held.with_step(StepOutcome(step=step))
    return held
