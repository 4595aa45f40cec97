"""The events of an incident: each transition as data, of what the mail about it is written from."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from functions.domain.changes.steps import DisableMapping, Reserve
from functions.domain.detection.assessment import Ground, Verdict
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import LoopStatus
from functions.domain.graph.model import NodeKind
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import HELD_STATES, HOLDING_STATES, Transition
from functions.domain.notices.commands import (
    build_exempt_command,
    build_own_restore_command,
    build_rollback_command,
)
from functions.domain.notices.events.encode import (
    LONGEST_NAME,
    MOST_ENTRIES,
    count_rest,
    cut_name,
    cut_text,
    cut_texts,
    encode_facts,
    take_command,
)
from functions.domain.notices.events.facts import (
    CommandsFact,
    CostFact,
    EventFacts,
    ImpactFact,
    IncidentFact,
    LoopFact,
    LossFact,
    OriginFact,
    RatesFact,
    ReasonFact,
    RestrictionFact,
)
from functions.domain.notices.events.record import EventKind, EventSeverity, NoticeEvent
from functions.domain.notices.incident.event_impact import EventImpact, Impact, assess_impacts
from functions.domain.notices.incident.sections.events import build_restriction
from functions.domain.notices.incident.sections.measurement import select_rate
from functions.domain.notices.incident.sections.settings import list_steps_in_force
from functions.domain.notices.notice import Deployment, NoticeContext
from functions.domain.requests.summary import (
    SpikeCost,
    find_end_of_hold,
    find_expiry,
    find_start,
)

_LOSING: Final = frozenset({Impact.LOST, Impact.LOOPING, Impact.MOVING})
_LONGEST_DRAWING: Final = 600


def describe_transition(
    transition: Transition, incident: Incident, context: NoticeContext, now: datetime
) -> NoticeEvent:
    """The event of one transition of an incident."""
    return _make_event(choose_kind(transition), incident, context, now)


def describe_stop_without_ledger(
    incident: Incident, context: NoticeContext, now: datetime
) -> NoticeEvent:
    """The event of a stop that no record holds."""
    return _make_event(EventKind.FUNCTION_STOPPED_WITHOUT_RECORD, incident, context, now)


def choose_kind(transition: Transition) -> EventKind:
    """The kind of event of a transition."""
    return _KINDS[transition]


# A test fails for a transition that is missing here.
_KINDS: Final[dict[Transition, EventKind]] = {
    Transition.NOTIFIED: EventKind.FUNCTION_NOT_STOPPED,
    Transition.CONTAINED: EventKind.FUNCTION_STOPPED,
    Transition.CAPPED: EventKind.FUNCTION_HELD,
    Transition.SHOWN: EventKind.LOOP_CONFIRMED,
    Transition.EXPIRING: EventKind.EVENTS_EXPIRING,
    Transition.RELEASED: EventKind.FUNCTION_RELEASED,
    Transition.RUNNING_AWAY_AGAIN: EventKind.FUNCTION_RUNNING_AWAY_AGAIN,
    Transition.RESTORED: EventKind.FUNCTION_RESTORED,
    Transition.RESTORE_FAILED: EventKind.RESTORE_FAILED,
    Transition.CONTAIN_FAILED: EventKind.STOP_FAILED,
    Transition.LIFTED: EventKind.HOLD_ENDED,
    Transition.PROBATION: EventKind.PROBATION_BEGUN,
    Transition.PROBATION_FAILED: EventKind.PROBATION_FAILED,
    Transition.PROBATION_REFUSED: EventKind.PROBATION_REFUSED,
    Transition.ENDED: EventKind.INCIDENT_ENDED,
    Transition.DELETED: EventKind.FUNCTION_DELETED,
}
_CRITICAL: Final = frozenset(
    {
        EventKind.FUNCTION_STOPPED,
        EventKind.FUNCTION_STOPPED_WITHOUT_RECORD,
        EventKind.LOOP_CONFIRMED,
        EventKind.EVENTS_EXPIRING,
        EventKind.FUNCTION_RUNNING_AWAY_AGAIN,
        EventKind.RESTORE_FAILED,
        EventKind.STOP_FAILED,
        EventKind.PROBATION_FAILED,
    }
)
_INFO: Final = frozenset(
    {
        EventKind.PROBATION_BEGUN,
        EventKind.FUNCTION_RESTORED,
        EventKind.HOLD_ENDED,
        EventKind.INCIDENT_ENDED,
        EventKind.FUNCTION_DELETED,
    }
)


def _choose_severity(kind: EventKind, incident: Incident) -> EventSeverity:
    """What goes on burning is critical, unless AWS stops it or it is only suspected."""
    if kind in _CRITICAL:
        return EventSeverity.CRITICAL
    if kind in _INFO:
        return EventSeverity.INFO
    is_burning = (
        kind is EventKind.FUNCTION_NOT_STOPPED
        and incident.assessment.verdict is Verdict.RUNAWAY
        and incident.decided != DecisionReason.STOPPED_BY_AWS
    )
    return EventSeverity.CRITICAL if is_burning else EventSeverity.WARNING


def _make_event(
    kind: EventKind, incident: Incident, context: NoticeContext, now: datetime
) -> NoticeEvent:
    facts = EventFacts(
        incident=describe_incident(incident, context),
        loop=_describe_loop(context.loop),
        commands=describe_commands(incident, context.deployment),
    )
    return NoticeEvent(
        kind=kind,
        severity=_choose_severity(kind, incident),
        # Clocks of two processes may differ: an event is never before those of earlier changes.
        at=max(now, incident.updated_at),
        function=cut_name(incident.function),
        function_arn=cut_text(incident.function_arn),
        facts=encode_facts(facts),
    )


def describe_incident(incident: Incident, context: NoticeContext) -> IncidentFact:
    """How an incident stands."""
    grounds, failures = incident.assessment.grounds, incident.failures
    return IncidentFact(
        id=cut_text(incident.id),
        state=incident.state.value,
        verdict=incident.assessment.verdict.value,
        decided=cut_name(incident.decided),
        opened_at=incident.opened_at,
        since_at=find_start(incident),
        ordered_by=cut_text(incident.ordered_by) or None,
        changed_by=cut_text(incident.actor) or None,
        reasons=tuple(map(_describe_reason, grounds[:MOST_ENTRIES])),
        reasons_left_out=count_rest(grounds),
        refusals=cut_texts(failures),
        refusals_left_out=count_rest(failures),
        rates=_describe_rates(incident),
        cost=_describe_cost(incident),
        restriction=_describe_restriction(incident),
        losses=_describe_losses(incident, context),
        origin=_describe_origin(incident),
    )


def _describe_origin(incident: Incident) -> OriginFact | None:
    origin = incident.origin
    if origin is None:
        return None
    return OriginFact(
        owners=cut_texts(origin.owners),
        stack=cut_name(origin.stack) or None,
        changed_at=origin.changed_at,
        runbook=cut_text(origin.runbook) or None,
    )


def _describe_reason(ground: Ground) -> ReasonFact:
    return ReasonFact(
        reason=ground.reason.value,
        value=ground.value,
        unit=ground.unit.value,
        reference=ground.reference,
    )


def _describe_rates(incident: Incident) -> RatesFact | None:
    rate = select_rate(incident.assessment)
    if rate.per_minute <= 0:
        return None
    return RatesFact(
        invocations_per_minute=rate.per_minute,
        normal_invocations_per_minute=incident.assessment.normal_per_minute,
        measured_at=rate.at,
        unusual_since_at=incident.assessment.since,
    )


def _describe_cost(incident: Incident) -> CostFact | None:
    cost = SpikeCost.of(incident)
    if cost.usd_per_hour is None:
        return None
    return CostFact(per_hour_usd=cost.usd_per_hour, so_far_usd=cost.usd_so_far)


def _describe_restriction(incident: Incident) -> RestrictionFact | None:
    if incident.state not in HELD_STATES or incident.snapshot is None:
        return None
    in_force = list_steps_in_force(incident)
    is_reserved = any(isinstance(one.step, Reserve) for one in in_force)
    return RestrictionFact(
        reserved_concurrency=incident.target if is_reserved else None,
        mappings_disabled=sum(isinstance(one.step, DisableMapping) for one in in_force),
        since_at=find_start(incident),
        ends_by_at=find_end_of_hold(incident),
    )


def _describe_losses(incident: Incident, context: NoticeContext) -> LossFact | None:
    """What becomes of its events while it is held; nothing of one that runs."""
    if incident.state not in HELD_STATES:
        return None
    if context.triggers is None:
        return LossFact(first_loss_at=find_expiry(incident, context))
    found: Sequence[EventImpact] = ()
    if not (incident.is_hold and incident.is_paused):  # a pause holds the queues alone
        found = assess_impacts(context.triggers, build_restriction(incident, context))
    return LossFact(
        is_losing=any(one.kind in _LOSING for one in found),
        first_loss_at=find_expiry(incident, context),
        impacts=tuple(map(_describe_impact, found[:MOST_ENTRIES])),
        impacts_left_out=count_rest(found),
    )


def _describe_impact(impact: EventImpact) -> ImpactFact:
    return ImpactFact(
        impact=impact.kind.value,
        triggers=cut_texts(impact.names),
        triggers_left_out=count_rest(impact.names),
        lost_from_at=impact.deadline,
    )


def _describe_loop(loop: LoopStatus) -> LoopFact | None:
    """The loop as the event graph keeps it for this; nothing where it knows none."""
    if loop.proof is LoopProof.UNKNOWN and not loop.drawing:
        return None
    names = [one.source for one in loop.steps if one.source_kind == NodeKind.FUNCTION]
    is_line = "\n" not in loop.drawing  # one from top to bottom is for people
    return LoopFact(
        certainty=loop.proof.value,
        key=loop.key or None,
        functions=cut_texts(names, LONGEST_NAME),
        functions_left_out=count_rest(names),
        edges=loop.steps,
        edges_left_out=loop.steps_left_out,
        drawing=cut_text(loop.drawing, _LONGEST_DRAWING) if loop.drawing and is_line else None,
        broken_by=cut_text(loop.broken_by) or None,
        read_at=loop.at,
    )


def describe_commands(incident: Incident, deployment: Deployment) -> CommandsFact:
    """What people can do: restore what is held, and have the function left alone."""
    restore = deploy = None
    if incident.state in HOLDING_STATES:
        restore = take_command(build_own_restore_command(incident.function, deployment.region))
        deploy = (
            None
            if deployment.is_embedded
            else take_command(
                build_rollback_command(incident.function, incident.function_arn, deployment)
            )
        )
    exempt = (
        take_command(build_exempt_command(incident.function_arn, deployment.region))
        if incident.function_arn
        else None
    )
    return CommandsFact(restore=restore, deploy=deploy, exempt=exempt)


def describe_left(
    incidents: Sequence[Incident], deployment: Deployment
) -> tuple[IncidentFact, ...]:
    """Incidents that stay open when the guard is deleted, each in brief."""
    context = NoticeContext(deployment=deployment)
    return tuple(
        replace(
            describe_incident(one, context),
            reasons=(),
            reasons_left_out=len(one.assessment.grounds),
            refusals=(),
            refusals_left_out=len(one.failures),
        )
        for one in incidents
    )
