"""The report as Markdown with Mermaid diagrams, for job summaries and pull requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.checking.reports.wording import (
    CERTAIN_MEANS,
    explain_unlisted,
    format_place,
    format_problem,
    summarize,
)
from functions.domain.graph.model import Certainty
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.checking.finding import Finding, Report
    from functions.domain.graph.model import Loop

# GitHub cuts a job summary at 1 MiB: https://docs.github.com, `Workflow commands`.
_MOST_FINDINGS: Final = 100
_MOST_PROBLEMS: Final = 50
_MOST_UNUSED: Final = 50
_MOST_EDGES: Final = 40
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&$@])")
_UNSAFE_IN_MERMAID: Final = re.compile(r"[^A-Za-z0-9 ._/:*()-]")


def format_markdown(report: Report) -> str:
    """The report, with a diagram for each loop that is drawn in one screen."""
    return "\n".join(_list_lines(report)).rstrip() + "\n"


def _list_lines(report: Report) -> Iterator[str]:
    yield "## Loopbreaker check"
    yield ""
    yield _escape(summarize(report))
    for one in report.findings[:_MOST_FINDINGS]:
        yield ""
        yield from _list_finding_lines(one)
    left_out = len(report.findings) - _MOST_FINDINGS
    if left_out > 0:
        yield ""
        yield f"{left_out:,} more findings are left out here."
    if unlisted := explain_unlisted(report):
        yield ""
        yield unlisted
    if report.problems:
        yield ""
        yield f"<details><summary>Not resolved: {len(report.problems):,}</summary>"
        yield ""
        for problem in report.problems[:_MOST_PROBLEMS]:
            yield f"- {_escape(format_problem(problem))}"
        if len(report.problems) > _MOST_PROBLEMS:
            yield f"- and {len(report.problems) - _MOST_PROBLEMS:,} more"
        yield ""
        yield "</details>"
    yield from _list_unused_lines(report)
    if any(one.loop and one.is_certain for one in report.findings):
        yield ""
        yield _escape(CERTAIN_MEANS)


def _list_unused_lines(report: Report) -> Iterator[str]:
    if report.unused:
        yield ""
        for words in report.unused[:_MOST_UNUSED]:
            yield f"- {_escape(words)}"
        if len(report.unused) > _MOST_UNUSED:
            yield f"- and {len(report.unused) - _MOST_UNUSED:,} more acceptances"


def _list_finding_lines(finding: Finding) -> Iterator[str]:
    state = "accepted" if finding.accepted else finding.certainty.value
    yield f"### {finding.rule.id}: {_escape(finding.rule.title)} ({state})"
    yield ""
    yield _escape(finding.summary)
    if finding.accepted:
        yield ""
        yield _escape(f"Accepted: {finding.accepted.reason} ({finding.accepted.source})")
    if finding.loop is not None and len(finding.loop.edges) <= _MOST_EDGES:
        yield ""
        yield from _draw_mermaid(finding.loop)
    if finding.steps or finding.evidence:
        yield ""
    for step in finding.steps:
        place = format_place(step.place)
        said = f"{step.text}{f' — {place}' if place else ''}"
        yield f"1. {_escape(said)}"
    for sentence in finding.evidence:
        yield f"- {_escape(sentence)}"
    if finding.advice:
        yield ""
        yield "To break it:" if finding.loop else "To mend it:"
        yield ""
        for sentence in finding.advice:
            yield f"- {_escape(sentence)}"
    if not finding.steps and (place := format_place(finding.place)):
        yield ""
        yield _escape(place)


def _draw_mermaid(loop: Loop) -> Iterator[str]:
    """The loop as a flowchart: certain edges drawn through, possible ones dotted."""
    numbers: dict[str, int] = {}
    yield "```mermaid"
    yield "flowchart LR"
    for edge in loop.edges:
        node = edge.source
        if node.arn not in numbers:
            numbers[node.arn] = len(numbers)
            yield f'  n{numbers[node.arn]}["{_label(f"{node.name} ({node.kind.value})")}"]'
    for edge in loop.edges:
        arrow = "-->" if edge.certainty is Certainty.CERTAIN else "-.->"
        label = _label(edge.label or edge.means.value)
        ends = numbers[edge.source.arn], numbers[edge.target.arn]
        yield f'  n{ends[0]} {arrow}|"{label}"| n{ends[1]}'
    yield "```"


def _label(text: str) -> str:
    """A text that is nothing but a label to Mermaid."""
    return _UNSAFE_IN_MERMAID.sub("_", clean(text, 80))


def _escape(text: str) -> str:
    """A text on one line that is nothing but text to Markdown."""
    return _SPECIAL.sub(r"\\\1", clean(text, 2_000))
