"""What is known of an event before there is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from functions.domain.iam.wildcard import Pattern

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class OneOf:
    """A value that is one of these (``None`` is JSON's null)."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """A text that at least one of these patterns matches, in IAM's notation (``out/*``)."""

    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """A field that the event does not have."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything: a text, a number, an object, a list, or no such field."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list whose elements are these, each of which is there."""

    items: tuple["Known", ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """An object. A field that is not named is unknown, or absent if the object `is_closed`."""

    fields: Mapping[str, "Known"]
    is_closed: bool = False

    def get(self, name: str) -> "Known":
        """What is known of a field."""
        found = self.fields.get(name)
        if found is None:
            return Absent() if self.is_closed else Unknown()
        return found


Known: TypeAlias = OneOf | Like | Absent | Unknown | Listed | Fields


def text(*values: str) -> OneOf:
    """A text that is one of these."""
    return OneOf(values)
