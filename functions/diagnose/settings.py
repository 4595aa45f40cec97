from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from functions.settings import LedgerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(LedgerSettings):
    """What `diagnose` gets from its deployment.

    Attributes
    ----------
    mode
        `observe` decides and tells, and changes nothing.
    remedies
        Kinds of remedies that are applied without asking: `logs`, `traces`, `permissions`,
        `memory`.
    memory_ceiling_mb
        Most memory that the remedy `memory` may give a function; 0 when it is not allowed.
    exempt
        Names of functions that are never changed, beside those with the exempt tag.
    own_functions
        Names of the guard functions, which are never changed.
    round_hours
        Hours between two rounds over all functions.
    """

    mode: Literal["enforce", "observe"]
    remedies: tuple[str, ...]
    memory_ceiling_mb: int
    exempt: tuple[str, ...]
    own_functions: tuple[str, ...]
    round_hours: int = 24
