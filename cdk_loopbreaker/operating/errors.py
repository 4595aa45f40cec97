"""What went wrong when the guard was asked, in one line that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from functions.domain.notices.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 400
# What Lambda and the front of every AWS API answer (Lambda API reference, *Invoke*, *Common
# errors*). Throttled invocations did not run.
_THROTTLED: Final = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "EC2ThrottledException"}
)
_DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
_BAD_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
# Raised by versions that know no direct requests, for an event that they do not know.
_OF_EARLIER_VERSIONS: Final = frozenset({"UnrecognisedSignalError", "KeyError", "ValueError"})


class OperatingError(Exception):
    """Raised when the guard cannot be asked; the message is one line that says what to do."""


def is_throttled(error: Exception) -> bool:
    """Whether AWS refused an invocation because of its rate, so that nothing ran."""
    return _get_code(error) in _THROTTLED


def explain_aws_error(error: Exception, function: str, region: str) -> str:
    """Explain an error of the AWS SDK in a line; empty for an error that is not one of its.

    Parameters
    ----------
    function
        The guard function that was to be invoked.
    """
    code = _get_code(error)
    if code in _DENIED:
        return (
            f"not permitted: these credentials need lambda:InvokeFunction on {function} in"
            f" {region} (docs/operating.md has the statement)"
        )
    if code in _BAD_CREDENTIALS:
        return f"the AWS credentials are expired or not valid ({code}): sign in again"
    if code == "ResourceNotFoundException":
        return (
            f"Loopbreaker is not deployed in {region} of this account: there is no function"
            f" {function}. Choose another --region or --profile, or deploy it"
        )
    if code in _THROTTLED:
        return f"{function} is busy ({code}): try again in a minute"
    if code:
        return f"AWS refused to invoke {function}: {code}: {clean(_get_message(error), _LONGEST)}"
    return explain_connection_error(error, region)


def explain_connection_error(error: Exception, region: str) -> str:
    """Explain why AWS could not be reached, or not as whom; empty for other errors."""
    from botocore import exceptions as aws  # noqa: PLC0415 - only commands that ask AWS load it

    match error:
        case aws.ProfileNotFound():
            return f"{clean(str(error), _LONGEST)}: choose one that aws configure list-profiles has"
        case aws.NoCredentialsError() | aws.PartialCredentialsError():
            return "no AWS credentials: sign in, or choose a --profile"
        case aws.NoRegionError():
            return "no Region: give --region, or set AWS_REGION"
        case aws.InvalidRegionError():
            return f"{clean(region, 80)!r} is not a Region: write one such as eu-west-1"
        case aws.EndpointConnectionError() | aws.ConnectTimeoutError():
            return (
                f"Lambda cannot be reached in {clean(region, 80)}: check that this Region exists,"
                " and the network"
            )
        case aws.ReadTimeoutError() | aws.ConnectionClosedError():
            return (
                "no answer arrived. The request may still be carried out: loopbreaker status shows"
                " what is held"
            )
        case aws.TokenRetrievalError() | aws.SSOError():
            return "the AWS sign-in has expired: run aws sso login"
        case aws.BotoCoreError():
            return f"AWS cannot be asked: {clean(str(error), _LONGEST)}"
        case _:
            return ""


def explain_failed_run(function: str, payload: object) -> str:
    """Explain that a guard function failed: by its version, its time-out, or a defect."""
    fields: Mapping[str, Any] = payload if isinstance(payload, dict) else {}
    kind, message = str(fields.get("errorType", "")), str(fields.get("errorMessage", ""))
    if kind in _OF_EARLIER_VERSIONS:
        return (
            f"the deployed {function} is of an earlier version, which this command cannot ask:"
            " deploy the present version"
        )
    words = clean(": ".join(one for one in (kind, message) if one), _LONGEST) or "no reason given"
    return f"{function} failed ({words}). Its log is in the log group of that function"


def _get_code(error: Exception) -> str:
    return _get_text(error, "Code")


def _get_message(error: Exception) -> str:
    return _get_text(error, "Message")


def _get_text(error: Exception, name: str) -> str:
    """A field of AWS's error, by the shape of `botocore.exceptions.ClientError`."""
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    return str(details.get(name, "")) if isinstance(details, dict) else ""
