"""Incidents of holds, trials, probations and caps in danger."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    EventSourceMapping,
)
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.assessment import (
    Ground,
    Reason,
    Unit,
    Verdict,
)
from functions.domain.detection.evidence import LoopProof, Trigger, TriggerKind
from functions.domain.holding.callers import UnderCap
from functions.domain.holding.grounds import (
    explain_cap,
    explain_hold,
    explain_imagined_cap,
    explain_not_held,
)
from functions.domain.holding.judgement.case import Figures
from functions.domain.holding.outcomes import (
    HoldVerdict,
    Release,
    ReleaseReason,
    Shown,
)
from functions.domain.holding.plan import NotHeld, NotHeldReason
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.snapshot import EventRoutes, HeldInstead
from functions.domain.incidents.states import IncidentState
from functions.domain.incidents.steps.hold_steps import plan_hold, plan_second_hold, plan_trial
from functions.domain.probation.record import ProbationFigures, ProbationOutcome
from functions.domain.probation.steps import plan_holding_again, plan_probation
from tests.unit.domain.notices.samples.account import (
    FUNCTION,
    NOW,
    QUEUE,
    QUEUE_MAPPING,
    STREAM_MAPPING,
    TABLE_STREAM,
    TRIGGERS,
    told,
)
from tests.unit.domain.notices.samples.stops import contained


def hold_plan(lever: Lever) -> HoldPlan:
    """A plan as it is made for a function of 2.4 s that runs 592 times at once."""
    return HoldPlan(
        levers=(lever,),
        cap=5 if lever is Lever.CAP else None,
        settling_seconds=40,
        opening_seconds=90 if lever is Lever.PAUSE else 10,
        held_seconds=220,
        held_again_seconds=520,
        trial_seconds=180,
        longest_trial_seconds=1_440,
        ran_before=592,
        around_seconds=2.4,
        batch_size=10,
        usd_per_event=0.00005,
        stretched_trial_seconds=21_840,
    )


SOURCES: Final = {
    Lever.CAP: Source(kind=SourceKind.ASYNCHRONOUS, name=FUNCTION),
    Lever.ZERO: Source(kind=SourceKind.TABLE, name="orders", loop=LoopProof.CERTAIN),
    Lever.PAUSE: Source(kind=SourceKind.QUEUE, name="orders-in", loop=LoopProof.POSSIBLE),
}


def held(lever: Lever, *, minutes: float = 0) -> Incident:
    """An incident whose function is held since some minutes, to see whether it feeds itself."""
    at = NOW - timedelta(minutes=minutes)
    watch = Watch(
        plan=hold_plan(lever),
        phase=Phase.HELD,
        since=at,
        held_at=at,
        spike_since=at - timedelta(minutes=7),
        sources=(SOURCES[lever],),
        normal_per_minute=35,
        before_per_minute=14_800,
        served_before_per_minute=14_800,
    )
    incident = replace(
        told(DecisionReason.SUSPECTED, Verdict.SUSPECTED),
        id=incident_id(FUNCTION, at),
        state=IncidentState.CAPPED,
        opened_at=at,
    )
    mapping = EventSourceMapping(uuid=QUEUE_MAPPING, source_arn=QUEUE, enabled=True)
    return in_force(plan_hold(incident, watch, None, (mapping,))).holding_since(at)


def held_instead() -> Incident:
    """A function that is held because the suspected one on its loop cannot be."""
    why_not = NotHeld(reason=NotHeldReason.FEW_RECEIVES, value=1, bound=3)
    instead = HeldInstead(
        function="orders-importer", because=explain_not_held(why_not), per_minute=14_800
    )
    incident = held(Lever.PAUSE)
    grounds = (Ground(reason=Reason.LOOP_PROVEN),)
    assessment = replace(
        incident.assessment, grounds=grounds, rate_per_minute=1_480, normal_per_minute=4
    )
    return replace(incident, assessment=assessment, instead=instead)


def in_force(incident: Incident) -> Incident:
    """An incident all of whose steps are done."""
    for outcome in incident.steps:
        incident = incident.with_outcome(outcome.step, StepStatus.DONE)
    return incident


def judged(lever: Lever, verdict: HoldVerdict, decided: DecisionReason) -> Incident:
    """The same after all its phases, by what they showed."""
    incident = held(lever, minutes=verdict.figures.minutes)
    watch = incident.watch
    if watch is None:
        raise AssertionError
    if verdict.figures.trial_per_minute is not None:
        middle = NOW - timedelta(minutes=8)
        trial = watch.letting_go(
            middle, concurrency=6, seconds=180, waiting=40, outside_per_minute=0
        ).in_force(middle)
        again = trial.holding_again(NOW - timedelta(minutes=5))
        incident = in_force(plan_trial(incident, trial))
        incident = in_force(plan_second_hold(incident, again))
    first = incident.assessment
    what = {
        Shown: Verdict.RUNAWAY,
        Release: Verdict.BUSY,
    }.get(type(verdict), Verdict.SUSPECTED)
    grounds = (*explain_hold(verdict), *first.grounds)
    return replace(
        incident,
        assessment=replace(first, verdict=what, grounds=grounds),
        decided=decided.value,
        is_shown=decided is not DecisionReason.SUSPECTED,
    )


DANGER: Final = Ground(
    reason=Reason.STARVES_OTHERS, value=940, unit=Unit.CONCURRENT, reference=1_000
)


CALLERS: Final = (
    Trigger(
        kind=TriggerKind.SYNC,
        service="API Gateway",
        source_arn="arn:aws:execute-api:us-east-1:123456789012:a1b2c3/*/GET/orders",
    ),
)


def capped_in_danger(*, minutes: float = 0, is_certain: bool = True) -> Incident:
    """An incident whose callers wait: capped at its normal peak since some minutes."""
    capped = held(Lever.CAP, minutes=minutes)
    if capped.watch is None:
        raise AssertionError
    plan = replace(
        capped.watch.plan,
        cap=5,
        settling_seconds=10,
        opening_seconds=0,
        held_seconds=900,
        held_again_seconds=0,
        trial_seconds=0,
        longest_trial_seconds=0,
        is_for_callers=True,
    )
    proof = (Ground(reason=Reason.LOOP_PROVEN),) if is_certain else ()
    grounds = (*proof, DANGER, *capped.assessment.grounds)
    return replace(
        capped,
        watch=replace(capped.watch, plan=plan),
        assessment=replace(capped.assessment, grounds=grounds),
    )


def would_be_capped() -> Incident:
    """The same in observe mode: people are notified what would have been done to the callers."""
    capped = capped_in_danger(is_certain=False)
    if capped.watch is None:
        raise AssertionError
    grounds = (explain_imagined_cap(capped.watch.plan), *capped.assessment.grounds)
    observed = told(DecisionReason.OBSERVE_MODE, Verdict.SUSPECTED)
    return replace(observed, assessment=replace(capped.assessment, grounds=grounds))


def cap_ended(reason: DecisionReason) -> Incident:
    """The same after its cap was taken back."""
    figures = UnderCap(minutes=15, refused=214_000, asked_per_minute=14_300)
    capped = capped_in_danger(minutes=15, is_certain=False)
    seen = replace(capped.assessment, grounds=(*explain_cap(figures), *capped.assessment.grounds))
    return ended(replace(capped, assessment=seen, decided=reason.value, is_withdrawn=True))


def put_back() -> Incident:
    """An incident whose function was held, and made exempt by people."""
    return withdrawn(Lever.PAUSE, DecisionReason.EXEMPT_BY_TAG)


def withdrawn(lever: Lever, reason: DecisionReason) -> Incident:
    """An incident whose function was held, and let go without an answer."""
    return ended(replace(held(lever, minutes=46), decided=reason.value, is_withdrawn=True))


FIGURES: Final = Figures(
    minutes=14,
    normal_per_minute=35,
    before_per_minute=14_800,
    held_per_minute=0,
    trial_per_minute=814,
    again_per_minute=0,
    waiting=40,
    generations=61,
)


def let_go(reason: ReleaseReason, figures: Figures, lever: Lever = Lever.PAUSE) -> Incident:
    """An incident whose hold showed that the function does not feed itself."""
    return ended(judged(lever, Release(reason=reason, figures=figures), DecisionReason.SUSPECTED))


def ended(incident: Incident) -> Incident:
    """The incident once all its steps are taken back."""
    for outcome in incident.steps:
        incident = incident.with_restored(outcome.step, StepStatus.DONE)
    return replace(incident, state=IncidentState.LIFTED, is_shown=False)


def stopped_after_hold() -> Incident:
    """An incident whose function was held, shown to be in a loop, and stopped just now."""
    shown = judged(Lever.ZERO, Shown(figures=FIGURES), DecisionReason.RUNAWAY)
    stopped = shown.with_reservation(0, shown.prior).with_mappings(
        (EventSourceMapping(uuid=STREAM_MAPPING, source_arn=TABLE_STREAM, enabled=True),)
    )
    return replace(
        in_force(stopped),
        state=IncidentState.CONTAINED,
        is_shown=False,
        routes=EventRoutes(triggers=TRIGGERS[:1], async_target_arn=""),
    ).holding_since(NOW)


def expiring() -> Incident:
    """An incident whose function people have left held for half of the time that events wait."""
    shown = judged(Lever.PAUSE, Shown(figures=FIGURES), DecisionReason.SHOWN)
    if shown.watch is None:
        raise AssertionError
    two_days_ago = NOW - timedelta(days=2)
    plan = replace(shown.watch.plan, kept_seconds=4 * 86_400)
    watch = replace(shown.watch, plan=plan, held_at=two_days_ago)
    return replace(shown, watch=watch, contained_at=two_days_ago)


def restored_after_hold() -> Incident:
    """The same of a function that was only held on, restored by a person now."""
    shown = judged(Lever.PAUSE, Shown(figures=FIGURES), DecisionReason.SHOWN)
    return replace(ended(shown), state=IncidentState.RESTORED)


def on_probation(outcome: ProbationOutcome | None = None, **figures: float) -> Incident:
    """An incident whose function was stopped seven hours ago, and is on probation since then."""
    begun = NOW - timedelta(minutes=0 if outcome is None else 12)
    planned = plan_probation(contained(prior=25, hours=7), {}, begun)
    probation = planned.probation
    if probation is None:
        raise AssertionError
    for one in planned.steps:
        if one.restored is not None:
            planned = planned.with_restored(one.step, StepStatus.DONE)
        if one.status is StepStatus.PLANNED:
            planned = planned.with_outcome(one.step, StepStatus.DONE)
    probation = probation.in_force(begun)
    if outcome is not None:
        seen = ProbationFigures(minutes=6, **figures)
        probation = probation.concluded(outcome, seen)
    return replace(planned, state=IncidentState.CAPPED, probation=probation)


def after_probation(outcome: ProbationOutcome, **figures: float) -> Incident:
    """The same, restored."""
    incident = on_probation(outcome, **figures)
    for one in incident.steps:
        incident = incident.with_restored(one.step, StepStatus.DONE)
    return replace(incident, state=IncidentState.RESTORED)


def held_after_probation(outcome: ProbationOutcome, **figures: float) -> Incident:
    """The same, stopped again."""
    again = plan_holding_again(on_probation(outcome, **figures))
    for one in again.steps:
        if one.status is StepStatus.PLANNED:
            again = again.with_outcome(one.step, StepStatus.DONE)
    return replace(again, state=IncidentState.CONTAINED)


def cap_put_back() -> Incident:
    """An incident whose cap, of an earlier version, was taken back."""
    incident = replace(
        contained(target=5, hours=0.5), state=IncidentState.LIFTED, is_withdrawn=True
    )
    return incident.with_restored(incident.steps[0].step, StepStatus.DONE)


def refused_while_paused() -> Incident:
    """An incident whose queue is paused by a hold that has shown a loop, and which went no further.

    AWS refuses the reservation of 0.
    """
    shown = judged(Lever.PAUSE, Shown(figures=FIGURES), DecisionReason.RUNAWAY)
    stopping = replace(shown, state=IncidentState.CONTAINING, is_shown=False)
    stopping = stopping.with_reservation(0, None)
    return stopping.with_outcome(
        stopping.steps[0].step, StepStatus.FAILED, "AccessDeniedException: explicit deny"
    )
