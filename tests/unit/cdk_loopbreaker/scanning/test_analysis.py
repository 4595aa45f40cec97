"""What was read becomes loops, findings and near loops."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from bench.worlds.growth import grown
from bench.worlds.paged_account import ACCOUNT, REGION
from cdk_loopbreaker.checking.acceptance import AcceptedEntry
from cdk_loopbreaker.scanning.analysis import accept, analyze
from tests.unit.cdk_loopbreaker.scanning.samples import AT, read, read_sample

if TYPE_CHECKING:
    from cdk_loopbreaker.scanning.model import ScanResult

TODAY = date(2026, 11, 29)


def entry(function: str, number: int) -> AcceptedEntry:
    """An entry that accepts everything about a function."""
    return AcceptedEntry(number=number, function=function, reason="three rounds at most")


def analyze_sample() -> ScanResult:
    """The result of the sample."""
    return analyze([read_sample()], at=AT, alias="shop")


def test_the_loop_is_a_finding() -> None:
    """As in a check of templates, with no place."""
    result = analyze_sample()
    (account,) = result.accounts
    (loop,) = (one for one in account.findings if one.loop is not None)

    assert (result.at, result.alias) == (AT, "shop")
    assert (loop.rule.id, loop.account, loop.region) == ("LB001", ACCOUNT, REGION)
    assert loop.place is None
    assert [one.is_certain for one in account.findings] == sorted(
        (one.is_certain for one in account.findings), reverse=True
    )


def test_a_short_visibility_timeout_is_found() -> None:
    """The timeout of a polled queue is read with its policy."""
    account = grown(8)
    queue = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/work-0"
    account.queues[queue] = {"VisibilityTimeout": "5"}
    (scanned,) = analyze([read(account)], at=AT).accounts

    assert "LB023" in {one.rule.id for one in scanned.findings}


def test_a_file_accepts_findings_of_all_regions() -> None:
    """Each stays in its Region, and what accepts nothing is reported."""
    twice = analyze([read_sample(), read_sample()], at=AT)
    result = accept(twice, [entry("orders-00000", 1), entry("nobody", 2)], "a.yaml", TODAY)

    for before, after in zip(twice.accounts, result.accounts, strict=True):
        assert len(before.findings) == len(after.findings)
        assert all(
            (one.accepted is not None) == ("orders-00000" in one.functions)
            for one in after.findings
        )
    assert result.unused == ("a.yaml: entry 2 (nobody) accepts no finding",)
