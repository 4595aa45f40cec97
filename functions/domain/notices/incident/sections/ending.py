"""The end of a mail about an incident."""

from datetime import datetime

from functions.domain.account.names import parse_edge_replica
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
from functions.domain.notices.text import clean, format_time


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
    link = ""
    if deployment.region:
        home = parse_edge_replica(incident.function)
        name, region = (
            (incident.function, deployment.region) if home is None else (home.name, home.home)
        )
        link = section("LINKS", f"Function and metrics:\n{build_function_link(name, region)}")
    stack = f", stack {clean(deployment.stack_name, 128)}" if deployment.stack_name else ""
    return (
        link,
        paragraph(f"Incident {incident.id}{stack}{_describe_writing_time(incident, now)}."),
    )


def _describe_writing_time(incident: Incident, now: datetime) -> str:
    """Say when the mail was written, unless a clock that is behind contradicts the record."""
    return "" if now < incident.updated_at else f", written at {format_time(now)}"
