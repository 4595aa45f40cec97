"""What the operator decided, by the flags of the deployment."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

EXEMPT_TAG = "loopbreaker:exempt"


class Mode(StrEnum):
    """Whether the guard acts."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class Response(StrEnum):
    """What is done with a `SUSPECTED` function. A `RUNAWAY` one is always throttled."""

    HOLD = "hold"  # held where that only delays events, and watched: see `domain/holding`
    THROTTLE = "throttle"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The operator's rules.

    Attributes
    ----------
    floor_per_minute
        Invocations a minute below which nothing is ever called a loop.
    blast_radius
        Most functions that are contained or held within `blast_radius_window`.
    cooling_off
        How long a function that a person released is watched without being touched again.
    danger_usd_per_minute
        Dollars a minute beyond which a function is in danger, see
        `functions.domain.detection.danger`; ``None``: no price is.
    patience
        How long after the first notice a function on a certain loop that cannot be held is
        throttled.
    exempt
        Names of functions that are never touched, beside those with the tag `EXEMPT_TAG`.
    own_functions
        Names of the guard's functions.
    """

    mode: Mode = Mode.ENFORCE
    response: Response = Response.HOLD
    floor_per_minute: int = 500
    blast_radius: int = 3
    blast_radius_window: timedelta = timedelta(hours=1)
    cooling_off: timedelta = timedelta(hours=1)
    danger_usd_per_minute: float | None = None
    patience: timedelta = timedelta(minutes=15)
    exempt: frozenset[str] = frozenset()
    own_functions: frozenset[str] = frozenset()
