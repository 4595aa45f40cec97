"""The book and treatments as JSON text, and back, for whatever stores them."""

from functions.domain.diagnosis.book import FindingBook
from functions.domain.diagnosis.treatment import Treatment
from functions.domain.errors import LedgerUnavailableError


class UnreadableTreatmentError(LedgerUnavailableError):
    """When a stored text is no book or treatment that this version can read."""


def dump_treatment(treatment: Treatment) -> str:
    """The record of a treatment."""
    raise NotImplementedError


def load_treatment(text: str) -> Treatment:
    """Read a treatment. Raises `UnreadableTreatmentError`."""
    raise NotImplementedError


def dump_book(book: FindingBook) -> str:
    """The record of a book; it compresses to about a tenth."""
    raise NotImplementedError


def load_book(text: str) -> FindingBook:
    """Read a book. Raises `UnreadableTreatmentError`."""
    raise NotImplementedError
