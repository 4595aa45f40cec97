"""What containing knows of loops, out of the book that the chart wrote."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from functions.domain.detection.evidence import LoopProof
from functions.domain.graph.loop_lookup import NOTHING_KNOWN, LoopStatus, OnLoop
from functions.domain.graph.model import Certainty, Doubt, Means, NodeKind
from functions.domain.graph.summary import Entry, LoopBook, Page
from functions.domain.notices.graph.outline import MOST_DRAWN, LoopOutline, OutlineStep
from functions.domain.notices.graph.text import describe_doubt
from functions.workflows.detection.stored_loops import StoredLoops
from tests.fake_chart import FakeLoopBooks
from tests.unit.domain.graph.accounts.samples import graph_of

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


def _book(accepted: str | None = None) -> LoopBook:
    page = Page(
        key="k",
        line="orders ─▶ enrich ─▶ orders",
        drawing="orders\n  enrich",
        trigger="the mapping 42",
        write="statement WriteOrders",
        cuts=("take WriteOrders away", "filter"),
        accepted=accepted,
    )
    return LoopBook(
        account="123456789012",
        region="us-east-1",
        at=AT,
        entries={
            "enrich": Entry(proof=LoopProof.CERTAIN, page=page),
            "unlisted": Entry(proof=LoopProof.POSSIBLE),
        },
    )


def test_a_loop_is_known_with_what_closes_and_what_breaks_it() -> None:
    """Drawing, both ends, and the best cut."""
    loops = StoredLoops(FakeLoopBooks(_book()))
    loops.refresh()

    assert loops.of("enrich") == LoopStatus(
        proof=LoopProof.CERTAIN,
        drawing="orders ─▶ enrich ─▶ orders",
        line="orders ─▶ enrich ─▶ orders",
        closed_by=("the mapping 42", "statement WriteOrders"),
        broken_by="take WriteOrders away",
        at=AT,
        key="k",
    )


def test_the_edges_of_a_loop_begin_with_what_triggers_the_function() -> None:
    """As data, from whichever function they are asked for; a long loop says what it leaves out."""
    graph = graph_of("dynamodb_two_functions")
    book = LoopBook.of(graph)
    loops = StoredLoops(FakeLoopBooks(book))
    loops.refresh()

    for name in book.entries:
        known = loops.of(name)
        assert known.steps[0].target == known.steps[1].source == name
        assert [one.source for one in (*known.steps[1:], known.steps[0])] == [
            one.target for one in known.steps
        ]
        assert known.steps_left_out == 0
        assert known.key == graph.loops[0].key


def test_a_new_process_reads_the_graph_when_it_is_first_asked_for() -> None:
    """Whoever judges a hold first must not take a graph that nobody has read for an unknown one."""
    assert StoredLoops(FakeLoopBooks(_book())).of("enrich").proof is LoopProof.CERTAIN
    assert StoredLoops(FakeLoopBooks(_book())).find_mates("enrich") == frozenset()
    assert len(StoredLoops(FakeLoopBooks(_book())).list_on_loops()) == 2
    assert StoredLoops(FakeLoopBooks(None)).find_sources("enrich") == ()


def test_a_long_loop_counts_the_edges_that_it_leaves_out() -> None:
    """Its beginning and its end are listed, in their order."""
    outline = LoopOutline(
        steps=tuple(
            OutlineStep(
                kind=NodeKind.FUNCTION,
                name=f"f{number}",
                label="invoke",
                means=Means.PERMISSION.value,
                certainty=Certainty.CERTAIN.value,
            )
            for number in range(2 * MOST_DRAWN + 1)
        ),
        left_out=5,
    )
    loops = StoredLoops(FakeLoopBooks(replace(_book(), outlines={"k": outline})))
    loops.refresh()

    known = loops.of("enrich")

    assert (len(known.steps), known.steps_left_out) == (2 * MOST_DRAWN, 5)
    assert len(known.steps) + known.steps_left_out == outline.length
    assert known.steps[-1].target == "f0"
    assert known.steps[MOST_DRAWN - 1].target == f"f{MOST_DRAWN}"
    assert known.steps[MOST_DRAWN].source == f"f{MOST_DRAWN + 1}"


def test_why_a_loop_is_not_ruled_out_is_known() -> None:
    """Of a function on no listed loop the reasons are known, in words."""
    graph = graph_of("http_api")
    (name,) = (one for one, found in graph.doubts.items() if found)
    loops = StoredLoops(FakeLoopBooks(LoopBook.of(graph)))
    loops.refresh()

    known = loops.of(name)

    assert (known.proof, known.drawing) == (LoopProof.UNKNOWN, "")
    assert known.not_ruled_out == tuple(map(describe_doubt, graph.doubts[name]))


def test_every_doubt_has_its_words() -> None:
    """No reason is without a clause."""
    assert all(describe_doubt(one) for one in Doubt)


def test_a_long_loop_is_drawn_from_top_to_bottom() -> None:
    """Its edges say themselves why they are there."""
    book = _book()
    entry = book.entries["enrich"]
    assert entry.page is not None
    wide = replace(entry.page, line="a ─▶ b " * 20)
    loops = StoredLoops(FakeLoopBooks(replace(book, entries={"enrich": replace(entry, page=wide)})))
    loops.refresh()

    known = loops.of("enrich")

    assert (known.drawing, known.closed_by) == ("orders\n  enrich", ())


def test_an_accepted_loop_is_drawn_and_accuses_nobody() -> None:
    """People said that it is intended: it is a hint, with their reason."""
    loops = StoredLoops(FakeLoopBooks(_book("retries end after three rounds")))
    loops.refresh()

    known = loops.of("enrich")

    assert known.proof is LoopProof.POSSIBLE
    assert known.closed_by[-1] == "Accepted as intended: retries end after three rounds"


def test_a_function_that_was_read_again_is_known_as_of_then() -> None:
    """A deployment after the account was read counts as read once it was worked in."""
    later = AT + timedelta(hours=3)
    loops = StoredLoops(FakeLoopBooks(replace(_book(), renewed={"enrich": later})))
    loops.refresh()

    assert (loops.of("enrich").at, loops.of("unlisted").at) == (later, AT)


def test_a_loop_without_a_page_is_known_by_its_proof_alone() -> None:
    """In a huge account some loops are counted and not drawn."""
    loops = StoredLoops(FakeLoopBooks(_book()))
    loops.refresh()

    assert loops.of("unlisted") == LoopStatus(proof=LoopProof.POSSIBLE, at=AT)


def test_without_a_book_nothing_is_known() -> None:
    """Before the first pass, and when the ledger does not answer."""
    loops = StoredLoops(FakeLoopBooks())
    before = loops.of("enrich")
    loops.refresh()

    assert (before, loops.of("enrich")) == (NOTHING_KNOWN, NOTHING_KNOWN)


def test_asking_reads_nothing() -> None:
    """Only a refresh goes to the ledger."""
    books = FakeLoopBooks(_book())
    loops = StoredLoops(books)
    loops.refresh()
    loops.of("enrich")
    loops.of("other")

    assert books.reads == 1


def test_functions_on_the_same_loop_are_mates() -> None:
    """Each knows the others, and nobody who is on another loop or on none."""
    book = _book()
    entry = book.entries["enrich"]
    assert entry.page is not None
    other = replace(entry, page=replace(entry.page, key="other"))
    loops = StoredLoops(
        FakeLoopBooks(replace(book, entries={**book.entries, "notify": entry, "mail": other}))
    )
    loops.refresh()

    names = ("enrich", "notify", "mail", "unlisted", "nobody")
    assert [loops.find_mates(name) for name in names] == [
        {"notify"},
        {"enrich"},
        set(),
        set(),
        set(),
    ]


def test_functions_on_loops_are_named() -> None:
    """With how sure their loop is, which loop it is, and whether AWS stops it."""
    book = _book()
    entry = book.entries["enrich"]
    assert entry.page is not None
    stopped = replace(entry, page=replace(entry.page, key="q", is_protected_by_aws=True))
    entries = {**book.entries, "queue": stopped}
    loops = StoredLoops(FakeLoopBooks(replace(book, entries=entries)))
    loops.refresh()

    assert loops.list_on_loops() == (
        OnLoop(function="enrich", proof=LoopProof.CERTAIN, loop="k"),
        OnLoop(function="unlisted", proof=LoopProof.POSSIBLE),
        OnLoop(function="queue", proof=LoopProof.CERTAIN, loop="q", is_stopped_by_aws=True),
    )


def test_a_function_on_an_accepted_loop_is_no_certain_one() -> None:
    """It gives way to those on loops that nobody accepted."""
    loops = StoredLoops(FakeLoopBooks(_book(accepted="a poller")))
    loops.refresh()

    (proof,) = {one.proof for one in loops.list_on_loops() if one.function == "enrich"}
    assert proof is LoopProof.POSSIBLE
