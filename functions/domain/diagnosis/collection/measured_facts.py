"""What metrics tell of a function before anything is asked about it alone."""

from dataclasses import replace

from functions.domain.account.inventory import FunctionDescription
from functions.domain.diagnosis.collection.details import FunctionDetails
from functions.domain.diagnosis.collection.traffic import CLOSE_LOOK, Measured, log_group_of
from functions.domain.diagnosis.facts import FunctionUnderDiagnosis, LogGroupFacts, Traffic


def configure(function: FunctionDescription, details: FunctionDetails) -> FunctionDescription:
    """The function with the memory, timeout and tracing that one of its versions has."""
    return replace(
        function,
        memory_mb=details.memory_mb,
        timeout_seconds=details.timeout_seconds,
        tracing_mode=details.tracing_mode,
    )


def read_group(
    facts: FunctionUnderDiagnosis, measured: Measured | None, *, is_shared: bool
) -> LogGroupFacts:
    """What the metrics of a log group tell of a function."""
    group = LogGroupFacts(name=log_group_of(facts.function))
    if measured is None or measured.logged is None:
        return group
    if is_shared:
        # The others may have written it; that nobody did tells of this one, too.
        return replace(group, has_events=None if measured.logged else False)
    return replace(
        group,
        has_events=bool(measured.logged),
        exists=True if measured.logged else None,
        last_event_at=measured.logged[-1][0] if measured.logged else None,
    )


def deserves_reports(function: FunctionDescription, traffic: Traffic) -> bool:
    """Whether the REPORT lines of a function are worth reading."""
    bound = CLOSE_LOOK * 1000 * function.timeout_seconds
    longest = max(traffic.p95_duration_ms or 0.0, traffic.max_duration_ms or 0.0)
    # What runs out of memory fails, however short it runs.
    return longest >= bound or bool(traffic.errors)
