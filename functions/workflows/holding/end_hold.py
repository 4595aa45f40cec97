"""Ending holds: what is held only to be watched is put back, and never what is contained."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from functions.domain.changes.record import LEASE
from functions.domain.errors import FunctionNotFoundError, LoopbreakerError, StaleIncidentError
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.outbox import are_all_sent
from functions.domain.probation.record import ProbationOutcome
from functions.workflows.incidents.announce import deliver
from functions.workflows.incidents.contain import find_stop_of_tag
from functions.workflows.incidents.restore import restore
from functions.workflows.rollback.rollback import (
    LOOK_AGAIN_SECONDS,
    POLL_SECONDS,
    RESERVE_SECONDS,
    WAIT_SECONDS,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from functions.domain.incidents.incident import Incident
    from functions.workflows.incidents.context import Context

# When a hold that could not be ended is tried again by a schedule of its own. A notice reports
# AWS's answer, once.
TRIED_AGAIN_AFTER: Final = timedelta(minutes=10)
_TRIES: Final = 8
_HELD: Final = frozenset({IncidentState.CAPPING, IncidentState.CAPPED})
_OVER: Final = frozenset({IncidentState.LIFTED, IncidentState.RESTORED})


class Outcome(StrEnum):
    """What became of a hold that was to be ended."""

    ENDED = "ended"
    NOTHING_HELD = "nothing held"  # it is over, or the incident is another one by now
    CONTAINED = "contained"  # it has become a containment, which only people end
    PENDING = "pending"  # AWS is still changing an event source mapping, or another run may be
    REFUSED = "refused"  # people were notified of what AWS answered
    UNTOLD = "untold"  # it is over, and SNS did not take the notice that says so
    NOT_DUE = "not due"  # a probation has begun since the schedule was made, and is going on


def is_held_for_watching(incident: Incident) -> bool:
    """Whether an incident holds its function only to see what it does, or is being let go for that.

    A restore that leads to `LIFTED` and is not done, by a run that died or because AWS refused a
    part, is gone on with. Nothing else is: not what is contained, nor what a person restores.
    """
    probation = incident.probation
    if incident.state in _HELD:
        # What was shown to be a loop, people decide about; on probation they have asked for it.
        return probation is not None or not incident.is_shown
    is_hold = incident.target != 0 or incident.is_hold
    is_begun = incident.closing is IncidentState.LIFTED and is_hold
    is_begun = is_begun or (probation is not None and probation.outcome is not None)
    match incident.state:
        case IncidentState.RESTORING:
            return is_begun
        case IncidentState.RELEASED:
            return is_begun and bool(incident.failures)
        case _:
            return False


def is_probation_going_on(incident: Incident, now: datetime) -> bool:
    """Whether a probation has time left: the schedule that fires was made for a hold before it."""
    probation = incident.probation
    is_tried = probation is not None and probation.outcome is None and incident.is_on_probation
    return is_tried and probation is not None and now < probation.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnder:
    """Ends holds, one at a time.

    Attributes
    ----------
    sleep
        Waits the given seconds, while another run works on the same incident.
    """

    world: Context
    sleep: Callable[[float], None]

    def end(
        self,
        incident_id: str,
        function: str,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> Outcome:
        """End the hold of one incident because its time is over.

        A schedule that fires twice, late, or after the incident went on finds nothing to end. What
        cannot be ended now is tried again by another schedule.

        Raises
        ------
        LedgerUnavailableError, BusyError, RefusedError, StaleIncidentError
            When it is not known whether the function is still held, or it could not be scheduled
            again: the event is to be tried again.
        """
        try:
            outcome = self._end(incident_id, function, DecisionReason.HOLD_OVER, seconds_left)
        except LoopbreakerError:
            with suppress(LoopbreakerError):  # the first error says more
                self._schedule_again(incident_id, function)
            raise
        if outcome in {Outcome.PENDING, Outcome.REFUSED, Outcome.UNTOLD}:
            self._schedule_again(incident_id, function)
        return outcome

    def end_all(self, seconds_left: Callable[[], float] = lambda: math.inf) -> tuple[str, ...]:
        """End all holds because the guard is being removed; answers the functions let go.

        What cannot be ended stays in the ledger as held, and people are notified.

        Raises
        ------
        LedgerUnavailableError
            When it cannot be read what is held.
        """
        ended = []
        for one in self.world.ledger.read_live().incidents:
            if not is_held_for_watching(one):
                continue
            reason = DecisionReason.STACK_DELETED
            with suppress(LoopbreakerError):
                outcome = self._end(one.id, one.function, reason, seconds_left)
                if outcome in {Outcome.ENDED, Outcome.UNTOLD}:
                    ended.append(one.function)
        return tuple(ended)

    def _end(
        self,
        incident_id: str,
        function: str,
        reason: DecisionReason,
        seconds_left: Callable[[], float],
    ) -> Outcome:
        began = self.world.clock()
        outcome = Outcome.NOTHING_HELD
        stale = 0
        while True:
            now = self.world.clock()
            has_time = seconds_left() > RESERVE_SECONDS + POLL_SECONDS
            incident = self.world.ledger.find(function)
            if incident is None or incident.id != incident_id or not is_held_for_watching(incident):
                return self._report(incident_id, outcome)
            if incident.is_leased(now) and now - began < LEASE and has_time:
                # A run that died holds it no longer than that, and every change is checked against
                # what was read.
                self.sleep(LOOK_AGAIN_SECONDS)
                continue
            if self._is_stopped_without_ledger(incident):
                return Outcome.CONTAINED
            if reason is DecisionReason.HOLD_OVER and is_probation_going_on(incident, now):
                self._schedule_end_of_probation(incident)
                return Outcome.NOT_DUE
            try:
                outcome = self._restore(incident, reason, now)
            except StaleIncidentError:
                stale += 1
                if stale >= _TRIES or not has_time:
                    raise
                self.sleep(LOOK_AGAIN_SECONDS)
                continue
            has_waited = now - began >= timedelta(seconds=WAIT_SECONDS)
            if outcome is not Outcome.PENDING or has_waited or not has_time:
                return outcome
            self.sleep(POLL_SECONDS)

    def _restore(self, incident: Incident, reason: DecisionReason, now: datetime) -> Outcome:
        closing = IncidentState.LIFTED
        if incident.probation is not None:
            # A person has asked for it, and nobody watches it any more.
            closing = IncidentState.RESTORED
            if incident.probation.outcome is None:
                is_removed = reason is DecisionReason.STACK_DELETED
                outcome = (
                    ProbationOutcome.GUARD_REMOVED if is_removed else ProbationOutcome.NOT_WATCHED
                )
                over = incident.probation.concluded(outcome, None)
                incident = replace(incident, probation=over)
        elif incident.state in _HELD:
            # What the function did is not explained by that, as it is by a cap that was lifted.
            incident = replace(incident, decided=reason, is_withdrawn=True)
        after = restore(incident.taken_over(), self.world, now, closing, is_asked=False)
        if after.failures:
            return Outcome.REFUSED
        if after.pending:
            return Outcome.PENDING
        return Outcome.ENDED if are_all_sent(after) else Outcome.UNTOLD

    def _report(self, incident_id: str, before: Outcome) -> Outcome:
        """Send what a run that died, or an SNS that did not answer, has left unsaid.

        A pulse does that, too; but perhaps there is none.
        """
        for one in self.world.ledger.read_live().incidents:
            if one.id == incident_id and one.state in _OVER:
                try:
                    told = deliver(one, self.world, self.world.clock())
                except StaleIncidentError:
                    continue  # another run sends it
                return Outcome.ENDED if are_all_sent(told) else Outcome.UNTOLD
        # What this run left pending, another one may have finished.
        return Outcome.ENDED if before is Outcome.PENDING else Outcome.NOTHING_HELD

    def _is_stopped_without_ledger(self, incident: Incident) -> bool:
        """Whether `contain` has stopped it while the ledger was away: only its tag says that.

        Such an incident closed as lifted would hide the stop; the next pulse takes it over.
        """
        try:
            found = self.world.functions.reserved_concurrency(incident.function)
            return find_stop_of_tag(incident, found, self.world) is not None
        except FunctionNotFoundError:
            return False  # its incident is closed for that

    def _schedule_end_of_probation(self, incident: Incident) -> None:
        """Make the schedule anew that ends a probation: the one that fired was the hold's."""
        if incident.probation is not None:
            at = incident.probation.ends_at + TRIED_AGAIN_AFTER
            self.world.way_back.schedule(incident.id, incident.function, at)

    def _schedule_again(self, incident_id: str, function: str) -> None:
        """Make one more schedule.

        UNCONFIRMED A-018: that AWS, which deletes a schedule some time after it has fired, does not
        take this one for it. If it does, people still know from the notice, or from the dead
        letter.
        """
        at = self.world.clock() + TRIED_AGAIN_AFTER
        self.world.way_back.schedule(incident_id, function, at)
