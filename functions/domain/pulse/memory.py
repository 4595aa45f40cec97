"""What one pulse remembers for the next."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseMemory:
    """What the pulse remembers of its last closer look.

    Attributes
    ----------
    looked_at
        When it last looked at the functions; ``None`` for never.
    level_per_minute
        The account's invocations a minute at that time.
    looks
        Closer looks in a row that found nothing, for backing off.
    watched
        Functions whose young spike was no loop yet when it was looked at: looked at each minute.
    watch_until
        Until when; ``None`` for nothing to watch.
    swept_to
        In an account that is swept in parts: the last function of the last part.
    stock
        Looks that were left at `stocked_at`; ``None`` for a full stock.
    stocked_at
        When that was; ``None`` for never.
    """

    looked_at: datetime | None = None
    level_per_minute: float = 0.0
    looks: int = 0
    watched: tuple[str, ...] = ()
    watch_until: datetime | None = None
    swept_to: str = ""
    stock: float | None = None
    stocked_at: datetime | None = None
