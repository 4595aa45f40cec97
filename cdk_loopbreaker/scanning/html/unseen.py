"""What could not be seen: gaps of the reading, and functions that are not ruled out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.domain.notices.graph.text import describe_doubt
from functions.domain.notices.markup import Markup, element
from functions.domain.notices.text import capitalize, clean, format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_loopbreaker.scanning.model import ScannedAccount
    from functions.domain.graph.model import Doubt, EventGraph

_MOST_NAMES: Final = 12
_MOST_ACTIONS: Final = 40


def list_unseen(scanned: ScannedAccount) -> tuple[Markup | str, ...]:
    """The entries of the list: doubts with their functions first, then what could not be read."""
    return (*_list_doubts(scanned.graph), *_list_counts(scanned.graph), *scanned.graph.gaps)


def write_unseen(entry: Markup | str) -> Markup:
    """An entry of the list; the words of a gap are only made one where they fit into the page."""
    if isinstance(entry, Markup):
        return entry
    return element("li", f"{capitalize(clean(entry, 400))}.")


def list_missing_actions(scanned: ScannedAccount) -> tuple[str, ...]:
    """The IAM actions that a complete reading takes, and that were refused."""
    found = sorted({gap.action for gap in scanned.account.gaps if gap.action})
    return tuple(clean(one, 80) for one in found[:_MOST_ACTIONS])


def _list_doubts(graph: EventGraph) -> Iterator[Markup]:
    names: dict[Doubt, list[str]] = {}
    for name, doubts in graph.doubts.items():
        for doubt in doubts:
            names.setdefault(doubt, []).append(name)
    for doubt, functions in sorted(names.items(), key=lambda one: (-len(one[1]), one[0])):
        shown = ", ".join(clean(one, 80) for one in functions[:_MOST_NAMES])
        more = len(functions) - _MOST_NAMES
        and_more = f" and {more:,} more" if more > 0 else ""
        yield element(
            "li",
            element("b", f"{format_count(len(functions), 'function')} not ruled out"),
            f": {describe_doubt(doubt)}.",
            element("span", f"{shown}{and_more}."),
        )


def _list_counts(graph: EventGraph) -> Iterator[Markup]:
    counts = graph.counts
    if counts.loops_unlisted:
        said = f"{format_count(counts.loops_unlisted, 'function')} on a loop that is not listed"
        yield element("li", element("b", said), ": the listed loops are the shortest.")
    if counts.unreadable_filters:
        said = f"{format_count(counts.unreadable_filters, 'filter')} could not be read"
        yield element("li", element("b", said), ": each may let pass what a loop writes.")
