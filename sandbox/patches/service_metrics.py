"""The metrics of SQS and EventBridge that guard other guards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ministack.services import sqs

from sandbox.metrics.store import dimensions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.world import World


def rule_metric(world: World, name: str, rule: Mapping[str, Any]) -> None:
    """Count something for a rule in AWS/Events."""
    dimensions = {"RuleName": rule.get("Name", "")}
    bus = rule.get("EventBusName") or "default"
    if bus != "default":
        dimensions["EventBusName"] = bus
    key = ("AWS/Events", name, dimensions_of(dimensions))
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
