"""The book of loops, which contain reads."""

from __future__ import annotations

import json
import random
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain.detection.arrivals import Source, SourceKind, are_countable
from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.build import build
from functions.domain.graph.model import Doubt, EventGraph
from functions.domain.graph.stored_book import book_from_json, book_to_json
from functions.domain.graph.summary import MOST_PAGES, LoopBook
from functions.domain.notices.graph.svg import draw_loop_svg, draw_outline_svg
from functions.domain.serialization import UnreadableError
from tests.corpus.description import ACCOUNT, AT, REGION
from tests.examples import examples
from tests.unit.domain.graph.accounts.generated import accounts
from tests.unit.domain.graph.accounts.samples import ACCOUNTS, graph_of, many

if TYPE_CHECKING:
    from functions.domain.account.inventory import Account


def stored(book: LoopBook) -> dict[str, Any]:
    """The book as a store gives it back."""
    found: dict[str, Any] = json.loads(json.dumps(book_to_json(book)))
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(ACCOUNTS))
def test_round_trip(name: str) -> None:
    """A book comes back from JSON as it was, and says of every function what the graph says."""
    graph = graph_of(name)

    book = book_from_json(stored(LoopBook.of(graph)))

    assert LoopBook.of(graph) == book
    if not any(loop.accepted for loop in graph.loops):
        assert dict(graph.proofs) == {one: book.proof(one) for one in graph.proofs}


@given(account=accounts())
@settings(max_examples=examples(50), deadline=None)
def test_round_trip_of_any_account(account: Account) -> None:
    """Whatever the account, the book comes back as it was."""
    book = LoopBook.of(build(account))

    assert book_from_json(stored(book)) == book


def test_page() -> None:
    """A page draws the loop, names what closes it and says what breaks it."""
    page = LoopBook.of(graph_of("s3_event_bridge")).page("resize")

    assert page is not None
    assert page.line == "default ─rule uploaded▶ resize ─PutObject▶ pictures ─EventBridge▶ default"
    assert page.trigger == (
        "event bus default to resize: rule uploaded; the filter lets pass what may be written"
    )
    assert page.write == (
        'resize to bucket pictures: s3:PutObject (policy "own", statement 1);'
        " the statement names the resource"
    )
    assert page.cuts[0].startswith("Narrow the pattern of rule uploaded")
    assert not page.is_protected_by_aws


def test_sources_are_kept_where_they_tell_who_feeds_a_function() -> None:
    """By the names that CloudWatch knows; of what anybody may invoke nothing is counted."""
    book = book_from_json(stored(LoopBook.of(graph_of("dynamodb_two_functions"))))

    assert book.sources["enrich"] == (
        Source(kind=SourceKind.TABLE, name="orders", loop=LoopProof.CERTAIN),
    )
    for name in sorted(ACCOUNTS):
        graph = graph_of(name)
        for function, sources in LoopBook.of(graph).sources.items():
            assert graph.proofs[function] is not LoopProof.RULED_OUT
            assert are_countable(sources)


def test_each_function_has_its_own_page() -> None:
    """In a loop of two functions each page begins with its function's own trigger."""
    book = LoopBook.of(graph_of("dynamodb_two_functions"))

    lines = [page.line for name in ("enrich", "price") if (page := book.page(name))]

    assert lines == [
        "orders ─stream▶ enrich ─PutItem▶ priced ─stream▶ price ─UpdateItem▶ orders",
        "priced ─stream▶ price ─UpdateItem▶ orders ─stream▶ enrich ─PutItem▶ priced",
    ]


def test_an_accepted_loop_accuses_nobody() -> None:
    """A certain loop that somebody means to have is no proof of a runaway, and keeps its reason."""
    book = LoopBook.of(graph_of("accepted_by_tag"))

    page = book.page("walk")
    assert page is not None
    assert (
        book.proof("walk"),
        page.accepted,
    ) == (LoopProof.POSSIBLE, "walks a tree, ends at its leaves")


def test_unknown_functions() -> None:
    """Of a function that is newer than the graph nothing is known."""
    assert LoopBook.of(graph_of("dynamodb_other_table")).proof("new") is LoopProof.UNKNOWN


def test_why_a_loop_is_not_ruled_out() -> None:
    """A function on no loop that is not free of one either has the reasons; others have none."""
    graph = graph_of("http_api")
    book = LoopBook.of(graph)
    names = [name for name in graph.doubts if graph.doubts[name]]

    assert names
    assert [book.doubts_of(name) for name in names] == [graph.doubts[name] for name in names]
    assert book.doubts_of("new") == ()


def test_a_book_that_was_written_before_there_were_reasons() -> None:
    """It is read as it is: what it says of loops is as good as ever."""
    document = book_to_json(LoopBook.of(graph_of("http_api")))
    del document["doubts"]

    assert book_from_json(document).doubts == {}


def test_age() -> None:
    """The book says how old what it tells is."""
    book = LoopBook.of(graph_of("dynamodb_same_table"))

    assert book.age(AT + timedelta(hours=3)) == timedelta(hours=3)
    assert book.age(AT - timedelta(hours=1)) == timedelta(0)


@pytest.mark.thorough
def test_functions_beyond_the_pages_keep_their_proof() -> None:
    """More loops than a book describes are still known as certain."""
    book = LoopBook.of(build(many(MOST_PAGES + 50)))

    assert {LoopProof.CERTAIN} == {
        book.proof(f"worker-{number:05}") for number in range(MOST_PAGES + 50)
    }
    assert len(book.entries) == MOST_PAGES


@pytest.mark.thorough
def test_ten_thousand_functions_fit() -> None:
    """The book of 10,000 functions takes less than half of what a DynamoDB item holds."""
    loops = build(many(MOST_PAGES)).loops
    chance = random.Random(7)  # noqa: S311 (names, not secrets)
    names = [f"Shop-Handler{chance.getrandbits(80):020X}" for _ in range(10_000 - MOST_PAGES)]
    proofs = dict.fromkeys([name for loop in loops for name in loop.functions], LoopProof.CERTAIN)
    kinds = (LoopProof.POSSIBLE, LoopProof.RULED_OUT, LoopProof.UNKNOWN)
    proofs |= {name: kinds[index % 3] for index, name in enumerate(names)}
    reasons = ((Doubt.HTTP,), (Doubt.LOGS, Doubt.ROLE))
    unknown = [name for name, proof in proofs.items() if proof is LoopProof.UNKNOWN]
    graph = EventGraph(
        account=ACCOUNT,
        region=REGION,
        at=AT,
        loops=loops,
        proofs=proofs,
        doubts={name: reasons[index % 2] for index, name in enumerate(unknown)},
    )

    packed = zlib.compress(json.dumps(book_to_json(LoopBook.of(graph))).encode(), 9)

    assert len(packed) < 200_000


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1},
        {"functions": []},
        {"functions": {"x": 1}},
        {"functions": {"x": [7]}},
        {"functions": {"x": [0, ["too", "short"]]}},
        {"ruled_out": "*"},
        {"doubts": {"gossip": ""}},
        {"doubts": []},
        {"at": "yesterday"},
        {"gaps": None},
    ],
)
def test_unreadable_books(change: dict[str, object]) -> None:
    """A book of another shape is refused with one error, whatever is wrong with it."""
    document = {**book_to_json(LoopBook.of(graph_of("dynamodb_same_table"))), **change}

    with pytest.raises(UnreadableError):
        book_from_json(document)


@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=5)))
def test_anything_else_is_no_book(document: dict[str, object]) -> None:
    """Any other document raises the same error."""
    with pytest.raises(UnreadableError):
        book_from_json(document)


def test_gaps_are_counted() -> None:
    """The book says how much of the account could not be read."""
    book = LoopBook.of(graph_of("unseen_subscriptions"))

    assert book.gaps == 1


def test_a_loop_is_drawn_from_the_book_as_from_the_graph() -> None:
    """Beginning with the function's own trigger."""
    graph = graph_of("dynamodb_two_functions")
    book = book_from_json(stored(LoopBook.of(graph)))
    name, entry = next((name, one) for name, one in book.entries.items() if one.page)
    loop = next(one for one in graph.loops if one.key == entry.page.key)  # type: ignore[union-attr]

    outline = book.outline(name)

    assert outline is not None
    assert draw_outline_svg(outline) in {
        draw_loop_svg(loop.seen_from(one)) for one in loop.functions
    }


def test_a_book_of_an_older_version_has_no_outlines() -> None:
    """It is read all the same."""
    document = stored(LoopBook.of(graph_of("dynamodb_two_functions")))
    assert document.pop("outlines")

    book = book_from_json(document)

    assert book.entries
    assert all(book.outline(name) is None for name in book.entries)


@pytest.mark.parametrize("row", [[], ["x", 1], [0, 1, ["queue"]], [0, 1, ["no kind", "a", "b", 0]]])
def test_an_outline_of_another_shape_is_no_book(row: list[Any]) -> None:
    """As any other part of it."""
    document = stored(LoopBook.of(graph_of("dynamodb_two_functions")))
    document["outlines"] = {"key": row}

    with pytest.raises(UnreadableError):
        book_from_json(document)
