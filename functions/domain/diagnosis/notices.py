"""What people are told of findings and treatments."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from functions.domain.notice import Notice, NoticeContext

if TYPE_CHECKING:
    from functions.domain.diagnosis.rounds import Patient

OUTPUT_LIMIT: Final = 3_500  # bytes: a custom resource answers at most 4 KB


def answer_output(patients: Sequence["Patient"], context: NoticeContext) -> str:
    """The answer to ``-c diagnose=<function>`` for the stack's output, within `OUTPUT_LIMIT`."""
    raise NotImplementedError


def answer_notice(patients: Sequence["Patient"], context: NoticeContext, now: datetime) -> Notice:
    """The same at length, for the mail."""
    raise NotImplementedError
