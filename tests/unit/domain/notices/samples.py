"""Incidents as they really end up in the ledger, for the tests of the notices and their pages."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from functions.domain.account.limits import AccountLimits
from functions.domain.account.origin import FunctionOrigin
from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    EventSourceMapping,
    ProvisionedConcurrency,
    RemoveProvisioned,
    Reserve,
    VersionScaling,
)
from functions.domain.deployment.guard_protection import (
    LeaveUnprotected,
    compose_unprotected_notice,
    describe_too_small,
)
from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.assessment import (
    Assessment,
    CapFigures,
    Ground,
    Rate,
    Reason,
    Unit,
    Verdict,
)
from functions.domain.detection.evidence import FunctionFacts, LoopProof, Trigger, TriggerKind
from functions.domain.graph.loop_lookup import NOTHING_KNOWN, LoopStatus, LoopStep
from functions.domain.graph.model import Doubt
from functions.domain.holding.callers import UnderCap
from functions.domain.holding.case import Figures
from functions.domain.holding.grounds import (
    explain_cap,
    explain_hold,
    explain_imagined_cap,
    explain_not_held,
)
from functions.domain.holding.outcomes import (
    CannotTell,
    HoldVerdict,
    Release,
    ReleaseReason,
    Shown,
    UntoldReason,
)
from functions.domain.holding.plan import NotHeld, NotHeldReason
from functions.domain.holding.watch import HoldPlan, Lever, Phase, Watch
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.policy import Response
from functions.domain.incidents.snapshot import EventRoutes, FoundReservation, HeldInstead
from functions.domain.incidents.states import IncidentState, Transition
from functions.domain.incidents.steps.hold_steps import plan_hold, plan_second_hold, plan_trial
from functions.domain.incidents.tags.snapshot import SNAPSHOT_TAG, TaggedSnapshot
from functions.domain.notices.events.guard import (
    describe_doubtful_tag,
    describe_functions_left,
    describe_guard_unprotected,
    describe_unreadable_record,
    describe_unreadable_tag,
)
from functions.domain.notices.events.incident import describe_stop_without_ledger
from functions.domain.notices.graph.text import OR_DISABLE, describe_doubt
from functions.domain.notices.incident.compose import compose_notice
from functions.domain.notices.incident.stopped import compose_ledger_unavailable
from functions.domain.notices.incident.tags import compose_doubtful_tag, compose_unreadable_tag
from functions.domain.notices.incident.unreadable_record import compose_unreadable_record
from functions.domain.notices.layout import mark_as_repeated
from functions.domain.notices.notice import Deployment, Notice, NoticeContext, with_event
from functions.domain.notices.stack_deletion import compose_functions_left
from functions.domain.probation.record import ProbationFigures, ProbationOutcome
from functions.domain.probation.steps import plan_holding_again, plan_probation

NOW: Final = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
FUNCTION: Final = "orders-enricher"
HOME: Final = "eu-west-1:123456789012"
ARN: Final = f"arn:aws:lambda:{HOME}:function:{FUNCTION}"
TABLE_STREAM: Final = f"arn:aws:dynamodb:{HOME}:table/orders/stream/2026-01-12T09:30:00.000"
QUEUE: Final = f"arn:aws:sqs:{HOME}:orders-in"
TOPIC: Final = f"arn:aws:sns:{HOME}:orders-failed"
STREAM_MAPPING: Final = "0b3d1e9a-52c4-4b7e-9d58-2f1f6b1c7a10"
QUEUE_MAPPING: Final = "7f2a4c11-8e0d-4a52-b6b9-90c3d5e8f422"
ALICE: Final = "arn:aws:sts::123456789012:assumed-role/Admin/alice"

TRIGGERS: Final = (
    Trigger(
        kind=TriggerKind.STREAM,
        service="DynamoDB stream",
        source_arn=TABLE_STREAM,
        mapping_uuid=STREAM_MAPPING,
    ),
    Trigger(kind=TriggerKind.SQS, service="SQS", source_arn=QUEUE, mapping_uuid=QUEUE_MAPPING),
    Trigger(kind=TriggerKind.ASYNC, service="S3", source_arn="arn:aws:s3:::order-uploads"),
)
DEPLOYMENT: Final = Deployment(
    region="eu-west-1",
    account="123456789012",
    account_alias="prod-eu",
    stack_name="Loopbreaker",
    deploy_flags="-c email=ops@example.com",
)
HOLDING: Final = replace(DEPLOYMENT, response=Response.HOLD, patience=timedelta(minutes=15))
CONTEXT: Final = NoticeContext(
    deployment=DEPLOYMENT,
    triggers=TRIGGERS,
    is_async_target_known=True,
    loop=LoopStatus(
        proof=LoopProof.CERTAIN,
        drawing="orders-table ─stream▶ orders-enricher ─PutItem▶ orders-table",
        closed_by=(
            (
                "orders-table ─stream▶ orders-enricher: event source mapping"
                " 2b6f1e7c-0000-4000-8000-000000000001, every record passes"
            ),
            (
                "orders-enricher ─PutItem▶ orders-table: statement WriteOrders of the policy"
                " orders-enricher-inline"
            ),
        ),
        broken_by="let orders-enricher write to another table than orders-table (statement"
        " WriteOrders), or filter the records that it writes itself out of its event source"
        " mapping",
        at=datetime(2026, 11, 23, 3, 1, tzinfo=UTC),
        key="3f9c1d5be07a4426",
        steps=(
            LoopStep(
                source="orders-table",
                source_kind="table",
                target=FUNCTION,
                target_kind="function",
                means="event source mapping",
                label="stream",
                certainty="certain",
            ),
            LoopStep(
                source=FUNCTION,
                source_kind="function",
                target="orders-table",
                target_kind="table",
                means="permission",
                label="PutItem",
                certainty="certain",
            ),
        ),
    ),
)


NOT_RULED_OUT: Final = LoopStatus(
    not_ruled_out=tuple(map(describe_doubt, (Doubt.HTTP, Doubt.ROLE))),
    at=datetime(2026, 11, 23, 3, 1, tzinfo=UTC),
)
QUEUE_LOOP: Final = LoopStatus(
    proof=LoopProof.POSSIBLE,
    drawing="orders-in ─SQS▶ orders-enricher ╌SendMessage▷ orders-in",
    broken_by=f"Give event source mapping {QUEUE_MAPPING} of queue orders-in a filter that"
    f" excludes what orders-enricher may write{OR_DISABLE}",
    at=datetime(2026, 11, 23, 3, 1, tzinfo=UTC),
)


def assessed(verdict: Verdict = Verdict.RUNAWAY, function: str = FUNCTION) -> Assessment:
    """A verdict on a function that suddenly runs 14,800 times a minute."""
    proof = (
        Ground(reason=Reason.LOOP_PROVEN)
        if verdict is Verdict.RUNAWAY
        else Ground(reason=Reason.NO_PRECEDENT, value=14_800, unit=Unit.PER_MINUTE, reference=112)
    )
    return Assessment(
        function=function,
        verdict=verdict,
        at=NOW - timedelta(minutes=1),
        grounds=(
            proof,
            Ground(reason=Reason.ABOVE_RECENT, value=14_800, unit=Unit.PER_MINUTE, reference=41),
            Ground(reason=Reason.SUSTAINED, value=6, unit=Unit.MINUTES),
        ),
        rate_per_minute=14_800,
        normal_per_minute=35,
        since=NOW - timedelta(minutes=7),
        normal_concurrency=5,
        mean_duration_ms=2_400,
        invocations_since=81_000,
    )


def told(
    decided: DecisionReason, verdict: Verdict = Verdict.RUNAWAY, function: str = FUNCTION
) -> Incident:
    """An incident of which people are only told."""
    return Incident(
        id=incident_id(function, NOW),
        function=function,
        function_arn=f"arn:aws:lambda:{HOME}:function:{function}",
        state=IncidentState.NOTIFIED,
        opened_at=NOW,
        updated_at=NOW,
        assessment=assessed(verdict, function),
        decided=decided.value,
        memory_mb=1024,
        timeout_seconds=300,
    )


def contained(
    *, function: str = FUNCTION, prior: int | None = None, target: int = 0, hours: float = 0
) -> Incident:
    """An incident whose function is held since some hours, at 0 or at a cap."""
    reason = DecisionReason.SUSPECTED if target else DecisionReason.RUNAWAY
    verdict = Verdict.SUSPECTED if target else Verdict.RUNAWAY
    at = NOW - timedelta(hours=hours)
    incident = replace(
        told(reason, verdict, function),
        id=incident_id(function, at),
        state=IncidentState.CAPPED if target else IncidentState.CONTAINED,
        opened_at=at,
        contained_at=at,
        stopped_at=None if target else at,
        routes=None if target else EventRoutes(triggers=TRIGGERS, async_target_arn=""),
    ).with_reservation(target, prior)
    if not target:
        incident = incident.with_surroundings(
            (ProvisionedConcurrency(qualifier="live", requested=4),),
            (
                EventSourceMapping(uuid=STREAM_MAPPING, source_arn=TABLE_STREAM, enabled=True),
                EventSourceMapping(uuid=QUEUE_MAPPING, source_arn=QUEUE, enabled=True),
            ),
        )
    for outcome in incident.steps:
        incident = incident.with_outcome(outcome.step, StepStatus.DONE)
    return incident


def ordered() -> Incident:
    """An incident whose function was stopped by order of a person, while it was calm."""
    calm = Assessment(
        function=FUNCTION,
        verdict=Verdict.CALM,
        at=NOW,
        grounds=(Ground(reason=Reason.BELOW_FLOOR, value=35, unit=Unit.PER_MINUTE, reference=500),),
        rate_per_minute=35,
        normal_per_minute=31,
        mean_duration_ms=2_400,
    )
    return replace(
        contained(prior=50),
        assessment=calm,
        decided=DecisionReason.ORDERED.value,
        ordered_by=ALICE,
    )


def order_refused() -> Incident:
    """An incident whose function could not be stopped, although a person ordered it."""
    return replace(
        refused(),
        assessment=replace(ordered().assessment, grounds=(), rate_per_minute=0),
        decided=DecisionReason.ORDERED.value,
    )


def contained_after_cap() -> Incident:
    """An incident whose function was capped at 1 six minutes ago, and stopped just now."""
    at = NOW - timedelta(minutes=6)
    before = Rate(per_minute=65, at=at)
    under = CapFigures(
        before=before,
        under=Rate(per_minute=4, at=NOW - timedelta(minutes=2)),
        asked_per_minute=17,
    )
    capped = replace(
        contained(target=1),
        id=incident_id(FUNCTION, at),
        opened_at=at,
        contained_at=at,
        decided=DecisionReason.RUNAWAY.value,
        memory_mb=128,
        assessment=Assessment(
            function=FUNCTION,
            verdict=Verdict.RUNAWAY,
            at=NOW,
            grounds=(
                Ground(reason=Reason.DEMAND_FELL, value=17, unit=Unit.ATTEMPTS, reference=65),
                Ground(reason=Reason.PINNED_AT_CAP, value=1, unit=Unit.CONCURRENT, reference=1),
                Ground(reason=Reason.SUSTAINED, value=5, unit=Unit.MINUTES),
                Ground(reason=Reason.THROTTLED_BY_CAP, value=13, unit=Unit.THROTTLES),
            ),
            rate_per_minute=4,
            normal_per_minute=1,
            since=at - timedelta(minutes=4),
            normal_concurrency=1,
            mean_duration_ms=420,
            invocations_since=281,
            cap=under,
        ),
    )
    stopped = capped.with_reservation(0, None).with_surroundings(
        (), (EventSourceMapping(uuid=QUEUE_MAPPING, source_arn=QUEUE, enabled=True),)
    )
    for outcome in stopped.steps:
        stopped = stopped.with_outcome(outcome.step, StepStatus.DONE)
    return replace(
        stopped,
        state=IncidentState.CONTAINED,
        stopped_at=NOW,
        routes=EventRoutes(triggers=TRIGGERS[1:2], async_target_arn=""),
    )


def restored_after_cap() -> Incident:
    """The same, stopped 50 minutes ago and restored now."""
    incident = contained_after_cap()
    back = timedelta(minutes=50)
    incident = replace(
        incident,
        id=incident_id(FUNCTION, incident.opened_at - back),
        state=IncidentState.RESTORED,
        opened_at=incident.opened_at - back,
        contained_at=incident.opened_at - back,
        stopped_at=NOW - back,
    )
    for outcome in incident.steps:
        incident = incident.with_restored(outcome.step, StepStatus.DONE)
    return incident


def ledgerless() -> Incident:
    """A function that was stopped without the ledger: nothing but its reservation is changed."""
    stopped = replace(
        told(DecisionReason.RUNAWAY), contained_at=NOW, stopped_at=NOW
    ).with_reservation(0, 25)
    return replace(stopped, state=IncidentState.CONTAINING)


def on_instances() -> Incident:
    """An incident whose function runs on Lambda Managed Instances, and is stopped."""
    incident = replace(
        told(DecisionReason.RUNAWAY),
        state=IncidentState.CONTAINED,
        contained_at=NOW,
        stopped_at=NOW,
    ).with_scaling(
        (
            VersionScaling(qualifier="$LATEST.PUBLISHED", minimum=3, maximum=None),
            VersionScaling(qualifier="7", minimum=5, maximum=40),
        )
    )
    for outcome in incident.steps:
        incident = incident.with_outcome(outcome.step, StepStatus.DONE)
    return incident


def released() -> Incident:
    """An incident whose function somebody released 20 minutes ago."""
    return replace(
        contained(hours=2),
        state=IncidentState.RELEASED,
        released_at=NOW - timedelta(minutes=20),
        actor=ALICE,
    )


def restored() -> Incident:
    """An incident that is over: all is back, but for what somebody else had changed."""
    incident = replace(contained(prior=25, hours=5.5), state=IncidentState.RESTORED)
    for outcome in incident.steps:
        match outcome.step:
            case Reserve():
                incident = incident.with_restored(
                    outcome.step,
                    StepStatus.CHANGED_MEANWHILE,
                    "40 are reserved now; Loopbreaker had written 0",
                )
            case _:
                incident = incident.with_restored(outcome.step, StepStatus.DONE)
    return incident


def unrestored() -> Incident:
    """An incident whose reservation AWS refused to put back."""
    incident = replace(contained(prior=200, hours=5.5), state=IncidentState.CONTAINED)
    for outcome in incident.steps:
        match outcome.step:
            case DisableMapping():
                incident = incident.with_restored(outcome.step, StepStatus.DONE)
            case Reserve():
                incident = incident.with_restored(
                    outcome.step,
                    StepStatus.FAILED,
                    "Specified ReservedConcurrentExecutions for function decreases account's"
                    " UnreservedConcurrentExecution below its minimum value of [100].",
                )
            case RemoveProvisioned():
                pass
    return incident


def refused() -> Incident:
    """An incident whose function could not be stopped."""
    incident = replace(told(DecisionReason.RUNAWAY), state=IncidentState.NOTIFIED).with_reservation(
        0, None
    )
    return incident.with_outcome(
        incident.steps[0].step,
        StepStatus.FAILED,
        "User: arn:aws:sts::123456789012:assumed-role/Loopbreaker-Contain/contain is not"
        " authorized to perform: lambda:PutFunctionConcurrency with an explicit deny in a service"
        " control policy",
    )


def contained_in_part() -> Incident:
    """An incident whose function is stopped, with a mapping that AWS did not disable."""
    incident = contained()
    return incident.with_outcome(
        incident.steps[-1].step,
        StepStatus.FAILED,
        "ResourceInUseException: the mapping is in use by another update",
    )


def refused_under_cap() -> Incident:
    """An incident whose function was capped at 3, and could not be stopped."""
    capped = replace(contained(target=3, hours=0.2), decided=DecisionReason.RUNAWAY.value)
    capped = replace(capped, assessment=assessed(Verdict.RUNAWAY)).with_reservation(0, None)
    return capped.with_outcome(
        capped.steps[0].step, StepStatus.FAILED, "AccessDeniedException: explicit deny"
    )


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
    """The same in observe mode: people are told what would have been done to the callers."""
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
    return _ended(replace(capped, assessment=seen, decided=reason.value, is_withdrawn=True))


def put_back() -> Incident:
    """An incident whose function was held, and made exempt by people."""
    return withdrawn(Lever.PAUSE, DecisionReason.EXEMPT_BY_TAG)


def withdrawn(lever: Lever, reason: DecisionReason) -> Incident:
    """An incident whose function was held, and let go without an answer."""
    return _ended(replace(held(lever, minutes=46), decided=reason.value, is_withdrawn=True))


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
    return _ended(judged(lever, Release(reason=reason, figures=figures), DecisionReason.SUSPECTED))


def _ended(incident: Incident) -> Incident:
    for outcome in incident.steps:
        incident = incident.with_restored(outcome.step, StepStatus.DONE)
    return replace(incident, state=IncidentState.LIFTED, is_shown=False)


def stopped_after_hold() -> Incident:
    """An incident whose function was held, shown to be in a loop, and stopped just now."""
    shown = judged(Lever.ZERO, Shown(figures=FIGURES), DecisionReason.RUNAWAY)
    stopped = shown.with_reservation(0, shown.prior).with_surroundings(
        (), (EventSourceMapping(uuid=STREAM_MAPPING, source_arn=TABLE_STREAM, enabled=True),)
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
    return replace(_ended(shown), state=IncidentState.RESTORED)


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


def not_held(
    why: NotHeld,
    *,
    is_certain: bool = False,
    reason: DecisionReason = DecisionReason.CANNOT_BE_HELD,
) -> Notice:
    """A notice that a function cannot be held."""
    incident = told(reason, Verdict.SUSPECTED)
    first = incident.assessment
    proof = (Ground(reason=Reason.LOOP_PROVEN),) if is_certain else ()
    grounds = (explain_not_held(why), *proof, *first.grounds)
    return observed(
        Transition.NOTIFIED,
        replace(incident, assessment=replace(first, grounds=grounds)),
        deployment=HOLDING,
        loop=CONTEXT.loop if is_certain else QUEUE_LOOP,
    )


def cap_put_back() -> Incident:
    """An incident whose cap, of an earlier version, was taken back."""
    incident = replace(
        contained(target=5, hours=0.5), state=IncidentState.LIFTED, is_withdrawn=True
    )
    return incident.with_restored(incident.steps[0].step, StepStatus.DONE)


def observed(transition: Transition, incident: Incident, **changes: object) -> Notice:
    """A notice with a changed context."""
    return compose_notice(transition, incident, replace(CONTEXT, **changes), NOW)  # type: ignore[arg-type]


def _told(reason: DecisionReason, verdict: Verdict = Verdict.RUNAWAY, **changes: object) -> Notice:
    return observed(Transition.NOTIFIED, told(reason, verdict), **changes)


def _again() -> Notice:
    return mark_as_repeated(observed(Transition.RESTORED, restored()))


TAGGED: Final = TaggedSnapshot(
    reserved_concurrency=40,
    at=NOW - timedelta(minutes=34),
    provisioned=(ProvisionedConcurrency(qualifier="live", requested=5),),
)


def tagged(value: str = "") -> FunctionFacts:
    """A function with a tag that looks like the guard's."""
    return FunctionFacts(
        name=FUNCTION,
        arn=ARN,
        memory_mb=512,
        timeout_seconds=30,
        reserved_concurrency=0,
        tags=MappingProxyType({SNAPSHOT_TAG: value} if value else TAGGED.to_tags()),
    )


STRANGE_TAG: Final = "v2 aws lambda delete-function --function-name orders"
LEFT_HELD: Final = (contained(hours=26), contained(function="billing-sync", prior=10, hours=1))


def without_ledger(incident: Incident, detail: str, *, is_tagged: bool) -> Notice:
    """A notice of a stop that no record holds."""
    context = replace(CONTEXT, detail=detail)
    said = compose_ledger_unavailable(
        incident,
        context,
        NOW,
        is_tagged=is_tagged,
        tag_key="loopbreaker:snapshot" if is_tagged else "",
    )
    return with_event(said, describe_stop_without_ledger(incident, context, NOW))


def _unprotected() -> Notice:
    limits = AccountLimits(concurrency=10, unreserved=10, functions=7)
    text = describe_too_small(LeaveUnprotected(limits=limits, wanted=7))
    notice = compose_unprotected_notice("Loopbreaker", text)
    return with_event(notice, describe_guard_unprotected(text, NOW))


ORIGIN: Final = FunctionOrigin(
    owners=("owner: payments@example.com", "team: payments"),
    stack="orders-prod",
    changed_at=NOW - timedelta(minutes=31),
    runbook="https://wiki.example.com/runbooks/orders-enricher",
)
SAMPLES: Final[dict[str, Callable[[], Notice]]] = {
    "contained": lambda: observed(Transition.CONTAINED, replace(contained(), origin=ORIGIN)),
    "ordered": lambda: observed(Transition.CONTAINED, ordered()),
    "order_refused": lambda: observed(Transition.CONTAIN_FAILED, order_refused()),
    "held_by_cap": lambda: observed(Transition.CAPPED, held(Lever.CAP), loop=NOT_RULED_OUT),
    "held_at_zero": lambda: observed(Transition.CAPPED, held(Lever.ZERO)),
    "held_instead": lambda: observed(
        Transition.CAPPED, held_instead(), triggers=TRIGGERS[:1], loop=QUEUE_LOOP
    ),
    "held_paused": lambda: observed(Transition.CAPPED, held(Lever.PAUSE), loop=QUEUE_LOOP),
    "shown": lambda: observed(
        Transition.SHOWN,
        judged(Lever.PAUSE, Shown(figures=FIGURES), DecisionReason.SHOWN),
        loop=QUEUE_LOOP,
    ),
    "expiring": lambda: observed(Transition.EXPIRING, expiring(), loop=QUEUE_LOOP),
    "cannot_be_told": lambda: observed(
        Transition.SHOWN,
        judged(
            Lever.CAP,
            CannotTell(
                reason=UntoldReason.TOO_DEAR,
                figures=replace(FIGURES, waiting=21_400, generations=2.5, trial_per_minute=9_300),
            ),
            DecisionReason.CANNOT_BE_TOLD,
        ),
        loop=NOT_RULED_OUT,
    ),
    "stopped_after_hold": lambda: observed(
        Transition.CONTAINED, stopped_after_hold(), triggers=TRIGGERS[:1]
    ),
    "restored_after_hold": lambda: observed(Transition.RESTORED, restored_after_hold()),
    "fed_from_outside": lambda: observed(
        Transition.LIFTED,
        let_go(
            ReleaseReason.STILL_ARRIVING,
            Figures(
                minutes=4, normal_per_minute=35, before_per_minute=14_800, held_per_minute=13_900
            ),
        ),
    ),
    "not_come_back": lambda: observed(
        Transition.LIFTED,
        let_go(
            ReleaseReason.NOT_COME_BACK,
            replace(FIGURES, minutes=9, trial_per_minute=0, again_per_minute=None, generations=0),
            Lever.ZERO,
        ),
    ),
    "not_judged": lambda: observed(
        Transition.LIFTED,
        _ended(
            judged(
                Lever.CAP,
                CannotTell(reason=UntoldReason.DATA_LATE, figures=Figures(minutes=11)),
                DecisionReason.SUSPECTED,
            )
        ),
    ),
    "capped_in_danger": lambda: observed(Transition.CAPPED, capped_in_danger(), triggers=CALLERS),
    "cap_over": lambda: observed(Transition.LIFTED, cap_ended(DecisionReason.CAP_OVER)),
    "danger_over": lambda: observed(Transition.LIFTED, cap_ended(DecisionReason.DANGER_OVER)),
    "cap_ended_by_schedule": lambda: observed(
        Transition.LIFTED, cap_ended(DecisionReason.HOLD_OVER)
    ),
    "not_held": lambda: not_held(NotHeld(reason=NotHeldReason.FEW_RECEIVES, value=2, bound=3)),
    "not_held_callers_wait": lambda: not_held(
        NotHeld(reason=NotHeldReason.SYNCHRONOUS), is_certain=True
    ),
    "not_held_again": lambda: not_held(
        NotHeld(reason=NotHeldReason.HELD_OFTEN, value=4, bound=4),
        reason=DecisionReason.HELD_OFTEN,
    ),
    "not_held_on_instances": lambda: _told(
        DecisionReason.NO_CAP_FOR_INSTANCES,
        Verdict.SUSPECTED,
        loop=QUEUE_LOOP,
        deployment=HOLDING,
    ),
    "old_cap": lambda: observed(Transition.CAPPED, contained(target=5)),
    "old_cap_put_back": lambda: observed(Transition.LIFTED, cap_put_back()),
    "observe_mode": lambda: _told(DecisionReason.OBSERVE_MODE),
    "observe_mode_hold": lambda: _told(
        DecisionReason.OBSERVE_MODE, Verdict.SUSPECTED, deployment=HOLDING
    ),
    "observe_mode_callers": lambda: observed(
        Transition.NOTIFIED, would_be_capped(), triggers=CALLERS
    ),
    "blast_radius": lambda: _told(
        DecisionReason.BLAST_RADIUS,
        deployment=replace(DEPLOYMENT, blast_radius=3),
        contained_already=("billing-sync", "image-resize", "mail-out"),
    ),
    "exempt": lambda: _told(DecisionReason.EXEMPT_BY_TAG),
    "response_notify": lambda: _told(DecisionReason.RESPONSE_IS_NOTIFY, Verdict.SUSPECTED),
    "still_suspected": lambda: observed(
        Transition.CONTAINED,
        replace(
            contained(),
            decided=DecisionReason.STILL_SUSPECTED,
            assessment=replace(
                assessed(Verdict.SUSPECTED),
                grounds=(
                    explain_not_held(NotHeld(reason=NotHeldReason.SYNCHRONOUS)),
                    Ground(reason=Reason.LOOP_PROVEN),
                    *assessed(Verdict.SUSPECTED).grounds,
                ),
            ),
        ),
    ),
    "restored_after_cap": lambda: observed(Transition.RESTORED, restored_after_cap()),
    "stopped_by_aws": lambda: observed(
        Transition.NOTIFIED,
        replace(
            told(DecisionReason.STOPPED_BY_AWS),
            assessment=replace(
                assessed(Verdict.BUSY),
                grounds=(Ground(reason=Reason.NATIVE_DROPS, value=12, unit=Unit.DROPS),),
                rate_per_minute=190,
                invocations_since=1_330,
            ),
        ),
        loop=QUEUE_LOOP,
    ),
    "edge_replica": lambda: observed(
        Transition.NOTIFIED,
        replace(
            told(DecisionReason.EDGE_REPLICA, function="us-east-1.edge-auth"),
            function_arn="",
            memory_mb=0,
            timeout_seconds=0,
        ),
        triggers=(Trigger(kind=TriggerKind.SYNC, service="CloudFront", source_arn=""),),
        loop=NOTHING_KNOWN,
    ),
    "managed_instances": lambda: observed(Transition.CONTAINED, on_instances()),
    "scaling_unknown": lambda: _told(DecisionReason.SCALING_UNKNOWN),
    "durable": lambda: observed(Transition.CONTAINED, replace(contained(), is_durable=True)),
    "contain_failed": lambda: observed(Transition.CONTAIN_FAILED, refused()),
    "contained_in_part": lambda: observed(Transition.CONTAIN_FAILED, contained_in_part()),
    "released": lambda: observed(
        Transition.RELEASED, released(), found=FoundReservation(reserved_concurrency=None)
    ),
    "running_away_again": lambda: observed(Transition.RUNNING_AWAY_AGAIN, released()),
    "probation": lambda: observed(Transition.PROBATION, on_probation()),
    "probation_passed": lambda: observed(
        Transition.RESTORED,
        after_probation(
            ProbationOutcome.NOT_COME_BACK,
            let_go=40,
            rounds=0.0,
            ran=44,
            outside_per_minute=2,
            per_minute=2,
        ),
    ),
    "probation_failed": lambda: observed(
        Transition.PROBATION_FAILED,
        held_after_probation(
            ProbationOutcome.CAME_BACK,
            let_go=40,
            rounds=61,
            ran=2_440,
            outside_per_minute=0,
            per_minute=410,
            again_per_minute=0,
        ),
    ),
    "probation_too_many_wait": lambda: observed(
        Transition.PROBATION_FAILED,
        held_after_probation(
            ProbationOutcome.TOO_MANY_WAIT,
            let_go=21_400,
            rounds=1.2,
            ran=1_900,
            outside_per_minute=0,
            per_minute=310,
            again_per_minute=0,
        ),
    ),
    "probation_showed_nothing": lambda: observed(
        Transition.RESTORED,
        after_probation(ProbationOutcome.NOTHING_RAN, let_go=1, rounds=0, ran=0),
    ),
    "probation_refused": lambda: observed(
        Transition.PROBATION_REFUSED,
        contained(prior=25, hours=7),
        detail="Specified ReservedConcurrentExecutions for function decreases account's"
        " UnreservedConcurrentExecution below its minimum value of [100].",
    ),
    "restored": lambda: observed(Transition.RESTORED, restored()),
    "restore_failed": lambda: observed(Transition.RESTORE_FAILED, unrestored()),
    "put_back": lambda: observed(Transition.LIFTED, put_back()),
    "hold_over": lambda: observed(
        Transition.LIFTED, withdrawn(Lever.CAP, DecisionReason.HOLD_OVER)
    ),
    "hold_of_two_on_a_loop": lambda: observed(
        Transition.LIFTED, withdrawn(Lever.PAUSE, DecisionReason.LOOP_IS_HELD)
    ),
    "hold_ended_by_deletion": lambda: observed(
        Transition.LIFTED, withdrawn(Lever.ZERO, DecisionReason.STACK_DELETED)
    ),
    "contain_failed_under_cap": lambda: observed(
        Transition.CONTAIN_FAILED,
        refused_under_cap(),
        found=FoundReservation(reserved_concurrency=3),
    ),
    "ended": lambda: observed(
        Transition.ENDED,
        replace(
            told(DecisionReason.OBSERVE_MODE),
            state=IncidentState.ENDED,
            id=incident_id(FUNCTION, NOW - timedelta(hours=3)),
            opened_at=NOW - timedelta(hours=3),
            assessment=replace(
                assessed(),
                at=NOW - timedelta(hours=3, minutes=1),
                since=NOW - timedelta(hours=3, minutes=7),
            ),
        ),
    ),
    "deleted": lambda: observed(
        Transition.DELETED, replace(contained(hours=2), state=IncidentState.DELETED)
    ),
    "ledger_unavailable": lambda: without_ledger(
        ledgerless(), "The table does not have the specified index", is_tagged=True
    ),
    "ledger_unavailable_untagged": lambda: without_ledger(
        replace(ledgerless(), contained_at=None, stopped_at=None), "", is_tagged=False
    ),
    "tag_in_doubt": lambda: with_event(
        compose_doubtful_tag(tagged(), TAGGED, DEPLOYMENT),
        describe_doubtful_tag(tagged(), DEPLOYMENT, NOW),
    ),
    "tag_unreadable": lambda: with_event(
        compose_unreadable_tag(tagged(STRANGE_TAG), DEPLOYMENT),
        describe_unreadable_tag(tagged(STRANGE_TAG), NOW),
    ),
    "record_unreadable": lambda: with_event(
        compose_unreadable_record(FUNCTION, DEPLOYMENT), describe_unreadable_record(FUNCTION, NOW)
    ),
    "stack_deleted": lambda: with_event(
        compose_functions_left(LEFT_HELD, DEPLOYMENT, NOW),
        describe_functions_left(LEFT_HELD, DEPLOYMENT, NOW),
    ),
    "again": _again,
    "unprotected": _unprotected,
}
