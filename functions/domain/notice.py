"""What people are told: plain e-mail that can be read on a phone at 3 a.m.

The most important comes first: what was done and to which function; then how fast, what it costs,
why, what becomes of its events and until when, and what to do, with commands to paste. Anything
may be unknown: the text then says so, or leaves it out.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.assessment import Assessment, Verdict
from functions.domain.byhand import (
    exempt_command,
    function_link,
    look_command,
    metric_link,
    restore_commands,
    rollback,
    step_name,
    still_changed,
    stop_command,
)
from functions.domain.decision import DecisionReason
from functions.domain.evidence import Trigger
from functions.domain.fate import Fate, FateKind, Holding, fates, in_flight_until
from functions.domain.incident import Incident, OutboxNotice, Transition
from functions.domain.plan import (
    DisableMapping,
    RemoveProvisioned,
    Reserve,
    StepOutcome,
    StepStatus,
)
from functions.domain.policy import Response
from functions.domain.price import burn
from functions.domain.wording import (
    bullet,
    clean,
    counted,
    lasting,
    middle_cut,
    moment,
    number,
    paragraph,
    sentence,
    since,
    usd,
)

SUBJECT_LIMIT: Final = 99  # SNS: fewer than 100 characters, no line breaks
BODY_LIMIT: Final = 32_000  # bytes; SNS takes 262,144, a person far fewer

_MOST_GROUNDS: Final = 8
_MOST_FATES: Final = 10
_MOST_NAMES: Final = 5
_MOST_SETTINGS: Final = 15
_MOST_COMMANDS: Final = 60
_MOST_FUNCTIONS: Final = 25
_LONGEST_DRAWING: Final = 1500
_SHORTEST_NAME: Final = 12
_MARK: Final = "[Loopbreaker]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is sent to people."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReservation:
    """What was found reserved; ``None`` for nothing, which is never the same as 0."""

    reserved_concurrency: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeContext:
    """What a notice says beside its incident. Everything may be left out.

    Attributes
    ----------
    region, account
        Where the function lives; ``None`` leaves out what needs them.
    stack_name
        Of the guard's deployment.
    triggers
        How events reach the function; ``None`` where that could not be read.
    is_async_target_known
        Whether an empty `Incident.async_target_arn` means that there is none.
    loop_drawing
        The loop in characters, printed as it is.
    assessment
        A newer one than the incident's.
    found
        What is reserved now, in a `RELEASED` notice.
    detail
        AWS's words, where no step of the incident has them.
    gaps
        What could not be gathered, in words.
    cooling_off
        How long a function that others released is left alone.
    contained_already
        The functions that used up the blast radius.
    response
        What the deployment does with a suspected function.
    """

    region: str | None = None
    account: str | None = None
    stack_name: str | None = None
    triggers: tuple[Trigger, ...] | None = None
    is_async_target_known: bool = False
    loop_drawing: str | None = None
    assessment: Assessment | None = None
    found: FoundReservation | None = None
    detail: str = ""
    gaps: tuple[str, ...] = ()
    cooling_off: timedelta = timedelta(hours=1)
    blast_radius: int | None = None
    blast_radius_window: timedelta = timedelta(hours=1)
    contained_already: tuple[str, ...] = ()
    response: Response | None = None


def compose(
    transition: Transition, incident: Incident, context: NoticeContext, now: datetime
) -> Notice:
    """The notice of one transition of an incident."""
    return _COMPOSERS[transition](incident, context, now)


def repeated(stored: OutboxNotice) -> Notice:
    """A stored notice, marked: it may have arrived before."""
    subject = clean(stored.subject, 400).removeprefix(_MARK).strip()
    marked = f"{_MARK} (again) {subject}"
    first = paragraph(
        "Sent again, because the first sending was not confirmed. If you have it already, there is"
        " nothing new here."
    )
    return Notice(subject=middle_cut(marked, SUBJECT_LIMIT), body=_bounded((first, stored.body)))


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
            "Loopbreaker's ledger could not be written. What was there before is kept in the"
            f" function's tags{tag} and in this notice. Once the ledger answers again,"
            " Loopbreaker takes it over by itself.",
            _words(context.detail),
        )
        if is_tagged
        else paragraph(
            "KEEP THIS NOTICE. Neither Loopbreaker's ledger nor the function's tags could be"
            " written: it is the only record of what was there before.",
            _words(context.detail),
        )
    )
    lead = "STOPPED" if incident.target in {0, None} else f"CAPPED AT {incident.target}"
    return Notice(
        subject=_subject(f"{lead}, ledger down:", incident.function, _rates(incident, context)),
        body=_bounded(
            (
                paragraph(_held_sentence(incident, now)),
                keep,
                _where(context),
                _section("WHAT WAS THERE BEFORE", *_befores(changed)),
                _section(
                    "PUT IT BACK",
                    paragraph(
                        "First fix the loop. While the ledger is down, or if Loopbreaker is"
                        " gone, these commands put everything back:"
                    ),
                    *_commands(restore_commands(changed, context.region)),
                    paragraph("Once the ledger answers again, this does the same:"),
                    _command(rollback(incident)),
                ),
                *_measured(incident, context, now),
                _events(incident, context, "WHAT BECOMES OF ITS EVENTS"),
                *_footer(incident, context, now),
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
    lead = f"DELETED, {counted(len(names), 'function')} still held"
    if not names:
        return Notice(
            subject=f"{_MARK} DELETED: no function is held",
            body=_bounded(
                (
                    paragraph(
                        f"The stack {_stack(context)} is being deleted. It holds no function:"
                        " there is nothing to put back. From now on no loop is stopped here."
                    ),
                    _where(context),
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
        subject=_subject(f"{lead}:", names[0], f" and {len(names) - 1}" if len(names) > 1 else ""),
        body=_bounded(
            (
                paragraph(
                    f"The stack {_stack(context)} is being deleted. It puts nothing back by"
                    f" itself: {counted(len(names), 'function stays', 'functions stay')} as"
                    f" {'it is' if len(names) == 1 else 'they are'} at {moment(now)}, and from"
                    " now on no loop is stopped here. KEEP THIS NOTICE until all is put back."
                ),
                _where(context),
                _section(
                    "STILL HELD",
                    *(
                        bullet(
                            f"{one.function}: {_held_at(one)}, "
                            + ("; ".join(_before(step) for step in steps[:_MOST_NAMES]) or "-")
                        )
                        for one, steps in shown
                    ),
                    _left_out(len(changes) - len(shown), "function"),
                ),
                _section(
                    "PUT THEM BACK, ONCE THE LOOPS ARE FIXED",
                    paragraph("The reservations:"),
                    *_commands(reservations),
                    *(
                        (
                            paragraph("Then what was disabled or taken away beside them:"),
                            *_commands(others),
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
        "{function} is running away and Loopbreaker HAS NOT STOPPED IT.",
        "Loopbreaker has reached its blast radius{radius}. So many at once can also mean that"
        " Loopbreaker is wrong, so from here on a person decides.",
    ),
    DecisionReason.RESPONSE_IS_NOTIFY: _Told(
        "SUSPECTED, NOT STOPPED:",
        "{function} may be running away. Loopbreaker changed nothing.",
        "This deployment only tells about suspected functions (response=notify).",
    ),
    DecisionReason.NO_ROOM_FOR_CAP: _Told(
        "SUSPECTED, NOT CAPPED:",
        "{function} may be running away. Loopbreaker changed nothing.",
        "A cap would not slow it down: its reserved concurrency already is as low as its normal"
        " peak.",
    ),
    DecisionReason.EXEMPT_BY_TAG: _Told(
        "NOT STOPPED (exempt):",
        "{function} is running away. Loopbreaker has not stopped it: it is exempt.",
        "It carries the tag loopbreaker:exempt=true.",
    ),
    DecisionReason.EXEMPT_BY_FLAG: _Told(
        "NOT STOPPED (exempt):",
        "{function} is running away. Loopbreaker has not stopped it: it is exempt.",
        "The deployment names it in -c exempt.",
    ),
    DecisionReason.STOPPED_BY_AWS: _Told(
        "AWS STOPS A LOOP:",
        "AWS stops {function} in a loop by itself. Loopbreaker changed nothing.",
        "Lambda's recursive loop detection ends each chain after about 16 invocations. Every new"
        " event still starts a chain, and what it dropped is in the dead-letter queue or on-failure"
        " destination, or lost.",
    ),
    DecisionReason.OWN_FUNCTION: _Told(
        "ITS OWN FUNCTION IS BUSY:",
        "{function}, a function of Loopbreaker itself, is unusually busy. It never stops itself.",
        "",
    ),
    DecisionReason.RELEASED_BY_OTHERS: _Told(
        "RUNNING AWAY AGAIN:",
        "{function} was released by somebody and is running away again. Loopbreaker has not"
        " stopped it.",
        "A function that a person released is left alone for a while.",
    ),
}
_CHANGED_NOTHING: Final = _Told(
    "UNUSUAL:", "{function} is unusually busy. Loopbreaker changed nothing.", ""
)
# Reasons after which nobody is to stop the function by hand on Loopbreaker's advice.
_NO_STOP_ADVICE: Final = frozenset({DecisionReason.STOPPED_BY_AWS, DecisionReason.OWN_FUNCTION})


def _notified(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    reason = _decided(incident)
    told = _CHANGED_NOTHING if reason is None else _NOT_STOPPED.get(reason, _CHANGED_NOTHING)
    assessment = _newest(incident, context)
    lead, opening = told.lead, told.opening
    if reason is DecisionReason.OBSERVE_MODE and _would_cap(assessment, context):
        lead = "WOULD CAP"
        opening = opening.replace("have stopped", "have capped the concurrency of")
    radius = (
        f": {counted(context.blast_radius, 'function')} within"
        f" {lasting(context.blast_radius_window)}"
        if context.blast_radius is not None
        else ""
    )
    already = _listed(context.contained_already)
    is_advised = reason not in _NO_STOP_ADVICE
    return Notice(
        subject=_subject(lead, incident.function, _rates(incident, context)),
        body=_bounded(
            (
                paragraph(opening.format(function=incident.function)),
                paragraph(
                    told.why.format(radius=radius),
                    f"It already holds {already}." if already else "",
                ),
                _by_hand(incident, context) if reason is DecisionReason.BLAST_RADIUS else "",
                _where(context),
                *_measured(incident, context, now),
                _loop(context),
                _why(incident, context),
                _events(incident, context, "WHAT STOPPING IT WOULD DO TO ITS EVENTS")
                if is_advised
                else "",
                _by_hand(incident, context)
                if is_advised and reason is not DecisionReason.BLAST_RADIUS
                else _section("WHAT TO DO", bullet(_FIX, "1."))
                if reason is DecisionReason.STOPPED_BY_AWS
                else "",
                *_footer(incident, context, now),
            )
        ),
    )


def _contained(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    return Notice(
        subject=_subject("STOPPED", incident.function, _rates(incident, context)),
        body=_bounded(
            (
                paragraph(f"Loopbreaker stopped {incident.function}."),
                paragraph(_held_sentence(incident, now), _beside(incident)),
                *_not_done(incident),
                _urgency(incident, context),
                _where(context),
                *_measured(incident, context, now),
                _loop(context),
                _why(incident, context),
                _events(incident, context, "WHAT BECOMES OF ITS EVENTS"),
                _to_do(incident, context),
                *_footer(incident, context, now),
            )
        ),
    )


def _capped(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    at = "" if incident.target is None else f" AT {incident.target:,}"
    return Notice(
        subject=_subject(f"CAPPED{at}", incident.function, _rates(incident, context)),
        body=_bounded(
            (
                paragraph(
                    f"Loopbreaker slowed down {incident.function}. It still runs, within a cap,"
                    " because a loop is suspected and not proven."
                ),
                paragraph(_held_sentence(incident, now), _beside(incident)),
                *_not_done(incident),
                paragraph(
                    "Next: if it keeps using its whole cap, Loopbreaker stops it. If it stays"
                    " below the cap, Loopbreaker lifts the cap. You are told either way."
                ),
                _where(context),
                *_measured(incident, context, now),
                _loop(context),
                _why(incident, context),
                _events(incident, context, "WHAT BECOMES OF ITS EVENTS"),
                _to_do(incident, context),
                *_footer(incident, context, now),
            )
        ),
    )


def _released(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    who = _person(incident.actor)
    at = incident.released_at or now
    found = context.found
    if found is None:
        there = "Its reserved concurrency is no longer what Loopbreaker had set."
    elif found.reserved_concurrency is None:
        there = "Nothing is reserved for it now."
    else:
        there = f"Its reserved concurrency is now {found.reserved_concurrency:,}."
    by = f" by {clean(incident.actor, 300)}" if incident.actor else ", it is not known by whom"
    changed = tuple(one for one in still_changed(incident) if not isinstance(one.step, Reserve))
    until = at + context.cooling_off
    return Notice(
        subject=_subject("RELEASED", incident.function, f" by {who}" if who else " by others"),
        body=_bounded(
            (
                paragraph(f"{incident.function} was released{by}, not by Loopbreaker."),
                paragraph(f"Noticed at {since(at, now)}.", there),
                paragraph(
                    "Loopbreaker does not fight it: it watches the function and changes nothing"
                    f" until {moment(until)}. If it runs away after that, it is stopped again. If"
                    " it stays calm, the incident ends."
                ),
                _where(context),
                _leftovers(incident, context, changed),
                *_footer(incident, context, now),
            )
        ),
    )


def _running_away_again(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    who = _person(incident.actor)
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
        subject=_subject("RUNNING AWAY AGAIN:", incident.function, _rates(incident, context)),
        body=_bounded(
            (
                paragraph(
                    f"{incident.function} is running away again, and Loopbreaker HAS NOT STOPPED"
                    " IT."
                ),
                paragraph(
                    released,
                    f"Loopbreaker respects that {until}. If it still runs away then, Loopbreaker"
                    " stops it.",
                ),
                _by_hand(incident, context),
                _where(context),
                *_measured(incident, context, now),
                _loop(context),
                _why(incident, context),
                *_footer(incident, context, now),
            )
        ),
    )


def _restored(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    untouched = sum(one.restored is StepStatus.CHANGED_MEANWHILE for one in incident.steps)
    tail = f", {counted(untouched, 'setting')} left alone" if untouched else ""
    return Notice(
        subject=_subject("RESTORED", incident.function, tail),
        body=_bounded(
            (
                paragraph(f"Loopbreaker put {incident.function} back, as you asked."),
                paragraph(_held_for(incident, now)),
                paragraph(
                    "If it runs away again, it is stopped again: there is no waiting time after a"
                    " restore."
                ),
                _where(context),
                _section("SETTINGS", *_settings(incident)),
                _section("ITS EVENTS", *_aftermath(incident, context)),
                *_footer(incident, context, now),
            )
        ),
    )


def _restore_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    failed = [one for one in incident.steps if one.restored is StepStatus.FAILED]
    changed = still_changed(incident)
    is_still = any(isinstance(one.step, Reserve) for one in changed)
    words = " ".join([context.detail, *(one.restored_detail for one in failed)])
    return Notice(
        subject=_subject(
            "RESTORE FAILED:",
            incident.function,
            f" is {'still ' + _held_word(incident) if is_still else 'not fully restored'}",
        ),
        body=_bounded(
            (
                paragraph(
                    f"Loopbreaker could not put everything of {incident.function} back."
                    + (f" It is still {_held_word(incident)}." if is_still else "")
                ),
                *(
                    paragraph(f"{_capital(step_name(one.step))}:", _words(one.restored_detail))
                    for one in failed[:_MOST_SETTINGS]
                ),
                _left_out(len(failed) - _MOST_SETTINGS, "failure"),
                paragraph(_words(context.detail)),
                _where(context),
                _section("SETTINGS", *_settings(incident)),
                _section(
                    "WHAT TO DO",
                    bullet(_remedy(words), "1."),
                    bullet(
                        "Run the same command again. What is back already is left as it is, and"
                        " the incident stays open until all is back.",
                        "2.",
                    ),
                    _command(rollback(incident)),
                    bullet("Or put back by hand what is left:", "3."),
                    *_commands(restore_commands(changed, context.region)),
                ),
                _events(incident, context, "WHAT BECOMES OF ITS EVENTS") if is_still else "",
                *_footer(incident, context, now),
            )
        ),
    )


def _contain_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    is_held = any(
        isinstance(one.step, Reserve) and one.status in {StepStatus.DONE, StepStatus.ALREADY}
        for one in incident.steps
    )
    failed = [one for one in incident.steps if one.status is StepStatus.FAILED]
    opening = (
        paragraph(
            f"Loopbreaker stopped {incident.function} only in part.", _held_sentence(incident, now)
        )
        if is_held
        else paragraph(
            f"{incident.function} is running away and Loopbreaker COULD NOT STOP IT. It goes on"
            " running."
        )
    )
    return Notice(
        subject=_subject(
            "STOPPED IN PART:" if is_held else "COULD NOT STOP",
            incident.function,
            _rates(incident, context),
        ),
        body=_bounded(
            (
                opening,
                *(
                    paragraph(f"{_capital(step_name(one.step))}:", _words(one.detail))
                    for one in failed[:_MOST_SETTINGS]
                ),
                _left_out(len(failed) - _MOST_SETTINGS, "failure"),
                paragraph(
                    _words(context.detail)
                    or ("" if failed else "What AWS answered is not known; see Loopbreaker's log.")
                ),
                "" if is_held else _by_hand(incident, context),
                _where(context),
                *_measured(incident, context, now),
                _loop(context),
                _why(incident, context),
                _events(incident, context, "WHAT BECOMES OF ITS EVENTS") if is_held else "",
                _to_do(incident, context) if is_held else "",
                *_footer(incident, context, now),
            )
        ),
    )


def _lifted(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    return Notice(
        subject=_subject("CAP LIFTED:", incident.function, " stayed below its cap"),
        body=_bounded(
            (
                paragraph(
                    f"Loopbreaker lifted the cap of {incident.function}: it stayed below it, as a"
                    " loop does not."
                ),
                paragraph(_held_for(incident, now)),
                paragraph("Nothing is left to do."),
                _where(context),
                _section("SETTINGS", *_settings(incident)),
                *_footer(incident, context, now),
            )
        ),
    )


def _ended(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    is_released = incident.released_at is not None
    changed = (
        tuple(one for one in still_changed(incident) if not isinstance(one.step, Reserve))
        if is_released
        else still_changed(incident)
    )
    opening = (
        f"{incident.function} stayed calm since it was released at"
        f" {since(incident.released_at, now)}. The incident is over."
        if incident.released_at is not None
        else f"{incident.function} is calm again, by itself. The incident is over."
    )
    return Notice(
        subject=_subject("OVER:", incident.function, " is calm again"),
        body=_bounded(
            (
                paragraph(opening),
                paragraph(
                    f"It began at {since(incident.opened_at, now)}.",
                    "" if incident.snapshot is not None else "Loopbreaker changed nothing.",
                ),
                paragraph(
                    "What caused it may still be there. If it runs away again, you are told again."
                ),
                _where(context),
                _leftovers(incident, context, changed, is_closed=True),
                *_measured(incident, context, now, is_over=True),
                *_footer(incident, context, now),
            )
        ),
    )


def _deleted(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    mappings = tuple(one for one in still_changed(incident) if isinstance(one.step, DisableMapping))
    return Notice(
        subject=_subject("DELETED:", incident.function, " no longer exists"),
        body=_bounded(
            (
                paragraph(f"{incident.function} no longer exists. The incident is over."),
                paragraph(
                    "There is nothing to restore. A function that is created again under this"
                    " name starts without what Loopbreaker had set."
                ),
                _section(
                    "STILL DISABLED",
                    paragraph(
                        "Deleting a function does not delete its event source mappings."
                        " Loopbreaker had disabled these; delete them, or enable them for a new"
                        " function of this name:"
                    ),
                    *_commands(restore_commands(mappings, context.region)),
                )
                if mappings
                else "",
                _where(context),
                *_footer(incident, context, now),
            )
        ),
    )


_COMPOSERS: Final[dict[Transition, Callable[[Incident, NoticeContext, datetime], Notice]]] = {
    Transition.NOTIFIED: _notified,
    Transition.CONTAINED: _contained,
    Transition.CAPPED: _capped,
    Transition.RELEASED: _released,
    Transition.RUNNING_AWAY_AGAIN: _running_away_again,
    Transition.RESTORED: _restored,
    Transition.RESTORE_FAILED: _restore_failed,
    Transition.CONTAIN_FAILED: _contain_failed,
    Transition.LIFTED: _lifted,
    Transition.ENDED: _ended,
    Transition.DELETED: _deleted,
}


# Parts -------------------------------------------------------------------------------------------

_FIX: Final = (
    "Fix the loop: change the code, the trigger or the permission, so that what the function"
    " writes no longer triggers it."
)


def _subject(lead: str, function: str, tail: str) -> str:
    """A subject within SNS's limits: the name gives way, in its middle, to what happened."""
    name = clean(function, 400)
    before = f"{_MARK} {lead} "
    room = max(_SHORTEST_NAME, SUBJECT_LIMIT - len(before) - len(clean(tail)) - 1)
    return clean(f"{before}{middle_cut(name, room)}{tail}", 400)[:SUBJECT_LIMIT].rstrip()


def _rates(incident: Incident, context: NoticeContext) -> str:
    assessment = _newest(incident, context)
    if assessment.rate_per_minute <= 0:
        return ""
    now = f": {number(assessment.rate_per_minute)}/min"
    if assessment.normal_per_minute is None:
        return now
    return f"{now}, normal {number(assessment.normal_per_minute)}/min"


def _newest(incident: Incident, context: NoticeContext) -> Assessment:
    return context.assessment or incident.assessment


def _decided(incident: Incident) -> DecisionReason | None:
    try:
        return DecisionReason(incident.decided)
    except ValueError:
        return None


def _would_cap(assessment: Assessment, context: NoticeContext) -> bool:
    return assessment.verdict is Verdict.SUSPECTED and context.response is Response.CAP


def _reserve(incident: Incident) -> StepOutcome | None:
    return next((one for one in incident.steps if isinstance(one.step, Reserve)), None)


def _held_word(incident: Incident) -> str:
    return f"capped at {incident.target:,}" if incident.target else "stopped"


def _held_at(incident: Incident) -> str:
    return f"reserved concurrency {incident.target or 0:,}"


def _held_sentence(incident: Incident, now: datetime) -> str:
    when = f" since {since(incident.contained_at, now)}" if incident.contained_at else ""
    if incident.snapshot is None:
        prior = ""
    elif incident.snapshot.reserved_concurrency is None:
        prior = "; before, nothing was reserved"
    else:
        prior = f"; before, it was {incident.snapshot.reserved_concurrency:,}"
    return f"Its reserved concurrency is {incident.target or 0:,}{when}{prior}."


def _held_for(incident: Incident, now: datetime) -> str:
    if incident.contained_at is None:
        return ""
    return (
        f"It was {_held_word(incident)} from {moment(incident.contained_at)} to {moment(now)}, for"
        f" {lasting(now - incident.contained_at)}."
    )


def _beside(incident: Incident) -> str:
    """What was changed beside the reservation, as sentences."""
    done = {StepStatus.DONE, StepStatus.ALREADY}
    mappings = [one for one in incident.steps if isinstance(one.step, DisableMapping)]
    disabled = sum(one.status in done for one in mappings)
    planned = sum(one.status is StepStatus.PLANNED for one in mappings)
    removed = [
        one.step.qualifier
        for one in incident.steps
        if isinstance(one.step, RemoveProvisioned) and one.status in done
    ]
    parts = []
    if disabled:
        parts.append(f"Disabled with it: {counted(disabled, 'event source mapping')}.")
    if planned:
        parts.append(f"Being disabled: {counted(planned, 'event source mapping')}.")
    if removed:
        parts.append(f"Its provisioned concurrency was taken away ({_listed(removed)}).")
    return " ".join(parts)


def _not_done(incident: Incident) -> tuple[str, ...]:
    failed = [one for one in incident.steps if one.status is StepStatus.FAILED]
    return (
        *(
            paragraph(f"Not done: {step_name(one.step)}.", _words(one.detail))
            for one in failed[:_MOST_NAMES]
        ),
        _left_out(len(failed) - _MOST_NAMES, "failure"),
    )


def _holding(incident: Incident, context: NoticeContext) -> Holding:
    mappings = () if incident.snapshot is None else incident.snapshot.mappings or ()
    return Holding(
        function_arn=incident.function_arn,
        since=incident.contained_at,
        at=incident.target or 0,
        async_target_arn=incident.async_target_arn,
        is_async_target_known=context.is_async_target_known,
        outcomes=incident.steps,
        disabled_before=frozenset(one.uuid for one in mappings if not one.enabled),
    )


def _urgency(incident: Incident, context: NoticeContext) -> str:
    """The worst that is happening to its events, in a sentence near the top."""
    found = fates(context.triggers or (), _holding(incident, context))
    kinds = {fate.kind for fate in found}
    parts = []
    if FateKind.LOST in kinds:
        parts.append("Its new asynchronous events are being lost meanwhile.")
    elif FateKind.MAYBE_LOST in kinds:
        parts.append("Its new asynchronous events may be lost meanwhile.")
    if FateKind.LOOPING in kinds:
        parts.append("Its failed events are sent to one of its own triggers.")
    if FateKind.MOVING in kinds:
        parts.append("Good SQS messages are moving towards a dead-letter queue.")
    deadlines = [fate.deadline for fate in found if fate.deadline is not None]
    if deadlines:
        parts.append(f"Restore it before {moment(min(deadlines))}: then stream records expire.")
    return paragraph(*parts, "Details are below." if parts else "")


def _where(context: NoticeContext) -> str:
    places = []
    if context.account:
        places.append(f"Account {clean(context.account, 40)}")
    if context.region:
        places.append(f"Region {clean(context.region, 40)}")
    return paragraph(f"{', '.join(places)}.") if places else ""


def _measured(
    incident: Incident, context: NoticeContext, now: datetime, *, is_over: bool = False
) -> tuple[str, ...]:
    """How fast, and what it costs."""
    assessment = _newest(incident, context)
    if assessment.rate_per_minute <= 0:
        return ()
    rate = f"{number(assessment.rate_per_minute)} invocations a minute"
    normal = assessment.normal_per_minute
    if normal is None:
        compared = "It has no history to compare that with."
    elif normal <= 0:
        compared = "Normally it is not invoked at all."
    elif assessment.rate_per_minute >= 2 * normal:
        times = number(round(assessment.rate_per_minute / normal))
        compared = f"Normal is {number(normal)}: {times} times as many."
    else:
        compared = f"Normal is {number(normal)}."
    began = f"Unusual since {since(assessment.since, now)}." if assessment.since else ""
    fast = _section(
        "HOW FAST",
        paragraph(f"{rate}, measured at {moment(assessment.at)}.", compared, began),
    )
    return (fast, _cost(incident, assessment, is_over=is_over))


def _cost(incident: Incident, assessment: Assessment, *, is_over: bool) -> str:
    spent = burn(assessment, incident.memory_mb, incident.architecture)
    ran = is_over or incident.target == 0
    hourly = (
        f"{'It burned' if ran else 'It burns'} at least {usd(spent.usd_per_hour)}/h"
        f" ({number(round(spent.requests_per_hour))} invocations an hour)."
    )
    total = (
        f"It has cost at least {usd(spent.usd_so_far)} so far"
        f" ({number(round(spent.requests_so_far))} invocations)."
        if spent.requests_so_far > 0
        else ""
    )
    scope = (
        "Counted are Lambda requests and duration at us-east-1 list prices."
        if spent.is_duration_counted
        else "Counted are Lambda requests only, at the us-east-1 list price: how long they run is"
        " not known."
    )
    return _section(
        "WHAT IT COSTS",
        paragraph(hourly, total),
        paragraph(
            scope, "Not counted: the other services in the loop, logs, free tier and discounts."
        ),
    )


def _loop(context: NoticeContext) -> str:
    drawing = (context.loop_drawing or "").rstrip()
    if not drawing:
        return ""
    lines = drawing[:_LONGEST_DRAWING].splitlines()
    return _section("THE LOOP", *(f"  {_printable(line)}" for line in lines))


def _why(incident: Incident, context: NoticeContext) -> str:
    assessment = _newest(incident, context)
    grounds = assessment.grounds[:_MOST_GROUNDS]
    match assessment.verdict:
        case Verdict.RUNAWAY:
            verdict = "A loop, by proof or by a shape that only a loop has."
        case Verdict.SUSPECTED:
            verdict = "A suspected loop: unusual and unexplained, but not proven."
        case Verdict.BUSY:
            verdict = "Unusual, with an explanation."
        case Verdict.CALM:
            verdict = "Nothing unusual."
    return _section(
        "WHY LOOPBREAKER THINKS SO",
        paragraph(verdict),
        *(bullet(sentence(ground)) for ground in grounds),
        _left_out(len(assessment.grounds) - len(grounds), "reason"),
        *(bullet(f"Not known: {clean(gap, 200)}") for gap in context.gaps[:_MOST_NAMES]),
        _left_out(len(context.gaps) - _MOST_NAMES, "gap"),
    )


def _events(incident: Incident, context: NoticeContext, title: str) -> str:
    holding = _holding(incident, context)
    lines = [bullet(_in_flight(incident))]
    if context.triggers is None:
        lines += [bullet(text) for text in _TRIGGERS_UNKNOWN]
    elif not context.triggers:
        lines.append(
            bullet("Loopbreaker found no trigger. Whoever invokes it directly gets status 429.")
        )
    else:
        found = fates(context.triggers, holding)
        lines += [bullet(_told_fate(fate)) for fate in found[:_MOST_FATES]]
        lines.append(_left_out(sum(len(fate.triggers) for fate in found[_MOST_FATES:]), "trigger"))
    return _section(title, *lines)


_TRIGGERS_UNKNOWN: Final = (
    "Its triggers could not be read. In general:",
    "Asynchronous events go at once to its dead-letter queue or on-failure destination.",
    "Without one they are lost.",
    "SQS messages wait in their queue (4 days by default), or go to its dead-letter queue.",
    "Stream records wait until they expire (DynamoDB: 24 h).",
    "Callers that wait for an answer get status 429.",
)


def _told_fate(fate: Fate) -> str:
    names = _listed(fate.names)
    return f"{names}: {fate.text}" if names else fate.text


def _in_flight(incident: Incident) -> str:
    until = in_flight_until(incident.contained_at, incident.timeout_seconds)
    if incident.target:
        return "Executions that had begun go on."
    limit = (
        f"its timeout is {lasting(timedelta(seconds=incident.timeout_seconds))}"
        if incident.timeout_seconds
        else "no timeout is longer than 15 min"
    )
    if until is None:
        return f"Executions that have begun go on to their end ({limit})."
    return f"Executions that had begun go on until {moment(until)} at the latest ({limit})."


def _to_do(incident: Incident, context: NoticeContext) -> str:
    return _section(
        "WHAT TO DO",
        bullet(
            f"{_FIX} Events that wait include the loop's own: they come first after the restore.",
            "1.",
        ),
        bullet(
            "Then put everything back, from the folder of your Loopbreaker project. It never"
            " happens by itself, also not when the alarm clears.",
            "2.",
        ),
        _command(rollback(incident)),
        _indented(
            "Give every other -c flag of your deployment again, unless it is in cdk.json: one that"
            " is left out goes back to its default."
        ),
        *(
            (
                bullet("Not a loop? Restore it as above, and exempt it:", "3."),
                _command(exempt_command(incident.function_arn, context.region)),
            )
            if incident.function_arn
            else ()
        ),
    )


def _by_hand(incident: Incident, context: NoticeContext) -> str:
    return _section(
        "STOP IT BY HAND",
        paragraph("Note what this shows, to put it back later (no number: nothing is reserved):"),
        _command(look_command(incident.function, context.region)),
        paragraph("Then stop it:"),
        _command(stop_command(incident.function, context.region)),
        paragraph("After that, fix the loop before you put the reservation back."),
    )


def _settings(incident: Incident) -> tuple[str, ...]:
    """What became of each setting that the guard had changed."""
    shown = incident.steps[:_MOST_SETTINGS]
    return (
        *(bullet(_setting(one)) for one in shown),
        "" if shown else bullet("Loopbreaker had changed nothing."),
        _left_out(len(incident.steps) - len(shown), "setting"),
    )


def _setting(outcome: StepOutcome) -> str:
    name = _capital(step_name(outcome.step))
    before = _before_value(outcome.step)
    words = f" {_words(outcome.restored_detail)}" if outcome.restored_detail else ""
    match outcome.restored:
        case StepStatus.DONE:
            return f"{name}: put back exactly, {before}."
        case StepStatus.ALREADY:
            return f"{name}: was back already, {before}."
        case StepStatus.CHANGED_MEANWHILE:
            return f"{name}: somebody changed it meanwhile, so it was left alone.{words}"
        case StepStatus.GONE:
            return f"{name}: no longer exists, so there was nothing to put back."
        case StepStatus.FAILED:
            return f"{name}: NOT put back; before, {before}.{words}"
        case StepStatus.PLANNED | None:
            if outcome.status in {StepStatus.FAILED, StepStatus.GONE}:
                return f"{name}: never changed by Loopbreaker."
            return f"{name}: not put back yet; before, {before}."


def _before_value(step: Reserve | DisableMapping | RemoveProvisioned) -> str:
    match step:
        case Reserve(prior=None):
            return "nothing reserved"
        case Reserve(prior=prior):
            return f"{prior:,} reserved"
        case DisableMapping():
            return "enabled"
        case RemoveProvisioned():
            return f"{step.prior:,} provisioned"


def _before(outcome: StepOutcome) -> str:
    step = outcome.step
    match step:
        case Reserve():
            return f"before, {_before_value(step)}"
        case _:
            return f"{step_name(step)} was {_before_value(step)}"


def _befores(outcomes: Sequence[StepOutcome]) -> tuple[str, ...]:
    shown = outcomes[:_MOST_COMMANDS]
    return (
        *(bullet(f"{_capital(step_name(one.step))}: {_before_value(one.step)}.") for one in shown),
        "" if shown else bullet("Not known."),
        _left_out(len(outcomes) - len(shown), "setting"),
    )


def _leftovers(
    incident: Incident,
    context: NoticeContext,
    changed: Sequence[StepOutcome],
    *,
    is_closed: bool = False,
) -> str:
    """What the guard had changed and nobody has put back, with how to do it."""
    if not changed:
        return ""
    shown = changed[:_MOST_SETTINGS]
    by_flag = (
        ()
        if is_closed
        else (
            paragraph("This puts it back and leaves alone what others have changed:"),
            _command(rollback(incident)),
            paragraph("Or by hand:"),
        )
    )
    return _section(
        "STILL CHANGED",
        *(bullet(f"{_capital(step_name(one.step))}: {_now_value(one.step)}.") for one in shown),
        _left_out(len(changed) - len(shown), "setting"),
        *(by_flag or (paragraph("Put it back by hand:"),)),
        *_commands(restore_commands(changed, context.region)),
    )


def _now_value(step: Reserve | DisableMapping | RemoveProvisioned) -> str:
    match step:
        case Reserve():
            return f"{step.to:,}; before, {_before_value(step)}"
        case DisableMapping():
            source = f" ({clean(step.source_arn, 300)})" if step.source_arn else ""
            return f"disabled{source}"
        case RemoveProvisioned():
            return f"none; before, {step.prior:,}"


def _aftermath(incident: Incident, context: NoticeContext) -> tuple[str, ...]:
    """What comes after a restore."""
    lines = ["What has waited is delivered now, the loop's own events among it: expect a burst."]
    if incident.target == 0:
        if incident.async_target_arn:
            lines.append(
                "Asynchronous events of that time are in"
                f" {clean(incident.async_target_arn, 300)}. Send them again if you need them."
            )
        elif context.is_async_target_known:
            lines.append(
                "Asynchronous events of that time were lost: the function had neither a"
                " dead-letter queue nor an on-failure destination."
            )
        else:
            lines.append(
                "Asynchronous events of that time are in its dead-letter queue or on-failure"
                " destination, or were lost if it has none."
            )
    return tuple(bullet(line) for line in lines)


def _remedy(words: str) -> str:
    """What helps against a refusal, where AWS's words tell."""
    lower = words.lower()
    if "unreservedconcurrentexecution" in lower:
        return (
            "Others have reserved concurrency meanwhile, and the account has to keep a minimum"
            " unreserved. Lower the reservation of another function, or ask for a higher account"
            " limit (Service Quotas, Lambda, Concurrent executions)."
        )
    if "in use" in lower or "resourceinuse" in lower or "resourceconflict" in lower:
        return "AWS is still working on an earlier change of it. Wait a minute."
    if ("access" in lower and "denied" in lower) or "not authorized" in lower:
        return "A policy forbids it to Loopbreaker. Check permissions boundaries and SCPs."
    if "throttl" in lower or "toomanyrequests" in lower or "rate exceeded" in lower:
        return "AWS was too busy to take the change. Wait a minute."
    return "Remove what AWS names above, if it names something."


def _footer(incident: Incident, context: NoticeContext, now: datetime) -> tuple[str, ...]:
    links = []
    if context.region:
        begin = _newest(incident, context).since or incident.opened_at
        links = [
            "Function:",
            function_link(incident.function, context.region),
            "Metrics:",
            metric_link(incident.function, context.region, begin, now),
        ]
    stack = f", stack {clean(context.stack_name, 128)}" if context.stack_name else ""
    return (
        _section("LINKS", *links) if links else "",
        paragraph(f"Incident {incident.id}{stack}, written at {moment(now)}."),
    )


def _stack(context: NoticeContext) -> str:
    return clean(context.stack_name or "Loopbreaker", 128)


def _person(actor: str) -> str:
    """The last part of an ARN: a user's or a session's name."""
    return middle_cut(clean(actor, 400).rsplit("/", 1)[-1].rsplit(":", 1)[-1], 32)


def _words(detail: str) -> str:
    """Words of AWS, marked as such."""
    return f'AWS says: "{clean(detail)}"' if detail else ""


def _listed(names: Iterable[str]) -> str:
    every = tuple(names)
    shown = ", ".join(clean(one, 160) for one in every[:_MOST_NAMES])
    more = len(every) - _MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _left_out(count: int, noun: str) -> str:
    return bullet(f"({counted(count, f'more {noun}')} left out here.)") if count > 0 else ""


def _command(command: str) -> str:
    return f"  {command}"


def _commands(commands: Sequence[str]) -> tuple[str, ...]:
    return (
        *(_command(one) for one in commands[:_MOST_COMMANDS]),
        _left_out(len(commands) - _MOST_COMMANDS, "command"),
    )


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in paragraph(text).splitlines())


def _section(title: str, *lines: str) -> str:
    return "\n".join((title, *(line for line in lines if line)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)


def _bounded(blocks: Iterable[str]) -> str:
    """The blocks with an empty line between them, cut at a line if they are far too long."""
    body = "\n\n".join(block for block in blocks if block) + "\n"
    if len(body.encode()) <= BODY_LIMIT:
        return body
    note = "\n(Cut here: the rest is too long for a notice.)\n"
    kept = body.encode()[: BODY_LIMIT - len(note)].decode(errors="ignore")
    return kept.rsplit("\n", 1)[0] + note
