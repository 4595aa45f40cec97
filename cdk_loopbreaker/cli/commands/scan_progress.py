"""What a scan shows while it reads: a bar on a terminal, lines in a log, and how it is stopped."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from functions.domain.notices.text import format_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from rich.console import Console

    from cdk_loopbreaker.scanning.client import StopSignal
    from functions.aws.account.read_client import Operation

# Between two lines in a log.
_LOG_SECONDS: Final = 10.0
_STOPPING: Final = (
    "Stopping: the report is made of what was read so far. Ctrl-C again ends at once."
)


class CallCounter:
    """Counts the calls of a scan, and shows them once it is begun; safe for threads."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.done = 0
        self._console = console
        self._clock = clock
        self._lock = threading.Lock()
        self._total = 0
        self._shown_at: float | None = None  # the last line; nothing is shown before the first
        self._progress: Progress | None = None
        self._task: Any = None

    def __call__(self, region: str, operation: Operation) -> None:
        """Count a call."""
        with self._lock:
            self.done += 1
            self._total = max(self._total, self.done)
        self._show(f"{region} {operation.action}")

    @contextmanager
    def show(self, estimated: int) -> Iterator[None]:
        """Show the calls until the block is left, of so many that are expected."""
        self._total = max(self.done, estimated)
        if not self._console.is_terminal:
            self._shown_at = self._clock()
            yield
            return
        with Progress(
            TextColumn("{task.completed:,.0f} of about {task.total:,.0f} calls"),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
        ) as progress:
            self._task = progress.add_task("", total=self._total, completed=self.done)
            self._progress = progress
            try:
                yield
            finally:
                self._progress = None

    def _show(self, reading: str) -> None:
        progress = self._progress
        if progress is not None:
            progress.update(self._task, completed=self.done, total=self._total, description=reading)
            return
        with self._lock:
            now = self._clock()
            if self._shown_at is None or now - self._shown_at < _LOG_SECONDS:
                return
            self._shown_at = now
            words = f"{self.done:,} of about {format_count(self._total, 'call')}: {reading}"
        self._console.print(words, soft_wrap=True)


@contextmanager
def stop_on_interrupt(stop: StopSignal, console: Console) -> Iterator[None]:
    """Let the first Ctrl-C end the reading, and the second one the process.

    Outside of the main thread, where there are no signals, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set:
            console.show_cursor()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
            return
        stop.set("interrupted")
        console.print(_STOPPING, soft_wrap=True)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
