"""The record of an incident: what it keeps, and what it refuses."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.assessment import Assessment, Verdict
from functions.domain.errors import InvalidTransitionError, SnapshotOverwriteError
from functions.domain.incident import (
    CLOSED_STATES,
    NOTICE_LEASE,
    Incident,
    IncidentState,
    NoticeStatus,
    Transition,
    incident_id,
)
from functions.domain.plan import (
    DisableMapping,
    EventSourceMapping,
    ProvisionedConcurrency,
    RemoveProvisioned,
    Reserve,
    StepOutcome,
    restore_order,
)

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
    incident = _incident().with_reservation(0, None).with_surroundings((), ())

    with pytest.raises(SnapshotOverwriteError):
        incident.with_surroundings((), ())


def test_the_surroundings_need_a_snapshot_to_stand_in() -> None:
    """Nothing is planned to be changed before the reservation was written down."""
    with pytest.raises(SnapshotOverwriteError):
        _incident().with_surroundings((), ())


def test_steps_are_kept_in_the_order_of_a_containment_and_restored_in_another() -> None:
    """Restoring begins with the reservation: on it rests what else is put back."""
    incident = (
        _incident()
        .with_reservation(0, 5)
        .with_surroundings(
            (ProvisionedConcurrency(qualifier="live", requested=2),),
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
    claimed = incident.with_notice_status(notice.id, NoticeStatus.CLAIMED, NOW)

    assert claimed.due_notices(NOW + NOTICE_LEASE - timedelta(seconds=1)) == ()
    assert len(claimed.due_notices(NOW + NOTICE_LEASE)) == 1
    assert claimed.outbox[0].attempts == 1


def test_notices_of_the_same_transition_have_different_names() -> None:
    """A second failure to restore is a second notice, not the first again."""
    incident = _incident()
    for _ in range(3):
        incident = incident.with_notice(Transition.RESTORE_FAILED, "subject", "body")

    assert len({one.id for one in incident.outbox}) == 3
