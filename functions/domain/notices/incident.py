"""What people are told: plain e-mail that can be read on a phone at 3 a.m.

The most important comes first: what was done and to which function; then how fast, what it costs,
why, what becomes of its events and until when, and what to do, with commands to paste. Anything
may be unknown: the text then says so, or leaves it out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.changes.steps import (
    DisableMapping,
    LimitMapping,
    RemoveProvisioned,
    Reserve,
    ScaleToZero,
    StepOutcome,
    StepStatus,
)
from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.holding.budget import COUNTED_FOR, MOST_HOLDS
from functions.domain.holding.callers import LONGEST_CAPPED
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident, IncidentState, OutboxNotice, Transition
from functions.domain.notices.commands import (
    build_look_command,
    build_restore_commands,
    build_rollback_command,
    list_steps_in_force,
)
from functions.domain.notices.hold import (
    compose_cap_over,
    compose_expiring,
    compose_held,
    compose_kept,
    compose_let_go,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.sections import (
    FIX,
    MARK,
    MOST_NAMES,
    SUBJECT_LIMIT,
    advise_on_refusal,
    command_line,
    command_lines,
    compose_body,
    compose_durable_executions,
    compose_event_impact,
    compose_footer,
    compose_instructions,
    compose_leftovers,
    compose_loop,
    compose_manual_stop,
    compose_measurement,
    compose_reasons,
    compose_replica_stop,
    compose_subject,
    count_left_out,
    describe_hold_time,
    describe_location,
    describe_other_changes,
    describe_rate,
    describe_restriction,
    describe_restriction_time,
    describe_step_in_force,
    describe_suspected,
    describe_urgency,
    join_names,
    list_aftermath,
    list_failures,
    list_prior_values,
    list_refused_steps,
    list_settings,
    name_restriction,
    name_stack,
    parse_decision_reason,
    quote_aws_error,
    section,
    shorten_actor,
    warn_of_stop,
    would_hold,
)
from functions.domain.notices.text import (
    bullet,
    clean,
    cut_middle,
    format_count,
    format_duration,
    format_time,
    format_time_with_age,
    paragraph,
    quote,
)

_MOST_FUNCTIONS: Final = 25


def compose_notice(
    transition: Transition, incident: Incident, context: NoticeContext, now: datetime
) -> Notice:
    """The notice of one transition of an incident."""
    return _COMPOSERS[transition](incident, context, now)


def mark_as_repeated(stored: OutboxNotice | Notice) -> Notice:
    """A stored notice, marked: it may have arrived before."""
    subject = clean(stored.subject, 400).removeprefix(MARK).strip()
    marked = f"{MARK} (again) {subject}"
    first = paragraph(
        "Sent again, because the first sending was not confirmed. If you have it already, there is"
        " nothing new here."
    )
    return Notice(
        subject=cut_middle(marked, SUBJECT_LIMIT), body=compose_body((first, stored.body))
    )


def compose_ledger_unavailable(
    incident: Incident,
    context: NoticeContext,
    now: datetime,
    *,
    is_tagged: bool = True,
    tag_key: str = "",
) -> Notice:
    """A function was stopped although the ledger could not be written.

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
                else command_line(build_look_command(incident.function, context.region)),
                keep,
                describe_location(context),
                section("WHAT WAS THERE BEFORE", *list_prior_values(changed)),
                section(
                    "PUT IT BACK",
                    paragraph(
                        "First fix the loop. While the ledger is down, or if Loopbreaker is"
                        " gone, these commands put everything back:"
                    ),
                    *command_lines(build_restore_commands(changed, context.region)),
                    *(
                        (
                            paragraph("Once the ledger answers again, this does the same:"),
                            command_line(build_rollback_command(incident, context.deploy_flags)),
                        )
                        if is_tagged
                        else (paragraph("The rollback flag cannot: it needs a record."),)
                    ),
                ),
                *compose_measurement(incident, now, is_over=is_tagged),
                compose_event_impact(incident, context, now),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_stack_deleted(
    still_contained: Sequence[Incident], context: NoticeContext, now: datetime
) -> Notice:
    """The guard's own stack is being deleted while it holds functions."""
    changes = [(one, list_steps_in_force(one)) for one in still_contained]
    names = [one.function for one, _ in changes]
    shown = changes[:_MOST_FUNCTIONS]
    others_count = len(names) - 1
    lead = f"STACK DELETED, {format_count(len(names), 'function')} still held"
    if not names:
        return Notice(
            subject=f"{MARK} STACK DELETED: no function is held",
            body=compose_body(
                (
                    paragraph(
                        f"The stack {name_stack(context)} is being deleted. It holds no function:"
                        " there is nothing to put back. From now on no loop is stopped here."
                    ),
                    describe_location(context),
                )
            ),
        )
    # Reservations first, whatever else has to be left out: they are what keeps a function still.
    reservations = [
        command
        for _, steps in shown
        for command in build_restore_commands(steps, context.region, reserved_only=True)
    ]
    others = [
        command
        for _, steps in shown
        for command in build_restore_commands(steps, context.region, reserved_only=False)
    ]
    return Notice(
        subject=compose_subject(
            f"{lead}:", names[0], f" and {others_count:,} more" if others_count else ""
        ),
        body=compose_body(
            (
                paragraph(
                    f"The stack {name_stack(context)} is being deleted. It puts nothing back by"
                    f" itself: {format_count(len(names), 'function stays', 'functions stay')} as"
                    f" {'it is' if len(names) == 1 else 'they are'} at {format_time(now)}, and from"
                    " now on no loop is stopped here. KEEP THIS NOTICE until all is put back."
                ),
                describe_location(context),
                section(
                    "STILL HELD",
                    *(
                        bullet(
                            f"{one.function}: "
                            + (
                                "; ".join(
                                    describe_step_in_force(step) for step in steps[:MOST_NAMES]
                                )
                                or "what was there before is not known"
                            )
                            + (f" and {len(steps) - MOST_NAMES:,} more" * (len(steps) > MOST_NAMES))
                        )
                        for one, steps in shown
                    ),
                    count_left_out(len(changes) - len(shown), "function"),
                ),
                section(
                    "PUT THEM BACK, ONCE THE LOOPS ARE FIXED",
                    paragraph("The reservations:"),
                    *command_lines(reservations),
                    *(
                        (
                            paragraph("Then what was disabled or taken away beside them:"),
                            *command_lines(others),
                        )
                        if others
                        else ()
                    ),
                ),
            )
        ),
    )


@dataclass(frozen=True, slots=True)
class _Explanation:
    """How a decision that changes nothing is told."""

    lead: str
    opening: str
    why: str


_NOT_STOPPED: Final[dict[DecisionReason, _Explanation]] = {
    DecisionReason.OBSERVE_MODE: _Explanation(
        "WOULD STOP",
        "Loopbreaker would have stopped {function}. It changed nothing: it is in observe mode.",
        "To let it act, deploy it with -c mode=enforce.",
    ),
    DecisionReason.BLAST_RADIUS: _Explanation(
        "NOT STOPPED, ACT NOW:",
        "{function} {does}, and Loopbreaker HAS NOT STOPPED IT.",
        "Loopbreaker has reached its blast radius{radius}. So many at once can also mean that"
        " Loopbreaker is wrong, so from here on a person decides.",
    ),
    DecisionReason.RESPONSE_IS_NOTIFY: _Explanation(
        "SUSPECTED, NOT STOPPED:",
        "{function} {does}. Loopbreaker changed nothing.",
        "This deployment only tells about suspected functions (response=notify).",
    ),
    DecisionReason.CANNOT_BE_HELD: _Explanation(
        "SUSPECTED, NOT HELD:",
        "{function} {does}. Loopbreaker changed nothing yet.",
        "A suspected function is held back for some minutes, to see whether it feeds itself. This"
        " one is not, because that might do more than delay its events. The first of the reasons"
        " below says why.",
    ),
    DecisionReason.HELD_OFTEN: _Explanation(
        "SUSPECTED, NOT HELD:",
        "{function} {does}. Loopbreaker changed nothing.",
        "Loopbreaker holds a function at most {holds} within {hours} hours, so that nobody can"
        " keep it held by sending it bursts. Until the oldest of these holds is that long ago,"
        " this one is neither held again nor stopped for a suspicion: you decide.",
    ),
    DecisionReason.NO_CAP_FOR_INSTANCES: _Explanation(
        "SUSPECTED, NOT HELD:",
        "{function} {does}. Loopbreaker changed nothing yet.",
        "A suspected function is held back for some minutes, to see whether it feeds itself. This"
        " one is not: it runs on Lambda Managed Instances, which no reserved concurrency holds.",
    ),
    DecisionReason.SCALING_UNKNOWN: _Explanation(
        "CANNOT BE STOPPED, ACT NOW:",
        "{function} {does}, and Loopbreaker CANNOT STOP IT.",
        "It runs on Lambda Managed Instances, which no reserved concurrency stops, and the scaling"
        " of its versions could not be read. Stop it by hand, as below.",
    ),
    DecisionReason.EXEMPT_BY_TAG: _Explanation(
        "NOT STOPPED (exempt):",
        "{function} {does}. Loopbreaker has not stopped it: it is exempt.",
        "It carries the tag loopbreaker:exempt=true.",
    ),
    DecisionReason.EXEMPT_BY_FLAG: _Explanation(
        "NOT STOPPED (exempt):",
        "{function} {does}. Loopbreaker has not stopped it: it is exempt.",
        "The deployment names it in -c exempt.",
    ),
    DecisionReason.STOPPED_BY_AWS: _Explanation(
        "AWS STOPS A LOOP:",
        "AWS stops {function} in a loop by itself. Loopbreaker changed nothing.",
        "Lambda's recursive loop detection ends each chain after about 16 invocations. Every new"
        " event starts the next one. What it drops goes to the dead-letter queue or on-failure"
        " destination, or is lost.",
    ),
    DecisionReason.OWN_FUNCTION: _Explanation(
        "ITS OWN FUNCTION IS BUSY:",
        "{function}, a function of Loopbreaker itself, is unusually busy. It never stops itself.",
        "",
    ),
    DecisionReason.EDGE_REPLICA: _Explanation(
        "NOT STOPPED (Lambda@Edge):",
        "{function} {does}, and Loopbreaker HAS NOT STOPPED IT.",
        "It is a Lambda@Edge replica: CloudFront runs copies of the function in many Regions, and"
        " nobody can set the concurrency of a copy.",
    ),
    DecisionReason.RELEASED_BY_OTHERS: _Explanation(
        "RUNNING AWAY AGAIN:",
        "{function} was released by somebody and is running away again. Loopbreaker has not"
        " stopped it.",
        "A function that a person released is left alone for a while.",
    ),
}
_CHANGED_NOTHING: Final = _Explanation(
    "NOT STOPPED:", "{function} {does}. Loopbreaker changed nothing.", ""
)
VERDICT_CLAUSES: Final = {
    Verdict.RUNAWAY: "is running away",
    Verdict.SUSPECTED: "may be running away",
    Verdict.BUSY: "is unusually busy",
    Verdict.CALM: "is calm",
}
_NOT_HELD: Final = frozenset({DecisionReason.CANNOT_BE_HELD, DecisionReason.NO_CAP_FOR_INSTANCES})
# Reasons after which nobody is to stop the function by hand on Loopbreaker's advice.
_NO_STOP_ADVICE: Final = frozenset(
    {DecisionReason.STOPPED_BY_AWS, DecisionReason.OWN_FUNCTION, DecisionReason.EDGE_REPLICA}
)


def compose_notified(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell of a decision that changes nothing."""
    reason = parse_decision_reason(incident)
    told = _CHANGED_NOTHING if reason is None else _NOT_STOPPED.get(reason, _CHANGED_NOTHING)
    assessment = incident.assessment
    lead, opening = told.lead, told.opening
    if reason is DecisionReason.OBSERVE_MODE:
        lead, opening = _describe_imagined(assessment, context, lead, opening)
    radius = (
        f": {format_count(context.blast_radius, 'function')} within"
        f" {format_duration(context.blast_radius_window)}"
        if context.blast_radius is not None
        else ""
    )
    already = join_names(context.contained_already)
    is_advised = reason not in _NO_STOP_ADVICE
    return Notice(
        subject=compose_subject(lead, incident.function, describe_rate(incident)),
        body=compose_body(
            (
                paragraph(
                    opening.format(
                        function=incident.function, does=VERDICT_CLAUSES[assessment.verdict]
                    )
                ),
                paragraph(
                    told.why.format(
                        radius=radius,
                        holds=format_count(MOST_HOLDS, "time"),
                        hours=COUNTED_FOR // timedelta(hours=1),
                    ),
                    f"Contained within that time: {already}." if already else "",
                ),
                warn_of_stop(incident, context, now) if reason in _NOT_HELD else "",
                compose_manual_stop(incident, context)
                if reason is DecisionReason.BLAST_RADIUS
                else "",
                describe_location(context),
                *compose_measurement(incident, now),
                compose_loop(incident, context),
                compose_reasons(incident),
                compose_event_impact(
                    incident,
                    context,
                    now,
                    "WHAT STOPPING IT WOULD DO TO ITS EVENTS",
                    is_imagined=reason is DecisionReason.OBSERVE_MODE,
                )
                if is_advised
                else "",
                compose_manual_stop(incident, context)
                if is_advised and reason is not DecisionReason.BLAST_RADIUS
                else section("WHAT TO DO", bullet(FIX, "1."))
                if reason is DecisionReason.STOPPED_BY_AWS
                else "",
                compose_replica_stop(incident),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _describe_imagined(
    assessment: Assessment, context: NoticeContext, lead: str, opening: str
) -> tuple[str, str]:
    """What enforce mode would have done, where it would not have stopped the function."""
    for ground in assessment.grounds:
        if ground.reason is Reason.WOULD_BE_CAPPED and ground.value is not None:
            return f"WOULD CAP AT {ground.value:,.0f}", _describe_imagined_cap(
                assessment, ground.value
            )
    if would_hold(assessment, context):
        held = opening.replace("have stopped", "have held").replace(".", " back.", 1)
        return "WOULD HOLD", held
    return lead, opening


def _describe_imagined_cap(assessment: Assessment, cap: float) -> str:
    then = (
        "If it were still in danger then, it would be stopped, because the configuration closes the"
        " loop."
        if assessment.has(Reason.LOOP_PROVEN)
        else "If it went on after that, you would be told what it costs, and decide."
    )
    return (
        f"Loopbreaker would have capped {{function}} at {cap:,.0f}, its normal peak of 14 days, for"
        f" {format_duration(LONGEST_CAPPED)} at most. It does harm that does not wait: the"
        " reasons below"
        " say which. It would not have been held back to see whether it feeds itself, because"
        " callers wait for its answers. What is asked beyond the cap would have been refused with"
        f" status 429. {then} Loopbreaker changed nothing: it is in observe mode."
    )


def compose_contained(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a function is stopped."""
    return Notice(
        subject=compose_subject("STOPPED", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                paragraph(
                    f"Loopbreaker stopped {incident.function}.",
                    _describe_why_now(incident),
                ),
                paragraph(describe_restriction(incident, now), describe_other_changes(incident)),
                describe_suspected(incident),
                *list_refused_steps(incident),
                describe_urgency(incident, context),
                describe_location(context),
                *compose_measurement(incident, now, is_over=True),
                compose_loop(incident, context),
                compose_reasons(incident),
                compose_event_impact(incident, context, now),
                compose_durable_executions(incident, context.region),
                compose_instructions(incident, context),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _describe_why_now(incident: Incident) -> str:
    """Why it is stopped now, where something went before."""
    if parse_decision_reason(incident) is DecisionReason.STILL_SUSPECTED:
        return "The configuration closes a loop, it could not be held, and it went on."
    if incident.watch is not None and incident.assessment.has(Reason.COMES_BACK):
        return "Held, it was silent; let go a little, it came back round after round."
    return ""


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
    until = at + context.cooling_off
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
                    " again."
                    " If it stays calm, the incident ends."
                ),
                describe_location(context),
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
        f"until {format_time(incident.released_at + context.cooling_off)}"
        if incident.released_at is not None
        else f"for {format_duration(context.cooling_off)} after that"
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
                describe_location(context),
                *compose_measurement(incident, now),
                compose_loop(incident, context),
                compose_reasons(incident),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_restored(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a function is as it was before."""
    untouched = sum(one.restored is StepStatus.CHANGED_MEANWHILE for one in incident.steps)
    tail = f", {format_count(untouched, 'setting')} left alone" if untouched else ""
    return Notice(
        subject=compose_subject("RESTORED", incident.function, tail),
        body=compose_body(
            (
                paragraph(f"Loopbreaker put {incident.function} back, as you asked."),
                paragraph(describe_restriction_time(incident, now)),
                paragraph(
                    "If it runs away again, Loopbreaker acts again: there is no waiting time after"
                    " a restore."
                ),
                describe_location(context),
                section("SETTINGS", *list_settings(incident)),
                section("ITS EVENTS", *list_aftermath(incident, context, now))
                if incident.snapshot
                else "",
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_restore_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell what could not be put back."""
    failed = [one for one in incident.steps if one.restored is StepStatus.FAILED]
    changed = list_steps_in_force(incident)
    is_still = any(isinstance(one.step, Reserve | ScaleToZero) for one in changed)
    words = " ".join([context.detail, *(one.restored_detail for one in failed)])
    return Notice(
        subject=compose_subject(
            "RESTORE FAILED:",
            incident.function,
            f" is {'still ' + name_restriction(incident) if is_still else 'not fully restored'}",
        ),
        body=compose_body(
            (
                paragraph(
                    f"Loopbreaker could not put everything of {incident.function} back."
                    + (f" It is still {name_restriction(incident)}." if is_still else "")
                ),
                *list_failures([(one.step, one.restored_detail) for one in failed], context.detail),
                describe_urgency(incident, context) if is_still else "",
                describe_location(context),
                section("SETTINGS", *list_settings(incident)),
                section(
                    "WHAT TO DO",
                    bullet(advise_on_refusal(words), "1."),
                    bullet(
                        "Loopbreaker tries again by itself, after growing pauses. This asks for it"
                        " at once, in the name of another role:"
                        if incident.closing is IncidentState.LIFTED
                        else "Run the same command again. What is back already is left as it is,"
                        " and the incident stays open until all is back.",
                        "2.",
                    ),
                    command_line(build_rollback_command(incident, context.deploy_flags)),
                    bullet("Or put back by hand what is left:", "3."),
                    *command_lines(build_restore_commands(changed, context.region)),
                ),
                compose_event_impact(incident, context, now) if is_still else "",
                *compose_footer(incident, context, now),
            )
        ),
    )


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
            f"{incident.function} {VERDICT_CLAUSES[incident.assessment.verdict]}, and Loopbreaker"
            " COULD"
            f" NOT {verb} IT. It goes on running.",
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
                describe_location(context),
                *compose_measurement(incident, now, is_over=is_held),
                compose_loop(incident, context),
                compose_reasons(incident),
                compose_event_impact(incident, context, now) if is_held else "",
                compose_instructions(incident, context) if is_held else "",
                *compose_footer(incident, context, now),
            )
        ),
    )


# Why a function that is not to be touched any more is put back: end of the subject, and sentence.
_WITHDRAWN: Final[dict[DecisionReason, tuple[str, str]]] = {
    DecisionReason.EXEMPT_BY_TAG: (
        " is exempt",
        "it carries the tag loopbreaker:exempt=true by now, so that nothing of it is changed",
    ),
    DecisionReason.EXEMPT_BY_FLAG: (
        " is exempt",
        "the deployment names it in -c exempt by now, so that nothing of it is changed",
    ),
    DecisionReason.OBSERVE_MODE: (
        ", observe mode",
        "the deployment is in observe mode by now, in which nothing is changed",
    ),
    DecisionReason.OWN_FUNCTION: (
        " is its own",
        "it is a function of Loopbreaker itself, which never stops itself",
    ),
    DecisionReason.HOLD_OVER: (
        ", not decided",
        (
            "it was held to find out whether it is a loop, and the time for that is over. The"
            " function contain ends a hold, normally. This one was ended by a schedule that was"
            " made beforehand, in case that contain cannot"
        ),
    ),
    DecisionReason.LOOP_IS_HELD: (
        ", its loop is held",
        (
            "another function on its loop was held at the same moment. Each would keep the other's"
            " events back, so only one of them is held"
        ),
    ),
    DecisionReason.STACK_DELETED: (
        ", stack deleted",
        (
            "it was held to find out whether it is a loop, and the stack of Loopbreaker, which"
            " would have ended that, is being deleted"
        ),
    ),
}


def _list_removed_steps(incident: Incident) -> tuple[StepOutcome, ...]:
    """What was taken away to make room for a stop, and is not put back."""
    return tuple(
        one
        for one in list_steps_in_force(incident)
        if isinstance(one.step, RemoveProvisioned) and one.status is StepStatus.DONE
    )


def _describe_cap_in_force(incident: Incident, context: NoticeContext) -> str:
    """What holds a function that could not be stopped, as was just read."""
    found = None if context.found is None else context.found.reserved_concurrency
    if not found or found not in incident.ours:
        return ""
    return f"Its cap of {found:,} is still in force."


def compose_lifted(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a hold or a cap is over, or that a function is put back without being asked for."""
    if not incident.is_withdrawn:
        return compose_let_go(incident, context, now)
    reason = parse_decision_reason(incident)
    is_cap = incident.watch is not None and incident.watch.plan.is_for_callers
    if is_cap and reason in _CAP_ENDS:
        return compose_cap_over(incident, context, now)
    left = [one for one in incident.steps if one.restored is StepStatus.CHANGED_MEANWHILE]
    tail, because = _WITHDRAWN.get(reason or DecisionReason.SUSPECTED, _OF_EARLIER_VERSION)
    return Notice(
        subject=compose_subject("PUT BACK:", incident.function, tail),
        body=compose_body(
            (
                paragraph(f"Loopbreaker put {incident.function} back: {because}."),
                paragraph(
                    describe_hold_time(incident, now)
                    if incident.watch
                    else describe_restriction_time(incident, now)
                ),
                paragraph(_describe_left_to_do(incident, context, is_left=bool(left))),
                describe_location(context),
                *(compose_measurement(incident, now, is_over=True) if reason in _UNTOLD else ()),
                section("SETTINGS", *list_settings(incident)),
                *compose_footer(incident, context, now),
            )
        ),
    )


_CAP_ENDS: Final = frozenset(
    {
        DecisionReason.DANGER_OVER,
        DecisionReason.CAP_OVER,
        DecisionReason.HOLD_OVER,
        DecisionReason.STACK_DELETED,
    }
)
# It goes on running, and nobody knows whether it is a loop.
_UNTOLD: Final = frozenset({DecisionReason.HOLD_OVER, DecisionReason.STACK_DELETED})
_OF_EARLIER_VERSION: Final = (
    ", its cap is gone",
    (
        "an earlier version of Loopbreaker had capped it, and this version does not judge by caps."
        " If it is still unusual, it is held anew"
    ),
)


def _describe_left_to_do(incident: Incident, context: NoticeContext, *, is_left: bool) -> str:
    """What people may have to do after a cap or a hold was taken back."""
    match parse_decision_reason(incident):
        case DecisionReason.HOLD_OVER:
            return (
                "Whether it is a loop is not known: look at its invocations. Find out, too, why"
                f" contain did not end the hold; its log group is /aws/lambda/{context.stack_name}"
                "-contain."
            )
        case DecisionReason.STACK_DELETED:
            return "Whether it is a loop is not known: look at its invocations."
        case _:
            return "" if is_left else "Nothing is left to do."


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
                describe_location(context),
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
                    *command_lines(build_restore_commands(mappings, context.region)),
                )
                if mappings
                else "",
                section(
                    "STILL LIMITED",
                    paragraph(
                        "Loopbreaker had limited the concurrency of these event source mappings."
                        " This puts it back:"
                    ),
                    *command_lines(build_restore_commands(limited, context.region)),
                )
                if limited
                else "",
                describe_location(context),
                *compose_footer(incident, context, now),
            )
        ),
    )


_COMPOSERS: Final[dict[Transition, Callable[[Incident, NoticeContext, datetime], Notice]]] = {
    Transition.NOTIFIED: compose_notified,
    Transition.CONTAINED: compose_contained,
    Transition.CAPPED: compose_held,
    Transition.SHOWN: compose_kept,
    Transition.EXPIRING: compose_expiring,
    Transition.RELEASED: compose_released,
    Transition.RUNNING_AWAY_AGAIN: compose_running_away_again,
    Transition.RESTORED: compose_restored,
    Transition.RESTORE_FAILED: compose_restore_failed,
    Transition.CONTAIN_FAILED: compose_contain_failed,
    Transition.LIFTED: compose_lifted,
    Transition.ENDED: compose_ended,
    Transition.DELETED: compose_deleted,
}
