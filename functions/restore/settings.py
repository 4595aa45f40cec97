from __future__ import annotations

from dataclasses import dataclass

from functions.settings import HoldSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(HoldSettings):
    """What `restore` gets from its deployment.

    Attributes
    ----------
    own_functions
        Names of the guard functions, `contain` and `restore` first.
    """

    own_functions: tuple[str, ...]
