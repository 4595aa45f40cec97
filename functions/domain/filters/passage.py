"""What a filter says of what is known about an event."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Passage(StrEnum):
    """Whether events pass a filter.

    NEVER and ALWAYS are only said where they are proved for every event that fits what is known.
    """

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    NEVER = "never"


class Reason(StrEnum):
    """Why."""

    NO_FILTER = "there is no filter"
    FITS = "everything that is known of the event fits the filter"
    EXCLUDED = "the filter excludes every such event"
    IMPOSSIBLE = "the filter excludes every event"
    UNDECIDED = "the filter depends on what is not known of the event"
    UNREADABLE = "the filter could not be understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtered:
    """The answer of a filter.

    Attributes
    ----------
    place
        The field that decided (``detail.object.key``), where one did.
    words
        What else is known in words, such as why a filter could not be read.
    """

    passage: Passage
    reason: Reason
    place: str = ""
    words: str = ""


def every(passages: Iterable[Passage]) -> Passage:
    """Conditions that have to hold together."""
    found = frozenset(passages)
    if Passage.NEVER in found:
        return Passage.NEVER
    return Passage.SOMETIMES if Passage.SOMETIMES in found else Passage.ALWAYS


def some(passages: Iterable[Passage]) -> Passage:
    """Conditions of which one has to hold."""
    found = frozenset(passages)
    if Passage.ALWAYS in found:
        return Passage.ALWAYS
    return Passage.SOMETIMES if Passage.SOMETIMES in found else Passage.NEVER


def opposite(passage: Passage) -> Passage:
    """The condition's opposite."""
    match passage:
        case Passage.ALWAYS:
            return Passage.NEVER
        case Passage.NEVER:
            return Passage.ALWAYS
        case Passage.SOMETIMES:
            return Passage.SOMETIMES


def mixed(passages: Iterable[Passage]) -> Passage:
    """One condition over all that an event may be: sure only where all agree."""
    found = set(passages)
    return found.pop() if len(found) == 1 else Passage.SOMETIMES
