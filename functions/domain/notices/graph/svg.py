"""Loops drawn as SVG, for pages and dashboards.

From top to bottom, so that the drawing fits a phone. It carries no script, style, id or reference,
so that many stand in one document, and takes its colour from the text around it (`currentColor`).
Certain steps are drawn through, possible ones dashed; a cross stands on what is ruled out. The
words beside them say the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from unicodedata import east_asian_width

from functions.domain.graph.model import Certainty, Loop, Node, NodeKind
from functions.domain.notices.graph.icons import find_icon
from functions.domain.notices.graph.outline import (
    MOST_DRAWN,
    LoopOutline,
    OutlineStep,
    outline_loop,
)
from functions.domain.notices.graph.text import name_node
from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import clean, cut_middle, format_count

WIDTH: Final = 300
"""Of the drawing, in pixels where it is not scaled."""

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

    edge: OutlineStep | None
    left_out: int
    target: OutlineStep | None


def draw_loop_svg(loop: Loop) -> Markup:
    """Draw a loop, beginning with its first edge's source, as an ``svg`` element.

    Of a long loop the first and the last steps are drawn, and how many lie between them is said.
    """
    return draw_outline_svg(outline_loop(loop))


def draw_outline_svg(outline: LoopOutline) -> Markup:
    """Draw the outline of a loop; see `draw_loop_svg`."""
    shapes: list[Markup] = []
    texts: list[Markup] = []
    box = _draw_box(outline.steps[0], 1, shapes, texts)
    entry = (1 + box) / 2
    y = box
    for step in _list_steps(outline):
        texts.append(_label_step(step, y))
        if step.target is None:
            shapes += _draw_way_back(outline.steps[-1], y, entry)
            continue
        shapes += _draw_stem(step, y)
        y = _draw_box(step.target, y + _STEP, shapes, texts)
    height = y + _STEP - _LINE
    return element(
        "svg",
        element("title", _title(outline)),
        element("desc", _describe(outline)),
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


def _list_steps(outline: LoopOutline) -> Iterator[_Step]:
    steps = outline.steps
    for number, (step, target) in enumerate(pairwise(steps)):
        if outline.left_out and number == MOST_DRAWN:
            yield _Step(None, outline.left_out, target)
        else:
            yield _Step(step, 0, target)
    yield _Step(steps[-1], 0, None)


def _draw_box(node: OutlineStep, top: float, shapes: list[Markup], texts: list[Markup]) -> float:
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
    certainty = step.edge.certainty if step.edge else Certainty.CERTAIN.value
    line = element(
        "path",
        d=f"M{_STEM} {top:g}V{bottom - _HEAD:g}",
        stroke_dasharray="1 5" if step.edge is None else _dash(certainty),
    )
    head = _draw_head(f"M{_STEM - 5} {bottom - _HEAD:g}h10l-5 {_HEAD}z", certainty)
    return (line, head, *_cross_out(certainty, top))


def _draw_way_back(edge: OutlineStep, top: float, entry: float) -> tuple[Markup, ...]:
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


def _dash(certainty: str) -> str | None:
    return None if certainty == Certainty.CERTAIN else "5 4"


def _draw_head(path: str, certainty: str) -> Markup:
    is_filled = certainty == Certainty.CERTAIN
    return element("path", d=path, fill="currentColor" if is_filled else None)


def _cross_out(certainty: str, top: float) -> tuple[Markup, ...]:
    if certainty != Certainty.RULED_OUT:
        return ()
    cross = f"M{_STEM - 6} {top + 9:g}l12 12m0-12l-12 12"
    return (element("path", d=cross, stroke_width=3),)


def _label_step(step: _Step, top: float) -> Markup:
    if step.edge is None:
        return element("text", format_count(step.left_out, "more step"), x=_TEXT, y=top + 27)
    label = cut_middle(step.edge.label, _ROOM)
    y = top + (19 if step.target is None else 27)
    if step.edge.certainty == Certainty.CERTAIN:
        return element("text", label, x=_TEXT, y=y)
    said = f" ({_name_certainty(step.edge)})"
    return element("text", label, element("tspan", said, font_style="italic"), x=_TEXT, y=y)


def _name_certainty(edge: OutlineStep) -> str:
    return edge.certainty.replace("_", " ")


def _break_name(node: OutlineStep) -> tuple[str, ...]:
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


def _title(outline: LoopOutline) -> str:
    names = [one.name for one in outline.steps if one.kind is NodeKind.FUNCTION]
    through = f" through {cut_middle(clean(names[0], 400), _LONGEST_NAME)}" if names else ""
    others = outline.functions - 1
    more = f" and {format_count(others, 'other function')}" if others > 0 else ""
    return f"Loop of {format_count(outline.length, 'step')}{through}{more}"


def _describe(outline: LoopOutline) -> str:
    """The drawn steps for those who do not see them."""
    steps = outline.steps
    said = [
        f"{_name_step(step)} to {_name_step(target)}: {step.label}, {_name_certainty(step)}."
        for step, target in zip(steps, (*steps[1:], steps[0]), strict=True)
    ][:_MOST_DESCRIBED]
    more = outline.length - _MOST_DESCRIBED
    return " ".join(said) + (f" And {format_count(more, 'more step')}." if more > 0 else "")


def _name_step(step: OutlineStep) -> str:
    return name_node(Node(step.kind, "", step.name))
