"""The durable record of one remedy: what was there before, what was done, who was notified.

There is at most one open remediation for each function and entry. Everything in it is written
before the change that it describes, so that whoever finds it after a crash can finish the work.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final, Self

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.record import ChangeRecord
from functions.domain.diagnosis.remedy import RemedyKind, RemedyOutcome, RemedyStep
from functions.domain.errors import SnapshotOverwriteError
from functions.domain.notices.events.record import NoticeEvent
from functions.domain.notices.outbox import OutboxNotice, make_twin, replace_notice


class RemediationState(StrEnum):
    """Where a remediation stands."""

    APPLYING = "applying"  # planned and written down; its steps are not all done
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"  # closed: a person asked for it
    FAILED = "failed"  # closed: nothing of it is in force
    DELETED = "deleted"  # closed: the function no longer exists


CLOSED_STATES: Final = frozenset(
    {RemediationState.UNDONE, RemediationState.FAILED, RemediationState.DELETED}
)
# Something of it is, or may be, in force.
IN_FORCE_STATES: Final = frozenset(
    {RemediationState.APPLYING, RemediationState.APPLIED, RemediationState.UNDOING}
)

_S = RemediationState
TRANSITIONS: Final[dict[RemediationState, frozenset[RemediationState]]] = {
    _S.APPLYING: frozenset({_S.APPLIED, _S.FAILED, _S.UNDOING, _S.DELETED}),
    _S.APPLIED: frozenset({_S.APPLYING, _S.UNDOING, _S.DELETED}),
    _S.UNDOING: frozenset({_S.UNDONE, _S.APPLIED, _S.DELETED}),
}


class RemediationEvent(StrEnum):
    """What a notice reports about a remediation."""

    APPLIED = "applied"
    APPLY_FAILED = "apply_failed"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What a step found before the first change of a remediation.

    `key` is the step's; `was` is the value as text, ``None`` for nothing.
    """

    key: str
    was: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation(ChangeRecord):
    """One remedy on one function.

    Attributes
    ----------
    id
        Function, entry and time of opening; the name that people see.
    entry, title, summary, causes, evidence, remedy, page
        Of the finding and its remedy, for notices; `evidence` as sentences.
    snapshot
        What each step found, written once, before the first change; ``None`` until then.
    closing
        The state that an undoing leads to.
    """

    TRANSITIONS: ClassVar = TRANSITIONS
    CLOSED: ClassVar = CLOSED_STATES

    state: RemediationState
    steps: tuple[RemedyOutcome, ...] = ()
    entry: str
    kind: RemedyKind
    title: str
    summary: str
    remedy: str
    page: str = ""
    causes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    snapshot: tuple[Prior, ...] | None = None
    applied_at: datetime | None = None
    closing: RemediationState = RemediationState.UNDONE
    outbox: tuple[OutboxNotice, ...] = ()

    def with_prior(self, prior: Prior) -> Self:
        """The remediation with what a step found before the first change.

        Raises
        ------
        SnapshotOverwriteError
            When that is already written.
        """
        if any(one.key == prior.key for one in self.snapshot or ()):
            raise SnapshotOverwriteError(f"remediation {self.id} already holds {prior.key}")
        return replace(self, snapshot=(*(self.snapshot or ()), prior))

    def with_step(self, step: RemedyStep) -> Self:
        """The remediation with a step in the place of the one of the same key."""
        return replace(
            self,
            steps=tuple(
                replace(one, step=step) if one.step.key == step.key else one for one in self.steps
            ),
        )

    def may_be_in_force(self, step: RemedyStep) -> bool:
        """Whether a step was done, or may have been by a run that died."""
        is_seen = any(one.key == step.key for one in self.snapshot or ())
        outcome = next((one for one in self.steps if one.step.key == step.key), None)
        done = {StepStatus.DONE, StepStatus.PLANNED}
        return is_seen and outcome is not None and outcome.status in done

    def was(self, key: str) -> str | None:
        """What a step found before the first change."""
        return next((one.was for one in self.snapshot or () if one.key == key), None)

    def with_notice(
        self, event: RemediationEvent, subject: str, body: str, twin: NoticeEvent | None = None
    ) -> Self:
        """The remediation with a notice to be sent. An event that repeats is numbered."""
        begin = f"{self.id}/{event}"
        count = sum(1 for one in self.outbox if one.id.startswith(begin))
        name = f"{begin}-{count + 1}" if count else begin
        notice = OutboxNotice(id=name, subject=subject, body=body, twin=make_twin(twin))
        return replace(self, outbox=(*self.outbox, notice))

    def with_notice_as(self, notice: OutboxNotice) -> Self:
        """The remediation with what became of a notice of its outbox."""
        return replace(self, outbox=replace_notice(self.outbox, notice))


def compose_remediation_id(function: str, entry: str, opened_at: datetime) -> str:
    """A name for a remediation that people can say."""
    return f"{function}-{entry}-{opened_at:%Y%m%dT%H%M%S}Z"
