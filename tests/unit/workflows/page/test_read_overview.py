"""The page is read part by part, bounded, and in the order of what matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from functions.domain.graph.build import build
from functions.domain.graph.summary import LoopBook
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.ports import BlastRadius
from functions.domain.incidents.states import IncidentState
from functions.domain.page.overview import (
    MOST_CARDS,
    MOST_ENDED,
    MOST_LOOPS,
    MOST_ROWS,
    AlarmState,
    GuardAlarm,
    NamedNumber,
    View,
)
from functions.domain.page.ports import GuardActivity
from tests.functional.page import FUNCTIONS, FakePageParts
from tests.functional.scene import Scene
from tests.unit.domain.graph.accounts.samples import graph_of, many
from tests.unit.domain.notices.samples.account import told

if TYPE_CHECKING:
    from functions.domain.incidents.incident import Incident

WIDE: Final = BlastRadius(most=1_000, window=timedelta(hours=1), is_binding=False)


@pytest.fixture
def parts() -> FakePageParts:
    """The ports of a guard."""
    return FakePageParts(Scene())


def contain(scene: Scene, *names: str) -> None:
    """Stop functions."""
    for name in names:
        scene.add_runaway(name, reserved=5)
        scene.contributor(name)


def report(parts: FakePageParts, name: str) -> Incident:
    """An incident of which people were only told."""
    incident = told(DecisionReason.OBSERVE_MODE, function=name)
    parts.scene.account.add(name)
    parts.scene.account.ledger.open(replace(incident, opened_at=parts.scene.now), None)
    stored = parts.scene.account.ledger.stored(name)
    assert stored is not None
    return stored


def end(parts: FakePageParts, name: str, days_ago: int) -> None:
    """An incident that ended some days ago."""
    ledger = parts.scene.account.ledger
    at = parts.scene.now - timedelta(days=days_ago)
    opened = replace(report(parts, name), opened_at=at, updated_at=at)
    closed = opened.to(IncidentState.ENDED, at)
    ledger.file_away(ledger.save(closed))


def test_a_held_function_with_its_loop_and_its_traffic(parts: FakePageParts) -> None:
    """All that a card shows comes from one reading."""
    parts.book = LoopBook.of(graph_of("dynamodb_two_functions"))
    contain(parts.scene, "enrich")

    part = parts.reader.read({View.INCIDENTS}).incidents

    assert part is not None
    (shown,) = part.shown
    assert (part.held, part.incidents_open) == (1, 1)
    assert shown.incident.function == "enrich"
    assert [one.label for one in shown.moments] == ["rise begins", "stopped"]
    assert shown.outline is not None
    assert "enrich" in [one.name for one in shown.outline.steps]
    assert shown.broken_by
    assert shown.traffic is not None
    assert max(one or 0 for one in shown.traffic.invocations) == 30_000


def test_of_many_incidents_some_are_shown_and_all_are_counted(parts: FakePageParts) -> None:
    """Held ones come first."""
    count = MOST_CARDS + MOST_ROWS + 5
    for number in range(count):
        report(parts, f"function-{number:03}")
    contain(parts.scene, "orders")

    part = parts.reader.read({View.INCIDENTS}).incidents

    assert part is not None
    assert (len(part.shown), len(part.others)) == (MOST_CARDS, MOST_ROWS)
    assert (part.incidents_open, part.held) == (count + 1, 1)
    assert part.shown[0].incident.function == "orders"
    assert not part.shown[1].incident.is_held


def test_the_history_counts_ninety_days_and_details_the_newest(parts: FakePageParts) -> None:
    """What ended before that is not counted, and each day has its place."""
    for number in range(MOST_ENDED + 3):
        end(parts, f"function-{number:03}", number)
    end(parts, "long-ago", 91)

    part = parts.reader.read({View.HISTORY}).history

    assert part is not None
    assert part.ended_count == MOST_ENDED + 3
    assert [one.function for one in part.ended] == [
        f"function-{number:03}" for number in range(MOST_ENDED)
    ]
    assert len(part.days) == 90
    assert [one.reported for one in part.days[-3:]] == [1, 1, 1]
    assert sum(one.total for one in part.days) == MOST_ENDED + 3


def test_the_graph_names_the_first_loops(parts: FakePageParts) -> None:
    """And counts the functions on all of them."""
    parts.book = LoopBook.of(build(many(20)))

    graph = parts.reader.read({View.INCIDENTS}).graph

    assert graph is not None
    assert graph.functions == parts.book.functions > 0
    assert len(graph.loops) <= MOST_LOOPS
    assert graph.certain + graph.possible == sum(
        one.proof.value in {"certain", "possible"} for one in parts.book.entries.values()
    )


def test_the_health_is_told_by_alarms_metrics_and_reservations(parts: FakePageParts) -> None:
    """The queues are those that the alarms watch; the cost is that of these alarms."""
    parts.book = LoopBook.of(graph_of("dynamodb_two_functions"))
    parts.alarms = (
        GuardAlarm(name="Loopbreaker-signal-invocations", state=AlarmState.OK),
        GuardAlarm(name="Loopbreaker-signal-function", state="OK", is_per_function=True),
        GuardAlarm(name="Loopbreaker-guard-failed", state="ALARM", queue="Failed-1ABC"),
        GuardAlarm(name="Loopbreaker-guard-sweep", state="OK", period_seconds=1_800),
    )
    parts.reserved = {"Loopbreaker-contain": 5}
    parts.activity = GuardActivity(
        pulse_at=parts.scene.now, errors={"Loopbreaker-chart": 3}, waiting={"Failed-1ABC": 2.0}
    )

    health = parts.reader.read({View.HEALTH}).health

    assert health is not None
    assert [one.name for one in health.alarms or ()] == [
        "Loopbreaker-guard-failed",
        "Loopbreaker-guard-sweep",
    ]
    assert health.waiting == (NamedNumber(name="Loopbreaker-guard-failed", value=2.0),)
    assert [one.value for one in health.errors] == [
        3 if one == "Loopbreaker-chart" else 0 for one in FUNCTIONS
    ]
    assert [(one.name, one.value) for one in health.reserved] == [
        ("Loopbreaker-contain", 5),
        ("Loopbreaker-restore", 0),
    ]
    assert health.cost is not None
    assert health.cost.alarms_usd == pytest.approx(0.3)
    assert health.cost.per_function_usd > 0
    assert health.cost.dashboard_usd == 3
    assert health.cost.sweep_usd > 0


def test_what_is_tagged_alone_is_held(parts: FakePageParts) -> None:
    """The ledger could not be reached when it was stopped."""
    parts.scene.account.add("orders", tags={"loopbreaker:snapshot": "v1"})

    part = parts.reader.read({View.INCIDENTS}).incidents

    assert part is not None
    assert (part.tagged, part.tagged_count, part.held) == (("orders",), 1, 1)
