"""The durable record of one remedy: what was there before, what was done, who was told.

There is at most one open treatment for each function and entry. Everything in it is written before
the change that it describes, so that whoever finds it after a crash can finish the work.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from functions.domain.changes.steps import StepStatus
from functions.domain.diagnosis.remedy import RemedyKind, RemedyStep, StepResult
from functions.domain.errors import InvalidTransitionError, SnapshotOverwriteError
from functions.domain.incidents.incident import LEASE
from functions.domain.notices.outbox import OutboxNotice, replace_notice


class TreatmentState(StrEnum):
    """Where a treatment stands."""

    APPLYING = "applying"  # planned and written down; its steps are not all done
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"  # closed: a person asked for it
    FAILED = "failed"  # closed: nothing of it is in force
    DELETED = "deleted"  # closed: the function no longer exists


CLOSED_STATES: Final = frozenset(
    {TreatmentState.UNDONE, TreatmentState.FAILED, TreatmentState.DELETED}
)

_S = TreatmentState
_TRANSITIONS: dict[TreatmentState, frozenset[TreatmentState]] = {
    _S.APPLYING: frozenset({_S.APPLIED, _S.FAILED, _S.UNDOING, _S.DELETED}),
    _S.APPLIED: frozenset({_S.APPLYING, _S.UNDOING, _S.DELETED}),
    _S.UNDOING: frozenset({_S.UNDONE, _S.APPLIED, _S.DELETED}),
}


class TreatmentEvent(StrEnum):
    """What people are told of a treatment."""

    APPLIED = "applied"
    APPLY_FAILED = "apply_failed"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What a step found before the first change of a treatment.

    `key` is the step's; `was` is the value as text, ``None`` for nothing.
    """

    key: str
    was: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One remedy on one function.

    Attributes
    ----------
    id
        Function, entry and time of opening; the name that people see.
    entry, title, summary, causes, evidence, remedy, page
        Of the finding and its remedy, for notices; `evidence` as sentences.
    snapshot
        What each step found, written once, before the first change; ``None`` until then.
    version
        Of the stored record; 0 for one that is not stored yet.
    lease_until
        Until when a run works on it.
    closing
        The state that an undoing leads to.
    actor
        Who asked for the undoing; empty where unknown.
    """

    id: str
    function: str
    function_arn: str
    entry: str
    kind: RemedyKind
    state: TreatmentState
    opened_at: datetime
    updated_at: datetime
    title: str
    summary: str
    remedy: str
    page: str = ""
    causes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    steps: tuple[StepResult, ...] = ()
    snapshot: tuple[Prior, ...] | None = None
    version: int = 0
    lease_until: datetime | None = None
    applied_at: datetime | None = None
    closed_at: datetime | None = None
    closing: TreatmentState = TreatmentState.UNDONE
    actor: str = ""
    outbox: tuple[OutboxNotice, ...] = ()

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to be done but to send its notices."""
        return self.state in CLOSED_STATES

    def is_leased(self, now: datetime) -> bool:
        """Whether a run is working on it that may still be alive."""
        return self.lease_until is not None and now < self.lease_until

    def leased(self, now: datetime) -> Self:
        """The treatment, held by this run."""
        return replace(self, lease_until=now + LEASE)

    def unleased(self) -> Self:
        """The treatment, free for any run."""
        return replace(self, lease_until=None)

    def to(self, state: TreatmentState, now: datetime) -> Self:
        """The treatment in another state.

        Raises
        ------
        InvalidTransitionError
            When the present state does not lead there.
        """
        if state is not self.state and state not in _TRANSITIONS.get(self.state, frozenset()):
            raise InvalidTransitionError(
                f"treatment {self.id} cannot go from {self.state} to {state}"
            )
        at = max(now, self.updated_at)
        changed = replace(self, state=state, updated_at=at)
        if state in CLOSED_STATES:
            changed = replace(changed, closed_at=at, lease_until=None)
        return changed

    def with_prior(self, prior: Prior) -> Self:
        """The treatment with what a step found before the first change.

        Raises
        ------
        SnapshotOverwriteError
            When that is already written.
        """
        if any(one.key == prior.key for one in self.snapshot or ()):
            raise SnapshotOverwriteError(f"treatment {self.id} already holds {prior.key}")
        return replace(self, snapshot=(*(self.snapshot or ()), prior))

    def with_step(self, step: RemedyStep) -> Self:
        """The treatment with a step in the place of the one of the same key."""
        return replace(
            self,
            steps=tuple(
                replace(one, step=step) if one.step.key == step.key else one for one in self.steps
            ),
        )

    def was(self, key: str) -> str | None:
        """What a step found before the first change."""
        return next((one.was for one in self.snapshot or () if one.key == key), None)

    def with_result(self, step: RemedyStep, status: StepStatus, detail: str = "") -> Self:
        """The treatment with what became of a step."""
        return replace(
            self,
            steps=tuple(
                replace(one, status=status, detail=detail) if one.step.key == step.key else one
                for one in self.steps
            ),
        )

    def with_undone(self, step: RemedyStep, status: StepStatus | None, detail: str = "") -> Self:
        """The treatment with what became of the inverse of a step (``None``: not tried)."""
        return replace(
            self,
            steps=tuple(
                replace(one, undone=status, undone_detail=detail)
                if one.step.key == step.key
                else one
                for one in self.steps
            ),
        )

    def with_notice(self, event: TreatmentEvent, subject: str, body: str) -> Self:
        """The treatment with a notice to be sent. An event that repeats is numbered."""
        begin = f"{self.id}/{event}"
        count = sum(1 for one in self.outbox if one.id.startswith(begin))
        name = f"{begin}-{count + 1}" if count else begin
        notice = OutboxNotice(id=name, subject=subject, body=body)
        return replace(self, outbox=(*self.outbox, notice))

    def with_notice_as(self, notice: OutboxNotice) -> Self:
        """The treatment with what became of a notice of its outbox."""
        return replace(self, outbox=replace_notice(self.outbox, notice))


def treatment_id(function: str, entry: str, opened_at: datetime) -> str:
    """A name for a treatment that people can say."""
    return f"{function}-{entry}-{opened_at:%Y%m%dT%H%M%S}Z"
