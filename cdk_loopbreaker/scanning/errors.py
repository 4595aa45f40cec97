"""What keeps a scan from being made."""

from __future__ import annotations

from functions.domain.errors import LoopbreakerError


class ScanError(LoopbreakerError):
    """Raised when a scan cannot be made.

    The message is one line that says what was wrong and what to do.
    """
