"""What ends a drill, in one line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from cdk_loopbreaker.aws_errors import explain_access_error, is_denied
from cdk_loopbreaker.operating.errors import OperatingError
from functions.aws.runtime.errors import get_code, get_message
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 300


class DrillError(OperatingError):
    """Raised when a drill cannot go on; the message is one line that says what to do."""


def get_words(error: Exception) -> str:
    """What AWS says, in one line: the code and the message."""
    said = get_message(error) if get_code(error) else f"{type(error).__name__}: {error}"
    return clean(said, _LONGEST)


@contextmanager
def explain(doing: str, region: str = "") -> Iterator[None]:
    """Turn an error of AWS into one line.

    Raises
    ------
    DrillError
    """
    try:
        yield
    except OperatingError:
        raise
    except Exception as error:
        if is_denied(error):
            raise DrillError(
                f"{doing}: not permitted ({get_words(error)}). loopbreaker drill --print-policy"
                " prints the rights that it needs"
            ) from error
        if get_code(error):
            raise DrillError(f"{doing}: AWS says {get_words(error)}") from error
        text = explain_access_error(error, region)
        if not text:
            raise
        raise DrillError(f"{doing}: {text}") from error
