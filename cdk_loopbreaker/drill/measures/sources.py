"""Measures of queues and event source mappings, with the healthy function."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.errors import get_words
from cdk_loopbreaker.drill.measures.context import judge, leave
from cdk_loopbreaker.drill.model import Helper
from functions.aws.runtime.errors import get_code

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.measures.context import MeasureContext
    from cdk_loopbreaker.drill.model import Finding

_LONGEST_SECONDS: Final = 90.0
_MOST_MINUTES: Final = 10.0
_POLL_SECONDS: Final = 2.0
_MESSAGES: Final = 20
_DEPTH_SECONDS: Final = 60.0
_DEPTH: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_POLLS_PER_MINUTE: Final = (10.0, 20.0)
_IDLE_MINUTES: Final = 5


def measure_mapping(context: MeasureContext) -> tuple[Finding, ...]:
    """How long a mapping takes to be disabled and enabled."""
    (mapping,) = context.functions.read_mappings(Helper.HEALTHY)
    uuid = str(mapping["UUID"])
    disabling, refusal = _switch(context, uuid, is_enabled=False)
    context.note("A second change of a mapping while the first is under way", refusal or "accepted")
    enabling, _ = _switch(context, uuid, is_enabled=True)
    text = f"disabled after {_format(disabling)}, enabled after {_format(enabling)}"
    context.note("Event source mapping", text)
    is_soon = all(one is not None and one <= _LONGEST_SECONDS for one in (disabling, enabling))
    return (judge("A-017", is_confirmed=is_soon, text=text),)


def measure_depth(context: MeasureContext) -> tuple[Finding, ...]:
    """How exact the depth of a queue is that nothing polls."""
    stage = context.stage
    (mapping,) = context.functions.read_mappings(Helper.HEALTHY)
    uuid = str(mapping["UUID"])
    _switch(context, uuid, is_enabled=False)
    try:
        return (_measure_depth(context),)
    finally:
        _switch(context, uuid, is_enabled=True)
        stage.wait_for(lambda: _read_depth(context) == 0, _MOST_MINUTES)


def _switch(context: MeasureContext, uuid: str, *, is_enabled: bool) -> tuple[float | None, str]:
    """Seconds that a change takes, and what AWS says of another one meanwhile."""
    stage = context.stage
    client, wanted = stage.clients.once("lambda"), "Enabled" if is_enabled else "Disabled"
    began = stage.clock.now()
    client.update_event_source_mapping(UUID=uuid, Enabled=is_enabled)
    refusal = ""
    try:
        client.update_event_source_mapping(UUID=uuid, Enabled=is_enabled)
    except Exception as error:
        if not get_code(error):
            raise
        refusal = get_words(error)
    is_done = stage.wait_for(
        lambda: client.get_event_source_mapping(UUID=uuid)["State"] == wanted,
        _MOST_MINUTES,
        poll_seconds=_POLL_SECONDS,
    )
    return ((stage.clock.now() - began).total_seconds() if is_done else None), refusal


def _measure_depth(context: MeasureContext) -> Finding:
    stage = context.stage
    before = _read_depth(context)
    context.functions.send_healthy(_MESSAGES, 0.0)
    began = stage.clock.now()
    is_exact = stage.wait_for(
        lambda: _read_depth(context) == before + _MESSAGES, 2.0, poll_seconds=_POLL_SECONDS
    )
    took = (stage.clock.now() - began).total_seconds()
    text = (
        f"{_MESSAGES} messages showed in the depth {took:.0f} s after they were sent"
        if is_exact
        else f"2 min after {_MESSAGES} messages the depth was {_read_depth(context) - before}"
    )
    return judge("A-035", is_confirmed=is_exact and took <= _DEPTH_SECONDS, text=text)


def _read_depth(context: MeasureContext) -> int:
    found: Any = context.stage.clients("sqs").get_queue_attributes(
        QueueUrl=context.functions.find_queue(Helper.HEALTHY.value), AttributeNames=list(_DEPTH)
    )
    return sum(int(found["Attributes"][one]) for one in _DEPTH)


def measure_empty_polls(context: MeasureContext) -> tuple[Finding, ...]:
    """How often Lambda asks a queue that is empty."""
    stage, now = context.stage, context.stage.clock.now()
    found = stage.clients("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="NumberOfEmptyReceives",
        Dimensions=[{"Name": "QueueName", "Value": stage.names.resource("healthy")}],
        StartTime=context.created_at - timedelta(minutes=1),
        EndTime=now,
        Period=60,
        Statistics=["Sum"],
    )
    sums = sorted(one["Sum"] for one in found["Datapoints"])
    if len(sums) < _IDLE_MINUTES:
        return (leave("A-046", f"CloudWatch has {len(sums)} minutes of the queue so far"),)
    median = sums[len(sums) // 2]
    least, most = _POLLS_PER_MINUTE
    return (
        judge(
            "A-046",
            is_confirmed=least <= median <= most,
            text=f"{median:.0f} times a minute, the median of {len(sums)} minutes",
        ),
    )


def _format(seconds: float | None) -> str:
    return f"more than {_MOST_MINUTES:.0f} min" if seconds is None else f"{seconds:.0f} s"
