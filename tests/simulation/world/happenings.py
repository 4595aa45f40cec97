"""What happens at a call, as the journal has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.turns import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A call of the guard that changed, or was to change, a function.

    Attributes
    ----------
    takes
        Whether it takes something from the function, rather than gives it back.
    exempt_since
        When the function got its exempt tag; ``None``: it has none.
    error
        AWS's words where it was refused.
    """

    at: float
    run: Run
    function: str
    method: str
    arguments: Mapping[str, Any]
    takes: bool
    exempt_since: float | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """What happens to one call.

    Attributes
    ----------
    is_late
        The call has its effect first: only the answer is lost.
    """

    error: Exception | None = None
    is_late: bool = False
    kills: bool = False
    stalls: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the story; a run of which all lines are quiet changed nothing."""

    run: str
    text: str
    is_quiet: bool
