"""The time of day, which everything else gets as an argument."""

from datetime import UTC, datetime


def read_clock() -> datetime:
    """The time of day."""
    return datetime.now(UTC)
