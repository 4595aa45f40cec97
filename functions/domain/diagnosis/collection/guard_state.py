"""What the guard itself knows of functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.domain.diagnosis.checks import not_authorized
from functions.domain.diagnosis.facts import DeniedCall
from functions.domain.diagnosis.finding_registry import FindingBook


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardState:
    """What the guard itself knows of functions, by their names.

    Attributes
    ----------
    contained
        Functions that the guard holds.
    exempt, own
        Functions that are never changed: by flag, and the guard's own.
    closely
        Functions of which schedules are read however well these do: somebody asks about them, they
        were changed, or something is open of them.
    denials
        Invocations that CloudTrail said were denied.
    accused
        The roles, by their ARNs, that an open finding says may not invoke the function.
    """

    contained: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    closely: frozenset[str] = frozenset()
    accused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    denials: Mapping[str, tuple[DeniedCall, ...]] = field(default_factory=dict)
    memory_ceiling_mb: int | None = None


def find_accused(book: FindingBook) -> Mapping[str, tuple[str, ...]]:
    """The roles that open findings say may not invoke a function, by the function's name."""
    return {
        one.function: not_authorized.find_accused_roles(one.causes)
        for one in book.open
        if one.entry == not_authorized.ENTRY
    }
