"""A new incident for a function whose former one is not quite over."""

from dataclasses import replace

from functions.domain.incident import Incident
from functions.domain.plan import (
    DisableMapping,
    EventSourceMapping,
    ProvisionedConcurrency,
    RemoveProvisioned,
    StepOutcome,
    follow_up_steps,
)
from functions.domain.ports import Functions


def succeed(old: Incident, new: Incident, functions: Functions) -> Incident:
    """The incident `new`, with what `old` changed and nobody has put back since.

    What was there before is what was there before the guard's *first* change: a mapping that is
    disabled because `old` disabled it counts as enabled.
    """
    if new.snapshot is None or not _has_surroundings(old):
        return new
    provisioned = _provisioned(old, functions.provisioned(old.function))
    mappings = _mappings(old, functions.mappings(old.function))
    # What was removed for the new stop was there after what the old one removed.
    removed = {one.qualifier: one for one in new.snapshot.provisioned or ()}
    kept = (one for one in provisioned if one.qualifier not in removed)
    provisioned = (*kept, *removed.values())
    snapshot = replace(new.snapshot, provisioned=provisioned, mappings=mappings)
    new = replace(new, snapshot=snapshot)
    for step in follow_up_steps(new.function, provisioned, mappings):
        new = new.with_step(StepOutcome(step=step))
    return new


def _has_surroundings(incident: Incident) -> bool:
    return any(isinstance(one.step, DisableMapping | RemoveProvisioned) for one in incident.steps)


def _provisioned(
    old: Incident, present: tuple[ProvisionedConcurrency, ...]
) -> tuple[ProvisionedConcurrency, ...]:
    there = {one.qualifier for one in present}
    ours = tuple(
        ProvisionedConcurrency(qualifier=one.step.qualifier, requested=one.step.prior)
        for one in old.left_beside
        if isinstance(one.step, RemoveProvisioned) and one.step.qualifier not in there
    )
    return (*present, *ours)


def _mappings(
    old: Incident, present: tuple[EventSourceMapping, ...]
) -> tuple[EventSourceMapping, ...]:
    ours = {one.step.uuid for one in old.left_beside if isinstance(one.step, DisableMapping)}
    return tuple(replace(one, enabled=True) if one.uuid in ours else one for one in present)
