"""Loops drawn as SVG, for pages and dashboards.

From top to bottom, so that the drawing fits a phone. It carries no script, style, id or reference,
so that many stand in one document, and takes its colour from the text around it (`currentColor`).
Certain steps are drawn through, possible ones dashed; a cross stands on what is ruled out. The
words beside them say the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import east_asian_width

from functions.domain.graph.model import Certainty, Edge, Loop, Node, NodeKind
from functions.domain.notices.graph.icons import find_icon
from functions.domain.notices.graph.text import name_node
from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import clean, cut_middle, format_count

WIDTH: Final = 300
"""Of the drawing, in pixels where it is not scaled."""

# Steps at the beginning and at the end of a loop that are drawn.
_MOST_DRAWN: Final = 8
_MOST_DESCRIBED: Final = 8
_LONGEST_NAME: Final = 54
_ROOM: Final = 28  # characters of a name on one line: the font is monospaced
_BREAKS: Final = "-_/.:"
_SHORTEST_LINE: Final = 14

_BOX: Final = 26  # left side of the boxes; what is left of it belongs to the way back
_RIGHT: Final = WIDTH - 1
_STEM: Final = 44
_TEXT: Final = 62
_BACK: Final = 9
_LINE: Final = 16
_STEP: Final = 48  # from one box to the next
_HEAD: Final = 9
_ROUND: Final = 8
_SANS: Final = "system-ui,sans-serif"
_MONO: Final = "ui-monospace,Menlo,Consolas,monospace"


@dataclass(frozen=True, slots=True)
class _Step:
    """An edge, or so many that are left out, with what it leads to; ``None`` for the way back."""

    edge: Edge | None
    left_out: int
    target: Node | None


def draw_loop_svg(loop: Loop) -> Markup:
    """Draw a loop, beginning with its first edge's source, as an ``svg`` element.

    Of a long loop the first and the last steps are drawn, and how many lie between them is said.
    """
    shapes: list[Markup] = []
    texts: list[Markup] = []
    first = loop.edges[0].source
    box = _draw_box(first, 1, shapes, texts)
    entry = (1 + box) / 2
    y = box
    for step in _list_steps(loop.edges):
        texts.append(_label_step(step, y))
        if step.target is None:
            shapes += _draw_way_back(loop.edges[-1], y, entry)
            continue
        shapes += _draw_stem(step, y)
        y = _draw_box(step.target, y + _STEP, shapes, texts)
    height = y + _STEP - _LINE
    return element(
        "svg",
        element("title", _title(loop)),
        element("desc", _describe(loop)),
        *shapes,
        element("g", *texts, fill="currentColor", stroke="none", font_size=12),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height:g}",
        width=WIDTH,
        height=height,
        role="img",
        fill="none",
        stroke="currentColor",
        stroke_width=1.5,
        font_family=_SANS,
    )


def _list_steps(edges: Sequence[Edge]) -> Iterator[_Step]:
    left_out = len(edges) - 2 * _MOST_DRAWN
    if left_out <= 1:
        drawn, left_out = edges[:-1], 0
    else:
        drawn = edges[:_MOST_DRAWN]
    for edge in drawn:
        yield _Step(edge, 0, edge.target)
    if left_out:
        ends = edges[-_MOST_DRAWN:]
        yield _Step(None, left_out, ends[0].source)
        for edge in ends[:-1]:
            yield _Step(edge, 0, edge.target)
    yield _Step(edges[-1], 0, None)


def _draw_box(node: Node, top: float, shapes: list[Markup], texts: list[Markup]) -> float:
    """Draw a node; the answer is where its box ends."""
    lines = _break_name(node)
    kind = node.kind.value
    height = 28 + _LINE * len(lines)
    is_function = node.kind is NodeKind.FUNCTION
    shapes += (
        element(
            "rect",
            x=_BOX,
            y=top,
            width=_RIGHT - _BOX,
            height=height,
            rx=10 if is_function else 3,
            fill="currentColor" if is_function else None,
            fill_opacity=0.07 if is_function else None,
            stroke_width=2 if is_function else 1,
        ),
        element(
            "path",
            d=find_icon(node.kind),
            transform=f"translate({_STEM - 9} {top + height / 2 - 9:g})",
        ),
    )
    texts.append(element("text", kind, x=_TEXT, y=top + 17))
    texts += (
        element(
            "text",
            line,
            x=_TEXT,
            y=top + 34 + _LINE * number,
            font_family=_MONO,
            font_size=13,
            font_weight=600 if is_function else None,
        )
        for number, line in enumerate(lines)
    )
    return top + height


def _draw_stem(step: _Step, top: float) -> tuple[Markup, ...]:
    """The line from one box down to the next, with its head."""
    bottom = top + _STEP
    certainty = step.edge.certainty if step.edge else Certainty.CERTAIN
    line = element(
        "path",
        d=f"M{_STEM} {top:g}V{bottom - _HEAD:g}",
        stroke_dasharray="1 5" if step.edge is None else _dash(certainty),
    )
    head = _draw_head(f"M{_STEM - 5} {bottom - _HEAD:g}h10l-5 {_HEAD}z", certainty)
    return (line, head, *_cross_out(certainty, top))


def _draw_way_back(edge: Edge, top: float, entry: float) -> tuple[Markup, ...]:
    """The line from the last box round the left side to the first one."""
    bottom = top + _STEP - _LINE - 4
    corner = f"{_ROUND} {_ROUND} 0 0 1"
    line = element(
        "path",
        d=f"M{_STEM} {top:g}V{bottom - _ROUND:g}a{corner}-{_ROUND} {_ROUND}"
        f"H{_BACK + _ROUND}a{corner}-{_ROUND}-{_ROUND}"
        f"V{entry + _ROUND:g}a{corner} {_ROUND}-{_ROUND}",
        stroke_dasharray=_dash(edge.certainty),
    )
    tip = _BOX - _HEAD
    head = _draw_head(f"M{tip} {entry - 5:g}v10l{_HEAD}-5z", edge.certainty)
    return (line, head, *_cross_out(edge.certainty, top))


def _dash(certainty: Certainty) -> str | None:
    return None if certainty is Certainty.CERTAIN else "5 4"


def _draw_head(path: str, certainty: Certainty) -> Markup:
    is_filled = certainty is Certainty.CERTAIN
    return element("path", d=path, fill="currentColor" if is_filled else None)


def _cross_out(certainty: Certainty, top: float) -> tuple[Markup, ...]:
    if certainty is not Certainty.RULED_OUT:
        return ()
    cross = f"M{_STEM - 6} {top + 9:g}l12 12m0-12l-12 12"
    return (element("path", d=cross, stroke_width=3),)


def _label_step(step: _Step, top: float) -> Markup:
    if step.edge is None:
        return element("text", format_count(step.left_out, "more step"), x=_TEXT, y=top + 27)
    label = cut_middle(_label_edge(step.edge), _ROOM)
    y = top + (19 if step.target is None else 27)
    if step.edge.certainty is Certainty.CERTAIN:
        return element("text", label, x=_TEXT, y=y)
    said = f" ({_name_certainty(step.edge)})"
    return element("text", label, element("tspan", said, font_style="italic"), x=_TEXT, y=y)


def _label_edge(edge: Edge) -> str:
    return clean(edge.label or edge.means.value, 60)


def _name_certainty(edge: Edge) -> str:
    return edge.certainty.value.replace("_", " ")


def _break_name(node: Node) -> tuple[str, ...]:
    """The name on one line or two, broken where people read a pause."""
    name = cut_middle(clean(node.name, 400), _LONGEST_NAME)
    if any(east_asian_width(one) in "WF" for one in name):
        name = cut_middle(name, _ROOM)
        half = _ROOM // 2
        return (name[:half], name[half:]) if len(name) > half else (name,)
    if len(name) <= _ROOM:
        return (name,)
    earliest = max(_SHORTEST_LINE, len(name) - _ROOM)
    at = max((name.rfind(one, earliest - 1, _ROOM) + 1 for one in _BREAKS), default=0)
    at = at if at >= earliest else _ROOM
    return name[:at], name[at:]


def _title(loop: Loop) -> str:
    names = tuple(dict.fromkeys(loop.functions))
    through = cut_middle(clean(names[0], 400), _LONGEST_NAME)
    more = f" and {format_count(len(names) - 1, 'other function')}" if len(names) > 1 else ""
    return f"Loop of {format_count(len(loop.edges), 'step')} through {through}{more}"


def _describe(loop: Loop) -> str:
    """The drawn steps for those who do not see them."""
    said = [
        f"{name_node(edge.source)} to {name_node(edge.target)}: {_label_edge(edge)},"
        f" {_name_certainty(edge)}."
        for edge in loop.edges[:_MOST_DESCRIBED]
    ]
    more = len(loop.edges) - _MOST_DESCRIBED
    return " ".join(said) + (f" And {format_count(more, 'more step')}." if more > 0 else "")
