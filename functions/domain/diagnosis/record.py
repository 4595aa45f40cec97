"""The book and treatments as JSON text, and back, for whatever stores them."""

import json
from typing import Any, Final, TypeVar

from functions.domain.diagnosis.finding_registry import FindingBook
from functions.domain.diagnosis.remediation import Treatment
from functions.domain.errors import LedgerUnavailableError
from functions.domain.plain_form import from_plain, to_plain

RECORD_VERSION: Final = 1

_T = TypeVar("_T")


class UnreadableTreatmentError(LedgerUnavailableError):
    """When a stored text is no book or treatment that this version can read."""


def dump_treatment(treatment: Treatment) -> str:
    """The record of a treatment."""
    return _dump("treatment", treatment)


def load_treatment(text: str) -> Treatment:
    """Read a treatment. Raises `UnreadableTreatmentError`."""
    return _load("treatment", Treatment, text)


def dump_book(book: FindingBook) -> str:
    """The record of a book; it compresses to about a tenth."""
    return _dump("book", book)


def load_book(text: str) -> FindingBook:
    """Read a book. Raises `UnreadableTreatmentError`."""
    return _load("book", FindingBook, text)


def _dump(name: str, value: Any) -> str:
    return json.dumps(
        {"record": RECORD_VERSION, name: to_plain(value)}, ensure_ascii=False, separators=(",", ":")
    )


def _load(name: str, hint: type[_T], text: str) -> _T:
    try:
        record = json.loads(text)
        version = record["record"]
        if version > RECORD_VERSION:
            raise UnreadableTreatmentError(
                f"the record is of version {version}, this code reads up to {RECORD_VERSION}"
            )
        return from_plain(hint, record[name])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableTreatmentError(
            f"not a record of a {name}: {type(error).__name__} {error}: {text[:200]!r}"
        ) from error
