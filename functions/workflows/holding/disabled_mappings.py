"""Mappings that the guard had let go, and that somebody has disabled since."""

from contextlib import suppress
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping
from functions.domain.errors import MappingNotFoundError
from functions.domain.incidents.incident import Incident
from functions.domain.ports import Functions

_ENABLED: Final = frozenset({StepStatus.DONE, StepStatus.ALREADY})


def find_disabled_by_others(incident: Incident, functions: Functions) -> frozenset[str]:
    """The mappings that stay disabled, because a person wants that.

    Raises
    ------
    RefusedError, BusyError
        As the port does.
    """
    found = set()
    for outcome in incident.steps:
        step = outcome.step
        if isinstance(step, DisableMapping) and outcome.restored in _ENABLED:
            with suppress(MappingNotFoundError):
                present = functions.mapping(step.uuid)
                if not present.enabled and not present.is_changing:
                    found.add(step.uuid)
    return frozenset(found)
