"""An account with more functions than one metrics query sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from functions.domain.errors import LedgerUnavailableError
from functions.domain.signal import SignalKind
from functions.workflows.detection import survey
from functions.workflows.detection.report import PartlyFailedError
from tests.functional.scene import Scene

PART = 4


class LargeScene(Scene):
    """Twelve functions, of which a query sees two and a sweep reads four."""

    def __init__(self, monkeypatch: Any) -> None:
        super().__init__()
        monkeypatch.setattr(survey, "SWEPT_FUNCTIONS", PART)
        self.account.metrics.most_in_a_query = 2
        for number in range(12):
            self.add_quiet(f"f{number:02}")

    def add_quiet(self, name: str) -> None:
        """A function with a little traffic."""
        self.account.add(name)
        self.account.metrics.record(name, until=self.now, invocations=[3.0] * 180)

    def reserved(self, name: str) -> int | None:
        """The reservation of a function."""
        return self.account.by_name[name].reserved


def test_sweeps_in_parts_see_every_function(monkeypatch: Any) -> None:
    """A loop that no query sees is stopped within as many sweeps as the account has parts."""
    scene = LargeScene(monkeypatch)
    scene.add_runaway("f11")

    states = []
    for _ in range(3):
        scene.signal(SignalKind.SWEEP)
        states.append(scene.reserved("f11"))

    assert states == [None, None, 0]


def test_the_log_says_within_how_many_sweeps(monkeypatch: Any) -> None:
    """Whoever reads the log learns that a sweep sees only a part, and when all are seen."""
    scene = LargeScene(monkeypatch)

    scene.signal(SignalKind.SWEEP)

    (fields,) = (fields for message, fields in scene.log.lines if message == "sweep in parts")
    assert fields["active_functions"] == 12
    assert fields["functions"] == PART
    assert fields["all_seen_within_sweeps"] == 3


def test_a_search_reads_them_all(monkeypatch: Any) -> None:
    """When an alarm of the account rings, the loop is found at once, wherever it is."""
    scene = LargeScene(monkeypatch)
    scene.add_runaway("f11")

    scene.signal(SignalKind.ALARM)

    assert scene.reserved("f11") == 0


def test_a_search_that_found_something_reads_no_more(monkeypatch: Any) -> None:
    """What the query shows first is dealt with first, and explains the rise."""
    scene = LargeScene(monkeypatch)
    scene.add_runaway("f00")

    scene.signal(SignalKind.ALARM)

    assert scene.reserved("f00") == 0
    assert "part" not in [call.method for call in scene.account.journal]


def test_a_part_that_cannot_be_remembered_is_judged(monkeypatch: Any) -> None:
    """Without the ledger the sweep begins anew each time, and does what it can."""
    scene = LargeScene(monkeypatch)
    scene.add_runaway("f02")
    scene.account.faults.fail("remember_pulse", LedgerUnavailableError("no answer"))

    with pytest.raises(PartlyFailedError, match="no answer"):
        scene.signal(SignalKind.SWEEP)

    assert scene.reserved("f02") == 0


def test_the_place_survives_a_pulse(monkeypatch: Any) -> None:
    """What the pulse remembers leaves the sweep's place as it is."""
    scene = LargeScene(monkeypatch)
    scene.signal(SignalKind.SWEEP)

    scene.pulse(3)

    memory = scene.account.ledger.read_live().pulse
    assert memory.swept_to == "f03"
    assert replace(memory, swept_to="") == type(memory)()
