"""Counts invocations as they start and finish, and books AWS/Lambda's metrics for them."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from sandbox.metrics.store import dimensions_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.metrics.store import MetricKey, MetricStore
    from sandbox.timing.clock import VirtualClock

NAMESPACE = "AWS/Lambda"
KEPT_SECONDS = 900


def metric_key(name: str, function: str | None = None) -> MetricKey:
    """The key of an AWS/Lambda metric, of one function or of the account."""
    return NAMESPACE, name, dimensions_of({"FunctionName": function} if function else {})


class Start(NamedTuple):
    """The start of an invocation.

    ``at`` is a virtual time in seconds since the epoch; ``clearings`` is how often the log had been
    cleared before. Moments alone cannot tell before from after: the clock may stand still.
    """

    at: float
    clearings: int


class InvocationLog:
    """Every start, end and refusal of an invocation in this sandbox.

    The metrics of an invocation are recorded when it finishes and booked to the minute in which it
    started, as on AWS. Concurrency is a gauge: what runs in a minute is recorded in that minute.
    For people who watch, the log also counts by real second.
    """

    def __init__(self, metrics: MetricStore, clock: VirtualClock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}
        self._total = 0
        self._started: deque[tuple[float, str]] = deque()
        self._counts: dict[str, int] = {}
        self._clearings = 0

    def started(self, function: str) -> Start:
        """Note a start."""
        at = self._clock.now()
        with self._lock:
            running = self._running[function] = self._running.get(function, 0) + 1
            self._total += 1
            total, clearings = self._total, self._clearings
            self._started.append((time.time(), function))
            self._counts[function] = self._counts.get(function, 0) + 1
            while self._started and self._started[0][0] < self._started[-1][0] - KEPT_SECONDS:
                self._started.popleft()
        self._gauge(function, running, total, at)
        return Start(at, clearings)

    def finished(self, function: str, start: Start, *, seconds: float, is_error: bool) -> None:
        """Note the end of an invocation that took so many real seconds."""
        now, at = self._clock.now(), start.at
        with self._lock:
            if start.clearings != self._clearings:
                return
            running, total = self._running.get(function, 0), self._total
            if running > 1:
                self._running[function] = running - 1
            else:
                self._running.pop(function, None)
            self._total = max(0, total - 1)
        if now // 60 != at // 60:
            self._gauge(function, max(1, running), max(1, total), now)
        milliseconds = seconds * 1000.0
        for owner in (function, None):
            self._metrics.record(metric_key("Invocations", owner), 1.0, at, unit="Count")
            self._metrics.record(metric_key("Errors", owner), float(is_error), at, unit="Count")
            self._metrics.record(metric_key("Throttles", owner), 0.0, at, unit="Count")
            self._metrics.record(
                metric_key("Duration", owner), milliseconds, at, unit="Milliseconds"
            )

    def refused(self, function: str) -> None:
        """Note an invocation that was throttled."""
        self.emit("Throttles", function)

    def emit(self, name: str, function: str, value: float = 1.0) -> None:
        """Record a counting metric of a function and of the account, now."""
        at = self._clock.now()
        for owner in (function, None):
            self._metrics.record(metric_key(name, owner), value, at, unit="Count")

    def tick(self) -> None:
        """Record the concurrency of what runs on into a new minute."""
        now = self._clock.now()
        with self._lock:
            running, total = dict(self._running), self._total
        for function, count in running.items():
            self._gauge(function, count, total, now)

    def _gauge(self, function: str, running: int, total: int, at: float) -> None:
        for owner, value in ((function, running), (None, total)):
            self._metrics.record(
                metric_key("ConcurrentExecutions", owner), float(value), at, unit="Count"
            )

    def running(self) -> dict[str, int]:
        """How many invocations of each function run at this moment."""
        with self._lock:
            return dict(self._running)

    def counts(self) -> dict[str, int]:
        """How many invocations of each function have started since the last reset."""
        with self._lock:
            return dict(self._counts)

    def per_second(self, seconds: int) -> dict[str, list[int]]:
        """Starts of each function in each of the last real seconds, the oldest first."""
        now = time.time()
        with self._lock:
            recent: Iterable[tuple[float, str]] = list(self._started)
        rates: dict[str, list[int]] = {}
        for at, function in recent:
            index = seconds - 1 - int(now - at)
            if 0 <= index < seconds:
                rates.setdefault(function, [0] * seconds)[index] += 1
        return rates

    def clear(self) -> None:
        """Forget the past, and what still runs of it."""
        with self._lock:
            self._started.clear()
            self._counts.clear()
            self._running.clear()
            self._total = 0
            self._clearings += 1
