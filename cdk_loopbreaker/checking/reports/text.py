"""The report for people at a terminal; without colour it reads the same in a log."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from rich.text import Text

from cdk_loopbreaker.checking.reports.wording import (
    CERTAIN_MEANS,
    explain_unlisted,
    format_place,
    format_problem,
    summarize,
)
from functions.domain.notices.graph.drawing import draw_loop
from functions.domain.notices.text import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from cdk_loopbreaker.checking.finding import Finding, Report

_MOST_FINDINGS: Final = 100
_MOST_PROBLEMS: Final = 20
_INDENT: Final = "    "
_STATES: Final = {"certain": "bold red", "possible": "yellow", "accepted": "green"}


def print_report(report: Report, console: Console) -> None:
    """Print each finding with its loop drawn, what could not be resolved, and the summary."""
    print_findings(report.findings, console)
    if unlisted := explain_unlisted(report):
        print_lines(console, unlisted)
        console.print()
    if report.problems:
        console.print(Text("Not resolved: loops through these cannot be ruled out", style="bold"))
        for problem in report.problems[:_MOST_PROBLEMS]:
            print_lines(console, format_problem(problem), indent=_INDENT)
        left_out = len(report.problems) - _MOST_PROBLEMS
        if left_out > 0:
            print_lines(console, f"and {left_out:,} more: --json lists all", indent=_INDENT)
        console.print()
    for words in report.unused:
        print_lines(console, words, style="yellow")
    if any(one.loop and one.is_certain for one in report.open):
        print_lines(console, CERTAIN_MEANS, style="dim")
    print_lines(console, summarize(report), style="bold")


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print the first 100 findings, and how many there are beyond them."""
    for finding in findings[:_MOST_FINDINGS]:
        print_finding(finding, console)
    left_out = findings[_MOST_FINDINGS:]
    if left_out:
        certain = sum(one.is_certain for one in left_out)
        words = format_count(len(left_out), "more finding")
        print_lines(console, f"and {words}, {certain:,} of them certain: --json lists all")
        console.print()


def print_finding(finding: Finding, console: Console) -> None:
    """Print a finding: its loop drawn, or what shows it, and what to change."""
    state = "accepted" if finding.accepted else finding.certainty.value
    console.print(
        Text.assemble(
            (f"{finding.rule.id} ", "bold"),
            (f"{state} ", _STATES[state]),
            (finding.rule.title, "bold"),
        ),
        soft_wrap=True,
    )
    if place := format_place(finding.place):
        _print_line(console, f"{_INDENT}{place}", "cyan")  # a path stays whole: people click on it
    if finding.accepted:
        said = f"Accepted: {finding.accepted.reason} ({finding.accepted.source})"
        print_lines(console, said, indent=_INDENT)
    if finding.loop is None:
        for sentence in (finding.summary, *finding.evidence):
            print_lines(console, sentence, indent=_INDENT)
    elif not finding.accepted:
        console.print()
        for line in draw_loop(finding.loop).splitlines():
            _print_line(console, f"{_INDENT}{line}")
        console.print()
    if finding.advice and not finding.accepted:
        print_lines(console, "To break it:" if finding.loop else "To mend it:", indent=_INDENT)
        for sentence in finding.advice:
            print_lines(console, f"- {sentence}", indent=_INDENT, hanging="  ")
    console.print()


def print_lines(
    console: Console, text: str, *, indent: str = "", hanging: str = "", style: str = ""
) -> None:
    """Print a text in lines of the console's width; a word that is longer stays whole."""
    for line in textwrap.wrap(
        text,
        console.width,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        _print_line(console, line, style)


def _print_line(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)
