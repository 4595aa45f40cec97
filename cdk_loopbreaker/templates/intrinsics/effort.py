"""Bounds of the work of one reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MOST_DEPTH: Final = 200  # values within values count one, references of references four
REFERENCE_DEPTH: Final = 4
MOST_TEXT: Final = 20_000_000  # characters and elements that functions of one reading make


@dataclass(slots=True)
class Effort:
    """What a reading has done: how deep it is, how much text it has made, what it evaluates."""

    depth: int = 0
    characters: int = 0
    active: set[tuple[int, str, str]] = field(default_factory=set)

    @property
    def is_spent(self) -> bool:
        """Whether functions must make no more."""
        return self.characters > MOST_TEXT

    @property
    def is_too_deep(self) -> bool:
        """Whether evaluation must go no deeper."""
        return self.depth >= MOST_DEPTH
