"""What the guard says in its log about what it saw and decided."""

from typing import Protocol

from functions.domain.detection.assessment import Assessment


class EventLog(Protocol):
    """Where the guard says what it does; powertools' logger is one."""

    def info(self, message: str, **fields: object) -> None:
        """Something happened as it should."""
        ...

    def error(self, message: str, **fields: object) -> None:
        """Something is lost, and nobody will try again."""
        ...

    def exception(self, message: str, **fields: object) -> None:
        """Something went wrong; the exception being handled is logged with it."""
        ...


def fields_of(assessment: Assessment) -> dict[str, object]:
    """An assessment as the fields of a log record."""
    return {
        "function": assessment.function,
        "verdict": assessment.verdict,
        "rate_per_minute": assessment.rate_per_minute,
        "normal_per_minute": assessment.normal_per_minute,
        "since": assessment.since,
        "grounds": [
            {"reason": one.reason, "value": one.value, "unit": one.unit, "reference": one.reference}
            for one in assessment.grounds
        ],
    }
