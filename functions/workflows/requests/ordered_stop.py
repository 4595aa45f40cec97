"""Stopping a function because a person orders it, whatever its metrics show.

What protects a function from the guard protects it here, too. What limits the guard's own
decisions does not: neither observe mode nor the blast radius is for a person's order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.detection.assessment import Assessment, Verdict
from functions.domain.detection.evidence import FunctionFacts, FunctionKind
from functions.domain.detection.spike import assess
from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    LedgerUnavailableError,
    LoopbreakerError,
    RefusedError,
    StaleIncidentError,
)
from functions.domain.incidents.decision import Contain, DecisionReason, find_protection
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import EXEMPT_TAG, Mode
from functions.domain.incidents.ports import BlastRadius, LatelyClosed, Opened
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.succession import succeed
from functions.domain.incidents.tags.seal import claims_stop
from functions.domain.notices.commands import build_stop_command, build_untag_command
from functions.domain.notices.incident.sections.restriction import describe_restriction
from functions.domain.notices.incident.sections.settings import describe_other_changes
from functions.domain.notices.text import clean
from functions.domain.requests.answer import StopAnswer, StopOutcome
from functions.domain.requests.request import StopRequest
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.holding.stop_held import stop_held
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.enforce import Enforcer, build_incident, prepare_stop
from functions.workflows.incidents.stop_without_ledger import LedgerlessStop

# Another run that works on the function is waited for so long: 2 s each time.
_TRIES: Final = 10
_WAIT_SECONDS: Final = 2.0
# Without the ledger the blast radius is counted by tags; a person's order is not bound by it.
_UNBOUND: Final = 1_000_000
_CONTAINING: Final = IncidentState.CONTAINING
_ON_HOLD: Final = frozenset({IncidentState.CAPPED, IncidentState.CAPPING})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedStop:
    """Carries out orders to stop a function."""

    enforcer: Enforcer
    gathering: EvidenceCollector
    sleep: Callable[[float], None]

    @property
    def world(self) -> Context:
        """The ports."""
        return self.enforcer.world

    def stop(self, request: StopRequest, name: str) -> StopAnswer:
        """Stop a function as a containment does: snapshot, record, notice, and a way back.

        Parameters
        ----------
        name
            The bare name of the function that the request names.

        Raises
        ------
        LoopbreakerError
            What the ports raise before anything is written down. After that an answer says how far
            the order got, and the guard goes on with it each minute.
        """
        order = _Order(request=request, name=name, assessment=self._assess(name))
        known_until = self.world.clock()
        for _ in range(_TRIES):
            try:
                done = self._try(order, known_until)
            except StaleIncidentError:
                continue  # another run was first: look again
            except FunctionNotFoundError:
                return order.answer(StopOutcome.UNKNOWN, "there is no such function any more")
            if isinstance(done, StopAnswer):
                return done
            known_until = max(self.world.clock(), done)
            self.sleep(_WAIT_SECONDS)
        return order.answer(
            StopOutcome.REFUSED,
            "not stopped: another run of Loopbreaker is working on it. Order it again in a minute",
            self._by_hand(name),
        )

    def _assess(self, name: str) -> Assessment:
        """What its metrics show, for the notice. The order does not depend on it."""
        try:
            evidence = self.gathering.collect_one(name, self.world.clock())
        except LoopbreakerError:
            evidence = None
        if evidence is None:
            now = self.world.clock()
            return Assessment(function=name, verdict=Verdict.CALM, at=now, grounds=())
        return assess(evidence, self.enforcer.policy)

    def _try(self, order: "_Order", known_until: datetime) -> StopAnswer | datetime:
        """Carry the order out, or answer until when something is waited for.

        What is reserved is read after the ledger, so that what the guard itself had set, and has
        put back since, is never taken for what was there before.
        """
        now = self.world.clock()
        try:
            known = self.world.ledger.find(order.name)
        except LedgerUnavailableError as unavailable:
            return self._stop_without_ledger(order, unavailable, now)
        if known is not None and known.is_leased(now):
            return known_until
        facts = self._read_stoppable(order)
        if isinstance(facts, StopAnswer):
            return facts
        if known is None:
            return self._stop_free(order, facts, known_until, now)
        return self._stop_known(order, known, facts, now)

    def _read_stoppable(self, order: "_Order") -> FunctionFacts | StopAnswer:
        """The facts of a function that the guard may stop, or the answer that it must not."""
        facts = self.gathering.read_facts(order.name)
        if facts is None:
            return order.answer(StopOutcome.UNKNOWN, "there is no such function")
        return self._refuse(order, facts) or facts

    def _refuse(self, order: "_Order", facts: FunctionFacts) -> StopAnswer | None:
        """Why the guard must not stop a function, and how a person goes on; ``None`` if it may."""
        reason = find_protection(facts, self.enforcer.policy)
        text = _describe_protection(reason)
        if facts.kind is FunctionKind.MANAGED_INSTANCES and not facts.scaling:
            text = text or (
                "not stopped: it runs on Lambda Managed Instances, and the scaling of its versions"
                " cannot be read"
            )
        if not text:
            return None
        by_hand = self._by_hand(order.name)
        if reason is DecisionReason.EXEMPT_BY_TAG:
            region = self.world.deployment.region
            by_hand = (build_untag_command(facts.arn, (EXEMPT_TAG,), region), *by_hand)
        if reason is DecisionReason.OWN_FUNCTION:
            by_hand = ()
        return order.answer(StopOutcome.REFUSED, text, by_hand)

    def _stop_free(
        self, order: "_Order", facts: FunctionFacts, known_until: datetime, now: datetime
    ) -> StopAnswer | datetime:
        """Stop a function that has no open incident."""
        if facts.is_stopped:
            return order.answer(StopOutcome.ALREADY, _describe_foreign_stop(facts))
        incident = prepare_stop(order.build(facts, now), facts, now)
        try:
            opening = self.world.ledger.open(incident, self._places, known_until=known_until)
        except LedgerUnavailableError as unavailable:
            return self._stop_without_ledger(order, unavailable, now)
        if isinstance(opening, LatelyClosed):
            return opening.closed_at
        if not isinstance(opening, Opened):
            raise StaleIncidentError(f"another run has opened an incident of {order.name}")
        return self._contain(order, opening.incident, now)

    def _stop_known(
        self, order: "_Order", known: Incident, facts: FunctionFacts, now: datetime
    ) -> StopAnswer:
        """Stop a function whose incident is open."""
        if known.state is IncidentState.RESTORING:
            text = "not stopped: it is being restored now. Order it again in a minute"
            return order.answer(StopOutcome.REFUSED, text, self._by_hand(order.name))
        if known.state is _CONTAINING:
            return self._go_on(order, known, facts, now)
        if known.state in _ON_HOLD:
            if facts.is_stopped and 0 not in known.ours:
                # A person's 0, or one of a run without the ledger: no record of ours may take it.
                return order.answer(StopOutcome.ALREADY, _describe_foreign_stop(facts), known=known)
            return self._describe(
                order, self._attempt(lambda: self._stop_held(order, known, now), known)
            )
        if facts.is_stopped:
            return order.answer(StopOutcome.ALREADY, _describe_known_stop(known, now), known=known)
        ordered = order.mark(known).accepted(Attempt.STOP)
        if known.state is IncidentState.NOTIFIED:
            fresh = replace(ordered, contained_at=None, stopped_at=None)
            opening = self.world.ledger.hold(prepare_stop(fresh, facts, now), self._places)
        else:
            # What is in force was released by people: theirs is what was there before now.
            fresh = prepare_stop(order.build(facts, now), facts, now)
            new = succeed(known, fresh, self.world.functions)
            is_noticed = known.state is IncidentState.RELEASED
            released = known if is_noticed else known.to(IncidentState.RELEASED, now)
            old = released.to(IncidentState.SUPERSEDED, now)
            opening = self.world.ledger.supersede(old, new, self._places)
        if not isinstance(opening, Opened):
            raise StaleIncidentError(f"another run moves the incident of {order.name} on")
        return self._contain(order, opening.incident, now)

    def _go_on(
        self, order: "_Order", known: Incident, facts: FunctionFacts, now: datetime
    ) -> StopAnswer:
        """Go on with a stop that was begun, also where AWS refused it lately."""
        asked = self.world.ledger.save(order.mark(known).accepted(Attempt.STOP))
        after = self._attempt(lambda: self._go_on_with(asked, facts, now), asked)
        return self._describe(order, after)

    def _go_on_with(self, asked: Incident, facts: FunctionFacts, now: datetime) -> Incident:
        self.enforcer.go_on(asked, facts, now)
        return self.world.ledger.find(asked.function) or asked

    def _stop_held(self, order: "_Order", known: Incident, now: datetime) -> Incident:
        """Stop what is held. What somebody else has reserved meanwhile is theirs."""
        marked = replace(known, decided=DecisionReason.ORDERED, ordered_by=order.request.ordered_by)
        return stop_held(marked.accepted(Attempt.STOP), self.world, now, is_resumed=True)

    def _contain(self, order: "_Order", incident: Incident, now: datetime) -> StopAnswer:
        if incident.state is not _CONTAINING:  # the answer was lost, and others moved it on
            return self._describe(order, incident)
        after = self._attempt(lambda: contain(incident, self.world, now), incident)
        return self._describe(order, after)

    def _attempt(self, act: Callable[[], Incident], before: Incident) -> Incident:
        """What a stop has led to, also where a port failed after it was written down."""
        try:
            return act()
        except (BusyError, LedgerUnavailableError):
            return before.to(_CONTAINING, before.updated_at) if before.state in _ON_HOLD else before

    def _stop_without_ledger(
        self, order: "_Order", unavailable: LedgerUnavailableError, now: datetime
    ) -> StopAnswer:
        """Stop with the snapshot in a tag, for the ledger to take over later.

        A tag does not hold that it was ordered. In observe mode the guard would put the function
        back once the ledger answers, so it is not stopped at all.
        """
        facts = self._read_stoppable(order)
        if isinstance(facts, StopAnswer):
            return facts
        by_hand = self._by_hand(order.name)
        if facts.is_stopped:
            return order.answer(StopOutcome.ALREADY, "it is stopped already")
        if self.enforcer.policy.mode is Mode.OBSERVE:
            text = (
                "not stopped: the ledger cannot be reached, and in observe mode what is stopped"
                " without it would not stay so. Order it again in a minute, or stop it by hand"
            )
            return order.answer(StopOutcome.REFUSED, text, by_hand)
        incident = prepare_stop(order.build(facts, now), facts, now)
        try:
            LedgerlessStop(world=self.world, most=_UNBOUND).stop(incident, facts, unavailable, now)
        except (RefusedError, BusyError) as error:
            text = f"not stopped: AWS says: {clean(str(error))}"
            return order.answer(StopOutcome.REFUSED, text, by_hand)
        text = (
            "stopped. The ledger cannot be reached: what was there before is in the function's tags"
            " and in the notice, and is recorded once the ledger answers"
        )
        return order.answer(StopOutcome.STOPPED, text)

    @property
    def _places(self) -> BlastRadius:
        return replace(self.enforcer.blast_radius, is_binding=False)

    def _by_hand(self, name: str) -> tuple[str, ...]:
        return (build_stop_command(name, self.world.deployment.region),)

    def _describe(self, order: "_Order", after: Incident) -> StopAnswer:
        match after.state:
            case IncidentState.CONTAINED:
                words = (
                    "stopped.",
                    describe_restriction(after, self.world.clock()),
                    describe_other_changes(after),
                    _describe_refusals(after),
                )
                text = " ".join(one for one in words if one)
                return order.answer(StopOutcome.STOPPED, text, known=after)
            case IncidentState.CONTAINING:
                text = (
                    "not stopped yet: AWS did not take the change now. It is written down, and"
                    " Loopbreaker goes on with it each minute"
                )
                return order.answer(
                    StopOutcome.UNDER_WAY, text, self._by_hand(order.name), known=after
                )
            case IncidentState.DELETED:
                return order.answer(StopOutcome.UNKNOWN, "there is no such function any more")
            case _:
                text = _describe_refusals(after, Attempt.STOP) or (
                    "Somebody changed it in the same moment. Order it again"
                )
                return order.answer(
                    StopOutcome.REFUSED,
                    f"not stopped. {text}",
                    self._by_hand(order.name),
                    known=after,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """An order with what the metrics show of the function."""

    request: StopRequest
    name: str
    assessment: Assessment

    def build(self, facts: FunctionFacts, now: datetime) -> Incident:
        """Build the incident that the order opens."""
        decision = Contain(assessment=self.assessment, reason=DecisionReason.ORDERED)
        incident = build_incident(decision, facts, now)
        return replace(incident, ordered_by=self.request.ordered_by)

    def mark(self, known: Incident) -> Incident:
        """Write the order into an open incident."""
        return replace(
            known,
            assessment=self.assessment,
            decided=DecisionReason.ORDERED,
            ordered_by=self.request.ordered_by,
        )

    def answer(
        self,
        outcome: StopOutcome,
        text: str,
        commands: tuple[str, ...] = (),
        *,
        known: Incident | None = None,
    ) -> StopAnswer:
        return StopAnswer(
            function=self.name,
            outcome=outcome.value,
            text=text,
            commands=commands,
            incident_id="" if known is None else known.id,
        )


def _describe_protection(reason: DecisionReason | None) -> str:
    match reason:
        case DecisionReason.OWN_FUNCTION:
            return "not stopped: it is a function of Loopbreaker itself"
        case DecisionReason.EXEMPT_BY_TAG:
            return (
                f"not stopped: it has the tag {EXEMPT_TAG}=true, and IAM denies Loopbreaker every"
                " change of it. Remove the tag and order it again, or stop it by hand"
            )
        case DecisionReason.EXEMPT_BY_FLAG:
            return (
                "not stopped: the deployment of Loopbreaker exempts it. Deploy without that and"
                " order it again, or stop it by hand"
            )
        case _:
            return ""


def _describe_foreign_stop(facts: FunctionFacts) -> str:
    if claims_stop(facts):
        return (
            "it is stopped already: Loopbreaker did it while its ledger could not be reached, and"
            " records it within minutes"
        )
    return (
        "nothing was changed: it cannot run already, and Loopbreaker did not see to that. So"
        " Loopbreaker will not put it back"
    )


def _describe_known_stop(known: Incident, now: datetime) -> str:
    if known.state is IncidentState.CONTAINED:
        return f"it is stopped already. {describe_restriction(known, now)}"
    return "nothing was changed: somebody has set its reserved concurrency to 0 already"


def _describe_refusals(incident: Incident, attempt: Attempt | None = None) -> str:
    """AWS's words about steps that it refused; else about an attempt that was taken back."""
    words = [one.detail for one in incident.steps if one.status is StepStatus.FAILED and one.detail]
    if not words and attempt is not None:
        words = [
            told for one in incident.refusals if one.attempt is attempt for told in one.told[-1:]
        ]
    return f"AWS says: {'; '.join(map(clean, words))}" if words else ""
