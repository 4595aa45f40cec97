"""The terminal: colour where it is wanted, progress where something takes long."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator

# Wide enough for a drawn loop, narrow enough to read.
_NARROWEST: Final = 80
_WIDEST: Final = 110
_LOG_WIDTH: Final = 100
# What ends sooner needs no progress.
_PATIENCE_SECONDS: Final = 2.0


def make_console(*, stderr: bool = False) -> Console:
    """A console on standard output or standard error.

    `NO_COLOR` and `FORCE_COLOR` are honoured. A log or pipe gets lines of a fixed width, so that
    the same command prints the same everywhere, unless `COLUMNS` asks for another.
    """
    stream = sys.stderr if stderr else sys.stdout
    console = Console(file=stream, highlight=False, soft_wrap=False, emoji=False, markup=False)
    if console.is_terminal:
        console.width = max(_NARROWEST, min(console.width, _WIDEST))
    else:
        columns = os.environ.get("COLUMNS", "")
        console.width = int(columns) if columns.isdecimal() and int(columns) else _LOG_WIDTH
    return console


def can_answer() -> bool:
    """Whether somebody sits before a terminal."""
    return sys.stdin.isatty()


@contextmanager
def show_progress(words: str) -> Iterator[None]:
    """Say on standard error what is being done, while it is done.

    A terminal shows a spinner. A log gets one line, and only where it took longer than 2 seconds.
    """
    console = make_console(stderr=True)
    if console.is_terminal:
        with console.status(f"{words} ..."):
            yield
        return
    began = time.monotonic()
    yield
    taken = time.monotonic() - began
    if taken > _PATIENCE_SECONDS:
        console.print(f"{words}: {taken:.0f} s")
