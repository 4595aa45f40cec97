"""The stored event graph as containing asks for it."""

from dataclasses import replace
from typing import TYPE_CHECKING

from functions.domain.detection.arrivals import Source
from functions.domain.graph.loop_lookup import EdgeFact, LoopStatus, OnLoop
from functions.domain.graph.model import NodeKind
from functions.domain.graph.ports import LoopBooks
from functions.domain.graph.summary import Page
from functions.domain.notices.graph.outline import LoopOutline
from functions.domain.notices.graph.text import describe_doubt

if TYPE_CHECKING:
    from functions.domain.graph.summary import LoopBook

WIDEST = 68  # columns of a mail, but for the indentation


class StoredLoops:
    """The port `KnownLoops`, out of the newest book of loops.

    Parameters
    ----------
    books
        Where the book is; it reads seldom, and never raises.
    """

    def __init__(self, books: LoopBooks) -> None:
        self._books = books
        self._is_read = False
        self._book: LoopBook | None = None
        self._on: dict[str, frozenset[str]] = {}  # the functions on each loop, by its key

    def refresh(self) -> None:
        """See the port."""
        self._is_read = True
        book = self._books.load()
        if book is not self._book:
            self._book, self._on = book, _index_functions(book)

    def of(self, function: str) -> LoopStatus:
        """See the port."""
        book = self._find_book()
        if book is None:
            return LoopStatus()
        known = LoopStatus(
            proof=book.proof(function),
            not_ruled_out=tuple(map(describe_doubt, book.doubts_of(function))),
            at=book.read_at(function),
        )
        entry = book.entries.get(function)
        if entry is None or entry.page is None:
            return known
        outline = book.outlines.get(entry.page.key)
        drawn = replace(_add_drawing(known, entry.page), key=entry.page.key)
        if outline is None:
            return drawn
        steps = _list_steps(outline, function)
        return replace(drawn, steps=steps, steps_left_out=outline.length - len(steps))

    def find_sources(self, function: str) -> tuple[Source, ...]:
        """See the port."""
        book = self._find_book()
        return () if book is None else book.sources.get(function, ())

    def find_mates(self, function: str) -> frozenset[str]:
        """See the port."""
        book = self._find_book()
        page = None if book is None else book.page(function)
        return frozenset() if page is None else self._on[page.key] - {function}

    def list_on_loops(self) -> tuple[OnLoop, ...]:
        """See the port."""
        book = self._find_book()
        if book is None:
            return ()
        return tuple(
            OnLoop(
                function=name,
                proof=book.proof(name),
                loop=entry.page.key if entry.page is not None else "",
                is_stopped_by_aws=entry.page is not None and entry.page.is_protected_by_aws,
            )
            for name, entry in book.entries.items()
        )

    def _find_book(self) -> "LoopBook | None":
        """The book that was read last; in a new process it is read now.

        A hold may be judged before anything else of a run asks for the graph, and what is not read
        would pass for a loop that nobody can prove.
        """
        if not self._is_read:
            self.refresh()
        return self._book


def _index_functions(book: "LoopBook | None") -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, entry in book.entries.items() if book is not None else ():
        if entry.page is not None:
            found.setdefault(entry.page.key, set()).add(name)
    return {key: frozenset(names) for key, names in found.items()}


def _add_drawing(known: LoopStatus, page: Page) -> LoopStatus:
    accepted = "" if page.accepted is None else f"Accepted as intended: {page.accepted}"
    # A loop too long for a line is drawn from top to bottom, with the reasons at its edges.
    is_short = len(page.line) <= WIDEST
    reasons = (page.trigger, page.write) if is_short else ()
    return LoopStatus(
        proof=known.proof,
        drawing=page.line if is_short else page.drawing,
        line=page.line,
        closed_by=tuple(one for one in (*reasons, accepted) if one),
        broken_by=page.cuts[0] if page.cuts else "",
        at=known.at,
    )


def _list_steps(outline: LoopOutline, function: str) -> tuple[EdgeFact, ...]:
    """The edges of a loop, beginning with what triggers the function if none is left out."""
    steps = tuple(
        EdgeFact(
            source=source.name,
            source_kind=source.kind.value,
            target=target.name,
            target_kind=target.kind.value,
            means=source.means,
            label=source.label,
            certainty=source.certainty,
        )
        for source, target in outline.list_hops()
    )
    for number, step in enumerate(() if outline.left_out else steps):
        if step.target == function and step.target_kind == NodeKind.FUNCTION:
            return steps[number:] + steps[:number]
    return steps
