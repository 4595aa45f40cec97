"""The mails about a probation: that it began, and what it showed."""

from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping
from functions.domain.detection.evidence import LoopProof
from functions.domain.incidents.incident import Incident
from functions.domain.notices.incident.sections.ending import compose_ending, compose_footer
from functions.domain.notices.incident.sections.events import list_aftermath
from functions.domain.notices.incident.sections.first_screen import (
    NOTHING_TO_DO,
    SOME_LEFT_ALONE,
    compose_first_screen,
    format_moment,
)
from functions.domain.notices.incident.sections.instructions import (
    advise_on_refusal,
    compose_durable_executions,
    list_restore_steps,
)
from functions.domain.notices.incident.sections.losses import (
    LOST_NO_MORE,
    describe_held_loss,
    describe_loss,
)
from functions.domain.notices.incident.sections.restriction import (
    describe_restriction_time,
    name_restriction,
)
from functions.domain.notices.incident.sections.settings import list_settings
from functions.domain.notices.layout import (
    bullet,
    compose_body,
    compose_subject,
    join_names,
    paragraph,
    quote_aws_error,
    section,
)
from functions.domain.notices.notice import Notice, NoticeContext
from functions.domain.notices.text import (
    format_count,
    format_number,
    shorten_arn,
)
from functions.domain.notices.ways_back import compose_deployment, compose_own_command
from functions.domain.probation.record import (
    PASSED,
    Probation,
    ProbationFigures,
    ProbationOutcome,
    ProbationPhase,
)
from functions.domain.probation.steps import LET_GO, has_more_held
from functions.domain.requests.terms import RestoreTerms

_MOST_ROUNDS: Final = 10_000.0


def compose_begun(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that a function is let go a little, and watched."""
    probation = incident.probation
    until = "" if probation is None else f" by {format_moment(probation.ends_at, now)}"
    before = "stopped" if probation is None or probation.was_stopped else "held"
    return Notice(
        subject=compose_subject("ON PROBATION:", incident.function, ", as you asked"),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"ON PROBATION: {incident.function} runs a little, as you asked.",
                    loss=_describe_loss(incident, context, now),
                    actions=(
                        paragraph(
                            f"{NOTHING_TO_DO} A mail says how it ends{until}. To end it now and"
                            " restore everything:"
                        ),
                        *_list_restores(incident, context, RestoreTerms(is_forced=True)),
                    ),
                ),
                section("WHAT IS LET GO", paragraph(describe_probation(incident))),
                section(
                    "WHAT COMES NEXT",
                    bullet(
                        "Nothing of what it is given comes back to it: Loopbreaker restores"
                        " everything.",
                        "1.",
                    ),
                    bullet(
                        "It comes back: Loopbreaker holds it again for some minutes. What goes on"
                        " arriving then comes from outside, and Loopbreaker restores everything."
                        f" What stops with the function is its own: it stays {before}.",
                        "2.",
                    ),
                    bullet(
                        "It remains unknown, and nothing speaks for a loop: Loopbreaker restores"
                        " everything, and says so.",
                        "3.",
                    ),
                ),
                compose_durable_executions(incident, context.deployment.region),
                *compose_footer(incident, context, now),
            )
        ),
    )


def describe_probation(incident: Incident) -> str:
    """Say what of a function on probation is let go now."""
    probation = incident.probation
    if probation is None:
        return ""
    if probation.phase is ProbationPhase.HELD_AGAIN:
        return "It came back, and is held again, to see whether that stops with it."
    reserved = "Its reserved concurrency is not changed."
    if probation.concurrency is not None:
        reserved = f"Its reserved concurrency is {probation.concurrency:,}."
    sources = [
        shorten_arn(one.step.source_arn) or one.step.uuid
        for one in incident.steps
        if isinstance(one.step, DisableMapping) and one.restored in LET_GO
    ]
    if not sources:
        return reserved
    more = " The others follow one by one." if has_more_held(incident) else ""
    return f"{reserved} It is fed by {join_names(sources)}.{more}"


def compose_over(
    incident: Incident, probation: Probation, context: NoticeContext, now: datetime
) -> Notice:
    """Report that a function was restored after its probation."""
    outcome = probation.outcome
    is_passed = outcome in PASSED
    left = sum(one.restored is StepStatus.CHANGED_MEANWHILE for one in incident.steps)
    tail = ", probation passed" if is_passed else ", the probation showed nothing"
    kept = f", {format_count(left, 'setting')} left alone" if left else ""
    return Notice(
        subject=compose_subject("RESTORED", incident.function, f"{tail}{kept}"),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"RESTORED {incident.function} after a probation, as you asked{kept}.",
                    cause=_describe_outcome(probation),
                    loss=LOST_NO_MORE,
                    actions=(
                        paragraph(
                            SOME_LEFT_ALONE if left else NOTHING_TO_DO,
                            "If it runs away again, Loopbreaker acts again: there is no waiting"
                            " time after a restore.",
                        ),
                    ),
                ),
                section("WHAT THE PROBATION SHOWED", *_list_figures(probation.figures)),
                section(
                    "SETTINGS",
                    paragraph(describe_restriction_time(incident, now)),
                    *list_settings(incident),
                ),
                section("ITS EVENTS", *list_aftermath(incident, context, now)),
                *compose_footer(incident, context, now),
            )
        ),
    )


def compose_failed(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that what was let go came back, so that the function is held as before."""
    probation = incident.probation
    was_stopped = probation is None or probation.was_stopped
    is_shown = probation is not None and probation.outcome is ProbationOutcome.CAME_BACK
    lead = "STOPPED AGAIN:" if was_stopped else "HELD AGAIN:"
    tail = " still feeds itself" if is_shown else " may still feed itself"
    return Notice(
        subject=compose_subject(lead, incident.function, tail),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"{lead} {incident.function}{tail}.",
                    cause="" if probation is None else _sum_up(probation.figures),
                    loss=_describe_loss(incident, context, now),
                    actions=list_restore_steps(incident, context, now),
                ),
                section(
                    "WHAT THE PROBATION SHOWED",
                    paragraph(
                        "You asked for it.",
                        ""
                        if probation is None or probation.outcome is None
                        else _SHOWN[probation.outcome],
                    ),
                    *_list_figures(None if probation is None else probation.figures),
                    paragraph(
                        "Nothing else was changed: all that it had before the incident is still"
                        " recorded, and comes back with a restore."
                    ),
                ),
                *compose_ending(incident, context, now),
            )
        ),
    )


def compose_refused(incident: Incident, context: NoticeContext, now: datetime) -> Notice:
    """Report that AWS refused a step of a probation."""
    probation = incident.probation
    is_begun = probation is not None and probation.let_go_at is not None
    stays = (
        "It goes on as it is. Loopbreaker tries again, and the probation ends at its time in any"
        " case."
        if is_begun
        else f"It is still {name_restriction(incident)}."
    )
    return Notice(
        subject=compose_subject("NO PROBATION:", incident.function, ", AWS refused it"),
        body=compose_body(
            (
                *compose_first_screen(
                    incident,
                    context,
                    state=f"NO PROBATION: AWS refused it for {incident.function}.",
                    cause=stays,
                    loss=_describe_loss(incident, context, now),
                    actions=(
                        paragraph("To restore it without a probation:"),
                        *_list_restores(
                            incident,
                            context,
                            RestoreTerms(is_forced=context.loop.proof is LoopProof.CERTAIN),
                        ),
                    ),
                ),
                section(
                    "WHAT AWS REFUSED",
                    paragraph(quote_aws_error(context.detail)),
                    paragraph(advise_on_refusal(context.detail)),
                ),
                *compose_footer(incident, context, now),
            )
        ),
    )


def _list_restores(
    incident: Incident, context: NoticeContext, terms: RestoreTerms
) -> tuple[str, ...]:
    """Write the commands that restore it, one below the other."""
    deployment = context.deployment
    own = compose_own_command(incident.function, deployment, terms)
    if deployment.is_embedded:
        return (own,)
    return (
        compose_deployment(incident.function, incident.function_arn, deployment, terms),
        own,
    )


def _describe_loss(incident: Incident, context: NoticeContext, now: datetime) -> str:
    """Say what is being lost of a function that is as it was before, or lets a little run.

    What is let go in a probation is less than what is held, so nothing more is lost by it.
    """
    probation = incident.probation
    if probation is None or probation.was_stopped:
        return describe_loss(incident, context)
    return describe_held_loss(incident, now)


_SHOWN: Final[dict[ProbationOutcome, str]] = {
    ProbationOutcome.NOT_COME_BACK: "Nothing of that came back to it.",
    ProbationOutcome.FED_FROM_OUTSIDE: (
        "As much went on arriving while it was held again: it is fed from outside."
    ),
    ProbationOutcome.FEW_ROUNDS: "A loop would have come back far more often.",
    ProbationOutcome.NOTHING_RAN: (
        "Nothing was there to be let go, so that it is not known whether it still is a loop. Its"
        " next event will show."
    ),
    ProbationOutcome.UNCOUNTED: (
        "CloudWatch counts nothing of what invokes it, so that it is not known whether it still is"
        " a loop. Look at its invocations."
    ),
    ProbationOutcome.LOOP_CUT: (
        "Another function of its loop was stopped or held meanwhile, so that nothing could come"
        " back. Whether it still is a loop is not known: look at it once that one is restored."
    ),
    ProbationOutcome.DATA_LATE: (
        "CloudWatch has too little data to say whether it still is a loop, and nothing speaks for"
        " it. Look at its invocations."
    ),
    ProbationOutcome.NOT_WATCHED: (
        "The function contain did not end the probation in time, so that a schedule did, which was"
        " made for that. Whether it still is a loop is not known: look at its invocations. Find"
        " out, too, why contain did not end it; its log group is /aws/lambda/Loopbreaker-contain."
    ),
    ProbationOutcome.GUARD_REMOVED: (
        "The stack of Loopbreaker, which would have watched it on, is being deleted. Whether it"
        " still is a loop is not known: look at its invocations."
    ),
    ProbationOutcome.CAME_BACK: ("They stopped as soon as it was held again: it feeds itself."),
    ProbationOutcome.TOO_MANY_WAIT: (
        "They stopped as soon as it was held again, so they were its own. Too many wait to see them"
        " go round often, so that a loop is likely and not shown."
    ),
    ProbationOutcome.NOT_SETTLED: (
        "CloudWatch's figures came too late to show whether that was its own doing. It stays held,"
        " because that is safe."
    ),
}


def _describe_outcome(probation: Probation) -> str:
    if probation.outcome is None:
        return ""
    seen = _sum_up(probation.figures)
    return " ".join(one for one in (seen, _SHOWN[probation.outcome]) if one)


def _sum_up(figures: ProbationFigures | None) -> str:
    """Say what was seen, in one sentence."""
    if figures is None:
        return ""
    minutes = format_count(max(1, round(figures.minutes)), "minute")
    if figures.let_go is None or figures.rounds is None:
        return f"It was on probation for {minutes}."
    events = format_count(max(1, round(figures.let_go)), "event")
    if figures.rounds < 1:
        return f"On probation for {minutes}: {events} let go, {figures.ran or 0:,.0f} executions."
    rounds = round(min(figures.rounds, _MOST_ROUNDS))
    times = "once" if rounds == 1 else f"{rounds:,} times"
    return f"On probation for {minutes}: {events} let go, they came back {times}."


def _list_figures(figures: ProbationFigures | None) -> tuple[str, ...]:
    if figures is None:
        return ()
    rows = (
        ("Executions while it was let go", figures.ran),
        ("Events a minute while it stood still before", figures.outside_per_minute),
        ("Events a minute while it was let go", figures.per_minute),
        ("Events a minute while it was held again", figures.again_per_minute),
    )
    return tuple(
        bullet(f"{name}: {format_number(value)}") for name, value in rows if value is not None
    )
