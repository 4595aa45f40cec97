"""EventBridge and its Scheduler in virtual time: event times, rate, cron and one-time schedules.

A one-time schedule is due at the first minute boundary that is not before its time, and deleted
after that where it says so. On AWS it fires within the 60 seconds that begin at its time. What its
role may not invoke is counted as failed and not tried again, which AWS would.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions
from ministack.services import eventbridge, scheduler

from sandbox.patches.hooks import check, replace, substitute
from sandbox.timing.clock import VirtualTimeModule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.world import World

logger = logging.getLogger("sandbox.schedules")

_IN_DEFAULT_GROUP = ":schedule/default/"

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
    check(scheduler, "_at_time_epoch", ("expr",))
    _know_groups()


def _know_groups() -> None:
    """Let policies on schedules see the group that a request names, which the emulator leaves out.

    CreateSchedule and UpdateSchedule name it in the body, GetSchedule and DeleteSchedule in the
    query (EventBridge Scheduler API reference).
    """
    read = check(iam_actions, "_query_param", ("query_params", "key"))

    def resource(  # noqa: PLR0917 - as the emulator calls it
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        arn = str(original(service, method, path, headers, body, query_params, region, account_id))
        before, is_of_default, name = arn.partition(_IN_DEFAULT_GROUP)
        if service != "scheduler" or not is_of_default:
            return arn
        group = _group_in(body) or read(query_params, "groupName")
        return f"{before}:schedule/{group}/{name}" if group else arn

    original = replace(
        iam_actions,
        "extract_resource_arn",
        resource,
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
    )


def _group_in(body: bytes) -> str:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return ""
    return str(document.get("GroupName", "")) if isinstance(document, dict) else ""


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
        _make_due(key)
    if found:
        scheduler._tick_schedules()
    return len(due) + len(found)


def _make_due(key: Any) -> None:
    one = scheduler._schedules._data[key]
    if scheduler._at_time_epoch(one["ScheduleExpression"]) is None:
        scheduler._schedule_last_fired[key] = 0.0
        return
    moment = datetime.fromtimestamp(int(scheduler.time.time()), UTC)
    one["ScheduleExpression"] = f"at({moment:%Y-%m-%dT%H:%M:%S})"
    scheduler._schedule_last_fired.pop(key, None)


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
