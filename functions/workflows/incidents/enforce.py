"""From a decision to a held or notified incident, whatever the ledger already knows."""

from dataclasses import dataclass, replace
from datetime import datetime

from functions.domain.account.origin import read_origin
from functions.domain.detection.acquittal import LeftAlone
from functions.domain.detection.assessment import Assessment, Reason
from functions.domain.detection.evidence import FunctionFacts, FunctionKind
from functions.domain.errors import (
    LedgerUnavailableError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.holding.grounds import explain_not_held
from functions.domain.holding.plan import NotHeld, NotHeldReason
from functions.domain.incidents.decision import (
    Contain,
    Decision,
    DecisionReason,
    Hold,
    Ignore,
    LedgerView,
    Notify,
    decide,
    find_prohibition,
)
from functions.domain.incidents.history import NOTHING_CLOSED, WHATEVER_CLOSED, began_at
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.news import has_news, may_have_news
from functions.domain.incidents.policy import Policy
from functions.domain.incidents.ports import (
    AlreadyOpen,
    BlastRadius,
    BlastRadiusReached,
    LatelyClosed,
    Opened,
    Opening,
)
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.incidents.steps.hold_steps import plan_hold
from functions.domain.incidents.succession import succeed
from functions.domain.incidents.tags.seal import find_stop
from functions.domain.incidents.tags.snapshot import (
    TaggedSnapshot,
)
from functions.domain.ports import Examined
from functions.workflows.holding.choose_place import Placed
from functions.workflows.holding.observe import HoldObserver, Planned
from functions.workflows.holding.plan_hold import HoldPlanner
from functions.workflows.incidents.adopt import (
    adopt,
    put_back_removed,
    record_removed,
    was_closed_since,
)
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.restore import restore
from functions.workflows.incidents.stop_without_ledger import LedgerlessStop

_IN_FORCE = {
    Contain: frozenset({IncidentState.CONTAINING, IncidentState.CONTAINED}),
    Hold: frozenset({IncidentState.CAPPING, IncidentState.CAPPED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcer:
    """Carries decisions out."""

    world: Context
    policy: Policy
    holding: HoldObserver
    diagnosis: Examined

    @property
    def blast_radius(self) -> BlastRadius:
        """How many functions may be held, within which window."""
        return BlastRadius(most=self.policy.blast_radius, window=self.policy.blast_radius_window)

    @property
    def _planner(self) -> HoldPlanner:
        return HoldPlanner(world=self.world, policy=self.policy, holding=self.holding)

    def act(
        self,
        decision: Decision,
        facts: FunctionFacts,
        now: datetime,
        *,
        known_until: datetime | None = None,
    ) -> Decision | LatelyClosed:
        """Carry a decision out and answer the one that came to be.

        The ledger has the last word: an incident that is open already, or a blast radius that is
        reached, leads to a second decision. `LatelyClosed` is answered, and nothing is done, where
        the decision may rest on a trouble that is over: to be judged again with the ledger at hand.

        Parameters
        ----------
        known_until
            When the function's last incident was closed of which the decision knew, as read before
            `facts` were; ``None`` where it was made without the ledger.

        Raises
        ------
        LedgerUnavailableError
            After a runaway function was contained without the ledger, or when the ledger was
            needed for something less urgent: the signal is tried again.
        BusyError
            When AWS keeps throttling the call that stops the function.
        """
        match decision:
            case Contain():
                stopping = prepare_stop(build_incident(decision, facts, now), facts, now)
                return self._take_hold(decision, stopping, facts, now, known_until=known_until)
            case Hold():
                placed = self._planner.place(decision, facts, now)
                if isinstance(placed, LeftAlone):
                    return self._leave_alone(placed, now)
                if isinstance(placed, NotHeld):
                    denied = _decide_not_to_hold(decision, placed)
                    return self._notify(denied, facts, now, known_until=known_until) or denied
                return self._begin_hold(placed, now, known_until)
            case Notify():
                untouched = self._planner.consider_untouched(decision, facts, now)
                if isinstance(untouched, LeftAlone):
                    return self._leave_alone(untouched, now)
                return self._notify(untouched, facts, now, known_until=known_until) or untouched
            case Ignore():
                return decision

    def reconsider(
        self, incident: Incident, assessment: Assessment, facts: FunctionFacts, now: datetime
    ) -> Decision:
        """Decide again about a function whose open incident is known, and carry that out."""
        view = LedgerView(open_incident=incident)
        decision = self._planner.spare(decide(assessment, facts, self.policy, view), now)
        match decision:
            case Contain():
                return self._hold_known(incident, decision, facts, now)
            case Hold():
                return self._reconsider_hold(incident, decision, facts, now)
            case Notify():
                return self._notify_or_leave(incident, decision, facts, now)
            case Ignore() if incident.state in (IncidentState.CONTAINING, IncidentState.CAPPING):
                self.go_on(incident, facts, now)
            case Ignore():
                pass
        return decision

    def _notify_or_leave(
        self, incident: Incident, decision: Notify, facts: FunctionFacts, now: datetime
    ) -> Decision:
        """Notify people once more, unless others feed the function; that is only asked for news."""
        if not may_have_news(incident, decision):
            return decision
        considered = self._planner.consider_untouched(decision, facts, now, incident)
        if isinstance(considered, LeftAlone):
            return self._leave_alone(considered, now)
        self._notify_again(incident, considered, now)
        return considered

    def _leave_alone(self, left_alone: LeftAlone, now: datetime) -> Ignore:
        """Leave a function alone; one that fails and is tried again is for the diagnosis."""
        assessment = left_alone.assessment
        if assessment.has(Reason.TRIED_AGAIN):
            self.diagnosis.touch((assessment.function,), now)
        return Ignore(assessment=assessment, reason=left_alone.reason)

    def _reconsider_hold(
        self, incident: Incident, decision: Hold, facts: FunctionFacts, now: datetime
    ) -> Decision:
        placed = self._planner.place(decision, facts, now, incident)
        if isinstance(placed, LeftAlone):
            return self._leave_alone(placed, now)
        if isinstance(placed, NotHeld):
            denied = _decide_not_to_hold(decision, placed)
            self._notify_again(incident, denied, now)
            return denied
        if placed.instead is None:
            return self._hold_known(incident, decision, facts, now, placed.planned)
        begun = self._begin_hold(placed, now, None)
        # Where another run was at it, the next pulse sees what became of it.
        return decision if isinstance(begun, LatelyClosed) else begun

    def _begin_hold(
        self, placed: Placed, now: datetime, known_until: datetime | None
    ) -> Decision | LatelyClosed:
        decision, facts = placed.decision, placed.facts
        held = _prepare_hold(build_incident(decision, facts, now), placed.planned, now)
        held = replace(held, instead=placed.instead)
        until = known_until if placed.instead is None else placed.known_until
        return self._take_hold(decision, held, facts, now, known_until=until)

    def _take_hold(
        self,
        decision: Contain | Hold,
        incident: Incident,
        facts: FunctionFacts,
        now: datetime,
        *,
        known_until: datetime | None,
    ) -> Decision | LatelyClosed:
        try:
            opening = self.world.ledger.open(incident, self.blast_radius, known_until=known_until)
        except LedgerUnavailableError as unavailable:
            if isinstance(decision, Hold):
                raise  # only suspected: nothing is changed without the ledger
            LedgerlessStop(world=self.world, most=self.policy.blast_radius).stop(
                incident, facts, unavailable, now
            )
            raise
        if isinstance(opening, AlreadyOpen) and opening.incident.state not in _IN_FORCE[Contain]:
            opening = self._find_lately_closed(incident, known_until) or opening
        if isinstance(opening, LatelyClosed):
            return opening
        return self._continue_opened(opening, decision, facts, now)

    def _find_lately_closed(
        self, incident: Incident, known_until: datetime | None
    ) -> LatelyClosed | None:
        """Whether a trouble is over of which a decision did not know when it was made.

        The ledger notes it where it opens an incident. Where one is open, that may have been opened
        after the end of the trouble that the decision is about.
        """
        latest = max(began_at(incident), known_until or NOTHING_CLOSED)
        closed = self.world.ledger.read_closed(incident.function, latest)
        if not closed:
            return None
        return LatelyClosed(closed_at=max(one.closed_at or one.updated_at for one in closed))

    def _continue_opened(
        self, opening: Opening, decision: Contain | Hold, facts: FunctionFacts, now: datetime
    ) -> Decision:
        match opening:
            case Opened(incident=incident):
                # The answer may have been lost at first, and others may have moved it on since.
                if incident.state in (IncidentState.CONTAINING, IncidentState.CAPPING):
                    incident = contain(incident, self.world, now)
                if incident.state in _IN_FORCE[type(decision)]:
                    return decision
                # AWS refused, or somebody else was there first: people were notified, no more.
                return Notify(assessment=decision.assessment, reason=decision.reason)
            case AlreadyOpen(incident=incident):
                return self.reconsider(incident, decision.assessment, facts, now)
            case BlastRadiusReached(contained=contained):
                view = LedgerView(blast_radius_reached=True)
                second = decide(decision.assessment, facts, self.policy, view)
                if isinstance(second, Notify):
                    # What the ledger says of the past has been asked by now.
                    self._notify(second, facts, now, contained, known_until=WHATEVER_CLOSED)
                return second

    def _hold_known(
        self,
        incident: Incident,
        decision: Contain | Hold,
        facts: FunctionFacts,
        now: datetime,
        planned: Planned | None = None,
    ) -> Decision:
        if incident.is_pausing(Attempt.STOP if planned is None else Attempt.CAP, now):
            return Ignore(assessment=decision.assessment, reason=DecisionReason.REFUSED_LATELY)
        try:
            if incident.state is IncidentState.NOTIFIED:
                known = replace(
                    incident,
                    assessment=decision.assessment,
                    decided=decision.reason,
                    contained_at=None,
                    stopped_at=None,
                )
                begun = _prepare(known, planned, facts, now)
                opening = self.world.ledger.hold(begun, self.blast_radius)
            else:
                fresh = _prepare(build_incident(decision, facts, now), planned, facts, now)
                fresh = replace(fresh, refusals=incident.refusals)
                new = succeed(incident, fresh, self.world.functions)
                old = incident.to(IncidentState.SUPERSEDED, now)
                opening = self.world.ledger.supersede(old, new, self.blast_radius)
        except StaleIncidentError:
            return decision  # another run is at it
        if isinstance(opening, AlreadyOpen):
            return decision
        if isinstance(opening, BlastRadiusReached):
            view = LedgerView(open_incident=incident, blast_radius_reached=True)
            second = decide(decision.assessment, facts, self.policy, view)
            if isinstance(second, Notify):
                self._notify_again(incident, second, now, opening.contained)
            return second
        return self._continue_opened(opening, decision, facts, now)

    def _notify(
        self,
        decision: Notify,
        facts: FunctionFacts,
        now: datetime,
        others: tuple[str, ...] = (),
        *,
        known_until: datetime | None,
    ) -> LatelyClosed | None:
        incident = announce(
            build_incident(decision, facts, now),
            Transition.NOTIFIED,
            self.world,
            now,
            contained_already=others,
        )
        try:
            opening = self.world.ledger.open(incident, None, known_until=known_until)
        except LedgerUnavailableError:
            self.world.publish_unrecorded(incident.outbox[-1].notice, incident.outbox[-1].id)
            raise
        if isinstance(opening, Opened):
            deliver(opening.incident, self.world, now)
        elif isinstance(opening, AlreadyOpen):
            self._notify_again(opening.incident, decision, now, others)
        return opening if isinstance(opening, LatelyClosed) else None

    def _notify_again(
        self, incident: Incident, decision: Notify, now: datetime, others: tuple[str, ...] = ()
    ) -> None:
        """Notify people once more only where there is something new to report."""
        if not has_news(incident, decision):
            return
        again = replace(incident, assessment=decision.assessment)
        transition = Transition.RUNNING_AWAY_AGAIN
        if incident.state is IncidentState.NOTIFIED:
            again, transition = replace(again, decided=decision.reason), Transition.NOTIFIED
        try:
            saved = self.world.ledger.save(
                announce(again, transition, self.world, now, contained_already=others)
            )
            deliver(saved, self.world, now)
        except StaleIncidentError:
            return  # another run notifies

    def go_on(self, incident: Incident, facts: FunctionFacts, now: datetime) -> None:
        """Go on with a containment that a run left unfinished when it died.

        A function that has become protected meanwhile is put back as far as it was changed.

        Raises
        ------
        LedgerUnavailableError, BusyError
            As `contain` does.
        """
        attempt = Attempt.CAP if incident.state is IncidentState.CAPPING else Attempt.STOP
        if incident.is_leased(now) or incident.is_pausing(attempt, now):
            return
        key = self.world.ledger.get_known_tag_key()
        if not incident.is_held and find_stop(facts, key) is not None:
            return  # what was there before only its tag knows: it is taken over first
        try:
            mine = self.world.ledger.save(incident.leased(self.world.present(now)))
        except StaleIncidentError:
            return  # another run is at it
        self._go_on_holding(mine, facts, now)

    def _go_on_holding(self, mine: Incident, facts: FunctionFacts, now: datetime) -> None:
        reason = find_prohibition(facts, self.policy, mine)
        if reason is None:
            contain(mine, self.world, now, is_resumed=True)
        else:
            self.withdraw(mine, reason, now)

    def withdraw(self, incident: Incident, reason: DecisionReason, now: datetime) -> None:
        """Put a function back that may not be touched any more, and say why.

        Raises
        ------
        LedgerUnavailableError, StaleIncidentError
            As the ledger does.
        """
        if not incident.is_pausing(Attempt.RESTORE, now):
            withdrawn = replace(incident, decided=reason, is_withdrawn=True)
            restore(withdrawn, self.world, now, IncidentState.LIFTED, is_asked=False)

    def adopt(self, facts: FunctionFacts, tagged: TaggedSnapshot, now: datetime) -> bool:
        """Take a containment that was done without the ledger into the ledger.

        Parameters
        ----------
        tagged
            What the guard itself has written into the function's tag.

        Returns
        -------
        bool
            Whether the tag is not needed any more.
        """
        if was_closed_since(facts, tagged, self.world.ledger):
            return True  # somebody has put the tag back
        if facts.reserved_concurrency != 0 and tagged.is_young(now):
            return False  # its throttle may be under way
        try:
            if facts.reserved_concurrency == 0:
                self._adopt_stop(facts, tagged, now)
            else:
                self._put_back_removed(facts, tagged, now)
        except StaleIncidentError:
            return False  # another run is at it: the tag stays until it is in the ledger
        return True

    def _adopt_stop(self, facts: FunctionFacts, tagged: TaggedSnapshot, now: datetime) -> None:
        # It counts with the others of its time, but is never refused for them.
        taking = replace(self.blast_radius, is_binding=False)
        incident = adopt(facts, tagged, self.world, now, blast_radius=taking)
        if incident is not None:
            self._go_on_holding(incident, facts, now)

    def _put_back_removed(
        self, facts: FunctionFacts, tagged: TaggedSnapshot, now: datetime
    ) -> None:
        """Somebody has released it since, or the throttle never came to be."""
        try:
            put_back_removed(facts, tagged, self.world)
        except RefusedError:
            record_removed(facts, tagged, self.world, now)


def build_incident(
    decision: Contain | Hold | Notify, facts: FunctionFacts, now: datetime
) -> Incident:
    """Build the incident that a decision opens; nothing is changed yet."""
    return Incident(
        id=incident_id(facts.name, now),
        function=facts.name,
        function_arn=facts.arn,
        state=IncidentState.NOTIFIED,
        opened_at=now,
        updated_at=now,
        assessment=decision.assessment,
        decided=decision.reason,
        memory_mb=facts.memory_mb,
        timeout_seconds=facts.timeout_seconds,
        architecture=facts.architecture,
        async_target_arn=facts.async_target_arn,
        is_durable=facts.is_durable,
        origin=read_origin(facts),
    )


def _prepare(
    incident: Incident, planned: Planned | None, facts: FunctionFacts, now: datetime
) -> Incident:
    """The incident with its write-ahead snapshot: held as planned, or else stopped."""
    if planned is None:
        return prepare_stop(incident, facts, now)
    return _prepare_hold(incident, planned, now)


def prepare_stop(incident: Incident, facts: FunctionFacts, now: datetime) -> Incident:
    """Write the snapshot and the first steps of a stop into an incident, before they are done."""
    stopping = incident.to(IncidentState.CONTAINING, now)
    if facts.kind is FunctionKind.MANAGED_INSTANCES:
        return stopping.with_scaling(facts.scaling).leased(now)
    return stopping.with_reservation(0, facts.reserved_concurrency).leased(now)


def _prepare_hold(incident: Incident, planned: Planned, now: datetime) -> Incident:
    held = incident.to(IncidentState.CAPPING, now)
    held = plan_hold(held, planned.watch, planned.reserved_concurrency, planned.mappings)
    return held.leased(now)


def _decide_not_to_hold(decision: Hold, why: NotHeld) -> Notify:
    """The decision about a function that would be held and must not be."""
    grounds = (explain_not_held(why), *decision.assessment.grounds)
    assessment = replace(decision.assessment, grounds=grounds)
    is_often = why.reason is NotHeldReason.HELD_OFTEN
    reason = DecisionReason.HELD_OFTEN if is_often else DecisionReason.CANNOT_BE_HELD
    return Notify(assessment=assessment, reason=reason)
