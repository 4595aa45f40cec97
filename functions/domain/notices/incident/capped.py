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
from functions.domain.notices.incident.sections.measurement import (
    compose_measurement,
    describe_rate,
)
from functions.domain.notices.incident.sections.reasons import (
    explain_spike,
)
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
    describe_location,
    paragraph,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import format_duration, format_time


def compose_capped_earlier(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell of a cap that an earlier version had begun to set."""
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
                describe_location(context.deployment),
                *explain_spike(incident, context, now, is_over=True),
                *compose_ending(incident, context, now),
            )
        ),
    )


def compose_capped_in_danger(
    incident: Incident, watch: Watch, context: NoticeContext, now: datetime
) -> Notice:
    """Tell that a function whose callers wait is capped at its normal peak."""
    ends = watch.held_at + watch.plan.longest
    then = (
        f"If it is still in danger then, Loopbreaker stops it, because the configuration closes"
        f" the loop. To prevent that, give it the tag {EXEMPT_TAG}=true."
        if incident.assessment.has(Reason.LOOP_PROVEN)
        else "If it goes on after that, you are told what it costs, and decide. It is not capped"
        f" again within {format_duration(context.deployment.cooling_off)}."
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
                describe_location(context.deployment),
                section(
                    "WHAT COMES NEXT",
                    bullet(
                        "Loopbreaker takes the cap back as soon as what is asked of it is no"
                        f" danger any more, and at about {format_time(ends)} at the latest.",
                        "1.",
                    ),
                    bullet(then, "2."),
                ),
                *explain_spike(incident, context, now, is_over=True),
                *compose_ending(incident, context, now),
            )
        ),
    )


def compose_cap_over(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a cap in danger is taken back: the danger is over, or only the time for it."""
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
                    " is not capped again within"
                    f" {format_duration(context.deployment.cooling_off)}."
                    if is_watched_on
                    else "",
                ),
                describe_location(context.deployment),
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
