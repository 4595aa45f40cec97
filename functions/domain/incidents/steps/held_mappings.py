"""Event source mappings that are disabled because the guard holds their functions."""

from collections.abc import Iterable

from functions.domain.changes.steps import DisableMapping
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import HOLDING_STATES


def list_held_mappings(incidents: Iterable[Incident]) -> frozenset[str]:
    """Ids of the mappings that a restore enables again.

    For the event graph they are enabled: that the guard has disabled them is no fix of a loop.
    """
    return frozenset(
        one.step.uuid
        for incident in incidents
        if incident.state in HOLDING_STATES
        for one in incident.left_beside
        if isinstance(one.step, DisableMapping)
    )
