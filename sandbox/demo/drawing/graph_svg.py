"""Loops as a picture: SVG that any browser shows, without scripts, fonts or anything else.

Only what is around loops is drawn: each tangle of loops on a card of its own, the surest first, so
that a picture of 500 functions reads like 100 pictures of five. Colour says whether something is on
a loop, the style of a line how sure it is. What a line means in full is in its tooltip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.domain.graph.model import Certainty
from functions.domain.graph.propagation.graph import Rank
from functions.domain.notices.text import format_count, format_time
from sandbox.demo.drawing.cards import (
    BLUE,
    GREY,
    ORANGE,
    RED,
    choose_tangles,
    find_tangles,
    make_card,
    rank_tangle,
)
from sandbox.demo.drawing.shapes import (
    DASHES,
    STYLE,
    draw_card,
    draw_marker,
    draw_stroke,
    draw_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from functions.domain.graph.model import Edge, EventGraph, Loop, Means
    from functions.domain.graph.propagation.graph import Propagation

_MOST_BESIDE: Final = 4  # edges beside the loops, of one function
_PAGE_WIDTH: Final = 1760
_LEAST_WIDTH: Final = 880.0
_MARGIN: Final = 24


def draw_graph(graph: EventGraph, beside: Sequence[Edge] = ()) -> str:
    """Draw the loops of a graph as an SVG document.

    Parameters
    ----------
    beside
        Edges beside the loops, which are drawn in grey: see `list_edges_beside`.
    """
    loops = graph.loops
    # Wildcards tangle up what has nothing to do with each other: such loops are apart.
    tangles = [
        *find_tangles([loop for loop in loops if not loop.is_broad]),
        *find_tangles([loop for loop in loops if loop.is_broad]),
    ]
    tangles.sort(key=rank_tangle)
    cards, unseen = choose_tangles(tangles)
    drawn = [make_card(tangle, beside) for tangle in cards]
    parts: list[str] = []
    top = _draw_title(parts, graph)
    x, y, row = float(_MARGIN), top, 0.0
    width = _LEAST_WIDTH
    for card in drawn:
        if x > _MARGIN and x + card.width > _PAGE_WIDTH - _MARGIN:
            x, y, row = float(_MARGIN), y + row + _MARGIN, 0.0
        parts.extend(draw_card(card, x, y))
        x += card.width + _MARGIN
        width = max(width, x)
        row = max(row, card.height)
    y += row + _MARGIN
    if not drawn:
        parts.append(draw_text(_MARGIN, y, "No loop was found.", "head"))
        y += _MARGIN
    if unseen:
        words = f"Not drawn: {format_count(len(unseen), 'more tangle')} of loops"
        broad = sum(tangle[0].is_broad for tangle in unseen)
        words += f", {broad:,} of them by wildcards only." if broad else "."
        parts.append(draw_text(_MARGIN, y, words, "small"))
        y += _MARGIN
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {y:.0f}"'
                f' width="{width:.0f}" height="{y:.0f}" role="img">'
            ),
            f"<style>{STYLE}</style>",
            "<defs>",
            *(draw_marker(colour) for colour in (RED, ORANGE, BLUE, GREY)),
            "</defs>",
            f'<rect width="{width:.0f}" height="{y:.0f}" fill="#fff"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def list_edges_beside(flow: Propagation, loops: Sequence[Loop]) -> tuple[Edge, ...]:
    """List edges beside the loops that enter or leave their functions, a few of each."""
    counts = {name: 0 for loop in loops if not loop.is_broad for name in loop.functions}
    found: dict[tuple[str, str, Means], Edge] = {}
    inside = {(edge.source.arn, edge.target.arn) for loop in loops for edge in loop.edges}
    for number in _list_named_edges(flow) if counts else ():
        ends = flow.functions[flow.sources[number]], flow.functions[flow.targets[number]]
        names = [name for name in ends if name in counts]
        if not names or all(counts[name] >= _MOST_BESIDE for name in names):
            continue
        edge = flow.edge(number)
        key = edge.source.arn, edge.target.arn, edge.means
        if key not in found and key[:2] not in inside:
            found[key] = edge
            for name in names:
                counts[name] += 1
    return tuple(found.values())


def _list_named_edges(flow: Propagation) -> Iterator[int]:
    """The edges between two nodes that may carry events, without those by a wildcard."""
    for number, rank in enumerate(flow.ranks):
        if (
            rank <= Rank.POSSIBLE
            and isinstance(flow.places[flow.sources[number]], tuple)
            and isinstance(flow.places[flow.targets[number]], tuple)
        ):
            yield number


def _draw_title(parts: list[str], graph: EventGraph) -> float:
    y = 34.0
    parts.append(
        draw_text(_MARGIN, y, f"Loops of account {graph.account}, {graph.region}", "title")
    )
    counts = graph.counts
    words = (
        f"Read {format_time(graph.at)}: {format_count(counts.functions, 'function')},"
        f" {counts.certain:,} on certain loops, {counts.possible:,} on possible ones,"
        f" {counts.ruled_out:,} ruled out, {counts.unknown:,} not decided."
    )
    y += 20
    parts.append(draw_text(_MARGIN, y, words, "small"))
    y += 20
    x = float(_MARGIN)
    for words, colour, dashes in (
        ("certain edge", RED, ""),
        ("possible edge", RED, DASHES[Certainty.POSSIBLE]),
    ):
        parts.append(draw_stroke(x, y - 4, colour, dashes))
        parts.append(draw_text(x + 40, y, words, "small"))
        x += 130
    for words, colour in (
        ("certain loop", RED),
        ("possible loop", ORANGE),
        ("accepted loop", BLUE),
        ("beside loops", GREY),
    ):
        parts.append(f'<circle cx="{x + 6:.0f}" cy="{y - 4:.0f}" r="5" fill="{colour}"/>')
        parts.append(draw_text(x + 16, y, words, "small"))
        x += 110
    return y + _MARGIN
