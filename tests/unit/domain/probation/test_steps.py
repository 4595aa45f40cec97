"""The steps of a probation: what is let go first, by how much, and how it is held again."""

from dataclasses import replace

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, LimitMapping
from functions.domain.detection.arrivals import SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.holding.outcomes import Shown
from functions.domain.holding.watch import Lever
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.text import shorten_arn
from functions.domain.probation.steps import (
    find_obstacle,
    has_more_held,
    keep_held,
    needs_no_probation,
    plan_holding_again,
    plan_next,
    plan_probation,
    plan_undoing,
)
from tests.unit.domain.notices.samples.account import NOW
from tests.unit.domain.notices.samples.holds import FIGURES, held, judged
from tests.unit.domain.notices.samples.stops import contained

QUEUE_FIRST = {(SourceKind.QUEUE, "orders-in"): LoopProof.CERTAIN}


def let_go(incident: Incident) -> list[str]:
    """The sources of the mappings that are let go, or are about to be."""
    return [
        shorten_arn(one.step.source_arn)
        for one in incident.steps
        if isinstance(one.step, DisableMapping) and one.restored is not None
    ]


def test_the_surest_loop_comes_first() -> None:
    """By the graph, else by their names."""
    assert let_go(plan_probation(contained(), QUEUE_FIRST, NOW)) == ["orders-in"]
    assert let_go(plan_probation(contained(), {}, NOW)) == ["orders"]


def test_a_queue_is_never_let_go_without_room() -> None:
    """It is limited to 2, and 2 are reserved: else it would use up receives."""
    planned = plan_probation(contained(prior=25), QUEUE_FIRST, NOW)

    assert planned.target == 2
    assert [one.step.to for one in planned.steps if isinstance(one.step, LimitMapping)] == [2]
    assert planned.prior == 25


@pytest.mark.parametrize(("prior", "target"), [(None, 2), (25, 2), (1, 1)])
def test_no_more_is_let_go_than_people_had_reserved(prior: int | None, target: int) -> None:
    """One who had 1 gets no 2."""
    assert plan_probation(contained(prior=prior), {}, NOW).target == target


def test_the_last_stage_takes_all_that_are_left() -> None:
    """Else a function with many mappings would be on probation for hours."""
    begun = plan_probation(contained(), {}, NOW)
    assert has_more_held(begun)

    last = plan_next(begun, {}, is_last=True)

    assert not has_more_held(last)
    assert sorted(let_go(last)) == ["orders", "orders-in"]


def test_it_is_held_again_as_before() -> None:
    """At 0, each mapping that was let go disabled; the snapshot is untouched."""
    incident = contained(prior=25)
    planned = plan_probation(incident, QUEUE_FIRST, NOW)

    again = plan_holding_again(planned)

    assert again.target == 0
    assert let_go(again) == []
    assert again.snapshot == incident.snapshot


def test_what_people_disabled_is_not_ours() -> None:
    """It stays recorded as given back."""
    planned = plan_probation(contained(), QUEUE_FIRST, NOW)
    (uuid,) = [
        one.step.uuid
        for one in planned.steps
        if isinstance(one.step, DisableMapping) and one.restored is not None
    ]

    assert let_go(plan_holding_again(planned, {uuid})) == ["orders-in"]


def test_a_pause_reserves_nothing() -> None:
    """What else invokes the function goes on."""
    paused = judged(Lever.PAUSE, Shown(figures=FIGURES), DecisionReason.SHOWN)

    planned = plan_probation(paused, {}, NOW)

    assert planned.reservation is None
    assert planned.probation is not None
    assert (planned.probation.before, planned.probation.concurrency) == (None, None)


def test_a_hold_is_held_again_at_its_cap() -> None:
    """Not at what its trial lets run."""
    capped = judged(Lever.CAP, Shown(figures=FIGURES), DecisionReason.SHOWN)
    assert capped.watch is not None

    planned = plan_probation(capped.with_reservation(90, capped.prior), {}, NOW)

    assert planned.target == 1
    assert plan_holding_again(planned).target == capped.watch.plan.cap


def test_a_refusal_leaves_what_was_before() -> None:
    """What was reserved is reserved again. A limit may be in force all the same: it is put back."""
    incident = contained(prior=25)
    planned = plan_probation(incident, QUEUE_FIRST, NOW)
    limit = next(one.step for one in planned.steps if isinstance(one.step, LimitMapping))
    assert planned.reservation is not None
    refused = planned.with_outcome(limit, StepStatus.FAILED).with_outcome(
        planned.reservation.step, StepStatus.FAILED
    )

    undone = plan_undoing(refused)

    assert undone.target == 0
    assert undone.reservation is not None
    assert undone.reservation.status is StepStatus.PLANNED
    (kept,) = [one for one in undone.steps if isinstance(one.step, LimitMapping)]
    assert (kept.step, kept.status, kept.restored) == (limit, StepStatus.DONE, None)
    assert let_go(keep_held(planned)) == []


@pytest.mark.parametrize(
    ("incident", "part"),
    [
        (contained(), ""),
        (held(Lever.ZERO), ""),
        (replace(contained(), state=IncidentState.CONTAINING), "not complete"),
    ],
)
def test_obstacles(incident: Incident, part: str) -> None:
    """Why a function cannot be on probation."""
    assert (part in find_obstacle(incident)) if part else not find_obstacle(incident)


def test_a_function_that_could_not_run_before_needs_none() -> None:
    """A probation would let more run than people want."""
    assert needs_no_probation(contained(prior=0))
    assert not needs_no_probation(contained(prior=5))
