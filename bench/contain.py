"""From a signal to reserved concurrency 0, as a ratio to one bare call.

In each round one bare PutFunctionConcurrency and the handling of each kind of signal are measured
in turn, against the same local AWS: load on the machine, and what the emulator is slow at, meet
all of them alike.
"""

from __future__ import annotations

import argparse
import http.client
import os
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench import measure
from bench.measure import Spread, Target, Wire
from bench.worlds.stage import RUNAWAY, Stage, event

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

FUNCTIONS: Final = 25
WARM_UP: Final = 3
BARE: Final = "bare"
SIGNALS: Final = {
    "named": "alarm_contributor_state_change.alarm",
    "unnamed": "alarm_state_change.alarm",
}
# Between a function and the AWS API of its Region; next to nothing between two processes here.
NETWORK_SECONDS: Final = 0.010
MOST_CALLS: Final = {"named": 4, "unnamed": 5}
MOST_RATIO: Final = 6.0
MOST_IMPORT_RATIO: Final = 1.5

_TIMED: Final = "import time; s = time.perf_counter(); {}; print(time.perf_counter() - s)"
IMPORTS: Final = {
    "boto3": _TIMED.format("import boto3; boto3.client('lambda', region_name='us-east-1')"),
    "handler": _TIMED.format("import functions.contain.handler"),
    "ready": _TIMED.format("import functions.contain.handler as one; one.connect()"),
}


@dataclass(slots=True, kw_only=True)
class Rounds:
    """Seconds of the bare call and of each signal's handling, round by round."""

    seconds: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in (BARE, *SIGNALS)}
    )
    emulator_seconds: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in SIGNALS}
    )

    def ratio(self, name: str) -> Spread:
        """Of a signal's handling to the bare call of the same round."""
        return measure.ratios(self.seconds[name], self.seconds[BARE])

    def emulator_ratio(self, name: str) -> Spread:
        """Of what the local AWS alone takes for the same requests, one after the other."""
        return measure.ratios(self.emulator_seconds[name], self.seconds[BARE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured."""

    near: Rounds
    distant: Rounds
    calls: Mapping[str, Counter[str]]
    import_seconds: Mapping[str, Sequence[float]]

    def import_ratio(self, name: str = "handler") -> Spread:
        """Of an import of the guard to importing boto3 and creating a client."""
        return measure.ratios(self.import_seconds[name], self.import_seconds["boto3"])

    def targets(self) -> tuple[Target, ...]:
        """The figures that have an aim."""
        return (
            *(
                Target(
                    name=f"ratio_to_bare_call ({name})",
                    value=self.near.ratio(name).median,
                    at_most=MOST_RATIO,
                )
                for name in SIGNALS
            ),
            *(
                Target(
                    name=f"calls_before_throttle ({name})",
                    value=self.calls[name].total(),
                    at_most=MOST_CALLS[name],
                )
                for name in SIGNALS
            ),
            Target(
                name="import_ratio",
                value=self.import_ratio().median,
                at_most=MOST_IMPORT_RATIO,
            ),
        )

    def document(self) -> dict[str, Any]:
        """The report."""
        milliseconds = {**self.near.seconds, **self.import_seconds}
        return {
            "ratio_to_bare_call": {name: self.near.ratio(name).document() for name in SIGNALS},
            "calls_before_throttle": {name: self.calls[name].total() for name in SIGNALS},
            "import_ratio": self.import_ratio().document(),
            "ready_ratio": self.import_ratio("ready").document(),
            "local_aws_alone": {
                name: self.near.emulator_ratio(name).document() for name in SIGNALS
            },
            "ratio_with_network": {name: self.distant.ratio(name).document() for name in SIGNALS},
            "network_milliseconds": NETWORK_SECONDS * 1000,
            "calls": {name: dict(self.calls[name]) for name in SIGNALS},
            "milliseconds": {
                name: Spread.of(seconds).scaled(1000).document()
                for name, seconds in milliseconds.items()
            },
            "targets": measure.targets_document(self.targets()),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench contain", description=__doc__)
    parser.add_argument("--report", type=Path, default=measure.REPORTS / "contain.json")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--imports", type=int, default=15, help="rounds of fresh interpreters")
    given = parser.parse_args(arguments)
    machine = measure.machine()
    print(measure.machine_text(machine), flush=True)
    with Stage() as stage:
        stage.add_functions(FUNCTIONS)
        print(f"{FUNCTIONS} functions, one of which runs away", flush=True)
        calls: dict[str, Counter[str]] = {}
        print(f"bare call and signals in turn, {given.rounds} rounds", flush=True)
        near = run_rounds(stage, given.rounds, calls)
        print(
            f"the same with {NETWORK_SECONDS * 1000:g} ms of network before each call", flush=True
        )
        distant = run_rounds(stage, max(1, given.rounds // 3), calls, NETWORK_SECONDS)
        print(f"imports in fresh interpreters, {given.imports} rounds", flush=True)
        measured = Measured(
            near=near, distant=distant, calls=calls, import_seconds=import_rounds(given.imports)
        )
    show(measured)
    measure.print_targets(measured.targets())
    measure.write_report(
        given.report, {"part": "contain", "machine": machine, **measured.document()}
    )
    return 0


def run_rounds(
    stage: Stage, rounds: int, calls: dict[str, Counter[str]], delay_seconds: float = 0.0
) -> Rounds:
    """Measure all in each round, each time in another order; note the calls that were seen."""
    bare, wire = stage.client("lambda"), Wire()
    wire.watch(bare)
    wire.delay_seconds = stage.wire.delay_seconds = delay_seconds
    measures: dict[str, Callable[[], float]] = {
        BARE: lambda: _bare_call(bare),
        **{name: _handling(stage, file) for name, file in SIGNALS.items()},
    }
    order, measured = deque(measures), Rounds()
    for number in range(WARM_UP + rounds):
        for name in order:
            stage.restore()
            seconds = measures[name]()
            if number < WARM_UP:
                continue
            measured.seconds[name].append(seconds)
            if name in SIGNALS:
                calls[name] = stage.wire.calls_before
                stage.restore()
                measured.emulator_seconds[name].append(replay(stage.wire.requests))
        order.rotate()
    return measured


def _bare_call(client: Any) -> float:
    started = time.perf_counter()
    client.put_function_concurrency(FunctionName=RUNAWAY, ReservedConcurrentExecutions=0)
    return time.perf_counter() - started


def _handling(stage: Stage, file: str) -> Callable[[], float]:
    return lambda: stage.handle(event(file))


def replay(requests: Sequence[Any]) -> float:
    """Seconds that the endpoint takes for the same requests, without botocore and one by one.

    What is left of the guard's time is its own.
    """
    host = requests[0].url.split("/")[2]
    connection = http.client.HTTPConnection(host)
    connection.connect()
    seconds = 0.0
    for one in requests:
        headers = {key: _text(value) for key, value in one.headers.items()}
        path = "/" + one.url.split("/", 3)[3]
        started = time.perf_counter()
        connection.request(one.method, path, body=one.body, headers=headers)
        connection.getresponse().read()
        seconds += time.perf_counter() - started
    connection.close()
    return seconds


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def import_rounds(rounds: int) -> dict[str, list[float]]:
    """Seconds of each import, in fresh interpreters and in turn; the first round only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for number in range(1 + rounds):
        for name, code in IMPORTS.items():
            # The environment is the guard's, with the settings that its handler reads.
            answer = subprocess.run(
                [sys.executable, "-c", code],
                cwd=measure.PROJECT,
                env=os.environ | {"PYTHONPATH": str(measure.PROJECT)},
                capture_output=True,
                text=True,
                check=True,
            )
            if number:
                seconds[name].append(float(answer.stdout.split()[-1]))
    return seconds


def show(measured: Measured) -> None:
    """The figures as a table."""
    table = Table(title="contain: median (least to 95th percentile)", title_justify="left")
    for words in ("", "ms", "times bare", "local AWS", "10 ms away", "calls"):
        table.add_column(words, justify="right" if words else "left", no_wrap=True)
    table.add_row("bare call", _ms(measured.near.seconds[BARE]), "1", "", "1", "")
    for name in SIGNALS:
        table.add_row(
            name,
            _ms(measured.near.seconds[name]),
            measured.near.ratio(name).text(1),
            f"{measured.near.emulator_ratio(name).median:.1f}",
            measured.distant.ratio(name).text(1),
            str(measured.calls[name].total()),
        )
    screen = measure.console()
    screen.print(table)
    imports = Table(title="imports in a fresh interpreter", title_justify="left")
    imports.add_column("")
    imports.add_column("milliseconds", justify="right")
    imports.add_column("times boto3 with a client", justify="right")
    sentences: Mapping[str, str] = {
        "boto3": "boto3 with a client",
        "handler": "the guard's handler",
        "ready": "the guard's handler with its clients",
    }
    for name, seconds in measured.import_seconds.items():
        imports.add_row(sentences[name], _ms(seconds), measured.import_ratio(name).text())
    screen.print(imports)
    for name in SIGNALS:
        print(f"calls before, function {name}: {measure.calls_text(measured.calls[name])}")


def _ms(seconds: Sequence[float]) -> str:
    return Spread.of(seconds).scaled(1000).text(1)


if __name__ == "__main__":
    sys.exit(main())
