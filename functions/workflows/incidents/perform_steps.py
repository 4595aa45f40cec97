"""Carrying out one step, or its inverse. Every one looks first and may be repeated."""

from typing import assert_never

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    EnableMapping,
    InverseStep,
    LimitMapping,
    PutBackLimit,
    PutBackProvisioned,
    PutBackReserved,
    PutBackScaling,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    Step,
    VersionScaling,
)
from functions.domain.errors import MappingNotFoundError, VersionNotFoundError
from functions.domain.ports import Functions


def perform(step: Step, functions: Functions) -> StepStatus:
    """Carry out a step of a containment.

    Raises
    ------
    FunctionNotFoundError, RefusedError, BusyError
        As the port does.
    """
    match step:
        case Reserve(function=function, to=to):
            functions.reserve(function, to)
            return StepStatus.DONE
        case RemoveProvisioned(function=function, qualifier=qualifier):
            functions.remove_provisioned(function, qualifier)
            return StepStatus.DONE
        case ScaleToZero(function=function, prior=prior):
            zero = VersionScaling(qualifier=prior.qualifier, minimum=0, maximum=0)
            return _scale(function, zero, functions)
        case DisableMapping():
            status, _ = _switch(step, functions, enabled=False)
            # One that invokes another function now is none of this one's any more.
            return StepStatus.GONE if status is StepStatus.CHANGED_MEANWHILE else status
        case LimitMapping():
            return _limit(step, functions)
        case _:
            assert_never(step)


def undo(
    step: InverseStep, written: tuple[int, ...], functions: Functions
) -> tuple[StepStatus, str]:
    """Carry out the inverse of a step, unless somebody else changed the thing meanwhile.

    Parameters
    ----------
    written
        Every reservation that the guard may have written: any other value is somebody else's.

    Raises
    ------
    FunctionNotFoundError, RefusedError, BusyError
        As the port does.
    """
    match step:
        case PutBackReserved(function=function, prior=prior):
            return _put_back_reserved(function, prior, written, functions)
        case PutBackScaling(function=function, prior=scaling):
            return _put_back_scaling(function, scaling, functions)
        case EnableMapping():
            return _switch(step, functions, enabled=True)
        case PutBackLimit():
            return _put_back_limit(step, functions)
        case PutBackProvisioned(function=function, qualifier=qualifier, requested=requested):
            return _put_back_provisioned(function, qualifier, requested, functions)
        case _:
            assert_never(step)


def _scale(function: str, scaling: VersionScaling, functions: Functions) -> StepStatus:
    try:
        functions.scale(function, scaling)
    except VersionNotFoundError:
        return StepStatus.GONE
    return StepStatus.DONE


def find_scaled_by_others(
    function: str, prior: VersionScaling, functions: Functions
) -> tuple[StepStatus, str] | None:
    """How a version is found that was scaled to 0 and is not any more; ``None`` if it still is.

    Raises
    ------
    FunctionNotFoundError, RefusedError, BusyError
        As the port does.
    """
    try:
        present = functions.scaling(function, prior.qualifier)
    except VersionNotFoundError:
        return StepStatus.GONE, ""
    if present == prior:
        return StepStatus.ALREADY, ""
    if not present.is_zero:
        now = f"{present.minimum} to {present.maximum} execution environments now"
        return StepStatus.CHANGED_MEANWHILE, now
    return None


def _put_back_scaling(
    function: str, prior: VersionScaling, functions: Functions
) -> tuple[StepStatus, str]:
    found = find_scaled_by_others(function, prior, functions)
    return found or (_scale(function, prior, functions), "")


def _switch(
    step: DisableMapping | EnableMapping, functions: Functions, *, enabled: bool
) -> tuple[StepStatus, str]:
    try:
        present = functions.mapping(step.uuid)
        if present.function not in ("", step.function):
            return StepStatus.CHANGED_MEANWHILE, f"it invokes {present.function} now"
        if present.enabled is enabled and not present.is_changing:
            return StepStatus.ALREADY, ""
        functions.switch_mapping(step.uuid, enabled=enabled)
    except MappingNotFoundError:
        return StepStatus.GONE, ""
    return StepStatus.DONE, ""


def _limit(step: LimitMapping, functions: Functions) -> StepStatus:
    """Limit a mapping, unless somebody has given it another limit since the snapshot."""
    try:
        present = functions.mapping(step.uuid)
        if present.function not in ("", step.function):
            return StepStatus.GONE  # it is none of this function's any more
        if present.maximum_concurrency == step.to:
            return StepStatus.ALREADY
        if present.maximum_concurrency not in (step.prior, *step.written):
            return StepStatus.CHANGED_MEANWHILE
        functions.limit_mapping(step.uuid, step.to)
    except MappingNotFoundError:
        return StepStatus.GONE
    return StepStatus.DONE


def _put_back_limit(step: PutBackLimit, functions: Functions) -> tuple[StepStatus, str]:
    try:
        present = functions.mapping(step.uuid)
        if present.function not in ("", step.function):
            return StepStatus.CHANGED_MEANWHILE, f"it invokes {present.function} now"
        limit = present.maximum_concurrency
        if limit == step.prior:
            return StepStatus.ALREADY, ""
        if limit not in step.written:
            now = "it has no limit now" if limit is None else f"its limit is {limit} now"
            return StepStatus.CHANGED_MEANWHILE, now
        functions.limit_mapping(step.uuid, step.prior)
    except MappingNotFoundError:
        return StepStatus.GONE, ""
    return StepStatus.DONE, ""


def describe_reservation(present: int | None) -> str:
    """What somebody else has set, in words."""
    return "nothing is reserved now" if present is None else f"{present} are reserved now"


def _put_back_reserved(
    function: str, prior: int | None, written: tuple[int, ...], functions: Functions
) -> tuple[StepStatus, str]:
    present = functions.reserved_concurrency(function)
    if present == prior:
        return StepStatus.ALREADY, ""
    if present not in written:
        return StepStatus.CHANGED_MEANWHILE, describe_reservation(present)
    if prior is None:
        functions.unreserve(function)
    else:
        functions.reserve(function, prior)
    return StepStatus.DONE, ""


def _put_back_provisioned(
    function: str, qualifier: str, requested: int, functions: Functions
) -> tuple[StepStatus, str]:
    present = {one.qualifier: one.requested for one in functions.provisioned(function)}
    if present.get(qualifier) == requested:
        return StepStatus.ALREADY, ""
    if qualifier in present:
        return StepStatus.CHANGED_MEANWHILE, f"{present[qualifier]} are provisioned now"
    try:
        functions.put_provisioned(function, qualifier, requested)
    except VersionNotFoundError:
        return StepStatus.GONE, ""
    return StepStatus.DONE, ""
