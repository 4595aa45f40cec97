"""The report of a scan as JSON. A field is added, never renamed, while `version` stays.

`docs/schemas/scan-report.schema.json` describes it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.checking.reports.json_report import describe_finding
from functions.domain.notices.graph.text import describe_edge

if TYPE_CHECKING:
    from cdk_loopbreaker.scanning.model import ScannedAccount, ScanResult
    from functions.domain.graph.model import Edge, Loop, Node

VERSION: Final = 1


def format_scan_json(result: ScanResult) -> str:
    """The report as a JSON object, indented, with a line break at its end."""
    findings = result.findings
    open_findings = [one for one in findings if one.accepted is None]
    document = {
        "version": VERSION,
        "at": result.at.isoformat(),
        "alias": result.alias,
        "summary": {
            "functions": sum(one.graph.counts.functions for one in result.accounts),
            "findings": len(findings),
            "certain": sum(one.is_certain for one in open_findings),
            "possible": sum(not one.is_certain for one in open_findings),
            "accepted": len(findings) - len(open_findings),
            "gaps": sum(len(one.account.gaps) for one in result.accounts),
            "is_complete": all(one.is_complete for one in result.accounts),
        },
        "regions": [_describe_account(one) for one in result.accounts],
        "findings": [describe_finding(one) for one in findings],
        "unused": list(result.unused),
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _describe_account(scanned: ScannedAccount) -> dict[str, Any]:
    account, graph = scanned.account, scanned.graph
    return {
        "account": account.account,
        "region": account.region,
        "partition": account.partition,
        "read_at": account.at.isoformat(),
        "is_complete": scanned.is_complete,
        "counts": {
            "functions": graph.counts.functions,
            "certain": graph.counts.certain,
            "possible": graph.counts.possible,
            "unknown": graph.counts.unknown,
            "ruled_out": graph.counts.ruled_out,
            "loops_unlisted": graph.counts.loops_unlisted,
        },
        "functions": [
            {
                "name": one.name,
                "arn": one.arn,
                "proof": graph.proofs[one.name].value,
                "doubts": [doubt.value for doubt in graph.doubts.get(one.name, ())],
                "recursive_loop": one.recursive_loop or None,
            }
            for one in account.functions
        ],
        "near_loops": [_describe_loop(one) for one in scanned.near_loops],
        "gaps": [
            {
                "area": one.area.value,
                "resource": one.resource or None,
                "action": one.action or None,
                "words": one.words,
            }
            for one in account.gaps
        ],
    }


def _describe_loop(loop: Loop) -> dict[str, Any]:
    return {
        "functions": list(loop.functions),
        "edges": [_describe_edge(one) for one in loop.edges],
    }


def _describe_edge(edge: Edge) -> dict[str, Any]:
    return {
        "source": _describe_node(edge.source),
        "target": _describe_node(edge.target),
        "certainty": edge.certainty.value,
        "reason": edge.reason.value,
        "text": describe_edge(edge),
    }


def _describe_node(node: Node) -> dict[str, str]:
    return {"kind": node.kind.value, "arn": node.arn, "name": node.name}
