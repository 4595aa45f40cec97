"""Corrections of Lambda's API."""

from __future__ import annotations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.world import World


def apply(world: World) -> None:
    """TODO."""
