"""Standard output and standard error, whatever they are: a file, a pipe, a terminal of its own."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress


def replace_unencodable() -> None:
    """Let both streams write a character that they do not know as an escape, not fail on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def give_up_output() -> None:
    """Drop what standard output still holds: Python would fail once more on it at its end."""
    with suppress(OSError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
