"""One loop in the page: as a card with its drawing, or as one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.domain.graph.model import Certainty, NativeStop
from functions.domain.notices.graph.native_stop import describe_native_stop
from functions.domain.notices.graph.svg import draw_loop_svg
from functions.domain.notices.graph.text import describe_means, describe_reason, name_node
from functions.domain.notices.layout import join_names
from functions.domain.notices.markup import element, join
from functions.domain.notices.text import capitalize, clean, cut_middle, format_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_loopbreaker.checking.finding import Finding
    from functions.domain.graph.model import Cut, Edge, Loop, Node
    from functions.domain.notices.markup import Markup

_MOST_STEPS: Final = 24
_MOST_CUTS: Final = 3
_MOST_TOGETHER: Final = 4
_MOST_NODES: Final = 5
_MOST_SETTINGS: Final = 6
_SHORT_NAME: Final = 32
_MOST_REASONS: Final = 2
_STOPS: Final = {
    NativeStop.NO: "AWS does not stop it",
    NativeStop.UNLESS_ALLOWED: "AWS may stop it after about 16 rounds",
    NativeStop.PROBABLY: "AWS probably stops it after about 16 rounds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopItem:
    """A loop with what the page says of it.

    Attributes
    ----------
    finding
        What the rules say of it; ``None`` for what is ruled out.
    settings
        ``RecursiveLoop`` by function name: ``Terminate`` or ``Allow``; empty where it was not read.
    """

    loop: Loop
    region: str
    settings: Mapping[str, str]
    finding: Finding | None = None


def write_open_card(item: LoopItem) -> Markup:
    """The loop as a card that shows everything at once."""
    return element(
        "article",
        element("h4", _write_title(item)),
        *_write_content(item),
        class_=f"card {item.loop.certainty.value}",
    )


def write_folded_card(item: LoopItem) -> Markup:
    """The loop as a card of which the title is shown, and the rest on demand."""
    return element(
        "details",
        element("summary", element("h4", _write_title(item))),
        *_write_content(item),
        class_=f"card {'accepted' if _is_accepted(item) else item.loop.certainty.value}",
    )


def write_line(item: LoopItem) -> Markup:
    """The loop as an entry of a list: its way, its rule, and what AWS does about it."""
    loop = item.loop
    nodes = [_shorten(edge.source) for edge in loop.edges[:_MOST_NODES]]
    if len(loop.edges) > _MOST_NODES:
        nodes.append(f"{len(loop.edges) - _MOST_NODES:,} more")
    way = " → ".join((*nodes, nodes[0]))
    first = element("code", clean(loop.functions[0], 160))
    if item.finding is None:
        reason = describe_reason(_list_weakest(loop)[0])
        return element("li", first, f": {way}; {reason}.")
    return element("li", first, f": {way}. {item.finding.rule.id}, {_STOPS[loop.native_stop]}.")


def _shorten(node: Node) -> str:
    return cut_middle(_name(node), _SHORT_NAME)


def _is_accepted(item: LoopItem) -> bool:
    return item.finding is not None and item.finding.accepted is not None


def _write_title(item: LoopItem) -> Markup:
    loop = item.loop
    names = tuple(dict.fromkeys(loop.functions))
    first = element("code", clean(names[0], 160))
    reasons = " and ".join(
        tuple(dict.fromkeys(map(describe_reason, _list_weakest(loop))))[:_MOST_REASONS]
    )
    by_way_of = f" by way of {join_names(names[1:])}" if len(names) > 1 else ""
    match loop.certainty:
        case Certainty.CERTAIN:
            return join((first, f" can invoke itself{by_way_of}"))
        case Certainty.POSSIBLE:
            return join((first, f" may be able to invoke itself{by_way_of}: {reasons}"))
        case Certainty.RULED_OUT:
            return join((first, f" does not invoke itself: {reasons}"))


def _list_weakest(loop: Loop) -> list[Edge]:
    """The edges that decide how certain the loop is."""
    return [edge for edge in loop.edges if edge.certainty is loop.certainty]


def _write_content(item: LoopItem) -> Iterator[Markup]:
    is_ruled_out = item.finding is None
    if item.finding is not None:
        yield _write_marks(item, item.finding)
        if item.finding.accepted is not None:
            accepted = item.finding.accepted
            yield element(
                "p",
                element("b", "Accepted: "),
                f"{clean(accepted.reason, 300)} ({clean(accepted.source, 200)})",
            )
    explained = [element("h5", "Its steps" if is_ruled_out else "Why"), _write_steps(item.loop)]
    if is_ruled_out:
        explained += _write_refusals(item.loop)
    else:
        explained += _write_cuts(item.loop)
        explained += _write_protection(item)
    yield element(
        "div",
        element("figure", draw_loop_svg(item.loop)),
        element("div", *explained),
        class_="columns",
    )


def _write_marks(item: LoopItem, finding: Finding) -> Markup:
    certainty = item.loop.certainty.value
    return element(
        "p",
        element("span", capitalize(certainty), class_="mark state"),
        " ",
        element("span", _STOPS[item.loop.native_stop], class_="mark"),
        " ",
        element("span", f"{finding.rule.id} {clean(finding.fingerprint, 16)}", class_="mark id"),
        class_="marks",
    )


def _write_steps(loop: Loop) -> Markup:
    left_out = len(loop.edges) - _MOST_STEPS
    steps = [_write_step(edge) for edge in loop.edges[:_MOST_STEPS]]
    if left_out > 0:
        steps.append(
            element("li", f"And {format_count(left_out, 'more step')}: the JSON report has all.")
        )
    return element("ol", *steps, class_="steps")


def _write_step(edge: Edge) -> Markup:
    ends = f"{_name(edge.source)} → {_name(edge.target)}"
    means = describe_means(edge)
    if not edge.actions:  # the name of an action begins with a small letter
        means = capitalize(means)
    said = element("span", f"{means}; {describe_reason(edge)}.")
    if edge.certainty is Certainty.CERTAIN:
        return element("li", ends, said)
    return element("li", ends, " ", element("em", edge.certainty.value.replace("_", " ")), said)


def _name(node: Node) -> str:
    return name_node(node) if node.name.strip() else node.kind.value


def _write_refusals(loop: Loop) -> Iterator[Markup]:
    yield element("h5", "What rules it out")
    yield element("ul", *(_write_step(edge) for edge in _list_weakest(loop)), class_="steps")


def _write_cuts(loop: Loop) -> Iterator[Markup]:
    yield element("h5", "What breaks it")
    if not loop.cuts:
        yield element("p", "Any of the steps, taken away.")
        return
    shown = loop.cuts[:_MOST_CUTS]
    if len(shown) > 1:
        yield element("p", "Any one of these:")
    yield element("ul", *(element("li", f"{_join_words(cut)}.{_count(cut)}") for cut in shown))


def _join_words(cut: Cut) -> str:
    more = len(cut.words) - _MOST_TOGETHER
    shown = [clean(one, 600) for one in cut.words[:_MOST_TOGETHER]]
    if more > 0:
        shown.append(f"{format_count(more, 'more change')} of the JSON report")
    return "; and ".join(shown)


def _count(cut: Cut) -> str:
    if cut.loops <= 1:
        return ""
    return f" This breaks {cut.loops_broken:,} of the {cut.loops:,} loops that hang together here."


def _write_protection(item: LoopItem) -> Iterator[Markup]:
    yield element("h5", "Would AWS stop it")
    yield element("p", describe_native_stop(item.loop, item.region))
    names = tuple(dict.fromkeys(item.loop.functions))
    said = [
        f"{clean(name, 160)} {item.settings.get(name) or 'not read'}"
        for name in names[:_MOST_SETTINGS]
    ]
    more = len(names) - len(said)
    if more > 0:
        said.append(f"and {more:,} more")
    yield element("p", f"RecursiveLoop: {', '.join(said)}.", class_="small")
