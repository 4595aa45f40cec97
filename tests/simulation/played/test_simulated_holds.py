"""Holds, probations and caps in simulated schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from functions.domain.incidents.states import IncidentState
from functions.domain.probation import verdict
from functions.workflows.holding.progress import HoldProgress
from functions.workflows.probation.watch import ProbationWatch
from tests.fakes.functions import FakeFunctions
from tests.simulation.drawing import draw
from tests.simulation.play import Play
from tests.simulation.played.playing import (
    PART,
    SEEDS,
    STOPPED,
    rules_broken,
)
from tests.simulation.schedule import (
    AsksOtherwise,
    Ends,
    Shifts,
)
from tests.simulation.world.traffic import Demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.schedule import (
        Schedule,
    )


# A function is suspected and capped; the schedule that ends its hold fires, and again later.
HELD: Final = replace(
    STOPPED,
    response="hold",
    functions=(replace(STOPPED.functions[0], provisioned=0, demand=Demand.PLATEAU, mappings=()),),
    events=(
        *STOPPED.events,
        Ends(at=40.0, function="orders", late=100.0),
    ),
)


def test_an_end_that_lets_go_and_keeps_no_record_breaks_a_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The incident is closed while its cap is in force."""
    assert rules_broken(HELD) == set()
    monkeypatch.setattr(FakeFunctions, "unreserve", lambda *_given: None)

    assert "held" in rules_broken(HELD)


# A function is stopped; its owner mends it, or not, and asks for it on probation.
TRIED: Final = replace(
    STOPPED,
    seconds=2_700.0,
    functions=(replace(STOPPED.functions[0], reserved=20),),
    events=(
        *STOPPED.events,
        AsksOtherwise(at=400.0, functions=("orders",), careful=True, again=300.0),
    ),
)
MENDED: Final = replace(
    TRIED,
    events=(*TRIED.events, Shifts(at=390.0, function="orders", demand=Demand.QUIET)),
)


@pytest.mark.parametrize(
    ("schedule", "state", "lead"),
    [
        (MENDED, None, "RESTORED orders, probation passed"),
        (TRIED, IncidentState.CONTAINED, "STOPPED AGAIN: orders"),
    ],
)
def test_a_probation_ends_by_what_it_shows(
    monkeypatch: pytest.MonkeyPatch, schedule: Schedule, state: IncidentState | None, lead: str
) -> None:
    """A mended function is as it was, a looping one is at 0 and recorded; one mail each."""
    stage = Play(schedule)
    found: list[tuple[object, int | None, int, int, bool]] = []

    def note() -> None:
        stored = stage.account.ledger.stored("orders")
        is_open = stored is not None and not stored.is_closed
        function = stage.account.by_name["orders"]
        found.append(
            (
                stored.state if stored is not None and is_open else None,
                function.reserved,
                function.provisioned.get("live", 0),
                sum(one.enabled for one in stage.account.by_uuid.values()),
                is_open,
            )
        )

    monkeypatch.setattr(stage, "_calm_down", _after(note, stage._calm_down))

    told = stage.run()

    subjects = [subject for _, subject in stage.account.mails]
    assert told.broken == []
    at_zero = (state, 0, 0, 0, True)
    assert found == [(None, 20, 5, 1, False) if state is None else at_zero]
    assert sum("ON PROBATION" in one for one in subjects) == 1
    assert sum(lead in one for one in subjects) == 1


def _after(first: Callable[[], None], then: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        first()
        then()

    return both


def test_a_probation_that_believes_everything_breaks_a_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A loop passes it."""
    assert rules_broken(TRIED) == set()
    monkeypatch.setattr(verdict._Trial, "comes_back", property(lambda _case: False))
    monkeypatch.setattr(verdict._Trial, "is_enough", property(lambda _case: False))

    assert "probation" in rules_broken(TRIED)


def test_a_probation_that_nobody_ends_breaks_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is let go for ever: no pulse watches it, and no schedule fires."""
    monkeypatch.setattr(ProbationWatch, "watch", lambda *_given: None)
    monkeypatch.setattr(Play, "end_hold", lambda *_given: None)

    assert "settles" in rules_broken(MENDED)


def test_random_schedules_have_probations_of_both_ends() -> None:
    """Else the rules would say nothing about them."""
    ends = {"probation passed": 0, "AGAIN:": 0}
    for seed in range(SEEDS):
        schedule = draw(seed)
        if any(isinstance(one, AsksOtherwise) for one in schedule.events):
            stage = Play(schedule)
            stage.run()
            for end in ends:
                ends[end] += sum(end in subject for _, subject in stage.account.mails)
        if all(ends.values()):
            return
    raise AssertionError(ends)


# Callers that wait fill the account, and do not give up.
CALLED: Final = replace(
    HELD,
    seconds=1_500.0,
    functions=(replace(HELD.functions[0], demand=Demand.CALLERS, since=120.0),),
    events=STOPPED.events,
)


@pytest.mark.parametrize(
    ("shifts", "end"),
    [
        ((), "it still does harm"),
        ((Shifts(at=200.0, function="orders", demand=Demand.QUIET),), "does no harm any more"),
    ],
)
def test_callers_in_danger_are_capped_for_a_while(shifts: tuple[Shifts, ...], end: str) -> None:
    """Whether they give up or not: nothing is held in the end."""
    stage = Play(replace(CALLED, events=(*CALLED.events, *shifts)))

    told = stage.run()

    subjects = [subject for _, subject in stage.account.mails]
    assert told.broken == []
    assert sum("CAPPED AT 2 orders" in one for one in subjects) == 1
    assert sum("CAP REMOVED: orders" in one and end in one for one in subjects) == 1


def test_a_cap_that_nobody_takes_back_breaks_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is over, no schedule fires, and its callers are refused on."""
    monkeypatch.setattr(HoldProgress, "_look_at_cap", lambda *_given: None)
    monkeypatch.setattr(Play, "end_hold", lambda *_given: None)

    assert "settles" in rules_broken(CALLED)


def test_random_schedules_have_callers_that_are_capped() -> None:
    """Else the rules would say nothing about caps."""
    stages = (Play(draw(seed)) for seed in range(PART))

    assert any(
        stage.run() and any("CAPPED AT 2" in subject for _, subject in stage.account.mails)
        for stage in stages
    )


# Two functions on a loop of which the graph is certain; a signal is about the first.
LOOPED: Final = replace(
    HELD,
    functions=(
        replace(HELD.functions[0], provisioned=5),
        replace(HELD.functions[0], name="billing", mappings=(True,)),
    ),
    events=STOPPED.events,
    loop=frozenset({"orders", "billing"}),
    is_certain=True,
)


def test_a_loop_is_held_at_the_function_that_can_be() -> None:
    """The one that is suspected has provisioned concurrency; the other one polls a queue."""
    stage = Play(LOOPED)

    told = stage.run()

    assert told.broken == []
    assert {one.function for one in stage.account.changes if one.takes} == {"billing"}


def test_a_loop_that_stands_still_anywhere_runs_nowhere() -> None:
    """What the one does not write, the other does not get."""
    stage = Play(replace(LOOPED, response="notify"))
    stage.account.by_name["billing"].reserved = 0
    minutes = stage.account.simulated.minutes

    minutes["orders"].settle(300.0)

    assert set(minutes["orders"].invocations[-5:]) == {None}
    assert None not in minutes["orders"].invocations[:-5]
