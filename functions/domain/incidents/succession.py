"""A new incident for a function whose former one is not quite over."""

from contextlib import suppress
from dataclasses import replace

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    EventSourceMapping,
    LimitMapping,
    MappingStep,
    ProvisionedConcurrency,
    RemoveProvisioned,
    ScaleToZero,
    StepOutcome,
    follow_up_steps,
)
from functions.domain.errors import VersionNotFoundError
from functions.domain.incidents.incident import Incident
from functions.domain.ports import Functions


def succeed(old: Incident, new: Incident, functions: Functions) -> Incident:
    """The incident `new`, with what `old` changed and nobody has put back since.

    What was there before is what was there before the guard's *first* change: a mapping that is
    disabled because `old` disabled it counts as enabled, and one that `old` limited has the limit
    that it had before that. Such a limit stays, and is undone with the rest; so does a version that
    `old` scaled to 0.
    """
    new = _with_scaling(old, new, functions)
    if new.snapshot is None or not _has_surroundings(old):
        return new
    provisioned = _select_provisioned(old, functions.provisioned(old.function))
    present = functions.mappings(old.function)
    limits = _collect_limits(old, present)
    mappings = _select_mappings(old, limits, present)
    # What was removed for the new stop was there after what the old one removed.
    removed = {one.qualifier: one for one in new.snapshot.provisioned or ()}
    kept = (one for one in provisioned if one.qualifier not in removed)
    provisioned = (*kept, *removed.values())
    snapshot = replace(new.snapshot, provisioned=provisioned, mappings=mappings)
    new = replace(new, snapshot=snapshot)
    for step in follow_up_steps(new.function, provisioned, mappings):
        new = new.with_step(StepOutcome(step=step))
    for limit in limits.values():
        new = new.with_step(StepOutcome(step=limit, status=StepStatus.DONE))
    return new


def _with_scaling(old: Incident, new: Incident, functions: Functions) -> Incident:
    """The new incident with the versions that `old` scaled to 0 and that still are."""
    if new.snapshot is None:
        return new
    taken = {
        one.step.prior.qualifier: one.step
        for one in old.left_beside
        if isinstance(one.step, ScaleToZero) and _is_at_zero(one.step, functions)
    }
    present = (one for one in new.snapshot.scaling if one.qualifier not in taken)
    scaling = (*present, *(one.prior for one in taken.values()))
    new = replace(new, snapshot=replace(new.snapshot, scaling=scaling))
    for step in taken.values():
        new = new.with_step(StepOutcome(step=step, status=StepStatus.DONE))
    return new


def _is_at_zero(step: ScaleToZero, functions: Functions) -> bool:
    with suppress(VersionNotFoundError):
        return functions.scaling(step.function, step.prior.qualifier).is_zero
    return False


def _has_surroundings(incident: Incident) -> bool:
    return any(isinstance(one.step, MappingStep | RemoveProvisioned) for one in incident.steps)


def _select_provisioned(
    old: Incident, present: tuple[ProvisionedConcurrency, ...]
) -> tuple[ProvisionedConcurrency, ...]:
    there = {one.qualifier for one in present}
    ours = tuple(
        ProvisionedConcurrency(qualifier=one.step.qualifier, requested=one.step.prior)
        for one in old.left_beside
        if isinstance(one.step, RemoveProvisioned) and one.step.qualifier not in there
    )
    return (*present, *ours)


def _collect_limits(
    old: Incident, present: tuple[EventSourceMapping, ...]
) -> dict[str, LimitMapping]:
    """By mapping, the limits of the guard's that are in force."""
    found = {one.uuid: one.maximum_concurrency for one in present}
    return {
        one.step.uuid: one.step
        for one in old.left_beside
        if isinstance(one.step, LimitMapping) and found.get(one.step.uuid) in one.step.written
    }


def _select_mappings(
    old: Incident, limits: dict[str, LimitMapping], present: tuple[EventSourceMapping, ...]
) -> tuple[EventSourceMapping, ...]:
    ours = {one.step.uuid for one in old.left_beside if isinstance(one.step, DisableMapping)}
    return tuple(
        replace(
            one,
            enabled=one.enabled or one.uuid in ours,
            maximum_concurrency=(
                limits[one.uuid].prior if one.uuid in limits else one.maximum_concurrency
            ),
        )
        for one in present
    )
