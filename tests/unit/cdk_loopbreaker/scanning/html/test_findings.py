"""Findings without a loop stand under their rules."""

from __future__ import annotations

from dataclasses import replace

from cdk_loopbreaker.checking.finding import Acceptance
from cdk_loopbreaker.scanning.html.findings import group_by_rule, write_finding
from functions.domain.graph.model import Certainty
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.cdk_loopbreaker.scanning.results import scan_shop

_FINDINGS = tuple(one for one in scan_shop().accounts[0].findings if one.loop is None)


def test_a_finding_has_its_evidence_and_its_fix() -> None:
    """A person sees what is wrong, what shows it, and what mends it."""
    text = Page(write_finding(_FINDINGS[0])).text

    assert text.startswith("shop-send-receipt cannot write its logs")
    assert "logs:PutLogEvents is denied" in text
    assert "To mend it: Attach the managed policy" in text


def test_possible_and_accepted_ones_say_so() -> None:
    """What is not certain, or accepted, is marked in words."""
    accepted = replace(_FINDINGS[0], accepted=Acceptance(reason="known", source="file a.yaml"))

    assert "Accepted: known (file a.yaml)" in write_finding(accepted)
    assert "possible" in write_finding(replace(_FINDINGS[0], certainty=Certainty.POSSIBLE))


def test_a_heading_counts_all_of_its_rule() -> None:
    """What is left out of the page is counted, and a rule of which nothing is shown is left out."""
    findings = (_FINDINGS[0], _FINDINGS[0], _FINDINGS[1])
    parts = list(group_by_rule(findings, (write_finding(findings[0]),)))

    assert len(parts) == 2
    assert parts[0] == "<h4>LB021: The role of a function may not write its logs (2)</h4>"
