"""How commands end: exit codes, and one line for what a person has to mend."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any, Final

import click

CLEAN: Final = 0
FOUND: Final = 1
NOT_DONE: Final = 2


class UserError(click.ClickException):
    """Raised when a command cannot be done; the message says what was wrong and what is allowed."""

    exit_code = NOT_DONE

    def show(self, file: IO[Any] | None = None) -> None:
        """Print one line, without a traceback."""
        with suppress(OSError):  # whatever becomes of the line, the exit code stays
            click.echo(f"loopbreaker: {self.format_message()}", file=file, err=file is None)
