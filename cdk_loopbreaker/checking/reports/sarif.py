"""The report as SARIF 2.1.0 (OASIS), as GitHub's code scanning reads it.

A loop is a code flow with a step for each edge. The fingerprint of a finding does not depend on
lines, so that a finding that moved is not a new one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from cdk_loopbreaker.checking.finding import is_failing
from cdk_loopbreaker.checking.reports.wording import format_problem
from cdk_loopbreaker.checking.rules import RULES, read_page
from functions.domain.notices.text import clean, replace_unprintable

if TYPE_CHECKING:
    from cdk_loopbreaker.checking.finding import Finding, Report
    from cdk_loopbreaker.checking.rules import Rule
    from cdk_loopbreaker.templates.model import Place

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_FINGERPRINT: Final = "loopbreaker/v1"
_MOST_MESSAGE: Final = 1_000
_MOST_PROBLEMS: Final = 500
_NUMBERS: Final = {rule: number for number, rule in enumerate(RULES)}


def format_sarif(report: Report, version: str, fail_on: str) -> str:
    """The report as one SARIF run, with a line break at its end.

    What fails the check is an ``error``; other certain findings are a ``warning``, possible ones a
    ``note``. Accepted findings are suppressed, with the reason.

    Parameters
    ----------
    version
        Of Loopbreaker.
    fail_on
        ``certain``, ``possible`` or ``never``.
    """
    run = {
        "tool": {
            "driver": {
                "name": "Loopbreaker",
                "semanticVersion": version,
                "rules": [_describe_rule(rule) for rule in RULES],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": words}}
                    for words in (
                        *(clean(one, _MOST_MESSAGE) for one in report.unused[:_MOST_PROBLEMS]),
                        *(format_problem(one) for one in report.problems[:_MOST_PROBLEMS]),
                    )
                ],
            }
        ],
        "results": [_describe_result(one, fail_on) for one in report.findings],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _describe_rule(rule: Rule) -> dict[str, Any]:
    page = read_page(rule)
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": f"{rule.title}."},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["aws", "lambda", "recursion"], "precision": "high"},
    }


def _describe_result(finding: Finding, fail_on: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule.id,
        "ruleIndex": _NUMBERS[finding.rule],
        "level": _choose_level(finding, fail_on),
        "message": {"text": _compose_message(finding)},
        "partialFingerprints": {_FINGERPRINT: finding.fingerprint},
        "properties": {
            "certainty": finding.certainty.value,
            "functions": list(finding.functions),
            "account": finding.account,
            "region": finding.region,
        },
    }
    if finding.place is not None:
        result["locations"] = [_describe_location(finding.place)]
    if finding.steps:
        result["codeFlows"] = [{"threadFlows": [{"locations": _describe_steps(finding)}]}]
    if finding.accepted is not None:
        result["suppressions"] = [
            {
                "kind": "external",
                "status": "accepted",
                "justification": f"{finding.accepted.reason} ({finding.accepted.source})",
            }
        ]
    return result


def _choose_level(finding: Finding, fail_on: str) -> str:
    if finding.accepted is None and is_failing(finding, fail_on):
        return "error"
    return "warning" if finding.is_certain else "note"


def _compose_message(finding: Finding) -> str:
    advice = f" {finding.advice[0]}." if finding.advice else ""
    return clean(f"{finding.summary}{advice}", _MOST_MESSAGE)


def _describe_steps(finding: Finding) -> list[dict[str, Any]]:
    steps = []
    for step in finding.steps:
        location = {"message": {"text": clean(step.text, _MOST_MESSAGE)}}
        place = step.place or finding.place
        if place is not None:
            location |= _describe_location(place)
        steps.append({"location": location})
    return steps


def _describe_location(place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _compose_uri(place.file)}}
    if place.line:
        physical["region"] = {"startLine": place.line}
    return {
        "physicalLocation": physical,
        "logicalLocations": [
            {
                "name": place.logical_id,
                "fullyQualifiedName": place.construct_path or f"{place.stack}/{place.logical_id}",
                "kind": "resource",
            }
        ],
    }


def _compose_uri(file: str) -> str:
    """The path as a URI reference, relative to the root of the sources where the path is."""
    return quote(replace_unprintable(file).replace("\\", "/"), safe="/:@!$&'()*+,;=~-._")
