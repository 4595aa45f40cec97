"""Errors of the AWS SDK in one line that says what to do, for all commands that ask AWS.

It loads the SDK: a command that may not need it imports this where an error has to be explained.
"""

from __future__ import annotations

import re
from typing import Final

from botocore import exceptions as aws
from botocore.session import Session

from functions.aws.runtime.errors import get_code, get_message
from functions.domain.notices.text import clean

_LONGEST: Final = 500
_LONGEST_QUOTE: Final = 300
_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)
# What the front of every AWS API answers (*Common errors* of each API reference).
_EXPIRED: Final = re.compile(r"Expired")
_NOT_ACCEPTED: Final = re.compile(
    r"InvalidClientTokenId|UnrecognizedClient|InvalidAccessKeyId|SignatureDoesNotMatch|AuthFailure"
    r"|IncompleteSignature|InvalidSignature|MissingAuthenticationToken|OptInRequired"
)


def is_denied(error: Exception) -> bool:
    """Whether a right is missing."""
    return get_code(error) in _DENIED


def explain_access_error(error: Exception, region: str) -> str:
    """Explain why AWS could not be asked, or not with these credentials; empty for other errors."""
    return clean(_explain(error, clean(region, 80)), _LONGEST)


def _explain(error: Exception, region: str) -> str:
    said = clean(str(error), _LONGEST_QUOTE)
    match error:
        case aws.ProfileNotFound():
            names = ", ".join(sorted(Session().available_profiles)) or "none"
            return f"{said}: there are {clean(names, 150)}"
        case aws.NoCredentialsError():
            return "no AWS credentials: sign in, or choose a --profile"
        case aws.PartialCredentialsError():
            return f"incomplete AWS credentials: {said}"
        case aws.NoRegionError():
            return "no Region: give --region, or set AWS_REGION"
        case aws.InvalidRegionError():
            return f"{region!r} is not a Region: write one such as eu-west-1"
        case aws.SSOError() | aws.CredentialRetrievalError() | aws.TokenRetrievalError():
            return f"the AWS credentials cannot be renewed ({said}): sign in again (aws sso login)"
        case aws.ConnectionError() | aws.HTTPClientError():
            where = f" in {region}" if region else ""
            return (
                f"AWS cannot be reached{where}: check that this Region exists, and the network"
                f" ({said})"
            )
        case aws.ClientError():
            return _explain_refused_credentials(error, region)
        case aws.BotoCoreError():
            return f"AWS cannot be asked: {said}"
        case _:
            return ""


def _explain_refused_credentials(error: aws.ClientError, region: str) -> str:
    code, said = get_code(error), clean(get_message(error), _LONGEST_QUOTE)
    if _EXPIRED.search(code):
        return f"the AWS credentials have expired: sign in again ({said})"
    if _NOT_ACCEPTED.search(code):
        return (
            f"AWS does not accept the credentials in {region}: they are wrong, or the Region is"
            f" not enabled in the account ({said})"
        )
    return ""
