"""Which loops people are notified of, and by which mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from functions.domain.graph.build import build
from functions.domain.graph.model import LoopKey
from functions.domain.graph.new_loops import (
    DIGEST_EVERY,
    find_new_loops,
    is_for_digest,
    make_notified_key,
    plan_digest,
)
from tests.unit.domain.graph.accounts.changing import turned_round
from tests.unit.domain.graph.accounts.samples import ACCOUNTS, graph_of


def test_a_new_loop_is_news() -> None:
    """A loop that nobody was notified of gets a notice."""
    loops = graph_of("dynamodb_same_table").loops

    assert loops == find_new_loops((), loops)


def test_nobody_is_told_twice() -> None:
    """The same account, read again in another order, is no news."""
    again = build(turned_round(ACCOUNTS["two_loops_one_cut"]))

    told = [loop.key for loop in graph_of("two_loops_one_cut").loops]

    assert find_new_loops(told, again.loops) == ()


def test_stored_keys_are_plain_texts() -> None:
    """Keys that come back from a store as texts are known."""
    loops = graph_of("dynamodb_same_table").loops

    assert find_new_loops([LoopKey(str(loops[0].key))], loops) == ()


def test_a_mapping_made_anew_is_no_news() -> None:
    """A mapping with another UUID between the same two makes the same loop."""
    account = ACCOUNTS["dynamodb_same_table"]
    renewed = tuple(replace(one, uuid="other") for one in account.mappings)
    told = [loop.key for loop in graph_of("dynamodb_same_table").loops]

    assert find_new_loops(told, build(replace(account, mappings=renewed)).loops) == ()


def test_a_loop_that_became_certain_is_news() -> None:
    """A possible loop whose filter is taken away is told of again."""
    account = ACCOUNTS["dynamodb_filter_on_insertions"]
    unfiltered = tuple(replace(one, filters=()) for one in account.mappings)
    told = [loop.key for loop in graph_of("dynamodb_filter_on_insertions").loops]

    after = build(replace(account, mappings=unfiltered))

    assert after.loops == find_new_loops(told, after.loops)


def test_accepted_loops_are_no_news() -> None:
    """A loop with an acknowledgement, by tag or by name, needs no warning."""
    tagged = graph_of("accepted_by_tag").loops
    loops = graph_of("dynamodb_same_table").loops

    assert find_new_loops((), tagged) == ()
    assert find_new_loops((), loops, {"enrich": "meant"}) == ()
    assert find_new_loops((), loops, {"other": "meant"}) == loops


def test_a_key_does_not_depend_on_where_one_begins() -> None:
    """A loop of two functions has one key, whichever function it is reported for."""
    (loop,) = graph_of("dynamodb_two_functions").loops

    seen = loop.seen_from("price")

    assert seen.edges != loop.edges
    assert seen.key == loop.key


def test_a_certain_loop_that_aws_stops_no_more_is_news() -> None:
    """It came in a digest; that it can now run for ever deserves a mail of its own."""
    (loop,) = graph_of("dynamodb_same_table").loops
    stopped = replace(loop, is_protected_by_aws=True, unread=())
    notified = [make_notified_key(stopped)]

    assert is_for_digest(stopped)
    assert find_new_loops(notified, [stopped]) == ()
    assert not is_for_digest(loop)
    assert find_new_loops(notified, [loop]) == (loop,)


def test_a_mail_of_its_own_is_not_followed_by_a_digest() -> None:
    """That AWS stops by now what was reported before is no news."""
    (loop,) = graph_of("dynamodb_same_table").loops
    stopped = replace(loop, is_protected_by_aws=True, unread=())

    assert find_new_loops([make_notified_key(loop)], [stopped]) == ()


NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def test_the_first_digest_is_due_at_once() -> None:
    """Whoever has just deployed the guard learns what it sees."""
    first = plan_digest(None, NOON)

    assert (first.is_due, first.at) == (True, NOON)


def test_a_digest_is_due_weekly_whatever_there_was_to_report() -> None:
    """A loop that appears in a quiet month waits for the week's end, as any other."""
    just = plan_digest(NOON, NOON + DIGEST_EVERY)
    late = plan_digest(NOON, NOON + 3 * DIGEST_EVERY + timedelta(hours=5))
    early = plan_digest(NOON, NOON + DIGEST_EVERY - timedelta(seconds=1))
    behind = plan_digest(NOON, NOON - timedelta(hours=1))

    assert (just.is_due, just.at) == (True, NOON + DIGEST_EVERY)
    assert (late.is_due, late.at) == (True, NOON + 3 * DIGEST_EVERY)
    assert (early.is_due, early.at) == (False, NOON)
    assert (behind.is_due, behind.at) == (False, NOON)
