"""AWS/Lambda metrics for every way in which a function is invoked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch, lambda_svc

from sandbox.metrics import embedded
from sandbox.patches.functions import durations
from sandbox.patches.hooks import replace

if TYPE_CHECKING:
    from sandbox.world import World


def apply(world: World) -> None:
    """Book each execution where all paths meet: at the dispatch to an executor."""
    durations.apply()

    def dispatch(
        func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> Any:
        name = config.get("FunctionName", "unknown")
        _measure_age(world, name, event)
        start = world.invocations.started(name)
        durations.begin()
        is_error = True
        try:
            result = original(func, config, event, request_id, started)
            is_error = bool(isinstance(result, dict) and result.get("error"))
            embedded.ingest(world.metrics, result.get("log") or "", world.clock.now())
            return result
        finally:
            seconds = durations.seconds()
            world.invocations.finished(name, start, seconds=seconds, is_error=is_error)

    original = replace(
        lambda_svc,
        "_execute_function_dispatch",
        dispatch,
        ("func", "config", "event", "request_id", "started"),
    )

    # The emulator's own counting knows the Invoke API only, and would count that twice.
    replace(
        lambda_svc,
        "_emit_lambda_metrics",
        lambda function_name, duration_ms, error, throttle: None,  # noqa: ARG005
        ("function_name", "duration_ms", "error", "throttle"),
    )

    def record_metric(
        namespace: str,
        metric_name: str,
        value: float,
        unit: str = "None",
        dimensions: dict[str, str] | None = None,
    ) -> None:
        function = (dimensions or {}).get("FunctionName")
        if namespace == "AWS/Lambda" and function:
            world.invocations.emit(metric_name, function, value)
            return
        key = (namespace, metric_name, tuple(sorted((dimensions or {}).items())))
        world.metrics.record(key, float(value), world.clock.now(), unit=unit)

    replace(
        cloudwatch,
        "record_metric",
        record_metric,
        ("namespace", "metric_name", "value", "unit", "dimensions"),
    )


def _measure_age(world: World, function: str, event: Any) -> None:
    """Record the age of the last record when a batch from a stream is handed over.

    It is known by its shape: who invokes a function with such an event by hand is taken for a
    stream. DynamoDB writes whole real seconds into its records, so an age may be that much, in
    virtual time, too high.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    last = records[-1] if isinstance(records, list) and records else None
    if not isinstance(last, dict):
        return
    match last:
        case {"eventSource": "aws:kinesis", "kinesis": {"approximateArrivalTimestamp": arrived}}:
            pass
        case {"eventSource": "aws:dynamodb", "dynamodb": {"ApproximateCreationDateTime": arrived}}:
            pass
        case _:
            return
    age = max(0.0, time.time() - float(arrived)) * world.clock.speed
    world.count(
        "AWS/Lambda", "IteratorAge", age * 1000.0, unit="Milliseconds", FunctionName=function
    )
