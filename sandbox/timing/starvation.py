"""Slows virtual time by what the sandbox waits for the processor.

On AWS a loop turns as fast as it can, whatever else is computed in the world. Here everything
shares the processors of one machine: beside other programs a loop turns several times slower by
the minute, and then it is no runaway any more. So a minute lasts as much longer as the sandbox's
processes are kept waiting for a processor beyond what is ordinary.

Linux tells how long each thread ran and how long it waited, ready to run, in
``/proc/<pid>/task/<tid>/schedstat`` (kernel documentation, *Scheduler Statistics*). Where there is
no such file, minutes are as long as they are meant to be.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from sandbox.timing.clock import VirtualClock

ORDINARY_WAIT = 3.0
"""Seconds that a thread waits for each that it runs, before a minute lasts longer.

Without other programs the sandbox's processes wait for each other: 0.3 to 1.0 was measured, and
more for moments. Beside programs that fill two processors it was 1 to 28, mostly 5 to 8.
"""

MOST_TIMES = 12.0
"""A minute lasts at most so many times longer."""

LOOK_SECONDS = 0.2
KEPT = 0.75  # of the figures of the looks before: some five looks count

_PROC = Path("/proc")
_NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class ProcessorSeconds:
    """Seconds that threads ran, and seconds that they were ready to run and waited."""

    ran: float = 0.0
    waited: float = 0.0

    def plus(self, other: ProcessorSeconds, kept: float = 1.0) -> Self:
        """These, of which a part is kept, and others."""
        return type(self)(self.ran * kept + other.ran, self.waited * kept + other.waited)


class ProcessorAccount:
    """What a process and all its descendants have spent since the last look.

    Parameters
    ----------
    pid
        Of the process.
    proc
        Where the kernel tells about processes.
    """

    def __init__(self, pid: int | None = None, proc: Path = _PROC) -> None:
        self._pid = os.getpid() if pid is None else pid
        self._proc = proc
        self._before: dict[str, ProcessorSeconds] = {}

    def is_told(self) -> bool:
        """Whether the kernel tells anything at all."""
        return bool(self._read())

    def look(self) -> ProcessorSeconds:
        """What was spent since the last look; nothing at the first one."""
        now = self._read()
        before, self._before = self._before, now
        spent = ProcessorSeconds()
        if before:
            for thread, total in now.items():
                known = before.get(thread, ProcessorSeconds())
                if total.ran >= known.ran and total.waited >= known.waited:
                    spent = spent.plus(
                        ProcessorSeconds(total.ran - known.ran, total.waited - known.waited)
                    )
        return spent

    def _read(self) -> dict[str, ProcessorSeconds]:
        found: dict[str, ProcessorSeconds] = {}
        left = [str(self._pid)]
        while left:
            for task in self._list_tasks(left.pop()):
                try:
                    ran, waited = (task / "schedstat").read_text().split()[:2]
                    left.extend((task / "children").read_text().split())
                except (OSError, ValueError):
                    continue  # it has ended, or this kernel does not tell
                found[task.name] = ProcessorSeconds(
                    int(ran) / _NANOSECONDS, int(waited) / _NANOSECONDS
                )
        return found

    def _list_tasks(self, pid: str) -> list[Path]:
        try:
            return list((self._proc / pid / "task").iterdir())
        except OSError:
            return []


class Starvation:
    """Lets a clock run slower while the processes of this sandbox wait for a processor."""

    def __init__(self, clock: VirtualClock, account: ProcessorAccount | None = None) -> None:
        self._clock = clock
        self._account = account or ProcessorAccount()
        self._recent = ProcessorSeconds()

    def start(self, stop: threading.Event) -> threading.Thread | None:
        """Look in the background until ``stop``; real time cannot be slowed down, and is not."""
        if self._clock.speed <= 1 or not self._account.is_told():
            return None
        thread = threading.Thread(
            target=self._run, args=(stop,), name="sandbox-starvation", daemon=True
        )
        thread.start()
        return thread

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Let the clock run as much slower as the last looks ask for."""
        self._recent = self._recent.plus(self._account.look(), KEPT)
        self._clock.run_slower(compute_times(self._recent, LOOK_SECONDS / (1 - KEPT)))


def compute_times(spent: ProcessorSeconds, seconds: float) -> float:
    """How many times longer a minute lasts, so that as much happens in it as on an idle machine.

    Parameters
    ----------
    spent
        Within the last `seconds`, by all processes.
    """
    if spent.ran <= 0:
        return 1.0
    times = (1 + spent.waited / spent.ran) / (1 + ORDINARY_WAIT)
    # Nothing was delayed by more than all threads together have waited.
    return max(1.0, min(times, 1 + spent.waited / seconds, MOST_TIMES))
