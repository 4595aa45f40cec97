"""Loops drawn in characters, for mails and terminals."""

from typing import Final

from functions.domain.graph.model import Certainty, Edge, Loop, Node, NodeKind
from functions.domain.notices.graph.text import means, reason
from functions.domain.notices.text import clean, middle_cut

WIDTH: Final = 76
_LONGEST_NAME: Final = 48
_SHORTEST_NAME: Final = 10
# Edges at the beginning and at the end of a loop that are drawn; nobody reads a loop of 4,000.
_MOST_DRAWN: Final = 16
_ARROWS: Final = {
    Certainty.CERTAIN: ("─", "▶"),
    Certainty.POSSIBLE: ("╌", "▷"),
    Certainty.RULED_OUT: ("╌", "✕"),
}
_STEMS: Final = {
    Certainty.CERTAIN: ("│", "▼"),
    Certainty.POSSIBLE: ("┆", "▽"),
    Certainty.RULED_OUT: ("┆", "✕"),
}


def line(loop: Loop, function: str = "", limit: int = 0) -> str:
    """The loop on one line, beginning and ending with what triggers `function`.

    Names give way in their middle where the line would be longer than `limit` (0: they do not).

    >>> # orders-table ─stream▶ enrich-order ─PutItem▶ orders-table
    """
    begins, left_out, ends = _parts(loop.seen_from(function).edges)
    room = _LONGEST_NAME
    while True:
        text = _line(begins, room)
        if left_out:
            text = f"{text} ... {left_out:,} more ... {_line(ends, room)}"
        if not limit or len(text) <= limit or room <= _SHORTEST_NAME:
            return text
        room -= 1


def _parts(edges: tuple[Edge, ...]) -> tuple[tuple[Edge, ...], int, tuple[Edge, ...]]:
    """What is drawn of a loop: all of it, or its two ends with how much lies between them."""
    left_out = len(edges) - 2 * _MOST_DRAWN
    if left_out <= 1:
        return edges, 0, ()
    return edges[:_MOST_DRAWN], left_out, edges[-_MOST_DRAWN:]


def _line(edges: tuple[Edge, ...], room: int) -> str:
    parts = [_name(edges[0].source, room)]
    for edge in edges:
        body, head = _ARROWS[edge.certainty]
        parts.append(f"{body}{_label(edge)}{head} {_name(edge.target, room)}")
    return " ".join(parts)


def drawing(loop: Loop, function: str = "") -> str:
    """The loop from top to bottom, with what closes it and why: lines of at most 76 characters.

    Certain edges are drawn through, possible ones dashed; what rules an edge out is a cross.
    """
    begins, left_out, ends = _parts(loop.seen_from(function).edges)
    lines = [_titled(begins[0].source)]
    for number, edge in enumerate((*begins, *ends)):
        if left_out and number == _MOST_DRAWN:
            lines.append(f"... {left_out:,} more steps ...")
            lines.append(_titled(edge.source))
        stem, head = _STEMS[edge.certainty]
        lines.append(_fitted(f" {stem} {_label(edge)} [{_certainty(edge)}]"))
        lines.append(_fitted(f" {stem}   {means(edge)}"))
        lines.append(_fitted(f" {stem}   {reason(edge)}"))
        lines.append(_fitted(f" {head}"))
        lines.append(_titled(edge.target))
    lines[-1] = _fitted(f"{lines[-1]}  <- and round again")
    return "\n".join(lines)


def _certainty(edge: Edge) -> str:
    return edge.certainty.value.replace("_", " ")


def _label(edge: Edge) -> str:
    return clean(edge.label or edge.means.value, 40)


def _name(node: Node, room: int) -> str:
    return middle_cut(clean(node.name, 400), room)


def _titled(node: Node) -> str:
    kind = node.kind.value if node.kind is not NodeKind.SERVICE else ""
    return _fitted(f"{_name(node, _LONGEST_NAME)}  ({kind})" if kind else _name(node, WIDTH))


def _fitted(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
