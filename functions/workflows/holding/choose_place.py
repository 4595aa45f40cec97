"""Where on a loop a suspected function is held: there, or at another function that lies on it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from functions.domain.detection.acquittal import LeftAlone
from functions.domain.detection.assessment import Ground, Reason, Verdict
from functions.domain.detection.evidence import Evidence, FunctionFacts, LoopProof
from functions.domain.detection.spike import assess
from functions.domain.errors import LoopbreakerError
from functions.domain.holding.grounds import explain_not_held
from functions.domain.holding.place import Chosen, HoldPlace, choose_where_to_hold, without
from functions.domain.holding.plan import NotHeld, NotHeldReason
from functions.domain.incidents.decision import DecisionReason, Hold, LedgerView, decide
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.policy import Policy
from functions.domain.incidents.snapshot import HeldInstead
from functions.workflows.holding.observe import HoldObserver, HoldPlanning, Planned
from functions.workflows.incidents.context import Context

# Other functions of a loop that are looked at: each costs a few calls.
MOST_OTHERS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """The suspected function, and how it would be held itself.

    Attributes
    ----------
    planning
        What was read for `planned`.
    """

    decision: Hold
    facts: FunctionFacts
    planned: Planned | NotHeld
    planning: HoldPlanning


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A hold, of the function that it is made at.

    Attributes
    ----------
    instead
        Of which function; ``None`` where it is the suspected one.
    known_until
        When the last incident of another function was closed that is known.
    """

    decision: Hold
    facts: FunctionFacts
    planned: Planned
    instead: HeldInstead | None = None
    known_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceChooser:
    """Chooses the place of a hold.

    All that protects a function counts for the one that is really held: its exemption, its own
    budget of holds, and an incident that is open or was closed of late.

    Attributes
    ----------
    plan
        How a function would be held.
    """

    world: Context
    policy: Policy
    holding: HoldObserver
    plan: Callable[[Hold, FunctionFacts, datetime], HoldPlanning]

    def place(self, asked: HoldRequest, now: datetime) -> Placed | NotHeld | LeftAlone:
        """Where the loop of a suspected function is held; why it must not be, or need not be.

        What cannot be read of the others keeps nobody from being held.
        """
        mates = self._find_mates(asked, now)
        if mates:
            with suppress(LoopbreakerError):
                return self._choose(asked, mates, now)
        return _place_of(asked)

    def _choose(
        self, asked: HoldRequest, mates: Sequence[str], now: datetime
    ) -> Placed | NotHeld | LeftAlone:
        own = _place_of(asked)
        live = self.world.ledger.read_live()
        found = {
            one.function: one
            for one in self.holding.gathering.collect(mates, now)
            if self._is_free(one.function, live, now)
        }
        suspected = self._measure(asked)
        others = tuple(self._measure_other(evidence) for evidence in found.values())
        while isinstance(chosen := choose_where_to_hold(suspected, others), Chosen):
            name, because = chosen.place.function, chosen.because
            if because is None:
                return own
            placed = self._place_at(found[name], asked, because, live, now)
            if isinstance(placed, Placed):
                return placed
            others = without(others, name, placed)
        if self.is_acquitted(asked.facts.name, now):
            return LeftAlone(assessment=asked.decision.assessment, reason=DecisionReason.EXPLAINED)
        if isinstance(own, Placed):
            return own
        is_spent = any(
            one.why_not is not None and one.why_not.reason is NotHeldReason.HELD_OFTEN
            for one in others
        )
        return NotHeld(reason=NotHeldReason.HELD_OFTEN) if is_spent else chosen

    def is_acquitted(self, function: str, now: datetime) -> bool:
        """Whether a hold has shown lately that nothing goes round in a function's loop.

        It was the hold of another function on it; its own is asked about elsewhere.
        """
        since = now - self.policy.cooling_off
        return any(
            one.is_explained and one.assessment.verdict is Verdict.BUSY
            for mate in sorted(self.world.loops.find_mates(function))[:MOST_OTHERS]
            for one in self.world.ledger.read_closed(mate, since)
        )

    def _find_mates(self, asked: HoldRequest, now: datetime) -> tuple[str, ...]:
        """The others on its loop, where the event graph is certain of that."""
        loops = self.world.loops
        if not asked.decision.assessment.has(Reason.LOOP_PROVEN):
            return ()
        certain = (
            one
            for one in loops.find_mates(asked.facts.name)
            if loops.of(one).believed(now).proof is LoopProof.CERTAIN
        )
        return tuple(sorted(certain)[:MOST_OTHERS])

    def _is_free(self, function: str, live: LiveLedger, now: datetime) -> bool:
        """Whether nothing is known of it that a hold now would get in the way of."""
        is_open = any(one.function == function for one in live.incidents)
        was_closed = live.known_until(function) > now - self.policy.cooling_off
        return not is_open and not was_closed

    def _measure(self, asked: HoldRequest) -> HoldPlace:
        name, planning = asked.facts.name, asked.planning
        why_not = asked.planned if isinstance(asked.planned, NotHeld) else None
        if isinstance(asked.planned, Planned) and asked.planned.watch.plan.is_for_callers:
            # Another one is held by what delays only, rather than that callers are refused.
            why_not = NotHeld(reason=NotHeldReason.SYNCHRONOUS)
        backlog = 0.0
        if planning.evidence is not None and planning.facts is not None:
            rate = asked.decision.assessment.rate_per_minute
            recent = planning.evidence.recent
            backlog = self.holding.backlog_seconds(name, planning.facts, recent, rate)
        return HoldPlace(function=name, why_not=why_not, backlog_seconds=backlog)

    def _measure_other(self, evidence: Evidence) -> HoldPlace:
        name, holding = evidence.function, self.holding
        rate = assess(evidence, self.policy).rate_per_minute
        backlog = holding.backlog_seconds(name, holding.facts.read(name), evidence.recent, rate)
        return HoldPlace(function=name, backlog_seconds=backlog)

    def _place_at(
        self, found: Evidence, asked: HoldRequest, because: NotHeld, live: LiveLedger, now: datetime
    ) -> Placed | NotHeld:
        """The hold of another function of the loop, decided as if it were suspected itself."""
        gathering, suspicion = self.holding.gathering, asked.decision.assessment
        facts = gathering.read_facts(found.function)
        if facts is None:
            return NotHeld(reason=NotHeldReason.UNKNOWN_SOURCES)
        evidence = gathering.complete(found, facts)
        measured = assess(evidence, self.policy)
        # Its own trouble may be older. After a restore, nothing of it may count as new.
        began = [one for one in (measured.since, suspicion.since) if one is not None]
        assessment = replace(
            measured,
            verdict=suspicion.verdict,
            since=min(began, default=None),
            grounds=(Ground(reason=Reason.LOOP_PROVEN),),
        )
        decision = decide(assessment, facts, self.policy, LedgerView())
        if not isinstance(decision, Hold) or evidence.proof is not LoopProof.CERTAIN:
            return NotHeld(reason=NotHeldReason.UNKNOWN_SOURCES)
        planned = self.plan(decision, facts, now).outcome
        if isinstance(planned, LeftAlone):
            return NotHeld(reason=NotHeldReason.UNKNOWN_SOURCES)
        if isinstance(planned, NotHeld):
            return planned
        instead = HeldInstead(
            function=asked.facts.name,
            because=explain_not_held(because),
            per_minute=suspicion.rate_per_minute,
        )
        return Placed(
            decision=decision,
            facts=facts,
            planned=planned,
            instead=instead,
            known_until=live.known_until(facts.name),
        )


def _place_of(asked: HoldRequest) -> Placed | NotHeld:
    if isinstance(asked.planned, NotHeld):
        return asked.planned
    return Placed(decision=asked.decision, facts=asked.facts, planned=asked.planned)
