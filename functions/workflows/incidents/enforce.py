"""From a decision to a held or notified incident, whatever the ledger already knows."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.domain.changes.steps import ProvisionedConcurrency, StepStatus
from functions.domain.detection.acquittal import LeftAlone
from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.detection.evidence import PRECEDENT_DAYS, FunctionFacts, FunctionKind
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    LedgerUnavailableError,
    LoopbreakerError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.holding.budget import MOST_HOLDS, count_holds, was_capped_in_danger
from functions.domain.holding.grounds import explain_imagined_cap, explain_not_held
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
    prohibition,
)
from functions.domain.incidents.incident import (
    Attempt,
    Incident,
    IncidentState,
    Transition,
    incident_id,
)
from functions.domain.incidents.policy import Mode, Policy
from functions.domain.incidents.succession import succeed
from functions.domain.incidents.tag_seal import FoundSnapshot, find_snapshot, find_stop, sealed
from functions.domain.incidents.tagged_snapshot import (
    SNAPSHOT_TAG,
    TaggedSnapshot,
    UnreadableSnapshotError,
)
from functions.domain.notices import incident as notice
from functions.domain.ports import (
    NOTHING_CLOSED,
    WHATEVER_CLOSED,
    AlreadyOpen,
    BlastRadius,
    BlastRadiusReached,
    Examined,
    LatelyClosed,
    Opened,
    Opening,
    PastIncident,
    began_at,
)
from functions.workflows.holding.choose_place import Asked, Placed, Placing
from functions.workflows.holding.observe import Holding, HoldPlanning, Planned
from functions.workflows.incidents.adopt import (
    adopt,
    put_back_removed,
    record_removed,
    was_closed_since,
)
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.context import World
from functions.workflows.incidents.perform_steps import perform
from functions.workflows.incidents.restore import restore

_HOUR = "%Y%m%dT%H"
_IN_FORCE = {
    Contain: frozenset({IncidentState.CONTAINING, IncidentState.CONTAINED}),
    Hold: frozenset({IncidentState.CAPPING, IncidentState.CAPPED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcer:
    """Carries decisions out."""

    world: World
    policy: Policy
    holding: Holding
    diagnosis: Examined

    @property
    def blast_radius(self) -> BlastRadius:
        """How many functions may be held, within which window."""
        return BlastRadius(most=self.policy.blast_radius, window=self.policy.blast_radius_window)

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
                stopping = _stopping(_incident(decision, facts, now), facts, now)
                return self._take_hold(decision, stopping, facts, now, known_until=known_until)
            case Hold():
                placed = self._place(decision, facts, now)
                if isinstance(placed, LeftAlone):
                    return self._leave_alone(placed, now)
                if isinstance(placed, NotHeld):
                    told = _not_held(decision, placed)
                    return self._notify(told, facts, now, known_until=known_until) or told
                return self._begin_hold(placed, now, known_until)
            case Notify():
                untouched = self._consider_untouched(decision, facts, now)
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
        decision = self._spare(decide(assessment, facts, self.policy, view), now)
        match decision:
            case Contain():
                return self._hold_known(incident, decision, facts, now)
            case Hold():
                return self._reconsider_hold(incident, decision, facts, now)
            case Notify():
                return self._tell_or_leave(incident, decision, facts, now)
            case Ignore() if incident.state in (IncidentState.CONTAINING, IncidentState.CAPPING):
                self.go_on(incident, facts, now)
            case Ignore():
                pass
        return decision

    def _tell_or_leave(
        self, incident: Incident, decision: Notify, facts: FunctionFacts, now: datetime
    ) -> Decision:
        """Tell people once more, unless others feed the function; that is only asked for news."""
        if not _may_have_news(incident, decision):
            return decision
        told = self._consider_untouched(decision, facts, now, incident)
        if isinstance(told, LeftAlone):
            return self._leave_alone(told, now)
        self._tell_known(incident, told, now)
        return told

    def _consider_untouched(
        self, decision: Notify, facts: FunctionFacts, now: datetime, known: Incident | None = None
    ) -> Notify | LeftAlone:
        """What people are told of a function that must not be touched, unless others feed it.

        In observe mode they are told what would be done to the callers of one that is in danger:
        nobody could guess the cap.
        """
        assessment = decision.assessment
        enforcing = replace(self.policy, mode=Mode.ENFORCE)
        enforced = decide(assessment, facts, enforcing, LedgerView())
        is_observed = decision.reason is DecisionReason.OBSERVE_MODE and assessment.is_in_danger
        if not is_observed or not isinstance(enforced, Hold):
            return self._acquit(decision, facts, now) or decision
        with suppress(LoopbreakerError):
            placed = self._place(enforced, facts, now, known, policy=enforcing)
            if isinstance(placed, LeftAlone):
                return placed
            if isinstance(placed, Placed) and placed.planned.watch.plan.is_for_callers:
                cap = explain_imagined_cap(placed.planned.watch.plan)
                grounds = (cap, *assessment.grounds)
                return replace(decision, assessment=replace(assessment, grounds=grounds))
        return decision

    def _acquit(self, decision: Notify, facts: FunctionFacts, now: datetime) -> LeftAlone | None:
        """Whether nobody is told of a suspected function that is not to be touched either.

        What cannot be read leaves it suspected: then people are told.
        """
        assessment = decision.assessment
        if assessment.verdict is not Verdict.SUSPECTED or facts.kind is FunctionKind.EDGE_REPLICA:
            return None
        with suppress(LoopbreakerError):
            return self.holding.acquit(assessment, facts, now, self.policy.floor_per_minute)
        return None

    def _leave_alone(self, left_alone: LeftAlone, now: datetime) -> Ignore:
        """Leave a function alone; one that fails and is tried again is for the diagnosis."""
        assessment = left_alone.assessment
        if assessment.has(Reason.TRIED_AGAIN):
            self.diagnosis.touch((assessment.function,), now)
        return Ignore(assessment=assessment, reason=left_alone.reason)

    def _reconsider_hold(
        self, incident: Incident, decision: Hold, facts: FunctionFacts, now: datetime
    ) -> Decision:
        placed = self._place(decision, facts, now, incident)
        if isinstance(placed, LeftAlone):
            return self._leave_alone(placed, now)
        if isinstance(placed, NotHeld):
            told = _not_held(decision, placed)
            self._tell_known(incident, told, now)
            return told
        if placed.instead is None:
            return self._hold_known(incident, decision, facts, now, placed.planned)
        begun = self._begin_hold(placed, now, None)
        # Where another run was at it, the next pulse sees what became of it.
        return decision if isinstance(begun, LatelyClosed) else begun

    def _spare(self, decision: Decision, now: datetime) -> Decision:
        """The decision, unless it stops a function for its circle in the graph alone.

        Whether that goes round is about to be seen, or was seen, by another function on it.
        """
        if decision.reason is not DecisionReason.STILL_SUSPECTED:
            return decision
        assessment = decision.assessment
        if self._is_loop_held(assessment.function):
            return Ignore(assessment=assessment, reason=DecisionReason.LOOP_IS_HELD)
        if self._placing(self.policy).is_acquitted(assessment.function, now):
            return Ignore(assessment=assessment, reason=DecisionReason.EXPLAINED)
        return decision

    def _place(
        self,
        decision: Hold,
        facts: FunctionFacts,
        now: datetime,
        known: Incident | None = None,
        *,
        policy: Policy | None = None,
    ) -> Placed | NotHeld | LeftAlone:
        """Where and how a function is to be held, itself or by another one of its loop.

        Not while another one on its loop is: each would keep the other's events back, and neither
        would show a loop.

        Parameters
        ----------
        policy
            Another one than that of the deployment, for what would be done.
        """
        if self._is_loop_held(facts.name):
            reason = DecisionReason.LOOP_IS_HELD
            return LeftAlone(assessment=decision.assessment, reason=reason)
        planning = self._plan(decision, facts, now, known)
        if isinstance(planning.outcome, LeftAlone):
            return planning.outcome
        asked = Asked(decision=decision, facts=facts, planned=planning.outcome, planning=planning)
        return self._placing(policy or self.policy).place(asked, now)

    def _placing(self, policy: Policy) -> Placing:
        return Placing(world=self.world, policy=policy, holding=self.holding, plan=self._plan)

    def _begin_hold(
        self, placed: Placed, now: datetime, known_until: datetime | None
    ) -> Decision | LatelyClosed:
        decision, facts = placed.decision, placed.facts
        held = _held(_incident(decision, facts, now), placed.planned, now)
        held = replace(held, instead=placed.instead)
        until = known_until if placed.instead is None else placed.known_until
        return self._take_hold(decision, held, facts, now, known_until=until)

    def _plan(
        self, decision: Hold, facts: FunctionFacts, now: datetime, known: Incident | None = None
    ) -> HoldPlanning:
        """How a function is to be held, unless others feed it or it was held too often."""
        closed = self.world.ledger.closed(facts.name, now - timedelta(days=PRECEDENT_DAYS))
        past = [one for one in map(PastIncident.of, closed) if not one.is_lifted]
        planning = self.holding.plan(
            decision.assessment,
            facts,
            now,
            self.policy.floor_per_minute,
            tuple((one.since, one.until) for one in past),
        )
        planned = planning.outcome
        if isinstance(planned, LeftAlone):
            return planning
        held = count_holds(closed if known is None else (*closed, known), now)
        if held >= MOST_HOLDS:
            # Also where it cannot be held just now: or people would be told in turns of the two.
            often = NotHeld(reason=NotHeldReason.HELD_OFTEN, value=held, bound=MOST_HOLDS)
            return replace(planning, outcome=often)
        is_cap = isinstance(planned, Planned) and planned.watch.plan.is_for_callers
        if is_cap and was_capped_in_danger(closed, now - self.policy.cooling_off):
            return replace(planning, outcome=NotHeld(reason=NotHeldReason.CAPPED_LATELY))
        return planning

    def _is_loop_held(self, function: str) -> bool:
        """Whether it is about to be seen whether the function's loop goes round, by another one."""
        mates = self.world.loops.mates(function)
        return bool(mates) and any(
            one.function in mates and one.is_being_judged
            for one in self.world.ledger.live().incidents
        )

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
            self._contain_without_ledger(incident, facts, unavailable, now)
            raise
        if isinstance(opening, AlreadyOpen) and opening.incident.state not in _IN_FORCE[Contain]:
            opening = self._find_lately_closed(incident, known_until) or opening
        if isinstance(opening, LatelyClosed):
            return opening
        return self._opened(opening, decision, facts, now)

    def _find_lately_closed(
        self, incident: Incident, known_until: datetime | None
    ) -> LatelyClosed | None:
        """Whether a trouble is over of which a decision did not know when it was made.

        The ledger tells where it opens an incident. Where one is open, that may have been opened
        after the end of the trouble that the decision is about.
        """
        latest = max(began_at(incident), known_until or NOTHING_CLOSED)
        closed = self.world.ledger.closed(incident.function, latest)
        if not closed:
            return None
        return LatelyClosed(closed_at=max(one.closed_at or one.updated_at for one in closed))

    def _opened(
        self, opening: Opening, decision: Contain | Hold, facts: FunctionFacts, now: datetime
    ) -> Decision:
        match opening:
            case Opened(incident=incident):
                # The answer may have been lost at first, and others may have moved it on since.
                if incident.state in (IncidentState.CONTAINING, IncidentState.CAPPING):
                    incident = contain(incident, self.world, now)
                if incident.state in _IN_FORCE[type(decision)]:
                    return decision
                # AWS refused, or somebody else was there first: people were told, no more.
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
                begun = _begun(known, planned, facts, now)
                opening = self.world.ledger.hold(begun, self.blast_radius)
            else:
                fresh = _begun(_incident(decision, facts, now), planned, facts, now)
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
                self._tell_known(incident, second, now, opening.contained)
            return second
        return self._opened(opening, decision, facts, now)

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
            _incident(decision, facts, now),
            Transition.NOTIFIED,
            self.world,
            now,
            contained_already=others,
        )
        try:
            opening = self.world.ledger.open(incident, None, known_until=known_until)
        except LedgerUnavailableError:
            said = incident.outbox[-1]
            self.world.publisher.publish(said.subject, said.body)
            raise
        if isinstance(opening, Opened):
            deliver(opening.incident, self.world, now)
        elif isinstance(opening, AlreadyOpen):
            self._tell_known(opening.incident, decision, now, others)
        return opening if isinstance(opening, LatelyClosed) else None

    def _tell_known(
        self, incident: Incident, decision: Notify, now: datetime, others: tuple[str, ...] = ()
    ) -> None:
        """Tell people once more only where there is something new to tell."""
        if not _has_news(incident, decision):
            return
        again = replace(incident, assessment=decision.assessment)
        transition = Transition.RUNNING_AWAY_AGAIN
        if incident.state is IncidentState.NOTIFIED:
            again, transition = replace(again, decided=decision.reason), Transition.NOTIFIED
        try:
            told = self.world.ledger.save(
                announce(again, transition, self.world, now, contained_already=others)
            )
            deliver(told, self.world, now)
        except StaleIncidentError:
            return  # another run tells

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
        key = self.world.ledger.known_tag_key()
        if not incident.is_held and find_stop(facts, key) is not None:
            return  # what was there before only its tag knows: it is taken over first
        try:
            mine = self.world.ledger.save(incident.leased(self.world.present(now)))
        except StaleIncidentError:
            return  # another run is at it
        self._go_on_holding(mine, facts, now)

    def _go_on_holding(self, mine: Incident, facts: FunctionFacts, now: datetime) -> None:
        reason = prohibition(facts, self.policy)
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
            told = replace(incident, decided=reason, is_withdrawn=True)
            restore(told, self.world, now, IncidentState.LIFTED, is_asked=False)

    def _contain_without_ledger(
        self,
        incident: Incident,
        facts: FunctionFacts,
        unavailable: LedgerUnavailableError,
        now: datetime,
    ) -> None:
        """Throttle with the snapshot in a tag and in a notice, for the ledger to take over later.

        At least one of the two must hold the snapshot before anything is changed: losing it is
        the one thing that cannot be made good. Whatever AWS refuses, people are told.
        """
        functions, snapshot = self.world.functions, incident.snapshot
        if snapshot is None:
            return
        if incident.is_on_instances:
            # A tag is too short for the scaling of many versions: the notice holds it.
            self._publish_ledgerless(incident, unavailable, now, is_tagged=False)
            for outcome in incident.stops:
                perform(outcome.step, functions)
            return
        others = functions.tagged(SNAPSHOT_TAG)
        if len(set(others) - {facts.arn}) >= self.policy.blast_radius:
            raise LedgerUnavailableError(
                f"{incident.function} is not contained: the ledger cannot be reached and the blast "
                f"radius of {self.policy.blast_radius} is used up"
            ) from unavailable
        key = self.world.ledger.known_tag_key()
        # The same event may have come twice: the mail says what the other run has removed.
        found = _found(facts.with_tag(SNAPSHOT_TAG, others.get(facts.arn)), key)
        former = None if found is None else found.tagged
        if found is not None and found.is_sealed and found.tagged.provisioned:
            incident = _without(incident, found.tagged.provisioned)
        attempt = _Ledgerless(
            incident=incident,
            tagged=TaggedSnapshot(reserved_concurrency=snapshot.reserved_concurrency, at=now),
            unavailable=unavailable,
            now=now,
            key=key,
        )
        attempt = self._write_down(attempt)
        try:
            attempt = self._throttle(attempt)
        except (RefusedError, BusyError) as refusal:
            if not _was_tried(former, attempt.tagged):
                self._publish_failure(attempt, refusal)
            raise
        if attempt.is_tagged:
            self._seal(attempt)
            stopped = replace(attempt.incident, contained_at=now, stopped_at=now)
            self._publish_ledgerless(stopped, unavailable, now, is_tagged=True)

    def _throttle(self, attempt: "_Ledgerless") -> "_Ledgerless":
        """Set the reservation to 0; make room for it where AWS says that this is in the way."""
        functions, name = self.world.functions, attempt.incident.function
        try:
            functions.reserve(name, 0)
        except InvalidValueError:
            found = functions.provisioned(name)
            if not found:
                raise
            tagged = replace(attempt.tagged, provisioned=found)
            incident = _without(attempt.incident, found)  # for the notice, with what went before
            attempt = self._write_down(replace(attempt, incident=incident, tagged=tagged))
            for one in found:
                functions.remove_provisioned(name, one.qualifier)
            functions.reserve(name, 0)
        return attempt

    def _write_down(self, attempt: "_Ledgerless") -> "_Ledgerless":
        """Put the snapshot into tags or, where that is not possible, into a notice.

        Raises
        ------
        FunctionNotFoundError
            When the function is gone: one that is created under its name is another one.
        """
        try:
            self._tag(attempt)
        except FunctionNotFoundError:
            raise
        except LoopbreakerError:  # then the notice has to do
            pass
        else:
            return replace(attempt, is_tagged=True)
        self._publish_ledgerless(
            attempt.incident, attempt.unavailable, attempt.now, is_tagged=False
        )
        return replace(attempt, is_tagged=False)

    def _tag(self, attempt: "_Ledgerless") -> None:
        arn = attempt.incident.function_arn
        self.world.functions.tag(arn, sealed(attempt.tagged.to_tags(), arn, attempt.key))

    def _seal(self, attempt: "_Ledgerless") -> None:
        """Write the tags once more, with a seal, once nothing burns any more.

        A process that has just started does not know the key, and the ledger may have failed it
        for a moment only. And where the stop took long, a restore may have removed the tags
        meanwhile, for a stop that another run had done.
        """
        with suppress(LoopbreakerError):
            self._tag(replace(attempt, key=attempt.key or self.world.ledger.tag_key()))

    def _publish_failure(self, attempt: "_Ledgerless", refusal: LoopbreakerError) -> None:
        failed = attempt.incident
        for outcome in failed.stops:
            failed = failed.with_outcome(outcome.step, StepStatus.FAILED, str(refusal))
        incident, context = self.world.look_around(failed)
        said = notice.compose(Transition.CONTAIN_FAILED, incident, context, attempt.now)
        self.world.publisher.publish(said.subject, said.body)

    def _publish_ledgerless(
        self,
        incident: Incident,
        unavailable: LedgerUnavailableError,
        now: datetime,
        *,
        is_tagged: bool,
    ) -> None:
        incident, context = self.world.look_around(incident)
        said = notice.ledger_unavailable(
            incident,
            replace(context, detail=str(unavailable)),
            now,
            is_tagged=is_tagged,
            tag_key=SNAPSHOT_TAG,
        )
        self.world.publisher.publish(said.subject, said.body)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ledgerless:
    """A containment without the ledger, with what is written down of it."""

    incident: Incident
    tagged: TaggedSnapshot
    unavailable: LedgerUnavailableError
    now: datetime
    key: bytes | None
    is_tagged: bool = False


def _found(facts: FunctionFacts, key: bytes | None) -> FoundSnapshot | None:
    """What an earlier attempt wrote into the tag; ``None`` where there is none to be read."""
    try:
        return find_snapshot(facts, key)
    except UnreadableSnapshotError:
        return None


def _was_tried(former: TaggedSnapshot | None, tagged: TaggedSnapshot) -> bool:
    """Whether an attempt within the same hour was the same, so that people know of it."""
    if former is None or former.at.strftime(_HOUR) != tagged.at.strftime(_HOUR):
        return False
    if former.reserved_concurrency != tagged.reserved_concurrency:
        return False
    return set(tagged.provisioned) <= set(former.provisioned)


def _without(incident: Incident, removed: tuple[ProvisionedConcurrency, ...]) -> Incident:
    """The incident with provisioned concurrency that is, or is about to be, taken away."""
    if incident.snapshot is None:
        return incident
    named = {one.qualifier for one in removed}
    before = [one for one in incident.snapshot.provisioned or () if one.qualifier not in named]
    bare = replace(incident.snapshot, provisioned=None)
    changed = replace(incident, snapshot=bare).with_provisioned((*before, *removed))
    for outcome in changed.left_beside:
        changed = changed.with_outcome(outcome.step, StepStatus.DONE)
    return changed


def _incident(decision: Contain | Hold | Notify, facts: FunctionFacts, now: datetime) -> Incident:
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
    )


def _begun(
    incident: Incident, planned: Planned | None, facts: FunctionFacts, now: datetime
) -> Incident:
    """The incident with its write-ahead snapshot: held as planned, or else stopped."""
    if planned is None:
        return _stopping(incident, facts, now)
    return _held(incident, planned, now)


def _stopping(incident: Incident, facts: FunctionFacts, now: datetime) -> Incident:
    stopping = incident.to(IncidentState.CONTAINING, now)
    if facts.kind is FunctionKind.MANAGED_INSTANCES:
        return stopping.with_scaling(facts.scaling).leased(now)
    return stopping.with_reservation(0, facts.reserved_concurrency).leased(now)


def _held(incident: Incident, planned: Planned, now: datetime) -> Incident:
    held = incident.to(IncidentState.CAPPING, now)
    held = held.with_hold(planned.watch, planned.reserved_concurrency, planned.mappings)
    return held.leased(now)


def _not_held(decision: Hold, why: NotHeld) -> Notify:
    """The decision about a function that would be held and must not be."""
    grounds = (explain_not_held(why), *decision.assessment.grounds)
    assessment = replace(decision.assessment, grounds=grounds)
    is_often = why.reason is NotHeldReason.HELD_OFTEN
    reason = DecisionReason.HELD_OFTEN if is_often else DecisionReason.CANNOT_BE_HELD
    return Notify(assessment=assessment, reason=reason)


def _has_news(incident: Incident, decision: Notify) -> bool:
    """Whether people do not know yet what is decided about an open incident."""
    match incident.state:
        case IncidentState.RELEASED:
            return not incident.has_told(Transition.RUNNING_AWAY_AGAIN)
        case IncidentState.NOTIFIED:
            return _is_news(incident, decision)
        case _:
            return False


def _may_have_news(incident: Incident, decision: Notify) -> bool:
    """Whether it is worth while to find out what people would be told."""
    is_danger_new = (
        incident.state is IncidentState.NOTIFIED
        and decision.assessment.is_in_danger
        and not incident.assessment.is_in_danger
    )
    return is_danger_new or _has_news(incident, decision)


def _is_news(incident: Incident, decision: Notify) -> bool:
    before, after = incident.assessment, decision.assessment
    rose = after.verdict is Verdict.RUNAWAY and before.verdict is not Verdict.RUNAWAY
    is_cap_new = after.has(Reason.WOULD_BE_CAPPED) and not before.has(Reason.WOULD_BE_CAPPED)
    return rose or is_cap_new or incident.decided != decision.reason
