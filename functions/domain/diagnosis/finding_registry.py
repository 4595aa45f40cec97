"""The book of findings: which are open, which were closed lately, and who was told what.

`advance` is pure and may be repeated: examining the same thing twice changes nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from functions.domain.diagnosis.finding import Certainty, Examination, Finding, FindingKey
from functions.domain.notices.events.record import NoticeEvent
from functions.domain.notices.notice import Notice
from functions.domain.notices.outbox import (
    NoticeStatus,
    OutboxNotice,
    make_twin,
    replace_notice,
    shorten_outbox,
)

LISTED_EVERY: Final = timedelta(days=7)
# A finding that comes back within this time is the same one. It is told the first time it comes
# back; after that it flaps, and only the weekly list has it.
REMEMBERED: Final = timedelta(days=14)
MOST_RETURNS_TOLD: Final = 1
# The book is one item of DynamoDB, of 400 KB at most, and is written with every finding. Beyond
# these numbers it keeps what matters most, and how many there are besides.
MOST_OPEN: Final = 4_000
MOST_CLOSED: Final = 2_000
MOST_LEFT_OUT: Final = 10_000
MOST_NOTICES: Final = 40
_MARK_BYTES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFinding:
    """A finding that is not closed, in as few words as the weekly list needs.

    Attributes
    ----------
    told_causes
        All causes that people were notified of.
    returns
        How often it was closed and found again.
    """

    function: str
    entry: str
    title: str
    summary: str
    certainty: Certainty
    causes: tuple[str, ...]
    told_causes: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    returns: int = 0

    @property
    def key(self) -> FindingKey:
        """What makes it the same finding tomorrow."""
        return FindingKey(function=self.function, entry=self.entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedFinding:
    """A finding that was closed within `REMEMBERED`."""

    finding: OpenFinding
    closed_at: datetime
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingBook:
    """The record of all findings.

    Attributes
    ----------
    version
        Of the stored record; 0 for one that is not stored yet.
    listed_at
        When the weekly list was sent last, or when the first finding came into an empty book.
    left_out
        A mark of each open finding for which there is no room: a notice says how many there are.
    unsent
        Notices that were dropped since the last weekly list, because SNS took none for long.
    """

    version: int = 0
    open: tuple[OpenFinding, ...] = ()
    closed: tuple[ClosedFinding, ...] = ()
    listed_at: datetime | None = None
    outbox: tuple[OutboxNotice, ...] = ()
    left_out: tuple[str, ...] = ()
    unsent: int = 0

    def of(self, function: str) -> tuple[OpenFinding, ...]:
        """The open findings of one function."""
        return tuple(one for one in self.open if one.function == function)

    def is_list_due(self, now: datetime) -> bool:
        """Whether the weekly list is to be sent now."""
        if not self.open or self.listed_at is None:
            return False
        return now - self.listed_at >= LISTED_EVERY

    def with_notice(
        self, name: str, subject: str, body: str, event: NoticeEvent | None = None
    ) -> Self:
        """The book with a notice to be sent; one of the same name is there already or was sent."""
        if any(one.id == name for one in self.outbox):
            return self
        notice = OutboxNotice(id=name, subject=subject, body=body, twin=make_twin(event))
        every = (*self.outbox, notice)
        dropped, kept = every[:-MOST_NOTICES], every[-MOST_NOTICES:]
        unsent = sum(one.status is not NoticeStatus.SENT for one in dropped)
        return replace(self, outbox=kept, unsent=self.unsent + unsent)

    def with_notice_as(self, notice: OutboxNotice) -> Self:
        """The book with what became of a notice of its outbox."""
        return replace(self, outbox=replace_notice(self.outbox, notice))

    def without_sent(self) -> Self:
        """The book without the notices that are known to be sent, and their events settled."""
        return replace(self, outbox=tuple(one for one in self.outbox if not one.is_settled))


class ChangeKind(StrEnum):
    """What is new since the last examination."""

    NEW = "new"
    NEW_CAUSE = "new_cause"  # open already, but for a cause that nobody was notified of
    RETURNED = "returned"  # was closed lately and is back
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that people are to be notified of once.

    `finding` is ``None`` for a closed one; `new_causes` are those that nobody was notified of.
    """

    kind: ChangeKind
    record: OpenFinding
    finding: Finding | None = None
    new_causes: tuple[str, ...] = ()
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """The book after an examination, and what people are to be told."""

    book: FindingBook
    changes: tuple[Change, ...]


def advance(book: FindingBook, examinations: Iterable[Examination], now: datetime) -> Advance:
    """Enter what was examined into the book.

    A finding is closed only by an examination whose silence counts: where something could not be
    read, or the function was not examined at all, it stays as it is.
    """
    examinations = tuple(examinations)
    opened = {one.key: one for one in book.open}
    known: dict[str, list[FindingKey]] = {}
    for key in opened:
        known.setdefault(key.function, []).append(key)
    closed = {one.finding.key: one for one in book.closed if now - one.closed_at < REMEMBERED}
    changes: list[Change] = []
    for examination in examinations:
        found = {one.key: one for one in examination.findings}
        for key, finding in found.items():
            change = _enter_finding(finding, opened.get(key), closed.pop(key, None), now)
            if key not in opened:
                known.setdefault(key.function, []).append(key)
            opened[key] = change.record
            if _is_told(change):
                changes.append(change)
        for key in tuple(known.get(examination.function, ())):
            is_over = not examination.exists or key.entry in examination.complete
            if key in found or key not in opened or not is_over:
                continue
            record = opened.pop(key)
            is_deleted = not examination.exists
            closed[key] = ClosedFinding(finding=record, closed_at=now, is_deleted=is_deleted)
            if record.returns <= MOST_RETURNS_TOLD:
                changes.append(Change(kind=ChangeKind.CLOSED, record=record, is_deleted=is_deleted))
    kept = _select_most_important(opened.values(), MOST_OPEN)
    lately = sorted(closed.values(), key=lambda one: one.closed_at)[-MOST_CLOSED:]
    moved = replace(
        book,
        open=tuple(sorted(kept, key=_order)),
        closed=tuple(sorted(lately, key=lambda one: _order(one.finding))),
        listed_at=(book.listed_at or now) if opened and book.open else (now if opened else None),
        left_out=_list_left_out(book.left_out, examinations, opened, kept),
    )
    # What has no room is not reported one by one: every check would report it again.
    inside = {one.key for one in kept}
    told = (one for one in changes if one.record.key in inside or one.kind is ChangeKind.CLOSED)
    return Advance(book=moved, changes=tuple(told))


def shrink(book: FindingBook) -> FindingBook | None:
    """The book with less in it, for a store that it does not fit into; ``None`` if all is needed.

    Texts of notices are cut first, then goes what was closed, then what matters least of the rest.
    """
    outbox = shorten_outbox(book.outbox)
    if outbox is not None:
        return replace(book, outbox=outbox)
    if book.closed:
        return replace(book, closed=book.closed[(len(book.closed) + 1) // 2 :])
    if len(book.open) <= 1:
        return None
    kept = _select_most_important(book.open, len(book.open) // 2)
    known = {one.key for one in kept}
    lost = {_mark(one.key) for one in book.open if one.key not in known}
    return replace(
        book,
        open=tuple(sorted(kept, key=_order)),
        left_out=tuple(sorted({*book.left_out, *lost})[:MOST_LEFT_OUT]),
    )


def _select_most_important(findings: Iterable[OpenFinding], most: int) -> list[OpenFinding]:
    """Certain ones before possible ones, then the oldest: no finding is reported twice."""
    return sorted(findings, key=lambda one: (one.certainty is not Certainty.CERTAIN, *_order(one)))[
        :most
    ]


def _list_left_out(
    before: tuple[str, ...],
    examinations: Iterable[Examination],
    opened: Mapping[FindingKey, OpenFinding],
    kept: Iterable[OpenFinding],
) -> tuple[str, ...]:
    """The marks of what has no room, as far as it was not examined anew."""
    known = {one.key for one in kept}
    marks = {_mark(key) for key in opened if key not in known}
    if before:
        examined = {_compute_function_mark(one.function): one for one in examinations}
        inside = {_mark(key) for key in known}
        for mark in before:
            function, _, entry = mark.partition("/")
            one = examined.get(function)
            is_over = one is not None and (not one.exists or entry in one.complete)
            if not is_over and mark not in inside:
                marks.add(mark)
    return tuple(sorted(marks)[:MOST_LEFT_OUT])


def _mark(key: FindingKey) -> str:
    return f"{_compute_function_mark(key.function)}/{key.entry}"


def _compute_function_mark(function: str) -> str:
    """Few characters that do not compress: two functions in four billion share them."""
    text = function.encode(errors="backslashreplace")
    return hashlib.blake2b(text, digest_size=_MARK_BYTES).hexdigest()


def add_weekly_list(book: FindingBook, name: str, notice: Notice, now: datetime) -> FindingBook:
    """The book with the weekly list in its outbox."""
    listed = replace(book, listed_at=now, unsent=0)
    return listed.with_notice(name, notice.subject, notice.body, notice.event)


def _order(finding: OpenFinding) -> tuple[datetime, str, str]:
    return finding.first_seen, finding.function, finding.entry


def _enter_finding(
    finding: Finding, before: OpenFinding | None, closed: ClosedFinding | None, now: datetime
) -> Change:
    """The finding as it stands in the book, with what is new about it."""
    known = before or (closed.finding if closed else None)
    told = known.told_causes if known else ()
    new = set(finding.causes) - set(told)
    kind = ChangeKind.NEW if known is None else ChangeKind.NEW_CAUSE
    returns = known.returns if known else 0
    if before is None and closed is not None:
        kind, returns = ChangeKind.RETURNED, returns + 1
    is_weaker = (
        before is not None
        and before.certainty is Certainty.CERTAIN
        and finding.certainty is not Certainty.CERTAIN
    )
    record = OpenFinding(
        function=finding.function,
        entry=finding.entry,
        title=finding.title,
        summary=finding.summary,
        certainty=Certainty.CERTAIN if is_weaker else finding.certainty,
        causes=finding.causes,
        told_causes=tuple(sorted({*told, *(() if is_weaker else new)})),
        first_seen=before.first_seen if before else now,
        last_seen=max(now, before.last_seen) if before else now,
        returns=returns,
    )
    news = () if is_weaker else tuple(sorted(new))
    return Change(kind=kind, record=record, finding=finding, new_causes=news)


def _is_told(change: Change) -> bool:
    if change.kind is ChangeKind.NEW or change.new_causes:
        return True
    return change.kind is ChangeKind.RETURNED and change.record.returns <= MOST_RETURNS_TOLD
