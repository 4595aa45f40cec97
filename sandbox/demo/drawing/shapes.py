"""How a card is drawn: boxes, lines and words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from functions.domain.graph.model import Certainty, NodeKind
from functions.domain.notices.graph.text import describe_edge
from functions.domain.notices.text import clean, cut_middle
from sandbox.demo.drawing.cards import (
    ARC,
    BLUE,
    BOX_HEIGHT,
    BOX_WIDTH,
    COLOURS,
    GAP_X,
    GAP_Y,
    GREY,
    LINE,
    MOST_DEEP,
    PADDING,
    SELF,
    Arc,
    Point,
    compose_cut_lines,
    compose_heading,
    is_back,
)

if TYPE_CHECKING:
    from functions.domain.graph.model import Edge, Node
    from sandbox.demo.drawing.cards import Card

_NAME_LENGTH: Final = 21
_LABEL_LENGTH: Final = 18
DASHES: Final = {Certainty.CERTAIN: "", Certainty.POSSIBLE: "7 4"}
STYLE: Final = """
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2933}
.name{font-size:12px;font-weight:600}.kind{font-size:10px;fill:#616e7c}
.label{font-size:10.5px;fill:#323f4b}
.halo{font-size:10.5px;fill:#fff;stroke:#fff;stroke-width:5px;stroke-linejoin:round}
.head{font-size:12.5px;font-weight:600}.small{font-size:10.5px;fill:#52606d}
.title{font-size:17px;font-weight:700}
""".strip().replace("\n", "")


def draw_card(card: Card, x: float, y: float) -> list[str]:
    """Draw a card with its upper left corner here."""
    first = card.loops[0]
    colour = BLUE if first.accepted else COLOURS[first.certainty]
    parts = [
        f'<g transform="translate({x:.1f} {y:.1f})">',
        (
            f'<rect width="{card.width:.1f}" height="{card.height:.1f}" rx="10" fill="#fff"'
            ' stroke="#d9e2ec"/>'
        ),
        f'<circle cx="{PADDING + 4}" cy="20" r="5" fill="{colour}"/>',
        draw_text(PADDING + 16, 24, compose_heading(card), "head"),
    ]
    backs = 0
    total = sum(is_back(card, ends) for ends in card.edges)
    bottom = max(point.y for point in card.places.values()) + BOX_HEIGHT
    inside = card.inside
    for ends, edge in sorted(card.edges.items(), key=lambda item: card.colours[item[0]] != GREY):
        parts.append(
            _draw_edge(card, ends, edge, Arc(bottom + ARC * 0.6, backs, is_crowded=total > 1))
        )
        backs += is_back(card, ends)
    parts.extend(
        _draw_box(card.places[node], node, is_inside=node in inside) for node in card.nodes
    )
    cuts = compose_cut_lines(card)
    top = card.height - PADDING - (len(cuts) - 1) * LINE
    parts.extend(
        draw_text(PADDING, top + index * LINE, words, "small") for index, words in enumerate(cuts)
    )
    parts.append("</g>")
    return parts


def _draw_box(at: Point, node: Node, *, is_inside: bool) -> str:
    is_function = node.kind is NodeKind.FUNCTION
    fill = ("#fff3e0" if is_function else "#e8f0f8") if is_inside else "#f5f7fa"
    stroke = ("#f0a04b" if is_function else "#8fb0d0") if is_inside else "#cbd2d9"
    radius = 18 if is_function else 4
    middle = at.x + BOX_WIDTH / 2
    name = cut_middle(clean(node.name, 400), _NAME_LENGTH)
    return (
        f"<g><title>{_escape(node.arn)}</title>"
        f'<rect x="{at.x:.1f}" y="{at.y:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"'
        f' rx="{radius}" fill="{fill}" stroke="{stroke}"/>'
        + draw_text(middle, at.y + 18, name, "name", "middle")
        + draw_text(middle, at.y + 32, node.kind.value, "kind", "middle")
        + "</g>"
    )


def _draw_edge(card: Card, ends: tuple[Node, Node], edge: Edge, arc: Arc) -> str:
    source, target = (card.places[node] for node in ends)
    colour = card.colours[ends]
    width = 1.2 if colour == GREY else 2.0
    dashes = DASHES[edge.certainty]
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    if ends[0] == ends[1]:
        path, middle = _draw_loop_path(source)
    elif target.x > source.x:
        path, middle = _draw_forward_path(source, target)
    else:
        path, middle = _draw_back_path(source, target, arc, card)
    label = cut_middle(clean(edge.label or edge.means.value, 60), _LABEL_LENGTH)
    return (
        f"<g><title>{_escape(describe_edge(edge))} [{edge.certainty.value}]</title>"
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}'
        f' marker-end="url(#{_name_marker(colour)})"/>'
        + draw_text(middle.x, middle.y, label, "halo", "middle")  # not all know `paint-order`
        + draw_text(middle.x, middle.y, label, "label", "middle")
        + "</g>"
    )


def _draw_forward_path(source: Point, target: Point) -> tuple[str, Point]:
    """From the right of a box to the left of another one; a long line is lifted over boxes."""
    x, y = source.x + BOX_WIDTH, source.y + BOX_HEIGHT / 2
    end_x, end_y = target.x - 7, target.y + BOX_HEIGHT / 2
    bend = (end_x - x) / 2
    lift = BOX_HEIGHT + GAP_Y if bend > GAP_X else 0
    path = (
        f"M{x:.1f} {y:.1f} C{x + bend:.1f} {y - lift:.1f}"
        f" {end_x - bend:.1f} {end_y - lift:.1f} {end_x:.1f} {end_y:.1f}"
    )
    return path, Point((x + end_x) / 2, (y + end_y) / 2 - 6 - lift * 0.75)


def _draw_loop_path(at: Point) -> tuple[str, Point]:
    """From a box to itself, above it."""
    x, end = at.x + BOX_WIDTH * 0.12, at.x + BOX_WIDTH * 0.3
    top = at.y - SELF
    path = f"M{x:.1f} {at.y:.1f} C{x:.1f} {top:.1f} {end:.1f} {top:.1f} {end:.1f} {at.y - 7:.1f}"
    return path, Point(at.x + BOX_WIDTH * 0.6, at.y - 7)


def _draw_back_path(source: Point, target: Point, arc: Arc, card: Card) -> tuple[str, Point]:
    """Back below everything; beside the column where other boxes are in the way."""
    lane = 12 + arc.number % 10 * 5
    deep = arc.depth + min(arc.number, MOST_DEEP) * 9
    if _has_below(card, source):
        x = source.x + BOX_WIDTH
        out, leave = x + lane, f"M{x:.1f} {source.y + BOX_HEIGHT * 0.7:.1f}"
        leave += f" Q{out:.1f} {source.y + BOX_HEIGHT * 0.7:.1f} {out:.1f} {source.y + 46:.1f}"
    else:
        out = source.x + BOX_WIDTH * 0.6
        leave = f"M{out:.1f} {source.y + BOX_HEIGHT:.1f}"
    if _has_below(card, target):
        end = target.x - lane
        side = target.y + BOX_HEIGHT * 0.7
        arrive = f"L{end:.1f} {side + 10:.1f} Q{end:.1f} {side:.1f} {target.x - 7:.1f} {side:.1f}"
    else:
        end = target.x + BOX_WIDTH * 0.4
        arrive = f"L{end:.1f} {target.y + BOX_HEIGHT + 7:.1f}"
    path = (
        f"{leave} L{out:.1f} {deep - 10:.1f} Q{out:.1f} {deep:.1f} {out - 12:.1f} {deep:.1f}"
        f" L{end + 12:.1f} {deep:.1f} Q{end:.1f} {deep:.1f} {end:.1f} {deep - 10:.1f} {arrive}"
    )
    room = max(0.0, (out - end) / 2 - 50)
    shift = (arc.number % 5 - 2) / 2 * min(room, 160)
    return path, Point((out + end) / 2 + (shift if arc.is_crowded else 0), deep + 3.5)


def _has_below(card: Card, at: Point) -> bool:
    return any(point.x == at.x and point.y > at.y for point in card.places.values())


def draw_marker(colour: str) -> str:
    """Draw the head of the arrows of a colour."""
    return (
        f'<marker id="{_name_marker(colour)}" viewBox="0 0 8 8" refX="1" refY="4"'
        ' markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
    )


def _name_marker(colour: str) -> str:
    return f"head{colour.removeprefix('#')}"


def draw_stroke(x: float, y: float, colour: str, dashes: str) -> str:
    """Draw a short line of the legend."""
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x:.0f}" y1="{y:.0f}" x2="{x + 34:.0f}" y2="{y:.0f}" stroke="{colour}"'
        f' stroke-width="2"{dash}/>'
    )


def draw_text(x: float, y: float, words: str, kind: str, anchor: str = "") -> str:
    """Draw words."""
    place = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}"{place}>{_escape(words)}</text>'


def _escape(words: str) -> str:
    """Text for XML, which has no way to write control characters."""
    return escape(clean(words, 1_000), quote=True)
