"""Which mappings are disabled because the guard holds their functions."""

from dataclasses import replace

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.steps.held_mappings import list_held_mappings
from tests.unit.domain.notices.samples.account import QUEUE_MAPPING, STREAM_MAPPING
from tests.unit.domain.notices.samples.stops import contained


def test_what_a_restore_enables_again_is_held() -> None:
    """Of open incidents that hold something; what is given back already is not."""
    incident = contained()
    step = next(
        one.step
        for one in incident.steps
        if isinstance(one.step, DisableMapping) and one.step.uuid == QUEUE_MAPPING
    )
    given_back = incident.with_restored(step, StepStatus.DONE)

    assert list_held_mappings((incident,)) == {STREAM_MAPPING, QUEUE_MAPPING}
    assert list_held_mappings((given_back,)) == {STREAM_MAPPING}
    assert not list_held_mappings((replace(incident, state=IncidentState.RESTORED),))
