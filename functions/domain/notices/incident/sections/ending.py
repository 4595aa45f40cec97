"""The end of a mail about an incident."""

from datetime import datetime
from typing import Final

from functions.domain.account.names import parse_edge_replica
from functions.domain.account.origin import FunctionOrigin
from functions.domain.incidents.incident import Incident
from functions.domain.notices.incident.sections.events import compose_event_impact
from functions.domain.notices.incident.sections.instructions import (
    compose_durable_executions,
    compose_restore_notes,
)
from functions.domain.notices.incident.sections.reasons import compose_loop
from functions.domain.notices.layout import paragraph, section
from functions.domain.notices.links import build_function_link
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import clean, format_duration, format_time

_LONGEST: Final = 140


def compose_ending(incident: Incident, context: NoticeContext, now: datetime) -> tuple[str, ...]:
    """Say all that comes below the first screen of a mail about a function that is held."""
    return (
        compose_event_impact(incident, context, now),
        compose_durable_executions(incident, context.deployment.region),
        compose_loop(incident, context),
        compose_restore_notes(incident, context),
        *compose_footer(incident, context, now),
    )


def compose_footer(incident: Incident, context: NoticeContext, now: datetime) -> tuple[str, ...]:
    """Link to the function with its metrics, and name the incident."""
    deployment = context.deployment
    origin = incident.origin
    runbook = "" if origin is None or not origin.runbook else f"Runbook:\n{origin.runbook}"
    link = section("LINKS", runbook)
    if deployment.region:
        home = parse_edge_replica(incident.function)
        name, region = (
            (incident.function, deployment.region) if home is None else (home.name, home.home)
        )
        metrics = f"Function and metrics:\n{build_function_link(name, region)}"
        link = section("LINKS", runbook, metrics)
    stack = f", stack {clean(deployment.stack_name, 128)}" if deployment.stack_name else ""
    return (
        _describe_origin(incident),
        link,
        paragraph(f"Incident {incident.id}{stack}{_describe_writing_time(incident, now)}."),
    )


def _describe_origin(incident: Incident) -> str:
    """Say whose function it is, and when it was last changed."""
    origin = incident.origin
    if origin is None:
        return ""
    owners = [clean(one, _LONGEST) for one in origin.owners]
    stack = clean(origin.stack, _LONGEST)
    return section(
        "THE FUNCTION",
        paragraph(
            f"Its tags say: {'; '.join(owners)}." if owners else "",
            f"It belongs to the CloudFormation stack {stack}." if stack else "",
        ),
        _describe_last_change(incident, origin),
    )


def _describe_last_change(incident: Incident, origin: FunctionOrigin) -> str:
    """Say when it was changed: a deployment just before a spike is the first suspect."""
    changed = origin.changed_at
    if changed is None:
        return ""
    rose = incident.assessment.since
    began, what = (incident.opened_at, "this incident") if rose is None else (rose, "its rate rose")
    when = f"Its code or configuration was last changed at {format_time(changed)}"
    if changed > began:
        return paragraph(f"{when}, after {what}.")
    return paragraph(f"{when}, {format_duration(began - changed)} before {what}.")


def _describe_writing_time(incident: Incident, now: datetime) -> str:
    """Say when the mail was written, unless a clock that is behind contradicts the record."""
    return "" if now < incident.updated_at else f", written at {format_time(now)}"
