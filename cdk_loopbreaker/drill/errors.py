"""What ends a drill, in one line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.operating.errors import OperatingError, explain_connection_error
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 300
_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)


class DrillError(OperatingError):
    """Raised when a drill cannot go on; the message is one line that says what to do."""


def get_code(error: Exception) -> str:
    """The code of an error of AWS; empty for other errors."""
    return _get(error, "Code")


def get_words(error: Exception) -> str:
    """What AWS says, in one line: the code and the message."""
    code, message = _get(error, "Code"), _get(error, "Message")
    return clean(f"{code}: {message}" if code else f"{type(error).__name__}: {error}", _LONGEST)


def is_denied(error: Exception) -> bool:
    """Whether a right is missing."""
    return get_code(error) in _DENIED


def _get(error: Exception, name: str) -> str:
    response: Any = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    return str(details.get(name, "")) if isinstance(details, dict) else ""


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
        text = explain_connection_error(error, region)
        if not text:
            raise
        raise DrillError(f"{doing}: {text}") from error
