"""Every measure of a live drill, and what it found about each assumption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.assumptions.catalogue import ASSUMPTIONS, list_measured_by
from cdk_loopbreaker.drill.assumptions.model import MeasureName
from cdk_loopbreaker.drill.errors import get_words
from cdk_loopbreaker.drill.measures.context import leave
from cdk_loopbreaker.drill.measures.deployment import (
    measure_creation,
    measure_graph,
    measure_writes,
)
from cdk_loopbreaker.drill.measures.invocation import (
    measure_async_events,
    measure_description_update,
    measure_provisioned,
    measure_reservation,
    measure_session_name,
)
from cdk_loopbreaker.drill.measures.patterns import measure_patterns
from cdk_loopbreaker.drill.measures.policies import measure_propagation, measure_simulation
from cdk_loopbreaker.drill.measures.series import (
    measure_day,
    measure_delays,
    measure_labels,
    measure_without_dimension,
)
from cdk_loopbreaker.drill.measures.sources import (
    measure_depth,
    measure_empty_polls,
    measure_mapping,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cdk_loopbreaker.drill.measures.context import MeasureContext
    from cdk_loopbreaker.drill.model import Finding

# In this order: what takes the probe's reservation away comes after what asks it.
MEASURES: Final[Mapping[MeasureName, Callable[[MeasureContext], tuple[Finding, ...]]]] = {
    MeasureName.STACK_CREATION: measure_creation,
    MeasureName.GRAPH_LATENCY: measure_graph,
    MeasureName.CONDITIONAL_WRITES: measure_writes,
    MeasureName.EVENT_PATTERNS: measure_patterns,
    MeasureName.POLICY_SIMULATION: measure_simulation,
    MeasureName.SESSION_NAME: measure_session_name,
    MeasureName.IAM_PROPAGATION: measure_propagation,
    MeasureName.DESCRIPTION_UPDATE: measure_description_update,
    MeasureName.RESERVATION_IN_FORCE: measure_reservation,
    MeasureName.PROVISIONED_REFUSALS: measure_provisioned,
    MeasureName.ASYNC_EVENTS: measure_async_events,
    MeasureName.MAPPING_TRANSITIONS: measure_mapping,
    MeasureName.QUEUE_DEPTH: measure_depth,
    MeasureName.METRIC_DELAYS: measure_delays,
    MeasureName.METRICS_WITHOUT_DIMENSION: measure_without_dimension,
    MeasureName.DAY_PERIOD: measure_day,
    MeasureName.INSIGHTS_LABELS: measure_labels,
    MeasureName.EMPTY_POLLS: measure_empty_polls,
}


AFTER_THE_LOOPS: Final = frozenset(
    {
        MeasureName.GRAPH_LATENCY,
        MeasureName.METRIC_DELAYS,
        MeasureName.METRICS_WITHOUT_DIMENSION,
        MeasureName.DAY_PERIOD,
        MeasureName.INSIGHTS_LABELS,
        MeasureName.EMPTY_POLLS,
    }
)


def measure(context: MeasureContext, names: Iterable[MeasureName]) -> tuple[Finding, ...]:
    """What some measures found; one that fails keeps no other from being taken."""
    found: list[Finding] = []
    for name in names:
        context.stage.say(f"Measuring: {name}")
        try:
            found += MEASURES[name](context)
        except Exception as error:  # noqa: BLE001 - what is refused is stated in the report
            found += [leave(one.id, get_words(error)) for one in list_measured_by(name)]
    return tuple(found)


def complete(found: Iterable[Finding], why: str) -> tuple[Finding, ...]:
    """A finding for each assumption, in the order of their ids.

    Parameters
    ----------
    why
        Why one was not measured that a drill can measure.
    """
    by_id = {one.id: one for one in found}
    return tuple(by_id.get(one.id) or leave(one.id, one.reason or why) for one in ASSUMPTIONS)
