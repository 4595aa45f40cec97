"""Whether, where and how a suspected function is held, before anything is changed."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from functions.domain.detection.acquittal import LeftAlone
from functions.domain.detection.assessment import Verdict
from functions.domain.detection.evidence import PRECEDENT_DAYS, FunctionFacts, FunctionKind
from functions.domain.errors import LoopbreakerError
from functions.domain.holding.grounds import explain_imagined_cap
from functions.domain.holding.plan import NotHeld, NotHeldReason
from functions.domain.incidents.decision import (
    Decision,
    DecisionReason,
    Hold,
    Ignore,
    LedgerView,
    Notify,
    decide,
    find_protection,
)
from functions.domain.incidents.history import PastIncident
from functions.domain.incidents.hold_budget import MOST_HOLDS, count_holds, was_capped_in_danger
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import Mode, Policy
from functions.workflows.holding.choose_place import HoldRequest, PlaceChooser, Placed
from functions.workflows.holding.observe import HoldObserver, HoldPlanning, Planned
from functions.workflows.incidents.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlanner:
    """Plans holds: reads what is needed, and changes nothing."""

    world: Context
    policy: Policy
    holding: HoldObserver

    def place(
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
        asked = HoldRequest(
            decision=decision, facts=facts, planned=planning.outcome, planning=planning
        )
        return self._build_place_chooser(policy or self.policy).place(asked, now)

    def _build_place_chooser(self, policy: Policy) -> PlaceChooser:
        return PlaceChooser(world=self.world, policy=policy, holding=self.holding, plan=self._plan)

    def spare(self, decision: Decision, now: datetime) -> Decision:
        """The decision, unless it stops a function for its circle in the graph alone.

        Whether that goes round is about to be seen, or was seen, by another function on it.
        """
        if decision.reason is not DecisionReason.STILL_SUSPECTED:
            return decision
        assessment = decision.assessment
        if self._is_loop_held(assessment.function):
            return Ignore(assessment=assessment, reason=DecisionReason.LOOP_IS_HELD)
        if self._build_place_chooser(self.policy).is_acquitted(assessment.function, now):
            return Ignore(assessment=assessment, reason=DecisionReason.EXPLAINED)
        return decision

    def consider_untouched(
        self, decision: Notify, facts: FunctionFacts, now: datetime, known: Incident | None = None
    ) -> Notify | LeftAlone:
        """The notice about a function that must not be touched, unless others feed it.

        In observe mode it states what would be done to the callers of one in danger: nobody could
        guess the cap.
        """
        assessment = decision.assessment
        enforcing = replace(self.policy, mode=Mode.ENFORCE)
        enforced = decide(assessment, facts, enforcing, LedgerView())
        is_observed = decision.reason is DecisionReason.OBSERVE_MODE and assessment.is_in_danger
        if not is_observed or not isinstance(enforced, Hold):
            return self._acquit(decision, facts, now) or decision
        with suppress(LoopbreakerError):
            placed = self.place(enforced, facts, now, known, policy=enforcing)
            if isinstance(placed, LeftAlone):
                return placed
            if isinstance(placed, Placed) and placed.planned.watch.plan.is_for_callers:
                cap = explain_imagined_cap(placed.planned.watch.plan)
                grounds = (cap, *assessment.grounds)
                return replace(decision, assessment=replace(assessment, grounds=grounds))
        return decision

    def _acquit(self, decision: Notify, facts: FunctionFacts, now: datetime) -> LeftAlone | None:
        """Whether nobody is notified of a suspected function that is not to be touched either.

        What cannot be read leaves it suspected: then people are notified.
        """
        assessment = decision.assessment
        if assessment.verdict is not Verdict.SUSPECTED or facts.kind is FunctionKind.EDGE_REPLICA:
            return None
        with suppress(LoopbreakerError):
            return self.holding.acquit(assessment, facts, now, self.policy.floor_per_minute)
        return None

    def _plan(
        self, decision: Hold, facts: FunctionFacts, now: datetime, known: Incident | None = None
    ) -> HoldPlanning:
        """How a function is to be held, unless others feed it or it was held too often."""
        closed = self.world.ledger.read_closed(facts.name, now - timedelta(days=PRECEDENT_DAYS))
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
        obstacle = self._find_obstacle(planning)
        if obstacle is not None:
            left_alone = LeftAlone(assessment=decision.assessment, reason=obstacle)
            return replace(planning, outcome=left_alone)
        held = count_holds(closed if known is None else (*closed, known), now)
        if held >= MOST_HOLDS:
            # Also where it cannot be held just now: or people would get a mail of each in turns.
            often = NotHeld(reason=NotHeldReason.HELD_OFTEN, value=held, bound=MOST_HOLDS)
            return replace(planning, outcome=often)
        is_cap = isinstance(planned, Planned) and planned.watch.plan.is_for_callers
        if is_cap and was_capped_in_danger(closed, now - self.policy.cooling_off):
            return replace(planning, outcome=NotHeld(reason=NotHeldReason.CAPPED_LATELY))
        return planning

    def _find_obstacle(self, planning: HoldPlanning) -> DecisionReason | None:
        """Why the function is not to be touched, as it is now: the plan has read it once more.

        A reservation of 0 may be the guard's own, of a run whose ledger was away. The record of a
        hold would take it for what was there before.
        """
        facts = None if planning.evidence is None else planning.evidence.facts
        if facts is None:
            return None
        if facts.is_stopped:
            return DecisionReason.ALREADY_STOPPED
        return find_protection(facts, self.policy)

    def _is_loop_held(self, function: str) -> bool:
        """Whether it is about to be seen whether the function's loop goes round, by another one."""
        mates = self.world.loops.find_mates(function)
        return bool(mates) and any(
            one.function in mates and one.is_being_judged
            for one in self.world.ledger.read_live().incidents
        )
