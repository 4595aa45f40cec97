"""Property tests are judged by what they find, not by how long a busy machine takes for it."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

from tests.examples import USUAL

settings.register_profile(
    "any-machine",
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow,),
    max_examples=USUAL,
)
# For a second run, under another Python: that the code runs there is seen with few examples.
settings.register_profile("few", settings.get_profile("any-machine"), max_examples=USUAL // 10)
settings.load_profile("any-machine")


def pytest_sessionstart() -> None:
    """Keep the garbage collector from looking for garbage while tests are collected."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking through 10,000 collected tests again and again."""
    gc.enable()
    gc.collect()
    gc.freeze()
