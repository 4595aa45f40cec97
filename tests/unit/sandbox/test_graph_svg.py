"""The picture of the loops."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.graph.build import build
from functions.domain.graph.model import Node, NodeKind
from functions.domain.graph.propagation.propagate import propagate
from functions.domain.notices.graph.warning import compose_warning
from sandbox.demo.drawing.cards import MOST_BROAD_CARDS, MOST_CARDS
from sandbox.demo.drawing.graph_svg import draw_graph, list_edges_beside
from tests.examples import examples
from tests.unit.domain.graph.accounts.generated import accounts
from tests.unit.domain.graph.accounts.samples import ACCOUNTS, graph_of, many
from tests.unit.domain.notices.graph.test_warning import PLACE, QUEUE, READ_AT, account, allow

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account

BESIDE: Final = "shared_role"
SVG: Final = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    """The document, if it is one."""
    return ET.fromstring(svg)  # noqa: S314 (made a line before)


def texts(svg: str) -> list[str]:
    """What stands in the picture."""
    return [one.text or "" for one in parsed(svg).iter(f"{SVG}text")]


def picture_of(account: Account) -> str:
    """The loops of an account, with what is beside them."""
    graph = build(account)
    return draw_graph(graph, list_edges_beside(propagate(account), graph.loops))


def cards(svg: str) -> int:
    """How many tangles are drawn."""
    return sum(one.get("transform") is not None for one in parsed(svg).iter(f"{SVG}g"))


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(ACCOUNTS))
def test_every_account_can_be_drawn(name: str) -> None:
    """Each account of the corpus gives a document in which its loops' nodes are named."""
    graph = graph_of(name)

    svg = picture_of(ACCOUNTS[name])

    shown = texts(svg)
    for loop in graph.loops:
        assert all(len(edge.source.name) > 21 or edge.source.name in shown for edge in loop.edges)


@given(account=accounts())
@settings(max_examples=examples(40), deadline=None)
def test_any_account_can_be_drawn(account: Account) -> None:
    """Whatever the account, the picture is well-formed."""
    parsed(picture_of(account))


def test_style_tells_certainty_and_colour_the_loop() -> None:
    """Possible edges are dashed, certain ones are not; a certain loop is red."""
    certain = draw_graph(graph_of("dynamodb_same_table"))
    possible = draw_graph(graph_of("dynamodb_wildcard"))
    body = "</defs>"

    assert 'stroke="#c62828" stroke-width="2.0" marker' in certain.split(body)[1]
    assert 'stroke="#d97706" stroke-width="2.0" stroke-dasharray="7 4"' in possible.split(body)[1]


def test_what_breaks_it_is_told() -> None:
    """A card says what its loop is, whether AWS stops it, and what breaks it."""
    shown = " ".join(texts(draw_graph(graph_of("dynamodb_same_table"))))

    assert "1 certain loop, AWS does not stop it" in shown
    assert "Breaks it: Give event source mapping orders-to-enrich" in shown


@pytest.mark.parametrize(
    ("setting", "heading", "mail"),
    [
        ("Allow", "AWS does not stop it", "No. retry is set to RecursiveLoop=Allow"),
        ("Terminate", "AWS may stop it", "Probably, after about 16 rounds"),
        ("", "if RecursiveLoop (not read) is not Allow", "that could not be read"),
    ],
)
def test_picture_and_mail_say_the_same_of_aws(setting: str, heading: str, mail: str) -> None:
    """Whether AWS would stop a loop is one rule, in the picture as in the warning."""
    graph = build(account(allow("sqs:SendMessage", QUEUE), QUEUE, "retry", recursive_loop=setting))

    shown = " ".join(texts(draw_graph(graph)))
    told = " ".join(compose_warning(graph.loops[0], PLACE, READ_AT).body.split())

    assert heading in shown
    assert mail in told
    assert ("AWS may stop it" in shown) is (setting != "Allow")


def test_names_that_aws_made_up_are_left_out() -> None:
    """The identifier of a mapping or a notification says nothing in a picture."""
    graph = build(account(allow("sqs:SendMessage", QUEUE), QUEUE, "retry"))

    shown = " ".join(texts(draw_graph(graph)))

    assert "Breaks it: Give the event source mapping of queue requeue a filter" in shown
    assert "7d1f6f0e" not in shown


def test_what_is_beside_loops_is_grey() -> None:
    """A few edges of each function on a loop are drawn beside it, and none that is on it."""
    account = ACCOUNTS[BESIDE]
    graph = build(account)

    beside = list_edges_beside(propagate(account), graph.loops)

    on_loops = {edge for loop in graph.loops for edge in loop.edges}
    names = {name for loop in graph.loops for name in loop.functions}
    assert beside
    assert on_loops.isdisjoint(beside)
    assert all(names & {edge.source.name, edge.target.name} for edge in beside)
    assert draw_graph(graph, beside).count('stroke="#9aa5b1" stroke-width="1.2"') == len(beside)


def test_no_loops() -> None:
    """An account without loops says so."""
    assert "No loop was found." in texts(draw_graph(graph_of("dynamodb_other_table")))


@pytest.mark.thorough
def test_500_functions_are_apart() -> None:
    """Of 500 loops a readable number is drawn, and the rest is counted."""
    svg = draw_graph(build(many(500)))

    assert cards(svg) == MOST_CARDS
    assert f"Not drawn: {500 - MOST_CARDS} more tangles of loops." in texts(svg)


@pytest.mark.thorough
def test_wildcards_do_not_fill_the_picture() -> None:
    """Of loops that only wildcards allow a few stand for all."""
    svg = draw_graph(build(many(500, resource="*")))

    assert cards(svg) <= MOST_BROAD_CARDS


@given(name=st.text(min_size=1, max_size=100))
def test_names_from_outside(name: str) -> None:
    """Whatever a resource is called, the picture stays a document without scripts."""
    graph = graph_of("dynamodb_same_table")
    (loop,) = graph.loops
    strange = Node(NodeKind.TABLE, f"arn:{name}", name)
    first, second = loop.edges
    edges = (replace(first, source=strange, label=name), replace(second, target=strange))

    svg = draw_graph(replace(graph, loops=(replace(loop, edges=edges),)))

    assert {
        "svg",
        "style",
        "defs",
        "marker",
        "path",
        "rect",
        "circle",
        "line",
        "g",
        "title",
        "text",
    } >= {one.tag.removeprefix(SVG) for one in parsed(svg).iter()}
