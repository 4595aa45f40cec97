"""Deliveries come at least once: in AWS's weather one in fifty comes twice, see `lateness`.

The second is the same event or message, with the same id, to the same receiver. FIFO queues drop
it, so it does not come. Asynchronous invocations come twice in `sandbox.async_queue`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ministack.services import eventbridge, sns

from sandbox.patches.hooks import replace
from sandbox.weather.lateness import Duplicates

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.world import World

_FIFO = ".fifo"


def apply(world: World) -> None:
    """Let what rules and topics deliver come twice now and then."""
    if world.settings.weather.is_calm:
        return
    duplicates = Duplicates(world.settings.weather)
    world.on_reset.append(duplicates.clear)

    def repeat(deliver: Callable[[], object], *receiver: object) -> None:
        seconds = duplicates.second_after(world.clock.now(), *receiver)
        if seconds is not None:
            world.later.after(seconds, deliver)

    def to_target(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        rule_name = rule.get("Arn") or rule.get("Name", "")
        arn = target.get("Arn", "")
        if not arn.endswith(_FIFO):
            deliver = functools.partial(original_target, target, event, rule, view)
            repeat(deliver, "rule", rule_name, arn)
        original_target(target, event, rule, view)

    original_target = replace(
        eventbridge, "_invoke_target", to_target, ("target", "event", "rule", "view")
    )

    def to_queue(endpoint: str, *arguments: Any, **named: Any) -> None:
        if not endpoint.endswith(_FIFO):
            deliver = functools.partial(original_queue, endpoint, *arguments, **named)
            repeat(deliver, "queue", endpoint)
        original_queue(endpoint, *arguments, **named)

    original_queue = replace(
        sns,
        "_deliver_to_sqs",
        to_queue,
        (
            "endpoint",
            "envelope",
            "raw",
            "raw_message",
            "message_group_id",
            "message_dedup_id",
            "message_attributes",
            "topic_arn",
        ),
    )

    def to_function(endpoint: str, *arguments: Any, **named: Any) -> None:
        deliver = functools.partial(original_function, endpoint, *arguments, **named)
        repeat(deliver, "function", endpoint)
        original_function(endpoint, *arguments, **named)

    original_function = replace(
        sns,
        "_deliver_to_lambda",
        to_function,
        (
            "endpoint",
            "envelope",
            "topic_arn",
            "sub_arn",
            "msg_id",
            "raw_message",
            "message_attributes",
        ),
    )
