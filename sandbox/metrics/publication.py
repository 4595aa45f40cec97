"""When CloudWatch shows a minute of a metric, and how much of it at first.

AWS promises no times. Measurements by others say that a minute is complete about two minutes after
its end, sometimes later, and nobody says that two metrics of one minute come together. What is
drawn here is wider than that: whatever holds in it should hold on AWS.

Nothing is queued. The store keeps the truth, and each reader is shown the part of it that is
published at the moment of reading; the same seed shows the same part.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.metrics.store import Cell, LiveMinute, MetricKey
    from sandbox.weather.seeded import Weather

SECONDS_PER_MINUTE = 60

LEAST_DELAY_SECONDS = 60.0
MOST_DELAY_SECONDS = 150.0
"""From the end of a minute until it is shown first."""

LEAST_SHARE = 0.2
MOST_SHARE = 0.9
"""How much of a minute is there when it is shown first."""

LEAST_FILL_SECONDS = 20.0
MOST_FILL_SECONDS = 80.0
"""From then until it is complete."""

COMPLETE_SECONDS = MOST_DELAY_SECONDS + MOST_FILL_SECONDS
"""From the end of a minute until it is complete in every weather."""

_DIGEST_BYTES = 16
_DRAWS = struct.Struct("<III")
_WHOLE = float(1 << 32)


class ValueKind(StrEnum):
    """What a part of a minute looks like."""

    COUNT = "count"
    """A part of what was counted: a lower sum."""
    LEVEL = "level"
    """A part of what ran at once: a lower maximum."""
    MEASURE = "measure"
    """Some of the samples, each of its true size."""


_LEVEL_WORD = "Concurren"
_MEASURE_WORDS = ("Duration", "Age", "Latency", "Approximate")


def kind_of(key: MetricKey) -> ValueKind:
    """What a metric measures. A user's own metric consists of the samples that were sent."""
    namespace, name, _ = key
    if not namespace.startswith("AWS/") or any(word in name for word in _MEASURE_WORDS):
        return ValueKind.MEASURE
    return ValueKind.LEVEL if _LEVEL_WORD in name else ValueKind.COUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """How the minutes of one metric are published. Moments are seconds since the epoch."""

    kind: ValueKind
    salt: bytes

    @classmethod
    def of(cls, weather: Weather, key: MetricKey) -> Publication | None:
        """How a metric is published in this weather: nothing in calm, where all is there."""
        if weather.is_calm:
            return None
        text = repr((weather.seed, "publication", key))
        salt = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
        return cls(kind=kind_of(key), salt=salt)

    def _draws(self, minute: int, arrival: int) -> tuple[float, float, float]:
        about = b"%d %d" % (minute, arrival)
        digest = hashlib.blake2b(about, key=self.salt, digest_size=_DRAWS.size).digest()
        one, two, three = _DRAWS.unpack(digest)
        return one / _WHOLE, two / _WHOLE, three / _WHOLE

    def share(self, minute: int, now: float) -> float:
        """How much of a minute is published: from 0, not shown at all, up to 1."""
        age = now - (minute + 1) * SECONDS_PER_MINUTE
        if age < LEAST_DELAY_SECONDS:
            return 0.0
        if age >= COMPLETE_SECONDS:
            return 1.0
        delay, first, fill = self._draws(minute, minute)
        age -= _between(LEAST_DELAY_SECONDS, MOST_DELAY_SECONDS, delay)
        if age < 0:
            return 0.0
        shown = _between(LEAST_SHARE, MOST_SHARE, first)
        filled = age / _between(LEAST_FILL_SECONDS, MOST_FILL_SECONDS, fill)
        return min(1.0, shown + (1.0 - shown) * filled)

    def is_late_part_shown(self, minute: int, arrival: int, now: float) -> bool:
        """Whether what came for a minute only in a later one, ``arrival``, is published."""
        age = now - (arrival + 1) * SECONDS_PER_MINUTE
        if age < LEAST_DELAY_SECONDS:
            return False
        if age >= MOST_DELAY_SECONDS:
            return True
        delay, _, _ = self._draws(minute, arrival)
        return age >= _between(LEAST_DELAY_SECONDS, MOST_DELAY_SECONDS, delay)

    def value_part(self, value: float, share: float) -> float:
        """The part of a minute that was given as one value."""
        return value if self.kind is ValueKind.MEASURE else part_of(value, share)

    def part(self, live: LiveMinute, share: float) -> Cell:
        """The part of a minute that consists of many samples."""
        if self.kind is ValueKind.MEASURE:
            return _some_samples(live, share)
        count = part_of(live.count, share)
        if self.kind is ValueKind.COUNT:
            total = part_of(live.total, share)
            high = min(live.high, max(total, 0.0))
            return count, total, min(live.low, high), high
        high = part_of(live.high, share)
        scale = (high / live.high) * (count / live.count) if live.high and live.count else 1.0
        return count, live.total * scale, min(live.low, high), high

    def samples(self, live: LiveMinute, share: float) -> list[tuple[float, float]]:
        """The single values of a part, with their weights."""
        some = live.samples[: _sample_count(live, share)]
        if self.kind is ValueKind.LEVEL:
            return [(part_of(value, share), weight) for value, weight in some]
        return some


def part_of(value: float, share: float) -> float:
    """A part of a value; of a whole number a whole one, and at least 1 where there is any."""
    if share >= 1.0 or value <= 0.0:
        return value
    part = value * share
    return float(max(1, int(part))) if value % 1 == 0 else part


def _between(low: float, high: float, draw: float) -> float:
    return low + (high - low) * draw


def _sample_count(live: LiveMinute, share: float) -> int:
    return max(1, int(len(live.samples) * share))


def _some_samples(live: LiveMinute, share: float) -> Cell:
    some = live.samples[: _sample_count(live, share)]
    if not some:
        return live.cell()
    values = [value for value, _ in some]
    if live.has_all_samples:
        count = sum(weight for _, weight in some)
        total = sum(value * weight for value, weight in some)
    else:
        count = part_of(live.count, share)
        total = live.total * count / live.count
    return count, total, max(live.low, min(values)), min(live.high, max(values))
