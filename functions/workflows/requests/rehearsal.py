"""Judging a function of a drill as in observe mode: everything up to the change.

It reads the same evidence, decides by the same rules, writes an incident into the ledger and sends
its notice. No step is planned, so that nothing of the function can be changed. The incident stays
open until the function is calm, as in observe mode: it says nothing about how other signals of the
function are dealt with, and one of these may stop it. A closed one would excuse these minutes.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from functions.domain.detection.assessment import Assessment, Reason
from functions.domain.detection.spike import assess
from functions.domain.incidents.decision import LedgerView, Notify, decide
from functions.domain.incidents.history import WHATEVER_CLOSED
from functions.domain.incidents.policy import Mode, Policy, Response
from functions.domain.incidents.ports import Opened
from functions.domain.incidents.states import Transition
from functions.domain.notices.grounds import describe_ground
from functions.domain.notices.outbox import are_all_sent
from functions.domain.notices.text import clean
from functions.domain.requests.answer import RehearsalAnswer
from functions.domain.requests.drill import DRILL_TAG, FUNCTION_PREFIX, is_of_drill
from functions.domain.requests.request import RequestError
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.enforce import Enforcer, build_incident

# A drill that changes nothing is a small one: it stays far below the floor of the guard, which
# would hold its function otherwise.
REHEARSAL_FLOOR_PER_MINUTE: Final = 5
_LONGEST_TEXT: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Judges functions of drills."""

    enforcer: Enforcer
    gathering: EvidenceCollector

    @property
    def world(self) -> Context:
        """The ports."""
        return self.enforcer.world

    def rehearse(self, name: str, at: datetime | None) -> RehearsalAnswer:
        """Decide about a function, record that, and send the notice; change nothing.

        A function that is not unusual yet is answered with its verdict, and nothing is recorded.

        Parameters
        ----------
        at
            As of when it is judged, if that is later than the present.

        Raises
        ------
        RequestError
            When no drill made the function, or there is none of that name.
        LoopbreakerError
            What the ports raise.
        """
        now = self.world.clock() if at is None else self.world.present(at)
        evidence = self.gathering.collect_one(name, now)
        facts = None if evidence is None else evidence.facts
        if evidence is None or facts is None:
            raise RequestError(f"there is no function {name} with metrics")
        if not is_of_drill(name, facts.tags):
            raise RequestError(
                f"{name} is no function of a drill: its name begins with {FUNCTION_PREFIX} and its"
                f" tag {DRILL_TAG} has the id of the drill"
            )
        policy = _observe(self.enforcer.policy)
        assessment = assess(evidence, policy)
        answer = _answer(assessment)
        decision = decide(assessment, facts, policy, LedgerView())
        if not isinstance(decision, Notify):
            return replace(answer, decision=decision.reason.value)
        incident = announce(
            build_incident(decision, facts, now), Transition.NOTIFIED, self.world, now
        )
        opening = self.world.ledger.open(incident, None, known_until=WHATEVER_CLOSED)
        if not isinstance(opening, Opened):
            raise RequestError(f"{name} has an incident already: loopbreaker status shows it")
        sent = deliver(opening.incident, self.world, now)
        return replace(
            answer,
            decision=decision.reason.value,
            incident_id=sent.id,
            subject=sent.outbox[-1].subject,
            is_sent=are_all_sent(sent),
        )


def _observe(policy: Policy) -> Policy:
    """The same rules, in observe mode, for a small function."""
    return replace(
        policy,
        mode=Mode.OBSERVE,
        response=Response.HOLD,
        floor_per_minute=min(policy.floor_per_minute, REHEARSAL_FLOOR_PER_MINUTE),
    )


def _answer(assessment: Assessment) -> RehearsalAnswer:
    return RehearsalAnswer(
        function=assessment.function,
        verdict=assessment.verdict.value,
        why=tuple(clean(describe_ground(one), _LONGEST_TEXT) for one in assessment.grounds),
        is_proven=assessment.has(Reason.LOOP_PROVEN),
    )
