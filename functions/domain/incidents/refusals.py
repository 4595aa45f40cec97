"""What AWS refused, and when it is asked again."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# After so many refusals in a row AWS is asked again after so long.
PAUSES: Final = tuple(timedelta(minutes=one) for one in (1, 2, 4, 8, 16, 32, 60))
# A pulse that comes a little early does not wait for the next one.
EARLY: Final = timedelta(seconds=10)
MOST_TOLD: Final = 5
_LONGEST_TOLD: Final = 300
# AWS's message may name the request, which is another one each time.
_REQUEST_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Attempt(StrEnum):
    """What AWS may refuse again and again. Each is tried again after pauses of its own."""

    CAP = "cap"
    STOP = "stop"
    FOLLOW_UP = "follow_up"  # what is changed beside the reservation
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """What AWS has refused in a row.

    Attributes
    ----------
    until
        When it may be tried again; ``None`` for at once.
    told
        What people were notified AWS has said: the newest few, shortened.
    """

    attempt: Attempt
    count: int = 0
    until: datetime | None = None
    told: tuple[str, ...] = ()


def shorten_refusal(words: str) -> str:
    """AWS error message without what differs each time, short enough to be kept."""
    return _REQUEST_ID.sub("", words)[:_LONGEST_TOLD]
