"""Findings that are about no loop: what else keeps functions from working."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from functions.domain.notices.markup import element
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cdk_loopbreaker.checking.finding import Finding
    from cdk_loopbreaker.checking.rules import Rule
    from functions.domain.notices.markup import Markup

_MOST_SENTENCES: Final = 6
_LONGEST: Final = 600


def write_finding(finding: Finding) -> Markup:
    """A finding as an entry of a list: what is wrong, what shows it, and what mends it."""
    parts: list[Markup] = []
    if finding.accepted is not None:
        said = f"Accepted: {clean(finding.accepted.reason, 300)}"
        parts.append(element("span", f"{said} ({clean(finding.accepted.source, 200)})"))
    elif not finding.is_certain:
        parts.append(element("em", "possible"))
    parts += (element("span", clean(one, _LONGEST)) for one in finding.evidence[:_MOST_SENTENCES])
    parts += (
        element("span", element("b", "To mend it: "), f"{clean(one, _LONGEST)}.", class_="fix")
        for one in finding.advice[:_MOST_SENTENCES]
    )
    return element("li", clean(finding.summary, _LONGEST), " ", *parts)


def group_by_rule(findings: Sequence[Finding], written: Sequence[Markup]) -> Iterator[Markup]:
    """The first findings as written, under a heading for each rule with the count of all."""
    counts = Counter(one.rule.id for one in findings)
    groups: dict[Rule, list[Markup]] = {}
    for finding, markup in zip(findings, written, strict=False):
        groups.setdefault(finding.rule, []).append(markup)
    for rule, entries in groups.items():
        yield element("h4", f"{rule.id}: {rule.title} ({counts[rule.id]:,})")
        yield element("ul", *entries, class_="steps")
