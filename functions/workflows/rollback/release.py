"""Letting one function go as a person wants it: at once, or on probation."""

from dataclasses import dataclass, replace
from typing import Final

from functions.domain.detection.evidence import FunctionFacts
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import HOLDING_STATES
from functions.domain.requests.loop_check import (
    ClosedLoop,
    LoopCheck,
    NotClosed,
    NotKnown,
    check_loop,
)
from functions.domain.requests.terms import RestoreMode, RestoreTerms
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.restore import restore
from functions.workflows.probation.begin import NotPossible, begin_probation, is_restored_at_once
from functions.workflows.rollback.results import (
    LoopClosed,
    Refused,
    Restored,
    Result,
    describe_closed_loop,
    describe_probation,
    describe_result,
)

_AT_ONCE: Final = "at once: Loopbreaker must not hold it again, or had nothing of it held any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRelease:
    """How functions are let go in one request.

    Attributes
    ----------
    is_direct
        Whether a person asks directly, rather than by a deployment.
    """

    world: Context
    terms: RestoreTerms
    is_direct: bool

    def find_closed_loop(
        self, incident: Incident, facts: FunctionFacts | None
    ) -> LoopClosed | None:
        """Why a function is not restored now, where its loop is still closed in the event graph."""
        check = self._check_loop(incident, facts)
        if not isinstance(check, ClosedLoop):
            return None
        place = self.world.deployment
        return describe_closed_loop(incident.function, check, place, is_direct=self.is_direct)

    def carry_out(self, incident: Incident, facts: FunctionFacts | None) -> tuple[Incident, Result]:
        """Restore a held function, or put it on probation.

        Raises
        ------
        LedgerUnavailableError, StaleIncidentError
            As the ledger does.
        RefusedError, BusyError, FunctionNotFoundError
            As AWS answers what is read.
        """
        now = self.world.clock()
        if self.terms.mode is RestoreMode.NOW:
            after = restore(incident, self.world, now)
            check = self._check_loop(incident, facts)
            note = check.why if isinstance(check, NotKnown) else ""
            return after, _add_note(describe_result(after), note)
        if is_restored_at_once(incident, facts, self.world):
            after = restore(incident, self.world, now)
            return after, _add_note(describe_result(after), _AT_ONCE)
        begun = begin_probation(incident, self.world, now)
        if isinstance(begun, NotPossible):
            text = f"left as it is, because no probation is possible: {begun.why}"
            return incident, Refused(function=incident.function, text=text)
        if begun.is_on_probation:
            return begun, describe_probation(begun)
        # Somebody has released it meanwhile, or it does not exist any more.
        is_over = begun.state not in HOLDING_STATES
        after = begun if is_over else restore(begun, self.world, now)
        return after, describe_result(after)

    def _check_loop(self, incident: Incident, facts: FunctionFacts | None) -> LoopCheck:
        """Whether the loop of a function that is to run again at once is still closed."""
        is_checked = self.terms.mode is RestoreMode.NOW and not self.terms.is_forced
        if facts is None or not is_checked or not incident.is_wanting:
            return NotClosed()
        known = self.world.loops.of(incident.function)
        return check_loop(known, facts.last_modified, self.world.clock())


def _add_note(result: Result, note: str) -> Result:
    return replace(result, note=note) if isinstance(result, Restored) and note else result
