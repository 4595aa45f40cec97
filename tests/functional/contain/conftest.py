"""What tests of the handler share."""

from __future__ import annotations

import pytest

from functions.contain import handler as module
from tests.functional.scene import Scene


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A stage whose guard the handler takes."""
    staged = Scene()
    monkeypatch.setattr(module, "connect", lambda: staged.guard)
    return staged
