"""How late, how slowly and how often control planes and deliveries do things in AWS's weather.

AWS publishes hardly any of these figures. The ranges are what people report, rounded up; nothing
may rely on them, only hold in them. Each draw is about something that has a name: who asks about
the same thing the same number of times gets the same answer, whatever the order of threads.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sandbox.weather.seeded import Weather

MAPPING_TRANSITION_SECONDS: Final = (10.0, 90.0)
"""Creating, Enabling, Disabling, Updating and Deleting of an event source mapping."""

CONCURRENCY_SECONDS: Final = (0.0, 5.0)
"""Until a changed reserved concurrency is in force."""

IAM_SECONDS: Final = (5.0, 30.0)
"""Until a changed policy of a role counts, be it more or less that it allows."""

TRAIL_SECONDS: Final = (5.0, 60.0)
"""Until CloudTrail's event of a call is on the event bus."""

TRAIL_LONG_SECONDS: Final = 300.0
TRAIL_LONG_PROBABILITY: Final = 1 / 30
TRAIL_TWICE_PROBABILITY: Final = 1 / 50

TWICE_PROBABILITY: Final = 1 / 50
"""That a delivery comes twice."""

TWICE_SECONDS: Final = (0.1, 20.0)
"""Until the second of two deliveries comes."""

TWICE_GAP_SECONDS: Final = 600.0
"""The least time between two deliveries to the same receiver that come twice.

A loop goes on from each delivery. If one in fifty came twice in a fast loop, the weather would let
it grow, and not the loop itself. Of deliveries that come once a minute, still one in fifty does.
"""


class Occurrences:
    """Counts how often each thing has happened, so that a draw can be about the nth time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[object, ...], int] = {}

    def number(self, *about: object) -> int:
        """How often this has happened before."""
        with self._lock:
            number = self._counts.get(about, 0)
            self._counts[about] = number + 1
            return number

    def clear(self) -> None:
        """Begin anew."""
        with self._lock:
            self._counts.clear()


def mapping_transition_seconds(weather: Weather, *about: object) -> float:
    """How long an event source mapping is in a state that passes."""
    return weather.between(*MAPPING_TRANSITION_SECONDS, "mapping", *about)


def concurrency_seconds(weather: Weather, *about: object) -> float:
    """How long a changed reserved concurrency is not in force; 0 in calm weather."""
    return 0.0 if weather.is_calm else weather.between(*CONCURRENCY_SECONDS, "concurrency", *about)


def iam_seconds(weather: Weather, *about: object) -> float:
    """How long a changed policy does not count."""
    return weather.between(*IAM_SECONDS, "iam", *about)


def trail_seconds(weather: Weather, *about: object) -> tuple[float, ...]:
    """How late CloudTrail's event of a call comes; two figures when it comes twice."""
    copies = 1 + weather.happens(TRAIL_TWICE_PROBABILITY, "trail twice", *about)
    return tuple(
        TRAIL_LONG_SECONDS
        if weather.happens(TRAIL_LONG_PROBABILITY, "trail long", copy, *about)
        else weather.between(*TRAIL_SECONDS, "trail", copy, *about)
        for copy in range(copies)
    )


class Duplicates:
    """Which deliveries come twice: one in fifty, and not two within ten virtual minutes."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self._occurrences = Occurrences()
        self._lock = threading.Lock()
        self._last: dict[tuple[object, ...], float] = {}

    def second_after(self, moment: float, *receiver: object) -> float | None:
        """How many seconds after this delivery it comes again; nothing when it comes once."""
        if self._weather.is_calm:
            return None
        number = self._occurrences.number(*receiver)
        if not self._weather.happens(TWICE_PROBABILITY, "twice", *receiver, number):
            return None
        with self._lock:
            last = self._last.get(receiver)
            if last is not None and moment - last < TWICE_GAP_SECONDS:
                return None
            self._last[receiver] = moment
        return self._weather.between(*TWICE_SECONDS, "second", *receiver, number)

    def clear(self) -> None:
        """Begin anew."""
        self._occurrences.clear()
        with self._lock:
            self._last.clear()
