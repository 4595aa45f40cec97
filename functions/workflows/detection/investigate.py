"""From the evidence on one function to what is done about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from functions.domain.account.names import (
    InvalidFunctionReferenceError,
    parse_metric_name,
)
from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.detection.danger import may_be_in_danger
from functions.domain.detection.evidence import Evidence
from functions.domain.detection.spike import assess
from functions.domain.incidents.decision import (
    Contain,
    Decision,
    DecisionReason,
    Ignore,
    LedgerView,
    decide,
)
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.policy import Policy, Response
from functions.domain.incidents.ports import LatelyClosed
from functions.domain.pulse.account_pulse import (
    is_young,
)
from functions.workflows.detection.collect_evidence import CHANGES_LATE, EvidenceCollector
from functions.workflows.detection.report import TriageReport
from functions.workflows.event_log import EventLog, fields_of
from functions.workflows.incidents.enforce import Enforcer

# Reasons that call on the past: only with these can a former loop have passed for a precedent.
_HISTORICAL = (
    Reason.HAS_PRECEDENT,
    Reason.WITHIN_RECENT,
    Reason.FOLLOWS_CLOCK,
    Reason.UNLIKE_LOOP,  # the steps of a shape are compared with what was there before
)
# Until the chart has worked a change in, of which it has heard.
_CHARTED_WITHIN: Final = timedelta(minutes=5)
# Why a suspected function is left alone for now.
_LOOKED_AT_AGAIN = frozenset({DecisionReason.NOT_YET_COUNTED, DecisionReason.LOOP_IS_HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigation:
    """Judges functions, one after the other."""

    enforcer: Enforcer
    gathering: EvidenceCollector
    log: EventLog

    def investigate(
        self, names: Sequence[str], now: datetime, report: TriageReport, live: LiveLedger | None
    ) -> None:
        """Judge functions by metrics that are read for all of them together."""
        own = self.enforcer.policy.own_functions
        known = [one for one in self._select_valid_names(names) if one not in own]
        for evidence in self.gathering.collect(known, now):
            report.attempt(
                evidence.function,
                partial(self._judge, evidence, now, report, live),
            )

    def look_at(self, name: str, now: datetime, report: TriageReport) -> None:
        """Judge one function that a signal names."""
        if name in self.enforcer.policy.own_functions:
            return
        evidence = self.gathering.collect_one(name, now)
        if evidence is None:
            self.log.info("the function does not exist", function=name)
            return
        self._judge(evidence, now, report, None)

    def _select_valid_names(self, names: Sequence[str]) -> list[str]:
        """Without what no function can be called: one odd series never ends a survey."""
        found = []
        for name in names:
            try:
                found.append(parse_metric_name(name))
            except InvalidFunctionReferenceError:
                self.log.info("names no function", reference=name[:200])
        return found

    def _assess(self, evidence: Evidence) -> tuple[Evidence, Assessment]:
        """What the evidence means, with the evidence.

        Who is let go on because the graph rules a loop out may have been deployed since the graph
        was read, and hold one by now: its configuration shows that. It shows as well whether a
        function is in danger, which is suspected sooner.
        """
        policy = self.enforcer.policy
        assessment = assess(evidence, policy)
        if evidence.facts is not None or _is_unusual(assessment):
            return evidence, assessment
        is_ruled_out = assessment.has(Reason.LOOP_RULED_OUT)
        if not is_ruled_out and not may_be_in_danger(evidence, policy.danger_usd_per_minute):
            return evidence, assessment
        facts = self.gathering.read_facts(evidence.function)
        if facts is None:
            return evidence, assessment
        completed = self.gathering.complete(evidence, facts)
        return completed, assess(completed, policy)

    def find_cuts(
        self, function: str, now: datetime, report: TriageReport, live: LiveLedger | None
    ) -> tuple[tuple[datetime, datetime], ...]:
        """The periods of the function's loop that was cut by stopping another function on it."""
        mates = self.gathering.loops.find_mates(function)
        here = (
            (one.assessment.since or now, now)
            for one in report.decisions
            if isinstance(one, Contain) and one.assessment.function in mates
        )
        return (*here, *(live.cuts(mates) if live is not None else ()))

    def _judge_again(self, seen: Evidence, now: datetime, report: TriageReport) -> None:
        """The same with the ledger at hand.

        The configuration is read again after it. It may have been read under a cap that was lifted
        since, and the guard's own cap must not be taken for what was there before.
        """
        live = self.enforcer.world.ledger.read_live()
        self._judge(replace(seen, facts=None), now, report, live)

    def _learn_of_past(
        self,
        seen: Evidence,
        closed: LatelyClosed,
        now: datetime,
        report: TriageReport,
        live: LiveLedger | None,
    ) -> None:
        """The function's last incident was closed after that which the judgement knows of."""
        self.log.info("judged again", function=seen.function, closed_at=closed.closed_at)
        if live is None:
            self._judge_again(seen, now, report)
        else:  # in this very moment: the next pulse knows of it
            report.young.append(seen.function)

    def _judge(
        self, evidence: Evidence, now: datetime, report: TriageReport, live: LiveLedger | None
    ) -> None:
        policy = self.enforcer.policy
        seen = evidence
        own = seen if live is None else seen.without(live.troubles(seen.function))
        cuts = self.find_cuts(seen.function, now, report, live)
        evidence, assessment = self._assess(own.without(cuts))
        if live is None and _needs_the_past(assessment, policy):
            self._judge_again(seen, now, report)
            return
        if not _is_unusual(assessment):
            self.log.info("assessed", **fields_of(assessment))
            # What the cut of its loop excuses may go on all the same: it is looked at again.
            if is_young(assessment) or (cuts and _is_unusual(self._assess(own)[1])):
                report.young.append(evidence.function)
            return
        if (
            live is not None
            and _is_for_a_cap(assessment, policy)
            and live.was_lifted(evidence.function, now - policy.cooling_off)
        ):
            self.log.info("left alone after its cap was lifted", **fields_of(assessment))
            return
        facts = evidence.facts or self.gathering.read_facts(evidence.function)
        if facts is None:
            return
        if evidence.facts is None:
            assessment = assess(self.gathering.complete(evidence, facts), policy)
        decision = decide(assessment, facts, policy, LedgerView())
        present = self.enforcer.world.present(now)
        known_until = None if live is None else live.known_until(seen.function)
        done = self.enforcer.act(decision, facts, present, known_until=known_until)
        if isinstance(done, LatelyClosed):
            self._learn_of_past(seen, done, now, report, live)
            return
        report.decisions.append(done)
        if isinstance(done, Ignore) and done.reason in _LOOKED_AT_AGAIN:
            report.young.append(seen.function)
        if _may_be_outdated(done, now):
            report.acquitted.append(seen.function)
        self.log.info(
            "decided",
            decision=type(done).__name__,
            because=done.reason,
            **fields_of(done.assessment),
        )


def _may_be_outdated(done: Decision, now: datetime) -> bool:
    """Whether a function was acquitted before the graph can have heard what its loop began with."""
    since = done.assessment.since
    return (
        isinstance(done, Ignore)
        and done.reason is DecisionReason.EXPLAINED
        and since is not None
        and now - since <= CHANGES_LATE + _CHARTED_WITHIN
    )


def _needs_the_past(assessment: Assessment, policy: Policy) -> bool:
    """Whether the ledger is read before anything is decided.

    A cap is not urgent enough to be decided without it; a throttle is.
    """
    if _is_unusual(assessment):
        return _is_for_a_cap(assessment, policy)
    return any(assessment.has(one) for one in _HISTORICAL)


def _is_for_a_cap(assessment: Assessment, policy: Policy) -> bool:
    is_stopped = policy.response is Response.THROTTLE and assessment.is_shaped
    return assessment.verdict is Verdict.SUSPECTED and not is_stopped


def _is_unusual(assessment: Assessment) -> bool:
    return assessment.verdict in (Verdict.SUSPECTED, Verdict.RUNAWAY) or (
        assessment.verdict is Verdict.BUSY and assessment.has(Reason.NATIVE_DROPS)
    )
