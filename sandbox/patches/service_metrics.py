"""The metrics of SQS, EventBridge and its Scheduler that guards look at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ministack.services import sqs

from sandbox.metrics.store import dimensions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.world import World


def is_schedule(fired: Mapping[str, Any]) -> bool:
    """Whether it is a schedule of EventBridge Scheduler, which the emulator treats as a rule."""
    return "GroupName" in fired


def count_attempt(world: World, fired: Mapping[str, Any]) -> None:
    """Count that a rule or a schedule is about to invoke a target."""
    _count(world, fired, "InvocationAttemptCount" if is_schedule(fired) else "Invocations")


def count_failure(world: World, fired: Mapping[str, Any]) -> None:
    """Count that a rule or a schedule could not invoke a target.

    Nobody could confirm that an invocation which a schedule's role may not make is an error of its
    target.
    """
    _count(world, fired, "TargetErrorCount" if is_schedule(fired) else "FailedInvocations")


def _count(world: World, fired: Mapping[str, Any], metric: str) -> None:
    """Count something for a rule, or for the group of a schedule: one alone has no metric."""
    if is_schedule(fired):
        namespace, dimensions = "AWS/Scheduler", {"ScheduleGroup": fired["GroupName"]}
    else:
        namespace, dimensions = "AWS/Events", {"RuleName": fired.get("Name", "")}
        bus = fired.get("EventBusName") or "default"
        if bus != "default":
            dimensions["EventBusName"] = bus
    key = (namespace, metric, dimensions_of(dimensions))
    world.metrics.record(key, 1.0, world.clock.now(), unit="Count")


def apply(world: World) -> None:
    """Record the length of each queue once in a virtual minute."""

    def measure() -> None:
        now, at = time.time(), world.clock.now()
        for queue in list(sqs._queues._data.values()):
            arn = (queue.get("attributes") or {}).get("QueueArn", "")
            dimensions = dimensions_of({"QueueName": arn.rpartition(":")[2]})
            messages = list(queue.get("messages") or [])
            visible = sum(message.get("visible_at", 0) <= now for message in messages)
            for name, value in (("Visible", visible), ("NotVisible", len(messages) - visible)):
                key = ("AWS/SQS", f"ApproximateNumberOfMessages{name}", dimensions)
                world.metrics.record(key, float(value), at, unit="Count")

    world.on_tick.append(measure)
