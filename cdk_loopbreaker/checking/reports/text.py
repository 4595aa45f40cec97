"""The report for people at a terminal; without colour it reads the same in a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.text import Text

from cdk_loopbreaker.checking.reports.wording import (
    CERTAIN_MEANS,
    explain_unlisted,
    format_place,
    format_problem,
    summarize,
)
from functions.domain.notices.graph.drawing import draw_loop

if TYPE_CHECKING:
    from rich.console import Console

    from cdk_loopbreaker.checking.finding import Finding, Report

_MOST_PROBLEMS: Final = 20
_INDENT: Final = (0, 0, 0, 4)
_STATES: Final = {"certain": "bold red", "possible": "yellow", "accepted": "green"}


def print_report(report: Report, console: Console) -> None:
    """Print each finding with its loop drawn, what could not be resolved, and the summary."""
    for finding in report.findings:
        _print_finding(finding, console)
    if unlisted := explain_unlisted(report):
        console.print(Text(unlisted))
        console.print()
    if report.problems:
        console.print(Text("Not resolved: loops through these cannot be ruled out", style="bold"))
        for problem in report.problems[:_MOST_PROBLEMS]:
            console.print(Padding(Text(format_problem(problem)), _INDENT))
        left_out = len(report.problems) - _MOST_PROBLEMS
        if left_out > 0:
            console.print(Padding(Text(f"and {left_out:,} more: --format json lists all"), _INDENT))
        console.print()
    for words in report.unused:
        console.print(Text(words, style="yellow"))
    if any(one.loop and one.is_certain for one in report.open):
        console.print(Text(CERTAIN_MEANS, style="dim"))
    console.print(Text(summarize(report), style="bold"))


def _print_finding(finding: Finding, console: Console) -> None:
    state = "accepted" if finding.accepted else finding.certainty.value
    title = Text.assemble(
        (f"{finding.rule.id} ", "bold"),
        (f"{state} ", _STATES[state]),
        (finding.rule.title, "bold"),
    )
    console.print(title)
    if place := format_place(finding.place):
        console.print(Padding(Text(place, style="cyan"), _INDENT))
    if finding.accepted:
        said = f"Accepted: {finding.accepted.reason} ({finding.accepted.source})"
        console.print(Padding(Text(said), _INDENT))
    if finding.loop is None:
        for sentence in (finding.summary, *finding.evidence):
            console.print(Padding(Text(sentence), _INDENT))
    elif not finding.accepted:
        console.print()
        # It is 76 columns wide, and its lines must stay lines.
        drawing = Text(draw_loop(finding.loop), no_wrap=True, overflow="ignore")
        console.print(Padding(drawing, _INDENT), crop=False)
        console.print()
    if finding.advice and not finding.accepted:
        console.print(Padding(Text("To break it:" if finding.loop else "To mend it:"), _INDENT))
        for sentence in finding.advice:
            console.print(Padding(Text(f"- {sentence}"), _INDENT))
    console.print()
