"""The mails about a hold: that it began, what it showed, and that it is over."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.detection.assessment import Reason
from functions.domain.detection.evidence import TriggerKind
from functions.domain.holding.watch import Lever, Watch
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.notices.grounds import GROUND_WORDS, describe_ground
from functions.domain.notices.incident.capped import (
    compose_capped_earlier,
    compose_capped_in_danger,
)
from functions.domain.notices.incident.sections.ending import compose_ending, compose_footer
from functions.domain.notices.incident.sections.first_screen import (
    NOTHING_TO_DO,
    SOME_LEFT_ALONE,
    compose_first_screen,
    format_moment,
)
from functions.domain.notices.incident.sections.instructions import (
    compose_durable_executions,
    compose_restore_notes,
    list_restore_steps,
)
from functions.domain.notices.incident.sections.losses import (
    LOST_NO_MORE,
    NOTHING_IS_LOST,
    describe_held_loss,
)
from functions.domain.notices.incident.sections.measurement import (
    compose_cost,
    describe_rate,
    list_rates,
)
from functions.domain.notices.incident.sections.reasons import (
    compose_evidence,
    compose_loop,
    describe_suspected,
)
from functions.domain.notices.incident.sections.restriction import (
    describe_hold,
    describe_hold_time,
    parse_decision_reason,
)
from functions.domain.notices.incident.sections.settings import list_refused_steps, list_settings
from functions.domain.notices.layout import (
    bullet,
    compose_body,
    compose_subject,
    paragraph,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import format_duration, format_time

_DELAYED: Final = {
    Lever.CAP: TriggerKind.ASYNC,
    Lever.ZERO: TriggerKind.STREAM,
    Lever.PAUSE: TriggerKind.SQS,
}
_WAIT: Final = {
    Lever.CAP: "Asynchronous events are handled a few at a time. The others wait in Lambda's queue,"
    " which tries them again.",
    Lever.ZERO: "Records wait in their stream. A batch that is not delivered counts no attempt.",
    Lever.PAUSE: "Messages wait in their queue. No receive is counted meanwhile.",
}
_AGAIN: Final = (
    "Then it is held again. A loop falls silent once more. A second round must show the same:"
    " Loopbreaker then keeps it held for you to decide, and stops it where the configuration"
    " proves the loop."
)
_ELSE: Final = (
    "Where this shows neither, it may stay held, for you to decide. In any other case Loopbreaker"
    " restores everything."
)
_NEXT: Final = (
    "First, Loopbreaker watches what still arrives. A loop falls silent: nothing else feeds it.",
    "Then a few events run, in a trial. A loop comes back, round after round.",
    _AGAIN,
    _ELSE,
)


def compose_held(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a function is held back, to see whether it feeds itself."""
    watch = incident.watch
    if watch is None:
        return compose_capped_earlier(incident, context, now)
    if watch.plan.is_for_callers:
        return compose_capped_in_danger(incident, watch, context, now)
    longest = watch.plan.longest
    return Notice(
        subject=compose_subject("HELD", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"HELD {incident.function} at {format_moment(watch.held_at, now)}, for"
                    f" about {format_duration(longest)}: does it feed itself?",
                    loss=f"{NOTHING_IS_LOST} What arrives waits, and is kept for longer than that.",
                    actions=list_restore_steps(incident, context, now),
                ),
                _compose_changes(incident, now),
                section(
                    "WHAT COMES NEXT",
                    *(bullet(text, f"{number}.") for number, text in enumerate(_NEXT, start=1)),
                    paragraph(
                        f"The outcome comes by about {format_time(watch.held_at + longest)}, at the"
                        f" latest by {format_time(watch.held_at + 2 * longest)}."
                        f"{_describe_stretch(watch)}"
                    ),
                ),
                compose_evidence(incident, now, describe_suspected(incident)),
                compose_cost(incident),
                section("PENDING EVENTS", *(bullet(_WAIT[one]) for one in watch.plan.levers)),
                compose_durable_executions(incident, context.deployment.region),
                compose_loop(incident, context),
                compose_restore_notes(incident, context),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _describe_stretch(watch: Watch) -> str:
    stretch = watch.plan.stretch
    if not stretch:
        return ""
    return (
        " If more events wait than can go round in that time, a trial lasts up to"
        f" {format_duration(stretch)} longer, where that costs no more."
    )


def _compose_changes(incident: Incident, now: datetime) -> str:
    return section(
        "WHAT LOOPBREAKER CHANGED",
        paragraph(describe_hold(incident, now)),
        *list_refused_steps(incident),
    )


_NOT_PROVEN: Final = (
    "It is not stopped for good, because the configuration does not prove the loop. A client that"
    " waits for each answer looks the same, and so does a producer that watches the depth of a"
    " queue. Held, its events wait, as described below; stopped, some could be lost at once."
)
_BESIDE_WORK: Final = (
    "It is not stopped for good, because others send it work as well, which waits meanwhile. A"
    " function that writes a fixed number of events a minute or for each batch, however many it is"
    " sent, looks the same."
)


def compose_kept(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a hold goes on until people decide: a loop was shown, or nothing could be."""
    is_untold = parse_decision_reason(incident) is DecisionReason.CANNOT_BE_TOLD
    is_beside_work = incident.assessment.has(Reason.LOOP_BESIDE_WORK)
    caution = "" if is_untold else _BESIDE_WORK if is_beside_work else _NOT_PROVEN
    return Notice(
        subject=compose_subject(
            "HELD, YOU DECIDE:" if is_untold else "LOOP, HELD:",
            incident.function,
            describe_rate(incident),
        ),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"HELD {incident.function} until you decide: whether it feeds itself"
                    " could not be shown."
                    if is_untold
                    else f"HELD {incident.function} until you restore it: it feeds itself"
                    f"{' beside its usual work' if is_beside_work else ''}.",
                    loss=describe_held_loss(incident, now),
                    actions=list_restore_steps(incident, context, now),
                ),
                _compose_changes(incident, now),
                compose_evidence(incident, now, describe_suspected(incident), caution),
                compose_cost(incident),
                *compose_ending(incident, _narrow_to_held(incident, context), now),
            )
        ),
    )


def compose_expiring(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Remind people to decide: the events that wait are not kept for ever."""
    lost_from = None if incident.watch is None else incident.watch.lost_from
    left = "" if lost_from is None else f", {format_duration(lost_from - now)} are left"
    return Notice(
        subject=compose_subject("STILL HELD, DECIDE:", incident.function, left),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"STILL HELD: {incident.function} waits for your decision. Restore it, or"
                    " save its events.",
                    loss=describe_held_loss(incident, now),
                    actions=list_restore_steps(incident, context, now),
                ),
                _compose_changes(incident, now),
                compose_evidence(incident, now, describe_suspected(incident)),
                *compose_ending(incident, _narrow_to_held(incident, context), now),
            )
        ),
    )


def compose_let_go(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a hold is over: the function runs as before."""
    grounds = incident.assessment.grounds
    first = grounds[0].reason if grounds else None
    left = any(one.restored is StepStatus.CHANGED_MEANWHILE for one in incident.steps)
    because = f": {_describe_reason(first)}" if first in _TAILS else ""
    return Notice(
        subject=compose_subject(
            "RESTORED AFTER HOLD:", incident.function, _TAILS.get(first, "") if first else ""
        ),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"RESTORED {incident.function} after its hold{because}.",
                    cause="",
                    loss=LOST_NO_MORE,
                    actions=(paragraph(_describe_left_to_do(first, is_left=left)),),
                ),
                section(
                    "EVIDENCE",
                    paragraph(describe_hold_time(incident, now), describe_suspected(incident)),
                    *(bullet(describe_ground(one)) for one in grounds if one.reason in _FIGURES),
                    *(list_rates(incident, now) if first in _NOT_JUDGED else ()),
                ),
                section("SETTINGS", *list_settings(incident)),
                *compose_footer(incident, context, now),
            )
        ),
    )


_NOT_JUDGED: Final = frozenset({Reason.UNCOUNTED, Reason.DATA_LATE})
_TAILS: Final = {
    Reason.NOTHING_ARRIVES: " gets nothing that a loop would send",
    Reason.FED_FROM_OUTSIDE: " is fed from outside",
    Reason.CAME_ON: " is fed from outside",
    Reason.WRITES_EXPLAIN: " is fed from outside",
    Reason.UNLIKE_TRIAL: " is fed from outside",
    Reason.NOT_COME_BACK: " did not come back",
    Reason.ENDED_IN_TRIAL: " came to an end",
    Reason.FEW_GENERATIONS: " came back too seldom for a loop",
    Reason.UNCOUNTED: " could not be judged",
    Reason.DATA_LATE: " could not be judged",
}
_FIGURES: Final = frozenset(
    {
        Reason.HELD_FOR,
        Reason.ARRIVED_WHILE_HELD,
        Reason.LET_GO,
        Reason.CAME_BACK,
        Reason.WROTE_ALL,
        Reason.WROTE_NO_MORE,
        Reason.ARRIVED_HELD_AGAIN,
    }
)


def _describe_left_to_do(first: Reason | None, *, is_left: bool) -> str:
    if first in _NOT_JUDGED:
        return "Whether it is a loop is not known: look at its invocations."
    return SOME_LEFT_ALONE if is_left else NOTHING_TO_DO


def _describe_reason(reason: Reason | None) -> str:
    words = None if reason is None else GROUND_WORDS.get(reason)
    return "" if words is None else f"{words.means[0].lower()}{words.means[1:]}"


def _narrow_to_held(incident: Incident, context: NoticeContext) -> NoticeContext:
    """Keep those triggers alone that are known to invoke what is held."""
    if incident.watch is None or context.triggers is None:
        return context
    levers = incident.watch.plan.levers
    kinds = {_DELAYED[one] for one in levers}
    found = tuple(one for one in context.triggers if one.kind in kinds)
    return replace(context, triggers=found or None)
