"""`loopbreaker history`: which incidents have ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import click

from cdk_loopbreaker.cli.aws_options import ask_guard, parse_names, print_json, take_aws_options
from cdk_loopbreaker.cli.errors import UserError
from cdk_loopbreaker.operating.connection import connect, open_session
from cdk_loopbreaker.operating.text import format_history

_MOST: Final = 1_000
_UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_LONGEST_AGO: Final = timedelta(days=3_650)
_EPILOG: Final = """\b
Examples:
  loopbreaker history
  loopbreaker history orders --since 90d
  loopbreaker history --since 2026-11-01 --json

\b
Exit codes:
  0  it was read
  2  it could not be read; standard error says why
"""


@click.command(epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    default=20,
    show_default=True,
    help="Most incidents to show.",
)
@click.option(
    "--since",
    metavar="WHEN",
    help="Those that ended after this: an age such as 7d or 12h, or a date such as 2026-11-01.",
)
@take_aws_options
def history(
    *,
    names: tuple[str, ...],
    limit: int,
    since: str | None,
    profile: str | None,
    region: str | None,
    is_json: bool,
) -> None:
    """Show incidents that have ended, newest first.

    NAMEs are functions. Without one, all incidents of the last 90 days are shown; with names, those
    of the last 400 days.
    """
    functions = parse_names(names)
    earliest = None if since is None else parse_moment(since, datetime.now(UTC))
    with ask_guard("Asking Loopbreaker"):
        guard = connect(open_session(profile, region))
        answer = guard.read_history(functions, since=earliest, limit=limit)
    if is_json:
        print_json(answer, guard.region)
    else:
        click.echo(format_history(answer, guard.region), nl=False)


def parse_moment(text: str, now: datetime) -> datetime:
    """Read an age such as ``7d``, or a date or moment of ISO 8601; UTC where it names no zone.

    Raises
    ------
    UserError
        When it is neither.
    """
    number, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is not None and number.isascii() and number.isdecimal() and len(number) <= len("99999"):
        return now - min(int(number) * unit, _LONGEST_AGO)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"--since {text[:80]}: write an age such as 7d, 12h or 30m, or a date such as"
            " 2026-11-01"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
