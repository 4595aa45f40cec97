"""The result of a drill for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.drill.model import Depth, Outcome, Phase
from cdk_loopbreaker.drill.reports.html_report import (
    describe_result,
    format_cents,
    format_seconds,
)
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.model import DrillReport, LoopResult

_WIDTH: Final = 96
_MARKS: Final = {True: "ok    ", False: "FAILED", None: "?     "}
_INDENT: Final = " " * 8
_SHOWN: Final = (Phase.VERDICT, Phase.HELD, Phase.ZERO, Phase.NOTICE, Phase.RESTORED)


def format_drill_text(report: DrillReport) -> str:
    """The checks, the trip times and what was contradicted."""
    lines = [f"Drill {report.id}: {describe_result(report)}", ""]
    for one in report.checks:
        lines.append(f"{_MARKS[one.is_passed]}  {clean(one.title, 200)}")
        if one.text:
            lines.append(_indent(clean(one.text, 400)))
    lines += [line for loop in report.loops for line in _describe_loop(loop)]
    if report.depth is Depth.LIVE:
        counts = {
            outcome: sum(one.outcome is outcome for one in report.findings) for outcome in Outcome
        }
        lines += ["", "Assumptions about AWS: " + ", ".join(f"{n} {o}" for o, n in counts.items())]
        lines += [
            textwrap.fill(f"  {one.id} contradicted: {clean(one.text, 300)}", _WIDTH)
            for one in report.findings
            if one.outcome is Outcome.CONTRADICTED
        ]
    return "\n".join(lines) + "\n"


def _describe_loop(loop: LoopResult) -> list[str]:
    times = [
        f"{phase.value.replace('_', ' ')} {format_seconds((at - loop.began_at).total_seconds())}"
        for phase in _SHOWN
        if (at := loop.moments.get(phase)) is not None
    ]
    ran = f"{loop.invocations:,} invocations, {format_cents(loop.usd)}"
    return [
        "",
        f"{loop.kind}: {clean(loop.ending, 200)}; {ran}",
        _indent(", ".join(times) or "no phase was seen"),
    ]


def _indent(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
