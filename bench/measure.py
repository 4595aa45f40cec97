"""What the parts of the benchmark share: spreads, ratios, calls counted at the wire, reports."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PROJECT = Path(__file__).resolve().parent.parent
REPORTS = PROJECT / "build" / "bench"
WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a measured value is distributed."""

    min: float
    median: float
    p95: float
    samples: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """The spread of the values, of which there must be at least one."""
        ordered = sorted(values)
        return cls(
            min=ordered[0],
            median=statistics.median(ordered),
            p95=percentile(ordered, 95),
            samples=len(ordered),
        )

    def scaled(self, factor: float) -> Spread:
        """The same in another unit."""
        return Spread(
            min=self.min * factor,
            median=self.median * factor,
            p95=self.p95 * factor,
            samples=self.samples,
        )

    def text(self, digits: int = 2) -> str:
        """Median, and the range from the least to the 95th percentile."""
        return f"{self.median:,.{digits}f} ({self.min:,.{digits}f} to {self.p95:,.{digits}f})"

    def document(self) -> dict[str, float]:
        """For the report."""
        return {
            "min": round(self.min, 4),
            "median": round(self.median, 4),
            "p95": round(self.p95, 4),
            "samples": self.samples,
        }


def run_apart(module: str, *arguments: str) -> dict[str, Any]:
    """What a module prints on its last line, as JSON, in a process whose memory is its own.

    Raises
    ------
    RuntimeError
        When it fails, with what it wrote to stderr.
    """
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The percentile of ascending values, interpolated between neighbours."""
    rank = percent / 100 * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def ratios(values: Sequence[float], references: Sequence[float]) -> Spread:
    """The spread of each value over the reference that was measured in the same round."""
    return Spread.of(value / one for value, one in zip(values, references, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure is to reach."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it does."""
        is_low_enough = self.at_most is None or self.value <= self.at_most
        return is_low_enough and (self.at_least is None or self.value >= self.at_least)

    @property
    def aim(self) -> str:
        """In words."""
        words = ("at most", self.at_most) if self.at_least is None else ("at least", self.at_least)
        return f"{words[0]} {words[1]:g}"

    def document(self) -> dict[str, Any]:
        """For the report."""
        return {"value": round(self.value, 4), "aim": self.aim, "met": self.is_met}


class Wire:
    """Sees the requests of botocore clients as they leave, retries included.

    Attributes
    ----------
    delay_seconds
        How long each request is held up, as by a network. Requests side by side wait side by side.
    """

    def __init__(self, stop: str = "PutFunctionConcurrency") -> None:
        self.delay_seconds = 0.0
        self._stop = stop
        self._lock = threading.Lock()
        self._started = 0.0
        self._sent: list[tuple[str, Any]] = []
        self._seconds: float | None = None

    def watch(self, *clients: Any) -> None:
        """See the requests of these clients."""
        for client in clients:
            client.meta.events.register("before-send", self._sends)
            client.meta.events.register(f"after-call.*.{self._stop}", self._stopped)

    def start(self) -> None:
        """Forget what was seen, and take the time from now."""
        with self._lock:
            self._sent.clear()
            self._seconds = None
            self._started = time.perf_counter()

    @property
    def seconds(self) -> float | None:
        """From the start to the first answer to the call that stops a function."""
        return self._seconds

    @property
    def calls_before(self) -> Counter[str]:
        """How often which API was called before the call that stops a function."""
        return calls_before(self._stop, (name for name, _ in self._sent))

    @property
    def requests(self) -> tuple[Any, ...]:
        """The requests up to the call that stops a function, that one included."""
        names = [name for name, _ in self._sent]
        end = names.index(self._stop) + 1 if self._stop in names else len(names)
        return tuple(request for _, request in self._sent[:end])

    def _sends(self, request: Any, event_name: str, **_: object) -> None:
        with self._lock:
            self._sent.append((event_name.rpartition(".")[2], request))
        if self.delay_seconds:
            time.sleep(self.delay_seconds)

    def _stopped(self, **_: object) -> None:
        with self._lock:
            if self._seconds is None:
                self._seconds = time.perf_counter() - self._started


def calls_before(stop: str, names: Iterable[str]) -> Counter[str]:
    """How often which API was called before the first call of `stop`."""
    counts: Counter[str] = Counter()
    for name in names:
        if name == stop:
            break
        counts[name] += 1
    return counts


def calls_text(calls: Mapping[str, int]) -> str:
    """The calls of each API, the most frequent first."""
    ordered = sorted(calls.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{number:,} {name}" for name, number in ordered)


def machine() -> dict[str, Any]:
    """On what was measured, and how busy it was otherwise."""
    return {
        "cpus": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def machine_text(before: Mapping[str, Any]) -> str:
    """The machine in one line; other load makes every figure worse, and waits most of all."""
    return (
        f"{before['cpus']} CPUs, {before['system']}, Python {before['python']}, "
        f"load average {before['load_average']} when it began"
    )


def console() -> Console:
    """The screen; as wide in a log as on a terminal."""
    return Console(width=WIDTH, highlight=False, soft_wrap=False)


def write_report(path: Path, document: Mapping[str, Any]) -> None:
    """Write the report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"report: {path}", flush=True)


def targets_document(targets: Iterable[Target]) -> dict[str, Any]:
    """For the report."""
    return {one.name: one.document() for one in targets}


def print_targets(targets: Iterable[Target]) -> None:
    """One line for each figure that has an aim."""
    for one in targets:
        verdict = "reached" if one.is_met else "NOT REACHED"
        print(f"{one.name}: {one.value:,.2f}, aim {one.aim}: {verdict}", flush=True)
