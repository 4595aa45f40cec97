"""The mail about a decision that changes nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.domain.detection.assessment import Assessment, Reason
from functions.domain.holding.callers import LONGEST_CAPPED
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.hold_budget import COUNTED_FOR, MOST_HOLDS
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import name_flag, name_setting
from functions.domain.notices.incident.sections.ending import compose_footer
from functions.domain.notices.incident.sections.events import compose_event_impact
from functions.domain.notices.incident.sections.first_screen import compose_first_screen
from functions.domain.notices.incident.sections.instructions import (
    FIX,
    compose_manual_stop,
    find_stop,
    list_exemption,
    list_manual_stop,
    list_replica_stop,
    list_stop_steps,
    warn_of_stop,
    would_hold,
)
from functions.domain.notices.incident.sections.losses import describe_no_stop
from functions.domain.notices.incident.sections.measurement import compose_cost, describe_rate
from functions.domain.notices.incident.sections.reasons import (
    VERDICT_CLAUSES,
    compose_evidence,
    compose_loop,
)
from functions.domain.notices.incident.sections.restriction import parse_decision_reason
from functions.domain.notices.layout import (
    compose_body,
    compose_subject,
    join_names,
    paragraph,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import format_count, format_duration


@dataclass(frozen=True, slots=True)
class _Explanation:
    """How people are notified of a decision that changes nothing.

    Attributes
    ----------
    lead
        The beginning of the subject.
    state
        What was not done, for the first line.
    why
        The reason at length, for the evidence.
    """

    lead: str
    state: str
    why: str = ""


_NOT_STOPPED: Final[dict[DecisionReason, _Explanation]] = {
    DecisionReason.OBSERVE_MODE: _Explanation(
        "WOULD STOP",
        "WOULD HAVE STOPPED {function}. Nothing was changed: observe mode.",
        "To let Loopbreaker act, deploy it with {enforce}.",
    ),
    DecisionReason.BLAST_RADIUS: _Explanation(
        "NOT STOPPED, ACT NOW:",
        "NOT STOPPED: {function} {does}, and the blast radius is reached{radius}.",
        "So many at once can also mean that Loopbreaker is wrong: from here on a person decides.",
    ),
    DecisionReason.RESPONSE_IS_NOTIFY: _Explanation(
        "SUSPECTED, NOT STOPPED:",
        "NOT STOPPED: {function} {does}. Nothing was changed.",
        "This deployment only notifies of suspected functions (response=notify).",
    ),
    DecisionReason.CANNOT_BE_HELD: _Explanation(
        "SUSPECTED, NOT HELD:",
        "NOT HELD: {function} {does}. Nothing was changed yet.",
        "A suspected function is held back for some minutes, to see whether it feeds itself. This"
        " one is not, because that might do more than delay its events. As long as it goes on,"
        " Loopbreaker looks again whether it can be held.",
    ),
    DecisionReason.HELD_OFTEN: _Explanation(
        "SUSPECTED, NOT HELD:",
        "NOT HELD: {function} {does}, and was held {holds} within {hours} hours. You decide.",
        "Loopbreaker holds a function at most {holds} within {hours} hours, so that nobody can"
        " keep it held by sending it bursts. Until the oldest of these holds is that long ago,"
        " this one is neither held again nor stopped for a suspicion.",
    ),
    DecisionReason.NO_CAP_FOR_INSTANCES: _Explanation(
        "SUSPECTED, NOT HELD:",
        "NOT HELD: {function} {does}. Nothing was changed yet.",
        "A suspected function is held back for some minutes, to see whether it feeds itself. This"
        " one is not: it runs on Lambda Managed Instances, which no reserved concurrency holds.",
    ),
    DecisionReason.SCALING_UNKNOWN: _Explanation(
        "CANNOT BE STOPPED, ACT NOW:",
        "CANNOT BE STOPPED: {function} {does}.",
        "It runs on Lambda Managed Instances, which no reserved concurrency stops, and the scaling"
        " of its versions could not be read.",
    ),
    DecisionReason.EXEMPT_BY_TAG: _Explanation(
        "NOT STOPPED (exempt):",
        "NOT STOPPED: {function} {does}, and is exempt by its tag loopbreaker:exempt=true.",
    ),
    DecisionReason.EXEMPT_BY_FLAG: _Explanation(
        "NOT STOPPED (exempt):",
        "NOT STOPPED: {function} {does}, and is exempt: the deployment names it in {exempt}.",
    ),
    DecisionReason.STOPPED_BY_AWS: _Explanation(
        "AWS STOPS A LOOP:",
        "NOT STOPPED by Loopbreaker: AWS itself ends the loop of {function}, after about 16 rounds"
        " each time.",
        "Every new event starts the next chain. What Lambda's recursive loop detection drops goes"
        " to the dead-letter queue or on-failure destination, or is lost.",
    ),
    DecisionReason.OWN_FUNCTION: _Explanation(
        "ITS OWN FUNCTION IS BUSY:",
        "NOT STOPPED: {function}, a function of Loopbreaker itself, is unusually busy.",
    ),
    DecisionReason.EDGE_REPLICA: _Explanation(
        "NOT STOPPED (Lambda@Edge):",
        "NOT STOPPED: {function} {does}, and is a Lambda@Edge replica.",
        "CloudFront runs copies of the function in many Regions, and nobody can set the concurrency"
        " of a copy.",
    ),
    DecisionReason.RELEASED_BY_OTHERS: _Explanation(
        "RUNNING AWAY AGAIN:",
        "NOT STOPPED: {function} was released by somebody, and is running away again.",
        "A function that a person released is left alone for a while.",
    ),
}
_CHANGED_NOTHING: Final = _Explanation(
    "NOT STOPPED:", "NOT STOPPED: {function} {does}. Nothing was changed."
)
_NOT_HELD: Final = frozenset({DecisionReason.CANNOT_BE_HELD, DecisionReason.NO_CAP_FOR_INSTANCES})
# Reasons after which nobody is to stop the function by hand on Loopbreaker's advice.
_NO_STOP_ADVICE: Final = frozenset(
    {DecisionReason.STOPPED_BY_AWS, DecisionReason.OWN_FUNCTION, DecisionReason.EDGE_REPLICA}
)
# Loopbreaker would not stop these by order either.
_NO_ORDERS: Final = frozenset(
    {
        DecisionReason.EXEMPT_BY_TAG,
        DecisionReason.EXEMPT_BY_FLAG,
        DecisionReason.SCALING_UNKNOWN,
        DecisionReason.NO_CAP_FOR_INSTANCES,
    }
)
_EXEMPT: Final = frozenset({DecisionReason.EXEMPT_BY_TAG, DecisionReason.EXEMPT_BY_FLAG})


def compose_notified(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report a decision that changes nothing."""
    reason = parse_decision_reason(incident)
    explanation = _CHANGED_NOTHING if reason is None else _NOT_STOPPED.get(reason, _CHANGED_NOTHING)
    assessment = incident.assessment
    lead, state, why = explanation.lead, explanation.state, explanation.why
    if reason is DecisionReason.OBSERVE_MODE:
        lead, state, imagined = _describe_imagined(assessment, context, lead, state)
        why = f"{imagined} {why}"
    warning = warn_of_stop(incident, context, now) if reason in _NOT_HELD else ""
    stop_at = find_stop(incident, context) if reason in _NOT_HELD else None
    if stop_at is not None and stop_at > now:
        lead = f"WILL STOP AT {stop_at.astimezone(UTC):%H:%M}:"
    deployment = context.deployment
    radius = (
        f" ({format_count(deployment.blast_radius, 'function')} within"
        f" {format_duration(deployment.blast_radius_window)})"
        if deployment.blast_radius is not None
        else ""
    )
    words = {
        "function": incident.function,
        "does": VERDICT_CLAUSES[assessment.verdict],
        "radius": radius,
        "enforce": name_flag("mode", "enforce", deployment),
        "exempt": name_setting("exempt", deployment),
        "holds": format_count(MOST_HOLDS, "time"),
        "hours": COUNTED_FOR // timedelta(hours=1),
    }
    already = join_names(context.contained_already)
    is_advised = reason not in _NO_STOP_ADVICE
    return Notice(
        subject=compose_subject(lead, incident.function, describe_rate(incident)),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"{state.format(**words)} {warning}",
                    loss=_DROPPED
                    if reason is DecisionReason.STOPPED_BY_AWS
                    else describe_no_stop(incident),
                    is_running=True,
                    actions=_list_actions(incident, context, reason),
                ),
                compose_evidence(
                    incident,
                    now,
                    why.format(**words),
                    f"Contained within that time: {already}." if already else "",
                ),
                compose_cost(incident),
                compose_event_impact(
                    incident,
                    context,
                    now,
                    "PENDING EVENTS, IF IT WERE STOPPED",
                    is_imagined=reason is DecisionReason.OBSERVE_MODE,
                )
                if is_advised
                else "",
                compose_loop(incident, context),
                compose_manual_stop(incident, context)
                if is_advised and reason not in _NO_ORDERS
                else "",
                *compose_footer(incident, context, now),
            )
        ),
    )


_DROPPED: Final = (
    "BEING LOST: what AWS drops, unless the function has a dead-letter queue or on-failure"
    " destination."
)


def _list_actions(
    incident: Incident, context: NoticeContext, reason: DecisionReason | None
) -> tuple[str, ...]:
    """Say what a person does now."""
    if reason is DecisionReason.EDGE_REPLICA:
        return list_replica_stop(incident)
    if reason is DecisionReason.STOPPED_BY_AWS:
        return (paragraph(f"Nothing is urgent. {FIX}"), *list_exemption(incident, context))
    if reason is DecisionReason.OWN_FUNCTION:
        return (paragraph("Look at its log, and at what invokes it."),)
    if reason in _NO_ORDERS:
        exemption = () if reason in _EXEMPT else list_exemption(incident, context)
        return (*list_manual_stop(incident, context), *exemption)
    return list_stop_steps(incident, context)


def _describe_imagined(
    assessment: Assessment, context: NoticeContext, lead: str, state: str
) -> tuple[str, str, str]:
    """Say what enforce mode would have done: lead of the subject, first line, and at length."""
    for ground in assessment.grounds:
        if ground.reason is Reason.WOULD_BE_CAPPED and ground.value is not None:
            cap = f"{ground.value:,.0f}"
            return (
                f"WOULD CAP AT {cap}",
                (
                    f"WOULD HAVE CAPPED {{function}} at {cap}, its normal peak. Nothing was"
                    " changed: observe mode."
                ),
                _describe_imagined_cap(assessment),
            )
    if would_hold(assessment, context):
        return "WOULD HOLD", state.replace("STOPPED", "HELD"), ""
    return lead, state, ""


def _describe_imagined_cap(assessment: Assessment) -> str:
    then = (
        "If it still did harm then, it would be stopped, because the configuration closes the loop."
        if assessment.has(Reason.LOOP_PROVEN)
        else "If it went on after that, a mail would say what it costs, and you would decide."
    )
    return (
        f"Loopbreaker would have capped it for {format_duration(LONGEST_CAPPED)} at most, because"
        " it does harm that does not wait. It would not have been held back to see whether it feeds"
        " itself, because callers wait for its answers. What is asked beyond the cap would have"
        f" been refused with status 429. {then}"
    )
