"""One run's work on one incident: each change of AWS under a lease, and recorded.

A run may stall for longer than its lease: another one then takes the incident over, restores the
function, closes the incident and may open the next. What the stalled run changes after that is in
no record. So it is put right at once: undone, or done again where the open incident wants it so.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.changes.steps import (
    PutBackReserved,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    Step,
    StepOutcome,
    StepStatus,
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
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.perform_steps import describe_reservation, perform, undo

# How often a record that another run is writing, too, is read again: a restore writes it some ten
# times.
_TRIES: Final = 10
# What is left of a lease when a step begins: its attempts take less, but for a stalled one.
STEP_TAKES_AT_MOST: Final = timedelta(seconds=30)


@dataclass(slots=True, kw_only=True)
class Execution:
    """What a run does about an incident.

    Attributes
    ----------
    incident
        The newest version that this run has read or written.
    now
        The moment at which the run began.
    """

    incident: Incident
    world: Context
    now: datetime

    @property
    def present(self) -> datetime:
        """The present moment."""
        return self.world.present(self.now)

    def save(self, incident: Incident) -> Incident:
        """Write the incident; raises what the ledger does."""
        self.incident = self.world.ledger.save(incident)
        return self.incident

    def take(self) -> None:
        """Hold the incident for this run, for long enough to carry out a step."""
        until, present = self.incident.lease_until, self.present
        if until is None or until - present < STEP_TAKES_AT_MOST:
            self.save(self.incident.leased(present))

    def carry_out(self, step: Step) -> None:
        """Carry out a step of a containment and record what became of it.

        Raises
        ------
        RefusedError, BusyError
            As AWS answers, after that was recorded.
        FunctionNotFoundError
            When there is nothing to change.
        StaleIncidentError
            When another run has moved the incident on: then nothing was changed, or what was
            changed is put right.
        LedgerUnavailableError
            When the outcome could not be recorded: the step stays planned.
        """
        self.take()
        error: RefusedError | BusyError | None = None
        status, detail = StepStatus.FAILED, ""
        try:
            status = perform(step, self.world.functions)
        except (RefusedError, BusyError) as refusal:
            error, detail = refusal, str(refusal)
        self._record(self._after(step, status, detail), step, is_in_force=True)
        if error is not None:
            raise error

    def begin_to_take_back(self, step: Step) -> None:
        """Write down that a step is about to be undone: nobody wants it in force from here on."""
        begun = self.incident.with_restored(step, StepStatus.PLANNED)
        self.save(begun.leased(self.present))

    def take_back(self, step: Step) -> tuple[StepStatus, str]:
        """Undo a step, which is written down as begun; the caller records what became of it.

        Raises
        ------
        RefusedError, BusyError, FunctionNotFoundError
            As AWS answers.
        """
        return self._undo(step, self.incident)

    def record_taken_back(self, incident: Incident, step: Step) -> None:
        """Write the incident after a step was taken back; raises what the ledger does."""
        self._record(incident, step, is_in_force=False)

    def _after(self, step: Step, status: StepStatus, detail: str) -> Incident:
        done = status is StepStatus.DONE and isinstance(step, RemoveProvisioned)
        at = self.present
        changed = self.incident.with_outcome(step, status, detail, at if done else None)
        return changed.holding_since(at) if isinstance(step, Reserve | ScaleToZero) else changed

    def _record(self, incident: Incident, step: Step, *, is_in_force: bool) -> None:
        try:
            self.save(incident.leased(self.present))
        except StaleIncidentError:
            self._put_right(step, is_in_force=is_in_force)
            raise
        except LedgerUnavailableError:
            if not self.incident.is_leased(self.present):
                # Another run may have closed the incident. While this one still holds it nobody
                # has, and the step is in the record as planned.
                self._put_right(step, is_in_force=is_in_force)
            raise

    def _open_if_known(self) -> Incident | None:
        try:
            return self.world.ledger.find(self.incident.function)
        except LedgerUnavailableError:
            return None

    def _put_right(self, step: Step, *, is_in_force: bool) -> None:
        """Leave what the step changes as the open incident wants it, without one as before.

        Other runs may be writing the incident, and may close it: until one of them has what this
        run leaves in its record, or nothing is left, it begins anew with what they have written.

        Parameters
        ----------
        is_in_force
            Whether this run carried the step out, or else took it back.
        """
        for _ in range(_TRIES):
            with suppress(StaleIncidentError):
                self._put_right_in(self._open_if_known(), step, is_in_force=is_in_force)
                return

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
                theirs = replace(theirs, prior=self._before(stop, known))
                status, detail = undo(theirs, (*self.incident.ours, 0), self.world.functions)
        if status is StepStatus.ALREADY and theirs.prior != inverse.prior:
            return StepStatus.CHANGED_MEANWHILE, describe_reservation(theirs.prior)
        return status, detail

    def _stop_in_tag(self) -> TaggedSnapshot | None:
        """What a sealed tag says: the guard has stopped the function while its ledger was away."""
        facts = self.world.functions.describe(self.incident.function)
        try:
            return find_stop(facts, self.world.ledger.tag_key())
        except LedgerUnavailableError:
            return None

    def _before(self, stop: TaggedSnapshot, known: Incident) -> int | None:
        """What was reserved before a stop of which the ledger does not know.

        To the tag the guard's own hold passed for what people had reserved: the record knows
        better. Of anything else that was there the tag knows better, because it is newer.
        """
        is_ours = stop.reserved_concurrency in self.incident.ours
        return known.comes_back if is_ours else stop.reserved_concurrency
