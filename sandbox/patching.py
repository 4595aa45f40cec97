"""Applies all patches to the emulator, which is imported with this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack import app

from sandbox.control import with_control
from sandbox.patches import cloudformation, lambda_actions, lists
from sandbox.patches.events import mail, schedules, stack_trail, trail
from sandbox.patches.functions import (
    asynchronous,
    concurrency,
    execution_role,
    kept_workers,
    lambda_api,
    late_concurrency,
    unpacked_once,
)
from sandbox.patches.limits import faults, rates, sizes
from sandbox.patches.mappings import mapping_limits, next_minute, slow_mappings, twice
from sandbox.patches.metrics import (
    alarms,
    cloudwatch_api,
    lambda_metrics,
    queue_metrics,
    service_metrics,
    table_metrics,
)
from sandbox.patches.permissions import credentials, identity, late_iam

if TYPE_CHECKING:
    from sandbox.world import World


def apply_all(world: World) -> Any:
    """Patch the imported emulator, start what runs in the background, return the application."""
    lambda_metrics.apply(world)
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
