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
from functions.domain.incidents.incident import (
    FoundReservation,
    Incident,
    IncidentState,
    OutboxNotice,
    Transition,
)
from functions.domain.notices import hold as hold_notice
from functions.domain.notices.commands import (
    look_command,
    restore_commands,
    rollback,
    still_changed,
)
from functions.domain.notices.sections import (
    FIX,
    MARK,
    MOST_NAMES,
    SUBJECT_LIMIT,
    NoticeContext,
    aftermath,
    aws_words,
    befores,
    bounded,
    by_hand,
    changed_beside,
    command_line,
    command_lines,
    decision_reason,
    durable,
    events,
    failures,
    footer,
    held_for,
    held_sentence,
    held_span,
    held_word,
    instead,
    left_out,
    leftovers,
    listed,
    measured,
    not_done,
    now_and_before,
    person,
    rates,
    remedy,
    section,
    settings,
    stack,
    stop_replica,
    subject_line,
    the_loop,
    to_do,
    urgency,
    where,
    why,
    will_stop,
    would_hold,
)
from functions.domain.notices.text import (
    bullet,
    clean,
    counted,
    lasting,
    middle_cut,
    moment,
    paragraph,
    quoted,
    since,
)

__all__ = [
    "FoundReservation",
    "Notice",
    "NoticeContext",
    "compose",
    "ledger_unavailable",
    "repeated",
    "stack_deleted",
]

_MOST_FUNCTIONS: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is sent to people."""

    subject: str
    body: str


def compose(
    transition: Transition, incident: Incident, context: NoticeContext, now: datetime
) -> Notice:
    """The notice of one transition of an incident."""
    return _COMPOSERS[transition](incident, context, now)


def repeated(stored: OutboxNotice | Notice) -> Notice:
    """A stored notice, marked: it may have arrived before."""
    subject = clean(stored.subject, 400).removeprefix(MARK).strip()
    marked = f"{MARK} (again) {subject}"
    first = paragraph(
        "Sent again, because the first sending was not confirmed. If you have it already, there is"
        " nothing new here."
    )
    return Notice(subject=middle_cut(marked, SUBJECT_LIMIT), body=bounded((first, stored.body)))


def ledger_unavailable(
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
    changed = still_changed(incident)
    tag = f" (tag {clean(tag_key, 128)})" if tag_key else ""
    keep = (
        paragraph(
            f"What was there before is kept in the function's tags{tag} and in this notice."
            " Once the ledger answers again, Loopbreaker takes it over by itself.",
            "Where Loopbreaker was holding the function already, the reservation below is its own:"
            " the rollback knows what was there before it."
            if incident.prior
            else "",
            aws_words(context.detail),
        )
        if is_tagged
        else paragraph(
            "KEEP THIS NOTICE. Neither Loopbreaker's ledger nor the function's tags could be"
            " written: it is the only record of what was there before.",
            aws_words(context.detail),
        )
    )
    # Without the tag this notice is the record: it is sent before anything is changed.
    lead, did = ("STOPPED", "stopped") if is_tagged else ("STOPPING", "is about to stop")
    return Notice(
        subject=subject_line(f"{lead}, ledger down:", incident.function, rates(incident)),
        body=bounded(
            (
                paragraph(
                    f"Loopbreaker {did} {incident.function}, although its ledger could not be"
                    " written.",
                ),
                paragraph(held_sentence(incident, now), changed_beside(incident))
                if is_tagged
                else paragraph(
                    "Its reserved concurrency is being set to 0. Whether that succeeded is not"
                    " known here; this shows it:"
                ),
                "" if is_tagged else command_line(look_command(incident.function, context.region)),
                keep,
                where(context),
                section("WHAT WAS THERE BEFORE", *befores(changed)),
                section(
                    "PUT IT BACK",
                    paragraph(
                        "First fix the loop. While the ledger is down, or if Loopbreaker is"
                        " gone, these commands put everything back:"
                    ),
                    *command_lines(restore_commands(changed, context.region)),
                    *(
                        (
                            paragraph("Once the ledger answers again, this does the same:"),
                            command_line(rollback(incident, context.deploy_flags)),
                        )
                        if is_tagged
                        else (paragraph("The rollback flag cannot: it needs a record."),)
                    ),
                ),
                *measured(incident, now, is_over=is_tagged),
                events(incident, context, now),
                *footer(incident, context, now),
            )
        ),
    )


def stack_deleted(
    still_contained: Sequence[Incident], context: NoticeContext, now: datetime
) -> Notice:
    """The guard's own stack is being deleted while it holds functions."""
    changes = [(one, still_changed(one)) for one in still_contained]
    names = [one.function for one, _ in changes]
    shown = changes[:_MOST_FUNCTIONS]
    others_count = len(names) - 1
    lead = f"STACK DELETED, {counted(len(names), 'function')} still held"
    if not names:
        return Notice(
            subject=f"{MARK} STACK DELETED: no function is held",
            body=bounded(
                (
                    paragraph(
                        f"The stack {stack(context)} is being deleted. It holds no function:"
                        " there is nothing to put back. From now on no loop is stopped here."
                    ),
                    where(context),
                )
            ),
        )
    # Reservations first, whatever else has to be left out: they are what keeps a function still.
    reservations = [
        command
        for _, steps in shown
        for command in restore_commands(steps, context.region, reserved_only=True)
    ]
    others = [
        command
        for _, steps in shown
        for command in restore_commands(steps, context.region, reserved_only=False)
    ]
    return Notice(
        subject=subject_line(
            f"{lead}:", names[0], f" and {others_count:,} more" if others_count else ""
        ),
        body=bounded(
            (
                paragraph(
                    f"The stack {stack(context)} is being deleted. It puts nothing back by"
                    f" itself: {counted(len(names), 'function stays', 'functions stay')} as"
                    f" {'it is' if len(names) == 1 else 'they are'} at {moment(now)}, and from"
                    " now on no loop is stopped here. KEEP THIS NOTICE until all is put back."
                ),
                where(context),
                section(
                    "STILL HELD",
                    *(
                        bullet(
                            f"{one.function}: "
                            + (
                                "; ".join(now_and_before(step) for step in steps[:MOST_NAMES])
                                or "what was there before is not known"
                            )
                            + (f" and {len(steps) - MOST_NAMES:,} more" * (len(steps) > MOST_NAMES))
                        )
                        for one, steps in shown
                    ),
                    left_out(len(changes) - len(shown), "function"),
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


# One notice per transition -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """How a decision that changes nothing is told."""

    lead: str
    opening: str
    why: str


_NOT_STOPPED: Final[dict[DecisionReason, _Told]] = {
    DecisionReason.OBSERVE_MODE: _Told(
        "WOULD STOP",
        "Loopbreaker would have stopped {function}. It changed nothing: it is in observe mode.",
        "To let it act, deploy it with -c mode=enforce.",
    ),
    DecisionReason.BLAST_RADIUS: _Told(
        "NOT STOPPED, ACT NOW:",
        "{function} {does}, and Loopbreaker HAS NOT STOPPED IT.",
        "Loopbreaker has reached its blast radius{radius}. So many at once can also mean that"
        " Loopbreaker is wrong, so from here on a person decides.",
    ),
    DecisionReason.RESPONSE_IS_NOTIFY: _Told(
        "SUSPECTED, NOT STOPPED:",
        "{function} {does}. Loopbreaker changed nothing.",
        "This deployment only tells about suspected functions (response=notify).",
    ),
    DecisionReason.CANNOT_BE_HELD: _Told(
        "SUSPECTED, NOT HELD:",
        "{function} {does}. Loopbreaker changed nothing yet.",
        "A suspected function is held back for some minutes, to see whether it feeds itself. This"
        " one is not, because that might do more than delay its events. The first of the reasons"
        " below says why.",
    ),
    DecisionReason.HELD_OFTEN: _Told(
        "SUSPECTED, NOT HELD:",
        "{function} {does}. Loopbreaker changed nothing.",
        "Loopbreaker holds a function at most {holds} within {hours} hours, so that nobody can"
        " keep it held by sending it bursts. Until the oldest of these holds is that long ago,"
        " this one is neither held again nor stopped for a suspicion: you decide.",
    ),
    DecisionReason.NO_CAP_FOR_INSTANCES: _Told(
        "SUSPECTED, NOT HELD:",
        "{function} {does}. Loopbreaker changed nothing yet.",
        "A suspected function is held back for some minutes, to see whether it feeds itself. This"
        " one is not: it runs on Lambda Managed Instances, which no reserved concurrency holds.",
    ),
    DecisionReason.SCALING_UNKNOWN: _Told(
        "CANNOT BE STOPPED, ACT NOW:",
        "{function} {does}, and Loopbreaker CANNOT STOP IT.",
        "It runs on Lambda Managed Instances, which no reserved concurrency stops, and the scaling"
        " of its versions could not be read. Stop it by hand, as below.",
    ),
    DecisionReason.EXEMPT_BY_TAG: _Told(
        "NOT STOPPED (exempt):",
        "{function} {does}. Loopbreaker has not stopped it: it is exempt.",
        "It carries the tag loopbreaker:exempt=true.",
    ),
    DecisionReason.EXEMPT_BY_FLAG: _Told(
        "NOT STOPPED (exempt):",
        "{function} {does}. Loopbreaker has not stopped it: it is exempt.",
        "The deployment names it in -c exempt.",
    ),
    DecisionReason.STOPPED_BY_AWS: _Told(
        "AWS STOPS A LOOP:",
        "AWS stops {function} in a loop by itself. Loopbreaker changed nothing.",
        "Lambda's recursive loop detection ends each chain after about 16 invocations. Every new"
        " event starts the next one. What it drops goes to the dead-letter queue or on-failure"
        " destination, or is lost.",
    ),
    DecisionReason.OWN_FUNCTION: _Told(
        "ITS OWN FUNCTION IS BUSY:",
        "{function}, a function of Loopbreaker itself, is unusually busy. It never stops itself.",
        "",
    ),
    DecisionReason.EDGE_REPLICA: _Told(
        "NOT STOPPED (Lambda@Edge):",
        "{function} {does}, and Loopbreaker HAS NOT STOPPED IT.",
        "It is a Lambda@Edge replica: CloudFront runs copies of the function in many Regions, and"
        " nobody can set the concurrency of a copy.",
    ),
    DecisionReason.RELEASED_BY_OTHERS: _Told(
        "RUNNING AWAY AGAIN:",
        "{function} was released by somebody and is running away again. Loopbreaker has not"
        " stopped it.",
        "A function that a person released is left alone for a while.",
    ),
}
_CHANGED_NOTHING: Final = _Told(
    "NOT STOPPED:", "{function} {does}. Loopbreaker changed nothing.", ""
)
_DOES: Final = {
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


def _notified(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    reason = decision_reason(incident)
    told = _CHANGED_NOTHING if reason is None else _NOT_STOPPED.get(reason, _CHANGED_NOTHING)
    assessment = incident.assessment
    lead, opening = told.lead, told.opening
    if reason is DecisionReason.OBSERVE_MODE:
        lead, opening = _imagined(assessment, context, lead, opening)
    radius = (
        f": {counted(context.blast_radius, 'function')} within"
        f" {lasting(context.blast_radius_window)}"
        if context.blast_radius is not None
        else ""
    )
    already = listed(context.contained_already)
    is_advised = reason not in _NO_STOP_ADVICE
    return Notice(
        subject=subject_line(lead, incident.function, rates(incident)),
        body=bounded(
            (
                paragraph(
                    opening.format(function=incident.function, does=_DOES[assessment.verdict])
                ),
                paragraph(
                    told.why.format(
                        radius=radius,
                        holds=counted(MOST_HOLDS, "time"),
                        hours=COUNTED_FOR // timedelta(hours=1),
                    ),
                    f"Contained within that time: {already}." if already else "",
                ),
                will_stop(incident, context, now) if reason in _NOT_HELD else "",
                by_hand(incident, context) if reason is DecisionReason.BLAST_RADIUS else "",
                where(context),
                *measured(incident, now),
                the_loop(incident, context),
                why(incident),
                events(
                    incident,
                    context,
                    now,
                    "WHAT STOPPING IT WOULD DO TO ITS EVENTS",
                    is_imagined=reason is DecisionReason.OBSERVE_MODE,
                )
                if is_advised
                else "",
                by_hand(incident, context)
                if is_advised and reason is not DecisionReason.BLAST_RADIUS
                else section("WHAT TO DO", bullet(FIX, "1."))
                if reason is DecisionReason.STOPPED_BY_AWS
                else "",
                stop_replica(incident),
                *footer(incident, context, now),
            )
        ),
    )


def _imagined(
    assessment: Assessment, context: NoticeContext, lead: str, opening: str
) -> tuple[str, str]:
    """What enforce mode would have done, where it would not have stopped the function."""
    for ground in assessment.grounds:
        if ground.reason is Reason.WOULD_BE_CAPPED and ground.value is not None:
            return f"WOULD CAP AT {ground.value:,.0f}", _imagined_cap(assessment, ground.value)
    if would_hold(assessment, context):
        held = opening.replace("have stopped", "have held").replace(".", " back.", 1)
        return "WOULD HOLD", held
    return lead, opening


def _imagined_cap(assessment: Assessment, cap: float) -> str:
    then = (
        "If it were still in danger then, it would be stopped, because the configuration closes the"
        " loop."
        if assessment.has(Reason.LOOP_PROVEN)
        else "If it went on after that, you would be told what it costs, and decide."
    )
    return (
        f"Loopbreaker would have capped {{function}} at {cap:,.0f}, its normal peak of 14 days, for"
        f" {lasting(LONGEST_CAPPED)} at most. It does harm that does not wait: the reasons below"
        " say which. It would not have been held back to see whether it feeds itself, because"
        " callers wait for its answers. What is asked beyond the cap would have been refused with"
        f" status 429. {then} Loopbreaker changed nothing: it is in observe mode."
    )


def _contained(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    return Notice(
        subject=subject_line("STOPPED", incident.function, rates(incident)),
        body=bounded(
            (
                paragraph(
                    f"Loopbreaker stopped {incident.function}.",
                    _why_now(incident),
                ),
                paragraph(held_sentence(incident, now), changed_beside(incident)),
                instead(incident),
                *not_done(incident),
                urgency(incident, context),
                where(context),
                *measured(incident, now, is_over=True),
                the_loop(incident, context),
                why(incident),
                events(incident, context, now),
                durable(incident, context.region),
                to_do(incident, context),
                *footer(incident, context, now),
            )
        ),
    )


def _why_now(incident: Incident) -> str:
    """Why it is stopped now, where something went before."""
    if decision_reason(incident) is DecisionReason.STILL_SUSPECTED:
        return "The configuration closes a loop, it could not be held, and it went on."
    if incident.watch is not None and incident.assessment.has(Reason.COMES_BACK):
        return "Held, it was silent; let go a little, it came back round after round."
    return ""


def _of(text: tuple[str, str]) -> Notice:
    subject, body = text
    return Notice(subject=subject, body=body)


def _held(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    return _of(hold_notice.held(incident, context, now))


def _kept(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    return _of(hold_notice.kept(incident, context, now))


def _expiring(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    return _of(hold_notice.expiring(incident, context, now))


def _released(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    who = person(incident.actor)
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
    by = f" by {quoted(incident.actor, 300)}" if incident.actor else " (it is not known by whom)"
    changed = tuple(
        one for one in still_changed(incident) if not isinstance(one.step, Reserve | ScaleToZero)
    )
    until = at + context.cooling_off
    return Notice(
        subject=subject_line("RELEASED", incident.function, f" by {who}" if who else " by others"),
        body=bounded(
            (
                paragraph(f"{opening}{by}, not by Loopbreaker."),
                paragraph(f"Noticed at {since(at, now)}.", there),
                paragraph(
                    "Loopbreaker does not fight it: it watches the function and changes nothing"
                    f" until {moment(until)}. If it runs away after that, Loopbreaker acts again."
                    " If it stays calm, the incident ends."
                ),
                where(context),
                leftovers(incident, context, changed),
                *footer(incident, context, now),
            )
        ),
    )


def _running_away_again(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    who = person(incident.actor)
    released = (
        f"It was released{f' by {who}' if who else ''} at {since(incident.released_at, now)}."
        if incident.released_at is not None
        else f"It was released{f' by {who}' if who else ' by others'}."
    )
    until = (
        f"until {moment(incident.released_at + context.cooling_off)}"
        if incident.released_at is not None
        else f"for {lasting(context.cooling_off)} after that"
    )
    return Notice(
        subject=subject_line("RUNNING AWAY AGAIN:", incident.function, rates(incident)),
        body=bounded(
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
                by_hand(incident, context),
                where(context),
                *measured(incident, now),
                the_loop(incident, context),
                why(incident),
                *footer(incident, context, now),
            )
        ),
    )


def _restored(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    untouched = sum(one.restored is StepStatus.CHANGED_MEANWHILE for one in incident.steps)
    tail = f", {counted(untouched, 'setting')} left alone" if untouched else ""
    return Notice(
        subject=subject_line("RESTORED", incident.function, tail),
        body=bounded(
            (
                paragraph(f"Loopbreaker put {incident.function} back, as you asked."),
                paragraph(held_for(incident, now)),
                paragraph(
                    "If it runs away again, Loopbreaker acts again: there is no waiting time after"
                    " a restore."
                ),
                where(context),
                section("SETTINGS", *settings(incident)),
                section("ITS EVENTS", *aftermath(incident, context, now))
                if incident.snapshot
                else "",
                *footer(incident, context, now),
            )
        ),
    )


def _restore_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    failed = [one for one in incident.steps if one.restored is StepStatus.FAILED]
    changed = still_changed(incident)
    is_still = any(isinstance(one.step, Reserve | ScaleToZero) for one in changed)
    words = " ".join([context.detail, *(one.restored_detail for one in failed)])
    return Notice(
        subject=subject_line(
            "RESTORE FAILED:",
            incident.function,
            f" is {'still ' + held_word(incident) if is_still else 'not fully restored'}",
        ),
        body=bounded(
            (
                paragraph(
                    f"Loopbreaker could not put everything of {incident.function} back."
                    + (f" It is still {held_word(incident)}." if is_still else "")
                ),
                *failures([(one.step, one.restored_detail) for one in failed], context.detail),
                urgency(incident, context) if is_still else "",
                where(context),
                section("SETTINGS", *settings(incident)),
                section(
                    "WHAT TO DO",
                    bullet(remedy(words), "1."),
                    bullet(
                        "Loopbreaker tries again by itself, after growing pauses. This asks for it"
                        " at once, in the name of another role:"
                        if incident.closing is IncidentState.LIFTED
                        else "Run the same command again. What is back already is left as it is,"
                        " and the incident stays open until all is back.",
                        "2.",
                    ),
                    command_line(rollback(incident, context.deploy_flags)),
                    bullet("Or put back by hand what is left:", "3."),
                    *command_lines(restore_commands(changed, context.region)),
                ),
                events(incident, context, now) if is_still else "",
                *footer(incident, context, now),
            )
        ),
    )


def _contain_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
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
            f"Loopbreaker stopped {incident.function} only in part.", held_sentence(incident, now)
        )
        if is_held
        else paragraph(
            f"{incident.function} {_DOES[incident.assessment.verdict]}, and Loopbreaker COULD"
            f" NOT {verb} IT. It goes on running.",
            _cap_in_force(incident, context),
        )
    )
    return Notice(
        subject=subject_line(
            "STOPPED IN PART:" if is_held else f"COULD NOT {verb}",
            incident.function,
            rates(incident),
        ),
        body=bounded(
            (
                opening,
                *failures([(one.step, one.detail) for one in failed], context.detail),
                ""
                if failed or context.detail
                else paragraph("What AWS answered is not known; see Loopbreaker's log."),
                will_stop(incident, context, now) if incident.target and not is_held else "",
                "" if is_held else leftovers(incident, context, _removed(incident)),
                "" if is_held else by_hand(incident, context),
                where(context),
                *measured(incident, now, is_over=is_held),
                the_loop(incident, context),
                why(incident),
                events(incident, context, now) if is_held else "",
                to_do(incident, context) if is_held else "",
                *footer(incident, context, now),
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


def _removed(incident: Incident) -> tuple[StepOutcome, ...]:
    """What was taken away to make room for a stop, and is not put back."""
    return tuple(
        one
        for one in still_changed(incident)
        if isinstance(one.step, RemoveProvisioned) and one.status is StepStatus.DONE
    )


def _cap_in_force(incident: Incident, context: NoticeContext) -> str:
    """What holds a function that could not be stopped, as was just read."""
    found = None if context.found is None else context.found.reserved_concurrency
    if not found or found not in incident.ours:
        return ""
    return f"Its cap of {found:,} is still in force."


def _lifted(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    if not incident.is_withdrawn:
        return _of(hold_notice.let_go(incident, context, now))
    reason = decision_reason(incident)
    is_cap = incident.watch is not None and incident.watch.plan.is_for_callers
    if is_cap and reason in _CAP_ENDS:
        return _of(hold_notice.cap_over(incident, context, now))
    left = [one for one in incident.steps if one.restored is StepStatus.CHANGED_MEANWHILE]
    tail, because = _WITHDRAWN.get(reason or DecisionReason.SUSPECTED, _OF_EARLIER_VERSION)
    return Notice(
        subject=subject_line("PUT BACK:", incident.function, tail),
        body=bounded(
            (
                paragraph(f"Loopbreaker put {incident.function} back: {because}."),
                paragraph(held_span(incident, now) if incident.watch else held_for(incident, now)),
                paragraph(_left_to_do(incident, context, is_left=bool(left))),
                where(context),
                *(measured(incident, now, is_over=True) if reason in _UNTOLD else ()),
                section("SETTINGS", *settings(incident)),
                *footer(incident, context, now),
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


def _left_to_do(incident: Incident, context: NoticeContext, *, is_left: bool) -> str:
    """What people may have to do after a cap or a hold was taken back."""
    match decision_reason(incident):
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


def _ended(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    is_released = incident.released_at is not None
    changed = (
        tuple(
            one
            for one in still_changed(incident)
            if not isinstance(one.step, Reserve | ScaleToZero)
        )
        if is_released
        else still_changed(incident)
    )
    opening = (
        f"{incident.function} stayed calm since it was released at"
        f" {since(incident.released_at, now)}. The incident is over."
        if incident.released_at is not None
        else f"{incident.function} is calm again. The incident is over."
    )
    return Notice(
        subject=subject_line("OVER:", incident.function, " is calm again"),
        body=bounded(
            (
                paragraph(opening),
                paragraph(
                    f"It was noticed at {since(incident.opened_at, now)}.",
                    "" if incident.snapshot is not None else "Loopbreaker changed nothing.",
                ),
                paragraph(
                    "What caused it may still be there. If it runs away again, you are told again."
                ),
                where(context),
                leftovers(incident, context, changed, is_closed=True),
                *measured(incident, now, is_over=True),
                *footer(incident, context, now),
            )
        ),
    )


def _deleted(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    changed = still_changed(incident)
    mappings = tuple(one for one in changed if isinstance(one.step, DisableMapping))
    limited = tuple(one for one in changed if isinstance(one.step, LimitMapping))
    return Notice(
        subject=subject_line("DELETED:", incident.function, " no longer exists"),
        body=bounded(
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
                    *command_lines(restore_commands(mappings, context.region)),
                )
                if mappings
                else "",
                section(
                    "STILL LIMITED",
                    paragraph(
                        "Loopbreaker had limited the concurrency of these event source mappings."
                        " This puts it back:"
                    ),
                    *command_lines(restore_commands(limited, context.region)),
                )
                if limited
                else "",
                where(context),
                *footer(incident, context, now),
            )
        ),
    )


_COMPOSERS: Final[dict[Transition, Callable[[Incident, NoticeContext, datetime], Notice]]] = {
    Transition.NOTIFIED: _notified,
    Transition.CONTAINED: _contained,
    Transition.CAPPED: _held,
    Transition.SHOWN: _kept,
    Transition.EXPIRING: _expiring,
    Transition.RELEASED: _released,
    Transition.RUNNING_AWAY_AGAIN: _running_away_again,
    Transition.RESTORED: _restored,
    Transition.RESTORE_FAILED: _restore_failed,
    Transition.CONTAIN_FAILED: _contain_failed,
    Transition.LIFTED: _lifted,
    Transition.ENDED: _ended,
    Transition.DELETED: _deleted,
}
