"""EventBridge and its Scheduler in virtual time: event times, rate and cron schedules."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

from ministack.services import eventbridge, scheduler

from sandbox.clock import VirtualTimeModule
from sandbox.patches.hooks import check, replace, substitute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.world import World

logger = logging.getLogger("sandbox.schedules")

_quantised = threading.local()


def apply(world: World) -> None:
    """Give EventBridge the sandbox's clock and tick its schedules on minute boundaries."""

    def now() -> float:
        fixed: float | None = getattr(_quantised, "now", None)
        return world.clock.now() if fixed is None else fixed

    replace(eventbridge, "_now_ts", now, ())
    substitute(scheduler, "time", _Time(world, now), type(time))
    # The emulator's own loops sleep in real seconds.
    replace(eventbridge, "_scheduler_loop", lambda: None, ())
    replace(scheduler, "_ticker_loop", lambda: None, ())
    check(eventbridge, "_tick_scheduled_rules", ())
    check(scheduler, "_tick_schedules", ())


class _Time(VirtualTimeModule):
    """The ``time`` of EventBridge Scheduler: the same moments as those of rules."""

    def __init__(self, world: World, now: Callable[[], float]) -> None:
        super().__init__(world.clock)
        self._now = now

    def time(self) -> float:
        """See `time.time`."""
        return self._now()


@contextlib.contextmanager
def at_moment(moment: float) -> Iterator[None]:
    """Let what this thread publishes meanwhile bear a time of its own."""
    before = getattr(_quantised, "now", None)
    _quantised.now = moment
    try:
        yield
    finally:
        _quantised.now = before


def fire(name: str) -> int:
    """Let rules and schedules of a name be due at once; how many have it."""
    due = [key for key, rule in list(eventbridge._rules._data.items()) if rule.get("Name") == name]
    for key in due:
        eventbridge._rule_last_fired[key] = 0.0
    if due:
        eventbridge._tick_scheduled_rules()
    found = [key for key, one in list(scheduler._schedules._data.items()) if one["Name"] == name]
    for key in found:
        scheduler._schedule_last_fired[key] = 0.0
    if found:
        scheduler._tick_schedules()
    return len(due) + len(found)


def start(world: World) -> threading.Thread:
    """Fire the schedules in the background until the world stops."""
    ticked = [world.clock.minute() * 60]

    def unfinished() -> list[int]:
        boundary = world.clock.minute() * 60
        return [boundary] if ticked[-1] < boundary else []

    def run() -> None:
        while True:
            boundary = (world.clock.minute() + 1) * 60
            if not world.clock.wait_until(boundary, world.stop):
                return
            _quantised.now = float(boundary)
            try:
                eventbridge._tick_scheduled_rules()
                scheduler._tick_schedules()
            except Exception:
                logger.exception("the schedules of %s failed", boundary)
            ticked[0] = boundary

    world.unfinished.append(unfinished)
    thread = threading.Thread(target=run, name="sandbox-schedules", daemon=True)
    thread.start()
    return thread
