from __future__ import annotations

from dataclasses import dataclass

from functions.settings import LedgerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(LedgerSettings):
    """What `present` gets from its deployment.

    Attributes
    ----------
    own_functions
        Names of the guard functions, `contain` and `restore` first.
    """

    own_functions: tuple[str, ...]
