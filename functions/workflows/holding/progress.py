"""The life of a hold: each pulse looks at what arrives, and brings about what comes next."""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import assert_never

from functions.domain.detection.assessment import Verdict
from functions.domain.detection.evidence import LoopProof
from functions.domain.errors import (
    FunctionNotFoundError,
    MetricsUnavailableError,
)
from functions.domain.holding.callers import (
    CapVerdict,
    DangerOver,
    StaysCapped,
    StillDanger,
    UnderCap,
    is_long_over,
)
from functions.domain.holding.grounds import explain_cap, explain_hold
from functions.domain.holding.judgement.tally import find_counted_from
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldAgain,
    HoldVerdict,
    LetGo,
    Release,
    Shown,
    TryLonger,
    Wait,
    is_released,
    may_be_stopped,
)
from functions.domain.holding.watch import Watch
from functions.domain.incidents.decision import DecisionReason, find_prohibition
from functions.domain.incidents.history import LiveLedger
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.refusals import Attempt
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.incidents.steps.hold_steps import plan_second_hold, plan_trial
from functions.workflows.detection.collect_evidence import EvidenceCollector
from functions.workflows.event_log import EventLog, fields_of
from functions.workflows.holding.disabled_mappings import find_disabled_by_others
from functions.workflows.holding.stop_held import stop_held
from functions.workflows.holding.way_back import cancel_way_back, schedule_way_back
from functions.workflows.incidents.announce import announce, deliver
from functions.workflows.incidents.contain import contain
from functions.workflows.incidents.enforce import Enforcer
from functions.workflows.incidents.restore import restore
from functions.workflows.probation.watch import ProbationWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldProgress:
    """What each pulse does about a function that is held.

    Attributes
    ----------
    again
        Functions to be looked at in each of the next minutes: this adds to them.
    """

    enforcer: Enforcer
    gathering: EvidenceCollector
    log: EventLog
    live: LiveLedger = field(default_factory=LiveLedger)
    again: list[str] = field(default_factory=list)

    def watch(self, incident: Incident, now: datetime) -> None:
        """Look at what arrives while a function is held, and go on as that shows.

        Raises
        ------
        FunctionNotFoundError
            When the function does not exist any more.
        LoopbreakerError
            What the ports raise; the next pulse tries again.
        """
        facts = self.gathering.read_facts(incident.function)
        if facts is None:
            raise FunctionNotFoundError(f"{incident.function} does not exist any more")
        reason = find_prohibition(facts, self.enforcer.policy, incident)
        if reason is not None:
            self.enforcer.withdraw(incident, reason, now)
        elif incident.probation is not None:
            self._probation.watch(incident, incident.probation, now)
        elif incident.is_shown:
            self._notify_again(incident, now)
        elif self._gives_way(incident):
            self.enforcer.withdraw(incident, DecisionReason.LOOP_IS_HELD, now)
        elif incident.watch is None:
            # A cap of an earlier version, which nothing judges any more.
            self._end(replace(incident, is_withdrawn=True), now)
        elif incident.watch.plan.is_for_callers:
            self._look_at_cap(incident, incident.watch, now)
        else:
            self._look(incident, incident.watch, now)

    @property
    def _probation(self) -> ProbationWatch:
        return ProbationWatch(
            world=self.enforcer.world, gathering=self.gathering, log=self.log, live=self.live
        )

    def _gives_way(self, incident: Incident) -> bool:
        """Whether another function on its loop is held as well: two runs began at the same time.

        The one that was held first goes on.
        """
        mates = self.gathering.loops.find_mates(incident.function)
        order = (incident.opened_at, incident.function)
        return any(
            one.function in mates and one.is_being_judged and (one.opened_at, one.function) < order
            for one in self.live.incidents
        )

    def _look_at_cap(self, incident: Incident, watch: Watch, now: datetime) -> None:
        """End a cap in danger once that is over, or its time is.

        A loop that the configuration closes is stopped if it goes on: people knew for as long as
        the cap was in force.
        """
        verdict = self._judge_cap(incident, watch, now)
        match verdict:
            case StaysCapped():
                return
            case StillDanger():
                after = _record_cap(incident, verdict.figures, DecisionReason.CAP_OVER)
                if self._is_certain(incident, now):
                    if not incident.is_pausing(Attempt.STOP, now):
                        self._stop(after, now, DecisionReason.STILL_SUSPECTED)
                    return
            case DangerOver():
                after = _record_cap(incident, verdict.figures, DecisionReason.DANGER_OVER)
            case None:
                if not is_long_over(watch, now):
                    return
                after = replace(incident, decided=DecisionReason.CAP_OVER)
            case _:
                assert_never(verdict)
        self._end(replace(after, is_withdrawn=True), now)
        self.again.append(incident.function)  # what it does now nobody has judged

    def _judge_cap(self, incident: Incident, watch: Watch, now: datetime) -> CapVerdict | None:
        """What to do with a function that is capped in danger; ``None`` while nothing is reported.

        Who is refused does not wait for CloudWatch.
        """
        try:
            evidence = self.gathering.collect_one(incident.function, now)
        except MetricsUnavailableError:
            if is_long_over(watch, now):
                return None
            raise
        if evidence is None:
            return None
        verdict = self.enforcer.holding.look_at_cap(watch, evidence)
        self.log.info(
            "looked",
            function=incident.function,
            verdict=type(verdict).__name__,
            **asdict(verdict.figures),
        )
        return verdict

    def _is_certain(self, incident: Incident, now: datetime) -> bool:
        known = self.gathering.loops.of(incident.function).believed(now)
        return known.proof is LoopProof.CERTAIN

    def _notify_again(self, incident: Incident, now: datetime) -> None:
        """Notify people once more that they are to decide, before events that wait are given up."""
        at = None if incident.watch is None else incident.watch.notified_again_at
        if at is None or now < at or incident.has_notified(Transition.EXPIRING):
            return
        world = self.enforcer.world
        told = announce(incident, Transition.EXPIRING, world, now)
        deliver(world.ledger.save(told), world, now)

    def _look(self, incident: Incident, watch: Watch, now: datetime) -> None:
        since = find_counted_from(watch, now)
        recent = self.gathering.read_recent(incident.function, now, since)
        if recent is None:
            return  # CloudWatch reports nothing now: the next pulse looks again
        verdict = self.enforcer.holding.look(incident, watch, recent, now)
        self.log.info(
            "looked",
            function=incident.function,
            phase=watch.phase,
            verdict=type(verdict).__name__,
            **asdict(verdict.figures),
        )
        self._go_on(verdict, incident, watch, now)

    def _go_on(self, verdict: HoldVerdict, incident: Incident, watch: Watch, now: datetime) -> None:
        """Bring about what comes next in the hold, or its end."""
        is_pausing = incident.is_pausing(Attempt.CAP, now)
        match verdict:
            case Wait(watch=noted):
                if noted != watch:
                    self._note(incident, watch, noted)
            case LetGo() if not is_pausing:
                trial = watch.letting_go(
                    now,
                    concurrency=verdict.concurrency,
                    seconds=verdict.seconds,
                    waiting=verdict.waiting,
                    outside_per_minute=verdict.outside_per_minute,
                )
                self._begin_trial(incident, trial, now)
            case TryLonger(seconds=seconds) if not is_pausing:
                self._begin_trial(incident, watch.trying_longer(now, seconds), now)
            case HoldAgain() if not is_pausing:
                again = watch.holding_again(now)
                disabled = find_disabled_by_others(incident, self.enforcer.world.functions)
                self._move(plan_second_hold(incident, again, disabled), now)
            case TryLonger(reason=limit, figures=figures):
                untold = CannotTell(reason=limit, figures=figures)  # AWS refuses another trial
                self._end_or_keep(untold, incident, watch, now)
            case LetGo() | HoldAgain():
                return  # AWS refused it lately
            case Release() | CannotTell():
                self._end_or_keep(verdict, incident, watch, now)
            case Shown():
                self._conclude(incident, watch, verdict, now)
            case _:
                assert_never(verdict)

    def _note(self, incident: Incident, watch: Watch, noted: Watch) -> None:
        """Keep what was seen of a hold, or that it lasts longer: its end is moved first."""
        world = self.enforcer.world
        if noted.ends_at > watch.ends_at:
            schedule_way_back(incident, noted, world, world.clock())
        world.ledger.save(replace(incident, watch=noted))

    def _end_or_keep(
        self, verdict: Release | CannotTell, incident: Incident, watch: Watch, now: datetime
    ) -> None:
        """Let a function go; what may be a loop, or was shown once, is kept for people."""
        if is_released(verdict, watch, is_certain=self._is_certain(incident, now)):
            what = Verdict.BUSY if isinstance(verdict, Release) else Verdict.SUSPECTED
            self._end(_record_verdict(incident, verdict, what), now)
        else:
            kept = _record_verdict(incident, verdict, Verdict.SUSPECTED)
            self._keep(replace(kept, decided=DecisionReason.CANNOT_BE_TOLD), now)

    def _conclude(self, incident: Incident, watch: Watch, verdict: Shown, now: datetime) -> None:
        """Stop a loop that was shown twice where the graph is certain of it; hold any other on.

        Where AWS refuses a second trial, or the stop, until its time is over, it stays held for
        what was shown: its way back may not come before anybody has decided.
        """
        shown = _record_verdict(incident, verdict, Verdict.RUNAWAY)
        is_certain, is_over = self._is_certain(incident, now), now >= watch.ends_at
        if not watch.is_last_round and not incident.is_pausing(Attempt.CAP, now):
            self._begin_trial(incident, watch.letting_go_again(now), now)
        elif not watch.is_last_round and is_certain and not is_over:
            return  # the trial is tried again
        elif not may_be_stopped(verdict, watch, is_certain=is_certain):
            self._keep(replace(shown, decided=DecisionReason.SHOWN), now)
        elif not incident.is_pausing(Attempt.STOP, now):
            self._stop(shown, now, DecisionReason.RUNAWAY)
        elif is_over:
            self._keep(replace(shown, decided=DecisionReason.SHOWN), now)

    def _begin_trial(self, incident: Incident, trial: Watch, now: datetime) -> None:
        granted = self.enforcer.holding.fit_trial(trial.let_go_concurrency, incident)
        self._move(plan_trial(incident, replace(trial, trial_concurrency=granted)), now)

    def _move(self, incident: Incident, now: datetime) -> None:
        """Bring the next phase of a hold about; a run that dies in it is taken up by the next."""
        world = self.enforcer.world
        moving = incident.to(IncidentState.CAPPING, now).leased(world.present(now))
        contain(world.ledger.save(moving), world, now)

    def _stop(self, incident: Incident, now: datetime, reason: DecisionReason) -> None:
        """Stop a function that its hold has shown to be in a loop, or that goes on in a danger."""
        decided = replace(incident, decided=reason)
        self.log.info(
            "decided", decision="Contain", because=decided.decided, **fields_of(decided.assessment)
        )
        stop_held(decided, self.enforcer.world, now)

    def _keep(self, incident: Incident, now: datetime) -> None:
        """Leave a function held until people decide.

        Its way back is taken away after that is written down: if it comes all the same, it finds
        a hold that is not to end by itself.
        """
        world = self.enforcer.world
        self.log.info(
            "decided", decision="Keep", because=incident.decided, **fields_of(incident.assessment)
        )
        told = announce(replace(incident, is_shown=True), Transition.SHOWN, world, now)
        deliver(world.ledger.save(told), world, now)
        cancel_way_back(incident, world)

    def _end(self, incident: Incident, now: datetime) -> None:
        if incident.is_pausing(Attempt.RESTORE, now):
            return
        after = restore(incident, self.enforcer.world, now, IncidentState.LIFTED, is_asked=False)
        if after.is_closed:
            cancel_way_back(incident, self.enforcer.world)


def _record_verdict(incident: Incident, verdict: HoldVerdict, what: Verdict) -> Incident:
    """The incident with what its hold has shown, before what was seen of its spike."""
    first = incident.assessment
    grounds = (*explain_hold(verdict), *first.grounds)
    return replace(incident, assessment=replace(first, verdict=what, grounds=grounds))


def _record_cap(incident: Incident, figures: UnderCap, decided: DecisionReason) -> Incident:
    """The incident with what was seen under its cap, before what was seen of its spike."""
    first = incident.assessment
    grounds = (*explain_cap(figures), *first.grounds)
    return replace(incident, assessment=replace(first, grounds=grounds), decided=decided)
