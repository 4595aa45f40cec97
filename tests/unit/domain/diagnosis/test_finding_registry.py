"""The book of findings: told once, closed only by a look that counts, and no flapping."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.diagnosis.finding import Certainty, Examination, Finding
from functions.domain.diagnosis.finding_registry import (
    LISTED_EVERY,
    MOST_NOTICES,
    MOST_OPEN,
    REMEMBERED,
    ChangeKind,
    FindingBook,
    add_weekly_list,
    advance,
    shrink,
)
from functions.domain.notices.notice import Notice
from tests.unit.domain.diagnosis.samples import NOW

DAY = timedelta(days=1)
EMPTY = FindingBook()
LIST = Notice(subject="subject", body="body")


def finding(
    function: str = "orders",
    entry: str = "no_logs",
    causes: tuple[str, ...] = ("a",),
    certainty: Certainty = Certainty.CERTAIN,
) -> Finding:
    """A finding of some entry."""
    return Finding(
        function=function,
        entry=entry,
        title="logs do not appear",
        certainty=certainty,
        summary=f"{function} is invoked and logs nothing.",
        causes=causes,
        evidence=(),
        remedies=(),
        page="",
    )


def sick(*found: Finding) -> Examination:
    """A full look that found something."""
    return Examination(
        function=found[0].function, findings=found, complete=frozenset({"no_logs", "too_slow"})
    )


WELL = Examination(function="orders", complete=frozenset({"no_logs", "too_slow"}))
BLIND = Examination(function="orders")
GONE = Examination(function="orders", exists=False)


def kinds(book: FindingBook, examination: Examination, now: datetime) -> list[ChangeKind]:
    """What is told of one examination."""
    return [one.kind for one in advance(book, (examination,), now).changes]


def after(*examinations: Examination) -> FindingBook:
    """The book after one examination a day, the last of them yesterday."""
    book = EMPTY
    for age, examination in zip(range(len(examinations), 0, -1), examinations, strict=True):
        book = advance(book, (examination,), NOW - age * DAY).book
    return book


def test_a_new_finding_is_told_once() -> None:
    """The second look at the same thing tells nothing."""
    first = advance(EMPTY, (sick(finding()),), NOW)
    again = advance(first.book, (sick(finding()),), NOW + DAY)

    assert [one.kind for one in first.changes] == [ChangeKind.NEW]
    assert again.changes == ()
    (record,) = again.book.open
    assert (record.first_seen, record.last_seen) == (NOW, NOW + DAY)


def test_a_cause_that_is_gone_closes_the_finding_and_is_told_once() -> None:
    """A full look without the finding closes it; the next one says nothing more."""
    closed = advance(after(sick(finding())), (WELL,), NOW)

    assert [one.kind for one in closed.changes] == [ChangeKind.CLOSED]
    assert closed.book.open == ()
    assert kinds(closed.book, WELL, NOW + DAY) == []


@pytest.mark.parametrize("unseen", [BLIND, replace(WELL, function="other")])
def test_what_was_not_examined_stays_open(unseen: Examination) -> None:
    """Neither a look that could not see, nor one at another function, closes anything."""
    moved = advance(after(sick(finding())), (unseen,), NOW)

    assert moved.changes == ()
    assert [one.entry for one in moved.book.open] == ["no_logs"]


def test_a_deleted_function_closes_its_findings() -> None:
    """A function that is gone has nothing open, and its findings are said to be over."""
    (change,) = advance(after(sick(finding())), (GONE,), NOW).changes

    assert (change.kind, change.is_deleted) == (ChangeKind.CLOSED, True)


def test_a_new_cause_of_an_open_finding_is_told() -> None:
    """Another caller, another trigger: told once more, and then known."""
    book = after(sick(finding()))
    moved = advance(book, (sick(finding(causes=("a", "b"))),), NOW)

    assert [(one.kind, one.new_causes) for one in moved.changes] == [(ChangeKind.NEW_CAUSE, ("b",))]
    assert kinds(moved.book, sick(finding(causes=("a", "b"))), NOW + DAY) == []
    assert kinds(moved.book, sick(finding(causes=("a",))), NOW + DAY) == []


def test_a_less_certain_variant_of_a_known_finding_is_no_news() -> None:
    """After the rights came back the silence may last until the next event: not told again."""
    likely = finding(causes=("unexplained",), certainty=Certainty.LIKELY)
    moved = advance(after(sick(finding())), (sick(likely),), NOW)

    assert moved.changes == ()
    assert moved.book.open[0].certainty is Certainty.CERTAIN


def test_a_finding_that_comes_back_is_told_once_and_then_only_listed() -> None:
    """Back for the first time: told. After that it flaps, and closing and return are silent."""
    once = after(sick(finding()), WELL)
    back = advance(once, (sick(finding()),), NOW)
    over = advance(back.book, (WELL,), NOW + DAY)
    flapping = advance(over.book, (sick(finding()),), NOW + 2 * DAY)

    assert [one.kind for one in back.changes] == [ChangeKind.RETURNED]
    assert [one.kind for one in over.changes] == [ChangeKind.CLOSED]
    assert flapping.changes == ()
    assert flapping.book.open[0].returns == 2
    assert kinds(flapping.book, WELL, NOW + 3 * DAY) == []


def test_a_finding_of_long_ago_is_new_again() -> None:
    """What was closed before `REMEMBERED` is forgotten."""
    closed = advance(after(sick(finding())), (WELL,), NOW).book
    later = advance(closed, (WELL,), NOW + REMEMBERED).book

    assert later.closed == ()
    assert kinds(later, sick(finding()), NOW + REMEMBERED + DAY) == [ChangeKind.NEW]


def test_the_list_comes_a_week_after_the_first_finding_and_weekly_then() -> None:
    """An empty book has no list; the first week's notices are young enough."""
    book = advance(EMPTY, (sick(finding()),), NOW).book

    assert not EMPTY.is_list_due(NOW)
    assert not book.is_list_due(NOW + LISTED_EVERY - DAY)
    assert book.is_list_due(NOW + LISTED_EVERY)
    told = add_weekly_list(book, "list", LIST, NOW + LISTED_EVERY)
    assert not told.is_list_due(NOW + LISTED_EVERY + DAY)
    assert [one.id for one in told.outbox] == ["list"]
    assert not advance(book, (WELL,), NOW + DAY).book.is_list_due(NOW + LISTED_EVERY)


def test_notices_are_forgotten_once_they_are_sent() -> None:
    """The outbox of the book keeps what is not known to be sent, and takes a name once."""
    book = EMPTY.with_notice("a", "s", "b").with_notice("a", "s", "b").with_notice("c", "s", "b")
    sent = book.with_notice_as(book.outbox[0].sent()).without_sent()

    assert [one.id for one in book.outbox] == ["a", "c"]
    assert [one.id for one in sent.outbox] == ["c"]


FINDINGS = st.builds(
    finding,
    function=st.sampled_from(["orders", "other"]),
    entry=st.sampled_from(["no_logs", "too_slow", "no_traces"]),
    causes=st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True).map(tuple),
    certainty=st.sampled_from(Certainty),
)
EXAMINATIONS = st.lists(FINDINGS, max_size=3).flatmap(
    lambda found: st.builds(
        Examination,
        function=st.just("orders"),
        findings=st.just(
            tuple({one.entry: one for one in found if one.function == "orders"}.values())
        ),
        complete=st.sets(st.sampled_from(["no_logs", "too_slow", "no_traces"])).map(frozenset),
        exists=st.just(True),  # noqa: FBT003 - a strategy of one value
    )
)


@given(st.lists(EXAMINATIONS, max_size=6))
def test_advancing_twice_equals_advancing_once(examinations: list[Examination]) -> None:
    """Whatever was seen before, seeing the same thing again at once changes and tells nothing."""
    book = EMPTY
    for age, examination in enumerate(examinations):
        now = NOW + age * DAY
        book = advance(book, (examination,), now).book
        again = advance(book, (examination,), now)

        assert again.changes == ()
        assert again.book == book


@given(st.lists(EXAMINATIONS, max_size=8))
def test_no_finding_is_closed_unless_its_absence_was_seen(examinations: list[Examination]) -> None:
    """A finding leaves the open ones only by a complete look in which it is not."""
    book = EMPTY
    for age, examination in enumerate(examinations):
        before = {one.entry for one in book.open}
        book = advance(book, (examination,), NOW + age * DAY).book
        found = {one.entry for one in examination.findings}

        now_open = {one.entry for one in book.open}
        assert now_open == found | (before - examination.complete)


# -- more than a book holds


def many(count: int, certainty: Certainty = Certainty.LIKELY) -> list[Examination]:
    """Examinations of as many functions, each with one finding."""
    return [sick(finding(f"f{number:05}", certainty=certainty)) for number in range(count)]


@pytest.mark.thorough
def test_a_book_of_more_findings_than_it_holds() -> None:
    """What matters most is kept, and how many there are besides; only what is kept is told."""
    urgent = sick(finding("urgent"))
    moved = advance(EMPTY, [*many(MOST_OPEN + 10), urgent], NOW)

    assert len(moved.book.open) == MOST_OPEN
    assert moved.book.of("urgent")
    assert len(moved.book.left_out) == 11
    assert {one.record.key for one in moved.changes} == {one.key for one in moved.book.open}


@pytest.mark.thorough
def test_what_has_no_room_is_not_told_again_and_again() -> None:
    """The same look the next day tells nothing, and counts the same findings once."""
    first = advance(EMPTY, many(MOST_OPEN + 10), NOW)

    again = advance(first.book, many(MOST_OPEN + 10), NOW + DAY)

    assert again.changes == ()
    assert again.book.left_out == first.book.left_out


@pytest.mark.thorough
def test_what_had_no_room_is_told_once_there_is() -> None:
    """A finding that is resolved makes room for one that was not listed."""
    full = advance(EMPTY, many(MOST_OPEN + 1), NOW).book
    well = Examination(function="f00000", complete=frozenset({"no_logs"}))
    freed = advance(full, [well], NOW + DAY).book

    moved = advance(freed, many(MOST_OPEN + 1)[1:], NOW + 2 * DAY)

    assert [one.kind for one in moved.changes] == [ChangeKind.NEW]
    assert moved.book.left_out == ()


@pytest.mark.thorough
def test_what_had_no_room_and_is_over_is_not_counted() -> None:
    """A function that is well, or gone, is not among those that are not listed."""
    full = advance(EMPTY, many(MOST_OPEN + 2), NOW).book
    last = [f"f{MOST_OPEN + number:05}" for number in range(2)]

    well = Examination(function=last[0], complete=frozenset({"no_logs"}))
    moved = advance(full, [well, Examination(function=last[1], exists=False)], NOW + DAY)

    assert len(full.left_out) == 2
    assert moved.book.left_out == ()


def test_notices_that_cannot_be_sent_are_dropped_with_a_count() -> None:
    """The oldest go; those that were sent are not counted."""
    book = EMPTY.with_notice("first", "s", "b")
    book = book.with_notice_as(book.outbox[0].sent())
    for number in range(MOST_NOTICES + 4):
        book = book.with_notice(str(number), "s", "b")

    assert len(book.outbox) == MOST_NOTICES
    assert book.unsent == 4
    assert add_weekly_list(book, "list", LIST, NOW).unsent <= 1


@pytest.mark.thorough
def test_a_book_becomes_smaller_until_it_fits_anywhere() -> None:
    """Texts go first, then what is closed, then what matters least; one finding stays."""
    book: FindingBook | None = advance(EMPTY, many(9), NOW).book
    assert book is not None
    book = book.with_notice("a", "subject", "x" * 10_000)
    sizes = []
    while book is not None:
        sizes.append((len(book.outbox[0].body), len(book.open), len(book.left_out)))
        book = shrink(book)

    assert sizes[0] == (10_000, 9, 0)
    assert sizes[-1] == (2_000, 1, 8)
