"""The mails about an incident that ends otherwise: released by others, calm again, or deleted."""

from datetime import datetime

from functions.domain.changes.steps import DisableMapping, LimitMapping, Reserve, ScaleToZero
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import build_restore_commands
from functions.domain.notices.incident.sections.ending import compose_footer
from functions.domain.notices.incident.sections.instructions import compose_manual_stop
from functions.domain.notices.incident.sections.measurement import (
    compose_measurement,
    describe_rate,
)
from functions.domain.notices.incident.sections.reasons import (
    explain_spike,
)
from functions.domain.notices.incident.sections.settings import (
    compose_leftovers,
    list_steps_in_force,
)
from functions.domain.notices.layout import (
    command_lines,
    compose_body,
    compose_subject,
    describe_location,
    paragraph,
    quote,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import (
    format_duration,
    format_time,
    format_time_with_age,
    shorten_actor,
)


def compose_released(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that others released a function."""
    who = shorten_actor(incident.actor)
    at = incident.released_at or now
    found = context.found
    opening, there = f"{incident.function} was released", ""
    if incident.is_on_instances:
        there = "A version of it may have execution environments again."
    elif found is None:
        there = "Its reserved concurrency is no longer what Loopbreaker had set."
    elif found.reserved_concurrency is None:
        there = "Nothing is reserved for it now."
    else:
        opening = f"The reserved concurrency of {incident.function} was changed"
        there = f"It is now {found.reserved_concurrency:,}."
    by = f" by {quote(incident.actor, 300)}" if incident.actor else " (it is not known by whom)"
    changed = tuple(
        one
        for one in list_steps_in_force(incident)
        if not isinstance(one.step, Reserve | ScaleToZero)
    )
    until = at + context.deployment.cooling_off
    return Notice(
        subject=compose_subject(
            "RELEASED", incident.function, f" by {who}" if who else " by others"
        ),
        body=compose_body(
            (
                paragraph(f"{opening}{by}, not by Loopbreaker."),
                paragraph(f"Noticed at {format_time_with_age(at, now)}.", there),
                paragraph(
                    "Loopbreaker does not fight it: it watches the function and changes nothing"
                    f" until {format_time(until)}. If it runs away after that, Loopbreaker acts"
                    " again. If it stays calm, the incident ends."
                ),
                describe_location(context.deployment),
                compose_leftovers(incident, context, changed),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_running_away_again(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a function which others released runs away again."""
    who = shorten_actor(incident.actor)
    released = (
        f"It was released{f' by {who}' if who else ''} at"
        f" {format_time_with_age(incident.released_at, now)}."
        if incident.released_at is not None
        else f"It was released{f' by {who}' if who else ' by others'}."
    )
    until = (
        f"until {format_time(incident.released_at + context.deployment.cooling_off)}"
        if incident.released_at is not None
        else f"for {format_duration(context.deployment.cooling_off)} after that"
    )
    return Notice(
        subject=compose_subject("RUNNING AWAY AGAIN:", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                paragraph(
                    f"{incident.function} is running away again, and Loopbreaker HAS NOT STOPPED"
                    " IT."
                ),
                paragraph(
                    released,
                    f"Loopbreaker respects that {until}. If it still runs away then, Loopbreaker"
                    " acts again.",
                ),
                compose_manual_stop(incident, context),
                describe_location(context.deployment),
                *explain_spike(incident, context, now),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_ended(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a function is calm again."""
    is_released = incident.released_at is not None
    changed = (
        tuple(
            one
            for one in list_steps_in_force(incident)
            if not isinstance(one.step, Reserve | ScaleToZero)
        )
        if is_released
        else list_steps_in_force(incident)
    )
    opening = (
        f"{incident.function} stayed calm since it was released at"
        f" {format_time_with_age(incident.released_at, now)}. The incident is over."
        if incident.released_at is not None
        else f"{incident.function} is calm again. The incident is over."
    )
    return Notice(
        subject=compose_subject("OVER:", incident.function, " is calm again"),
        body=compose_body(
            (
                paragraph(opening),
                paragraph(
                    f"It was noticed at {format_time_with_age(incident.opened_at, now)}.",
                    "" if incident.snapshot is not None else "Loopbreaker changed nothing.",
                ),
                paragraph(
                    "What caused it may still be there. If it runs away again, you are told again."
                ),
                describe_location(context.deployment),
                compose_leftovers(incident, context, changed, is_closed=True),
                *compose_measurement(incident, now, is_over=True),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_deleted(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a function no longer exists."""
    changed = list_steps_in_force(incident)
    mappings = tuple(one for one in changed if isinstance(one.step, DisableMapping))
    limited = tuple(one for one in changed if isinstance(one.step, LimitMapping))
    return Notice(
        subject=compose_subject("DELETED:", incident.function, " no longer exists"),
        body=compose_body(
            (
                paragraph(f"{incident.function} no longer exists. The incident is over."),
                paragraph(
                    "There is nothing to restore. A function that is created again under this"
                    " name starts without what Loopbreaker had set."
                ),
                section(
                    "STILL DISABLED",
                    paragraph(
                        "Deleting a function does not delete its event source mappings."
                        " Loopbreaker had disabled these; delete them, or enable them for a new"
                        " function of this name:"
                    ),
                    *command_lines(build_restore_commands(mappings, context.deployment.region)),
                )
                if mappings
                else "",
                section(
                    "STILL LIMITED",
                    paragraph(
                        "Loopbreaker had limited the concurrency of these event source mappings."
                        " This puts it back:"
                    ),
                    *command_lines(build_restore_commands(limited, context.deployment.region)),
                )
                if limited
                else "",
                describe_location(context.deployment),
                *compose_footer(incident, context, now),
            )
        ),
    )
