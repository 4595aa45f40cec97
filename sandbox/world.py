"""Everything a running sandbox knows beside the emulator's own state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.invocations import InvocationLog
from sandbox.metrics.store import MetricStore, dimensions_of
from sandbox.timing.clock import VirtualClock
from sandbox.timing.later import Later
from sandbox.timing.pacing import Pacer, Work
from sandbox.timing.starvation import Starvation
from sandbox.weather.faults import FaultTable
from sandbox.weather.lateness import Occurrences

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from sandbox.settings import SandboxSettings


@dataclass(slots=True)
class World:
    """The state which all patches of one sandbox share.

    ``traces`` counts the traces that reached X-Ray, by function; ``memory_used_mb`` is what
    functions are to report as used; ``are_rights_late`` can be turned off for a while.
    ``unfinished`` answers, source by source, what the minute that
    is running must not end before, see `sandbox.timing.pacing`; ``work`` is one of them.
    """

    settings: SandboxSettings
    clock: VirtualClock
    metrics: MetricStore
    invocations: InvocationLog
    later: Later
    faults: FaultTable = field(default_factory=FaultTable)
    traces: dict[str, int] = field(default_factory=dict)
    memory_used_mb: dict[str, int] = field(default_factory=dict)
    are_rights_late: bool = True
    occurrences: Occurrences = field(default_factory=Occurrences)
    stop: threading.Event = field(default_factory=threading.Event)
    work: Work = field(default_factory=Work)
    unfinished: list[Callable[[], Iterable[Hashable]]] = field(default_factory=list)
    on_reset: list[Callable[[], None]] = field(default_factory=list)
    on_tick: list[Callable[[], None]] = field(default_factory=list)
    on_evaluate: list[Callable[[], None]] = field(default_factory=list)

    @classmethod
    def of(cls, settings: SandboxSettings, clock: VirtualClock | None = None) -> World:
        """A new world for these settings."""
        clock = clock or VirtualClock(settings.speed)
        metrics = MetricStore(clock.now, settings.weather)
        invocations = InvocationLog(metrics, clock)
        stop = threading.Event()
        world = cls(
            settings=settings,
            clock=clock,
            metrics=metrics,
            invocations=invocations,
            later=Later(clock, stop),
            stop=stop,
            on_tick=[invocations.tick],
        )
        world.unfinished.append(world.work.unfinished)
        return world

    def count(
        self,
        namespace: str,
        name: str,
        value: float = 1.0,
        *,
        unit: str = "Count",
        **dimensions: str,
    ) -> None:
        """Record a metric of an AWS service now, as one sample of this value."""
        key = (namespace, name, dimensions_of(dimensions))
        self.metrics.record(key, float(value), self.clock.now(), unit=unit)

    def start_pacing(self) -> Pacer:
        """Let minutes end only when their work is done, and last longer on a busy machine."""
        Starvation(self.clock).start(self.stop)
        pacer = Pacer(self.clock, self.unfinished)
        pacer.start(self.stop)
        return pacer

    def reset(self) -> None:
        """Forget everything that happened."""
        self.later.clear()
        self.occurrences.clear()
        self.metrics.clear()
        self.invocations.clear()
        self.faults.clear()
        self.traces.clear()
        self.memory_used_mb.clear()
        for forget in self.on_reset:
            forget()
