from __future__ import annotations

from dataclasses import dataclass

from functions.settings import DeployedSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(DeployedSettings):
    """What `protect` gets from its deployment."""
