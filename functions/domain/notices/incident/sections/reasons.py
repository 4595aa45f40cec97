"""Why the guard acts: the verdict with its grounds, and the loop as the event graph knows it."""

from datetime import datetime
from typing import Final

from functions.domain.changes.outcome import StepStatus
from functions.domain.changes.steps import DisableMapping
from functions.domain.detection.assessment import Assessment, Reason, Verdict
from functions.domain.detection.evidence import LoopProof
from functions.domain.incidents.incident import Incident
from functions.domain.notices.graph.text import OR_DISABLE
from functions.domain.notices.grounds import describe_ground
from functions.domain.notices.incident.sections.first_screen import (
    describe_cause,
    draw_in_one_line,
)
from functions.domain.notices.incident.sections.measurement import list_rates
from functions.domain.notices.incident.sections.restriction import is_ordered
from functions.domain.notices.layout import (
    MOST_NAMES,
    bullet,
    count_left_out,
    indent_drawing,
    paragraph,
    section,
)
from functions.domain.notices.notice import NoticeContext
from functions.domain.notices.text import clean, format_number, format_time, replace_unprintable

VERDICT_CLAUSES: Final = {
    Verdict.RUNAWAY: "is running away",
    Verdict.SUSPECTED: "may be running away",
    Verdict.BUSY: "is unusually busy",
    Verdict.CALM: "is calm",
}
_MOST_GROUNDS: Final = 8
_LONGEST_DRAWING: Final = 1500
_LONGEST_REASON: Final = 600
_CERTAINTY: Final = {
    LoopProof.CERTAIN: "The configuration of the account closes this loop.",
    LoopProof.POSSIBLE: "The configuration of the account allows this loop; whether the function"
    " really writes there is not known.",
}


def compose_loop(incident: Incident, context: NoticeContext) -> str:
    """Show the loop as the event graph knows it: what closes it, how to fix it, and the drawing.

    A drawing that the first screen shows whole is not repeated.
    """
    drawing = context.loop.drawing.strip()
    if not drawing:
        return _compose_not_ruled_out(context)
    is_shown = drawing == draw_in_one_line(context) and describe_cause(incident, context) != ""
    lines = () if is_shown else drawing[:_LONGEST_DRAWING].splitlines()
    broken_by = _find_breaking_change(incident, context)
    read = context.loop.at
    return section(
        "THE LOOP",
        "\n".join(indent_drawing(replace_unprintable(line)) for line in lines),
        *(
            bullet(replace_unprintable(words[:_LONGEST_REASON]))
            for words in context.loop.closed_by[:MOST_NAMES]
        ),
        paragraph(
            _CERTAINTY.get(context.loop.proof, ""),
            f"Read from the configuration at {format_time(read)}." if read else "",
        ),
        paragraph(f"How to fix it: {replace_unprintable(broken_by[:_LONGEST_REASON])}")
        if broken_by
        else "",
    )


def _compose_not_ruled_out(context: NoticeContext) -> str:
    """Say why the event graph, which knows no loop of the function, does not rule one out."""
    loop = context.loop
    if not loop.not_ruled_out:
        return ""
    return section(
        "THE LOOP",
        paragraph(
            "The configuration shows no loop of this function, but does not rule one out:",
        ),
        *(bullet(f"{words}.") for words in loop.not_ruled_out),
        paragraph(f"Read from the configuration at {format_time(loop.at)}." if loop.at else ""),
    )


def _find_breaking_change(incident: Incident, context: NoticeContext) -> str:
    """Say what breaks the loop, but not to disable a mapping that the guard has disabled."""
    words = context.loop.broken_by
    disabled = (
        one.step.uuid
        for one in incident.steps
        if isinstance(one.step, DisableMapping)
        and one.status in {StepStatus.DONE, StepStatus.ALREADY}
        and one.restored is None
    )
    return words.replace(OR_DISABLE, "") if any(one in words for one in disabled) else words


def compose_evidence(incident: Incident, now: datetime, *further: str) -> str:
    """Say the verdict, its grounds, and the rates.

    Parameters
    ----------
    further
        What else belongs to the evidence, as paragraphs before the grounds.
    """
    assessment = incident.assessment
    grounds = assessment.grounds[:_MOST_GROUNDS]
    if is_ordered(incident):
        verdict: tuple[str, ...] = (
            _describe_order(incident),
            f"Loopbreaker's own assessment: {describe_verdict(assessment)}" if grounds else "",
        )
    else:
        verdict = (describe_verdict(assessment),)
    return section(
        "EVIDENCE",
        *(paragraph(one) for one in (*verdict, *further) if one),
        *(bullet(describe_ground(ground)) for ground in grounds),
        count_left_out(len(assessment.grounds) - len(grounds), "reason"),
        *list_rates(incident, now),
    )


def _describe_order(incident: Incident) -> str:
    """Say who ordered a stop, if that is known: Lambda does not report who invokes a function."""
    if not incident.ordered_by:
        return "A person ordered it. The order does not say who."
    return (
        f"A person ordered it. The order says by whom, and nobody has checked that:"
        f" {clean(incident.ordered_by, 300)}"
    )


def describe_verdict(assessment: Assessment) -> str:
    """Say what the guard thinks of a function, in a sentence."""
    match assessment.verdict:
        case Verdict.RUNAWAY:
            return _describe_proof(assessment)
        case Verdict.SUSPECTED if assessment.has(Reason.LOOP_PROVEN):
            return (
                "A suspected loop: unusual and unexplained. The configuration closes it; nothing"
                " has shown yet that it runs."
            )
        case Verdict.SUSPECTED:
            return "A suspected loop: unusual and unexplained, but not proven."
        case Verdict.BUSY:
            return "Unusual, with an explanation."
        case Verdict.CALM:
            return "Nothing unusual."


def _describe_proof(assessment: Assessment) -> str:
    """Say what proved a loop; the third, fourth and last of these are of earlier versions."""
    if not assessment.grounds:
        return "A loop. What showed it is not recorded here."
    if assessment.has(Reason.COMES_BACK):
        return "A loop: it fed itself while Loopbreaker watched."
    if assessment.has(Reason.LOOP_BESIDE_WORK):
        return "A loop beside its usual work: Loopbreaker saw what the function writes by itself."
    if assessment.cap:
        return "A loop: what it did under its cap shows it."
    if assessment.has(Reason.LOOP_PROVEN) and not assessment.has(Reason.NATIVE_DROPS):
        return "A loop: the configuration of the account closes it, and it runs."
    if assessment.has(Reason.NATIVE_DROPS):
        return "A loop: AWS itself found it."
    return "A loop, by a shape that only a loop has."


def describe_suspected(incident: Incident) -> str:
    """Say which function is suspected, where another one of its loop is held."""
    other = incident.instead
    if other is None:
        return ""
    rate = (
        f", with {format_number(other.per_minute)} invocations a minute" if other.per_minute else ""
    )
    return (
        f"Suspected is {other.function}{rate}. {describe_ground(other.because)} It lies on the"
        f" same loop, and what goes round in that passes {incident.function} as well."
    )
