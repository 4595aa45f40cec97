"""From what was read to what a scan returns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cdk_loopbreaker.checking.acceptance import accept_by_file
from cdk_loopbreaker.checking.account_findings import list_findings
from cdk_loopbreaker.scanning.model import ScannedAccount, ScanResult
from cdk_loopbreaker.templates.account.model import DescribedAccount
from functions.aws.account.inventory import build_account
from functions.domain.graph.build import build
from functions.domain.graph.paths.near_loops import find_near_loops

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from cdk_loopbreaker.checking.acceptance import AcceptedEntry
    from cdk_loopbreaker.scanning.reading import RegionFacts


def analyze(regions: Sequence[RegionFacts], *, at: datetime, alias: str = "") -> ScanResult:
    """Find all that the rules find in what was read."""
    return ScanResult(accounts=tuple(map(analyze_region, regions)), at=at, alias=alias)


def analyze_region(region: RegionFacts) -> ScannedAccount:
    """Find all that the rules find in one account and Region."""
    account = build_account(region.facts)
    graph = build(account)
    return ScannedAccount(
        account=account,
        graph=graph,
        near_loops=find_near_loops(account),
        findings=list_findings(DescribedAccount(account=account), graph),
        is_complete=region.is_complete,
    )


def accept(
    result: ScanResult, entries: Sequence[AcceptedEntry], source: str, today: date
) -> ScanResult:
    """Mark the findings that a file accepts, and note which of its entries accept nothing."""
    every = [finding for one in result.accounts for finding in one.findings]
    marked, unused = accept_by_file(every, entries, source, today)
    waiting = iter(marked)
    accounts = tuple(
        replace(one, findings=tuple(next(waiting) for _ in one.findings)) for one in result.accounts
    )
    return replace(result, accounts=accounts, unused=unused)
