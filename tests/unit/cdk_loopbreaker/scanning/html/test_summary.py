"""The headline is the most important thing that was found."""

from __future__ import annotations

from typing import Any, Final

import pytest

from cdk_loopbreaker.scanning.html.summary import (
    Summary,
    explain_headline,
    summarize,
    write_headline,
)
from tests.unit.cdk_loopbreaker.scanning.results import scan_corpus, scan_shop

_NOTHING: Final[dict[str, Any]] = {
    "functions": 5,
    "certain": 0,
    "unprotected": 0,
    "unsure": 0,
    "possible": 0,
    "accepted": 0,
    "findings": 0,
    "undecided": 0,
    "unread": 0,
    "is_complete": True,
}


@pytest.mark.parametrize(
    ("found", "headline", "explained"),
    [
        ({"certain": 4, "unprotected": 3}, "3 loops that AWS will not stop", "Begin with these"),
        ({"certain": 1, "unprotected": 1}, "1 loop that AWS will not stop", "One event may become"),
        ({"certain": 2}, "2 loops that AWS should stop after about 16 rounds", "AWS ends such"),
        (
            {"certain": 2, "unsure": 1},
            "2 loops that AWS may stop after about 16 rounds",
            "AWS ends",
        ),
        ({"possible": 1}, "No certain loop, 1 possible one", "does not show"),
        ({"possible": 2, "unread": 1}, "No certain loop, 2 possible ones", "does not show"),
        ({"unread": 1}, "No loop in what could be read", "are not found"),
        ({"is_complete": False}, "No loop in what could be read", "are not found"),
        ({"undecided": 2}, "No loop", "2 functions could not be ruled out"),
        ({}, "No loop", "leads back to it"),
    ],
)
def test_headline(found: dict[str, Any], headline: str, explained: str) -> None:
    """What is certain comes before what is possible, and what was not read is not free of loops."""
    summary = Summary(**(_NOTHING | found))

    assert write_headline(summary) == headline
    assert explained in explain_headline(summary)


def test_counts() -> None:
    """Loops are counted once: as accepted, as certain or as possible."""
    summary = summarize(scan_shop().accounts)

    assert (summary.certain, summary.unprotected, summary.possible) == (2, 2, 2)
    assert (summary.accepted, summary.findings, summary.undecided) == (1, 3, 1)


def test_accounts_are_added() -> None:
    """Several accounts are counted together."""
    summary = summarize(scan_corpus("dynamodb_same_table", "sqs_same_queue").accounts)

    assert (summary.functions, summary.certain, summary.unprotected) == (2, 2, 1)
