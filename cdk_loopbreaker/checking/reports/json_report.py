"""The report as JSON, for programs. A field is added, never renamed, while `version` stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from functions.domain.notices.text import replace_unprintable

if TYPE_CHECKING:
    from cdk_loopbreaker.checking.finding import Finding, Report
    from cdk_loopbreaker.templates.model import Place, Problem


def format_json(report: Report) -> str:
    """The report as a JSON object, indented, with a line break at its end.

    ``version`` 1; ``summary``; ``accounts``; ``findings``, each with ``rule``, ``certainty``,
    ``functions``, ``summary``, ``steps``, ``advice``, ``place``, ``fingerprint`` and ``accepted``;
    ``problems``; ``unused``.
    """
    document = {
        "version": 1,
        "summary": {
            "functions": sum(one.counts.functions for one in report.accounts),
            "findings": len(report.findings),
            "certain": sum(one.is_certain for one in report.open),
            "possible": sum(not one.is_certain for one in report.open),
            "accepted": len(report.findings) - len(report.open),
            "problems": len(report.problems),
        },
        "accounts": [
            {
                "account": one.account,
                "region": one.region,
                "functions": one.counts.functions,
                "certain": one.counts.certain,
                "possible": one.counts.possible,
                "unknown": one.counts.unknown,
                "ruled_out": one.counts.ruled_out,
            }
            for one in report.accounts
        ],
        "findings": [describe_finding(one) for one in report.findings],
        "problems": [_describe_problem(one) for one in report.problems],
        "unused": list(report.unused),
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def describe_finding(finding: Finding) -> dict[str, Any]:
    """A finding in JSON's terms, as in the list ``findings``."""
    accepted = finding.accepted
    return {
        "rule": finding.rule.id,
        "name": finding.rule.name,
        "title": finding.rule.title,
        "certainty": finding.certainty.value,
        "account": finding.account,
        "region": finding.region,
        "functions": list(finding.functions),
        "summary": finding.summary,
        "steps": [
            {
                "text": step.text,
                "certainty": step.certainty.value,
                "place": _describe_place(step.place),
            }
            for step in finding.steps
        ],
        "evidence": list(finding.evidence),
        "advice": list(finding.advice),
        "place": _describe_place(finding.place),
        "fingerprint": finding.fingerprint,
        "accepted": None
        if accepted is None
        else {"reason": accepted.reason, "source": accepted.source},
    }


def _describe_place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "file": replace_unprintable(place.file),
        "line": place.line or None,
        "stack": place.stack,
        "logical_id": place.logical_id,
        "construct_path": place.construct_path or None,
    }


def _describe_problem(problem: Problem) -> dict[str, Any]:
    return {
        "words": problem.words,
        "file": replace_unprintable(problem.file),
        "place": _describe_place(problem.place),
    }
