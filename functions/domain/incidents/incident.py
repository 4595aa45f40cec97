"""One function's incident: what was there before, what was done, and who was notified of it.

There is at most one open incident per function. Everything in it is written before the change
that it describes (write-ahead), so that whoever finds it after a crash can finish the work.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from functions.domain.account.origin import FunctionOrigin
from functions.domain.changes.outcome import PUT_BACK, UNFINISHED, StepStatus
from functions.domain.changes.record import LEASE, ChangeRecord
from functions.domain.changes.steps import (
    DisableMapping,
    EventSourceMapping,
    ProvisionedConcurrency,
    Reserve,
    ScaleToZero,
    Step,
    StepOutcome,
    VersionScaling,
    follow_up_steps,
    order_of,
    restore_order,
)
from functions.domain.detection.assessment import Assessment
from functions.domain.errors import SnapshotOverwriteError
from functions.domain.holding.watch import Phase, Watch
from functions.domain.incidents.outbox import IncidentNotice, number_of, trim_outbox
from functions.domain.incidents.refusals import (
    EARLY,
    MOST_TOLD,
    PAUSES,
    Attempt,
    Refusals,
    shorten_refusal,
)
from functions.domain.incidents.snapshot import EventRoutes, FoundReservation, HeldInstead, Snapshot
from functions.domain.incidents.states import (
    CLOSED_STATES,
    TRANSITIONS,
    WANTING_STATES,
    IncidentState,
    Transition,
)
from functions.domain.notices.events.record import NoticeEvent
from functions.domain.notices.outbox import OutboxNotice, make_twin, replace_notice
from functions.domain.probation.record import Probation

# A run of `contain` may live on for so long after its lease, and end there without a word: this is
# its time-out, which began before the lease was taken.
CONTAIN_TAKES_AT_MOST = timedelta(seconds=120)
_OUTLIVES_LEASE: Final = CONTAIN_TAKES_AT_MOST - LEASE
KEPT_AFTER_CLOSE = timedelta(days=400)
# Steps in these states found nothing to change.
_NOTHING_DONE: Final = frozenset({StepStatus.GONE, StepStatus.CHANGED_MEANWHILE})
# What was decided, as text of `DecisionReason`, of a function that is stopped and not held.
_STOPS: Final = frozenset({"runaway", "still_suspected", "ordered"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(ChangeRecord):
    """One function's trouble.

    Attributes
    ----------
    snapshot
        ``None`` while nothing was changed (`NOTIFIED`).
    target
        The reservation that the guard wants while the incident is open: 0 or a cap.
    written
        Every reservation that the guard may have written: to know its own value from others'.
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
    unsure_until
        Until when a run from which it was taken over may still carry out the step that it had
        begun; ``None`` where there was none, and in records of an earlier version.
    unsure_keys
        Keys of the steps that were not done when it was taken over.
    decided
        The decision's reason, as text of `DecisionReason`.
    closing
        Where a restore leads: `RESTORED` for a person's, `LIFTED` for the guard's own.
    actor
        Who released the function, where CloudTrail recorded it.
    released_to
        What was reserved when the release was noticed: somebody else's, whatever its value.
    is_withdrawn
        Whether it is put back because people have decided meanwhile that it is not to be touched:
        what the function did is not explained by that.
    refusals
        What AWS refused, one entry for each kind of attempt.
    watch
        How far its hold has got; ``None`` where it is none, and in records of an earlier version.
    is_shown
        Whether the hold has shown a loop, or is kept for people to decide: it does not end by
        itself any more.
    instead
        Of which function it is held; ``None`` where it is the suspected one itself.
    ordered_by
        Who ordered its stop (ARN), as the order said; empty where nobody did or it is not known.
    probation
        How far its probation has got; ``None`` where it is on none, and in records of an earlier
        version.
    origin
        Whose function it is; ``None`` where nothing says, and in records of an earlier version.
    """

    TRANSITIONS: ClassVar = TRANSITIONS
    CLOSED: ClassVar = CLOSED_STATES

    state: IncidentState
    steps: tuple[StepOutcome, ...] = ()
    assessment: Assessment
    decided: str
    memory_mb: int
    timeout_seconds: int
    architecture: str = "x86_64"
    snapshot: Snapshot | None = None
    target: int | None = None
    written: tuple[int, ...] = ()
    contained_at: datetime | None = None
    stopped_at: datetime | None = None
    freed_at: datetime | None = None
    is_freed_at_known: bool = True
    routes: EventRoutes | None = None
    released_at: datetime | None = None
    unsure_until: datetime | None = None
    unsure_keys: tuple[str, ...] = ()
    closing: IncidentState = IncidentState.RESTORED
    async_target_arn: str = ""
    is_durable: bool = False
    outbox: tuple[IncidentNotice, ...] = ()
    released_to: FoundReservation | None = None
    is_withdrawn: bool = False
    refusals: tuple[Refusals, ...] = ()
    watch: Watch | None = None
    is_shown: bool = False
    instead: HeldInstead | None = None
    ordered_by: str = ""
    probation: Probation | None = None
    origin: FunctionOrigin | None = None

    @property
    def ended_at(self) -> datetime:
        """When it was closed, of a closed one."""
        return self.closed_at or self.updated_at

    @property
    def ours(self) -> tuple[int, ...]:
        """The reservations that, found on the function, are the guard's own.

        A former cap is somebody else's where they were seen to have set it. A 0 that the guard may
        have written is always its own: else a late one would stay for ever.
        """
        theirs = None if self.released_to is None else self.released_to.reserved_concurrency
        return tuple(one for one in self.written if one == 0 or one != theirs)

    @property
    def prior(self) -> int | None:
        """What was reserved before the guard changed anything."""
        return None if self.snapshot is None else self.snapshot.reserved_concurrency

    @property
    def comes_back(self) -> int | None:
        """What a restore reserves: what was there before, or what somebody set since."""
        theirs = self.released_to
        if theirs is None or theirs.reserved_concurrency in self.ours:
            return self.prior
        return theirs.reserved_concurrency

    @property
    def left_beside(self) -> tuple[StepOutcome, ...]:
        """The steps beside the reservation that are, or may be, in force.

        One that is only planned counts, and one that failed: a run may have died, or AWS's answer
        may have been lost, between the change and its record.
        """
        return tuple(
            one
            for one in self.steps
            if not isinstance(one.step, Reserve)
            and one.status not in _NOTHING_DONE
            and one.restored not in PUT_BACK
        )

    @property
    def is_wanting(self) -> bool:
        """Whether what its steps change is to be in force, rather than about to be undone."""
        return self.state in WANTING_STATES

    def wanted(self, key: str) -> Step | None:
        """The step with this key that is to be in force; ``None`` where there is none.

        One whose inverse is not begun counts as well: whoever comes to undo it looks first.
        """
        one = next((one for one in self.steps if one.step.key == key), None)
        if one is None or one.restored not in {None, StepStatus.FAILED} or self.is_closed:
            return None
        if not self.is_wanting and isinstance(one.step, Reserve | ScaleToZero):
            return None
        return one.step

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
    def is_held(self) -> bool:
        """Whether the steps that stop or hold the function itself are done."""
        return bool(self.stops) and all(one.status not in UNFINISHED for one in self.stops)

    @property
    def stops(self) -> tuple[StepOutcome, ...]:
        """The steps that stop or hold the function itself, with their outcomes."""
        own = tuple(one for one in self.steps if isinstance(one.step, Reserve | ScaleToZero))
        return own or tuple(one for one in self.steps if isinstance(one.step, DisableMapping))

    @property
    def is_paused(self) -> bool:
        """Whether it is held by its event source mappings alone: nothing is reserved for it."""
        return bool(self.stops) and all(isinstance(one.step, DisableMapping) for one in self.stops)

    @property
    def is_on_instances(self) -> bool:
        """Whether it is stopped by the scaling of its versions, having no reservation."""
        return any(isinstance(one.step, ScaleToZero) for one in self.steps)

    @property
    def is_explained(self) -> bool:
        """Whether a cap has shown that it was no loop, and was lifted for that."""
        return self.state is IncidentState.LIFTED and not self.is_withdrawn

    def is_cooling_off(self, now: datetime, cooling_off: timedelta) -> bool:
        """Whether somebody released the function so recently that it is only watched."""
        return self.released_at is not None and now - self.released_at < cooling_off

    def leased(self, now: datetime) -> Self:
        """The incident, held by this run."""
        mine = self if self.is_leased(now) else self.taken_over()
        return replace(mine, lease_until=now + LEASE)

    def taken_over(self) -> Self:
        """The incident, taken over from the run that has not let go of it, if there is one."""
        if self.lease_until is None:
            return self
        until = self.lease_until + _OUTLIVES_LEASE
        undone = (one.step.key for one in self.steps if one.status in UNFINISHED)
        return replace(
            self,
            lease_until=None,
            unsure_until=max(until, self.unsure_until or until),
            unsure_keys=tuple(sorted({*self.unsure_keys, *undone})),
        )

    def unsure_steps(self, now: datetime) -> tuple[StepOutcome, ...]:
        """Steps of which one may still be carried out by a run that has lost its lease.

        Also one that is done by now: who took the incident over may have done it, and the stalled
        run does it once more.
        """
        if self.unsure_until is None or now >= self.unsure_until:
            return ()
        return tuple(
            one
            for one in self.steps
            if one.status in UNFINISHED or one.step.key in self.unsure_keys
        )

    def is_pausing(self, attempt: Attempt, now: datetime) -> bool:
        """Whether AWS refused this so lately that it is not asked again yet."""
        until = self._get_refusals(attempt).until
        return until is not None and now < until - EARLY

    def was_reported(self, attempt: Attempt, words: str) -> bool:
        """Whether people were notified that AWS said this of the attempt."""
        return shorten_refusal(words) in self._get_refusals(attempt).told

    def refused(self, attempt: Attempt, now: datetime) -> Self:
        """The incident after one more refusal: the pause before the next attempt grows."""
        known = self._get_refusals(attempt)
        pause = PAUSES[min(known.count, len(PAUSES) - 1)]
        return self._with_refusals(replace(known, count=known.count + 1, until=now + pause))

    def with_reported(self, attempt: Attempt, words: str) -> Self:
        """The incident after people were notified of what AWS answered."""
        known = self._get_refusals(attempt)
        told = (*known.told, shorten_refusal(words))[-MOST_TOLD:]
        return self._with_refusals(replace(known, told=told))

    def accepted(self, attempt: Attempt) -> Self:
        """The incident after AWS refused it no more, or as a person asks for it anew."""
        others = tuple(one for one in self.refusals if one.attempt is not attempt)
        return replace(self, refusals=others)

    def _get_refusals(self, attempt: Attempt) -> Refusals:
        found = next((one for one in self.refusals if one.attempt is attempt), None)
        return found or Refusals(attempt=attempt)

    def _with_refusals(self, refusals: Refusals) -> Self:
        others = self.accepted(refusals.attempt).refusals
        return replace(self, refusals=(*others, refusals))

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

    @property
    def is_hold(self) -> bool:
        """Whether what is in force is a hold: nothing has been decided that stops it."""
        return self.watch is not None and self.decided not in _STOPS

    @property
    def is_being_judged(self) -> bool:
        """Whether it is held to see whether it feeds itself, and nothing is decided yet."""
        is_held = self.state in (IncidentState.CAPPING, IncidentState.CAPPED)
        is_watched = self.watch is not None and not self.is_shown
        is_tried = self.probation is not None and self.probation.outcome is None
        return is_held and (is_watched or is_tried)

    @property
    def is_on_probation(self) -> bool:
        """Whether a little of it is let go because a person asked for it, or is held again."""
        is_held = self.state in (IncidentState.CAPPING, IncidentState.CAPPED)
        return is_held and self.probation is not None

    @property
    def is_let_go(self) -> bool:
        """Whether a little of what it holds is, or is being, let go."""
        return self.watch is not None and self.watch.phase is Phase.TRIAL

    def with_prior(self, prior: int | None) -> Self:
        """The incident with another reservation in its snapshot: what it had read was not true."""
        if self.snapshot is None:
            return self
        steps = tuple(
            replace(one, step=replace(one.step, prior=prior))
            if isinstance(one.step, Reserve)
            else one
            for one in self.steps
        )
        snapshot = replace(self.snapshot, reserved_concurrency=prior)
        return replace(self, snapshot=snapshot, steps=steps)

    def holding_since(self, at: datetime) -> Self:
        """The incident with the moment at which what it holds took effect, once all of it did."""
        if not self.is_held:
            return self
        held = replace(self, contained_at=self.contained_at or at)
        if held.target or held.is_paused:  # who calls it by another way is served
            return held
        return replace(held, stopped_at=self.stopped_at or at)

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

    def with_provisioned(self, found: tuple[ProvisionedConcurrency, ...]) -> Self:
        """The incident with the provisioned concurrency, read before any of it is removed."""
        if self.snapshot is None:
            raise SnapshotOverwriteError("there is no snapshot to add to")
        snapshot = self.snapshot.with_provisioned(found)
        return replace(self, snapshot=snapshot, steps=self._build_steps(found, ()))

    def with_mappings(self, found: tuple[EventSourceMapping, ...]) -> Self:
        """The incident with the event source mappings, read before any of them is disabled."""
        if self.snapshot is None:
            raise SnapshotOverwriteError("there is no snapshot to add to")
        snapshot = self.snapshot.with_mappings(found)
        return replace(self, snapshot=snapshot, steps=self._build_steps((), found))

    def _build_steps(
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

    @property
    def restore_order(self) -> tuple[StepOutcome, ...]:
        """The reservation or the scaling first: see `functions.domain.changes.steps`."""
        return restore_order(self.steps)

    def with_notice(
        self, transition: Transition, subject: str, body: str, event: NoticeEvent | None = None
    ) -> Self:
        """The incident with a notice to be sent. A transition that repeats is numbered."""
        numbers = [number_of(one.id) for one in self.outbox if one.transition is transition]
        suffix = f"-{max(numbers) + 1}" if numbers else ""
        notice = IncidentNotice(
            id=f"{self.id}/{transition}{suffix}",
            transition=transition,
            subject=subject,
            body=body,
            twin=make_twin(event),
        )
        return replace(self, outbox=trim_outbox((*self.outbox, notice)))

    def with_notice_as(self, notice: OutboxNotice) -> Self:
        """The incident with what became of a notice of its outbox."""
        return replace(self, outbox=trim_outbox(replace_notice(self.outbox, notice)))

    def has_notified(self, transition: Transition) -> bool:
        """Whether a notice of this transition was written down already."""
        return any(one.transition is transition for one in self.outbox)


def incident_id(function: str, opened_at: datetime) -> str:
    """A name for an incident that people can say: the function and when it was opened (UTC)."""
    return f"{function}-{opened_at:%Y%m%dT%H%M%S}Z"


def is_same_opening(stored: Incident, opened: Incident) -> bool:
    """Whether a stored incident is what opening this one has led to, whose answer was lost.

    The id alone does not show that: it is exact to the second, and two runs may decide in the same
    one.
    """
    return stored.id == opened.id and stored.opened_at == opened.opened_at
