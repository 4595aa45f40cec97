"""The mails about a cap: of callers in danger, and of an earlier version."""

from datetime import datetime
from typing import Final

from functions.domain.detection.assessment import Reason
from functions.domain.holding.watch import Watch
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.policy import EXEMPT_TAG
from functions.domain.notices.grounds import describe_ground
from functions.domain.notices.incident.sections.ending import compose_ending, compose_footer
from functions.domain.notices.incident.sections.first_screen import (
    NOTHING_TO_DO,
    compose_first_screen,
    format_moment,
)
from functions.domain.notices.incident.sections.instructions import (
    list_restore_steps,
    list_stop_steps,
)
from functions.domain.notices.incident.sections.measurement import (
    compose_cost,
    describe_rate,
    list_rates,
)
from functions.domain.notices.incident.sections.reasons import compose_evidence
from functions.domain.notices.incident.sections.restriction import (
    describe_hold,
    describe_restriction,
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


def compose_capped_earlier(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report a cap that an earlier version had begun to set."""
    cap = f"{incident.target or 0:,}"
    return Notice(
        subject=compose_subject(f"CAPPED AT {cap}", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"CAPPED {incident.function} at {cap}. Loopbreaker takes the cap back at"
                    " its next check.",
                    loss="Nothing is being lost yet: what is not served waits, or is refused.",
                    actions=list_restore_steps(incident, context, now),
                ),
                section(
                    "WHAT LOOPBREAKER CHANGED",
                    paragraph(describe_restriction(incident, now)),
                    paragraph(
                        "An earlier version of Loopbreaker had begun with that. This version does"
                        " not judge by caps. If the function is still unusual once the cap is gone,"
                        " it is held anew."
                    ),
                    *list_refused_steps(incident),
                ),
                compose_evidence(incident, now),
                compose_cost(incident),
                *compose_ending(incident, context, now),
            )
        ),
    )


def compose_capped_in_danger(
    incident: Incident, watch: Watch, context: NoticeContext, now: datetime
) -> Notice:
    """Report that a function whose callers wait is capped at its normal peak."""
    ends = watch.ends_at
    cap = f"{incident.target or 0:,}"
    then = (
        f"If it still does harm then, Loopbreaker stops it, because the configuration closes"
        f" the loop. To prevent that, give it the tag {EXEMPT_TAG}=true."
        if incident.assessment.has(Reason.LOOP_PROVEN)
        else "If it goes on after that, a mail says what it costs, and you decide. It is not capped"
        f" again within {format_duration(context.deployment.cooling_off)}."
    )
    return Notice(
        subject=compose_subject(f"CAPPED AT {cap}", incident.function, describe_rate(incident)),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"CAPPED {incident.function} at {cap}, its normal peak, until"
                    f" {format_moment(ends, now)} at the latest: it does harm that does not wait.",
                    loss="Nothing is being lost, but callers beyond the cap are refused (status"
                    " 429).",
                    actions=list_restore_steps(incident, context, now),
                ),
                section(
                    "WHAT LOOPBREAKER CHANGED",
                    paragraph(describe_hold(incident, now)),
                    paragraph(
                        "It is not held back to see whether it feeds itself, because callers wait"
                        " for its answers. The cap is its normal peak of 14 days."
                    ),
                    *list_refused_steps(incident),
                ),
                section(
                    "WHAT COMES NEXT",
                    bullet(
                        "Loopbreaker takes the cap back as soon as what is asked of it is no"
                        f" danger any more, and at about {format_time(ends)} at the latest.",
                        "1.",
                    ),
                    bullet(then, "2."),
                ),
                compose_evidence(incident, now),
                compose_cost(incident),
                *compose_ending(incident, context, now),
            )
        ),
    )


def compose_cap_over(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a cap in danger is taken back: the danger is over, or only the time for it."""
    reason = parse_decision_reason(incident)
    tail, because = _CAP_ENDS.get(reason or DecisionReason.CAP_OVER, _CAP_ENDS_LATE)
    is_watched_on = reason is not DecisionReason.STACK_DELETED
    is_over = reason is DecisionReason.DANGER_OVER
    return Notice(
        subject=compose_subject("CAP REMOVED:", incident.function, tail),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"CAP REMOVED from {incident.function}. {because}",
                    cause="Whether it is a loop is not known.",
                    loss="Nothing is being lost, and nobody is refused by the cap any more.",
                    is_running=True,
                    actions=(paragraph(NOTHING_TO_DO),)
                    if is_over
                    else list_stop_steps(incident, context),
                ),
                section(
                    "WHAT COMES NEXT",
                    paragraph(
                        "Loopbreaker keeps checking it, and notifies you if it is suspected again."
                        " It is not capped again within"
                        f" {format_duration(context.deployment.cooling_off)}.",
                    ),
                    paragraph(
                        "The function contain ends a cap, normally. This one was ended by a"
                        " schedule that was made beforehand: find out why contain did not."
                        if reason is DecisionReason.HOLD_OVER
                        else ""
                    ),
                )
                if is_watched_on
                else "",
                section(
                    "EVIDENCE",
                    *(
                        bullet(describe_ground(one))
                        for one in incident.assessment.grounds
                        if one.reason in _UNDER_CAP
                    ),
                    *list_rates(incident, now),
                ),
                compose_cost(incident),
                section("SETTINGS", *list_settings(incident)),
                *compose_footer(incident, context, now),
            )
        ),
    )


_CAP_ENDS: Final = {
    DecisionReason.DANGER_OVER: (
        " does no harm any more",
        "It takes no concurrency that others need, and costs no more than you allow.",
    ),
    DecisionReason.STACK_DELETED: (
        ", stack deleted",
        "The stack of Loopbreaker, which would have done that later, is being deleted.",
    ),
    DecisionReason.HOLD_OVER: (
        ", its time is over",
        "It may still do harm.",
    ),
}
_CAP_ENDS_LATE: Final = (
    ", it still does harm",
    "It still does harm. Loopbreaker refuses callers for no longer than that: you decide.",
)
_UNDER_CAP: Final = frozenset({Reason.CAPPED_FOR, Reason.CALLERS_REFUSED, Reason.STILL_ASKED})
