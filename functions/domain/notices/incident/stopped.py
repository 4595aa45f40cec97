"""The mails about a stop: done, done in part or not at all, and done without the ledger."""

from datetime import datetime

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import RemoveProvisioned, Reserve, ScaleToZero, StepOutcome
from functions.domain.detection.assessment import Reason
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.steps.given_up import is_held_by_pause
from functions.domain.notices.commands import (
    build_look_command,
    build_restore_commands,
)
from functions.domain.notices.incident.sections.ending import compose_ending, compose_footer
from functions.domain.notices.incident.sections.events import compose_event_impact
from functions.domain.notices.incident.sections.first_screen import (
    compose_first_screen,
    format_moment,
)
from functions.domain.notices.incident.sections.instructions import (
    advise_on_refusal,
    list_exemption,
    list_manual_stop,
    list_restore_steps,
    warn_of_stop,
)
from functions.domain.notices.incident.sections.losses import (
    describe_held_loss,
    describe_loss,
    describe_no_stop,
)
from functions.domain.notices.incident.sections.measurement import compose_cost, describe_rate
from functions.domain.notices.incident.sections.reasons import (
    VERDICT_CLAUSES,
    compose_evidence,
    compose_loop,
    describe_suspected,
)
from functions.domain.notices.incident.sections.restriction import (
    describe_restriction,
    is_ordered,
    parse_decision_reason,
)
from functions.domain.notices.incident.sections.settings import (
    compose_leftovers,
    describe_other_changes,
    list_failures,
    list_prior_values,
    list_refused_steps,
    list_steps_in_force,
)
from functions.domain.notices.layout import (
    command_line,
    command_lines,
    compose_body,
    compose_subject,
    paragraph,
    quote_aws_error,
    section,
)
from functions.domain.notices.notice import Deployment, Notice, NoticeContext
from functions.domain.notices.text import clean, shorten_actor
from functions.domain.notices.ways_back import list_ways_back


def compose_contained(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a function is stopped."""
    return Notice(
        subject=compose_subject("STOPPED", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"STOPPED {incident.function}{_say_when(incident, now)}"
                    f"{_name_order(incident)}.",
                    loss=describe_loss(incident, context),
                    actions=list_restore_steps(incident, context, now),
                ),
                _compose_changes(incident, now),
                compose_evidence(
                    incident, now, _describe_why_now(incident), describe_suspected(incident)
                ),
                "" if is_ordered(incident) else compose_cost(incident),
                *compose_ending(incident, context, now),
            )
        ),
    )


def _say_when(incident: Incident, now: datetime) -> str:
    """Say when it was stopped: unknown where a hold had reserved 0 for it before."""
    at = incident.stopped_at
    is_hold = incident.watch is not None and at == incident.contained_at
    return "" if at is None or is_hold else f" at {format_moment(at, now)}"


def _compose_changes(incident: Incident, now: datetime) -> str:
    """Say what the guard changed, and what AWS refused of that."""
    return section(
        "WHAT LOOPBREAKER CHANGED",
        paragraph(describe_restriction(incident, now), describe_other_changes(incident)),
        *list_refused_steps(incident),
    )


def _name_order(incident: Incident) -> str:
    """Say whose order it was; empty where the guard decided by itself."""
    if not is_ordered(incident):
        return ""
    return f" by order of {shorten_actor(incident.ordered_by) or 'a person'}"


def _describe_why_now(incident: Incident) -> str:
    """Say why it is stopped now, where something went before."""
    if parse_decision_reason(incident) is DecisionReason.STILL_SUSPECTED:
        return "It could not be held, and it went on."
    if incident.watch is not None and incident.assessment.has(Reason.COMES_BACK):
        return "Held, it was silent; in a trial, it came back round after round."
    return ""


def compose_contain_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a function could not be stopped, or only in part."""
    is_held = any(
        isinstance(one.step, Reserve | ScaleToZero)
        and one.status in {StepStatus.DONE, StepStatus.ALREADY}
        and one.restored is None
        for one in incident.steps
    )
    if is_held:
        return _compose_contained_in_part(incident, context, now)
    verb = "HOLD" if incident.watch and incident.target != 0 else "STOP"
    is_paused = incident.target == 0 and is_held_by_pause(incident)
    who = shorten_actor(incident.ordered_by) or "a person"
    runs = "It goes on running." if not is_paused else "Its hold goes on."
    why = f", as {who} ordered. {runs}"
    if not is_ordered(incident):
        clause = VERDICT_CLAUSES[incident.assessment.verdict]
        why = f". It {clause}. {runs}" if is_paused else f". It {clause}, and goes on running."
    cap = _describe_cap_in_force(incident, context)
    warning = warn_of_stop(incident, context, now) if incident.target else ""
    return Notice(
        subject=compose_subject(f"COULD NOT {verb}", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"COULD NOT {verb} {incident.function}{why}{f' {cap}' if cap else ''}",
                    loss=describe_held_loss(incident, now)
                    if is_paused
                    else describe_no_stop(incident),
                    is_running=not is_paused,
                    actions=(
                        paragraph(warning),
                        *list_manual_stop(incident, context),
                        *list_exemption(incident, context),
                    ),
                ),
                _compose_refusals(incident, context),
                compose_leftovers(incident, context, _list_removed_steps(incident)),
                compose_evidence(incident, now),
                compose_cost(incident),
                compose_loop(incident, context),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _compose_contained_in_part(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    return Notice(
        subject=compose_subject("STOPPED IN PART:", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"STOPPED IN PART: {incident.function} is at 0, but AWS refused a part.",
                    loss=describe_loss(incident, context),
                    actions=list_restore_steps(incident, context, now),
                ),
                _compose_refusals(incident, context),
                section(
                    "WHAT LOOPBREAKER CHANGED",
                    paragraph(
                        describe_restriction(incident, now), describe_other_changes(incident)
                    ),
                ),
                compose_evidence(incident, now),
                compose_cost(incident),
                *compose_ending(incident, context, now),
            )
        ),
    )


def _compose_refusals(incident: Incident, context: NoticeContext) -> str:
    """Say what AWS refused, in its words."""
    failed = [one for one in incident.steps if one.status is StepStatus.FAILED]
    words = " ".join([context.detail, *(one.detail for one in failed)]).strip()
    return section(
        "WHAT AWS REFUSED",
        *list_failures([(one.step, one.detail) for one in failed], context.detail),
        paragraph(advise_on_refusal(words)) if words else "",
        ""
        if failed or context.detail
        else paragraph("What AWS answered is not known; see Loopbreaker's log."),
    )


def _list_removed_steps(incident: Incident) -> tuple[StepOutcome, ...]:
    """List what was taken away to make room for a stop, and is not put back."""
    return tuple(
        one
        for one in list_steps_in_force(incident)
        if isinstance(one.step, RemoveProvisioned) and one.status is StepStatus.DONE
    )


def _describe_cap_in_force(incident: Incident, context: NoticeContext) -> str:
    """Say what holds a function that could not be stopped, as was just read."""
    found = None if context.found is None else context.found.reserved_concurrency
    if not found or found not in incident.ours:
        return ""
    return f"Its cap of {found:,} is still in force."


def compose_ledger_unavailable(
    incident: Incident,
    context: NoticeContext,
    now: datetime,
    *,
    is_tagged: bool = True,
    tag_key: str = "",
) -> Notice:
    """Report that a function was stopped although the ledger could not be written.

    Parameters
    ----------
    incident
        As it would have been stored, with snapshot and steps.
    is_tagged
        Whether the snapshot stands in the function's tags. Where it does not, this notice is the
        only record.
    """
    changed = list_steps_in_force(incident)
    region = context.deployment.region
    tag = f" (tag {clean(tag_key, 128)})" if tag_key else ""
    # Without the tag this notice is the record: it is sent before anything is changed.
    state = (
        f"STOPPED {incident.function}{_say_when(incident, now)}, although Loopbreaker's"
        " ledger could not be written."
        if is_tagged
        else f"STOPPING {incident.function}. KEEP THIS NOTICE: it is the only record of what was"
        " there before."
    )
    own_ways = (
        (
            paragraph("Once the ledger answers again, these do the same:"),
            *list_ways_back(incident.function, incident.function_arn, context.deployment),
        )
        if is_tagged
        else (paragraph(_explain_need_of_record(context.deployment)),)
    )
    return Notice(
        subject=compose_subject(
            f"{'STOPPED' if is_tagged else 'STOPPING'}, ledger down:",
            incident.function,
            describe_rate(incident),
        ),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=state,
                    loss=describe_loss(incident, context),
                    actions=(
                        paragraph("Fix the loop, then restore it. This works without the ledger:"),
                        *command_lines(build_restore_commands(changed, region)),
                        *own_ways,
                    ),
                ),
                section("WHAT WAS THERE BEFORE", *list_prior_values(changed)),
                section(
                    "WHAT IS KNOWN",
                    *(
                        (
                            paragraph(
                                describe_restriction(incident, now),
                                describe_other_changes(incident),
                            ),
                            paragraph(
                                "What was there before is kept in the function's"
                                f" tags{tag} and in this notice. Once the ledger answers again,"
                                " Loopbreaker takes it over by itself.",
                                "Where Loopbreaker was holding the function already, the"
                                " reservation above is its own: the rollback knows what was there"
                                " before it."
                                if incident.prior
                                else "",
                                quote_aws_error(context.detail),
                            ),
                        )
                        if is_tagged
                        else (
                            paragraph(
                                "Neither Loopbreaker's ledger nor the function's tags could be"
                                " written.",
                                quote_aws_error(context.detail),
                            ),
                            paragraph(
                                "Its reserved concurrency is being set to 0. Whether that succeeded"
                                " is not known here; this shows it:"
                            ),
                            command_line(build_look_command(incident.function, region)),
                        )
                    ),
                ),
                compose_evidence(incident, now),
                compose_cost(incident),
                compose_event_impact(incident, context, now),
                compose_loop(incident, context),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _explain_need_of_record(deployment: Deployment) -> str:
    what = "The command loopbreaker restore" if deployment.is_embedded else "The rollback flag"
    return f"{what} cannot: it needs a record."
