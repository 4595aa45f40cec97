"""The report of a drill as JSON. A field is added, never renamed, while `version` stays.

`docs/schemas/drill-report.schema.json` describes it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.drill.assumptions.catalogue import ASSUMPTIONS
from cdk_loopbreaker.drill.model import Phase
from cdk_loopbreaker.version import __version__

if TYPE_CHECKING:
    from cdk_loopbreaker.drill.model import DrillReport, Finding, LoopResult

VERSION: Final = 1


def format_drill_json(report: DrillReport) -> str:
    """The report as a JSON object, indented, with a line break at its end."""
    document = {
        "version": VERSION,
        "loopbreaker": __version__,
        "id": report.id,
        "depth": report.depth.value,
        "account": report.account,
        "region": report.region,
        "began_at": report.began_at.isoformat(),
        "ended_at": report.ended_at.isoformat(),
        "is_passed": report.is_passed,
        "is_interrupted": report.is_interrupted,
        "resolution_seconds": report.resolution_seconds,
        "guard": report.guard,
        "most_usd": round(report.most_usd, 4),
        "usd": round(report.usd, 6),
        "checks": [
            {"title": one.title, "is_passed": one.is_passed, "text": one.text}
            for one in report.checks
        ],
        "loops": [_describe_loop(one) for one in report.loops],
        "figures": [{"title": one.title, "text": one.text} for one in report.figures],
        "assumptions": [_describe_finding(one) for one in report.findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _describe_loop(loop: LoopResult) -> dict[str, Any]:
    return {
        "kind": loop.kind.value,
        "function": loop.function,
        "began_at": loop.began_at.isoformat(),
        "phases": {phase.value: _describe_phase(loop, phase) for phase in Phase},
        "ending": loop.ending,
        "is_stopped": loop.is_stopped,
        "is_restored": loop.is_restored,
        "invocations": loop.invocations,
        "tokens": loop.tokens,
        "lost": loop.lost,
        "usd": round(loop.usd, 6),
        "notices": list(loop.subjects),
        "remarks": list(loop.remarks),
    }


def _describe_phase(loop: LoopResult, phase: Phase) -> dict[str, Any] | None:
    at = loop.moments.get(phase)
    if at is None:
        return None
    seconds = (at - loop.began_at).total_seconds()
    return {"at": at.isoformat(), "seconds": round(seconds, 1)}


def _describe_finding(finding: Finding) -> dict[str, Any]:
    assumption = next(one for one in ASSUMPTIONS if one.id == finding.id)
    return {
        "id": finding.id,
        "assumption": assumption.claim,
        "if_wrong": assumption.if_wrong,
        "measure": None if assumption.measure is None else assumption.measure.value,
        "outcome": finding.outcome.value,
        "measured": finding.text,
    }
