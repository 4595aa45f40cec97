"""The mails about a stop: done, done in part or not at all, and done without the ledger."""

from datetime import datetime

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import RemoveProvisioned, Reserve, ScaleToZero, StepOutcome
from functions.domain.detection.assessment import Reason
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import (
    build_look_command,
    build_restore_commands,
)
from functions.domain.notices.incident.sections.ending import compose_ending, compose_footer
from functions.domain.notices.incident.sections.events import compose_event_impact, describe_urgency
from functions.domain.notices.incident.sections.instructions import (
    compose_instructions,
    compose_manual_stop,
    warn_of_stop,
)
from functions.domain.notices.incident.sections.measurement import (
    compose_measurement,
    describe_rate,
)
from functions.domain.notices.incident.sections.reasons import (
    VERDICT_CLAUSES,
    describe_suspected,
    explain_spike,
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
    describe_location,
    paragraph,
    quote,
    quote_aws_error,
    section,
)
from functions.domain.notices.notice import Deployment, Notice, NoticeContext
from functions.domain.notices.text import clean
from functions.domain.notices.ways_back import list_ways_back


def compose_contained(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a function is stopped."""
    return Notice(
        subject=compose_subject("STOPPED", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                paragraph(
                    f"Loopbreaker stopped {incident.function}{_name_order(incident)}.",
                    _describe_why_now(incident),
                ),
                paragraph(describe_restriction(incident, now), describe_other_changes(incident)),
                describe_suspected(incident),
                *list_refused_steps(incident),
                describe_urgency(incident, context),
                describe_location(context.deployment),
                *explain_spike(incident, context, now, is_over=True),
                *compose_ending(incident, context, now),
            )
        ),
    )


def _name_order(incident: Incident) -> str:
    """Say whose order it was; empty where the guard decided by itself."""
    if not is_ordered(incident):
        return ""
    return f" by order of {quote(incident.ordered_by, 300) or 'a person'}"


def _describe_why_now(incident: Incident) -> str:
    """Say why it is stopped now, where something went before."""
    if parse_decision_reason(incident) is DecisionReason.STILL_SUSPECTED:
        return "The configuration closes a loop, it could not be held, and it went on."
    if incident.watch is not None and incident.assessment.has(Reason.COMES_BACK):
        return "Held, it was silent; let go a little, it came back round after round."
    return ""


def compose_contain_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a function could not be stopped, or only in part."""
    is_held = any(
        isinstance(one.step, Reserve | ScaleToZero)
        and one.status in {StepStatus.DONE, StepStatus.ALREADY}
        and one.restored is None
        for one in incident.steps
    )
    verb = "HOLD" if incident.watch and incident.target != 0 else "STOP"
    failed = [one for one in incident.steps if one.status is StepStatus.FAILED]
    opening = (
        paragraph(
            f"Loopbreaker stopped {incident.function} only in part.",
            describe_restriction(incident, now),
        )
        if is_held
        else paragraph(
            f"Loopbreaker was to stop {incident.function}{_name_order(incident)}, and COULD NOT."
            " It goes on running."
            if is_ordered(incident)
            else f"{incident.function} {VERDICT_CLAUSES[incident.assessment.verdict]}, and"
            f" Loopbreaker COULD NOT {verb} IT. It goes on running.",
            _describe_cap_in_force(incident, context),
        )
    )
    return Notice(
        subject=compose_subject(
            "STOPPED IN PART:" if is_held else f"COULD NOT {verb}",
            incident.function,
            describe_rate(incident),
        ),
        body=compose_body(
            (
                opening,
                *list_failures([(one.step, one.detail) for one in failed], context.detail),
                ""
                if failed or context.detail
                else paragraph("What AWS answered is not known; see Loopbreaker's log."),
                warn_of_stop(incident, context, now) if incident.target and not is_held else "",
                ""
                if is_held
                else compose_leftovers(incident, context, _list_removed_steps(incident)),
                "" if is_held else compose_manual_stop(incident, context),
                describe_location(context.deployment),
                *explain_spike(incident, context, now, is_over=is_held),
                compose_event_impact(incident, context, now) if is_held else "",
                compose_instructions(incident, context) if is_held else "",
                *compose_footer(incident, context, now),
            )
        ),
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
    """Tell that a function was stopped although the ledger could not be written.

    Parameters
    ----------
    incident
        As it would have been stored, with snapshot and steps.
    is_tagged
        Whether the snapshot stands in the function's tags. Where it does not, this notice is the
        only record.
    """
    changed = list_steps_in_force(incident)
    tag = f" (tag {clean(tag_key, 128)})" if tag_key else ""
    keep = (
        paragraph(
            f"What was there before is kept in the function's tags{tag} and in this notice."
            " Once the ledger answers again, Loopbreaker takes it over by itself.",
            "Where Loopbreaker was holding the function already, the reservation below is its own:"
            " the rollback knows what was there before it."
            if incident.prior
            else "",
            quote_aws_error(context.detail),
        )
        if is_tagged
        else paragraph(
            "KEEP THIS NOTICE. Neither Loopbreaker's ledger nor the function's tags could be"
            " written: it is the only record of what was there before.",
            quote_aws_error(context.detail),
        )
    )
    # Without the tag this notice is the record: it is sent before anything is changed.
    lead, did = ("STOPPED", "stopped") if is_tagged else ("STOPPING", "is about to stop")
    return Notice(
        subject=compose_subject(
            f"{lead}, ledger down:", incident.function, describe_rate(incident)
        ),
        body=compose_body(
            (
                paragraph(
                    f"Loopbreaker {did} {incident.function}, although its ledger could not be"
                    " written.",
                ),
                paragraph(describe_restriction(incident, now), describe_other_changes(incident))
                if is_tagged
                else paragraph(
                    "Its reserved concurrency is being set to 0. Whether that succeeded is not"
                    " known here; this shows it:"
                ),
                ""
                if is_tagged
                else command_line(build_look_command(incident.function, context.deployment.region)),
                keep,
                describe_location(context.deployment),
                section("WHAT WAS THERE BEFORE", *list_prior_values(changed)),
                section(
                    "PUT IT BACK",
                    paragraph(
                        "First fix the loop. While the ledger is down, or if Loopbreaker is"
                        " gone, these commands put everything back:"
                    ),
                    *command_lines(build_restore_commands(changed, context.deployment.region)),
                    *(
                        (
                            paragraph("Once the ledger answers again, this does the same:"),
                            *list_ways_back(
                                incident.function, incident.function_arn, context.deployment
                            ),
                        )
                        if is_tagged
                        else (paragraph(_explain_need_of_record(context.deployment)),)
                    ),
                ),
                *compose_measurement(incident, now, is_over=is_tagged),
                compose_event_impact(incident, context, now),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _explain_need_of_record(deployment: Deployment) -> str:
    what = "The command loopbreaker restore" if deployment.is_embedded else "The rollback flag"
    return f"{what} cannot: it needs a record."
