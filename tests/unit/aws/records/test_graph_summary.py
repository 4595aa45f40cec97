"""The book of loops in an item: that it fits, and that what is no book is none."""

from __future__ import annotations

import json
import secrets
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.aws.records.graph_summary import MOST_BYTES, pack_summary, unpack_summary
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.model import NodeKind
from functions.domain.graph.summary import Entry, LoopBook, Page
from functions.domain.notices.graph.outline import LoopOutline, OutlineStep
from functions.domain.serialization import UnreadableError

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def book(functions: int, words: int = 10) -> LoopBook:
    """A book of so many loops, with words that nothing makes shorter."""
    page = Page(key="0" * 16, line="a ─▶ b", drawing="", trigger="", write="")
    entries = {
        f"function-{number:05}": Entry(
            proof=LoopProof.CERTAIN,
            page=Page(
                key=page.key,
                line=page.line,
                drawing=secrets.token_hex(words),
                trigger=page.trigger,
                write=page.write,
            ),
        )
        for number in range(functions)
    }
    return LoopBook(
        account="123456789012",
        region="us-east-1",
        at=NOW,
        entries=entries,
        functions=functions,
        renewed=dict.fromkeys(list(entries)[:1_000], NOW + timedelta(minutes=5)),
    )


def test_comes_back_as_it_was() -> None:
    """What is packed is unpacked."""
    told = book(20)

    assert unpack_summary(pack_summary(told)) == told


@pytest.mark.thorough
@pytest.mark.parametrize("functions", [0, 1, 1_500, 10_000])
def test_always_fits_into_an_item(functions: int) -> None:
    """However many loops there are, every proof is kept, and as many words as fit."""
    told = book(functions, words=300)
    data = pack_summary(told)
    found = unpack_summary(data)

    assert len(data) <= MOST_BYTES
    assert {name: one.proof for name, one in found.entries.items()} == {
        name: one.proof for name, one in told.entries.items()
    }
    assert (found.page("function-00000") is not None) == (functions > 0)


@pytest.mark.thorough
def test_more_functions_than_an_item_can_name() -> None:
    """Marks are left out then: what has none is undecided, and nothing else is said of it."""
    marks = tuple(sorted(secrets.token_bytes(6) for _ in range(80_000)))
    told = replace(book(1), ruled_out=marks, doubts={"http": marks[:100]}, functions=80_001)

    data = pack_summary(told)
    found = unpack_summary(data)

    assert len(data) <= MOST_BYTES
    assert found.proof("function-00000") is LoopProof.CERTAIN
    assert 0 < len(found.ruled_out) < 80_000
    assert set(found.ruled_out) <= set(marks)


@given(data=st.binary(max_size=200))
def test_anything_else_is_no_book(data: bytes) -> None:
    """Bytes of another kind are refused, whatever they are."""
    with pytest.raises(UnreadableError):
        unpack_summary(data)


@pytest.mark.parametrize("told", [[], {}, {"version": 99}, "book", None])
def test_other_documents_are_no_book(told: object) -> None:
    """A document of another shape or version is refused."""
    with pytest.raises(UnreadableError):
        unpack_summary(zlib.compress(json.dumps(told).encode()))


def test_drawings_go_before_words() -> None:
    """A book that does not fit keeps every word, as long as leaving the drawings out is enough."""
    told = book(20)
    steps = tuple(
        OutlineStep(
            kind=NodeKind.QUEUE,
            name=secrets.token_hex(60),
            label="SQS",
            means="event source mapping",
            certainty="certain",
        )
        for _ in range(10)
    )
    drawn = replace(told, outlines={"0" * 16: LoopOutline(steps=steps)})
    room = len(pack_summary(told))

    assert unpack_summary(pack_summary(drawn)) == drawn
    assert unpack_summary(pack_summary(drawn, room)) == told
