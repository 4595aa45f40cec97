"""AWS's errors in the words of the domain. Every adapter translates here, once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from functions.domain.errors import (
    BusyError,
    FunctionNotFoundError,
    InvalidValueError,
    ProvisionedConcurrencyError,
    RefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from functions.domain.errors import LoopbreakerError

# An answer that is none of AWS's, such as the page of a proxy, is no BotoCoreError.
AwsError: TypeAlias = ClientError | BotoCoreError | ResponseParserError
AWS_ERRORS: Final = (ClientError, BotoCoreError, ResponseParserError)

# Something else is being done to the same thing; botocore does not try these again by itself.
CONFLICT_CODES: Final = frozenset({"ResourceConflictException", "ResourceInUseException"})
# What passes by itself, though it may take longer than the retries.
_PASSING_CODES: Final = CONFLICT_CODES | frozenset(
    {
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "InternalFailure",
        "InternalServerError",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_SERVER_ERROR: Final = 500


def get_code(error: Exception) -> str:
    """AWS's code of the error; empty for an error that AWS did not answer with."""
    if not isinstance(error, ClientError):
        return ""
    return error.response.get("Error", {}).get("Code", "")


def get_message(error: Exception) -> str:
    """What AWS says, without botocore's frame, as notices quote it."""
    if isinstance(error, ClientError):
        said = error.response.get("Error", {}).get("Message", "")
        return f"{get_code(error)}: {said}" if said else str(error)
    return str(error)


def is_passing(error: ClientError) -> bool:
    """Whether the same call may go well a little later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return get_code(error) in _PASSING_CODES or status >= _SERVER_ERROR


def translate_reading_error(error: AwsError, what: str) -> LoopbreakerError:
    """`BusyError` where the same call may go well a little later, else `RefusedError`.

    Parameters
    ----------
    what
        What was asked for.
    """
    words = f"{what}: {get_message(error)}"
    if not isinstance(error, ClientError) or is_passing(error):
        return BusyError(words)
    return RefusedError(words)


def translate_lambda_error(error: AwsError, what: str) -> LoopbreakerError:
    """The domain's error for an error of Lambda's control plane.

    Parameters
    ----------
    what
        The function that was asked for.
    """
    words = get_message(error)
    if not isinstance(error, ClientError):
        return BusyError(f"{what}: {words}")
    code = get_code(error)
    if code == "ResourceNotFoundException":
        return FunctionNotFoundError(f"{what}: {words}")
    if is_passing(error):
        return BusyError(f"{what}: {words}")
    if code == "InvalidParameterValueException":
        # UNCONFIRMED A-002: AWS's words for a reservation below the provisioned concurrency. Wrong
        # either way it does no harm: the caller then asks for the provisioned concurrency.
        is_provisioned = "provisioned" in words.lower()
        refusal = ProvisionedConcurrencyError if is_provisioned else InvalidValueError
        return refusal(f"{what}: {words}")
    return RefusedError(f"{what}: {words}")


@contextmanager
def translate_lambda_errors(what: str) -> Iterator[None]:
    """Raise the domain's error for any error of Lambda's control plane inside."""
    try:
        yield
    except AWS_ERRORS as error:
        raise translate_lambda_error(error, what) from error
