"""From templates to a report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from cdk_loopbreaker.checking.acceptance import accept_by_acknowledgement
from cdk_loopbreaker.checking.account_findings import list_findings
from cdk_loopbreaker.checking.finding import AccountSummary, Report, rank_finding
from cdk_loopbreaker.templates.account.describe import describe_accounts
from functions.domain.graph.build import build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cdk_loopbreaker.checking.finding import Finding
    from cdk_loopbreaker.templates.account.model import DescribedAccount
    from cdk_loopbreaker.templates.model import Resource, Templates


def check_templates(templates: Templates, *, at: datetime) -> Report:
    """Find all that the rules find in templates.

    Parameters
    ----------
    at
        The moment of the check.
    """
    report = check_accounts(describe_accounts(templates, at=at), templates.resources)
    return replace(
        report,
        findings=accept_by_acknowledgement(report.findings, templates.acknowledged),
        problems=tuple(dict.fromkeys((*templates.problems, *report.problems))),
    )


def check_accounts(
    accounts: Sequence[DescribedAccount], resources: Sequence[Resource] = ()
) -> Report:
    """Find all that the rules find in accounts, certain findings first.

    Parameters
    ----------
    resources
        What declares the accounts: some rules read properties that the event graph does not need.
    """
    declared: defaultdict[tuple[str, str], list[Resource]] = defaultdict(list)
    for one in resources:
        declared[one.account, one.region].append(one)
    findings: list[Finding] = []
    summaries = []
    for described in accounts:
        home = (described.account.account, described.account.region)
        graph = build(described.account)
        findings += list_findings(described, graph, declared[home])
        summaries.append(AccountSummary(account=home[0], region=home[1], counts=graph.counts))
    return Report(
        findings=tuple(sorted(findings, key=rank_finding)),
        problems=tuple(dict.fromkeys(one for each in accounts for one in each.problems)),
        accounts=tuple(summaries),
    )
