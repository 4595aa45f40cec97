"""The mail about a decision that changes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from functions.domain.detection.assessment import Assessment, Reason
from functions.domain.holding.callers import LONGEST_CAPPED
from functions.domain.incidents.decision import DecisionReason
from functions.domain.incidents.hold_budget import COUNTED_FOR, MOST_HOLDS
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import name_flag, name_setting
from functions.domain.notices.incident.sections.ending import compose_footer
from functions.domain.notices.incident.sections.events import compose_event_impact
from functions.domain.notices.incident.sections.instructions import (
    FIX,
    compose_manual_stop,
    compose_replica_stop,
    warn_of_stop,
    would_hold,
)
from functions.domain.notices.incident.sections.measurement import (
    describe_rate,
)
from functions.domain.notices.incident.sections.reasons import (
    VERDICT_CLAUSES,
    explain_spike,
)
from functions.domain.notices.incident.sections.restriction import parse_decision_reason
from functions.domain.notices.layout import (
    bullet,
    compose_body,
    compose_subject,
    describe_location,
    join_names,
    paragraph,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import format_count, format_duration


@dataclass(frozen=True, slots=True)
class _Explanation:
    """How people are notified of a decision that changes nothing."""

    lead: str
    opening: str
    why: str


_NOT_STOPPED: Final[dict[DecisionReason, _Explanation]] = {
    DecisionReason.OBSERVE_MODE: _Explanation(
        "WOULD STOP",
        "Loopbreaker would have stopped {function}. It changed nothing: it is in observe mode.",
        "To let it act, deploy it with {enforce}.",
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
        "The deployment names it in {exempt}.",
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
_NOT_HELD: Final = frozenset({DecisionReason.CANNOT_BE_HELD, DecisionReason.NO_CAP_FOR_INSTANCES})
# Reasons after which nobody is to stop the function by hand on Loopbreaker's advice.
_NO_STOP_ADVICE: Final = frozenset(
    {DecisionReason.STOPPED_BY_AWS, DecisionReason.OWN_FUNCTION, DecisionReason.EDGE_REPLICA}
)


def compose_notified(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Tell of a decision that changes nothing."""
    reason = parse_decision_reason(incident)
    explanation = _CHANGED_NOTHING if reason is None else _NOT_STOPPED.get(reason, _CHANGED_NOTHING)
    assessment = incident.assessment
    lead, opening = explanation.lead, explanation.opening
    if reason is DecisionReason.OBSERVE_MODE:
        lead, opening = _describe_imagined(assessment, context, lead, opening)
    radius = (
        f": {format_count(context.deployment.blast_radius, 'function')} within"
        f" {format_duration(context.deployment.blast_radius_window)}"
        if context.deployment.blast_radius is not None
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
                    explanation.why.format(
                        radius=radius,
                        enforce=name_flag("mode", "enforce", context.deployment),
                        exempt=name_setting("exempt", context.deployment),
                        holds=format_count(MOST_HOLDS, "time"),
                        hours=COUNTED_FOR // timedelta(hours=1),
                    ),
                    f"Contained within that time: {already}." if already else "",
                ),
                warn_of_stop(incident, context, now) if reason in _NOT_HELD else "",
                compose_manual_stop(incident, context)
                if reason is DecisionReason.BLAST_RADIUS
                else "",
                describe_location(context.deployment),
                *explain_spike(incident, context, now),
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
    """Say what enforce mode would have done, where it would not have stopped the function."""
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
        f" {format_duration(LONGEST_CAPPED)} at most. It does harm that does not wait: the reasons"
        " below say which. It would not have been held back to see whether it feeds itself,"
        " because callers wait for its answers. What is asked beyond the cap would have been"
        f" refused with status 429. {then} Loopbreaker changed nothing: it is in observe mode."
    )
