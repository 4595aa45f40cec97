"""What `loopbreaker drill` does."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cdk_loopbreaker.cli.console import can_answer, make_console
from cdk_loopbreaker.cli.errors import CLEAN, FOUND, UserError
from cdk_loopbreaker.cli.files import check_writable, write_file
from cdk_loopbreaker.drill.aws.clients import Clients
from cdk_loopbreaker.drill.aws.guard import GuardLog, read_guard
from cdk_loopbreaker.drill.aws.stacks import find_stacks
from cdk_loopbreaker.drill.model import Depth, LoopKind, Names
from cdk_loopbreaker.drill.plan import DrillPlan, TooBusyError, plan_dry, plan_live
from cdk_loopbreaker.drill.policy import format_policy
from cdk_loopbreaker.drill.reports.html_report import format_cents, format_drill_html
from cdk_loopbreaker.drill.reports.json_report import format_drill_json
from cdk_loopbreaker.drill.reports.text import format_drill_text
from cdk_loopbreaker.drill.run import Drill, DrillOptions, remove
from cdk_loopbreaker.drill.stage import Stage, WallClock
from cdk_loopbreaker.operating.connection import connect, open_session
from cdk_loopbreaker.operating.errors import OperatingError
from cdk_loopbreaker.scanning.credentials import find_partition
from functions.domain.notices.text import format_count, format_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_loopbreaker.drill.aws.guard import DeployedGuard
    from cdk_loopbreaker.drill.aws.stacks import FoundStack
    from cdk_loopbreaker.drill.model import DrillReport
    from cdk_loopbreaker.operating.client import GuardClient

_INTERRUPTED: Final = 130
# The clock of this machine may be ahead of AWS's.
_CLOCK_SKEW_SECONDS: Final = 120
_REPORTS: Final = ("drill-report.html", "drill-report.json")
_MINUTES: Final = {
    Depth.BELL: "less than a minute",
    Depth.DRY: "10 to 25 minutes",
    Depth.LIVE: "one to two hours",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRequest:
    """What was asked for on the command line: see the options of the command."""

    depth: str = Depth.BELL.value
    loops: tuple[str, ...] = ()
    is_sure: bool = False
    takes_all_places: bool = False
    output: Path = Path()
    is_cleaning: bool = False
    wants_policy: bool = False
    profile: str | None = None
    region: str | None = None
    is_json: bool = False


def run_drill(request: DrillRequest) -> None:
    """Do what was asked for, and end with the exit code.

    Raises
    ------
    UserError
        When it cannot be done; the message says why.
    SystemExit
    """
    depth = Depth(request.depth)
    if request.wants_policy:
        click.echo(format_policy(depth, find_partition(request.region or "")), nl=False)
        return
    if request.loops and depth is not Depth.LIVE:
        raise UserError(f"--loop is for --depth live, not for --depth {depth}")
    if not request.is_cleaning:
        for name in _REPORTS:
            check_writable(request.output / name, "--output")
    try:
        _carry_out(request, depth)
    except OperatingError as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None


def _carry_out(request: DrillRequest, depth: Depth) -> None:
    session = open_session(request.profile, request.region)
    client = connect(session)
    clients = Clients(session)
    guard = read_guard(clients)
    say = _make_teller()
    left = find_stacks(clients)
    if request.is_cleaning:
        _clean(request, clients, client, left, say)
        raise SystemExit(CLEAN)
    plan = _plan(depth, request, guard)
    _confirm(request, depth, plan, guard, left)
    for one in left:
        say(f"Removing what an earlier drill left: {one.name}")
        remove(clients, client, one.names)
    since = int((time.time() - _CLOCK_SKEW_SECONDS) * 1000)
    stage = Stage(
        clients=clients,
        guard=guard,
        client=client,
        log=GuardLog(clients, since),
        clock=WallClock(),
        names=Names(id=secrets.token_hex(3)),
        say=say,
    )
    options = DrillOptions(depth=depth, plan=plan, leaves_one=not request.takes_all_places)
    finish(Drill(stage, options).run(), request)


def finish(report: DrillReport, request: DrillRequest) -> None:
    """Write the reports, print the result, and end with the exit code."""
    html, json_ = (request.output / name for name in _REPORTS)
    text = format_drill_json(report)
    write_file(html, format_drill_html(report).encode("utf-8", "backslashreplace"), "--output")
    write_file(json_, text.encode(), "--output")
    if request.is_json:
        click.echo(text, nl=False)
    else:
        click.echo(format_drill_text(report), nl=False)
        click.echo(f"\nThe report is in {html} and {json_}")
    if report.is_interrupted:
        raise SystemExit(_INTERRUPTED)
    raise SystemExit(CLEAN if report.is_passed else FOUND)


def _plan(depth: Depth, request: DrillRequest, guard: DeployedGuard) -> DrillPlan:
    floor = guard.settings.floor_per_minute
    match depth:
        case Depth.BELL:
            return DrillPlan(loops=())
        case Depth.DRY:
            return plan_dry(floor)
        case Depth.LIVE:
            kinds = tuple(map(LoopKind, request.loops)) or tuple(LoopKind)
            try:
                return plan_live(floor, kinds)
            except TooBusyError as error:
                raise UserError(str(error)) from error


def _confirm(
    request: DrillRequest,
    depth: Depth,
    plan: DrillPlan,
    guard: DeployedGuard,
    left: tuple[FoundStack, ...],
) -> None:
    """Say what a drill does and the most that it costs, and ask.

    Raises
    ------
    UserError
        When nobody can answer.
    SystemExit
        When the answer is no.
    """
    settings = guard.settings
    lines = [
        f"Drill in account {guard.account}, {settings.region}: {depth}, {_MINUTES[depth]}.",
        f"Mode {settings.mode}, response {settings.response}, floor {settings.floor_per_minute:,}.",
    ]
    if depth is not Depth.BELL:
        lines.append(
            "It makes a stack of disposable functions, at most"
            f" {plan.most_invocations:,} invocations, costs {format_cents(plan.most_usd)} at most,"
            " and removes everything."
        )
    if depth is Depth.LIVE:
        lines.append(
            f"The guard holds {format_count(len(plan.loops), 'function')} of it, of"
            f" {settings.blast_radius} that it may hold within"
            f" {settings.blast_radius_window_minutes} min"
            + (
                ". Nothing stays free for a real runaway."
                if request.takes_all_places
                else "; the drill waits so that one place stays free."
            )
        )
    lines += [
        f"{one.name} of {format_time(one.created_at)} is there and is removed first. If somebody"
        " else is running that drill now, it ends."
        for one in left
    ]
    lines.append("People who get the guard's notices get those of the drill, with DRILL in them.")
    click.echo("\n".join(lines), err=True)
    if request.is_sure or (depth is Depth.BELL and not left):
        return
    if not can_answer():
        raise UserError("drill asks first, and nobody can answer here: add --yes")
    if not click.confirm("Go on?", err=True):
        click.echo("Nothing was done.", err=True)
        raise SystemExit(FOUND)


def _clean(
    request: DrillRequest,
    clients: Clients,
    client: GuardClient,
    left: tuple[FoundStack, ...],
    say: Callable[[str], None],
) -> None:
    if not left:
        say("No drill has left anything.")
        return
    if not request.is_sure:
        names = ", ".join(one.name for one in left)
        if not can_answer():
            raise UserError("drill --clean asks first, and nobody can answer here: add --yes")
        if not click.confirm(f"Remove {names}?", err=True):
            raise SystemExit(FOUND)
    for one in left:
        say(f"Removing {one.name}")
        remove(clients, client, one.names)
    say("Everything is removed.")


def _make_teller() -> Callable[[str], None]:
    """Prints each step on standard error in a line of its own, with the time since the start."""
    console, began = make_console(stderr=True), time.monotonic()

    def say(words: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        console.print(f"{minutes:3}:{seconds:02}  {words}", soft_wrap=True)

    return say
