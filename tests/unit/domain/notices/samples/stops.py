"""Incidents of stops, restores and what failed of them."""

from dataclasses import replace
from datetime import timedelta

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import (
    DisableMapping,
    EventSourceMapping,
    ProvisionedConcurrency,
    RemoveProvisioned,
    Reserve,
    VersionScaling,
)
from functions.domain.detection.assessment import (
    Assessment,
    CapFigures,
    Ground,
    Rate,
    Reason,
    Unit,
    Verdict,
)
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident, incident_id
from functions.domain.incidents.snapshot import EventRoutes
from functions.domain.incidents.states import IncidentState
from tests.unit.domain.notices.samples.account import (
    ALICE,
    FUNCTION,
    NOW,
    QUEUE,
    QUEUE_MAPPING,
    STREAM_MAPPING,
    TABLE_STREAM,
    TRIGGERS,
    assessed,
    told,
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
        incident = incident.with_provisioned(
            (ProvisionedConcurrency(qualifier="live", requested=4),)
        ).with_mappings(
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
    stopped = capped.with_reservation(0, None).with_mappings(
        (EventSourceMapping(uuid=QUEUE_MAPPING, source_arn=QUEUE, enabled=True),)
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


def released_on_instances() -> Incident:
    """An incident of which somebody scaled one version again: the other one is at 0."""
    incident = on_instances()
    scaled = incident.stops[0].step
    return replace(
        incident.with_restored(
            scaled, StepStatus.CHANGED_MEANWHILE, "1 to 2 execution environments now"
        ),
        state=IncidentState.RELEASED,
        released_at=NOW,
        actor=ALICE,
    )


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
