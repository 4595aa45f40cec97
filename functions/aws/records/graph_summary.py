"""The loops of the account, as `contain` reads them: by one GetItem, and not at every signal."""

from __future__ import annotations

import json
import threading
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from functions.aws.records.items import build_key
from functions.aws.runtime.observability import logger
from functions.domain.errors import LedgerUnavailableError
from functions.domain.graph.stored_book import book_from_json, book_to_json
from functions.domain.serialization import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from functions.aws.records.table import Table
    from functions.domain.graph.summary import LoopBook

IAM_ACTIONS: Final = frozenset({"dynamodb:GetItem"})

CHART: Final = "chart"
BOOK: Final = "book"
# A function does not begin to loop, nor stop, because `contain` knows it some minutes late.
KEPT: Final = timedelta(minutes=5)
# DynamoDB takes 400 KB an item, names and the other attributes included.
MOST_BYTES: Final = 380_000


class LoopBookStore:
    """The port `LoopBooks`.

    It never raises and never waits for a new book: whoever contains a loop does so with what is
    known, or without.

    Parameters
    ----------
    clock
        The time of day.
    kept
        For how long a book is taken for the newest one.
    """

    def __init__(
        self, table: Table, *, clock: Callable[[], datetime], kept: timedelta = KEPT
    ) -> None:
        self._kept_for = kept
        self._table = table
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: LoopBook | None = None
        self._read_at: datetime | None = None

    def load(self) -> LoopBook | None:
        """The book; ``None`` while there is none, or none that can be read."""
        with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at >= self._kept_for:
                self._kept = self._read(self._kept)
                self._read_at = now
            return self._kept

    def _read(self, before: LoopBook | None) -> LoopBook | None:
        try:
            item = self._table.get(build_key(CHART, BOOK), is_consistent=False)
        except LedgerUnavailableError as error:
            logger.warning("the book of loops cannot be read", why=str(error))
            return before
        if item is None:
            return None
        try:
            return unpack_summary(item["data"]["B"])
        except (UnreadableError, KeyError, TypeError) as error:
            logger.warning("the book of loops cannot be read", why=str(error))
            return None


def pack_summary(book: LoopBook, most_bytes: int = MOST_BYTES) -> bytes:
    """The book in bytes that fit into an item.

    Where they would not, the outlines for drawings go first. Then loops are kept without their
    words, from the last function backwards: how sure a loop is matters more than how it looks. Then
    go the reasons of what is undecided, and in the end marks of functions, those that are ruled out
    first: what has no mark is undecided. Some 60,000 functions fit before that.
    """
    shown = len(book.entries)
    while True:
        data = zlib.compress(json.dumps(book_to_json(book)).encode(), 9)
        if len(data) <= most_bytes:
            return data
        if book.outlines:
            book = replace(book, outlines={})
            continue
        if not shown:
            less = _with_fewer_marks(book)
            if less is None:
                return data
            logger.warning("the book of loops holds less than there is", functions=book.functions)
            book = less
            continue
        shown //= 2
        entries = {
            name: entry if number < shown else replace(entry, page=None)
            for number, (name, entry) in enumerate(book.entries.items())
        }
        book = replace(book, entries=entries)


def _with_fewer_marks(book: LoopBook) -> LoopBook | None:
    if book.doubts:
        return replace(book, doubts={})
    if book.ruled_out:
        return replace(book, ruled_out=book.ruled_out[: len(book.ruled_out) // 2])
    if book.possible:
        return replace(book, possible=book.possible[: len(book.possible) // 2])
    if book.certain:
        return replace(book, certain=book.certain[: len(book.certain) // 2])
    return None


def unpack_summary(data: bytes) -> LoopBook:
    """Read what `packed` wrote.

    Raises
    ------
    UnreadableError
        When it is anything else.
    """
    try:
        document = json.loads(zlib.decompress(data))
    except (ValueError, zlib.error) as error:
        raise UnreadableError(f"not a book: {error}") from error
    return book_from_json(document)
