"""Loops as a picture: SVG that any browser shows, without scripts, fonts or anything else.

Only what is around loops is drawn: each tangle of loops on a card of its own, the surest first, so
that a picture of 500 functions reads like 100 pictures of five. Colour says whether something is on
a loop, the style of a line how sure it is. What a line means in full is in its tooltip.
"""

from __future__ import annotations

import re
import textwrap
from collections import deque
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Final

from functions.domain.graph.model import Certainty, NativeStop, NodeKind
from functions.domain.graph.propagation.graph import Rank
from functions.domain.notices.graph.text import describe_edge
from functions.domain.notices.text import clean, cut_middle, format_count, format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from functions.domain.graph.model import Edge, EventGraph, Loop, Means, Node
    from functions.domain.graph.propagation.graph import Propagation

_LONGEST_WORD: Final = 28
# Names that AWS made up: UUIDs, and the ones of S3's notifications. Nobody reads them in a picture.
_MADE_BY_AWS: Final = re.compile(
    r"(?:the )?(notification|event source mapping|subscription)"
    r" (?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9+/=]{40,})(?= |$)"
)
MOST_CARDS: Final = 120
MOST_BROAD_CARDS: Final = 12
MOST_NODES: Final = 16  # on one card
_MOST_BESIDE: Final = 4  # edges beside the loops, of one function

_PAGE_WIDTH: Final = 1760
_LEAST_WIDTH: Final = 880.0
_LEAST_CARD: Final = 400.0
_LANES: Final = 60
_MARGIN: Final = 24
_BOX_WIDTH: Final = 176
_BOX_HEIGHT: Final = 40
_GAP_X: Final = 112
_GAP_Y: Final = 22
_PADDING: Final = 18
_HEADER: Final = 46
_ARC: Final = 34
_SELF: Final = 24
_NAME_LENGTH: Final = 21
_LABEL_LENGTH: Final = 18
_LINE: Final = 14
_SMALL_TEXT: Final = 5.6  # width of a character of the small text
_HEAD_TEXT: Final = 7.2
_MOST_CUT_LINES: Final = 3
_SWEEPS: Final = 4
_MOST_DEEP: Final = 14  # lines that go back, each deeper than the one before

_RED: Final = "#c62828"
_ORANGE: Final = "#d97706"
_BLUE: Final = "#4b6584"
_GREY: Final = "#9aa5b1"
_COLOURS: Final = {Certainty.CERTAIN: _RED, Certainty.POSSIBLE: _ORANGE}
_DASHES: Final = {Certainty.CERTAIN: "", Certainty.POSSIBLE: "7 4"}
_STYLE: Final = """
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2933}
.name{font-size:12px;font-weight:600}.kind{font-size:10px;fill:#616e7c}
.label{font-size:10.5px;fill:#323f4b}
.halo{font-size:10.5px;fill:#fff;stroke:#fff;stroke-width:5px;stroke-linejoin:round}
.head{font-size:12.5px;font-weight:600}.small{font-size:10.5px;fill:#52606d}
.title{font-size:17px;font-weight:700}
""".strip().replace("\n", "")


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class _Arc:
    """A line that goes back: how deep the first one is, and which one it is."""

    depth: float
    number: int
    is_crowded: bool = False


@dataclass(slots=True)
class _Card:
    """A tangle of loops: its nodes, the edges of its loops and some beside them."""

    loops: list[Loop]
    edges: dict[tuple[Node, Node], Edge] = field(default_factory=dict)
    colours: dict[tuple[Node, Node], str] = field(default_factory=dict)
    left_out: int = 0  # functions
    places: dict[Node, _Point] = field(default_factory=dict)
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
        *_tangles([loop for loop in loops if not loop.is_broad]),
        *_tangles([loop for loop in loops if loop.is_broad]),
    ]
    tangles.sort(key=_rank)
    cards, unseen = _chosen(tangles)
    drawn = [_card(tangle, beside) for tangle in cards]
    parts: list[str] = []
    top = _title(parts, graph)
    x, y, row = float(_MARGIN), top, 0.0
    width = _LEAST_WIDTH
    for card in drawn:
        if x > _MARGIN and x + card.width > _PAGE_WIDTH - _MARGIN:
            x, y, row = float(_MARGIN), y + row + _MARGIN, 0.0
        parts.extend(_drawn(card, x, y))
        x += card.width + _MARGIN
        width = max(width, x)
        row = max(row, card.height)
    y += row + _MARGIN
    if not drawn:
        parts.append(_text(_MARGIN, y, "No loop was found.", "head"))
        y += _MARGIN
    if unseen:
        words = f"Not drawn: {format_count(len(unseen), 'more tangle')} of loops"
        broad = sum(tangle[0].is_broad for tangle in unseen)
        words += f", {broad:,} of them by wildcards only." if broad else "."
        parts.append(_text(_MARGIN, y, words, "small"))
        y += _MARGIN
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {y:.0f}"'
                f' width="{width:.0f}" height="{y:.0f}" role="img">'
            ),
            f"<style>{_STYLE}</style>",
            "<defs>",
            *(_marker(colour) for colour in (_RED, _ORANGE, _BLUE, _GREY)),
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
    for number in _named_edges(flow) if counts else ():
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


def _named_edges(flow: Propagation) -> Iterator[int]:
    """The edges between two nodes that may carry events, without those by a wildcard."""
    for number, rank in enumerate(flow.ranks):
        if (
            rank <= Rank.POSSIBLE
            and isinstance(flow.places[flow.sources[number]], tuple)
            and isinstance(flow.places[flow.targets[number]], tuple)
        ):
            yield number


# -- what is drawn


def _tangles(loops: Sequence[Loop]) -> list[list[Loop]]:
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


def _rank(tangle: Sequence[Loop]) -> tuple[int, bool, int, tuple[str, ...]]:
    first = tangle[0]
    return (
        list(Certainty).index(first.certainty),
        first.is_broad,
        -len(tangle),
        first.functions,
    )


def _chosen(tangles: Sequence[list[Loop]]) -> tuple[list[list[Loop]], list[list[Loop]]]:
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


def _card(tangle: Sequence[Loop], beside: Sequence[Edge]) -> _Card:
    card = _Card(loops=[])
    nodes: set[Node] = set()
    functions: set[str] = set()
    for loop in tangle:
        own = {edge.source for edge in loop.edges}
        if nodes and len(nodes | own) > MOST_NODES:
            functions.update(loop.functions)
            continue
        nodes |= own
        card.loops.append(loop)
        colour = _BLUE if loop.accepted else _COLOURS[loop.certainty]
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
            card.colours[ends] = _GREY
    _lay_out(card)
    return card


# -- where it is drawn


def _lay_out(card: _Card) -> None:
    """Columns by distance from where the first loop begins, rows so that lines cross little."""
    columns = _ordered(_columns(card), card.edges)
    top = _HEADER + (_SELF - 8 if any(source == target for source, target in card.edges) else 0)
    left, right = _lanes(card, columns)
    tallest = max(len(column) for column in columns)
    for index, column in enumerate(columns):
        offset = (tallest - len(column)) * (_BOX_HEIGHT + _GAP_Y) / 2
        for row, node in enumerate(column):
            card.places[node] = _Point(
                _PADDING + left + index * (_BOX_WIDTH + _GAP_X),
                top + offset + row * (_BOX_HEIGHT + _GAP_Y),
            )
    arcs = sum(_is_back(card, ends) for ends in card.edges)
    bottom = top + tallest * (_BOX_HEIGHT + _GAP_Y) - _GAP_Y
    width = 2 * _PADDING + len(columns) * (_BOX_WIDTH + _GAP_X) - _GAP_X + left + right
    card.width = max(float(width), _LEAST_CARD, len(_heading(card)) * _HEAD_TEXT + 60)
    cuts = _cut_lines(card)
    card.height = (
        bottom + (_ARC + min(arcs, _MOST_DEEP) * 9 if arcs else 8) + len(cuts) * _LINE + _PADDING
    )


def _lanes(card: _Card, columns: list[list[Node]]) -> tuple[int, int]:
    """Room beside the first and the last column, for lines that go back around several boxes."""
    number = {node: index for index, column in enumerate(columns) for node in column}
    backs = [
        ends for ends in card.edges if number[ends[1]] <= number[ends[0]] and ends[0] != ends[1]
    ]
    is_left = len(columns[0]) > 1 and any(number[target] == 0 for _, target in backs)
    last = len(columns) - 1
    is_right = len(columns[-1]) > 1 and any(number[source] == last for source, _ in backs)
    return _LANES * is_left, _LANES * is_right


def _columns(card: _Card) -> list[list[Node]]:
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


def _ordered(columns: list[list[Node]], edges: Iterable[tuple[Node, Node]]) -> list[list[Node]]:
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


def _is_back(card: _Card, ends: tuple[Node, Node]) -> bool:
    """Whether a line leads to the left, or within its column."""
    if ends[0] == ends[1]:
        return False
    source, target = (card.places[node] for node in ends)
    return target.x <= source.x


# -- how it is drawn


def _title(parts: list[str], graph: EventGraph) -> float:
    y = 34.0
    parts.append(_text(_MARGIN, y, f"Loops of account {graph.account}, {graph.region}", "title"))
    counts = graph.counts
    words = (
        f"Read {format_time(graph.at)}: {format_count(counts.functions, 'function')},"
        f" {counts.certain:,} on certain loops, {counts.possible:,} on possible ones,"
        f" {counts.ruled_out:,} ruled out, {counts.unknown:,} not decided."
    )
    y += 20
    parts.append(_text(_MARGIN, y, words, "small"))
    y += 20
    x = float(_MARGIN)
    for words, colour, dashes in (
        ("certain edge", _RED, ""),
        ("possible edge", _RED, _DASHES[Certainty.POSSIBLE]),
    ):
        parts.append(_stroke(x, y - 4, colour, dashes))
        parts.append(_text(x + 40, y, words, "small"))
        x += 130
    for words, colour in (
        ("certain loop", _RED),
        ("possible loop", _ORANGE),
        ("accepted loop", _BLUE),
        ("beside loops", _GREY),
    ):
        parts.append(f'<circle cx="{x + 6:.0f}" cy="{y - 4:.0f}" r="5" fill="{colour}"/>')
        parts.append(_text(x + 16, y, words, "small"))
        x += 110
    return y + _MARGIN


def _drawn(card: _Card, x: float, y: float) -> list[str]:
    first = card.loops[0]
    colour = _BLUE if first.accepted else _COLOURS[first.certainty]
    parts = [
        f'<g transform="translate({x:.1f} {y:.1f})">',
        (
            f'<rect width="{card.width:.1f}" height="{card.height:.1f}" rx="10" fill="#fff"'
            ' stroke="#d9e2ec"/>'
        ),
        f'<circle cx="{_PADDING + 4}" cy="20" r="5" fill="{colour}"/>',
        _text(_PADDING + 16, 24, _heading(card), "head"),
    ]
    backs = 0
    total = sum(_is_back(card, ends) for ends in card.edges)
    bottom = max(point.y for point in card.places.values()) + _BOX_HEIGHT
    inside = card.inside
    for ends, edge in sorted(card.edges.items(), key=lambda item: card.colours[item[0]] != _GREY):
        parts.append(
            _edge(card, ends, edge, _Arc(bottom + _ARC * 0.6, backs, is_crowded=total > 1))
        )
        backs += _is_back(card, ends)
    parts.extend(_box(card.places[node], node, is_inside=node in inside) for node in card.nodes)
    cuts = _cut_lines(card)
    top = card.height - _PADDING - (len(cuts) - 1) * _LINE
    parts.extend(
        _text(_PADDING, top + index * _LINE, words, "small") for index, words in enumerate(cuts)
    )
    parts.append("</g>")
    return parts


def _heading(card: _Card) -> str:
    first = card.loops[0]
    functions = {name for loop in card.loops for name in loop.functions}
    said = [_counted_loops(card.loops)]
    if len(functions) > 1:
        said.append(format_count(len(functions), "function"))
    if first.accepted:
        said.append("accepted")
    else:
        said.append(_native_words([loop.native_stop for loop in card.loops]))
    if card.left_out:
        said.append(f"{format_count(card.left_out, 'more function')} not drawn")
    return ", ".join(said)


def _native_words(stops: Sequence[NativeStop]) -> str:
    what = "it" if len(stops) == 1 else "them"
    if all(one is NativeStop.NO for one in stops):
        return f"AWS does not stop {what}"
    if NativeStop.NO in stops:
        return "AWS does not stop all of them"
    if NativeStop.UNLESS_ALLOWED in stops:
        return f"AWS may stop {what}, if RecursiveLoop (not read) is not Allow"
    return f"AWS may stop {what}"


def _counted_loops(loops: Sequence[Loop]) -> str:
    certain = sum(loop.certainty is Certainty.CERTAIN for loop in loops)
    possible = sum(loop.certainty is Certainty.POSSIBLE for loop in loops)
    said = [format_count(certain, "certain loop") if certain else ""]
    said.append(format_count(possible, "possible loop") if possible else "")
    return " and ".join(filter(None, said))


def _cut_lines(card: _Card) -> list[str]:
    """What breaks the first loop, in lines of the card's width."""
    loop = card.loops[0]
    if not loop.cuts or loop.accepted:
        return []
    room = int((card.width - 2 * _PADDING) / _SMALL_TEXT)
    told = _MADE_BY_AWS.sub(r"the \1", clean(loop.cuts[0].words[0], 400))
    words = " ".join(cut_middle(one, _LONGEST_WORD) for one in told.split())
    lines = textwrap.wrap(f"Breaks it: {words}.", room)
    if len(lines) > _MOST_CUT_LINES:
        lines = [*lines[: _MOST_CUT_LINES - 1], f"{lines[_MOST_CUT_LINES - 1][: room - 3]}..."]
    return lines


def _box(at: _Point, node: Node, *, is_inside: bool) -> str:
    is_function = node.kind is NodeKind.FUNCTION
    fill = ("#fff3e0" if is_function else "#e8f0f8") if is_inside else "#f5f7fa"
    stroke = ("#f0a04b" if is_function else "#8fb0d0") if is_inside else "#cbd2d9"
    radius = 18 if is_function else 4
    middle = at.x + _BOX_WIDTH / 2
    name = cut_middle(clean(node.name, 400), _NAME_LENGTH)
    return (
        f"<g><title>{_escaped(node.arn)}</title>"
        f'<rect x="{at.x:.1f}" y="{at.y:.1f}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}"'
        f' rx="{radius}" fill="{fill}" stroke="{stroke}"/>'
        + _text(middle, at.y + 18, name, "name", "middle")
        + _text(middle, at.y + 32, node.kind.value, "kind", "middle")
        + "</g>"
    )


def _edge(card: _Card, ends: tuple[Node, Node], edge: Edge, arc: _Arc) -> str:
    source, target = (card.places[node] for node in ends)
    colour = card.colours[ends]
    width = 1.2 if colour == _GREY else 2.0
    dashes = _DASHES[edge.certainty]
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    if ends[0] == ends[1]:
        path, middle = _loop_path(source)
    elif target.x > source.x:
        path, middle = _forward_path(source, target)
    else:
        path, middle = _back_path(source, target, arc, card)
    label = cut_middle(clean(edge.label or edge.means.value, 60), _LABEL_LENGTH)
    return (
        f"<g><title>{_escaped(describe_edge(edge))} [{edge.certainty.value}]</title>"
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}'
        f' marker-end="url(#{_marker_name(colour)})"/>'
        + _text(middle.x, middle.y, label, "halo", "middle")  # not all know `paint-order`
        + _text(middle.x, middle.y, label, "label", "middle")
        + "</g>"
    )


def _forward_path(source: _Point, target: _Point) -> tuple[str, _Point]:
    """From the right of a box to the left of another one; a long line is lifted over boxes."""
    x, y = source.x + _BOX_WIDTH, source.y + _BOX_HEIGHT / 2
    end_x, end_y = target.x - 7, target.y + _BOX_HEIGHT / 2
    bend = (end_x - x) / 2
    lift = _BOX_HEIGHT + _GAP_Y if bend > _GAP_X else 0
    path = (
        f"M{x:.1f} {y:.1f} C{x + bend:.1f} {y - lift:.1f}"
        f" {end_x - bend:.1f} {end_y - lift:.1f} {end_x:.1f} {end_y:.1f}"
    )
    return path, _Point((x + end_x) / 2, (y + end_y) / 2 - 6 - lift * 0.75)


def _loop_path(at: _Point) -> tuple[str, _Point]:
    """From a box to itself, above it."""
    x, end = at.x + _BOX_WIDTH * 0.12, at.x + _BOX_WIDTH * 0.3
    top = at.y - _SELF
    path = f"M{x:.1f} {at.y:.1f} C{x:.1f} {top:.1f} {end:.1f} {top:.1f} {end:.1f} {at.y - 7:.1f}"
    return path, _Point(at.x + _BOX_WIDTH * 0.6, at.y - 7)


def _back_path(source: _Point, target: _Point, arc: _Arc, card: _Card) -> tuple[str, _Point]:
    """Back below everything; beside the column where other boxes are in the way."""
    lane = 12 + arc.number % 10 * 5
    deep = arc.depth + min(arc.number, _MOST_DEEP) * 9
    if _has_below(card, source):
        x = source.x + _BOX_WIDTH
        out, leave = x + lane, f"M{x:.1f} {source.y + _BOX_HEIGHT * 0.7:.1f}"
        leave += f" Q{out:.1f} {source.y + _BOX_HEIGHT * 0.7:.1f} {out:.1f} {source.y + 46:.1f}"
    else:
        out = source.x + _BOX_WIDTH * 0.6
        leave = f"M{out:.1f} {source.y + _BOX_HEIGHT:.1f}"
    if _has_below(card, target):
        end = target.x - lane
        side = target.y + _BOX_HEIGHT * 0.7
        arrive = f"L{end:.1f} {side + 10:.1f} Q{end:.1f} {side:.1f} {target.x - 7:.1f} {side:.1f}"
    else:
        end = target.x + _BOX_WIDTH * 0.4
        arrive = f"L{end:.1f} {target.y + _BOX_HEIGHT + 7:.1f}"
    path = (
        f"{leave} L{out:.1f} {deep - 10:.1f} Q{out:.1f} {deep:.1f} {out - 12:.1f} {deep:.1f}"
        f" L{end + 12:.1f} {deep:.1f} Q{end:.1f} {deep:.1f} {end:.1f} {deep - 10:.1f} {arrive}"
    )
    room = max(0.0, (out - end) / 2 - 50)
    shift = (arc.number % 5 - 2) / 2 * min(room, 160)
    return path, _Point((out + end) / 2 + (shift if arc.is_crowded else 0), deep + 3.5)


def _has_below(card: _Card, at: _Point) -> bool:
    return any(point.x == at.x and point.y > at.y for point in card.places.values())


def _marker(colour: str) -> str:
    return (
        f'<marker id="{_marker_name(colour)}" viewBox="0 0 8 8" refX="1" refY="4"'
        ' markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
    )


def _marker_name(colour: str) -> str:
    return f"head{colour.removeprefix('#')}"


def _stroke(x: float, y: float, colour: str, dashes: str) -> str:
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{x + 34:.0f}" y2="{y:.0f}" stroke="{colour}"'
        f' stroke-width="2"{dash}/>'
    )


def _text(x: float, y: float, words: str, kind: str, anchor: str = "") -> str:
    place = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}"{place}>{_escaped(words)}</text>'


def _escaped(words: str) -> str:
    """Text for XML, which has no way to write control characters."""
    return escape(clean(words, 1_000), quote=True)
