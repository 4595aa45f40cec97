"""The record of a hold: what is written down before anything is held, let go, or held again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, EventSourceMapping, LimitMapping, Reserve
from functions.domain.detection.assessment import Verdict
from functions.domain.errors import SnapshotOverwriteError
from functions.domain.holding.watch import Lever, Phase, Watch
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.steps.hold_steps import plan_hold, plan_second_hold, plan_trial
from tests.unit.domain.notices.samples.account import NOW, told
from tests.unit.domain.notices.samples.holds import hold_plan, in_force

LATER = NOW + timedelta(minutes=4)
QUEUES = (
    EventSourceMapping(uuid="a", source_arn="arn:aws:sqs:x:1:a", enabled=True),
    EventSourceMapping(
        uuid="b", source_arn="arn:aws:sqs:x:1:b", enabled=True, maximum_concurrency=40
    ),
    EventSourceMapping(uuid="c", source_arn="arn:aws:sqs:x:1:c", enabled=False),
)


def watch(lever: Lever) -> Watch:
    """A hold that begins now."""
    return Watch(
        plan=hold_plan(lever),
        phase=Phase.HELD,
        since=NOW,
        held_at=NOW,
        spike_since=NOW,
        sources=(),
        normal_per_minute=3,
        before_per_minute=900,
        served_before_per_minute=900,
    )


def trial(begun: Watch, concurrency: int = 12) -> Watch:
    """The same once a little is let go."""
    return begun.letting_go(
        LATER, concurrency=concurrency, seconds=180, waiting=40, outside_per_minute=0
    )


def planned(lever: Lever, prior: int | None = 7) -> Incident:
    """A hold as it is written down first."""
    incident = replace(
        told(DecisionReason.SUSPECTED, Verdict.SUSPECTED), state=IncidentState.CAPPING
    )
    return plan_hold(incident, watch(lever), prior, QUEUES)


def reserved(incident: Incident) -> int | None:
    """What the step of the reservation sets; ``None`` without such a step."""
    step = None if incident.reservation is None else incident.reservation.step
    return step.to if isinstance(step, Reserve) else None


@pytest.mark.parametrize(("lever", "at"), [(Lever.CAP, 5), (Lever.ZERO, 0)])
def test_a_hold_by_a_reservation(lever: Lever, at: int) -> None:
    """Held at the cap or at 0, let go to what the trial may run, and held again as before."""
    held = planned(lever)
    let_go = plan_trial(in_force(held), trial(watch(lever)))
    again = plan_second_hold(in_force(let_go), trial(watch(lever)).holding_again(LATER))

    assert [reserved(one) for one in (held, let_go, again)] == [at, 12, at]
    assert [one.target for one in (held, let_go, again)] == [at, 12, at]
    assert set(again.ours) == {at, 12}
    assert {one.prior for one in (held, let_go, again)} == {7}
    # Mappings go on polling: nothing of them is written down, and nothing is changed.
    assert held.snapshot is not None
    assert held.snapshot.mappings is None
    assert [type(one.step) for one in again.steps] == [Reserve]
    # Each change is still to be made when it is written down.
    assert not any(one.is_held for one in (held, let_go, again))


def test_a_hold_by_pausing_changes_no_reservation() -> None:
    """The mappings that are enabled are disabled; what is reserved is only written down."""
    held = planned(Lever.PAUSE)

    assert (held.target, held.written, held.reservation) == (None, (), None)
    assert held.prior == 7
    assert [one.step for one in held.stops] == [
        DisableMapping(function=held.function, uuid=one.uuid, source_arn=one.source_arn)
        for one in QUEUES[:2]
    ]
    assert held.is_paused
    assert not held.is_held
    assert in_force(held).is_held


def test_a_trial_of_paused_mappings_limits_each_and_keeps_what_was_there() -> None:
    """They share what may run. The limit that was there before is in the step, to be put back."""
    let_go = plan_trial(in_force(planned(Lever.PAUSE)), trial(watch(Lever.PAUSE)))
    limits = [one for one in let_go.steps if isinstance(one.step, LimitMapping)]

    assert [
        (one.step.uuid, one.step.to, one.step.prior)
        for one in limits
        if isinstance(one.step, LimitMapping)
    ] == [("a", 6, None), ("b", 6, 40)]
    assert {one.status for one in limits} == {StepStatus.PLANNED}
    assert let_go.is_let_go
    assert let_go.is_paused  # by its steps: they are undone, and done again after the trial
    assert let_go.is_held  # what is to be enabled again is not to be disabled first


@pytest.mark.parametrize(
    ("concurrency", "limited"), [(1, [2, 2]), (3, [2, 2]), (9_000, [1_000, 40])]
)
def test_a_limit_of_a_mapping_stays_within_what_aws_and_people_allow(
    concurrency: int, limited: list[int]
) -> None:
    """From 2 to 1,000, and the second one is limited to 40."""
    let_go = plan_trial(planned(Lever.PAUSE), trial(watch(Lever.PAUSE), concurrency))

    limits = [one.step.to for one in let_go.steps if isinstance(one.step, LimitMapping)]
    assert limits == limited


def test_a_second_trial_knows_what_the_first_has_written() -> None:
    """Else it would take the guard's own limit for a person's, and leave it there for ever."""
    first = in_force(plan_trial(planned(Lever.PAUSE), trial(watch(Lever.PAUSE), 12)))

    again = plan_trial(first, trial(watch(Lever.PAUSE), 40))

    assert [
        (one.step.prior, one.step.to, one.step.written)
        for one in again.steps
        if isinstance(one.step, LimitMapping)
    ] == [(None, 20, (6, 20)), (40, 20, (6, 20))]


def test_paused_mappings_are_to_be_disabled_once_more() -> None:
    """Also those that were enabled for the trial; the snapshot stays as it was."""
    first = in_force(planned(Lever.PAUSE))
    let_go = in_force(plan_trial(first, trial(watch(Lever.PAUSE))))
    for outcome in let_go.stops:
        let_go = let_go.with_restored(outcome.step, StepStatus.DONE)

    again = plan_second_hold(let_go, trial(watch(Lever.PAUSE)).holding_again(LATER))

    assert {(one.status, one.restored) for one in again.stops} == {(StepStatus.PLANNED, None)}
    assert again.snapshot == first.snapshot
    assert not again.is_let_go
    assert again.watch is not None
    assert again.watch.phase is Phase.HELD_AGAIN


def test_the_snapshot_of_a_hold_is_written_once() -> None:
    """The guard's own cap, or its disabled mappings, are never taken for people's."""
    capped = plan_hold(planned(Lever.CAP, prior=None), watch(Lever.CAP), 5, ())

    assert capped.snapshot is not None
    assert capped.snapshot.reserved_concurrency is None
    with pytest.raises(SnapshotOverwriteError):
        plan_hold(planned(Lever.PAUSE), watch(Lever.PAUSE), None, ())


def test_a_hold_begins_undecided() -> None:
    """What an earlier hold of the incident has shown does not count for a new one."""
    shown = replace(planned(Lever.CAP), is_shown=True)

    assert not plan_hold(shown, watch(Lever.CAP), None, ()).is_shown


@pytest.mark.parametrize("lever", Lever)
def test_only_a_reservation_of_0_stops_a_function(lever: Lever) -> None:
    """Whoever calls a paused or capped function by another way is served."""
    held = in_force(planned(lever)).holding_since(NOW)

    assert held.contained_at == NOW
    assert held.stopped_at == (NOW if lever is Lever.ZERO else None)
    assert held.holding_since(LATER).contained_at == NOW
    assert planned(lever).holding_since(NOW).contained_at is None


@pytest.mark.parametrize("lever", Lever)
def test_a_shown_loop_is_stopped_with_what_was_there_before_the_hold(lever: Lever) -> None:
    """Its mappings are known already where they were paused; the reservation goes to 0."""
    stopping = in_force(planned(lever)).with_reservation(0, None)

    assert (reserved(stopping), stopping.target, stopping.prior) == (0, 0, 7)
    assert not stopping.is_paused
    assert not stopping.is_held
    assert len(stopping.left_beside) == (2 if lever is Lever.PAUSE else 0)


@pytest.mark.parametrize("lever", Lever)
def test_a_phase_counts_from_when_it_is_in_force(lever: Lever) -> None:
    """Pausing takes up to 90 seconds, and a run may die in between."""
    begun = watch(lever)
    at = [LATER + timedelta(minutes=one) for one in (1, 5, 9)]

    held = begun.in_force(at[0])
    let_go = trial(held).in_force(at[1])
    again = let_go.holding_again(LATER).in_force(at[2])

    assert (held.since, held.held_at, held.trial_at) == (at[0], at[0], None)
    assert (let_go.since, let_go.held_at, let_go.trial_at) == (at[1], at[0], at[1])
    assert (again.since, again.trial_at, again.again_at) == (at[2], at[1], at[2])


@pytest.mark.parametrize("lever", Lever)
def test_a_second_trial_that_aws_refuses_leaves_the_first_round_as_it_was(lever: Lever) -> None:
    """What the first one has shown is judged once more, and the second is tried again."""
    shown = trial(watch(lever)).holding_again(LATER + timedelta(minutes=5))

    again = shown.letting_go_again(LATER + timedelta(minutes=9))

    assert (again.phase, again.rounds, again.trial_seconds) == (Phase.TRIAL, 2, 360)
    assert again.held_until == shown.trial_at
    assert again.longest == 2 * shown.longest
    assert again.taken_back() == shown
