from __future__ import annotations

from dataclasses import dataclass

from functions.settings import LedgerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(LedgerSettings):
    """What `chart` gets from its deployment.

    Attributes
    ----------
    accepted_loops
        Names of functions whose loops are intended, beside those with the tag.
    own_functions
        Names of the guard functions. What they change wakes them, which ends by itself.
    full_pass_hours
        Hours between two readings of everything.
    light_pass_minutes
        Minutes between two readings of all lists, with the details of what is new on them.
    """

    accepted_loops: tuple[str, ...] = ()
    own_functions: tuple[str, ...] = ()
    full_pass_hours: int = 24
    light_pass_minutes: int = 60
