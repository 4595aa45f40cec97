"""Applies all patches to the emulator, which is imported with this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack import app

from sandbox.control import with_control
from sandbox.patches import (
    alarms,
    asynchronous,
    cloudformation,
    cloudwatch_api,
    concurrency,
    credentials,
    execution_role,
    faults,
    identity,
    kept_workers,
    lambda_actions,
    lambda_api,
    late_concurrency,
    late_iam,
    lists,
    mail,
    mapping_limits,
    metrics,
    next_minute,
    queue_metrics,
    rates,
    schedules,
    service_metrics,
    sizes,
    slow_mappings,
    stack_trail,
    table_metrics,
    trail,
    twice,
    unpacked_once,
)

if TYPE_CHECKING:
    from sandbox.world import World


def apply_all(world: World) -> Any:
    """Patch the imported emulator, start what runs in the background, return the application."""
    metrics.apply(world)
    kept_workers.apply()
    unpacked_once.apply()
    desk = alarms.apply(world)
    cloudwatch_api.apply(world, alarms.operations(desk, world))
    queue = asynchronous.apply(world)
    twice.apply(world)
    concurrency.apply(world)
    next_minute.apply(world)
    schedules.apply(world)
    mail.apply(world)
    lambda_api.apply(world)
    late_concurrency.apply(world)
    mapping_limits.apply(world)
    slow_mappings.apply(world)
    cloudformation.apply(world)
    credentials.apply(world)
    rights = late_iam.apply(world)
    execution_role.apply(world, rights.is_settled)
    lambda_actions.apply(world)
    identity.apply(world)
    trail.apply(world)
    stack_trail.apply(world)
    lists.apply(world)
    sizes.apply(world)
    service_metrics.apply(world)
    queue_metrics.apply(world)
    table_metrics.apply(world)
    faults.apply(world)
    rates.apply(world)

    queue.start()
    desk.watch.start()
    schedules.start(world)
    world.start_pacing()
    return with_control(app.app, world, queue)
