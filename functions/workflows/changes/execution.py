"""One run's work on one record: each change of AWS under a lease, and recorded.

A run may stall for longer than its lease: another one then takes the record over, undoes what it
holds, closes it and may open the next. What the stalled run changes after that is in no record. So
it is put right at once, by `put_right`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Generic, TypeVar

from functions.domain.changes.outcome import ChangeOutcome, StepStatus
from functions.domain.changes.record import ChangeRecord
from functions.domain.errors import (
    BusyError,
    LedgerUnavailableError,
    RefusedError,
    StaleIncidentError,
)

# What is left of a lease when a step begins: its attempts take less, but for a stalled one.
STEP_TAKES_AT_MOST: Final = timedelta(seconds=30)

_R = TypeVar("_R", bound=ChangeRecord)


@dataclass(slots=True, kw_only=True)
class ChangeExecution(ABC, Generic[_R]):
    """What a run does about a record.

    Attributes
    ----------
    record
        The newest version that this run has read or written.
    now
        The moment at which the run began.
    """

    BUSY: ClassVar[StepStatus] = StepStatus.PLANNED
    """What is written of a step for which AWS is too busy."""

    record: _R
    now: datetime
    tried: frozenset[str] = field(default=frozenset())

    # -- what the kinds of records differ in

    @property
    @abstractmethod
    def present(self) -> datetime:
        """The present moment."""

    @abstractmethod
    def write(self, record: _R) -> _R:
        """Store the record; raises what the store does."""

    @abstractmethod
    def perform(self, step: Any) -> tuple[StepStatus, str]:
        """Carry out a step, which looks first.

        Raises
        ------
        RefusedError, BusyError, FunctionNotFoundError
            As AWS answers.
        """

    @abstractmethod
    def undo(self, step: Any) -> tuple[StepStatus, str]:
        """Carry out the inverse of a step, which looks first. Raises as `perform` does."""

    @abstractmethod
    def put_right(self, step: Any, *, is_in_force: bool) -> None:
        """Leave what the step changes as the open record wants it, without one as before.

        Parameters
        ----------
        is_in_force
            Whether this run carried the step out, or else took it back.
        """

    def after(self, step: Any, status: StepStatus, detail: str) -> _R:
        """The record with what became of a step."""
        return self.record.with_outcome(step, status, detail)

    def after_undone(self, record: _R) -> _R:
        """The record with what follows from one more step that is undone."""
        return record

    def may_wait(self, step: Any) -> bool:  # noqa: ARG002 - others look at the step
        """Whether AWS may still be at work on an earlier change of what the step changes."""
        return False

    def keeps_others(self, step: Any) -> bool:  # noqa: ARG002 - others look at the step
        """Whether all the others stay in force where this step cannot be undone."""
        return False

    # -- what they share

    def save(self, record: _R) -> _R:
        """Write the record; raises what the store does."""
        self.record = self.write(record)
        return self.record

    def take(self) -> None:
        """Hold the record for this run, for long enough to carry out a step."""
        until, present = self.record.lease_until, self.present
        if until is None or until - present < STEP_TAKES_AT_MOST:
            self.save(self.record.leased(present))

    def carry_out(self, step: Any) -> None:
        """Carry out a step and record what became of it.

        Raises
        ------
        RefusedError, BusyError
            As AWS answers, after that was recorded.
        FunctionNotFoundError
            When there is nothing to change.
        StaleIncidentError
            When another run has moved the record on: then nothing was changed, or what was
            changed is put right.
        LedgerUnavailableError
            When the outcome could not be recorded: the step stays planned.
        """
        self.take()
        error: RefusedError | BusyError | None = None
        try:
            status, detail = self.perform(step)
        except (RefusedError, BusyError) as refusal:
            error, detail = refusal, str(refusal)
            status = self.BUSY if isinstance(refusal, BusyError) else StepStatus.FAILED
        self._record(self.after(step, status, detail), step, is_in_force=True)
        if error is not None:
            raise error

    def begin_to_take_back(self, step: Any) -> None:
        """Write down that a step is about to be undone: nobody wants it in force from here on."""
        begun = self.record.with_restored(step, StepStatus.PLANNED)
        self.save(begun.leased(self.present))

    def record_taken_back(self, record: _R, step: Any) -> None:
        """Write the record after a step was taken back; raises what the store does."""
        self._record(record, step, is_in_force=False)

    def take_all_back(self, *, is_late: bool = True) -> None:
        """Carry out the inverses, each written down as begun before.

        A run may die, or be overtaken by another one, between the change and its record. Who goes
        on then finds the thing as it was before, and knows by that mark that Loopbreaker did it.

        Parameters
        ----------
        is_late
            Whether what AWS is still changing counts as refused.

        Raises
        ------
        FunctionNotFoundError, LedgerUnavailableError, StaleIncidentError
        """
        for known in self.record.steps:
            if known.restored is StepStatus.FAILED:
                self.record = self.record.with_restored(known.step, None)
        first = self._find_next(self.record)
        was_tried = first is not None and first.restored is StepStatus.PLANNED
        self.save(self._mark_next(self.record).leased(self.present))
        while (outcome := self._find_next(self.record)) is not None:
            step = outcome.step
            status: StepStatus | None
            try:
                status, detail = self.undo(step)
            except RefusedError as error:
                status, detail = StepStatus.FAILED, str(error)
            except BusyError as error:
                waits = self.may_wait(step) and not is_late
                status, detail = None if waits else StepStatus.FAILED, str(error)
            if status is StepStatus.ALREADY and was_tried:
                status = StepStatus.DONE
            was_tried = False
            self.tried |= {step.key}
            undone = self.record.with_restored(step, status, detail)
            if status is StepStatus.FAILED and self.keeps_others(step):
                self.record_taken_back(undone, step)
                return
            self.record_taken_back(self._mark_next(self.after_undone(undone)), step)

    def _find_next(self, record: _R) -> ChangeOutcome | None:
        """The step whose inverse is to be carried out next; ``None`` when none is left.

        One that this run has tried, and that is pending, waits for the next run.
        """
        begun = {None, StepStatus.PLANNED}
        return next(
            (
                one
                for one in record.restore_order
                if one.restored in begun and one.step.key not in self.tried
            ),
            None,
        )

    def _mark_next(self, record: _R) -> _R:
        outcome = self._find_next(record)
        if outcome is None:
            return record
        return record.with_restored(outcome.step, StepStatus.PLANNED)

    def _record(self, record: _R, step: Any, *, is_in_force: bool) -> None:
        try:
            self.save(record.leased(self.present))
        except StaleIncidentError:
            self.put_right(step, is_in_force=is_in_force)
            raise
        except LedgerUnavailableError:
            if not self.record.is_leased(self.present):
                # Another run may have closed the record. While this one still holds it nobody
                # has, and the step is in the record as planned.
                self.put_right(step, is_in_force=is_in_force)
            raise
