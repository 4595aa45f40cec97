"""AWS's weather: how late, how slowly and how often the sandbox does what AWS does.

Calm weather is for unit tests: everything is there at once, once, and together. AWS's weather is
for everything that is meant to hold in an account. It is drawn from a seed: the same seed and the
same thing asked about give the same answer, in whatever order threads ask.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

MOST_SEED = 2**31
_DRAW_BYTES = 6  # fit a float exactly
_DRAWS = float(1 << 8 * _DRAW_BYTES)


class WeatherKind(StrEnum):
    """The two weathers of a sandbox."""

    CALM = "calm"
    AWS = "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What kind of weather it is, and the seed that it is drawn from."""

    kind: WeatherKind = WeatherKind.CALM
    seed: int = 0

    @property
    def is_calm(self) -> bool:
        """Whether everything happens at once, once, and together."""
        return self.kind is WeatherKind.CALM

    def draw(self, *about: object) -> float:
        """A number from 0 up to, and without, 1: always the same for the same thing."""
        text = "\x1f".join((str(self.seed), *map(str, about)))
        digest = hashlib.blake2b(text.encode(), digest_size=_DRAW_BYTES).digest()
        return int.from_bytes(digest, "big") / _DRAWS

    def between(self, low: float, high: float, *about: object) -> float:
        """A number from `low` up to `high`."""
        return low + (high - low) * self.draw(*about)

    def happens(self, probability: float, *about: object) -> bool:
        """Whether something of this probability happens; never in calm weather."""
        return not self.is_calm and self.draw(*about) < probability


def new_seed() -> int:
    """A seed that nobody has chosen. Whoever draws one prints it."""
    return secrets.randbelow(MOST_SEED)
