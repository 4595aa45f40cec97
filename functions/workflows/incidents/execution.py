"""One run's work on one incident: what a late change of it comes to, and how it is put right.

A run may stall for longer than its lease: another one then takes the incident over, restores the
function, closes the incident and may open the next. What the stalled run changes after that is
undone, or done again where the open incident wants it so.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final

from functions.domain.changes.outcome import UNFINISHED, StepStatus
from functions.domain.changes.steps import (
    MappingStep,
    PutBackReserved,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    Step,
    StepOutcome,
)
from functions.domain.errors import (
    BusyError,
    LedgerUnavailableError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.incidents.history import WHATEVER_CLOSED
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.ports import Opened
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.tags.seal import find_stop
from functions.domain.incidents.tags.snapshot import TaggedSnapshot
from functions.workflows.changes.execution import ChangeExecution
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.perform_steps import describe_reservation, perform, undo

# How often a record that another run is writing, too, is read again: a restore writes it some ten
# times.
_TRIES: Final = 10


@dataclass(slots=True, kw_only=True)
class Execution(ChangeExecution[Incident]):
    """What a run does about an incident."""

    BUSY: ClassVar[StepStatus] = StepStatus.FAILED

    world: Context

    @property
    def incident(self) -> Incident:
        """The newest version that this run has read or written."""
        return self.record

    @property
    def present(self) -> datetime:
        """The present moment."""
        return self.world.present(self.now)

    def write(self, record: Incident) -> Incident:
        """Store the incident; raises what the ledger does."""
        return self.world.ledger.save(record)

    def perform(self, step: Step) -> tuple[StepStatus, str]:
        """Carry out a step of a containment."""
        return perform(step, self.world.functions), ""

    def undo(self, step: Step) -> tuple[StepStatus, str]:
        """Undo a step."""
        return self._undo(step, self.incident)

    def after(self, step: Step, status: StepStatus, detail: str) -> Incident:
        """The incident with what became of a step, and since when it holds."""
        done = status is StepStatus.DONE and isinstance(step, RemoveProvisioned)
        at = self.present
        changed = self.incident.with_outcome(step, status, detail, done_at=at if done else None)
        return changed.holding_since(at) if isinstance(step, Reserve | ScaleToZero) else changed

    def after_undone(self, record: Incident) -> Incident:
        """The incident with the moment at which nothing of it stops the function any more."""
        is_over = all(one.restored not in {None, *UNFINISHED} for one in record.stops)
        if record.freed_at is not None or not is_over:
            return record
        at = max(self.now, record.updated_at)
        return replace(record, freed_at=at, is_freed_at_known=self.now >= record.updated_at)

    def may_wait(self, step: Step) -> bool:
        """Whether AWS may still be at work on an earlier change of a mapping."""
        return isinstance(step, MappingStep)

    def keeps_others(self, step: Step) -> bool:
        """Whether the function stays stopped, and its mappings too."""
        return isinstance(step, Reserve | ScaleToZero)

    def put_right(self, step: Step, *, is_in_force: bool) -> None:
        """Leave what the step changes as the open incident wants it, without one as before.

        Other runs may be writing the incident, and may close it: until one of them has what this
        run leaves in its record, or nothing is left, it begins anew with what they have written.
        """
        for _ in range(_TRIES):
            with suppress(StaleIncidentError):
                self._put_right_in(self._open_if_known(), step, is_in_force=is_in_force)
                return

    def _open_if_known(self) -> Incident | None:
        try:
            return self.world.ledger.find(self.incident.function)
        except LedgerUnavailableError:
            return None

    def _put_right_in(self, current: Incident | None, step: Step, *, is_in_force: bool) -> None:
        wanted = None if current is None else current.wanted(step.key)
        if wanted is None:
            if is_in_force:
                try:
                    self._undo(step, self.incident if current is None else current)
                except (BusyError, RefusedError):
                    self._record_left(step, current)
                else:
                    self._correct_prior(step)
        elif (wanted != step) if is_in_force else (current is not None and current.is_wanting):
            perform(wanted, self.world.functions)

    def _correct_prior(self, step: Step) -> None:
        """Give an incident its true snapshot that was opened while the late change was in force.

        It took the guard's own reservation for what was there before.
        """
        for _ in range(_TRIES):
            current = self._open_if_known()
            if (
                not isinstance(step, Reserve)
                or current is None
                or current.id == self.incident.id
                or current.prior != step.to
            ):
                return
            with suppress(StaleIncidentError):
                self.world.ledger.save(current.with_prior(self.incident.prior))
                return

    def _record_left(self, step: Step, current: Incident | None) -> None:
        """Write down a change that nobody wants and AWS does not take back now.

        A pulse takes it back: with the open incident, or with one that is opened for it.

        Raises
        ------
        StaleIncidentError
            When another run has written the incident, or opened one, since `current` was read.
        """
        left = StepOutcome(step=step, status=StepStatus.DONE)
        if current is not None and not current.is_closed:
            self.world.ledger.save(current.with_step(left))
            return
        present = self.present
        opened = replace(
            self.incident,
            id=incident_id(self.incident.function, present),
            version=0,
            state=IncidentState.RESTORING,
            opened_at=present,
            updated_at=present,
            steps=(left,),
            outbox=(),
            refusals=(),
            lease_until=None,
        )
        opening = self.world.ledger.open(opened, None, known_until=WHATEVER_CLOSED)
        if not isinstance(opening, Opened):
            raise StaleIncidentError(f"another run works on {opened.function}")

    def _undo(self, step: Step, known: Incident) -> tuple[StepStatus, str]:
        """Undo a step. Somebody may have set a reservation since, which then comes back instead.

        Parameters
        ----------
        known
            The newest record.
        """
        inverse = step.inverse()
        if not isinstance(inverse, PutBackReserved) or known.id != self.incident.id:
            return undo(inverse, self.incident.ours, self.world.functions)
        theirs = replace(inverse, prior=known.comes_back)
        status, detail = undo(theirs, self.incident.ours, self.world.functions)
        if status is StepStatus.CHANGED_MEANWHILE:
            stop = self._stop_in_tag()
            if stop is not None:
                theirs = replace(theirs, prior=self._find_reserved_before(stop, known))
                status, detail = undo(theirs, (*self.incident.ours, 0), self.world.functions)
        if status is StepStatus.ALREADY and theirs.prior != inverse.prior:
            return StepStatus.CHANGED_MEANWHILE, describe_reservation(theirs.prior)
        return status, detail

    def _stop_in_tag(self) -> TaggedSnapshot | None:
        """What a sealed tag says: the guard has stopped the function while its ledger was away."""
        facts = self.world.functions.describe(self.incident.function)
        try:
            return find_stop(facts, self.world.ledger.read_tag_key())
        except LedgerUnavailableError:
            return None

    def _find_reserved_before(self, stop: TaggedSnapshot, known: Incident) -> int | None:
        """What was reserved before a stop of which the ledger does not know.

        To the tag the guard's own hold passed for what people had reserved: the record knows
        better. Of anything else that was there the tag knows better, because it is newer.
        """
        is_ours = stop.reserved_concurrency in self.incident.ours
        return known.comes_back if is_ours else stop.reserved_concurrency
