from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from functions.settings import HoldSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(HoldSettings):
    """What `contain` gets from its deployment.

    Attributes
    ----------
    mode
        `observe` decides and tells, and changes nothing.
    response
        What is done about a suspected function. One whose loop AWS itself has stopped is always
        stopped.
    floor_per_minute
        A function below so many invocations per minute is never suspected.
    blast_radius
        At most so many functions are contained within the window.
    blast_radius_window_minutes
        Length of that window.
    danger_usd_per_minute
        What a function may cost. One that costs more is in danger, and suspected after one
        minute; a held one is let go by no more than that.
    exempt
        Names of functions that are never contained, beside those with the exempt tag.
    own_functions
        Names of the guard functions, which are never contained.
    account_concurrency
        The account's concurrency limit in this Region when it was last deployed.
    sweep_minutes
        Minutes between two sweeps; 0 when there is none.
    """

    mode: Literal["enforce", "observe"]
    response: Literal["throttle", "hold", "notify"]
    floor_per_minute: int
    blast_radius: int
    exempt: tuple[str, ...]
    own_functions: tuple[str, ...]
    account_concurrency: int
    sweep_minutes: int
    blast_radius_window_minutes: int = 60
    danger_usd_per_minute: int = 1
