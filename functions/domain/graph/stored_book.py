"""The book in JSON's terms, and back.

A book of 10,000 functions has to fit into one item of DynamoDB. So loops and sources are rows
without the names of their fields, and what there are few kinds of is told by its number.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from functions.domain.detection.arrivals import Source, SourceKind
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.model import Certainty, Doubt, Means, NodeKind
from functions.domain.graph.summary import FINGERPRINT_BYTES, Entry, LoopBook, Page
from functions.domain.notices.graph.outline import LoopOutline, OutlineStep
from functions.domain.serialization import (
    Form,
    UnreadableError,
    from_json,
    from_row,
    to_json,
    to_row,
)

# Version 2 ruled out what a Deny for other buckets, or a role that is assumed, left open.
VERSION: Final = 3

# By the numbers that are stored: new ones go to the end.
_PROOFS: Final = (LoopProof.CERTAIN, LoopProof.POSSIBLE)
_LOOPS: Final = (
    LoopProof.CERTAIN,
    LoopProof.POSSIBLE,
    LoopProof.UNKNOWN,
    LoopProof.RULED_OUT,
)
_KINDS: Final = (
    SourceKind.QUEUE,
    SourceKind.TABLE,
    SourceKind.STREAM,
    SourceKind.ASYNCHRONOUS,
    SourceKind.URL,
    SourceKind.OTHER,
)
_CERTAINTIES: Final = tuple(
    one.value for one in (Certainty.CERTAIN, Certainty.POSSIBLE, Certainty.RULED_OUT)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """The fields as they are stored, in their order.

    Attributes
    ----------
    functions
        By name: the number of the proof, and the row of a `Page` if there is one.
    certain, possible, ruled_out, doubts
        Fingerprints behind each other, in base64. What an older version wrote has no doubts.
    sources
        By the name of the function: rows of `_Source`. What an older version wrote has none.
    outlines
        By the key of the loop: how many steps are left out, how many functions are on it, and for
        each step its kind, name, label, means and the number of its certainty. What an older
        version wrote has none.
    """

    version: int
    account: str
    region: str
    at: datetime
    functions: Mapping[str, tuple[Any, ...]]
    certain: str
    possible: str
    ruled_out: str
    doubts: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    count: int
    gaps: int
    renewed: Mapping[str, datetime]
    outlines: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What invokes a function. Its name is left out where it is the function's."""

    kind: int
    name: str
    loop: int


def book_to_json(book: LoopBook) -> dict[str, Any]:
    """The book as JSON can hold it."""
    stored = _Stored(
        version=VERSION,
        account=book.account,
        region=book.region,
        at=book.at,
        functions={
            name: (_PROOFS.index(entry.proof), *([to_row(entry.page)] if entry.page else []))
            for name, entry in book.entries.items()
        },
        certain=_join(book.certain),
        possible=_join(book.possible),
        ruled_out=_join(book.ruled_out),
        doubts={reasons: _join(marks) for reasons, marks in book.doubts.items()},
        sources={
            name: tuple(to_row(_number_source(one, name)) for one in sources)
            for name, sources in book.sources.items()
        },
        count=book.functions,
        gaps=book.gaps,
        renewed=book.renewed,
        outlines={key: _write_outline(one) for key, one in book.outlines.items()},
    )
    written: dict[str, Any] = to_json(stored, Form.PLAIN)
    return written


def book_from_json(document: Any) -> LoopBook:
    """Read what `book_to_json` wrote.

    Raises
    ------
    UnreadableError
        When it is anything else, such as the book of another version.
    """
    version = document.get("version") if isinstance(document, dict) else None
    if version != VERSION:
        raise UnreadableError(f"a book of version {version!r}, this code reads {VERSION}")
    stored = from_json(_Stored, document)
    try:
        return LoopBook(
            account=stored.account,
            region=stored.region,
            at=stored.at,
            entries=MappingProxyType(
                {name: _read_entry(*row) for name, row in stored.functions.items()}
            ),
            certain=_split(stored.certain),
            possible=_split(stored.possible),
            ruled_out=_split(stored.ruled_out),
            doubts=MappingProxyType(
                {
                    ",".join(Doubt(one) for one in reasons.split(",")): _split(marks)
                    for reasons, marks in stored.doubts.items()
                }
            ),
            sources=MappingProxyType(
                {
                    name: tuple(_read_source(from_row(_Source, row), name) for row in rows)
                    for name, rows in stored.sources.items()
                }
            ),
            functions=stored.count,
            gaps=stored.gaps,
            renewed=MappingProxyType(stored.renewed),
            outlines=MappingProxyType(
                {key: _read_outline(*row) for key, row in stored.outlines.items()}
            ),
        )
    except (IndexError, TypeError, ValueError) as error:
        raise UnreadableError(f"not a book: {error!r}") from error


def _read_entry(proof: int, page: Any = None) -> Entry:
    return Entry(proof=_PROOFS[proof], page=None if page is None else from_row(Page, page))


def _write_outline(outline: LoopOutline) -> tuple[Any, ...]:
    steps = (
        (
            one.kind.value,
            one.name,
            one.label,
            one.means,
            _CERTAINTIES.index(one.certainty),
        )
        for one in outline.steps
    )
    return (outline.left_out, outline.functions, *steps)


def _read_outline(left_out: int, functions: int, *steps: Any) -> LoopOutline:
    return LoopOutline(
        steps=tuple(
            OutlineStep(
                kind=NodeKind(kind),
                name=str(name),
                label=str(label),
                means=Means(means).value,
                certainty=_CERTAINTIES[certainty],
            )
            for kind, name, label, means, certainty in steps
        ),
        left_out=int(left_out),
        functions=int(functions),
    )


def _number_source(source: Source, function: str) -> _Source:
    return _Source(
        kind=_KINDS.index(source.kind),
        name="" if source.name == function else source.name,
        loop=_LOOPS.index(source.loop),
    )


def _read_source(stored: _Source, function: str) -> Source:
    return Source(kind=_KINDS[stored.kind], name=stored.name or function, loop=_LOOPS[stored.loop])


def _join(marks: tuple[bytes, ...]) -> str:
    return base64.b64encode(b"".join(marks)).decode()


def _split(stored: str) -> tuple[bytes, ...]:
    marks = base64.b64decode(stored, validate=True)
    return tuple(
        marks[index : index + FINGERPRINT_BYTES]
        for index in range(0, len(marks), FINGERPRINT_BYTES)
    )
