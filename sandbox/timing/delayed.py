"""A value whose changes count only later."""

from __future__ import annotations

from typing import Generic, TypeVar

_V = TypeVar("_V")


class Delayed(Generic[_V]):
    """A value that was changed, and what of its changes counts at which moment.

    Changes count in the order in which they were made: a change that counts before an earlier one
    would takes that one's place.
    """

    __slots__ = ("_changes", "_first")

    def __init__(self, value: _V) -> None:
        self._first = value
        self._changes: tuple[tuple[float, _V], ...] = ()

    @property
    def latest(self) -> _V:
        """What the value was changed to last, whether or not that counts yet."""
        return self._changes[-1][1] if self._changes else self._first

    def change(self, value: _V, counts_from: float) -> None:
        """Change the value; the change counts from a moment on."""
        kept = tuple(change for change in self._changes if change[0] < counts_from)
        self._changes = (*kept, (counts_from, value))

    def value_at(self, moment: float) -> _V:
        """What counts at a moment."""
        found = self._first
        for counts_from, value in self._changes:
            if counts_from > moment:
                break
            found = value
        return found

    def is_settled(self, moment: float) -> bool:
        """Whether the last change counts."""
        return not self._changes or self._changes[-1][0] <= moment
