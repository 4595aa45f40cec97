"""Findings and remediations in the ledger's table, beside the incidents.

=================  ===============================  ================================================
pk                 sk                               item
=================  ===============================  ================================================
diagnosis          book                             the book of findings
diagnosis          progress                         how far the round over all functions has come
touched            <function>, role/<role>          what was changed since the last round; 14 days
                                                    (TTL)
denial             <function>#<principal>           a denied invocation that CloudTrail told of;
                                                    14 days (TTL)
treatment          <function>#<entry>               the newest remediation, open or closed; a
                                                    closed one stays for 400 days (TTL)
=================  ===============================  ================================================

Records are JSON, compressed: an account with hundreds of findings fits into one item, and whoever
writes the book writes all of it or nothing.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import datetime  # noqa: TC003 - `records` reads the hints
from typing import TYPE_CHECKING, Final, TypeVar

from functions.aws.records.diagnosis_marks import MARKS_KEPT, TOUCHED, DiagnosisMarks
from functions.aws.records.items import build_key, fits, pack, read_text, unpack, write_expiry
from functions.aws.records.table import MARK, is_marked
from functions.aws.records.writes import NEW, Compare, Delete, PutItem
from functions.aws.runtime.observability import logger
from functions.domain.diagnosis.facts import DeniedCall
from functions.domain.diagnosis.finding_registry import FindingBook, shrink
from functions.domain.diagnosis.record import BOOK_RECORD, REMEDIATION_RECORD
from functions.domain.diagnosis.triage import Progress
from functions.domain.errors import StaleIncidentError
from functions.domain.incidents.incident import KEPT_AFTER_CLOSE
from functions.domain.notices.outbox import shorten_outbox
from functions.domain.record_format import UnreadableRecordError, dump_json
from functions.domain.serialization import Form, UnreadableError, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from functions.aws.records.items import Item
    from functions.aws.records.table import Table
    from functions.domain.diagnosis.remediation import Remediation

IAM_ACTIONS: Final = frozenset(
    {
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
    }
)

TRACES_KEPT: Final = MARKS_KEPT
# Of what outsiders can make any number of, by calls that are denied.
MOST_TOUCHED: Final = 5_000
MOST_DENIALS: Final = 20_000

_DIAGNOSIS: Final = "diagnosis"
_BOOK: Final = "book"
_PROGRESS: Final = "progress"
_DENIAL: Final = "denial"
_REMEDIATION: Final = "treatment"
_SEPARATOR: Final = "#"  # no name of a function and no entry holds it

_T = TypeVar("_T")


class DiagnosisStore:
    """The port `RemediationStore`, and what the runs themselves must remember."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # -- the book of findings --------------------------------------------------------------------

    def read_findings(self) -> FindingBook:
        """See the port."""
        item = self._table.get(build_key(_DIAGNOSIS, _BOOK))
        return FindingBook() if item is None else BOOK_RECORD.load(unpack(item, "record"))

    def save_book(self, book: FindingBook) -> FindingBook:
        """See the port."""
        written = replace(book, version=book.version + 1)
        key = build_key(_DIAGNOSIS, _BOOK)
        while (record := BOOK_RECORD.dump(written)) and not fits(record):
            less = shrink(written)
            if less is None:
                break
            written = less
        if written.left_out:
            logger.warning("findings without room in the book", count=len(written.left_out))
        self._put(key, record, book.version, "the book of findings")
        return written

    # -- remediations ------------------------------------------------------------------------------

    def open(self, remediation: Remediation) -> Remediation:
        """See the port.

        Raises
        ------
        StaleIncidentError
            When somebody else writes the same remediation at the same moment.
        """
        stored = self.find(remediation.function, remediation.entry)
        if stored is not None and (stored.id == remediation.id or not stored.is_closed):
            return stored
        base = 0 if stored is None else stored.version
        written = _shorten_to_fit(replace(remediation, version=base + 1))
        key = _build_remediation_key(remediation)
        self._put(key, REMEDIATION_RECORD.dump(written), base, f"remediation {remediation.id}")
        return written

    def save(self, remediation: Remediation) -> Remediation:
        """See the port."""
        written = _shorten_to_fit(replace(remediation, version=remediation.version + 1))
        expires = remediation.closed_at + KEPT_AFTER_CLOSE if remediation.closed_at else None
        self._put(
            _build_remediation_key(remediation),
            REMEDIATION_RECORD.dump(written),
            remediation.version,
            f"remediation {remediation.id}",
            expires=expires,
        )
        return written

    def find(self, function: str, entry: str) -> Remediation | None:
        """See the port."""
        item = self._table.get(build_key(_REMEDIATION, f"{function}{_SEPARATOR}{entry}"))
        return None if item is None else REMEDIATION_RECORD.load(unpack(item, "record"))

    def read_remediations(self, functions: Sequence[str] = ()) -> tuple[Remediation, ...]:
        """See the port. A record that cannot be read is logged and does not hide the others."""
        wanted = frozenset(functions)
        found: list[Remediation] = []
        for item in self._table.query(_REMEDIATION):
            key = read_text(item, "sk")
            if wanted and key.partition(_SEPARATOR)[0] not in wanted:
                continue
            try:
                found.append(REMEDIATION_RECORD.load(unpack(item, "record")))
            except UnreadableRecordError as error:
                logger.exception("unreadable remediation", key=key, why=str(error))
        return tuple(found)

    # -- what the rounds remember ------------------------------------------------------------------

    def read_progress(self) -> Progress | None:
        """How far the last round came; ``None`` before the first."""
        item = self._table.get(build_key(_DIAGNOSIS, _PROGRESS))
        return None if item is None else _load(Progress, item)

    def save_progress(self, progress: Progress) -> None:
        """Remember how far a round has come. Last writer wins: examining again is harmless."""
        item = {**build_key(_DIAGNOSIS, _PROGRESS), "record": pack(_dump(progress))}
        self._table.write(PutItem(item=item))

    def touch(self, names: Iterable[str], now: datetime) -> None:
        """Remember that functions and roles were changed."""
        DiagnosisMarks(self._table).touch(names, now)

    def read_touched(self) -> dict[str, str]:
        """What was changed since it was examined last, with the mark of the last change.

        Of very many the first ones: what is examined is forgotten, so that the next tick sees the
        others. Anybody can make such marks, by calling functions that do not exist.
        """
        some = itertools.islice(self._table.query(TOUCHED), MOST_TOUCHED)
        return {read_text(item, "sk"): read_text(item, "at") for item in some}

    def forget_touched(self, marks: Mapping[str, str]) -> None:
        """Forget changes, unless something was changed again meanwhile."""
        for name, mark in marks.items():
            is_last_change = Compare("at", "=", {"S": mark})
            self._table.write(Delete(key=build_key(TOUCHED, name), condition=is_last_change))

    def remember_denial(self, function: str, denied: DeniedCall, now: datetime) -> None:
        """Keep a denied invocation for a fortnight, the latest of each principal."""
        item = {
            **build_key(_DENIAL, f"{function}{_SEPARATOR}{denied.principal_arn}"),
            "record": pack(_dump(denied)),
            "expires_at": write_expiry(now + TRACES_KEPT),
        }
        self._table.write(PutItem(item=item))

    def read_denials(self, since: datetime) -> dict[str, tuple[DeniedCall, ...]]:
        """The denied invocations that were seen since a moment, by function."""
        found: dict[str, list[DeniedCall]] = {}
        for number, item in enumerate(self._table.query(_DENIAL)):
            if number >= MOST_DENIALS:
                logger.warning("there are more denied calls than are read", read=number)
                break
            key = read_text(item, "sk")
            try:
                denied = _load(DeniedCall, item)
            except UnreadableRecordError as error:
                logger.exception("unreadable denial", key=key, why=str(error))
                continue
            if denied.last_at is None or denied.last_at >= since:
                found.setdefault(key.partition(_SEPARATOR)[0], []).append(denied)
        return {function: tuple(denials) for function, denials in found.items()}

    # -- the table ---------------------------------------------------------------------------------

    def _put(
        self,
        key: Item,
        record: str,
        base: int,
        what: str,
        *,
        expires: datetime | None = None,
    ) -> None:
        """Write a record in place of version `base` (0: where nothing is).

        An answer that was lost makes the client write again and find its own work in its way: the
        mark tells that it is its own.

        Raises
        ------
        StaleIncidentError
            When another version is stored.
        """
        mark = self._table.draw()
        item = {
            **key,
            "version": {"N": str(base + 1)},
            MARK: {"S": mark},
            "record": pack(record),
        }
        if expires is not None:
            item["expires_at"] = write_expiry(expires)
        condition = Compare("version", "=", {"N": str(base)}) if base else NEW
        refusals = self._table.write(PutItem(item=item, condition=condition))
        stored = {} if refusals is None else refusals[0] or {}
        if refusals is not None and not is_marked(stored, mark):
            found = stored.get("version", {}).get("N", "nothing")
            raise StaleIncidentError(f"{what}: version {base} is not stored, but {found}")


def _build_remediation_key(remediation: Remediation) -> Item:
    return build_key(_REMEDIATION, f"{remediation.function}{_SEPARATOR}{remediation.entry}")


def _shorten_to_fit(remediation: Remediation) -> Remediation:
    """The remediation with as much of its notices as fits into an item."""
    while not fits(REMEDIATION_RECORD.dump(remediation)):
        outbox = shorten_outbox(remediation.outbox)
        if outbox is None:
            break
        remediation = replace(remediation, outbox=outbox)
    return remediation


def _dump(value: object) -> str:
    return dump_json(to_json(value, Form.NAMED))


def _load(shape: type[_T], item: Item) -> _T:
    """A small record. Raises `UnreadableRecordError`."""
    text = unpack(item, "record")
    try:
        return from_json(shape, json.loads(text))
    except (UnreadableError, ValueError) as error:
        raise UnreadableRecordError(
            f"not a record of {shape.__name__}: {error}: {text[:200]!r}"
        ) from error
