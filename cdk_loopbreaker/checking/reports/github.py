"""The report as workflow commands of GitHub Actions: annotations in the files of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_loopbreaker.checking.finding import is_failing
from cdk_loopbreaker.checking.reports.wording import summarize
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.checking.finding import Finding, Report


def format_github(report: Report, fail_on: str) -> str:
    """A command for each open finding, then notices: what accepts nothing, and the summary."""
    lines = [_compose_command(one, fail_on) for one in report.open]
    if report.unused:  # one notice of all: GitHub shows ten of a step
        words = "\n".join(clean(one, 400) for one in report.unused)
        lines.append(f"::notice title=Loopbreaker acceptances::{_escape_message(words)}")
    lines.append(f"::notice title=Loopbreaker::{_escape_message(summarize(report))}")
    return "\n".join(lines) + "\n"


def _compose_command(finding: Finding, fail_on: str) -> str:
    level = "notice"
    if is_failing(finding, fail_on):
        level = "error"
    elif finding.is_certain:
        level = "warning"
    properties = ",".join(
        f"{name}={_escape_property(value)}" for name, value in _list_properties(finding)
    )
    message = "\n".join((finding.summary, *(step.text for step in finding.steps), *finding.advice))
    return f"::{level} {properties}::{_escape_message(message)}"


def _list_properties(finding: Finding) -> Iterator[tuple[str, str]]:
    place = finding.place
    if place is not None:
        yield "file", place.file
        if place.line:
            yield "line", str(place.line)
    yield "title", f"{finding.rule.id} {clean(finding.rule.title, 120)}"


def _escape_message(text: str) -> str:
    """Escape what would end a command (`Workflow commands for GitHub Actions`)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_message(text).replace(":", "%3A").replace(",", "%2C")
