"""The mails about an incident that ends otherwise: released by others, calm again, or deleted."""

from collections.abc import Sequence
from datetime import datetime

from functions.domain.changes.steps import (
    DisableMapping,
    LimitMapping,
    Reserve,
    ScaleToZero,
    StepOutcome,
)
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import build_restore_commands
from functions.domain.notices.incident.sections.ending import compose_footer
from functions.domain.notices.incident.sections.first_screen import (
    NOTHING_TO_DO,
    compose_first_screen,
    describe_known_cause,
    format_moment,
    list_restore_actions,
)
from functions.domain.notices.incident.sections.instructions import (
    compose_manual_stop,
    list_stop_steps,
)
from functions.domain.notices.incident.sections.losses import (
    LOST_NO_MORE,
    NOTHING_IS_LOST,
    describe_no_stop,
)
from functions.domain.notices.incident.sections.measurement import (
    compose_cost,
    describe_rate,
    list_rates,
)
from functions.domain.notices.incident.sections.reasons import compose_evidence, compose_loop
from functions.domain.notices.incident.sections.settings import (
    compose_leftovers,
    list_steps_in_force,
)
from functions.domain.notices.layout import (
    bullet,
    command_lines,
    compose_body,
    compose_subject,
    paragraph,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import (
    clean,
    format_duration,
    format_time,
    format_time_with_age,
    shorten_actor,
)


def compose_released(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that others released a function."""
    who = shorten_actor(incident.actor)
    at = incident.released_at or now
    found = context.found
    what, there = "RELEASED", ""
    if incident.is_on_instances:
        there = "A version of it may have execution environments again."
    elif found is None:
        there = "Its reserved concurrency is no longer what Loopbreaker had set."
    elif found.reserved_concurrency is None:
        there = "Nothing is reserved for it now."
    else:
        what = "CHANGED by somebody: the reserved concurrency of"
        there = f"It is now {found.reserved_concurrency:,}."
    changed = _list_steps_beside(incident)
    until = at + context.deployment.cooling_off
    return Notice(
        subject=compose_subject(
            "RELEASED", incident.function, f" by {who}" if who else " by others"
        ),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"{what} {incident.function}"
                    f"{f' by {who}' if who else ' (it is not known by whom)'}, not by Loopbreaker.",
                    loss=_describe_rest_loss(changed) or LOST_NO_MORE,
                    actions=(
                        paragraph(
                            f"{NOTHING_TO_DO} Loopbreaker changes nothing of it until"
                            f" {format_moment(until, now)}. If it runs away after that, Loopbreaker"
                            " acts again. If it stays calm, the incident ends."
                        ),
                    )
                    if not changed
                    else _list_rest_actions(incident, context),
                ),
                section(
                    "WHAT WAS SEEN",
                    bullet(f"Noticed at {format_time_with_age(at, now)}. {there}"),
                    bullet(f"By: {clean(incident.actor, 300)}.") if incident.actor else "",
                    bullet(
                        f"Loopbreaker changes nothing of it until {format_time(until)}. If it runs"
                        " away after that, Loopbreaker acts again. If it stays calm, the incident"
                        " ends once the rest is restored."
                    )
                    if changed
                    else "",
                ),
                compose_leftovers(incident, context, changed, is_first=True),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _list_steps_beside(incident: Incident) -> tuple[StepOutcome, ...]:
    """List what is still in force of a function whose reservation is not the guard's any more."""
    return tuple(one for one in list_steps_in_force(incident) if not isinstance(one.step, Reserve))


def _describe_rest_loss(changed: Sequence[StepOutcome]) -> str:
    """Say what may be lost by the changes that are still in force; empty where there are none."""
    if any(isinstance(one.step, ScaleToZero) for one in changed):
        return "Nothing is being lost, unless something invokes a version that is still at 0."
    if changed:
        return (
            "Nothing is being lost yet, but settings are still changed: events may wait for that."
        )
    return ""


def _list_rest_actions(incident: Incident, context: NoticeContext) -> tuple[str, ...]:
    return list_restore_actions(
        incident,
        context,
        "Loopbreaker had changed more than that. This restores the rest, and leaves alone what"
        " others have changed:",
        is_exemption_offered=False,
    )


def compose_running_away_again(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a function which others released runs away again."""
    who = shorten_actor(incident.actor)
    by = f" by {who}" if who else " by others"
    released = (
        f" at {format_time_with_age(incident.released_at, now)}"
        if incident.released_at is not None
        else ""
    )
    until = (
        f"at {format_moment(incident.released_at + context.deployment.cooling_off, now)}"
        if incident.released_at is not None
        else f"{format_duration(context.deployment.cooling_off)} after that"
    )
    return Notice(
        subject=compose_subject("RUNNING AWAY AGAIN:", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"NOT STOPPED: {incident.function} is running away again. It was"
                    f" released{by}. Loopbreaker acts again {until}, if it still runs away then.",
                    loss=describe_no_stop(incident),
                    is_running=True,
                    actions=list_stop_steps(incident, context),
                ),
                compose_evidence(
                    incident, now, f"It was released{by}{released}." if released else ""
                ),
                compose_cost(incident),
                compose_loop(incident, context),
                compose_manual_stop(incident, context),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_ended(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a function is calm again."""
    is_released = incident.released_at is not None
    changed = _list_steps_beside(incident) if is_released else list_steps_in_force(incident)
    since = (
        f" It stayed calm since its release, {format_time_with_age(incident.released_at, now)}."
        if incident.released_at is not None
        else ""
    )
    return Notice(
        subject=compose_subject("INCIDENT OVER:", incident.function, " is calm again"),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"OVER: {incident.function} is calm again.{since}",
                    cause=describe_known_cause(incident, context),
                    loss=_describe_rest_loss(changed) or NOTHING_IS_LOST,
                    actions=(
                        paragraph(
                            "Restore what is still changed: see below."
                            if changed
                            else NOTHING_TO_DO,
                            "What caused it may still be there. If it runs away again, you"
                            " are notified again.",
                        ),
                    ),
                ),
                compose_leftovers(incident, context, changed, is_closed=True),
                section(
                    "EVIDENCE",
                    paragraph(
                        f"It was noticed at {format_time_with_age(incident.opened_at, now)}.",
                        "" if incident.snapshot is not None else "Loopbreaker changed nothing.",
                    ),
                    *list_rates(incident, now),
                ),
                compose_cost(incident),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_deleted(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a function no longer exists."""
    changed = list_steps_in_force(incident)
    mappings = tuple(one for one in changed if isinstance(one.step, DisableMapping))
    limited = tuple(one for one in changed if isinstance(one.step, LimitMapping))
    return Notice(
        subject=compose_subject("DELETED:", incident.function, " no longer exists"),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"OVER: {incident.function} no longer exists.",
                    cause=describe_known_cause(incident, context),
                    loss="Nothing is being lost yet: events wait where event source mappings are"
                    " still disabled."
                    if mappings
                    else NOTHING_IS_LOST,
                    actions=(
                        paragraph(
                            "Delete or enable what is still disabled: see below."
                            if mappings
                            else NOTHING_TO_DO,
                            "A function that is created again under this name starts without what"
                            " Loopbreaker had set.",
                        ),
                    ),
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
                        " This restores it:"
                    ),
                    *command_lines(build_restore_commands(limited, context.deployment.region)),
                )
                if limited
                else "",
                *compose_footer(incident, context, now),
            )
        ),
    )
