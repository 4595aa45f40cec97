"""How long an execution took, as AWS counts it: without the start of its environment.

A cold start takes this machine a second or more when it is busy. AWS books that as the duration of
the initialisation, which is no part of the metric Duration nor of the execution's own time.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from ministack.core import lambda_runtime

from sandbox.patches.hooks import replace


class _Execution(threading.local):
    """What the thread that runs an execution knows of it."""

    began = 0.0
    starting = 0.0


_execution = _Execution()


def begin() -> None:
    """An execution begins on this thread."""
    _execution.began, _execution.starting = time.monotonic(), 0.0


def seconds() -> float:
    """Real seconds of the execution on this thread so far, without the start of its worker."""
    return max(0.0, time.monotonic() - _execution.began - _execution.starting)


def apply() -> None:
    """Measure the start of workers."""

    def spawn(worker: Any) -> None:
        began = time.monotonic()
        try:
            original(worker)
        finally:
            _execution.starting += time.monotonic() - began

    original = replace(lambda_runtime.Worker, "_spawn", spawn, ("self",))
