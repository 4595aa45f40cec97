"""What all reports say in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.domain.notices.text import clean, format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_loopbreaker.checking.finding import Finding, Report
    from cdk_loopbreaker.templates.model import Place, Problem

CERTAIN_MEANS: Final = (
    "Certain means that the configuration closes the loop. Whether the code sends events round it,"
    " no template tells."
)


def format_place(place: Place | None) -> str:
    """``template.yaml:12 (Orders, stack shop)``; empty where there is none."""
    if place is None:
        return ""
    line = f":{place.line}" if place.line else ""
    name = place.construct_path or place.logical_id
    return f"{clean(place.file, 200)}{line} ({clean(name, 160)}, stack {clean(place.stack, 80)})"


def format_problem(problem: Problem) -> str:
    """A problem with its place, on one line."""
    if problem.place is None:
        return f"{clean(problem.file, 200)}: {clean(problem.words, 400)}"
    return f"{format_place(problem.place)}: {clean(problem.words, 400)}"


def summarize(report: Report) -> str:
    """The report in one sentence."""
    functions = sum(one.counts.functions for one in report.accounts)
    parts = count_findings(report.findings)
    if report.problems:
        parts.append(f"{format_count(len(report.problems), 'thing')} not resolved")
    return f"{format_count(functions, 'function')}: {', '.join(parts)}."


def count_findings(findings: Sequence[Finding]) -> list[str]:
    """How many findings there are of each kind, in words."""
    loops = [one for one in findings if one.accepted is None and one.loop is not None]
    accepted = sum(one.accepted is not None for one in findings)
    certain = sum(one.is_certain for one in loops)
    counts = [
        format_count(certain, "certain loop"),
        format_count(len(loops) - certain, "possible loop"),
        format_count(len(findings) - accepted - len(loops), "other finding"),
    ]
    return [*counts, f"{accepted:,} accepted"] if accepted else counts


def explain_unlisted(report: Report) -> str:
    """What the report leaves out; empty where it leaves out nothing."""
    unlisted = sum(one.counts.loops_unlisted for one in report.accounts)
    if not unlisted:
        return ""
    return f"{format_count(unlisted, 'more function')} on a loop that is not listed."
