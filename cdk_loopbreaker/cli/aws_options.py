"""Options and exit codes that commands share which ask a deployed guard."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from cdk_loopbreaker.cli.console import show_progress
from cdk_loopbreaker.cli.errors import UserError
from cdk_loopbreaker.operating.errors import OperatingError
from functions.domain.account.names import InvalidFunctionReferenceError, parse_function_name
from functions.domain.requests.request import MOST_FUNCTIONS
from functions.domain.serialization import Form, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_F = TypeVar("_F", bound="Callable[..., Any]")
_OPTIONS: Final = (
    click.option("--json", "is_json", is_flag=True, help="Print JSON instead of text."),
    click.option(
        "--region", metavar="REGION", help="AWS Region of the guard; otherwise that of the profile."
    ),
    click.option(
        "--profile", metavar="NAME", help="Profile of the AWS configuration to take credentials of."
    ),
)


def take_aws_options(command: _F) -> _F:
    """Give a command the options --profile, --region and --json."""
    for option in _OPTIONS:
        command = option(command)
    return command


def parse_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Read the bare names of functions, each once.

    Raises
    ------
    UserError
        When one is no function, or they are too many for one request.
    """
    try:
        found = tuple(dict.fromkeys(map(parse_function_name, names)))
    except InvalidFunctionReferenceError as error:
        raise UserError(str(error)) from error
    if len(found) > MOST_FUNCTIONS:
        raise UserError(f"{len(found)} functions; name {MOST_FUNCTIONS} at most at a time")
    return found


@contextmanager
def ask_guard(words: str) -> Iterator[None]:
    """Show progress while the guard is asked, and end with one line where it cannot be.

    Raises
    ------
    UserError
        When the guard cannot be asked, or does not carry the request out.
    """
    try:
        with show_progress(words):
            yield
    except OperatingError as error:
        raise UserError(str(error)) from error


def print_json(answer: Any, region: str) -> None:
    """Print an answer of the guard as JSON, with its Region."""
    fields = {"region": region, **to_json(answer, Form.PLAIN)}
    click.echo(json.dumps(fields, indent=2, ensure_ascii=False))
