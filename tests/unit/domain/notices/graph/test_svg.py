"""A loop is drawn as it is, for every size, in a drawing that stands anywhere."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.graph.build import build
from functions.domain.graph.model import Certainty, Edge, EdgeReason, Loop, Means, Node, NodeKind
from functions.domain.notices.graph.icons import find_icon
from functions.domain.notices.graph.svg import WIDTH, draw_loop_svg
from tests.corpus.description import cases

_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = {"svg", "title", "desc", "rect", "path", "g", "text", "tspan"}


def make_loop(names: list[str], certainty: Certainty = Certainty.CERTAIN) -> Loop:
    """A loop through a queue and functions of these names."""
    kinds = (NodeKind.QUEUE, *(NodeKind.FUNCTION for _ in names[1:]))
    nodes = [Node(kind, f"arn:{name}", name) for kind, name in zip(kinds, names, strict=True)]
    return Loop(
        edges=tuple(
            Edge(
                source=source,
                target=target,
                means=Means.MAPPING,
                certainty=certainty,
                reason=EdgeReason.UNFILTERED,
                label=source.name,
            )
            for source, target in zip(nodes, (*nodes[1:], nodes[0]), strict=True)
        )
    )


def parse(svg: str) -> ET.Element:
    """The drawing as XML."""
    return ET.fromstring(svg)  # noqa: S314 (written by this test)


def count(root: ET.Element, name: str) -> int:
    """How many elements of a name there are."""
    return len(root.findall(f".//{_SVG}{name}"))


def test_it_has_title_description_and_a_role() -> None:
    """Who does not see it hears what it shows."""
    root = parse(draw_loop_svg(make_loop(["jobs", "work"], Certainty.POSSIBLE)))

    assert root.get("role") == "img"
    assert root[0].text == "Loop of 2 steps through work"
    assert root[1].text == "queue jobs to work: jobs, possible. work to queue jobs: work, possible."


@pytest.mark.parametrize(
    ("certainty", "dashed", "said"),
    [
        (Certainty.CERTAIN, 0, ""),
        (Certainty.POSSIBLE, 2, " (possible)"),
        (Certainty.RULED_OUT, 2, " (ruled out)"),
    ],
)
def test_certainty_is_seen_without_colour(certainty: Certainty, dashed: int, said: str) -> None:
    """What is not certain is dashed and says so; colours are those of the text around it."""
    svg = draw_loop_svg(make_loop(["jobs", "work"], certainty))

    assert svg.count("stroke-dasharray") == dashed
    assert svg.count(f">{said}</tspan>") == (2 if said else 0)
    assert set(re.findall(r'(?:fill|stroke)="(\w+)"', svg)) <= {"none", "currentColor"}


@pytest.mark.thorough
def test_it_stands_anywhere() -> None:
    """It needs no script, style, id or reference, so that many stand in one document."""
    for case in cases():
        for loop in build(case.account).loops:
            root = parse(draw_loop_svg(loop))
            assert {one.tag.removeprefix(_SVG) for one in root.iter()} <= _ELEMENTS
            names = {name for one in root.iter() for name in one.attrib}
            assert not names & {"id", "href", "style", "class"}
            assert not [name for name in names if name.startswith("on")]
            assert count(root, "rect") == len(loop.edges)


def test_a_long_loop_is_cut_in_its_middle() -> None:
    """The first and the last steps are drawn, and how many lie between them is said."""
    loop = make_loop(["jobs", *(f"work-{number}" for number in range(3_999))])
    svg = draw_loop_svg(loop)

    assert "3,984 more steps" in svg
    assert "work-3998" in svg
    assert count(parse(svg), "rect") == 17
    assert len(svg) < 12_000


@pytest.mark.parametrize("size", range(1, 22))
def test_every_size_is_drawn(size: int) -> None:
    """Each step has its label, or is counted among those that are left out."""
    loop = make_loop([f"node-{number}" for number in range(size)])
    if size == 1:
        only = Node(NodeKind.FUNCTION, "arn:walk", "walk")
        loop = Loop(edges=(replace(loop.edges[0], source=only, target=only),))
    svg = draw_loop_svg(loop)
    left_out = size - 16 if size > 17 else 0

    assert bool(re.search(r"more steps?</text>", svg)) == bool(left_out)
    assert count(parse(svg), "rect") == (17 if left_out else size)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("short", ["short"]),
        ("production-order-pipeline-enricher", ["production-order-pipeline-", "enricher"]),
        ("x" * 60, ["x" * 26 + "..", "." + "x" * 25]),
        ("漢" * 20, ["漢" * 14, "漢" * 6]),
    ],
)
def test_a_name_takes_two_lines_at_most(name: str, lines: list[str]) -> None:
    """A long name is broken at a pause, a longer one is cut in its middle."""
    svg = draw_loop_svg(make_loop(["jobs", name]))

    written = re.findall(r'font-size="13" font-weight="600">([^<]*)<', svg)
    assert written == lines


@given(st.text(max_size=80))
def test_any_name_stays_a_name(name: str) -> None:
    """A name adds no element, no attribute, and no width."""
    root = parse(draw_loop_svg(make_loop(["jobs", name])))

    assert {one.tag.removeprefix(_SVG) for one in root.iter()} <= _ELEMENTS
    assert root.get("viewBox", "").startswith(f"0 0 {WIDTH} ")
    assert count(root, "rect") == 2


def test_every_kind_has_an_icon() -> None:
    """A kind without a drawing of its own gets the plain one."""
    assert all(re.fullmatch(r"[A-Za-z0-9 .-]+", find_icon(kind)) for kind in NodeKind)
