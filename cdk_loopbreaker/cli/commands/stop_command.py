"""`loopbreaker stop`: stop a function now, whatever its metrics show."""

from __future__ import annotations

from typing import Final

import click

from cdk_loopbreaker.cli.aws_options import ask_guard, parse_names, print_json, take_aws_options
from cdk_loopbreaker.cli.errors import CLEAN, FOUND
from cdk_loopbreaker.operating.connection import connect, find_caller, open_session
from cdk_loopbreaker.operating.text import format_stop

_EPILOG: Final = """\b
Exit codes:
  0  the function is stopped
  1  it is not, or not yet; the text says why and how to go on
  2  Loopbreaker could not be asked; standard error says why
"""


@click.command(epilog=_EPILOG)
@click.argument("name")
@take_aws_options
def stop(*, name: str, profile: str | None, region: str | None, is_json: bool) -> None:
    """Stop a function now: the big red button. It does not ask.

    NAME is the name or the ARN of a function. The guard keeps what was there before, sets its
    reserved concurrency to 0, disables its event source mappings and sends the notice.
    `loopbreaker restore` puts everything back. It needs lambda:InvokeFunction on
    Loopbreaker-contain.
    """
    parse_names((name,))
    with ask_guard("Stopping"):
        session = open_session(profile, region)
        guard = connect(session)
        answer = guard.stop(name, find_caller(session))
    if is_json:
        print_json(answer, guard.region)
    else:
        click.echo(format_stop(answer, guard.region), nl=False)
    raise SystemExit(CLEAN if answer.is_done else FOUND)
