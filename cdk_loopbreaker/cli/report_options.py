"""What the commands share that report findings: options, and where the report goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from cdk_loopbreaker.cli.console import make_console
from cdk_loopbreaker.cli.files import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rich.console import Console

FAIL_ON: Final = click.option(
    "--fail-on",
    type=click.Choice(("certain", "possible", "never")),
    default="never",
    show_default=True,
    help="Exit with 1 on certain findings, or on possible ones too. Accepted findings never count.",
)
AS_JSON: Final = click.option("--json", "is_json", is_flag=True, help="The same as --format json.")


def write_report(
    kind: str,
    output: Path | None,
    print_text: Callable[[Console], None],
    formats: Mapping[str, Callable[[], str]],
) -> None:
    """Write a report to a file as a whole, or to standard output.

    Parameters
    ----------
    kind
        A key of `formats`, or ``text``.
    print_text
        Prints the report for people.
    formats
        What writes the others, by their names.

    Raises
    ------
    UserError
        When the file cannot be written.
    """
    if kind == "text" and output is None:
        print_text(make_console())
        return
    text = formats[kind]() if kind in formats else _capture(print_text)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text.encode("utf-8", "backslashreplace"), "--output")


def _capture(print_text: Callable[[Console], None]) -> str:
    console = make_console()
    console.no_color = True
    with console.capture() as captured:
        print_text(console)
    return captured.get()
