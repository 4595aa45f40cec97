"""All findings about one account, however it became known: by templates or by a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_loopbreaker.checking.finding import rank_finding
from cdk_loopbreaker.checking.loops import list_loop_findings
from cdk_loopbreaker.checking.troubleshooting import list_troubleshooting_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_loopbreaker.checking.finding import Finding
    from cdk_loopbreaker.templates.account.model import DescribedAccount
    from cdk_loopbreaker.templates.model import Resource
    from functions.domain.graph.model import EventGraph


def list_findings(
    described: DescribedAccount, graph: EventGraph, resources: Sequence[Resource] = ()
) -> tuple[Finding, ...]:
    """Find all that the rules find in one account, certain findings first."""
    found = (
        *list_loop_findings(graph, described.places),
        *list_troubleshooting_findings(described, resources),
    )
    return tuple(sorted(found, key=rank_finding))
