"""To be written."""

from typing import Final

from functions.domain.diagnosis.facts import FunctionUnderDiagnosis
from functions.domain.diagnosis.finding import Check, Finding

ENTRY: Final = "not_invocable"
PAGE: Final = "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-execution.html"


def examine(facts: FunctionUnderDiagnosis) -> Finding | None:  # noqa: ARG001
    """Nothing yet."""
    return None


def is_conclusive(facts: FunctionUnderDiagnosis) -> bool:  # noqa: ARG001
    """Nothing yet."""
    return False


CHECK: Final = Check(
    entry=ENTRY,
    title="not_invocable",
    page=PAGE,
    needs=frozenset(),
    examine=examine,
    is_conclusive=is_conclusive,
)
