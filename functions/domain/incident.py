"""The durable record of one function's trouble: what was there before, what was done, who was told.

There is at most one open incident per function. Everything in it is written before the change
that it describes (write-ahead), so that whoever finds it after a crash can finish the work.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from functions.domain.assessment import Assessment
from functions.domain.errors import InvalidTransitionError, SnapshotOverwriteError
from functions.domain.evidence import Trigger
from functions.domain.plan import (
    EventSourceMapping,
    ProvisionedConcurrency,
    Reserve,
    ScaleToZero,
    Step,
    StepOutcome,
    StepStatus,
    VersionScaling,
    follow_up_steps,
    order_of,
)

# A run of `contain` or `restore` that died stops holding its incident after this long: short,
# because a loop may be burning meanwhile. A run that takes longer than its lease loses nothing,
# since every write is checked against the version that it read and every step is idempotent.
LEASE = timedelta(seconds=60)
# How long a claimed notice may stay unconfirmed before it is sent again, marked as a repeat.
NOTICE_LEASE = timedelta(seconds=60)
KEPT_AFTER_CLOSE = timedelta(days=400)


class IncidentState(StrEnum):
    """Where an incident stands."""

    NOTIFIED = "notified"  # people were told; nothing was changed
    CONTAINING = "containing"  # snapshot written, steps not all done
    CAPPING = "capping"  # the same, towards a cap
    CONTAINED = "contained"
    CAPPED = "capped"
    RELEASED = "released"  # somebody else changed the reservation that the guard wrote
    RESTORING = "restoring"
    RESTORED = "restored"  # closed: a person asked for it
    LIFTED = "lifted"  # closed: a cap that turned out to be unneeded
    ENDED = "ended"  # closed: it ended by itself, or a released function stayed calm
    DELETED = "deleted"  # closed: the function no longer exists
    SUPERSEDED = "superseded"  # closed: a released function ran away again; a new incident goes on


CLOSED_STATES = frozenset(
    {
        IncidentState.RESTORED,
        IncidentState.LIFTED,
        IncidentState.ENDED,
        IncidentState.DELETED,
        IncidentState.SUPERSEDED,
    }
)
# States in which something of the guard's is, or may be, in force on the function.
HOLDING_STATES = frozenset(
    {
        IncidentState.CONTAINING,
        IncidentState.CAPPING,
        IncidentState.CONTAINED,
        IncidentState.CAPPED,
        IncidentState.RELEASED,
        IncidentState.RESTORING,
    }
)

_S = IncidentState
_TRANSITIONS: dict[IncidentState, frozenset[IncidentState]] = {
    _S.NOTIFIED: frozenset({_S.NOTIFIED, _S.CONTAINING, _S.CAPPING, _S.ENDED, _S.DELETED}),
    _S.CONTAINING: frozenset({_S.CONTAINED, _S.RELEASED, _S.RESTORING, _S.DELETED, _S.NOTIFIED}),
    _S.CAPPING: frozenset(
        {_S.CAPPED, _S.CONTAINING, _S.RELEASED, _S.RESTORING, _S.DELETED, _S.NOTIFIED}
    ),
    _S.CAPPED: frozenset({_S.CONTAINING, _S.RELEASED, _S.RESTORING, _S.DELETED}),
    _S.CONTAINED: frozenset({_S.RELEASED, _S.RESTORING, _S.DELETED, _S.CONTAINING}),
    _S.RELEASED: frozenset({_S.RELEASED, _S.RESTORING, _S.ENDED, _S.SUPERSEDED, _S.DELETED}),
    _S.RESTORING: frozenset(
        {_S.RESTORED, _S.LIFTED, _S.CONTAINED, _S.CAPPED, _S.DELETED, _S.RELEASED}
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was there before the guard changed anything. Each part is written once.

    Attributes
    ----------
    reserved_concurrency
        ``None`` where nothing was reserved.
    provisioned, mappings
        ``None`` until they were read, which is before the first change to any of them.
    scaling
        Of a function on Lambda Managed Instances.
    """

    reserved_concurrency: int | None
    provisioned: tuple[ProvisionedConcurrency, ...] | None = None
    mappings: tuple[EventSourceMapping, ...] | None = None
    scaling: tuple[VersionScaling, ...] = ()

    def with_provisioned(self, found: tuple[ProvisionedConcurrency, ...]) -> Self:
        """The snapshot with the provisioned concurrency that was found.

        Raises
        ------
        SnapshotOverwriteError
            When that part is already written.
        """
        if self.provisioned is not None:
            raise SnapshotOverwriteError("the snapshot already holds provisioned concurrency")
        return replace(self, provisioned=found)

    def with_mappings(self, found: tuple[EventSourceMapping, ...]) -> Self:
        """The snapshot with the event source mappings that were found.

        Raises
        ------
        SnapshotOverwriteError
            When that part is already written.
        """
        if self.mappings is not None:
            raise SnapshotOverwriteError("the snapshot already holds event source mappings")
        return replace(self, mappings=found)


class Transition(StrEnum):
    """What people are told, once each within an incident."""

    NOTIFIED = "notified"
    CONTAINED = "contained"
    CAPPED = "capped"
    RELEASED = "released"
    RUNNING_AWAY_AGAIN = "running_away_again"
    RESTORED = "restored"
    RESTORE_FAILED = "restore_failed"
    CONTAIN_FAILED = "contain_failed"
    LIFTED = "lifted"
    ENDED = "ended"
    DELETED = "deleted"


class NoticeStatus(StrEnum):
    """Where a notice of the outbox stands."""

    PENDING = "pending"
    CLAIMED = "claimed"  # a run is sending it, or died while it did
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxNotice:
    """A notice that was written down together with the transition that it tells of."""

    id: str
    transition: Transition
    subject: str
    body: str
    status: NoticeStatus = NoticeStatus.PENDING
    claimed_at: datetime | None = None
    attempts: int = 0

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now: pending, or claimed by a run that seems to have died."""
        match self.status:
            case NoticeStatus.PENDING:
                return True
            case NoticeStatus.CLAIMED:
                return self.claimed_at is None or now - self.claimed_at >= NOTICE_LEASE
            case NoticeStatus.SENT:
                return False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRoutes:
    """How events reached a function, and where failed ones went, at the moment of its stop.

    What was lost depends on that, not on what a person has changed since.

    Attributes
    ----------
    triggers
        The first few of each kind; ``None`` where they could not be read.
    async_target_arn
        The dead-letter queue or on-failure destination; empty for none, ``None`` where that could
        not be read.
    """

    triggers: tuple[Trigger, ...] | None = None
    async_target_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One function's trouble.

    Attributes
    ----------
    version
        Counts the writes; the ledger refuses one that is based on an older version.
    snapshot
        ``None`` while nothing was changed (`NOTIFIED`).
    steps
        What was or is to be changed, each with its outcome, in the order of a containment.
    target
        The reservation that the guard wants while the incident is open: 0 or a cap.
    written
        Every reservation that the guard may have written: to tell its own value from others'.
    contained_at
        When a reservation of the guard's first took effect, a cap or 0.
    stopped_at
        When the reservation of 0 took effect; ``None`` before that, and where it is not known: a
        record of an earlier version holds no such time for a function that was capped first.
    freed_at
        When a restore of the guard's let it run again, which is before its mappings are enabled;
        `is_freed_at_known`: by the clock that had written when it was stopped, or one that is not
        behind it.
    routes
        How events reached it when it was stopped; ``None`` before that, and in records of an
        earlier version.
    lease_until
        Until when the run that works on the incident has it for itself.
    decided
        The decision's reason, as text of `DecisionReason`.
    closing
        Where a restore leads: `RESTORED` for a person's, `LIFTED` for the guard's own.
    actor
        Who released the function, where CloudTrail told.
    """

    id: str
    function: str
    function_arn: str
    state: IncidentState
    opened_at: datetime
    updated_at: datetime
    assessment: Assessment
    decided: str
    memory_mb: int
    timeout_seconds: int
    architecture: str = "x86_64"
    version: int = 0
    snapshot: Snapshot | None = None
    steps: tuple[StepOutcome, ...] = ()
    target: int | None = None
    written: tuple[int, ...] = ()
    contained_at: datetime | None = None
    stopped_at: datetime | None = None
    freed_at: datetime | None = None
    is_freed_at_known: bool = True
    routes: EventRoutes | None = None
    released_at: datetime | None = None
    closed_at: datetime | None = None
    lease_until: datetime | None = None
    closing: IncidentState = IncidentState.RESTORED
    actor: str = ""
    async_target_arn: str = ""
    is_durable: bool = False
    outbox: tuple[OutboxNotice, ...] = ()

    @property
    def reservation(self) -> StepOutcome | None:
        """The step that sets the reservation, with its outcome; ``None`` if nothing was planned."""
        return next((one for one in self.steps if isinstance(one.step, Reserve)), None)

    @property
    def capped_at(self) -> datetime | None:
        """When a cap of the guard's took effect; ``None`` if none did."""
        is_capped = any(one > 0 for one in self.written) and self.contained_at != self.stopped_at
        return self.contained_at if is_capped else None

    @property
    def is_at_zero(self) -> bool:
        """Whether the guard's reservation or scaling of 0 took effect at some time."""
        return self.stopped_at is not None or (
            self.target == 0
            and bool(self.stops)
            and all(one.status in {StepStatus.DONE, StepStatus.ALREADY} for one in self.stops)
        )

    @property
    def stops(self) -> tuple[StepOutcome, ...]:
        """The steps that stop or cap the function itself, with their outcomes."""
        return tuple(one for one in self.steps if isinstance(one.step, Reserve | ScaleToZero))

    @property
    def is_on_instances(self) -> bool:
        """Whether it is stopped by the scaling of its versions, having no reservation."""
        return any(isinstance(one.step, ScaleToZero) for one in self.steps)

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to be done but to send its notices and file it away."""
        return self.state in CLOSED_STATES

    def is_leased(self, now: datetime) -> bool:
        """Whether a run is working on it that may still be alive."""
        return self.lease_until is not None and now < self.lease_until

    def is_cooling_off(self, now: datetime, cooling_off: timedelta) -> bool:
        """Whether somebody released the function so recently that it is only watched."""
        return self.released_at is not None and now - self.released_at < cooling_off

    def leased(self, now: datetime) -> Self:
        """The incident, held by this run."""
        return replace(self, lease_until=now + LEASE)

    def unleased(self) -> Self:
        """The incident, free for any run."""
        return replace(self, lease_until=None)

    def to(self, state: IncidentState, now: datetime) -> Self:
        """The incident in another state.

        Raises
        ------
        InvalidTransitionError
            When the present state does not lead there.
        """
        if state is not self.state and state not in _TRANSITIONS.get(self.state, frozenset()):
            raise InvalidTransitionError(
                f"incident {self.id} cannot go from {self.state} to {state}"
            )
        at = max(now, self.updated_at)
        changed = replace(self, state=state, updated_at=at)
        if state in CLOSED_STATES:
            changed = replace(changed, closed_at=at, lease_until=None)
        return changed

    def with_reservation(self, to: int, prior: int | None) -> Self:
        """The incident with the step that sets the reservation written down, before it is done.

        The snapshot's part is written by the first call only; a cap that becomes a throttle
        keeps what was there before the cap.
        """
        snapshot = Snapshot(reserved_concurrency=prior) if self.snapshot is None else self.snapshot
        step = Reserve(function=self.function, to=to, prior=snapshot.reserved_concurrency)
        written = self.written if to in self.written else (*self.written, to)
        return replace(self, snapshot=snapshot, target=to, written=written).with_step(
            StepOutcome(step=step)
        )

    def with_scaling(self, versions: tuple[VersionScaling, ...]) -> Self:
        """The incident with the steps that scale each version to 0 written down.

        The snapshot's part is written by the first call only.
        """
        snapshot = self.snapshot or Snapshot(reserved_concurrency=None, scaling=versions)
        changed = replace(self, snapshot=snapshot, target=0)
        for one in snapshot.scaling:
            if not one.is_zero:
                step = ScaleToZero(function=self.function, prior=one)
                changed = changed.with_step(StepOutcome(step=step))
        return changed

    def with_surroundings(
        self,
        provisioned: tuple[ProvisionedConcurrency, ...],
        mappings: tuple[EventSourceMapping, ...],
    ) -> Self:
        """The incident with what else is to be changed, read before the first such change."""
        return self.with_provisioned(provisioned).with_mappings(mappings)

    def with_provisioned(self, found: tuple[ProvisionedConcurrency, ...]) -> Self:
        """The incident with the provisioned concurrency, read before any of it is removed."""
        if self.snapshot is None:
            raise SnapshotOverwriteError("there is no snapshot to add to")
        snapshot = self.snapshot.with_provisioned(found)
        return replace(self, snapshot=snapshot, steps=self._steps_with(found, ()))

    def with_mappings(self, found: tuple[EventSourceMapping, ...]) -> Self:
        """The incident with the event source mappings, read before any of them is disabled."""
        if self.snapshot is None:
            raise SnapshotOverwriteError("there is no snapshot to add to")
        snapshot = self.snapshot.with_mappings(found)
        return replace(self, snapshot=snapshot, steps=self._steps_with((), found))

    def _steps_with(
        self,
        provisioned: tuple[ProvisionedConcurrency, ...],
        mappings: tuple[EventSourceMapping, ...],
    ) -> tuple[StepOutcome, ...]:
        changed = self
        for step in follow_up_steps(self.function, provisioned, mappings):
            changed = changed.with_step(StepOutcome(step=step))
        return changed.steps

    def with_step(self, outcome: StepOutcome) -> Self:
        """The incident with a step put into its place; it replaces one of the same key."""
        others = tuple(one for one in self.steps if one.step.key != outcome.step.key)
        ordered = sorted((*others, outcome), key=lambda one: order_of(one.step))
        return replace(self, steps=tuple(ordered))

    def with_outcome(
        self, step: Step, status: StepStatus, detail: str = "", done_at: datetime | None = None
    ) -> Self:
        """The incident with what became of a step."""
        return replace(
            self,
            steps=tuple(
                replace(one, status=status, detail=detail, done_at=done_at)
                if one.step.key == step.key
                else one
                for one in self.steps
            ),
        )

    def with_restored(self, step: Step, status: StepStatus | None, detail: str = "") -> Self:
        """The incident with what became of the inverse of a step (``None``: not tried)."""
        return replace(
            self,
            steps=tuple(
                replace(one, restored=status, restored_detail=detail)
                if one.step.key == step.key
                else one
                for one in self.steps
            ),
        )

    def with_notice(self, transition: Transition, subject: str, body: str) -> Self:
        """The incident with a notice to be sent. A transition that repeats is numbered."""
        count = sum(1 for one in self.outbox if one.transition is transition)
        suffix = f"-{count + 1}" if count else ""
        notice = OutboxNotice(
            id=f"{self.id}/{transition}{suffix}", transition=transition, subject=subject, body=body
        )
        return replace(self, outbox=(*self.outbox, notice))

    def with_notice_status(
        self, notice_id: str, status: NoticeStatus, claimed_at: datetime | None = None
    ) -> Self:
        """The incident with a notice of its outbox moved on."""
        return replace(
            self,
            outbox=tuple(
                replace(
                    one,
                    status=status,
                    claimed_at=claimed_at,
                    attempts=one.attempts + (status is NoticeStatus.CLAIMED),
                )
                if one.id == notice_id
                else one
                for one in self.outbox
            ),
        )

    def has_told(self, transition: Transition) -> bool:
        """Whether a notice of this transition was written down already."""
        return any(one.transition is transition for one in self.outbox)

    def due_notices(self, now: datetime) -> tuple[OutboxNotice, ...]:
        """The notices to be sent now, oldest first."""
        return tuple(one for one in self.outbox if one.is_due(now))

    @property
    def is_settled(self) -> bool:
        """Whether all its notices are known to be sent."""
        return all(one.status is NoticeStatus.SENT for one in self.outbox)


def incident_id(function: str, opened_at: datetime) -> str:
    """A name for an incident that people can say: the function and when it was opened (UTC)."""
    return f"{function}-{opened_at:%Y%m%dT%H%M%S}Z"
