"""The time of day, which everything else gets as an argument."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def read_clock() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


def parse_moment(text: str) -> datetime:
    """The moment of ``2019-10-02T17:04:40Z`` and of ``2023-08-04T12:36:15.490+0000``."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


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
