"""The answer to ``-c diagnose=``: for the output of the stack, and at length as a mail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from functions.domain.diagnosis.evaluated import ExaminedFunction
from functions.domain.notices.diagnosis.sections import (
    CERTAINTY_WORDS,
    compose_details,
    compose_footer,
    compose_unread,
    describe_decision,
)
from functions.domain.notices.layout import (
    compose_body,
    compose_subject,
    cut_at_line,
    describe_location,
    paragraph,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import clean, format_count

OUTPUT_LIMIT: Final = 3_500  # bytes: a custom resource answers at most 4 KB


def compose_output(patients: Sequence[ExaminedFunction]) -> str:
    """Answer ``-c diagnose=<function>`` in the stack's output, within `OUTPUT_LIMIT`."""
    text = "\n".join(line for one in patients for line in _list_lines(one))
    return cut_at_line(text, OUTPUT_LIMIT, "\n(Cut here: the whole answer is in the mail.)")


def compose_answer(
    patients: Sequence[ExaminedFunction], deployment: Deployment, now: datetime
) -> Notice:
    """Answer at length, in a mail."""
    first = patients[0].facts.name if patients else "nothing"
    found = sum(len(one.judged) for one in patients)
    what = format_count(found, "finding") if found else "nothing found"
    if patients and all(one.facts.is_contained for one in patients):
        what = "not examined"
    return Notice(
        subject=compose_subject("DIAGNOSIS", first, f": {what}"),
        body=compose_body(
            (
                *(block for one in patients for block in _compose_blocks(one, deployment)),
                *compose_footer(first, deployment, now),
            )
        ),
    )


def _compose_blocks(patient: ExaminedFunction, deployment: Deployment) -> tuple[str, ...]:
    facts = patient.facts
    if facts.is_contained:
        return (paragraph(_describe_contained(facts.name)),)
    blocks = [paragraph(_describe_count(patient))]
    for judged in patient.judged:
        blocks += [
            paragraph(f"{judged.finding.title.upper()}: {judged.finding.summary}"),
            *compose_details(judged, deployment),
        ]
    if not patient.judged:
        blocks.append(describe_location(deployment))
    said = {gap for judged in patient.judged for gap in judged.finding.gaps}
    every = (f"{one.part}: {one.words}" for one in facts.gaps)
    blocks.append(compose_unread([one for one in every if one not in said]))
    return tuple(blocks)


def _list_lines(patient: ExaminedFunction) -> tuple[str, ...]:
    if patient.facts.is_contained:
        return (_describe_contained(patient.facts.name),)
    lines = [_describe_count(patient)]
    for number, judged in enumerate(patient.judged, start=1):
        finding = judged.finding
        remedy = judged.decision.remedy or next(iter(finding.remedies), None)
        lines.append(
            f"{number}. {finding.title} ({CERTAINTY_WORDS[finding.certainty]}): {finding.summary}"
        )
        if remedy is not None:
            lines.append(f"   Cure: {remedy.words}")
        lines.append(f"   Loopbreaker did: {describe_decision(judged.decision, finding)}")
    if patient.facts.gaps:
        parts = ", ".join(dict.fromkeys(str(one.part) for one in patient.facts.gaps))
        lines.append(f"   Could not be read: {parts}.")
    return tuple(_clean_line(one) for one in lines)


def _clean_line(line: str) -> str:
    """Take the control characters out of a line, and keep its indentation."""
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + clean(line, 900)


def _describe_contained(function: str) -> str:
    return (
        f"{function}: not examined, because Loopbreaker holds it (reserved concurrency 0). Examine"
        " it after it was restored."
    )


def _describe_count(patient: ExaminedFunction) -> str:
    checks = format_count(patient.checks, "check")
    found = len(patient.judged)
    open_ = patient.checks - len(
        patient.examination.complete | {one.finding.entry for one in patient.judged}
    )
    undecided = f", of which {open_} could not be decided" if open_ > 0 else ""
    what = format_count(found, "finding") if found else "nothing found"
    return f"{patient.facts.name}: {what} ({checks}{undecided})."
