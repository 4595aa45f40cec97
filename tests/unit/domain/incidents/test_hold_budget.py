"""How often a function was held, told from its incidents."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.holding.watch import Lever
from functions.domain.incidents.hold_budget import COUNTED_FOR, count_holds
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from tests.unit.domain.notices.samples import holds, stops
from tests.unit.domain.notices.samples.account import NOW


def _hold(number: int = 0, ago: timedelta = timedelta(hours=1)) -> Incident:
    held = holds.held(Lever.CAP)
    return replace(held, id=f"hold-{number}", contained_at=NOW - ago)


def test_each_hold_counts_once() -> None:
    """Its incident may be found open and closed."""
    open_, closed = _hold(1), replace(_hold(1), state=IncidentState.LIFTED)

    assert count_holds([open_, closed, _hold(2)], NOW) == 2


@pytest.mark.parametrize(("ago", "count"), [(timedelta(0), 1), (timedelta(minutes=1), 0)])
def test_it_counts_from_when_it_took_effect(ago: timedelta, count: int) -> None:
    """Whenever it ended."""
    hold = _hold(ago=COUNTED_FOR - timedelta(minutes=1) + ago)

    assert count_holds([replace(hold, closed_at=NOW)], NOW) == count


def test_one_that_was_planned_and_never_in_force_does_not_count() -> None:
    """AWS refused it, or people were faster."""
    assert count_holds([replace(_hold(), contained_at=None)], NOW) == 0


def test_a_stop_is_no_hold() -> None:
    """One that a hold came before is."""
    assert count_holds([stops.contained()], NOW) == 0
    assert count_holds([holds.stopped_after_hold()], NOW) == 1
