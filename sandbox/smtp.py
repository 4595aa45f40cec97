"""A real SMTP server on loopback that stores each mail as a file."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from sandbox.settings import HOST

if TYPE_CHECKING:
    from pathlib import Path


class _Inbox:
    """Stores what the server receives."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        """Keep one mail; the envelope's recipients go into a header of their own."""
        name = f"{int(time.time() * 1000)}-{next(self._numbers):05d}"
        recipients = ", ".join(envelope.rcpt_tos).encode()
        unfinished = self._directory / f"{name}.part"
        unfinished.write_bytes(b"X-Envelope-To: " + recipients + b"\r\n" + envelope.content)
        unfinished.rename(self._directory / f"{name}.eml")
        return "250 stored"


class MailServer:
    """The mail server of one sandbox."""

    def __init__(self, port: int, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._controller = Controller(_Inbox(directory), hostname=HOST, port=port)

    def start(self) -> None:
        """Listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop()
