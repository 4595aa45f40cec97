"""An execution environment outlives an invocation that ends with an error.

On AWS the environment of a function that raises stays as it is, with what the process knows; only
a time-out, or a process that ends, costs it (Lambda developer guide, *Understanding the Lambda
execution environment lifecycle*). The emulator ends the process after each error.
"""

from __future__ import annotations

import threading
from typing import Any

from ministack.core import lambda_runtime

from sandbox.patches.hooks import replace

_TIMED_OUT = "Task timed out"


class _Invocation(threading.local):
    """The process that the emulator wants to end during the invocation of this thread."""

    is_running = False
    process: Any = None


_invocation = _Invocation()


def apply() -> None:
    """Keep processes that are alive and have answered."""

    def invoke(worker: Any, event: Any, request_id: str, **more: Any) -> dict[str, Any]:
        _invocation.is_running, _invocation.process = True, None
        try:
            response: dict[str, Any] = original_invoke(worker, event, request_id, **more)
        finally:
            _invocation.is_running = False
        process, _invocation.process = _invocation.process, None
        if process is None:
            return response
        has_answered = not str(response.get("error", "")).startswith(_TIMED_OUT)
        if has_answered and process.poll() is None and worker._proc is None:
            worker._proc = process
        else:
            original_signal(process)
        return response

    def signal(proc: Any) -> None:
        if _invocation.is_running:
            _invocation.process = proc
        else:
            original_signal(proc)

    def collect(proc: Any, deadline: float) -> None:
        if not _invocation.is_running:
            original_collect(proc, deadline)

    original_signal = replace(lambda_runtime, "_signal", signal, ("proc",))
    original_collect = replace(lambda_runtime, "_collect", collect, ("proc", "deadline"))
    original_invoke = replace(
        lambda_runtime.Worker,
        "invoke",
        invoke,
        (
            "self",
            "event",
            "request_id",
            "trace_id",
            "depth",
            "durable",
            "invoked_function_arn",
        ),
    )
