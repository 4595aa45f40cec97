"""What each pulse does about a function on probation."""

from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from functions.domain.changes.steps import DisableMapping, EventSourceMapping
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import Evidence, LoopProof
from functions.domain.errors import BusyError, RefusedError
from functions.domain.holding.judgement.tally import Counts
from functions.domain.holding.sources import key_of, list_polled
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.probation.record import (
    FAILED,
    Probation,
    ProbationOutcome,
    ProbationPhase,
)
from functions.domain.probation.steps import (
    count_let_go,
    has_more_held,
    plan_holding_again,
    plan_next,
)
from functions.domain.probation.verdict import (
    Conclude,
    GoOn,
    HoldBack,
    LetMoreGo,
    ProbationCounts,
    ProbationVerdict,
    judge_probation,
)
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.event_log import EventLog
from functions.workflows.holding.disabled_mappings import find_disabled_by_others
from functions.workflows.holding.way_back import cancel_schedule
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.context import Context
from functions.workflows.incidents.restore import restore
from functions.workflows.probation.begin import find_loops
from functions.workflows.probation.move import ENDS_AFTER

# CloudWatch that says nothing for so long after the end says nothing at all.
_SILENT_AT_MOST: Final = timedelta(minutes=5)
_SILENT: Final = frozenset({ProbationOutcome.NOT_COME_BACK, ProbationOutcome.FEW_ROUNDS})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbationWatch:
    """Watches functions on probation, and ends that."""

    world: Context
    gathering: EvidenceCollector
    log: EventLog
    live: LiveLedger = field(default_factory=LiveLedger)

    def watch(self, incident: Incident, probation: Probation, now: datetime) -> None:
        """Look at what arrives, and go on as that shows.

        Raises
        ------
        LoopbreakerError
            What the ports raise; the next pulse tries again.
        """
        if probation.outcome is not None:
            self._restore(incident, now)  # AWS refused a part of it, or the run died
            return
        if not probation.is_watched:
            self._begin_to_watch(incident, probation.watched(now))
            return
        if now >= probation.ends_at + _SILENT_AT_MOST:
            late = probation.concluded(ProbationOutcome.DATA_LATE, None)
            self._restore(replace(incident, probation=late), now)
            return
        evidence = self.gathering.collect_one(incident.function, now)
        if evidence is None:
            return  # CloudWatch reports nothing now: the next pulse looks again
        counted = self._count(incident, evidence)
        verdict = judge_probation(probation, counted, evidence.now)
        self.log.info(
            "on probation",
            function=incident.function,
            phase=probation.phase,
            verdict=type(verdict).__name__,
            **asdict(verdict.figures),
        )
        self._go_on(verdict, incident, probation, now)

    def _go_on(
        self,
        verdict: ProbationVerdict,
        incident: Incident,
        probation: Probation,
        now: datetime,
    ) -> None:
        """Bring about what comes next, or the end."""
        is_pausing = incident.is_pausing(Attempt.CAP, now)
        match verdict:
            case GoOn():
                return
            case LetMoreGo() if not is_pausing:
                is_last = count_let_go(incident) + 1 >= probation.stages
                loops = find_loops(incident.function, self.world)
                self._move(plan_next(incident, loops, is_last=is_last), now)
            case HoldBack() if not is_pausing:
                again = replace(probation, phase=ProbationPhase.HELD_AGAIN, since=now)
                disabled = find_disabled_by_others(incident, self.world.functions)
                held = plan_holding_again(incident, disabled)
                self._move(replace(held, probation=again), now)
            case LetMoreGo() | HoldBack():
                return  # AWS refused it lately
            case Conclude(outcome=outcome, figures=figures):
                if outcome in _SILENT and self._is_cut(incident, probation):
                    outcome = ProbationOutcome.LOOP_CUT
                over = replace(incident, probation=probation.concluded(outcome, figures))
                if outcome in FAILED:
                    self._fail(over, probation, now)
                else:
                    self._restore(over, now)
            case _:
                assert_never(verdict)

    def _is_cut(self, incident: Incident, probation: Probation) -> bool:
        """Whether another function of its loop stood still meanwhile: then none could go round."""
        mates = self.gathering.loops.find_mates(incident.function)
        since = probation.let_go_at or probation.since
        is_still = any(
            one.function in mates and one.is_wanting and not _is_let_go(one)
            for one in self.live.incidents
        )
        return is_still or any(self.live.known_until(one) > since for one in mates)

    def _begin_to_watch(self, incident: Incident, probation: Probation) -> None:
        """Count from the first look on, also where the clock of who let it go was behind."""
        until = probation.ends_at + ENDS_AFTER
        with suppress(RefusedError, BusyError):  # the schedule from its beginning is there
            self.world.way_back.schedule(incident.id, incident.function, until)
        self.world.ledger.save(replace(incident, probation=probation))

    def _count(self, incident: Incident, evidence: Evidence) -> ProbationCounts:
        """What arrives wherever it may be the function's own doing."""
        recent, loops = evidence.recent, find_loops(incident.function, self.world)
        mappings = tuple(
            EventSourceMapping(uuid=one.step.uuid, source_arn=one.step.source_arn, enabled=True)
            for one in incident.steps
            if isinstance(one.step, DisableMapping)
        )
        polled = tuple(list_polled(mappings, incident.function_arn))
        known = () if incident.watch is None else incident.watch.sources
        pushed = Source(kind=SourceKind.ASYNCHRONOUS, name=incident.function)
        every = {key_of(one): one for one in (*known, *polled, pushed)}
        own = tuple(
            one for key, one in every.items() if loops.get(key, one.loop) is not LoopProof.RULED_OUT
        )
        grid = recent.invocations
        is_capped = incident.probation is not None and not incident.probation.falls_silent
        usual = 0.0
        if is_capped and incident.watch is not None:
            usual = incident.watch.normal_per_minute
        counts = Counts(
            arrivals=self.gathering.metrics.arrivals(own, grid.start, grid.end),
            invocations=grid,
            errors=recent.errors,
            duration_ms=recent.duration_ms,
        )
        return ProbationCounts(
            counts=counts,
            contained_at=incident.stopped_at or incident.contained_at,
            is_polled=any(one.kind is not SourceKind.ASYNCHRONOUS for one in own),
            is_more_held=has_more_held(incident),
            usual_per_minute=usual,
        )

    def _move(self, incident: Incident, now: datetime) -> None:
        """Bring the next step about; a run that dies in it is taken up by the next."""
        moving = incident.to(IncidentState.CAPPING, now).leased(self.world.present(now))
        contain(self.world.ledger.save(moving), self.world, now)

    def _fail(self, incident: Incident, probation: Probation, now: datetime) -> None:
        """Leave the function held as it was before the probation."""
        if probation.was_stopped:
            held = incident.to(IncidentState.CONTAINED, now)
        else:
            over = incident.probation
            is_sure = over is not None and over.outcome is ProbationOutcome.CAME_BACK
            decided = DecisionReason.SHOWN if is_sure else DecisionReason.CANNOT_BE_TOLD
            held = replace(incident, is_shown=True, decided=decided)
        told = announce(held, Transition.PROBATION_FAILED, self.world, now)
        deliver(self.world.ledger.save(replace(told, probation=None)), self.world, now)
        cancel_schedule(incident, self.world)

    def _restore(self, incident: Incident, now: datetime) -> None:
        if incident.is_pausing(Attempt.RESTORE, now):
            return
        after = restore(incident, self.world, now, IncidentState.RESTORED, is_asked=False)
        if after.is_closed:
            cancel_schedule(incident, self.world)


def _is_let_go(incident: Incident) -> bool:
    """Whether a little of a held function runs."""
    probation = incident.probation
    if probation is not None:
        return probation.phase is ProbationPhase.LET_GO
    return incident.is_let_go
