"""Which cycles are reported as nearly loops, and that the search for them is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.domain.graph.build import build
from functions.domain.graph.model import Certainty
from functions.domain.graph.paths import near_loops
from functions.domain.graph.paths.near_loops import find_near_loops
from tests.corpus.description import cases

if TYPE_CHECKING:
    import pytest

ACCOUNTS = {case.name: case.account for case in cases()}


def test_the_near_loop_shows_what_rules_it_out() -> None:
    """A bucket with prefixes apart is nearly a loop, and its notification rules that out."""
    (near,) = find_near_loops(ACCOUNTS["s3_prefixes_apart"])

    assert near.certainty is Certainty.RULED_OUT
    assert sum(edge.certainty is Certainty.RULED_OUT for edge in near.edges) == 1


def test_a_function_on_a_loop_has_no_near_loop() -> None:
    """The report has the loop of such a function already."""
    account = ACCOUNTS["dynamodb_same_table"]

    assert build(account).loops
    assert find_near_loops(account) == ()


def test_the_search_ends_with_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the budget is spent, nothing more is looked at."""
    monkeypatch.setattr(near_loops, "_WORK", 0)

    assert find_near_loops(ACCOUNTS["s3_prefixes_apart"]) == ()
