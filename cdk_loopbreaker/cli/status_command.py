"""`loopbreaker status`: what the guard holds now."""

from __future__ import annotations

from typing import Final

import click

from cdk_loopbreaker.cli.aws_options import ask_guard, print_json, take_aws_options
from cdk_loopbreaker.cli.errors import CLEAN, FOUND
from cdk_loopbreaker.operating.connection import connect, open_session
from cdk_loopbreaker.operating.text import format_status

_EPILOG: Final = """\b
Exit codes:
  0  it was read
  1  with --exit-code: at least one function is held
  2  it could not be read; standard error says why
"""


@click.command(epilog=_EPILOG)
@click.option("--exit-code", "is_code", is_flag=True, help="Exit with 1 if any function is held.")
@take_aws_options
def status(*, is_code: bool, profile: str | None, region: str | None, is_json: bool) -> None:
    """Show which functions the guard holds, since when, why, and what it cost.

    It asks the Lambda function Loopbreaker-restore, and needs lambda:InvokeFunction on that.
    """
    with ask_guard("Asking Loopbreaker"):
        guard = connect(open_session(profile, region))
        answer = guard.read_status()
    if is_json:
        print_json(answer, guard.region)
    else:
        click.echo(format_status(answer, guard.region), nl=False)
    is_held = bool(answer.tagged) or any(one.is_held for one in answer.open)
    raise SystemExit(FOUND if is_code and is_held else CLEAN)
