"""The accounts that cost much, made small."""

from __future__ import annotations

import pytest

from bench.attacks import Attack, measured, targets
from bench.worlds import hostile
from bench.worlds.hostile import ATTACKS


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_every_account_is_charted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a function that can loop, so that none of them is free of work."""
    monkeypatch.setattr(hostile, "_DEFINITION", 1_000)

    found = measured(name, 2)

    assert found.functions >= 1
    assert sum(found.proofs.values()) == found.functions
    assert found.proofs["certain"] + found.proofs["possible"] + found.doubts.get("budget", 0) > 0


def _measured(**figures: float) -> Attack:
    """A small account with other figures: the memory of this process is that of all its tests."""
    found = measured("ring", 3)
    return Attack(**{name: getattr(found, name) for name in Attack.__slots__} | figures)


def test_what_an_account_may_cost_is_a_target() -> None:
    """A graph that takes longer, or more memory, than it may misses its target."""
    cheap = _measured(cpu_seconds=1.0, peak_mib=100.0)
    slow = _measured(cpu_seconds=1_000.0, peak_mib=100.0)
    large = _measured(cpu_seconds=1.0, peak_mib=10_000.0)

    assert all(one.is_met for one in targets([cheap]))
    assert not all(one.is_met for one in targets([slow]))
    assert not all(one.is_met for one in targets([large]))
