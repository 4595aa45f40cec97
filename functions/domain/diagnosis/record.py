"""The book and remediations as JSON text, and back, for whatever stores them."""

from typing import Any, Final

from functions.domain.diagnosis.finding_registry import FindingBook
from functions.domain.diagnosis.remediation import Remediation
from functions.domain.record_format import RecordFormat


def _upgrade(remediation: dict[str, Any]) -> dict[str, Any]:
    """A record of any version up to this one: earlier ones had other words for what is undone."""
    return {**remediation, "steps": [_upgrade_step(one) for one in remediation.get("steps", ())]}


def _upgrade_step(step: dict[str, Any]) -> dict[str, Any]:
    if "undone" not in step:
        return step
    return {**step, "restored": step["undone"], "restored_detail": step.get("undone_detail", "")}


REMEDIATION_RECORD: Final = RecordFormat(name="treatment", shape=Remediation, upgrade=_upgrade)
# It compresses to about a tenth.
BOOK_RECORD: Final = RecordFormat(name="book", shape=FindingBook)
