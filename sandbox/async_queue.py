"""Lambda's queue of asynchronous events: retries, dead letters, destinations."""

from __future__ import annotations

import contextvars
import dataclasses
import heapq
import itertools
import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from sandbox.timing.pacing import SOON_SECONDS
from sandbox.weather.lateness import Duplicates

if TYPE_CHECKING:
    from sandbox.world import World

logger = logging.getLogger("sandbox.async")

FIRST_THROTTLE_DELAY_SECONDS = 1.0
LONGEST_THROTTLE_DELAY_SECONDS = 300.0
ERROR_DELAYS_SECONDS = (60.0, 120.0)
DEFAULT_EVENT_AGE_SECONDS = 21_600
DEFAULT_RETRIES = 2
SPARE_WORKERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncTarget:
    """What a function's settings say at this moment about asynchronous events."""

    reserved: int | None
    maximum_retries: int = DEFAULT_RETRIES
    maximum_age_seconds: int = DEFAULT_EVENT_AGE_SECONDS
    on_failure: str | None = None
    on_success: str | None = None
    dead_letter: str | None = None


@dataclass(order=True, slots=True)
class _Entry:
    due: float
    order: int
    function_arn: str = field(compare=False)
    event: Any = field(compare=False)
    accepted: float = field(compare=False)
    request_id: str = field(compare=False)
    context: contextvars.Context = field(compare=False)
    attempts: int = field(default=0, compare=False)
    throttles: int = field(default=0, compare=False)


class LambdaPort(Protocol):
    """What the queue needs of Lambda."""

    def target(self, function_arn: str) -> AsyncTarget | None:
        """The function's settings now; nothing when it is gone."""

    def execute(self, function_arn: str, event: Any, request_id: str) -> dict[str, Any]:
        """Run the function once with its present code; each attempt has the event's request id."""

    def deliver(self, arn: str, document: Any, attributes: dict[str, str]) -> None:
        """Send a failed or finished event to a queue, topic, bus or function."""

    def new_id(self) -> str:
        """A request id."""


class AsyncQueue:
    """The queue of all functions, with as many runners as the sandbox may run functions.

    A new event for a function whose reserved concurrency is 0 goes to its on-failure destination
    or dead-letter queue at once, or is dropped. An event that waits in the queue when that happens
    stays and is tried again with growing delays, as for ordinary throttling; what AWS does with
    those is not documented.

    In AWS's weather an event is handled twice now and then, under the same request id.
    """

    def __init__(self, world: World, port: LambdaPort) -> None:
        self._world = world
        self._port = port
        self._heap: list[_Entry] = []
        self._order = itertools.count()
        self._attempted: set[int] = set()
        self._wake = threading.Condition()
        self._duplicates = Duplicates(world.settings.weather)
        world.unfinished.append(self._unfinished)
        world.on_reset.append(self._forget)

    def start(self) -> None:
        """Start the runners."""
        for number in range(self._world.settings.worker_cap + SPARE_WORKERS):
            name = f"sandbox-async-{number}"
            threading.Thread(target=self._run, name=name, daemon=True).start()

    def _forget(self) -> None:
        with self._wake:
            self._heap.clear()
        self._duplicates.clear()

    def _unfinished(self) -> set[int]:
        """The events that are being handled or would be, were a runner free."""
        now = self._world.clock.now()
        with self._wake:
            waiting = {one.order for one in self._heap if one.due <= now and not one.throttles}
            return waiting | self._attempted

    def __len__(self) -> int:
        return len(self._heap)

    def submit(self, function_arn: str, function: str, event: Any) -> None:
        """Accept an event."""
        now = self._world.clock.now()
        target = self._port.target(function_arn)
        if target is None:
            logger.warning("event for %s, which does not exist", function_arn)
            return
        self._world.invocations.emit("AsyncEventsReceived", function)
        entry = _Entry(
            due=now + SOON_SECONDS,
            order=next(self._order),
            function_arn=function_arn,
            event=event,
            accepted=now,
            request_id=self._port.new_id(),
            # Carries how deep in a chain of invocations the caller is.
            context=contextvars.copy_context(),
        )
        if target.reserved == 0:
            self._world.invocations.refused(function)
            self._fail(entry, target, function, "ZeroReservedConcurrency", {})
            return
        self._push(entry)
        seconds = self._duplicates.second_after(now, "async", function)
        if seconds is not None:
            again = dataclasses.replace(
                entry,
                due=now + seconds,
                order=next(self._order),
                # A context serves one thread at a time.
                context=contextvars.copy_context(),
            )
            self._push(again)

    def _push(self, entry: _Entry) -> None:
        with self._wake:
            heapq.heappush(self._heap, entry)
            self._wake.notify()

    def _next(self) -> _Entry | None:
        clock = self._world.clock
        with self._wake:
            while not self._world.stop.is_set():
                if not self._heap:
                    self._wake.wait(1.0)
                    continue
                seconds = clock.real_seconds_until(self._heap[0].due)
                if seconds <= 0:
                    entry = heapq.heappop(self._heap)
                    self._attempted.add(entry.order)
                    return entry
                self._wake.wait(min(seconds, 1.0))
        return None

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            try:
                self._attempt(entry)
            except Exception:
                logger.exception("event for %s is lost", entry.function_arn)
            finally:
                with self._wake:
                    self._attempted.discard(entry.order)

    def _attempt(self, entry: _Entry) -> None:
        target = self._port.target(entry.function_arn)
        if target is None:
            return
        function = entry.function_arn.split(":")[6]
        waited = self._world.clock.now() - entry.accepted
        result = entry.context.run(
            self._port.execute, entry.function_arn, entry.event, entry.request_id
        )
        now = self._world.clock.now()
        if not result.get("throttle"):
            self._world.count(
                "AWS/Lambda",
                "AsyncEventAge",
                waited * 1000.0,
                unit="Milliseconds",
                FunctionName=function,
            )
        if result.get("throttle"):
            delay = min(
                FIRST_THROTTLE_DELAY_SECONDS * 2.0 ** min(entry.throttles, 10),
                LONGEST_THROTTLE_DELAY_SECONDS,
            )
            entry.throttles += 1
        elif result.get("error"):
            entry.attempts += 1
            if entry.attempts > target.maximum_retries:
                self._fail(entry, target, function, "RetriesExhausted", result)
                return
            delay = ERROR_DELAYS_SECONDS[min(entry.attempts, len(ERROR_DELAYS_SECONDS)) - 1]
        else:
            if target.on_success:
                document = self._invocation_record(entry, "Success", result)
                self._port.deliver(target.on_success, document, {})
            return
        if now + delay - entry.accepted > target.maximum_age_seconds:
            self._fail(entry, target, function, "EventAgeExceeded", result)
            return
        entry.due = now + delay
        self._push(entry)

    def _fail(
        self,
        entry: _Entry,
        target: AsyncTarget,
        function: str,
        condition: str,
        result: dict[str, Any],
    ) -> None:
        # AWS describes this metric so: what goes to a destination or a dead-letter queue is sent
        # there before it is dropped, and is counted too.
        self._world.invocations.emit("AsyncEventsDropped", function)
        if target.on_failure:
            self._port.deliver(
                target.on_failure, self._invocation_record(entry, condition, result), {}
            )
        if target.dead_letter:
            body = result.get("body")
            message = body.get("errorMessage", "") if isinstance(body, dict) else ""
            attributes = {
                "RequestID": entry.request_id,
                "ErrorCode": "200" if result else "429",
                "ErrorMessage": message or condition,
            }
            self._port.deliver(target.dead_letter, entry.event, attributes)
        if not target.on_failure and not target.dead_letter:
            logger.info("event for %s is lost: %s", function, condition)

    def _invocation_record(
        self, entry: _Entry, condition: str, result: dict[str, Any]
    ) -> dict[str, Any]:
        moment = datetime.fromtimestamp(self._world.clock.now(), UTC)
        arn = entry.function_arn
        document: dict[str, Any] = {
            "version": "1.0",
            "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "requestContext": {
                "requestId": entry.request_id,
                "functionArn": arn if arn.count(":") > 6 else f"{arn}:$LATEST",  # noqa: PLR2004
                "condition": condition,
                "approximateInvokeCount": entry.attempts + (not result.get("error")) * bool(result),
            },
            "requestPayload": entry.event,
        }
        if result and not result.get("throttle"):
            document["responseContext"] = {"statusCode": 200, "executedVersion": "$LATEST"}
            if result.get("error"):
                document["responseContext"]["functionError"] = (
                    result.get("function_error") or "Unhandled"
                )
            document["responsePayload"] = result.get("body")
        return document
