"""The durable record of a reversible change: its steps, its state, and who is at work on it.

Everything in it is written before the change that it describes (write-ahead), so that whoever
finds it after a crash can finish the work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from functions.domain.changes.outcome import ChangeOutcome, ReversibleStep, StepStatus
from functions.domain.errors import InvalidTransitionError

# A run that died stops holding its record after this long: short, because a loop may be burning
# meanwhile. A run that takes longer than its lease loses nothing, since every write is checked
# against the version that it read and every step is idempotent.
LEASE: Final = timedelta(seconds=60)
# What AWS says of a step: a function may have hundreds of mappings, and a record has its limit.
_LONGEST_DETAIL: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """What records of reversible changes have in common.

    Attributes
    ----------
    version
        Counts the writes; a store refuses one that is based on an older version. 0 for a record
        that is not stored yet.
    steps
        What was or is to be changed, each with its outcome, in the order in which it is done.
    lease_until
        Until when the run that works on the record has it for itself.
    actor
        Who asked for what ended it; empty where that is unknown.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]]
    CLOSED: ClassVar[frozenset[Any]]

    id: str
    function: str
    function_arn: str
    state: StrEnum
    opened_at: datetime
    updated_at: datetime
    version: int = 0
    steps: tuple[ChangeOutcome, ...] = ()
    lease_until: datetime | None = None
    closed_at: datetime | None = None
    actor: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left to be done but to send its notices and file it away."""
        return self.state in self.CLOSED

    def is_leased(self, now: datetime) -> bool:
        """Whether a run is working on it that may still be alive."""
        return self.lease_until is not None and now < self.lease_until

    def leased(self, now: datetime) -> Self:
        """The record, held by this run."""
        return replace(self, lease_until=now + LEASE)

    def unleased(self) -> Self:
        """The record, free for any run."""
        return replace(self, lease_until=None)

    def to(self, state: StrEnum, now: datetime) -> Self:
        """The record in another state.

        Raises
        ------
        InvalidTransitionError
            When the present state does not lead there.
        """
        if state is not self.state and state not in self.TRANSITIONS.get(self.state, frozenset()):
            raise InvalidTransitionError(f"{self.id} cannot go from {self.state} to {state}")
        at = max(now, self.updated_at)
        changed = replace(self, state=state, updated_at=at)
        if state in self.CLOSED:
            changed = replace(changed, closed_at=at, lease_until=None)
        return changed

    def with_outcome(
        self, step: ReversibleStep, status: StepStatus, detail: str = "", **more: Any
    ) -> Self:
        """The record with what became of a step, whose inverse is not tried yet.

        Parameters
        ----------
        more
            Further fields of the outcome.
        """
        return self._with(
            step,
            status=status,
            detail=detail[:_LONGEST_DETAIL],
            restored=None,
            restored_detail="",
            **more,
        )

    def with_restored(
        self, step: ReversibleStep, status: StepStatus | None, detail: str = ""
    ) -> Self:
        """The record with what became of the inverse of a step (``None``: not tried)."""
        return self._with(step, restored=status, restored_detail=detail[:_LONGEST_DETAIL])

    @property
    def restore_order(self) -> tuple[ChangeOutcome, ...]:
        """The outcomes in the order in which their inverses run: from the last to the first."""
        return tuple(reversed(self.steps))

    @property
    def failures(self) -> tuple[str, ...]:
        """AWS's words for each step that could not be put back."""
        failed = (one for one in self.steps if one.restored is StepStatus.FAILED)
        return tuple(one.restored_detail for one in failed)

    @property
    def pending(self) -> tuple[str, ...]:
        """AWS's words for the steps that are not undone yet, and will be."""
        return tuple(one.restored_detail for one in self.steps if one.is_pending)

    def _with(self, step: ReversibleStep, **outcome: Any) -> Self:
        return replace(
            self,
            steps=tuple(
                replace(one, **outcome) if one.step.key == step.key else one for one in self.steps
            ),
        )
