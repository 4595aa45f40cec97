"""What large and odd accounts cost is bounded, and what was left out is said."""

from __future__ import annotations

from functions.domain.eventgraph.book import LoopBook
from functions.domain.eventgraph.build import build
from functions.domain.eventgraph.drawing import drawing, line
from functions.domain.eventgraph.warning import warning
from functions.domain.evidence import LoopProof
from functions.domain.notice import NoticeContext
from tests.corpus.description import AT
from tests.unit.domain.eventgraph.odd_accounts import invoking, ring

PLACE = NoticeContext(region="eu-west-1", account="123456789012", stack_name="Loopbreaker")


def test_both_ends_of_a_long_loop_are_drawn() -> None:
    """Of a loop of 100 functions the beginning and the end are drawn, with what is left out."""
    (loop,) = build(ring(100)).loops

    assert "f0099 ─InvokeFunction▶ f0000 ─InvokeFunction▶ f0001" in line(loop, "f0000")
    assert "... 68 more ..." in line(loop, "f0000")
    assert "... 68 more steps ..." in drawing(loop, "f0000")
    assert drawing(loop, "f0000").endswith("f0099  (function)  <- and round again")
    assert len(drawing(loop, "f0000").splitlines()) < 200


def test_the_mail_about_a_long_loop_says_what_it_leaves_out() -> None:
    """A mail lists 40 steps of a loop of 100, and says how many more there are."""
    (loop,) = build(ring(100)).loops

    assert "(60 more steps left out here.)" in warning(loop, PLACE, AT).body


def test_a_name_with_half_a_character() -> None:
    """A name that is no valid text keeps no other loop from being found, told and kept."""
    half = "f\ud800"
    graph = build(invoking({half: [half], "orders": ["orders"]}))

    book = LoopBook.of(graph)

    assert book.proof("orders") is LoopProof.CERTAIN
    assert book.proof(half) is LoopProof.CERTAIN
    assert all(warning(loop, PLACE, AT).body for loop in graph.loops)
