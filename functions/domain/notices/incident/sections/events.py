"""What becomes of the events of a function that is held, and what became of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping, StepOutcome
from functions.domain.detection.evidence import TriggerKind
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.snapshot import EventRoutes
from functions.domain.notices.incident.event_impact import (
    DYNAMODB_RETENTION,
    EventImpact,
    Impact,
    Restriction,
    assess_impacts,
    find_in_flight_end,
    name_trigger,
)
from functions.domain.notices.incident.sections.restriction import find_end, find_restriction_start
from functions.domain.notices.layout import bullet, count_left_out, join_names, section
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import clean, format_duration, format_time

_MOST_IMPACTS: Final = 10
_TRIGGERS_UNKNOWN: Final = (
    "Its triggers could not be read. In general:",
    "Asynchronous events go at once to its dead-letter queue or on-failure destination.",
    "Without one they are lost.",
    "SQS messages wait in their queue (4 days by default), or go to its dead-letter queue.",
    "Stream records wait until they expire (DynamoDB: 24 h).",
    "Callers that wait for an answer get status 429.",
)
_POLLED: Final = frozenset({TriggerKind.SQS, TriggerKind.STREAM, TriggerKind.OTHER_POLLED})


def build_restriction(incident: Incident, context: NoticeContext) -> Restriction:
    """Say how the function is held, for `assess_impacts`."""
    mappings = () if incident.snapshot is None else incident.snapshot.mappings or ()
    return Restriction(
        function_arn=incident.function_arn,
        since=find_restriction_start(incident),
        at=incident.target or 0,
        async_target_arn=incident.async_target_arn,
        is_async_target_known=context.is_async_target_known,
        outcomes=incident.steps,
        disabled_before=frozenset(one.uuid for one in mappings if not one.enabled),
    )


def list_losses(incident: Incident, context: NoticeContext) -> tuple[str, ...]:
    """List the worst that is happening to its events, a sentence each."""
    found = assess_impacts(context.triggers or (), build_restriction(incident, context))
    kinds = {impact.kind for impact in found}
    parts = []
    if Impact.LOST in kinds:
        parts.append("Its new asynchronous events are being lost meanwhile.")
    elif Impact.MAYBE_LOST in kinds:
        parts.append("Its new asynchronous events may be lost meanwhile.")
    if Impact.LOOPING in kinds:
        parts.append("Its failed events are sent to one of its own triggers.")
    if Impact.MOVING in kinds:
        parts.append("Good SQS messages are moving towards a dead-letter queue.")
    first = find_first_loss(incident, context)
    if first is not None:
        parts.append(
            f"Stream records begin to expire at {format_time(first)}, those that were"
            " already waiting earlier: restore it before."
        )
    return tuple(parts)


def find_first_loss(incident: Incident, context: NoticeContext) -> datetime | None:
    """Find when the first records that arrived since are lost; ``None`` where none will be."""
    found = assess_impacts(context.triggers or (), build_restriction(incident, context))
    deadlines = (impact.deadline for impact in found if impact.deadline is not None)
    return min(deadlines, default=None)


def compose_event_impact(
    incident: Incident,
    context: NoticeContext,
    now: datetime,
    title: str = "PENDING EVENTS",
    *,
    is_imagined: bool = False,
) -> str:
    """Say what becomes of its events; imagined: what would, if the guard stopped the function."""
    restriction = build_restriction(incident, context)
    if is_imagined:
        outcomes = _imagine_outcomes(incident, context)
        restriction = replace(restriction, outcomes=outcomes, is_imagined=True)
    lines = [_describe_in_flight(incident, now)]
    if context.triggers is None:
        lines += [bullet(text) for text in _TRIGGERS_UNKNOWN]
    elif not context.triggers:
        lines.append(
            bullet("Loopbreaker found no trigger. Whoever invokes it directly gets status 429.")
        )
    else:
        found = assess_impacts(context.triggers, restriction)
        lines += [bullet(_describe_impact(impact)) for impact in found[:_MOST_IMPACTS]]
        lines.append(
            count_left_out(sum(len(impact.triggers) for impact in found[_MOST_IMPACTS:]), "trigger")
        )
    return section(title, *lines)


def _imagine_outcomes(incident: Incident, context: NoticeContext) -> tuple[StepOutcome, ...]:
    return tuple(
        StepOutcome(
            step=DisableMapping(
                function=incident.function, uuid=one.mapping_uuid, source_arn=one.source_arn
            ),
            status=StepStatus.DONE,
        )
        for one in context.triggers or ()
        if one.mapping_uuid
    )


def _describe_impact(impact: EventImpact) -> str:
    names = join_names(impact.names)
    return f"{names}: {impact.text}" if names else impact.text


def _describe_in_flight(incident: Incident, now: datetime) -> str:
    if incident.target:
        return bullet("Executions that had begun go on.")
    limit = (
        f"its timeout is {format_duration(timedelta(seconds=incident.timeout_seconds))}"
        if incident.timeout_seconds
        else "no timeout is longer than 15 min"
    )
    until = find_in_flight_end(incident.stopped_at, incident.timeout_seconds)
    if until is None:
        return bullet(f"Executions that have begun go on to their end ({limit}).")
    if until <= now:
        return ""
    return bullet(
        f"Executions that had begun go on until {format_time(until)} at the latest ({limit})."
    )


def list_aftermath(incident: Incident, context: NoticeContext, now: datetime) -> tuple[str, ...]:
    """List what comes after a restore, by the triggers that it had when it was stopped.

    Only asynchronous events can have been lost at once; who has no such trigger reads of no loss.
    """
    routes = incident.routes or EventRoutes()
    known = routes.triggers if incident.is_at_zero else context.triggers
    kinds = None if known is None else {one.kind for one in known}
    lines = []
    if kinds is None or kinds & (_POLLED if incident.is_at_zero else _POLLED | {TriggerKind.ASYNC}):
        lines.append(
            "What has waited is delivered now, the loop's own events among it: expect a burst."
        )
    if incident.is_at_zero:
        lines += [
            _describe_async_aftermath(incident, routes),
            _describe_expired(incident, routes, now),
        ]
        if kinds is not None and TriggerKind.SYNC in kinds:
            lines.append(
                "Callers that waited for an answer were refused with status 429; Lambda has kept"
                " nothing of their requests."
            )
        if kinds == set():
            lines.append("Loopbreaker found no trigger when it was stopped.")
    return tuple(bullet(line) for line in lines if line)


def _describe_async_aftermath(incident: Incident, routes: EventRoutes) -> str:
    """Say what became of asynchronous events; empty for a function without such triggers."""
    if routes.triggers is None:
        whose = "If it also has asynchronous callers, their events of that time"
    else:
        names = [name_trigger(one) for one in routes.triggers if one.kind is TriggerKind.ASYNC]
        if not names:
            return ""
        whose = f"Asynchronous events of that time ({join_names(names)})"
    at_stop = routes.async_target_arn
    now_at = clean(incident.async_target_arn, 300)
    if at_stop:
        return f"{whose} are in {clean(at_stop, 300)}. Send them again if you need them."
    if at_stop is None:
        place = f" ({now_at})" if now_at else ""
        return (
            f"{whose} are in its dead-letter queue or on-failure destination{place}, or were lost"
            " if it had none."
        )
    later = f" Those that came after it was given {now_at} are there." if now_at else ""
    return (
        f"{whose} were lost: when it was stopped, the function had neither a dead-letter queue"
        f" nor an on-failure destination.{later}"
    )


def _describe_expired(incident: Incident, routes: EventRoutes, now: datetime) -> str:
    """Name the DynamoDB streams whose records did not outlive the stop; empty where all did."""
    end = find_end(incident, now).at
    if end is None or incident.stopped_at is None:
        return ""
    if end - incident.stopped_at < DYNAMODB_RETENTION:
        return ""
    names = [
        name_trigger(one)
        for one in routes.triggers or ()
        if one.kind is TriggerKind.STREAM and ":dynamodb:" in one.source_arn
    ]
    return (
        f"{join_names(names)}: records that waited longer than 24 h have expired." if names else ""
    )
