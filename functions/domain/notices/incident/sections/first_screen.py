"""The first screen of a mail about an incident: what a person reads at three in the morning.

A phone shows some 20 rows of 42 characters before anybody scrolls. They say what happened to which
function in which account, why, whether anything is being lost and until when, what it has cost, and
what to do, with the commands. Everything else comes below.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from functions.domain.detection.assessment import Reason, Verdict
from functions.domain.detection.evidence import LoopProof
from functions.domain.incidents.incident import Incident
from functions.domain.notices.commands import build_exempt_command
from functions.domain.notices.incident.sections.measurement import describe_cost
from functions.domain.notices.incident.sections.restriction import is_ordered
from functions.domain.notices.layout import command_line, describe_location, lines_of, paragraph
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import clean, cut_middle, format_time
from functions.domain.notices.ways_back import (
    compose_deployment,
    compose_own_command,
    describe_code_fix,
)

NOTHING_TO_DO: Final = "There is nothing to do now."
SOME_LEFT_ALONE: Final = "Look at SETTINGS below: what others had changed was left alone."
_LONGEST_LINE: Final = 130  # of a drawn loop: some three rows of a phone
_LONGEST_DEPLOYMENT: Final = 130  # a longer command comes last, so that it hides no other


def compose_first_screen(
    incident: Incident,
    context: NoticeContext,
    *,
    state: str,
    loss: str,
    cause: str | None = None,
    is_running: bool = False,
    actions: Sequence[str] = (),
) -> tuple[str, ...]:
    """Say what happened, what it means for events and money, and what to do.

    Parameters
    ----------
    state
        What was done or not done to which function, and when.
    loss
        Whether anything is being lost, and until when.
    cause
        Why, where it is not the loop; empty leaves it out.
    is_running
        Whether it goes on and costs more.
    actions
        Paragraphs and commands, in their order.
    """
    return (
        lines_of(
            state,
            describe_location(context.deployment),
            describe_cause(incident, context) if cause is None else cause,
            loss,
            describe_cost(incident, is_running=is_running),
        ),
        *actions,
    )


def describe_cause(incident: Incident, context: NoticeContext) -> str:
    """Say in one line what feeds the function, and how sure that is; empty where nothing odd is."""
    if is_ordered(incident):
        return "Cause: a person ordered it."
    assessment = incident.assessment
    line = draw_in_one_line(context)
    if assessment.verdict is Verdict.RUNAWAY or assessment.has(Reason.NATIVE_DROPS):
        if not line:
            return "Cause, certain: a loop. Which way it goes is not known."
        is_closed = context.loop.proof is LoopProof.CERTAIN
        return f"Cause, certain: {line}" if is_closed else f"Cause: a loop, probably {line}"
    if assessment.verdict is Verdict.SUSPECTED:
        return f"Cause, suspected: {line or 'a loop. The configuration shows none.'}"
    return ""


def describe_known_cause(incident: Incident, context: NoticeContext) -> str:
    """Say the same of an incident that is over; empty where the loop cannot be drawn."""
    return describe_cause(incident, context) if draw_in_one_line(context) else ""


def draw_in_one_line(context: NoticeContext) -> str:
    """Draw the loop on one line, cut in its middle where it is long; empty for no drawing."""
    loop = context.loop
    drawn = loop.line or ("" if "\n" in loop.drawing.strip() else loop.drawing)
    return cut_middle(clean(drawn), _LONGEST_LINE)


def format_moment(at: datetime, now: datetime) -> str:
    """Write a moment as shortly as it can be read: without the date where it is that of today."""
    here, present = at.astimezone(UTC), now.astimezone(UTC)
    return f"{here:%H:%M} UTC" if here.date() == present.date() else format_time(at)


def list_restore_actions(
    incident: Incident, context: NoticeContext, lead: str, *, is_exemption_offered: bool = True
) -> tuple[str, ...]:
    """Say how to restore it, by a deployment and without one, and what to do in a false alarm.

    Parameters
    ----------
    lead
        What comes before the commands: what to do first, and that it is restored then.
    """
    deployment = context.deployment
    own = compose_own_command(incident.function, deployment)
    code_fix = "" if is_ordered(incident) else describe_code_fix(context.loop, deployment)
    false_alarm = (
        (
            paragraph("No loop? Restore it, and exempt it:"),
            command_line(build_exempt_command(incident.function_arn, deployment.region)),
        )
        if is_exemption_offered and incident.function_arn and not is_ordered(incident)
        else ()
    )
    if deployment.is_embedded:
        return (paragraph(lead), own, *false_alarm, code_fix)
    deploy = compose_deployment(incident.function, incident.function_arn, deployment)
    if len(deploy) > _LONGEST_DEPLOYMENT:
        return (
            paragraph(lead),
            own,
            *false_alarm,
            code_fix,
            paragraph("Or restore it by a deployment, from your Loopbreaker project:"),
            deploy,
        )
    return (paragraph(lead), deploy, own, *false_alarm, code_fix)
