"""The record of an incident: what it keeps, and what it refuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    EventSourceMapping,
    ProvisionedConcurrency,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    StepOutcome,
    VersionScaling,
    restore_order,
)
from functions.domain.detection.assessment import Assessment, Verdict
from functions.domain.errors import InvalidTransitionError, SnapshotOverwriteError
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.refusals import PAUSES, Attempt
from functions.domain.incidents.snapshot import FoundReservation
from functions.domain.incidents.states import (
    CLOSED_STATES,
    HOLDING_STATES,
    IncidentState,
    Transition,
)
from functions.domain.incidents.steps.given_up import leave_as_found
from functions.domain.notices.outbox import NOTICE_LEASE, are_all_sent

NOW = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)


def _incident() -> Incident:
    return Incident(
        id=incident_id("orders", NOW),
        function="orders",
        function_arn="arn:aws:lambda:us-east-1:123456789012:function:orders",
        state=IncidentState.NOTIFIED,
        opened_at=NOW,
        updated_at=NOW,
        assessment=Assessment(function="orders", verdict=Verdict.RUNAWAY, at=NOW, grounds=()),
        decided="runaway",
        memory_mb=128,
        timeout_seconds=3,
    )


def test_the_snapshot_keeps_what_was_there_before_the_cap_when_the_cap_becomes_a_throttle() -> None:
    """The guard's own cap is never taken for the function's setting."""
    capped = _incident().with_reservation(4, None)

    throttled = capped.with_reservation(0, 4)

    assert throttled.snapshot is not None
    assert throttled.snapshot.reserved_concurrency is None
    assert throttled.reservation == StepOutcome(step=Reserve(function="orders", to=0, prior=None))
    assert (throttled.target, throttled.written) == (0, (4, 0))


@given(
    st.none() | st.integers(0, 1000),
    st.lists(st.none() | st.integers(0, 1000), min_size=1, max_size=6),
)
def test_the_snapshot_never_holds_a_value_that_came_later(
    first: int | None, later: list[int | None]
) -> None:
    """However often the reservation is planned again, the first prior value stays."""
    incident = _incident().with_reservation(0, first)
    for prior in later:
        incident = incident.with_reservation(0, prior)

    assert incident.snapshot is not None
    assert incident.snapshot.reserved_concurrency == first


def test_each_part_of_the_snapshot_is_written_once() -> None:
    """Reading the surroundings a second time cannot overwrite the first."""
    incident = _incident().with_reservation(0, None).with_provisioned(()).with_mappings(())

    with pytest.raises(SnapshotOverwriteError):
        incident.with_provisioned(()).with_mappings(())


def test_the_surroundings_need_a_snapshot_to_stand_in() -> None:
    """Nothing is planned to be changed before the reservation was written down."""
    with pytest.raises(SnapshotOverwriteError):
        _incident().with_provisioned(()).with_mappings(())


def test_steps_are_kept_in_the_order_of_a_containment_and_restored_in_another() -> None:
    """Restoring begins with the reservation: on it rests what else is put back."""
    incident = (
        _incident()
        .with_reservation(0, 5)
        .with_provisioned((ProvisionedConcurrency(qualifier="live", requested=2),))
        .with_mappings(
            (
                EventSourceMapping(uuid="on", source_arn="q", enabled=True),
                EventSourceMapping(uuid="off", source_arn="q", enabled=False),
            ),
        )
    )

    kinds = [type(one.step) for one in incident.steps]
    back = [type(one.step) for one in restore_order(incident.steps)]

    assert kinds == [RemoveProvisioned, Reserve, DisableMapping]
    assert back == [Reserve, RemoveProvisioned, DisableMapping]


@pytest.mark.parametrize("state", sorted(CLOSED_STATES))
def test_a_closed_incident_goes_nowhere(state: IncidentState) -> None:
    """What is over is over; the function's next trouble is a new incident."""
    paths = {
        IncidentState.ENDED: (),
        IncidentState.DELETED: (),
        IncidentState.RESTORED: (IncidentState.CONTAINING, IncidentState.RESTORING),
        IncidentState.LIFTED: (IncidentState.CAPPING, IncidentState.RESTORING),
        IncidentState.SUPERSEDED: (IncidentState.CONTAINING, IncidentState.RELEASED),
    }
    incident = _incident()
    for step in paths[state]:
        incident = incident.to(step, NOW)
    closed = incident.to(state, NOW)

    for other in set(IncidentState) - {state}:
        with pytest.raises(InvalidTransitionError):
            closed.to(other, NOW)


def test_time_never_runs_backwards_in_an_incident() -> None:
    """A run whose clock is behind does not move the record into the past."""
    incident = _incident().to(IncidentState.CONTAINING, NOW - timedelta(hours=1))

    assert incident.updated_at == NOW


def test_a_claimed_notice_is_due_again_once_the_claim_has_aged() -> None:
    """A run that died while sending does not keep the notice for ever."""
    incident = _incident().with_notice(Transition.NOTIFIED, "subject", "body")
    (notice,) = incident.outbox
    claimed = incident.with_notice_as(notice.claimed(NOW))

    assert not claimed.outbox[0].is_due(NOW + NOTICE_LEASE - timedelta(seconds=1))
    assert claimed.outbox[0].is_due(NOW + NOTICE_LEASE)
    assert claimed.outbox[0].attempts == 1


def test_notices_of_the_same_transition_have_different_names() -> None:
    """A second failure to restore is a second notice, not the first again."""
    incident = _incident()
    for _ in range(3):
        incident = incident.with_notice(Transition.RESTORE_FAILED, "subject", "body")

    assert len({one.id for one in incident.outbox}) == 3


def _containing(*written: int, prior: int | None = 50) -> Incident:
    incident = _incident().to(IncidentState.CONTAINING, NOW)
    for one in written or (0,):
        incident = incident.with_reservation(one, prior)
    return incident.leased(NOW)


REMOVED = (ProvisionedConcurrency(qualifier="live", requested=2),)


@pytest.mark.parametrize("present", [None, 50, 70])
def test_a_snapshot_is_dropped_where_nothing_of_the_guards_is_in_force(present: int | None) -> None:
    """The reservation was read: it is what was there before, or somebody else's."""
    left = leave_as_found(_containing(3, 0), present, NOW)

    assert left.state is IncidentState.NOTIFIED
    assert (left.snapshot, left.steps, left.written, left.target) == (None, (), (), None)
    assert left.lease_until is None


@pytest.mark.parametrize(
    ("present", "state", "stopped_at"),
    [(3, IncidentState.CAPPED, None), (0, IncidentState.CONTAINED, NOW)],
)
def test_a_snapshot_stays_where_the_guards_reservation_is_in_force(
    present: int, state: IncidentState, stopped_at: datetime | None
) -> None:
    """The incident goes back to what holds the function."""
    left = leave_as_found(_containing(3, 0), present, NOW)

    assert (left.state, left.target, left.prior) == (state, present, 50)
    assert (left.contained_at, left.stopped_at, left.lease_until) == (NOW, stopped_at, None)
    assert left.reservation == StepOutcome(
        step=Reserve(function="orders", to=present, prior=50), status=StepStatus.DONE
    )


@pytest.mark.parametrize(
    "status", [StepStatus.PLANNED, StepStatus.FAILED, StepStatus.DONE, StepStatus.ALREADY]
)
def test_a_snapshot_stays_where_something_beside_the_reservation_may_be_in_force(
    status: StepStatus,
) -> None:
    """A run may have died between a change and its record."""
    incident = _containing().with_provisioned(REMOVED)
    incident = incident.with_outcome(incident.left_beside[0].step, status)

    left = leave_as_found(incident, 40, NOW)

    assert (left.state, left.released_at) == (IncidentState.RELEASED, NOW)
    assert left.released_to == FoundReservation(reserved_concurrency=40)
    assert left.snapshot == incident.snapshot


@pytest.mark.parametrize(
    ("status", "restored"),
    [
        (StepStatus.GONE, None),
        (StepStatus.DONE, StepStatus.DONE),
        (StepStatus.DONE, StepStatus.ALREADY),
        (StepStatus.DONE, StepStatus.GONE),
        (StepStatus.DONE, StepStatus.CHANGED_MEANWHILE),
    ],
)
def test_what_is_gone_or_back_keeps_no_snapshot(
    status: StepStatus, restored: StepStatus | None
) -> None:
    """There is nothing left to be put back."""
    incident = _containing().with_provisioned(REMOVED)
    step = incident.left_beside[0].step
    incident = incident.with_outcome(step, status).with_restored(step, restored)

    assert leave_as_found(incident, None, NOW).snapshot is None


def test_provisioned_concurrency_that_is_back_is_read_again_before_the_next_stop() -> None:
    """It may be another number by then."""
    incident = _containing(3, 0).with_provisioned(REMOVED)
    step = incident.left_beside[0].step
    incident = incident.with_outcome(step, StepStatus.DONE)

    left = leave_as_found(incident.with_restored(step, StepStatus.DONE), 3, NOW)
    kept = leave_as_found(incident.with_restored(step, StepStatus.FAILED), 3, NOW)

    assert left.snapshot is not None
    assert (left.snapshot.provisioned, len(left.steps)) == (None, 1)
    assert kept.snapshot is not None
    assert (kept.snapshot.provisioned, len(kept.steps)) == (REMOVED, 2)


def test_versions_at_zero_keep_the_snapshot_of_their_scaling() -> None:
    """They have no reservation to be read."""
    version = VersionScaling(qualifier="7", minimum=1, maximum=9)
    incident = _incident().to(IncidentState.CONTAINING, NOW).with_scaling((version,))

    assert leave_as_found(incident, None, NOW).snapshot == incident.snapshot


@pytest.mark.parametrize(
    ("released_to", "ours", "comes_back"),
    [(None, (3, 0), None), (3, (0,), 3), (0, (3, 0), 50), (7, (3, 0), 7)],
)
def test_a_former_cap_that_somebody_has_set_is_theirs(
    released_to: int | None, ours: tuple[int, ...], comes_back: int | None
) -> None:
    """A 0 is always the guard's own, once it may have written it."""
    found = FoundReservation(reserved_concurrency=released_to)
    released = replace(_containing(3, 0), released_to=found)

    assert (released.ours, released.comes_back) == (ours, comes_back)
    assert (_containing(3, 0).ours, _containing(3, 0).comes_back) == ((3, 0), 50)


@pytest.mark.parametrize("state", sorted(IncidentState))
def test_a_reservation_is_wanted_only_where_the_incident_holds_the_function(
    state: IncidentState,
) -> None:
    """What is beside it is wanted as long as it is to be put back."""
    version = VersionScaling(qualifier="7", minimum=1, maximum=9)
    incident = replace(_containing().with_provisioned(REMOVED), state=state)
    incident = incident.with_step(StepOutcome(step=ScaleToZero(function="orders", prior=version)))
    holds = state in HOLDING_STATES - {IncidentState.RELEASED, IncidentState.RESTORING}
    is_open = state not in CLOSED_STATES

    wanted = {key: incident.wanted(key) for key in ("reserved", "scaling:7", "provisioned:live")}

    assert isinstance(wanted["reserved"], Reserve) is holds
    assert isinstance(wanted["scaling:7"], ScaleToZero) is holds
    assert isinstance(wanted["provisioned:live"], RemoveProvisioned) is is_open
    assert incident.wanted("mapping:nobody") is None


@pytest.mark.parametrize(
    ("restored", "is_wanted"),
    [
        (None, True),
        (StepStatus.FAILED, True),
        (StepStatus.PLANNED, False),
        (StepStatus.DONE, False),
        (StepStatus.GONE, False),
    ],
)
def test_what_is_put_back_or_about_to_be_is_not_wanted(
    restored: StepStatus | None, *, is_wanted: bool
) -> None:
    """One whose inverse is not begun is: whoever comes to undo it looks first."""
    incident = _containing()
    step = incident.stops[0].step

    assert (incident.with_restored(step, restored).wanted("reserved") is step) is is_wanted


def test_pauses_grow_to_an_hour_and_are_of_one_kind_of_attempt_each() -> None:
    """1, 2, 4, ... 60 minutes, and 60 again."""
    incident, now, waited = _incident(), NOW, []
    for _ in range(9):
        incident = incident.refused(Attempt.STOP, now)
        begin = now
        while incident.is_pausing(Attempt.STOP, now):
            assert not incident.is_pausing(Attempt.CAP, now)
            now += timedelta(seconds=10)
        waited.append(now - begin + timedelta(seconds=10))

    assert waited == [*PAUSES, PAUSES[-1], PAUSES[-1]]
    assert not incident.accepted(Attempt.STOP).is_pausing(Attempt.STOP, begin)
    assert incident.accepted(Attempt.CAP).is_pausing(Attempt.STOP, begin)


def test_awss_answer_is_known_again_though_it_names_another_request() -> None:
    """People are told once of each answer; the pauses stay as they are."""
    first = "denied (Request ID: 01234567-89ab-cdef-0123-456789abcdef)"
    again = "denied (Request ID: fedcba98-7654-3210-fedc-ba9876543210)"
    incident = _incident().refused(Attempt.STOP, NOW).with_reported(Attempt.STOP, first)

    assert incident.was_reported(Attempt.STOP, again)
    assert not incident.was_reported(Attempt.STOP, "throttled")
    assert not incident.was_reported(Attempt.RESTORE, first)
    assert incident.is_pausing(Attempt.STOP, NOW)
    assert incident.refused(Attempt.STOP, NOW).was_reported(Attempt.STOP, first)


def test_only_so_much_of_awss_answers_is_kept() -> None:
    """A record has its limit."""
    incident = _incident()
    for number in range(100):
        incident = incident.with_reported(Attempt.STOP, f"{number} " + "x" * 5_000)

    assert len(incident.refusals[0].told) == 5
    assert max(map(len, incident.refusals[0].told)) == 300
    assert incident.was_reported(Attempt.STOP, "99 " + "x" * 5_000)


def test_a_step_that_is_carried_out_again_is_not_put_back_any_more() -> None:
    """Its inverse is to be carried out again as well."""
    incident = _containing()
    step = incident.stops[0].step
    undone = incident.with_outcome(step, StepStatus.DONE).with_restored(step, StepStatus.DONE, "x")

    (again,) = undone.with_outcome(step, StepStatus.DONE).stops

    assert (again.restored, again.restored_detail) == (None, "")


def test_the_moment_of_a_hold_is_the_one_at_which_all_of_it_was_done() -> None:
    """Of two versions, the second one; it is written once."""
    versions = tuple(VersionScaling(qualifier=one, minimum=1, maximum=9) for one in "12")
    incident = _incident().to(IncidentState.CONTAINING, NOW).with_scaling(versions)
    one, two = (outcome.step for outcome in incident.stops)
    later = NOW + timedelta(seconds=5)

    half = incident.with_outcome(one, StepStatus.DONE).holding_since(NOW)
    whole = half.with_outcome(two, StepStatus.DONE).holding_since(later)

    assert (half.is_held, half.contained_at, half.stopped_at) == (False, None, None)
    assert (whole.is_held, whole.contained_at, whole.stopped_at) == (True, later, later)
    assert whole.holding_since(NOW) == whole
    assert not _incident().is_held


def test_a_cap_that_takes_effect_is_no_stop() -> None:
    """A stop after it has its own moment."""
    capped = _containing(3).with_outcome(_containing(3).stops[0].step, StepStatus.DONE)
    capped = capped.holding_since(NOW)
    later = NOW + timedelta(minutes=9)
    stopped = capped.with_reservation(0, None)
    stopped = stopped.with_outcome(stopped.stops[0].step, StepStatus.DONE).holding_since(later)

    assert (capped.contained_at, capped.stopped_at) == (NOW, None)
    assert (stopped.contained_at, stopped.stopped_at) == (NOW, later)


def test_notices_that_are_sent_leave_the_record_but_for_the_newest() -> None:
    """What was told is known all the same, and a number is used once."""
    incident = _incident().with_notice(Transition.CONTAINED, "subject", "body")
    incident = incident.with_notice_as(incident.outbox[0].sent())
    seen = set()
    for _ in range(200):
        incident = incident.with_notice(Transition.RESTORE_FAILED, "subject", "body")
        newest = incident.outbox[-1]
        assert newest.id not in seen
        seen.add(newest.id)
        incident = incident.with_notice_as(newest.claimed(NOW))
        incident = incident.with_notice_as(newest.sent())

    assert len(incident.outbox) == 21
    assert incident.has_notified(Transition.CONTAINED)
    assert incident.outbox[-1].id.endswith("restore_failed-200")
    assert are_all_sent(incident)


def test_notices_that_nobody_takes_do_not_fill_the_record() -> None:
    """SNS refuses for days: the newest are kept, and the newest of each kind."""
    incident = _incident().with_notice(Transition.CONTAINED, "subject", "body")
    for _ in range(200):
        incident = incident.with_notice(Transition.RESTORE_FAILED, "subject", "body")

    assert len([one for one in incident.outbox if one.is_due(NOW)]) == 41
    assert incident.outbox[0].transition is Transition.CONTAINED
