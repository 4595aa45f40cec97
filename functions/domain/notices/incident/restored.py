"""The mails about a function that was put back, or could not be."""

from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import Reserve, ScaleToZero
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.commands import build_restore_commands, name_setting
from functions.domain.notices.incident.capped import compose_cap_over
from functions.domain.notices.incident.held import compose_let_go
from functions.domain.notices.incident.probation import compose_over
from functions.domain.notices.incident.sections.ending import compose_footer
from functions.domain.notices.incident.sections.events import (
    compose_event_impact,
    describe_urgency,
    list_aftermath,
)
from functions.domain.notices.incident.sections.instructions import advise_on_refusal
from functions.domain.notices.incident.sections.measurement import compose_measurement
from functions.domain.notices.incident.sections.restriction import (
    describe_hold_time,
    describe_restriction_time,
    name_restriction,
    parse_decision_reason,
)
from functions.domain.notices.incident.sections.settings import (
    list_failures,
    list_settings,
    list_steps_in_force,
)
from functions.domain.notices.layout import (
    bullet,
    command_lines,
    compose_body,
    compose_subject,
    describe_location,
    paragraph,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import format_count
from functions.domain.notices.ways_back import list_ways_back


def compose_restored(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell that a function is as it was before."""
    probation = incident.probation
    if probation is not None and probation.outcome is not None:
        return compose_over(incident, probation, context, now)
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
                describe_location(context.deployment),
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
                describe_location(context.deployment),
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
                    *list_ways_back(
                        incident.function,
                        incident.function_arn,
                        context.deployment,
                        is_item=True,
                    ),
                    bullet("Or put back by hand what is left:", "3."),
                    *command_lines(build_restore_commands(changed, context.deployment.region)),
                ),
                compose_event_impact(incident, context, now) if is_still else "",
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
        "the deployment names it in {exempt} by now, so that nothing of it is changed",
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
_CAP_ENDS: Final = frozenset(
    {
        DecisionReason.DANGER_OVER,
        DecisionReason.CAP_OVER,
        DecisionReason.HOLD_OVER,
        DecisionReason.STACK_DELETED,
    }
)
# It goes on running, and nobody knows whether it is a loop.
_NOT_JUDGED: Final = frozenset({DecisionReason.HOLD_OVER, DecisionReason.STACK_DELETED})
_OF_EARLIER_VERSION: Final = (
    ", its cap is gone",
    (
        "an earlier version of Loopbreaker had capped it, and this version does not judge by caps."
        " If it is still unusual, it is held anew"
    ),
)


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
                paragraph(
                    f"Loopbreaker put {incident.function} back:"
                    f" {because.format(exempt=name_setting('exempt', context.deployment))}."
                ),
                paragraph(
                    describe_hold_time(incident, now)
                    if incident.watch
                    else describe_restriction_time(incident, now)
                ),
                paragraph(_describe_left_to_do(incident, is_left=bool(left))),
                describe_location(context.deployment),
                *(
                    compose_measurement(incident, now, is_over=True)
                    if reason in _NOT_JUDGED
                    else ()
                ),
                section("SETTINGS", *list_settings(incident)),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _describe_left_to_do(incident: Incident, *, is_left: bool) -> str:
    """Say what people may have to do after a cap or a hold was taken back."""
    match parse_decision_reason(incident):
        case DecisionReason.HOLD_OVER:
            return (
                "Whether it is a loop is not known: look at its invocations. Find out, too, why"
                " contain did not end the hold; its log group is"
                " /aws/lambda/Loopbreaker-contain."
            )
        case DecisionReason.STACK_DELETED:
            return "Whether it is a loop is not known: look at its invocations."
        case _:
            return "" if is_left else "Nothing is left to do."
