"""Property tests are judged by what they find, not by how long a busy machine takes for it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.examples import USUAL

_TESTS: Final = Path(__file__).parent
# What the tests of these folders share takes long to set up, a local AWS and templates: one worker
# runs them all, and sets it up once. A file that shares nothing of it runs anywhere.
_TOGETHER: Final = ("contract", "infrastructure")
_ANYWHERE: Final = ("test_app.py",)

settings.register_profile(
    "any-machine",
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow,),
    max_examples=USUAL,
)
# For a second run, under another Python: that the code runs there is seen with few examples.
settings.register_profile("few", settings.get_profile("any-machine"), max_examples=USUAL // 10)
settings.load_profile("any-machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the groups of `--dist loadgroup`."""
    for item in items:
        folder = item.path.relative_to(_TESTS).parts[0]
        if folder in _TOGETHER and item.path.name not in _ANYWHERE:
            item.add_marker(pytest.mark.xdist_group(folder))


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking through 8,000 collected tests again and again."""
    gc.collect()
    gc.freeze()
