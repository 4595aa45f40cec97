"""`loopbreaker restore`: put functions back, without a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from cdk_loopbreaker.cli.aws_options import ask_guard, parse_names, print_json, take_aws_options
from cdk_loopbreaker.cli.console import can_answer
from cdk_loopbreaker.cli.errors import CLEAN, FOUND, UserError
from cdk_loopbreaker.operating.connection import connect, open_session
from cdk_loopbreaker.operating.text import format_restore, format_what_comes_back
from functions.domain.requests.answer import RestoreAnswer, RestoreOutcome
from functions.domain.requests.terms import RestoreMode, RestoreTerms

if TYPE_CHECKING:
    from cdk_loopbreaker.operating.client import GuardClient

_EPILOG: Final = """\b
Examples:
  loopbreaker restore orders
  loopbreaker restore orders invoices --yes
  loopbreaker restore orders --probation
  loopbreaker restore --all --yes --json

\b
Exit codes:
  0  nothing of Loopbreaker's keeps these functions from running, or they
     are on probation
  1  at least one was not restored: refused, its loop is still closed, or
     you said no
  2  Loopbreaker could not be asked; standard error says why
"""


_RESTORE_ALL: Final = "Restore these all the same, at once?"


@click.command(epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "is_all", is_flag=True, help="Restore all that the guard holds.")
@click.option(
    "--probation",
    "is_careful",
    is_flag=True,
    help="Let a little go first and watch it; then restore it, or hold it again.",
)
@click.option(
    "--force",
    "is_forced",
    is_flag=True,
    help="Restore it although its loop is still closed in the event graph. --yes does not.",
)
@click.option("--yes", is_flag=True, help="Do not ask. Needed where no terminal can answer.")
@take_aws_options
def restore(
    *,
    names: tuple[str, ...],
    is_all: bool,
    is_careful: bool,
    is_forced: bool,
    yes: bool,
    profile: str | None,
    region: str | None,
    is_json: bool,
) -> None:
    """Put functions back as they were: concurrency, event source mappings, applied remedies.

    NAMEs are names or ARNs of functions. What somebody else has changed meanwhile is left as it is.
    A function whose loop is still closed in the event graph is left as it is, unless you say so
    on the terminal or with --force: a fix in the code does not show in the graph. It does the same
    as a deployment with -c rollback=NAME, and needs lambda:InvokeFunction on Loopbreaker-restore.
    """
    bare = parse_names(names)
    if bool(names) == is_all:
        raise UserError("name the functions to restore, or say --all")
    if is_careful and is_forced:
        raise UserError("--probation needs no --force: leave one of them out")
    if not yes and (is_json or not can_answer()):
        raise UserError("restore asks first, and nobody can answer here: add --yes")
    with ask_guard("Asking Loopbreaker"):
        guard = connect(open_session(profile, region))
    if not yes and not _agree(guard, bare, is_all=is_all):
        click.echo("Nothing was restored.")
        raise SystemExit(FOUND)
    mode = RestoreMode.PROBATION if is_careful else RestoreMode.NOW
    terms = RestoreTerms(mode=mode, is_forced=is_forced)
    with ask_guard("Restoring"):
        answer = guard.restore(tuple(dict.fromkeys(names)), is_for_all=is_all, terms=terms)
    if is_json:
        print_json(answer, guard.region)
    else:
        click.echo(format_restore(answer), nl=False)
        answer = _ask_about_loops(guard, answer)
    raise SystemExit(CLEAN if all(one.is_done for one in answer.results) else FOUND)


def _ask_about_loops(guard: GuardClient, answer: RestoreAnswer) -> RestoreAnswer:
    """The answer once a person has said what is to happen to functions on closed loops.

    That is asked also with --yes, which answers another question.
    """
    closed = tuple(
        one.function for one in answer.results if one.outcome == RestoreOutcome.LOOP_CLOSED
    )
    if not closed or not can_answer():
        return answer
    if not click.confirm("Restore it all the same, at once?" if len(closed) == 1 else _RESTORE_ALL):
        click.echo("It stays as it is." if len(closed) == 1 else "They stay as they are.")
        return answer
    with ask_guard("Restoring"):
        forced = guard.restore(closed, terms=RestoreTerms(is_forced=True))
    click.echo(format_restore(forced), nl=False)
    others = (one for one in answer.results if one.function not in closed)
    return RestoreAnswer(results=(*others, *forced.results))


def _agree(guard: GuardClient, names: tuple[str, ...], *, is_all: bool) -> bool:
    """Show what a restore puts back, and ask."""
    with ask_guard("Asking Loopbreaker"):
        found = guard.read_status()
    open_by_name = {one.function: one for one in found.open if one.is_restorable}
    held = [one for name, one in open_by_name.items() if is_all or name in names]
    recorded = {*open_by_name, *(one.function for one in found.remedies)}
    unknown = found.tagged if is_all else [name for name in names if name not in recorded]
    remedies = [one for one in found.remedies if is_all or one.function in names]
    if not (held or unknown or remedies):
        click.echo("Nothing is held.")
        raise SystemExit(CLEAN)
    click.echo(format_what_comes_back(held, remedies, unknown), nl=False)
    return click.confirm("Put this back?")
