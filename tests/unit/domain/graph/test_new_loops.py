"""Which loops deserve a warning."""

from __future__ import annotations

from dataclasses import replace

from functions.domain.graph.build import build
from functions.domain.graph.model import LoopKey
from functions.domain.graph.new_loops import news
from tests.unit.domain.graph.changing import turned_round
from tests.unit.domain.graph.samples import ACCOUNTS, graph_of


def test_a_new_loop_is_news() -> None:
    """A loop that nobody was told of is told of."""
    loops = graph_of("dynamodb_same_table").loops

    assert loops == news((), loops)


def test_nobody_is_told_twice() -> None:
    """The same account, read again in another order, is no news."""
    again = build(turned_round(ACCOUNTS["two_loops_one_cut"]))

    told = [loop.key for loop in graph_of("two_loops_one_cut").loops]

    assert news(told, again.loops) == ()


def test_stored_keys_are_plain_texts() -> None:
    """Keys that come back from a store as texts are known."""
    loops = graph_of("dynamodb_same_table").loops

    assert news([LoopKey(str(loops[0].key))], loops) == ()


def test_a_mapping_made_anew_is_no_news() -> None:
    """A mapping with another UUID between the same two makes the same loop."""
    account = ACCOUNTS["dynamodb_same_table"]
    renewed = tuple(replace(one, uuid="other") for one in account.mappings)
    told = [loop.key for loop in graph_of("dynamodb_same_table").loops]

    assert news(told, build(replace(account, mappings=renewed)).loops) == ()


def test_a_loop_that_became_certain_is_news() -> None:
    """A possible loop whose filter is taken away is told of again."""
    account = ACCOUNTS["dynamodb_filter_on_insertions"]
    unfiltered = tuple(replace(one, filters=()) for one in account.mappings)
    told = [loop.key for loop in graph_of("dynamodb_filter_on_insertions").loops]

    after = build(replace(account, mappings=unfiltered))

    assert after.loops == news(told, after.loops)


def test_accepted_loops_are_no_news() -> None:
    """A loop with an acknowledgement, by tag or by name, needs no warning."""
    tagged = graph_of("accepted_by_tag").loops
    loops = graph_of("dynamodb_same_table").loops

    assert news((), tagged) == ()
    assert news((), loops, {"enrich": "meant"}) == ()
    assert news((), loops, {"other": "meant"}) == loops


def test_a_key_does_not_depend_on_where_one_begins() -> None:
    """A loop of two functions has one key, whichever function it is told of."""
    (loop,) = graph_of("dynamodb_two_functions").loops

    seen = loop.seen_from("price")

    assert seen.edges != loop.edges
    assert seen.key == loop.key
