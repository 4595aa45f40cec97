"""How many examples a property is tried with, which depends on the run."""

from __future__ import annotations

from typing import Final

from hypothesis import settings

USUAL: Final = 100
"""What Hypothesis tries where nothing else is said."""


def examples(usual: int) -> int:
    """So many examples, or as large a share of them as the loaded profile takes of `USUAL`."""
    profile = settings.get_profile(settings.get_current_profile_name())
    return max(1, usual * profile.max_examples // USUAL)
