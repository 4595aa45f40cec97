"""What contain needs to know of an event graph, small enough to be read in one call.

For functions on a loop: how sure it is, the loop drawn, what closes it and what breaks it. Of the
functions that are ruled out, of those on loops beyond what a book holds, and of those that are not
decided, with the reasons, only a fingerprint of the name is kept: of 10,000 names nothing else is
asked. All others are unknown.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from functions.domain.detection.arrivals import Source, are_countable
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import LoopStep
from functions.domain.graph.model import Certainty, Doubt, EventGraph, Loop, NodeKind
from functions.domain.notices.graph.drawing import draw_line, draw_loop
from functions.domain.notices.graph.text import (
    describe_edge,
    find_closing_trigger,
    find_leaving_write,
)
from functions.domain.notices.text import clean

MOST_PAGES: Final = 1_000  # the proofs of further functions are kept, without words and drawing
_MOST_CUTS: Final = 2
_LONGEST_WORDS: Final = 300
_LONGEST_DRAWING: Final = 1_200
MOST_STEPS: Final = 16  # of a loop, for programs
_LONGEST_NAME: Final = 150
_LONGEST_LABEL: Final = 40
FINGERPRINT_BYTES: Final = 6
_MOST_RENEWED: Final = 1_000
_MOST_FED: Final = 1_000  # functions of which the sources are kept
_MOST_SOURCES: Final = 20  # of one function
_SUREST_FIRST: Final = (LoopProof.CERTAIN, LoopProof.POSSIBLE, LoopProof.UNKNOWN)
_NOTHING: Final[Mapping[str, datetime]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One loop, in words, as seen from one function.

    Attributes
    ----------
    line
        The loop on one line; `drawing`: from top to bottom.
    trigger, write
        What closes it: how the function is triggered, and what it writes.
    cuts
        What breaks it, best first.
    accepted
        Why a person accepted it; ``None`` if nobody did.
    """

    key: str
    line: str
    drawing: str
    trigger: str
    write: str
    cuts: tuple[str, ...] = ()
    is_protected_by_aws: bool = False
    allowing: tuple[str, ...] = ()
    accepted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of a function on a loop. `page`: ``None`` where its loop was not listed."""

    proof: LoopProof
    page: Page | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOutline:
    """The edges of one loop, from wherever it begins; `count`: how many it has."""

    steps: tuple[LoopStep, ...]
    count: int

    def seen_from(self, function: str) -> tuple[LoopStep, ...]:
        """The steps, beginning with a trigger of `function` if all of them are kept."""
        for index, step in enumerate(self.steps if self.count == len(self.steps) else ()):
            if step.target == function and step.target_kind == NodeKind.FUNCTION:
                return self.steps[index:] + self.steps[:index]
        return self.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopBook:
    """The stored form of an event graph.

    Attributes
    ----------
    at
        When the account was read.
    entries
        Functions on a loop, by name.
    certain, possible
        Fingerprints of further functions on loops, of which there are too many to be told.
    ruled_out
        Fingerprints of the functions that are ruled out. All of these are in order.
    sources
        What invokes the functions that may be on a loop, by name, where everything that may feed
        such a loop is counted by CloudWatch. What an older version wrote has none.
    doubts
        Fingerprints of the functions on no loop that are not ruled out, by the reasons why: the
        names of `Doubt`, with a comma between them. What an older version wrote has none.
    outlines
        The edges of the loops of the entries, by the key of the loop, for programs. What an older
        version wrote has none.
    gaps
        How many things could not be read.
    renewed
        Functions that were changed after `at`, with the time of the change up to which they were
        read: a change is worked into the graph minutes later, the account is read by the hour.
    """

    account: str
    region: str
    at: datetime
    entries: Mapping[str, Entry]
    certain: tuple[bytes, ...] = ()
    possible: tuple[bytes, ...] = ()
    ruled_out: tuple[bytes, ...] = ()
    doubts: Mapping[str, tuple[bytes, ...]] = field(default_factory=lambda: MappingProxyType({}))
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=lambda: MappingProxyType({}))
    outlines: Mapping[str, LoopOutline] = field(default_factory=lambda: MappingProxyType({}))
    functions: int = 0
    gaps: int = 0
    renewed: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, graph: EventGraph, changed: Mapping[str, datetime] = _NOTHING) -> "LoopBook":
        """Write the book of a graph.

        Parameters
        ----------
        changed
            When the functions of the account were changed last, as it was read.
        """
        entries: dict[str, Entry] = {}
        outlines: dict[str, LoopOutline] = {}
        own: dict[str, list[Loop]] = {}
        for loop in graph.loops:
            for name in loop.functions:
                own.setdefault(name, []).append(loop)
        by_proof = sorted(own, key=lambda name: (graph.proofs[name] is not LoopProof.CERTAIN, name))
        told: dict[str, LoopProof] = dict(graph.proofs)
        # By loop: both take reading all of it, and a long one has a page for each function on it.
        read: dict[int, tuple[Certainty, str]] = {}
        for number, name in enumerate(by_proof):
            # A loop that nobody accepted says more than one that somebody did.
            best = min(own[name], key=lambda loop: loop.accepted is not None)
            certainty, key = read.get(id(best)) or read.setdefault(
                id(best), (best.certainty, best.key)
            )
            is_certain = certainty is Certainty.CERTAIN and best.accepted is None
            told[name] = LoopProof.CERTAIN if is_certain else LoopProof.POSSIBLE
            if number < MOST_PAGES:
                page = _page(best.seen_from(name), name, key)
                entries[name] = Entry(proof=told[name], page=page)
                if key not in outlines:
                    outlines[key] = _outline(best)

        def marks(proof: LoopProof) -> tuple[bytes, ...]:
            return tuple(
                sorted(
                    _compute_fingerprint(name)
                    for name, own_proof in told.items()
                    if own_proof is proof and name not in entries
                )
            )

        return cls(
            account=graph.account,
            region=graph.region,
            at=graph.at,
            entries=MappingProxyType(entries),
            certain=marks(LoopProof.CERTAIN),
            possible=marks(LoopProof.POSSIBLE),
            ruled_out=marks(LoopProof.RULED_OUT),
            doubts=_group(graph.doubts),
            sources=_select_countable(graph),
            outlines=MappingProxyType(outlines),
            functions=len(graph.proofs),
            gaps=len(graph.gaps),
            renewed=_select_newest({name: at for name, at in changed.items() if at > graph.at}),
        )

    def proof(self, function: str) -> LoopProof:
        """What is proved about a function, by name. An accepted loop accuses nobody."""
        entry = self.entries.get(function)
        if entry is not None:
            is_accepted = entry.page is not None and entry.page.accepted is not None
            return LoopProof.POSSIBLE if is_accepted else entry.proof
        mark = _compute_fingerprint(function)
        for proof, marks in (
            (LoopProof.CERTAIN, self.certain),
            (LoopProof.POSSIBLE, self.possible),
            (LoopProof.RULED_OUT, self.ruled_out),
        ):
            index = bisect_left(marks, mark)
            if index < len(marks) and marks[index] == mark:
                return proof
        return LoopProof.UNKNOWN

    def doubts_of(self, function: str) -> tuple[Doubt, ...]:
        """Why a loop of a function cannot be ruled out; nothing where that is not said."""
        mark = _compute_fingerprint(function)
        for reasons, marks in self.doubts.items():
            index = bisect_left(marks, mark)
            if index < len(marks) and marks[index] == mark:
                return tuple(map(Doubt, reasons.split(",")))
        return ()

    def read_at(self, function: str) -> datetime:
        """When a function was read: a later change of it is unknown here."""
        return max(self.at, self.renewed.get(function, self.at))

    def page(self, function: str) -> Page | None:
        """The loop of a function in words, if there is one and it was listed."""
        entry = self.entries.get(function)
        return entry.page if entry else None

    def age(self, now: datetime) -> timedelta:
        """How long ago the account was read."""
        return max(now - self.at, timedelta(0))


def _group(doubts: Mapping[str, tuple[Doubt, ...]]) -> Mapping[str, tuple[bytes, ...]]:
    found: dict[str, list[bytes]] = {}
    for name, reasons in doubts.items():
        if reasons:
            found.setdefault(",".join(sorted(reasons)), []).append(_compute_fingerprint(name))
    return MappingProxyType({key: tuple(sorted(marks)) for key, marks in sorted(found.items())})


def _select_countable(graph: EventGraph) -> Mapping[str, tuple[Source, ...]]:
    """The sources by which it can be told who feeds a function, of the surest loops first."""
    names = [
        name
        for name, proof in graph.proofs.items()
        if proof is not LoopProof.RULED_OUT
        and len(graph.sources.get(name, ())) <= _MOST_SOURCES
        and are_countable(graph.sources.get(name, ()))
    ]
    names.sort(key=lambda name: (_SUREST_FIRST.index(graph.proofs[name]), name))
    return MappingProxyType({name: graph.sources[name] for name in sorted(names[:_MOST_FED])})


def _select_newest(changed: Mapping[str, datetime]) -> Mapping[str, datetime]:
    names = sorted(changed, key=lambda name: (changed[name], name))[-_MOST_RENEWED:]
    return MappingProxyType({name: changed[name] for name in sorted(names)})


def _compute_fingerprint(name: str) -> bytes:
    """48 bits of a name: among 10,000 functions a new one has the mark of another once in 2**34."""
    return hashlib.blake2b(
        name.encode(errors="backslashreplace"), digest_size=FINGERPRINT_BYTES
    ).digest()


def _outline(loop: Loop) -> LoopOutline:
    steps = tuple(
        LoopStep(
            source=clean(edge.source.name, _LONGEST_NAME),
            source_kind=edge.source.kind.value,
            target=clean(edge.target.name, _LONGEST_NAME),
            target_kind=edge.target.kind.value,
            means=edge.means.value,
            label=clean(edge.label or edge.means.value, _LONGEST_LABEL),
            certainty=edge.certainty.value,
        )
        for edge in loop.edges[:MOST_STEPS]
    )
    return LoopOutline(steps=steps, count=len(loop.edges))


def _page(loop: Loop, first: str, key: str) -> Page:
    return Page(
        key=key,
        line=clean(draw_line(loop, first), _LONGEST_WORDS),
        drawing=_cut(draw_loop(loop, first)),
        trigger=clean(describe_edge(find_closing_trigger(loop, first)), _LONGEST_WORDS),
        write=clean(describe_edge(find_leaving_write(loop, first)), _LONGEST_WORDS),
        cuts=tuple(
            clean("; and ".join(cut.words), _LONGEST_WORDS) for cut in loop.cuts[:_MOST_CUTS]
        ),
        is_protected_by_aws=loop.is_protected_by_aws,
        allowing=loop.allowing,
        accepted=clean(loop.accepted.reason, _LONGEST_WORDS) if loop.accepted else None,
    )


def _cut(text: str) -> str:
    """Whole lines only."""
    if len(text) <= _LONGEST_DRAWING:
        return text
    return f"{text[:_LONGEST_DRAWING].rsplit(chr(10), 1)[0]}\n..."
