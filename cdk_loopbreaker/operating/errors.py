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
# Raised by versions that know no direct requests, for an event that they do not know.
_OF_EARLIER_VERSIONS: Final = frozenset({"UnrecognisedSignalError", "KeyError", "ValueError"})


class OperatingError(Exception):
    """Raised when the guard cannot be asked; the message is one line that says what to do."""


def is_throttled(error: Exception) -> bool:
    """Whether AWS refused an invocation because of its rate, so that nothing ran."""
    from functions.aws.runtime.errors import get_code  # noqa: PLC0415 - it loads the SDK

    return get_code(error) in _THROTTLED


def explain_aws_error(error: Exception, function: str, region: str) -> str:
    """Explain an error of the AWS SDK in a line; empty for an error that is not one of its.

    Parameters
    ----------
    function
        The guard function that was to be invoked.
    """
    # Only commands that ask AWS load the SDK.
    from botocore import exceptions as aws  # noqa: PLC0415

    from cdk_loopbreaker.aws_errors import explain_access_error, is_denied  # noqa: PLC0415
    from functions.aws.runtime.errors import get_code, get_message  # noqa: PLC0415

    if isinstance(error, aws.ReadTimeoutError | aws.ConnectionClosedError):
        return (
            "no answer arrived. The request may still be carried out: loopbreaker status shows"
            " what is held"
        )
    if is_denied(error):
        return (
            f"not permitted: these credentials need lambda:InvokeFunction on {function} in"
            f" {region} (docs/operating.md has the statement)"
        )
    code = get_code(error)
    if code == "ResourceNotFoundException":
        return (
            f"Loopbreaker is not deployed in {region} of this account: there is no function"
            f" {function}. Choose another --region or --profile, or deploy it"
        )
    if code in _THROTTLED:
        return f"{function} is busy ({code}): try again in a minute"
    words = explain_access_error(error, region)
    if code and not words:
        return f"AWS refused to invoke {function}: {clean(get_message(error), _LONGEST)}"
    return words


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
