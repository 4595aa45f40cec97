"""Runs a Cloud Custodian policy and counts its requests, inside Custodian's virtual environment.

``python custodian_run.py POLICY OUTPUT_DIRECTORY REPORT``. The time begins where Custodian begins
to carry the policy out: its start, its imports and the checking of the policy are not counted.
SIGTERM ends the run and writes what was counted so far.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

STOP = "PutFunctionConcurrency"
PROGRESS_CALLS = 1_000


class Counting:
    """Counts what leaves, and takes the time until a function is stopped."""

    def __init__(self, report: Path) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._before: Counter[str] | None = None
        self._started = time.perf_counter()
        self._seconds: float | None = None

    def watch(self, session: Any) -> Any:
        """See the requests of all clients that a session of boto3 will make."""
        events = session._session.get_component("event_emitter")  # noqa: SLF001 - boto3 wraps it
        events.register("before-send", self._sends, unique_id="counting")
        events.register(f"after-call.lambda.{STOP}", self._stopped, unique_id="stopped")
        return session

    def begin(self) -> None:
        """Take the time from now."""
        self._started = time.perf_counter()

    def write(self, *, is_cut: bool) -> None:
        """Write what was counted."""
        before = self._calls if self._before is None else self._before
        document = {
            "calls": dict(before),
            "contained": self._seconds is not None,
            "contained_functions": self._calls[STOP],
            "seconds": self._seconds or time.perf_counter() - self._started,
            "is_cut": is_cut,
        }
        self._report.write_text(json.dumps(document))

    def _sends(self, event_name: str, **_: object) -> None:
        with self._lock:
            self._calls[event_name.rpartition(".")[2]] += 1
            total = self._calls.total()
        if total % PROGRESS_CALLS == 0:
            seconds = time.perf_counter() - self._started
            print(f"    Custodian: {total:,} calls, {seconds:.0f} s", flush=True)

    def _stopped(self, **_: object) -> None:
        with self._lock:
            if self._seconds is None:
                self._seconds = time.perf_counter() - self._started
                self._before = self._calls.copy()


def main() -> int:
    """Run the policy."""
    policy, output, report = sys.argv[1:]
    counting = Counting(Path(report))

    def cut(*_: object) -> None:
        counting.write(is_cut=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, cut)
    credentials: Any = importlib.import_module("c7n.credentials")
    policies: Any = importlib.import_module("c7n.policy")
    command_line: Any = importlib.import_module("c7n.cli")
    update, run = credentials.SessionFactory.update, policies.PullMode.run

    def watched(self: Any, session: Any) -> Any:
        return counting.watch(update(self, session))

    def timed(self: Any, *arguments: Any, **named: Any) -> Any:
        counting.begin()
        return run(self, *arguments, **named)

    credentials.SessionFactory.update = watched
    policies.PullMode.run = timed
    region = os.environ["AWS_REGION"]
    sys.argv = ["custodian", "run", "--cache-period=0", "-r", region, "-s", output, policy]
    command_line.main()
    counting.write(is_cut=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
