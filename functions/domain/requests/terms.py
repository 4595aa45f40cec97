"""How a person wants a function back."""

from dataclasses import dataclass
from enum import StrEnum


class RestoreMode(StrEnum):
    """How functions are restored."""

    NOW = "now"
    PROBATION = "probation"  # a little is let go first, and watched: see `domain/probation`


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreTerms:
    """How functions are restored.

    Attributes
    ----------
    is_forced
        Whether a function is restored at once although its loop is closed in the event graph.
    """

    mode: RestoreMode = RestoreMode.NOW
    is_forced: bool = False
