"""Provisioned concurrency that stands in the way of a reservation, and may be requested anew."""

from dataclasses import replace

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    ProvisionedConcurrency,
    RemoveProvisioned,
    StepOutcome,
    follow_up_steps,
)
from functions.domain.incidents.incident import Incident


def add_removed(
    incident: Incident, removed: tuple[ProvisionedConcurrency, ...], *, is_newest: bool
) -> Incident:
    """The incident with provisioned concurrency that is known to have been removed.

    Parameters
    ----------
    is_newest
        Whether that was later than what is written already, which it replaces then.
    """
    known = {
        one.step.qualifier: one.step.prior
        for one in incident.steps
        if isinstance(one.step, RemoveProvisioned)
    }
    added = tuple(
        one
        for one in removed
        if one.qualifier not in known or (is_newest and known[one.qualifier] != one.requested)
    )
    if not added or incident.snapshot is None:
        return incident
    names = {one.qualifier for one in added}
    kept = (one for one in incident.snapshot.provisioned or () if one.qualifier not in names)
    changed = replace(incident, snapshot=replace(incident.snapshot, provisioned=(*kept, *added)))
    for step in follow_up_steps(incident.function, added, ()):
        changed = changed.with_step(StepOutcome(step=step, status=StepStatus.DONE))
    return changed


def plan_removal_anew(incident: Incident, found: tuple[ProvisionedConcurrency, ...]) -> Incident:
    """The incident with what was requested after the removal, to be removed once more."""
    changed = add_removed(incident, found, is_newest=True)
    for step in follow_up_steps(incident.function, found, ()):
        changed = changed.with_outcome(step, StepStatus.PLANNED)
    return changed
