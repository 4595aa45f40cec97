"""EventBridge in virtual time: event times, rate and cron schedules."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ministack.services import eventbridge

from sandbox.patches.hooks import check, replace

if TYPE_CHECKING:
    from sandbox.world import World

logger = logging.getLogger("sandbox.schedules")

_quantised = threading.local()


def apply(world: World) -> None:
    """Give EventBridge the sandbox's clock and tick its schedules on minute boundaries."""

    def now() -> float:
        fixed: float | None = getattr(_quantised, "now", None)
        return world.clock.now() if fixed is None else fixed

    replace(eventbridge, "_now_ts", now, ())
    # The emulator's own loop sleeps in real seconds.
    replace(eventbridge, "_scheduler_loop", lambda: None, ())
    check(eventbridge, "_tick_scheduled_rules", ())


def fire(name: str) -> int:
    """Let the schedules of a rule be due at once; how many rules have the name."""
    due = [key for key, rule in list(eventbridge._rules._data.items()) if rule.get("Name") == name]
    for key in due:
        eventbridge._rule_last_fired[key] = 0.0
    if due:
        eventbridge._tick_scheduled_rules()
    return len(due)


def start(world: World) -> threading.Thread:
    """Fire the schedules in the background until the world stops."""

    def run() -> None:
        while True:
            boundary = (world.clock.minute() + 1) * 60
            if not world.clock.wait_until(boundary, world.stop):
                return
            _quantised.now = float(boundary)
            try:
                eventbridge._tick_scheduled_rules()
            except Exception:
                logger.exception("the schedules of %s failed", boundary)

    thread = threading.Thread(target=run, name="sandbox-schedules", daemon=True)
    thread.start()
    return thread
