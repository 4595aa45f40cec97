"""What could not be seen is said, with what it means for the loops."""

from __future__ import annotations

from dataclasses import replace

from cdk_loopbreaker.scanning.html.unseen import list_missing_actions, list_unseen, write_unseen
from functions.domain.graph.model import Doubt
from tests.unit.cdk_loopbreaker.scanning.page import Page
from tests.unit.cdk_loopbreaker.scanning.results import scan_corpus, scan_shop


def test_functions_are_listed_by_their_doubt() -> None:
    """The doubt that most functions have comes first, with the names of the first functions."""
    scanned = scan_corpus("s3_prefixes_apart").accounts[0]
    doubts: dict[str, tuple[Doubt, ...]] = {
        f"f{number}": (Doubt.HTTP, Doubt.ROLE) for number in range(15)
    }
    doubts["last"] = (Doubt.ROLE,)
    entries = list_unseen(replace(scanned, graph=replace(scanned.graph, doubts=doubts)))
    texts = [Page(write_unseen(one)).text for one in entries]

    assert texts[0].startswith("16 functions not ruled out: a policy of a role could not be read.")
    assert texts[0].endswith("f11 and 4 more.")
    assert texts[1].startswith("15 functions not ruled out: something on the way is called by")


def test_counts_and_gaps() -> None:
    """Loops that are not listed, filters that could not be read, and gaps in AWS's words."""
    scanned = scan_shop().accounts[0]
    counts = replace(scanned.graph.counts, loops_unlisted=3, unreadable_filters=1)
    graph = replace(scanned.graph, counts=counts, doubts={})
    texts = [Page(write_unseen(one)).text for one in list_unseen(replace(scanned, graph=graph))]

    assert texts == [
        "3 functions on a loop that is not listed: the listed loops are the shortest.",
        "1 filter could not be read: each may let pass what a loop writes.",
        "Pipes: User is not authorized to perform: pipes:ListPipes.",
    ]
    assert list_missing_actions(scanned) == ("pipes:ListPipes",)
