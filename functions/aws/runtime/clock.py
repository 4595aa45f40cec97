"""The time of day, which everything else gets as an argument."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def read_clock() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


@dataclass(slots=True)
class SignalClock:
    """The time of day, never behind the signals: tags and outages carry moments of both.

    `latest` is when the newest signal of this process was sent.
    """

    latest: datetime = _LONG_AGO

    def advance(self, at: datetime) -> None:
        """Note that a signal was sent."""
        self.latest = max(self.latest, at)

    def read(self) -> datetime:
        """The time of day, or of the newest signal where that is ahead."""
        return max(read_clock(), self.latest)
