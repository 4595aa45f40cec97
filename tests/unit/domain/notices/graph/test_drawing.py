"""Loops in characters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.graph.build import build
from functions.domain.graph.model import Node, NodeKind
from functions.domain.graph.paths.near_loops import find_near_loops
from functions.domain.notices.graph.drawing import WIDTH, draw_line, draw_loop
from tests.examples import examples
from tests.unit.domain.graph.accounts.generated import accounts
from tests.unit.domain.graph.accounts.samples import ACCOUNTS, loop_of

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account


def test_line_of_the_classic_loop() -> None:
    """A loop is read from left to right, from its trigger back to it."""
    loop = loop_of("dynamodb_same_table")

    assert draw_line(loop, "enrich") == "orders ─stream▶ enrich ─PutItem▶ orders"


def test_line_from_another_function() -> None:
    """A loop of two functions begins with the trigger of the function it is reported for."""
    loop = loop_of("dynamodb_two_functions")

    assert (
        draw_line(loop, "price")
        == "priced ─stream▶ price ─UpdateItem▶ orders ─stream▶ enrich ─PutItem▶ priced"
    )


def test_possible_edges_are_dashed() -> None:
    """What is only possible looks it."""
    loop = loop_of("dynamodb_wildcard")

    assert draw_line(loop, "enrich") == "orders ─stream▶ enrich ╌PutItem▷ orders"


def test_line_within_a_limit() -> None:
    """Names give way in their middle where a line has to be short."""
    text = draw_line(loop_of("dynamodb_two_functions"), "price", limit=72)

    assert len(text) <= 90
    assert "UpdateItem" in text


def test_drawing_of_the_classic_loop() -> None:
    """The drawing names what closes the loop: the mapping and the statement."""
    expected = """\
orders  (table)
 │ stream [certain]
 │   event source mapping orders-to-enrich
 │   every event passes
 ▼
enrich  (function)
 │ PutItem [certain]
 │   dynamodb:PutItem (policy "own", statement 1)
 │   the statement names the resource
 ▼
orders  (table)  <- and round again"""

    assert expected == draw_loop(loop_of("dynamodb_same_table"), "enrich")


def test_drawing_of_what_is_ruled_out() -> None:
    """A cross stands where a filter breaks the circle, with the filter."""
    (near,) = find_near_loops(ACCOUNTS["s3_prefixes_apart"])

    text = draw_loop(near, "resize")

    assert "ObjectCreated [ruled out]" in text
    assert "the filter excludes it (prefix input/)" in text
    assert " ✕" in text


@given(account=accounts())
@settings(max_examples=examples(60), deadline=None)
def test_no_line_is_too_wide(account: Account) -> None:
    """No line of any drawing is wider than a mail."""
    for loop in (*build(account).loops, *find_near_loops(account)):
        assert max(map(len, draw_loop(loop).splitlines())) <= WIDTH


@given(name=st.text(max_size=300))
def test_names_from_outside(name: str) -> None:
    """Whatever a resource is called, the drawing keeps its lines and its width."""
    loop = loop_of("dynamodb_same_table")
    strange = Node(NodeKind.TABLE, "arn:x", name)
    first, second = loop.edges
    renamed = replace(loop, edges=(replace(first, source=strange), replace(second, target=strange)))

    lines = draw_loop(renamed, "enrich").splitlines()

    assert len(lines) == len(draw_loop(loop, "enrich").splitlines())
    assert max(map(len, lines)) <= WIDTH
    assert "\n" not in draw_line(renamed, "enrich")
