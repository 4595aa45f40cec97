"""The book and treatments as JSON text, and back, for whatever stores them."""

from typing import Final

from functions.domain.diagnosis.finding_registry import FindingBook
from functions.domain.diagnosis.remediation import Treatment
from functions.domain.record_format import RecordFormat

TREATMENT_RECORD: Final = RecordFormat(name="treatment", shape=Treatment)
# It compresses to about a tenth.
BOOK_RECORD: Final = RecordFormat(name="book", shape=FindingBook)
