"""Names of functions, out of every form in which AWS writes them."""

import re
from typing import Final

from functions.domain.errors import LoopbreakerError

# The forms that Lambda's API takes for FunctionName: name, partial ARN and ARN, each with or
# without a version or alias (https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html).
_REFERENCE: Final = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:)?"
    r"(?:[a-z]{2}(?:-[a-z]+)+-\d:)?"
    r"(?:\d{12}:)?"
    r"(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})"
    r"(?::(?:\$LATEST|[A-Za-z0-9_-]+))?"
)


class InvalidFunctionReferenceError(LoopbreakerError, ValueError):
    """When a text is neither a function's name nor its ARN."""


def function_name(reference: str) -> str:
    """The bare name in a name, `name:qualifier`, partial ARN or ARN.

    Raises
    ------
    InvalidFunctionReferenceError
        When it is none of these.
    """
    found = _REFERENCE.fullmatch(reference.strip())
    if found is None:
        raise InvalidFunctionReferenceError(
            f"{reference[:200]!r} is not a Lambda function: give its name or its ARN"
        )
    return found["name"]
