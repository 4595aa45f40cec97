"""`loopbreaker status`: what the guard holds now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cdk_loopbreaker.cli.aws_options import ask_guard, print_json, take_aws_options
from cdk_loopbreaker.cli.errors import CLEAN, FOUND, UserError
from cdk_loopbreaker.cli.files import check_writable, write_file
from cdk_loopbreaker.operating.connection import connect, open_session
from cdk_loopbreaker.operating.text import format_status
from functions.domain.page.document import write_file as write_page
from functions.domain.page.incidents import describe_state

if TYPE_CHECKING:
    from cdk_loopbreaker.operating.client import GuardClient

_EPILOG: Final = """\b
Examples:
  loopbreaker status
  loopbreaker status --html guard.html

\b
Exit codes:
  0  it was read
  1  with --exit-code: at least one function is held
  2  it could not be read; standard error says why
"""


@click.command(epilog=_EPILOG)
@click.option("--exit-code", "is_code", is_flag=True, help="Exit with 1 if any function is held.")
@click.option(
    "--html",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the whole page as one HTML file: loops, traffic, history, health of the guard.",
)
@take_aws_options
def status(
    *, is_code: bool, file: Path | None, profile: str | None, region: str | None, is_json: bool
) -> None:
    """Show which functions the guard holds, since when, why, and what it cost.

    It asks the Lambda function Loopbreaker-restore, and needs lambda:InvokeFunction on that.
    """
    if file is not None:
        if is_json:
            raise UserError("give either --html or --json")
        check_writable(file, "--html")
    with ask_guard("Asking Loopbreaker"):
        guard = connect(open_session(profile, region))
        is_held = _show_status(guard, is_json=is_json) if file is None else _write(guard, file)
    raise SystemExit(FOUND if is_code and is_held else CLEAN)


def _show_status(guard: GuardClient, *, is_json: bool) -> bool:
    """Print what is held; answers whether anything is."""
    answer = guard.read_status()
    if is_json:
        print_json(answer, guard.region)
    else:
        click.echo(format_status(answer, guard.region), nl=False)
    return bool(answer.tagged) or any(one.is_held for one in answer.open)


def _write(guard: GuardClient, file: Path) -> bool:
    """Write the page to a file; answers whether anything is held."""
    page = guard.read_overview()
    write_file(file, write_page(page).encode("utf-8", "backslashreplace"), "--html")
    headline, _ = describe_state(page)
    click.echo(f"{headline} in {guard.region}. The page is in {file}.")
    for one in page.unread:
        click.echo(f"Not on the page: {one.what} did not answer: {one.why}", err=True)
    return page.incidents is not None and page.incidents.held > 0
