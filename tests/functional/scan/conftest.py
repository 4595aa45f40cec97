"""A scan of an account that something else than this project answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_loopbreaker.scanning import credentials
from cdk_loopbreaker.scanning.client import StopSignal
from functions.aws.account import rate_limit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No pace, no pauses between attempts, and nobody's configuration."""
    monkeypatch.setattr(rate_limit.RateLimiter, "wait", lambda *_: None)
    monkeypatch.setattr(StopSignal, "sleep", lambda *_: None)
    monkeypatch.setattr(credentials, "_ATTEMPTS", 1)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
