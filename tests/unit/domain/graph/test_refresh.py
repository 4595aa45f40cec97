"""What the refresh of the event graph does next."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.domain.graph.refresh import (
    SCHEMA,
    ChartState,
    Manifest,
    Pass,
    PassKind,
    RefreshAction,
    RefreshIntervals,
    choose_action,
)

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
FACTS = Manifest(at=NOON, schema=SCHEMA)
READ = ChartState(facts=FACTS, full_at=NOON, listed_at=NOON)


@pytest.mark.parametrize(
    ("state", "minutes", "has_changes", "work"),
    [
        (ChartState(), 0, False, RefreshAction.FULL),
        (READ, 1, False, RefreshAction.NOTHING),
        (READ, 1, True, RefreshAction.CHANGES),
        (READ, 60, True, RefreshAction.LIGHT),
        (READ, 24 * 60, False, RefreshAction.FULL),
        (
            ChartState(going=Pass(kind=PassKind.FULL, manifest=FACTS)),
            10_000,
            True,
            RefreshAction.GO_ON,
        ),
    ],
)
def test_what_is_due(
    state: ChartState,
    minutes: int,
    has_changes: bool,  # noqa: FBT001
    work: RefreshAction,
) -> None:
    """A pass that goes on comes first, then what has waited longest."""
    now = NOON + timedelta(minutes=minutes)

    assert choose_action(state, now, RefreshIntervals(), has_changes=has_changes) is work
