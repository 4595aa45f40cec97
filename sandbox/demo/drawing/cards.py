"""What of the loops is drawn on which card, and where on it."""

from __future__ import annotations

import re
import textwrap
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from functions.domain.graph.model import Certainty, NativeStop, NodeKind
from functions.domain.notices.text import clean, cut_middle, format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from functions.domain.graph.model import Edge, Loop, Node

_LONGEST_WORD: Final = 28
# Names that AWS made up: UUIDs, and the ones of S3's notifications. Nobody reads them in a picture.
_MADE_BY_AWS: Final = re.compile(
    r"(?:the )?(notification|event source mapping|subscription)"
    r" (?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9+/=]{40,})(?= |$)"
)
_SMALL_TEXT: Final = 5.6  # width of a character of the small text
MOST_CARDS: Final = 120
MOST_BROAD_CARDS: Final = 12
MOST_NODES: Final = 16  # on one card
_LEAST_CARD: Final = 400.0
_LANES: Final = 60
BOX_WIDTH: Final = 176
BOX_HEIGHT: Final = 40
GAP_X: Final = 112
GAP_Y: Final = 22
PADDING: Final = 18
_HEADER: Final = 46
ARC: Final = 34
SELF: Final = 24
LINE: Final = 14
_HEAD_TEXT: Final = 7.2
_MOST_CUT_LINES: Final = 3
_SWEEPS: Final = 4
MOST_DEEP: Final = 14  # lines that go back, each deeper than the one before
RED: Final = "#c62828"
ORANGE: Final = "#d97706"
BLUE: Final = "#4b6584"
GREY: Final = "#9aa5b1"
COLOURS: Final = {Certainty.CERTAIN: RED, Certainty.POSSIBLE: ORANGE}


@dataclass(frozen=True, slots=True)
class Point:
    """A place on a card."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Arc:
    """A line that goes back: how deep the first one is, and which one it is."""

    depth: float
    number: int
    is_crowded: bool = False


@dataclass(slots=True)
class Card:
    """A tangle of loops: its nodes, the edges of its loops and some beside them."""

    loops: list[Loop]
    edges: dict[tuple[Node, Node], Edge] = field(default_factory=dict)
    colours: dict[tuple[Node, Node], str] = field(default_factory=dict)
    left_out: int = 0  # functions
    places: dict[Node, Point] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0

    @property
    def nodes(self) -> list[Node]:
        """In the order in which the loops name them."""
        return list(dict.fromkeys(node for ends in self.edges for node in ends))

    @property
    def inside(self) -> set[Node]:
        """The nodes that are on a loop."""
        return {edge.source for loop in self.loops for edge in loop.edges}


def find_tangles(loops: Sequence[Loop]) -> list[list[Loop]]:
    """Loops that share a node, directly or through others."""
    parent: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for loop in loops:
        first = root(loop.edges[0].source)
        for edge in loop.edges:
            parent[root(edge.target)] = first
    found: dict[Node, list[Loop]] = {}
    for loop in loops:
        found.setdefault(root(loop.edges[0].source), []).append(loop)
    return list(found.values())


def rank_tangle(tangle: Sequence[Loop]) -> tuple[int, bool, int, tuple[str, ...]]:
    """Sort tangles: the surest first, then the largest, then by name."""
    first = tangle[0]
    return (
        list(Certainty).index(first.certainty),
        first.is_broad,
        -len(tangle),
        first.functions,
    )


def choose_tangles(tangles: Sequence[list[Loop]]) -> tuple[list[list[Loop]], list[list[Loop]]]:
    """The tangles that are drawn, and the others: of those by wildcards only a few."""
    drawn: list[list[Loop]] = []
    others: list[list[Loop]] = []
    broad = 0
    for tangle in tangles:
        is_broad = tangle[0].is_broad
        broad += is_broad
        is_drawn = len(drawn) < MOST_CARDS and (not is_broad or broad <= MOST_BROAD_CARDS)
        (drawn if is_drawn else others).append(tangle)
    return drawn, others


def make_card(tangle: Sequence[Loop], beside: Sequence[Edge]) -> Card:
    """Lay a tangle out on a card, with some of the edges beside it."""
    card = Card(loops=[])
    nodes: set[Node] = set()
    functions: set[str] = set()
    for loop in tangle:
        own = {edge.source for edge in loop.edges}
        if nodes and len(nodes | own) > MOST_NODES:
            functions.update(loop.functions)
            continue
        nodes |= own
        card.loops.append(loop)
        colour = BLUE if loop.accepted else COLOURS[loop.certainty]
        for edge in loop.edges:
            ends = (edge.source, edge.target)
            card.edges.setdefault(ends, edge)
            card.colours.setdefault(ends, colour)
    card.left_out = len(functions - {node.name for node in nodes})
    for edge in beside:
        ends = (edge.source, edge.target)
        if nodes.isdisjoint(ends) or len(nodes | set(ends)) > MOST_NODES or ends in card.edges:
            continue
        if any(node.kind is NodeKind.FUNCTION and node in nodes for node in ends):
            card.edges[ends] = edge
            card.colours[ends] = GREY
    _lay_out(card)
    return card


def _lay_out(card: Card) -> None:
    """Columns by distance from where the first loop begins, rows so that lines cross little."""
    columns = _order_columns(_arrange_columns(card), card.edges)
    top = _HEADER + (SELF - 8 if any(source == target for source, target in card.edges) else 0)
    left, right = _count_lanes(card, columns)
    tallest = max(len(column) for column in columns)
    for index, column in enumerate(columns):
        offset = (tallest - len(column)) * (BOX_HEIGHT + GAP_Y) / 2
        for row, node in enumerate(column):
            card.places[node] = Point(
                PADDING + left + index * (BOX_WIDTH + GAP_X),
                top + offset + row * (BOX_HEIGHT + GAP_Y),
            )
    arcs = sum(is_back(card, ends) for ends in card.edges)
    bottom = top + tallest * (BOX_HEIGHT + GAP_Y) - GAP_Y
    width = 2 * PADDING + len(columns) * (BOX_WIDTH + GAP_X) - GAP_X + left + right
    card.width = max(float(width), _LEAST_CARD, len(compose_heading(card)) * _HEAD_TEXT + 60)
    cuts = compose_cut_lines(card)
    card.height = (
        bottom + (ARC + min(arcs, MOST_DEEP) * 9 if arcs else 8) + len(cuts) * LINE + PADDING
    )


def _count_lanes(card: Card, columns: list[list[Node]]) -> tuple[int, int]:
    """Room beside the first and the last column, for lines that go back around several boxes."""
    number = {node: index for index, column in enumerate(columns) for node in column}
    backs = [
        ends for ends in card.edges if number[ends[1]] <= number[ends[0]] and ends[0] != ends[1]
    ]
    is_left = len(columns[0]) > 1 and any(number[target] == 0 for _, target in backs)
    last = len(columns) - 1
    is_right = len(columns[-1]) > 1 and any(number[source] == last for source, _ in backs)
    return _LANES * is_left, _LANES * is_right


def _arrange_columns(card: Card) -> list[list[Node]]:
    """Breadth first along the loops, from what triggers the first function."""
    after: dict[Node, list[Node]] = {}
    for source, target in card.edges:
        after.setdefault(source, []).append(target)
    inside = card.inside
    depth: dict[Node, int] = {}
    for start in [card.loops[0].edges[0].source, *card.nodes]:
        if start in inside and start not in depth:
            _spread(start, after, inside, depth)
    for source, target in card.edges:
        # What is beside the loops stands before what it leads to, or behind what leads to it.
        if source not in depth:
            depth[source] = depth.get(target, 1) - 1
        if target not in depth:
            depth[target] = depth[source] + 1
    first = min(depth.values())
    columns: list[list[Node]] = [[] for _ in range(max(depth.values()) - first + 1)]
    for node, column in depth.items():
        columns[column - first].append(node)
    return [column for column in columns if column]


def _spread(
    start: Node, after: dict[Node, list[Node]], inside: set[Node], depth: dict[Node, int]
) -> None:
    depth[start] = 0
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for target in after.get(node, ()):
            if target in inside and target not in depth:
                depth[target] = depth[node] + 1
                waiting.append(target)


def _order_columns(
    columns: list[list[Node]], edges: Iterable[tuple[Node, Node]]
) -> list[list[Node]]:
    """Rows by the mean row of the neighbours (the barycentre rule), swept both ways."""
    near: dict[Node, list[Node]] = {}
    for source, target in edges:
        near.setdefault(source, []).append(target)
        near.setdefault(target, []).append(source)
    rows = {node: float(row) for column in columns for row, node in enumerate(column)}
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(
                key=lambda node: (
                    sum(rows[one] for one in near[node]) / len(near[node]),
                    rows[node],
                )
            )
            rows.update({node: float(row) for row, node in enumerate(column)})
    return columns


def is_back(card: Card, ends: tuple[Node, Node]) -> bool:
    """Whether a line leads to the left, or within its column."""
    if ends[0] == ends[1]:
        return False
    source, target = (card.places[node] for node in ends)
    return target.x <= source.x


def compose_heading(card: Card) -> str:
    """Say of what kind the loops of a card are."""
    first = card.loops[0]
    functions = {name for loop in card.loops for name in loop.functions}
    said = [_count_loops(card.loops)]
    if len(functions) > 1:
        said.append(format_count(len(functions), "function"))
    if first.accepted:
        said.append("accepted")
    else:
        said.append(_describe_native_stops([loop.native_stop for loop in card.loops]))
    if card.left_out:
        said.append(f"{format_count(card.left_out, 'more function')} not drawn")
    return ", ".join(said)


def _describe_native_stops(stops: Sequence[NativeStop]) -> str:
    what = "it" if len(stops) == 1 else "them"
    if all(one is NativeStop.NO for one in stops):
        return f"AWS does not stop {what}"
    if NativeStop.NO in stops:
        return "AWS does not stop all of them"
    if NativeStop.UNLESS_ALLOWED in stops:
        return f"AWS may stop {what}, if RecursiveLoop (not read) is not Allow"
    return f"AWS may stop {what}"


def _count_loops(loops: Sequence[Loop]) -> str:
    certain = sum(loop.certainty is Certainty.CERTAIN for loop in loops)
    possible = sum(loop.certainty is Certainty.POSSIBLE for loop in loops)
    said = [format_count(certain, "certain loop") if certain else ""]
    said.append(format_count(possible, "possible loop") if possible else "")
    return " and ".join(filter(None, said))


def compose_cut_lines(card: Card) -> list[str]:
    """What breaks the first loop, in lines of the card's width."""
    loop = card.loops[0]
    if not loop.cuts or loop.accepted:
        return []
    room = int((card.width - 2 * PADDING) / _SMALL_TEXT)
    told = _MADE_BY_AWS.sub(r"the \1", clean(loop.cuts[0].words[0], 400))
    words = " ".join(cut_middle(one, _LONGEST_WORD) for one in told.split())
    lines = textwrap.wrap(f"Breaks it: {words}.", room)
    if len(lines) > _MOST_CUT_LINES:
        lines = [*lines[: _MOST_CUT_LINES - 1], f"{lines[_MOST_CUT_LINES - 1][: room - 3]}..."]
    return lines
