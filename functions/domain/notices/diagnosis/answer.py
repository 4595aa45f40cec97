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
    lines_of,
    paragraph,
)
from functions.domain.notices.notice import Deployment, Notice
from functions.domain.notices.text import clean, format_count

OUTPUT_LIMIT: Final = 3_500  # bytes: a custom resource answers at most 4 KB


def compose_output(evaluated: Sequence[ExaminedFunction], deployment: Deployment) -> str:
    """Answer ``-c diagnose=<function>`` in the stack's output, within `OUTPUT_LIMIT`."""
    text = "\n".join(line for one in evaluated for line in _list_lines(one, deployment))
    return cut_at_line(text, OUTPUT_LIMIT, "\n(Cut here: the whole answer is in the mail.)")


def compose_answer(
    evaluated: Sequence[ExaminedFunction], deployment: Deployment, now: datetime
) -> Notice:
    """Answer at length, in a mail."""
    first = evaluated[0].facts.name if evaluated else "nothing"
    found = sum(len(one.judged) for one in evaluated)
    what = format_count(found, "finding") if found else "nothing found"
    if evaluated and all(one.facts.is_contained for one in evaluated):
        what = "not examined"
    return Notice(
        subject=compose_subject("DIAGNOSIS", first, f": {what}"),
        body=compose_body(
            (
                *(block for one in evaluated for block in _compose_blocks(one, deployment)),
                *compose_footer(first, deployment, now),
            )
        ),
    )


def _compose_blocks(examined_function: ExaminedFunction, deployment: Deployment) -> tuple[str, ...]:
    facts = examined_function.facts
    if facts.is_contained:
        return (paragraph(_describe_contained(facts.name)),)
    blocks = [lines_of(_describe_count(examined_function), describe_location(deployment))]
    for judged in examined_function.judged:
        blocks += [
            paragraph(f"{judged.finding.title.upper()}: {judged.finding.summary}"),
            *compose_details(judged, deployment),
        ]
    said = {gap for judged in examined_function.judged for gap in judged.finding.gaps}
    every = (f"{one.part}: {one.words}" for one in facts.gaps)
    blocks.append(compose_unread([one for one in every if one not in said]))
    return tuple(blocks)


def _list_lines(examined_function: ExaminedFunction, deployment: Deployment) -> tuple[str, ...]:
    if examined_function.facts.is_contained:
        return (_describe_contained(examined_function.facts.name),)
    lines = [_describe_count(examined_function)]
    for number, judged in enumerate(examined_function.judged, start=1):
        finding = judged.finding
        remedy = judged.decision.remedy or next(iter(finding.remedies), None)
        lines.append(
            f"{number}. {finding.title} ({CERTAINTY_WORDS[finding.certainty]}): {finding.summary}"
        )
        if remedy is not None:
            lines.append(f"   Fix: {remedy.words}")
        lines.append(
            f"   Loopbreaker did: {describe_decision(judged.decision, finding, deployment)}"
        )
    if examined_function.facts.gaps:
        parts = ", ".join(dict.fromkeys(str(one.part) for one in examined_function.facts.gaps))
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


def _describe_count(examined_function: ExaminedFunction) -> str:
    checks = format_count(examined_function.checks, "check")
    found = len(examined_function.judged)
    open_ = examined_function.checks - len(
        examined_function.examination.complete
        | {one.finding.entry for one in examined_function.judged}
    )
    undecided = f", of which {open_} could not be decided" if open_ > 0 else ""
    what = format_count(found, "finding") if found else "nothing found"
    return f"{examined_function.facts.name}: {what} ({checks}{undecided})."
