"""What it takes to bring the AWS SDK along: bytes of the asset, and seconds of a cold start.

In each round every way is started once, in a fresh interpreter that writes no bytecode, as in
Lambda, where the code lies on a file system that cannot be written to.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from bench import measure
from bench.measure import Spread
from stacks.components.bundle import PACKAGES, write_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SDK: Final = ("boto3", "botocore", "dateutil", "s3transfer", "six.py", "urllib3")
RUNTIME: Final = "runtime's SDK"
TRIMMED: Final = "bundled"
COMPLETE: Final = "bundled, complete"
COMPILED: Final = "bundled, with bytecode"

# What a cold start of `contain` does: the import of its handler, then the clients of a first
# signal. CPU seconds, because the machine does other things as well.
COLD_START: Final = """
import sys, time
sys.path[:0] = {paths!r}
started = time.process_time()
import functions.contain.handler
imported = time.process_time()
from functions.aws.runtime import clients
clients.lambda_client(), clients.cloudwatch_client()
clients.dynamodb_client(), clients.sns_client()
print(imported - started, time.process_time() - imported)
"""


@dataclass(slots=True, kw_only=True)
class Way:
    """One way to have the SDK.

    Attributes
    ----------
    paths
        Where modules are looked for, the asset first.
    import_seconds, client_seconds
        CPU seconds of the handler's import and of making its clients, round by round.
    """

    name: str
    paths: tuple[Path, ...]
    unzipped_bytes: int
    zipped_bytes: int
    import_seconds: list[float] = field(default_factory=list)
    client_seconds: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        """Both together."""
        return [sum(both) for both in zip(self.import_seconds, self.client_seconds, strict=True)]

    def document(self, reference: Way) -> dict[str, Any]:
        """For the report, with ratios to the reference."""
        return {
            "unzipped_bytes": self.unzipped_bytes,
            "zipped_bytes": self.zipped_bytes,
            "import_seconds": Spread.of(self.import_seconds).document(),
            "client_seconds": Spread.of(self.client_seconds).document(),
            "cold_start_ratio": measure.ratios(self.seconds, reference.seconds).document(),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the report."""
    parser = argparse.ArgumentParser(prog="python -m bench bundle", description=__doc__)
    parser.add_argument("--report", type=Path, default=measure.REPORTS / "bundle.json")
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args(arguments)
    machine = measure.machine()
    print(measure.machine_text(machine), flush=True)
    with tempfile.TemporaryDirectory() as directory:
        found = ways(Path(directory))
        run_rounds(found, given.rounds)
    show(found)
    reference = found[RUNTIME]
    measure.write_report(
        given.report,
        {
            "part": "bundle",
            "machine": machine,
            "ways": {name: one.document(reference) for name, one in found.items()},
        },
    )
    return 0


def ways(directory: Path) -> dict[str, Way]:
    """The assets, written below the directory, with their sizes."""
    trimmed, complete = directory / "trimmed", directory / "complete"
    compiled, lean, runtime = directory / "compiled", directory / "lean", directory / "runtime"
    write_bundle(trimmed)
    shutil.copytree(trimmed, complete)
    _copy_installed(complete)
    shutil.copytree(trimmed, compiled)
    _compile(compiled)
    shutil.copytree(trimmed, lean)
    for name in SDK:
        _remove(lean / name)
    _copy_installed(runtime)
    _compile(runtime)
    return {
        RUNTIME: _way(RUNTIME, lean, runtime),
        TRIMMED: _way(TRIMMED, trimmed),
        COMPLETE: _way(COMPLETE, complete),
        COMPILED: _way(COMPILED, compiled),
    }


def _way(name: str, asset: Path, *others: Path) -> Way:
    files = [path for path in asset.rglob("*") if path.is_file()]
    archive = asset.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in files:
            zipped.write(path, path.relative_to(asset))
    return Way(
        name=name,
        paths=(asset, *others),
        unzipped_bytes=sum(path.stat().st_size for path in files),
        zipped_bytes=archive.stat().st_size,
    )


def _copy_installed(directory: Path) -> None:
    """Copy the SDK as it is installed, with the models of all services."""
    for package in PACKAGES:
        for file in distribution(package).files or ():
            target = Path(str(file))
            is_own = target.parts[0] in SDK
            if is_own and "__pycache__" not in target.parts:
                path = directory / target
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), path)


def _compile(directory: Path) -> None:
    compileall.compile_dir(
        directory, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def run_rounds(found: Mapping[str, Way], rounds: int) -> None:
    """Start each way once a round; the first round only warms up."""
    for number in range(1 + rounds):
        for one in found.values():
            importing, making = cold_start(one.paths)
            if number:
                one.import_seconds.append(importing)
                one.client_seconds.append(making)


def cold_start(paths: Sequence[Path]) -> tuple[float, float]:
    """CPU seconds of the import and of the clients, with nothing else installed."""
    own = "sys.path = [path for path in sys.path if 'site-packages' not in path]"
    code = COLD_START.format(paths=[str(path) for path in paths])
    answer = subprocess.run(
        [sys.executable, "-I", "-B", "-c", f"import sys; {own}\n{code}"],
        env={
            "PATH": os.environ["PATH"],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "POWERTOOLS_LOG_LEVEL": "ERROR",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    importing, making = answer.stdout.split()
    return float(importing), float(making)


def show(found: Mapping[str, Way]) -> None:
    """The figures as a table."""
    table = Table(title="the AWS SDK in the asset", title_justify="left")
    for words in ("", "zipped MB", "unzipped MB", "import ms", "clients ms", "times the first"):
        table.add_column(words, justify="right" if words else "left", no_wrap=True)
    reference = found[RUNTIME]
    for one in found.values():
        table.add_row(
            one.name,
            f"{one.zipped_bytes / 1e6:.1f}",
            f"{one.unzipped_bytes / 1e6:.1f}",
            f"{Spread.of(one.import_seconds).median * 1000:.0f}",
            f"{Spread.of(one.client_seconds).median * 1000:.0f}",
            measure.ratios(one.seconds, reference.seconds).text(),
        )
    measure.console().print(table)


if __name__ == "__main__":
    sys.exit(main())
