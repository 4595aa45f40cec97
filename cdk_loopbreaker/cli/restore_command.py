"""`loopbreaker restore`: put functions back, without a deployment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from cdk_loopbreaker.cli.aws_options import ask_guard, parse_names, print_json, take_aws_options
from cdk_loopbreaker.cli.errors import CLEAN, FOUND, UserError
from cdk_loopbreaker.operating.connection import connect, open_session
from cdk_loopbreaker.operating.text import format_restore, format_what_comes_back

if TYPE_CHECKING:
    from cdk_loopbreaker.operating.client import GuardClient

_EPILOG: Final = """\b
Examples:
  loopbreaker restore orders
  loopbreaker restore orders invoices --yes
  loopbreaker restore --all --yes --json

\b
Exit codes:
  0  nothing of Loopbreaker's keeps these functions from running
  1  at least one was not restored, or you said no
  2  Loopbreaker could not be asked; standard error says why
"""


@click.command(epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "is_all", is_flag=True, help="Restore all that the guard holds.")
@click.option("--yes", is_flag=True, help="Do not ask. Needed where no terminal can answer.")
@take_aws_options
def restore(
    *,
    names: tuple[str, ...],
    is_all: bool,
    yes: bool,
    profile: str | None,
    region: str | None,
    is_json: bool,
) -> None:
    """Put functions back as they were: concurrency, event source mappings, applied remedies.

    NAMEs are names or ARNs of functions. What somebody else has changed meanwhile is left as it is.
    It does the same as a deployment with -c rollback=NAME, and needs lambda:InvokeFunction on
    Loopbreaker-restore.
    """
    bare = parse_names(names)
    if bool(names) == is_all:
        raise UserError("name the functions to restore, or say --all")
    if not yes and (is_json or not _can_answer()):
        raise UserError("restore asks first, and nobody can answer here: add --yes")
    with ask_guard("Asking Loopbreaker"):
        guard = connect(open_session(profile, region))
    if not yes and not _agree(guard, bare, is_all=is_all):
        click.echo("Nothing was restored.")
        raise SystemExit(FOUND)
    with ask_guard("Restoring"):
        answer = guard.restore(tuple(dict.fromkeys(names)), is_for_all=is_all)
    if is_json:
        print_json(answer, guard.region)
    else:
        click.echo(format_restore(answer), nl=False)
    raise SystemExit(CLEAN if all(one.is_done for one in answer.results) else FOUND)


def _can_answer() -> bool:
    """Whether somebody sits before a terminal."""
    return sys.stdin.isatty()


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
