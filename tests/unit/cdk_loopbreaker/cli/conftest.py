"""The command silences the guard's log for its process: the tests after it hear it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions.aws.runtime.observability import logger

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def hear_the_log_again() -> Iterator[None]:
    """Leave the level of the log as it was."""
    level = logger.log_level
    yield
    logger.setLevel(level)
