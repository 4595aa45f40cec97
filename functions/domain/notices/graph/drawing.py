"""Loops drawn in characters, for mails and terminals."""

from typing import Final

from functions.domain.graph.model import Certainty, Edge, Loop, Node, NodeKind
from functions.domain.notices.graph.text import describe_means, describe_reason
from functions.domain.notices.text import clean, cut_middle

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


def draw_line(loop: Loop, function: str = "", limit: int = 0) -> str:
    """Draw the loop on one line, beginning and ending with what triggers `function`.

    Names give way in their middle where the line would be longer than `limit` (0: they do not).

    orders-table ─stream▶ enrich-order ─PutItem▶ orders-table
    """
    begins, left_out, ends = _split_ends(loop.seen_from(function).edges)
    room = _LONGEST_NAME
    while True:
        text = _draw_edges(begins, room)
        if left_out:
            text = f"{text} ... {left_out:,} more ... {_draw_edges(ends, room)}"
        if not limit or len(text) <= limit or room <= _SHORTEST_NAME:
            return text
        room -= 1


def _split_ends(edges: tuple[Edge, ...]) -> tuple[tuple[Edge, ...], int, tuple[Edge, ...]]:
    """Choose what is drawn of a loop: all, or its two ends and how much lies between them."""
    left_out = len(edges) - 2 * _MOST_DRAWN
    if left_out <= 1:
        return edges, 0, ()
    return edges[:_MOST_DRAWN], left_out, edges[-_MOST_DRAWN:]


def _draw_edges(edges: tuple[Edge, ...], room: int) -> str:
    parts = [_shorten_name(edges[0].source, room)]
    for edge in edges:
        body, head = _ARROWS[edge.certainty]
        parts.append(f"{body}{_label_edge(edge)}{head} {_shorten_name(edge.target, room)}")
    return " ".join(parts)


def draw_loop(loop: Loop, function: str = "") -> str:
    """Draw the loop from top to bottom, with what closes it and why, 76 characters wide.

    Certain edges are drawn through, possible ones dashed; what rules an edge out is a cross.
    """
    begins, left_out, ends = _split_ends(loop.seen_from(function).edges)
    lines = [_title_node(begins[0].source)]
    for number, edge in enumerate((*begins, *ends)):
        if left_out and number == _MOST_DRAWN:
            lines.append(f"... {left_out:,} more steps ...")
            lines.append(_title_node(edge.source))
        stem, head = _STEMS[edge.certainty]
        lines.append(_fit(f" {stem} {_label_edge(edge)} [{_name_certainty(edge)}]"))
        lines.append(_fit(f" {stem}   {describe_means(edge)}"))
        lines.append(_fit(f" {stem}   {describe_reason(edge)}"))
        lines.append(_fit(f" {head}"))
        lines.append(_title_node(edge.target))
    lines[-1] = _fit(f"{lines[-1]}  <- and round again")
    return "\n".join(lines)


def _name_certainty(edge: Edge) -> str:
    return edge.certainty.value.replace("_", " ")


def _label_edge(edge: Edge) -> str:
    return clean(edge.label or edge.means.value, 40)


def _shorten_name(node: Node, room: int) -> str:
    return cut_middle(clean(node.name, 400), room)


def _title_node(node: Node) -> str:
    kind = node.kind.value if node.kind is not NodeKind.SERVICE else ""
    return _fit(
        f"{_shorten_name(node, _LONGEST_NAME)}  ({kind})" if kind else _shorten_name(node, WIDTH)
    )


def _fit(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
