"""The mails about a hold: that it began, what it showed, and that it is over."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from functions.domain.changes.steps import DisableMapping, LimitMapping, StepStatus
from functions.domain.detection.arrivals import has_others
from functions.domain.detection.assessment import Reason
from functions.domain.detection.evidence import TriggerKind
from functions.domain.holding.watch import Lever, Watch
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import EXEMPT_TAG
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.sections import (
    compose_body,
    compose_durable_executions,
    compose_event_impact,
    compose_footer,
    compose_instructions,
    compose_loop,
    compose_measurement,
    compose_reasons,
    compose_subject,
    describe_hold_time,
    describe_location,
    describe_rate,
    describe_restriction,
    describe_suspected,
    join_names,
    list_refused_steps,
    list_settings,
    parse_decision_reason,
    section,
)
from functions.domain.notices.text import (
    GROUND_WORDS,
    bullet,
    describe_ground,
    format_duration,
    format_time,
    format_time_with_age,
    paragraph,
    shorten_arn,
)

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
    "Then it is held again. If it falls silent once more, it is a loop: Loopbreaker keeps it held"
    " for you to decide. Where the configuration proves the loop and a second round shows the"
    " same, Loopbreaker stops it."
)
_ELSE: Final = (
    "Where it cannot be told, it may stay held, for you to decide. In any other case Loopbreaker"
    " puts everything back."
)
_NEXT: Final = (
    "First, Loopbreaker watches what still arrives. A loop falls silent: nothing else feeds it.",
    "Then a little is let go. A loop comes back, round after round.",
    _AGAIN,
    _ELSE,
)


def compose_held(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """A function is held back, to see whether it feeds itself."""
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
                paragraph(
                    f"Loopbreaker holds {incident.function} back for {format_duration(longest)}"
                    " at most, to"
                    " see whether it feeds itself. What arrives meanwhile waits; it is kept for"
                    " longer than that."
                ),
                paragraph(describe_hold(incident, now)),
                describe_suspected(incident),
                *list_refused_steps(incident),
                describe_location(context),
                section(
                    "WHAT COMES NEXT",
                    *(bullet(text, f"{number}.") for number, text in enumerate(_NEXT, start=1)),
                    paragraph(
                        "You are told of the outcome by about"
                        f" {format_time(watch.held_at + longest)},"
                        " or as much later if there is a second round."
                    ),
                ),
                *compose_measurement(incident, now, is_over=True),
                compose_loop(incident, context),
                compose_reasons(incident),
                section(
                    "WHAT BECOMES OF ITS EVENTS", *(bullet(_WAIT[one]) for one in watch.plan.levers)
                ),
                compose_durable_executions(incident, context.region),
                compose_instructions(incident, context),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_capped_earlier(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """A cap that an earlier version had begun to set is in force."""
    return Notice(
        subject=compose_subject(
            f"CAPPED AT {incident.target or 0:,}", incident.function, describe_rate(incident)
        ),
        body=compose_body(
            (
                paragraph(
                    f"Loopbreaker capped {incident.function}. An earlier version of Loopbreaker had"
                    " begun with that. This version does not judge by caps: it takes the cap back"
                    " at its next check. If the function is still unusual then, it is held anew."
                ),
                paragraph(describe_restriction(incident, now)),
                *list_refused_steps(incident),
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


def compose_capped_in_danger(
    incident: Incident, watch: Watch, context: NoticeContext, now: datetime
) -> Notice:
    """A function whose callers wait is capped at its normal peak."""
    ends = watch.held_at + watch.plan.longest
    then = (
        f"If it is still in danger then, Loopbreaker stops it, because the configuration closes"
        f" the loop. To prevent that, give it the tag {EXEMPT_TAG}=true."
        if incident.assessment.has(Reason.LOOP_PROVEN)
        else "If it goes on after that, you are told what it costs, and decide. It is not capped"
        f" again within {format_duration(context.cooling_off)}."
    )
    return Notice(
        subject=compose_subject(
            f"CAPPED AT {incident.target or 0:,}", incident.function, describe_rate(incident)
        ),
        body=compose_body(
            (
                paragraph(
                    f"{incident.function} does harm that does not wait: the reasons below say"
                    " which. It is not held back to see whether it feeds itself, because callers"
                    " wait for its answers. Loopbreaker capped it at its normal peak of 14 days."
                    " What is asked beyond that is refused with status 429."
                ),
                paragraph(describe_hold(incident, now)),
                *list_refused_steps(incident),
                describe_location(context),
                section(
                    "WHAT COMES NEXT",
                    bullet(
                        "Loopbreaker takes the cap back as soon as what is asked of it is no"
                        f" danger any more, and at about {format_time(ends)} at the latest.",
                        "1.",
                    ),
                    bullet(then, "2."),
                ),
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


def compose_cap_over(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """A cap in danger is taken back: the danger is over, or only the time for the cap."""
    reason = parse_decision_reason(incident)
    tail, because = _CAP_ENDS.get(reason or DecisionReason.CAP_OVER, _CAP_ENDS_LATE)
    is_watched_on = reason is not DecisionReason.STACK_DELETED
    return Notice(
        subject=compose_subject("CAP TAKEN BACK:", incident.function, tail),
        body=compose_body(
            (
                paragraph(f"Loopbreaker took the cap of {incident.function} back. {because}"),
                paragraph(
                    "Whether it is a loop is not known.",
                    "Loopbreaker goes on looking at it, and tells you if it is suspected again. It"
                    f" is not capped again within {format_duration(context.cooling_off)}."
                    if is_watched_on
                    else "",
                ),
                describe_location(context),
                section(
                    "WHAT WAS SEEN UNDER THE CAP",
                    *(
                        bullet(describe_ground(one))
                        for one in incident.assessment.grounds
                        if one.reason in _UNDER_CAP
                    ),
                ),
                *compose_measurement(incident, now, is_over=True),
                section("SETTINGS", *list_settings(incident)),
                *compose_footer(incident, context, now),
            )
        ),
    )


_CAP_ENDS: Final = {
    DecisionReason.DANGER_OVER: (
        " is in danger no more",
        "What is asked of it is no danger any more.",
    ),
    DecisionReason.STACK_DELETED: (
        ", stack deleted",
        "The stack of Loopbreaker, which would have done that later, is being deleted.",
    ),
    DecisionReason.HOLD_OVER: (
        ", its time is over",
        (
            "It may still be in danger. The function contain ends a cap, normally. This one was"
            " ended by a schedule that was made beforehand: find out why contain did not."
        ),
    ),
}
_CAP_ENDS_LATE: Final = (
    ", danger goes on",
    "It may still be in danger. Callers are not refused for longer than that: you decide.",
)
_UNDER_CAP: Final = frozenset({Reason.CAPPED_FOR, Reason.CALLERS_REFUSED, Reason.STILL_ASKED})


def compose_kept(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """A hold goes on until people decide: a loop was shown, or nothing could be."""
    if parse_decision_reason(incident) is DecisionReason.CANNOT_BE_TOLD:
        lead = "HELD, YOU DECIDE:"
        opening = (
            f"Whether {incident.function} feeds itself could not be shown. It may. Loopbreaker"
            " keeps it held until you decide."
        )
        caution = ""
    else:
        lead = "LOOP, HELD:"
        opening = (
            f"{incident.function} feeds itself. Loopbreaker keeps it held until you restore it."
        )
        caution = (
            "It is not stopped for good, because the configuration does not prove the loop. A"
            " client that waits for each answer looks the same, and so does a producer that"
            " watches the depth of a queue. Held, its events wait, as told below; stopped,"
            " some could be lost at once."
        )
    return Notice(
        subject=compose_subject(lead, incident.function, describe_rate(incident)),
        body=compose_body(
            (
                paragraph(opening),
                paragraph(describe_hold(incident, now)),
                describe_suspected(incident),
                *list_refused_steps(incident),
                paragraph(caution),
                describe_location(context),
                compose_reasons(incident),
                *compose_measurement(incident, now, is_over=True),
                compose_loop(incident, context),
                compose_event_impact(incident, _narrow_to_held(incident, context), now),
                compose_durable_executions(incident, context.region),
                compose_instructions(incident, context),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_expiring(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """A function is held until people decide, and the events that wait are not kept for ever."""
    lost_from = None if incident.watch is None else incident.watch.lost_from
    left = "" if lost_from is None else f" {format_duration(lost_from - now)} are left"
    until = "" if lost_from is None else f" from about {format_time(lost_from)} on"
    return Notice(
        subject=compose_subject(
            "STILL HELD, DECIDE:", incident.function, f",{left}" if left else ""
        ),
        body=compose_body(
            (
                paragraph(
                    f"{incident.function} is still held, and waits for your decision. Its events"
                    f" wait as well. They are given up{until}, the oldest first: restore it, or"
                    " save them."
                ),
                paragraph(describe_hold(incident, now)),
                describe_suspected(incident),
                describe_location(context),
                compose_reasons(incident),
                compose_loop(incident, context),
                compose_event_impact(incident, _narrow_to_held(incident, context), now),
                compose_durable_executions(incident, context.region),
                compose_instructions(incident, context),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_let_go(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """A hold is over: the function runs as before."""
    grounds = incident.assessment.grounds
    first = grounds[0].reason if grounds else None
    left = any(one.restored is StepStatus.CHANGED_MEANWHILE for one in incident.steps)
    because = f": {_describe_reason(first)}" if first in _TAILS else ""
    return Notice(
        subject=compose_subject(
            "LET GO:", incident.function, _TAILS.get(first, "") if first else ""
        ),
        body=compose_body(
            (
                paragraph(f"Loopbreaker let {incident.function} go again{because}."),
                paragraph(describe_hold_time(incident, now)),
                describe_suspected(incident),
                paragraph(_describe_left_to_do(first, is_left=left)),
                describe_location(context),
                section(
                    "WHAT THE HOLD SHOWED",
                    *(bullet(describe_ground(one)) for one in grounds if one.reason in _FIGURES),
                ),
                *(compose_measurement(incident, now, is_over=True) if first in _NOT_JUDGED else ()),
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
        Reason.ARRIVED_HELD_AGAIN,
    }
)


def _describe_left_to_do(first: Reason | None, *, is_left: bool) -> str:
    if first in _NOT_JUDGED:
        return "Whether it is a loop is not known: look at its invocations."
    return "" if is_left else "Nothing is left to do."


def _describe_reason(reason: Reason | None) -> str:
    words = None if reason is None else GROUND_WORDS.get(reason)
    return "" if words is None else f"{words.means[0].lower()}{words.means[1:]}"


def describe_hold(incident: Incident, now: datetime) -> str:
    """By what it is held, and since when."""
    at = incident.contained_at
    when = "" if at is None else f" since {format_time_with_age(at, now)}"
    if incident.is_paused:
        return _describe_pause(incident, when)
    target = incident.target or 0
    before = "nothing was reserved" if incident.prior is None else f"it was {incident.prior:,}"
    kept_on = "" if target else " Its event source mappings stay enabled."
    return f"Its reserved concurrency is {target:,}{when}; before, {before}.{kept_on}"


def _describe_pause(incident: Incident, when: str) -> str:
    sources = [
        shorten_arn(one.step.source_arn) or one.step.uuid
        for one in incident.stops
        if isinstance(one.step, DisableMapping)
    ]
    is_one = len(sources) == 1
    subject = "Its event source mapping of" if is_one else "Its event source mappings of"
    watch = incident.watch
    is_alone = watch is None or not has_others(watch.sources)
    others = "" if is_alone else " What else invokes it goes on."
    limits = [one.step.to for one in incident.steps if isinstance(one.step, LimitMapping)]
    if incident.is_let_go and limits:
        some = f"{limits[0]:,} executions at a time"
        return f"{subject} {join_names(sources)} may run {some}{when}.{others}"
    is_or_are = "is" if is_one else "are"
    return (
        f"{subject} {join_names(sources)} {is_or_are} disabled{when}. Its reserved concurrency is"
        " not"
        f" changed.{others}"
    )


def _narrow_to_held(incident: Incident, context: NoticeContext) -> NoticeContext:
    """The context with those triggers alone that are known to invoke what is held."""
    if incident.watch is None or context.triggers is None:
        return context
    levers = incident.watch.plan.levers
    kinds = {_DELAYED[one] for one in levers}
    found = tuple(one for one in context.triggers if one.kind in kinds)
    return replace(context, triggers=found or None)
