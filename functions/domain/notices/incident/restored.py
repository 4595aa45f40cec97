"""The mails about a function that was put back, or could not be."""

from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import Reserve, ScaleToZero
from functions.domain.detection.evidence import TriggerKind
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.incident import Incident
from functions.domain.incidents.states import IncidentState
from functions.domain.notices.commands import build_restore_commands, name_setting
from functions.domain.notices.incident.capped import compose_cap_over
from functions.domain.notices.incident.held import compose_let_go
from functions.domain.notices.incident.probation import compose_over
from functions.domain.notices.incident.sections.ending import compose_footer
from functions.domain.notices.incident.sections.events import compose_event_impact, list_aftermath
from functions.domain.notices.incident.sections.first_screen import (
    NOTHING_TO_DO,
    SOME_LEFT_ALONE,
    compose_first_screen,
    describe_known_cause,
    list_restore_actions,
)
from functions.domain.notices.incident.sections.instructions import advise_on_refusal
from functions.domain.notices.incident.sections.losses import LOST_NO_MORE, describe_loss
from functions.domain.notices.incident.sections.measurement import compose_cost, list_rates
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
    command_lines,
    compose_body,
    compose_subject,
    paragraph,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import format_count


def compose_restored(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a function is as it was before."""
    probation = incident.probation
    if probation is not None and probation.outcome is not None:
        return compose_over(incident, probation, context, now)
    untouched = sum(one.restored is StepStatus.CHANGED_MEANWHILE for one in incident.steps)
    tail = f", {format_count(untouched, 'setting')} left alone" if untouched else ""
    return Notice(
        subject=compose_subject("RESTORED", incident.function, tail),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"RESTORED {incident.function} as you asked{tail}.",
                    cause=describe_known_cause(incident, context),
                    loss=f"{LOST_NO_MORE} {_describe_past_loss(incident)}",
                    actions=(
                        paragraph(
                            SOME_LEFT_ALONE if untouched else NOTHING_TO_DO,
                            "If it runs away again, Loopbreaker acts again: there is no waiting"
                            " time after a restore.",
                        ),
                    ),
                ),
                section(
                    "SETTINGS",
                    paragraph(describe_restriction_time(incident, now)),
                    *list_settings(incident),
                ),
                section("ITS EVENTS", *list_aftermath(incident, context, now))
                if incident.snapshot
                else "",
                *compose_footer(incident, context, now),
            )
        ),
    )


def _describe_past_loss(incident: Incident) -> str:
    """Say in a few words what was lost while it was stopped; empty for nothing that is known."""
    routes = incident.routes
    if not incident.is_at_zero or routes is None or routes.async_target_arn != "":
        return ""
    lost = any(one.kind is TriggerKind.ASYNC for one in routes.triggers or ())
    return "Asynchronous events of the time before were lost: see ITS EVENTS." if lost else ""


def compose_restore_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report what could not be put back."""
    failed = [one for one in incident.steps if one.restored is StepStatus.FAILED]
    changed = list_steps_in_force(incident)
    is_still = any(isinstance(one.step, Reserve | ScaleToZero) for one in changed)
    words = " ".join([context.detail, *(one.restored_detail for one in failed)])
    state = f"still {name_restriction(incident)}" if is_still else "not fully restored"
    again = (
        "Loopbreaker tries again by itself. To ask for it at once:"
        if incident.closing is IncidentState.LIFTED
        else "See below what AWS refused. Then restore it again:"
    )
    return Notice(
        subject=compose_subject("RESTORE FAILED:", incident.function, f" is {state}"),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"RESTORE FAILED: {incident.function} is {state}.",
                    cause="",
                    loss=describe_loss(incident, context) if is_still else LOST_NO_MORE,
                    actions=list_restore_actions(
                        incident,
                        context,
                        again,
                        is_exemption_offered=False,
                    ),
                ),
                section(
                    "WHAT AWS REFUSED",
                    *list_failures(
                        [(one.step, one.restored_detail) for one in failed], context.detail
                    ),
                    paragraph(advise_on_refusal(words), "What is back already is left as it is."),
                ),
                section("SETTINGS", *list_settings(incident)),
                section(
                    "RESTORE BY HAND WHAT IS LEFT",
                    *command_lines(build_restore_commands(changed, context.deployment.region)),
                ),
                compose_event_impact(incident, context, now) if is_still else "",
                *compose_footer(incident, context, now),
            )
        ),
    )


# Why a function is restored without being asked for: end of the subject, first line, and more.
_WITHDRAWN: Final[dict[DecisionReason, tuple[str, str, str]]] = {
    DecisionReason.EXEMPT_BY_TAG: (
        " is exempt",
        "it has the tag loopbreaker:exempt=true",
        "",
    ),
    DecisionReason.EXEMPT_BY_FLAG: (
        " is exempt",
        "the deployment names it in {exempt}",
        "",
    ),
    DecisionReason.OBSERVE_MODE: (
        ", observe mode",
        "the deployment is in observe mode",
        "",
    ),
    DecisionReason.OWN_FUNCTION: (
        " is its own",
        "it is a function of Loopbreaker itself",
        "",
    ),
    DecisionReason.HOLD_OVER: (
        ", not decided",
        "the time of its hold is over",
        (
            "The function contain ends a hold, normally. This one was ended by a schedule that was"
            " made beforehand, in case that contain cannot."
        ),
    ),
    DecisionReason.LOOP_IS_HELD: (
        ", its loop is held",
        "another function on its loop is held",
        "Both were held at the same moment. Each would keep the other's events back.",
    ),
    DecisionReason.STACK_DELETED: (
        ", stack deleted",
        "the stack of Loopbreaker is being deleted",
        "It was held to find out whether it is a loop, and the stack would have ended that.",
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
    "an earlier version of Loopbreaker had capped it",
    "This version does not judge by caps. If it is still unusual, it is held anew.",
)


def compose_lifted(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a hold or a cap is over, or that a function is restored without a request."""
    if not incident.is_withdrawn:
        return compose_let_go(incident, context, now)
    reason = parse_decision_reason(incident)
    is_cap = incident.watch is not None and incident.watch.plan.is_for_callers
    if is_cap and reason in _CAP_ENDS:
        return compose_cap_over(incident, context, now)
    is_left = any(one.restored is StepStatus.CHANGED_MEANWHILE for one in incident.steps)
    tail, because, more = _WITHDRAWN.get(reason or DecisionReason.SUSPECTED, _OF_EARLIER_VERSION)
    because = because.format(exempt=name_setting("exempt", context.deployment))
    return Notice(
        subject=compose_subject("RESTORED BY LOOPBREAKER:", incident.function, tail),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"RESTORED {incident.function}, without being asked: {because}.",
                    cause="Whether it is a loop is not known." if reason in _NOT_JUDGED else "",
                    loss=LOST_NO_MORE,
                    is_running=reason in _NOT_JUDGED,
                    actions=(paragraph(_describe_left_to_do(incident, is_left=is_left)),),
                ),
                section(
                    "EVIDENCE",
                    paragraph(
                        describe_hold_time(incident, now)
                        if incident.watch
                        else describe_restriction_time(incident, now),
                        more,
                    ),
                    *(list_rates(incident, now) if reason in _NOT_JUDGED else ()),
                ),
                compose_cost(incident) if reason in _NOT_JUDGED else "",
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
                "Look at its invocations: it may be a loop. Find out, too, why contain did not end"
                " the hold; its log group is /aws/lambda/Loopbreaker-contain."
            )
        case DecisionReason.STACK_DELETED:
            return "Look at its invocations: it may be a loop."
        case _:
            return SOME_LEFT_ALONE if is_left else NOTHING_TO_DO
