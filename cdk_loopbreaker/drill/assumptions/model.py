"""What an assumption about AWS is: its id, what rests on it, and how a drill measures it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MeasureName(StrEnum):
    """What a drill measures: `cdk_loopbreaker.drill.measures.registry` has the code of each."""

    ASYNC_EVENTS = "async-events"
    CONDITIONAL_WRITES = "conditional-writes"
    DAY_PERIOD = "day-period"
    DESCRIPTION_UPDATE = "description-update"
    EMPTY_POLLS = "empty-polls"
    EVENT_PATTERNS = "event-patterns"
    GRAPH_LATENCY = "graph-latency"
    IAM_PROPAGATION = "iam-propagation"
    INSIGHTS_LABELS = "insights-labels"
    MAPPING_TRANSITIONS = "mapping-transitions"
    METRIC_DELAYS = "metric-delays"
    METRICS_WITHOUT_DIMENSION = "metrics-without-dimension"
    POLICY_SIMULATION = "policy-simulation"
    PROVISIONED_REFUSALS = "provisioned-refusals"
    QUEUE_DEPTH = "queue-depth"
    RESERVATION_IN_FORCE = "reservation-in-force"
    SESSION_NAME = "session-name"
    STACK_CREATION = "stack-creation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A behaviour of AWS that the code relies on and that nobody could confirm.

    Attributes
    ----------
    id
        As it stands beside `UNCONFIRMED` in the code, such as ``A-017``.
    claim
        What is assumed.
    files
        Where the mark is, from the root of the project.
    if_wrong
        What happens then, and why that is harmless.
    measure
        What of a drill measures it; ``None`` where `reason` says why nothing does.
    reason
        Why a drill cannot measure it; empty where it does.
    """

    id: str
    claim: str
    files: tuple[str, ...]
    if_wrong: str
    measure: MeasureName | None = None
    reason: str = ""
