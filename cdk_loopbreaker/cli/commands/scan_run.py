"""What `loopbreaker scan` does."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from cdk_loopbreaker.checking.acceptance import AcceptanceFileError, read_accepted_entries
from cdk_loopbreaker.checking.finding import is_failing
from cdk_loopbreaker.cli.commands.scan_progress import CallCounter, stop_on_interrupt
from cdk_loopbreaker.cli.console import make_console, show_progress
from cdk_loopbreaker.cli.errors import CLEAN, FOUND, UserError
from cdk_loopbreaker.cli.files import check_writable, write_file
from cdk_loopbreaker.cli.report_options import write_report
from cdk_loopbreaker.scanning import analysis, credentials
from cdk_loopbreaker.scanning.client import StopSignal
from cdk_loopbreaker.scanning.errors import ScanError
from cdk_loopbreaker.scanning.policy import format_policy
from cdk_loopbreaker.scanning.reports.estimate import announce, describe_plans, print_plans
from cdk_loopbreaker.scanning.reports.json_report import format_scan_json
from cdk_loopbreaker.scanning.reports.text import print_scan
from cdk_loopbreaker.scanning.scan import Scan, ScanOptions
from cdk_loopbreaker.scanning.snapshot import Snapshot, load_snapshot, pack_snapshot
from functions.aws.runtime.observability import logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cdk_loopbreaker.checking.acceptance import AcceptedEntry
    from cdk_loopbreaker.scanning.model import ScanResult
    from cdk_loopbreaker.scanning.scan import RegionPlan

_INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """What was asked for on the command line: see the options of the command."""

    profile: str = ""
    regions: tuple[str, ...] = ()
    role_arn: str = ""
    alias: str = ""
    is_dry_run: bool = False
    wants_policy: bool = False
    with_all_settings: bool = False
    saved: Path | None = None
    source: Path | None = None
    resumed: Path | None = None
    fail_on: str = "never"
    accept: Path | None = None
    kind: str = "text"
    output: Path | None = None


def run_scan(request: ScanRequest) -> None:
    """Do what was asked for, and end with the exit code.

    Raises
    ------
    UserError
        When it cannot be done; the message says why.
    SystemExit
    """
    with _silence_log():
        _carry_out(request)


@contextmanager
def _silence_log() -> Iterator[None]:
    """Keep quiet what reads the account: it writes the guard's log, and here people read."""
    level = logger.log_level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _carry_out(request: ScanRequest) -> None:
    try:
        if request.wants_policy:
            region = request.regions[0] if request.regions else ""
            click.echo(format_policy(credentials.find_partition(region)), nl=False)
            return
        _check_request(request)
        if request.is_dry_run:
            _print_estimate(request)
            return
        accept = request.accept
        entries = () if accept is None else read_accepted_entries(accept)
        snapshot = _load(request.source) if request.source else _read_account(request)
        result = _analyze(snapshot, request, entries)
    except (ScanError, AcceptanceFileError) as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    _write(result, request)
    opened = (one for one in result.findings if one.accepted is None)
    is_failed = any(is_failing(one, request.fail_on) for one in opened)
    raise SystemExit(FOUND if is_failed else CLEAN)


def _check_request(request: ScanRequest) -> None:
    """Refuse before the reading what would fail after it."""
    beside = {
        "--profile": request.profile,
        "--region": request.regions,
        "--role-arn": request.role_arn,
        "--save": request.saved,
        "--resume": request.resumed,
        "--all-settings": request.with_all_settings,
        "--dry-run": request.is_dry_run,
    }
    for option, value in beside.items():
        if request.source and value:
            raise UserError(f"--from reads a saved scan: it cannot be given with {option}")
    if request.kind == "html" and request.output is None:
        raise UserError("--format html needs --output, such as --output report.html")
    if request.output is not None:
        check_writable(request.output, "--output")
    if request.saved is not None:
        check_writable(request.saved, "--save")


class _OpenScan:
    """A scan with its credentials, ready to be counted and read."""

    def __init__(self, request: ScanRequest) -> None:
        self.console = make_console(stderr=True)
        self.at = datetime.now(UTC).replace(microsecond=0)
        self.stop = StopSignal()
        self.counter = CallCounter(self.console)
        earlier = _load(request.resumed) if request.resumed else None
        session = credentials.open_session(request.profile)
        self._regions = credentials.choose_regions(session, request.regions)
        if request.role_arn:
            session = credentials.assume_role(session, request.role_arn, self._regions[0])
        self.identity = credentials.identify(session, self._regions[0])
        self.scan = Scan(
            self.identity.account,
            self.identity.partition,
            lambda region: credentials.make_clients(session, region),
            at=self.at,
            stop=self.stop,
            options=ScanOptions(
                with_all_settings=request.with_all_settings,
                earlier=earlier,
                on_call=self.counter,
            ),
        )

    def plan(self) -> tuple[RegionPlan, ...]:
        """Count what there is."""
        with show_progress("Counting what there is to read"):
            return self.scan.plan(self._regions)


def _print_estimate(request: ScanRequest) -> None:
    opened = _OpenScan(request)
    with stop_on_interrupt(opened.stop, opened.console):
        plans = opened.plan()
    if opened.stop.is_set:
        raise SystemExit(_INTERRUPTED)
    if request.kind == "json":
        click.echo(json.dumps(describe_plans(opened.identity.account, plans), indent=2))
    else:
        print_plans(opened.identity.account, plans, make_console())


def _read_account(request: ScanRequest) -> Snapshot:
    opened = _OpenScan(request)
    with stop_on_interrupt(opened.stop, opened.console):
        plans = opened.plan()
        opened.console.print(announce(opened.identity.account, plans), soft_wrap=True)
        with opened.counter.show(sum(one.estimate.total for one in plans)):
            regions = opened.scan.read(plans)
    opened.console.print(f"{opened.counter.done:,} calls were made.")
    if opened.stop.is_set:
        opened.console.print(f"The scan ended early: {opened.stop.reason}.")
    snapshot = Snapshot(regions=regions, at=opened.at, alias=request.alias)
    if request.saved is not None:
        write_file(request.saved, pack_snapshot(snapshot), "--save", is_private=True)
    return snapshot


def _load(source: Path) -> Snapshot:
    with show_progress("Reading the saved scan"):
        return load_snapshot(source)


def _analyze(
    snapshot: Snapshot, request: ScanRequest, entries: Sequence[AcceptedEntry]
) -> ScanResult:
    with show_progress("Looking for loops"):
        alias = request.alias or snapshot.alias
        result = analysis.analyze(snapshot.regions, at=snapshot.at, alias=alias)
        if request.accept is None:
            return result
        return analysis.accept(result, entries, str(request.accept), datetime.now(UTC).date())


def _write(result: ScanResult, request: ScanRequest) -> None:
    write_report(
        request.kind,
        request.output,
        lambda console: print_scan(result, console),
        {"json": lambda: format_scan_json(result), "html": lambda: _format_html(result)},
    )


def _format_html(result: ScanResult) -> str:
    # Imported when it is asked for: it draws, which no other report needs.
    from cdk_loopbreaker.scanning.html_report import format_html  # noqa: PLC0415

    html: str = format_html(result)
    return html
