"""Connects with AWS as whoever runs the command. The SDK is loaded only here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from cdk_loopbreaker.operating.client import CONNECT_SECONDS, READ_SECONDS, GuardClient
from cdk_loopbreaker.operating.errors import OperatingError
from functions.domain.notices.text import clean

if TYPE_CHECKING:
    import boto3

_ASKING_WHO_SECONDS: Final = 3


def open_session(profile: str | None, region: str | None) -> boto3.Session:
    """Open a session of the AWS SDK.

    ``AWS_REGION`` counts before the profile's Region, as it does for the AWS CLI. The SDK itself
    only knows ``AWS_DEFAULT_REGION`` (boto3 documentation, *Configuration*).

    Raises
    ------
    OperatingError
        When there is no such profile.
    """
    import boto3  # noqa: PLC0415 - it takes a while, and other commands need no AWS

    try:
        place = region or os.environ.get("AWS_REGION") or None
        return boto3.Session(profile_name=profile, region_name=place)
    except Exception as error:
        raise _translate(error, region or "") from error


def connect(session: boto3.Session) -> GuardClient:
    """Connect with the guard of the session's account and Region.

    Raises
    ------
    OperatingError
        When there is no Region, or one that cannot be.
    """
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,  # a gateway on the way may drop a connection that is silent
    )
    try:
        client: Any = session.client("lambda", config=config)
    except Exception as error:
        raise _translate(error, session.region_name or "") from error
    return GuardClient(client=client, region=client.meta.region_name)


def find_caller(session: boto3.Session) -> str:
    """The ARN of whoever calls; empty where AWS does not say. It needs no permission."""
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=_ASKING_WHO_SECONDS,
        read_timeout=_ASKING_WHO_SECONDS,
        retries={"total_max_attempts": 1},
    )
    try:
        found: Any = session.client("sts", config=config).get_caller_identity()
        return clean(str(found["Arn"]), 900)
    except Exception:  # noqa: BLE001 - who ordered it is good to know, and must not delay the stop
        return ""


def _translate(error: Exception, region: str) -> Exception:
    """The error in one line; what is no error of the SDK stays what it is."""
    from cdk_loopbreaker.aws_errors import explain_access_error  # noqa: PLC0415

    text = explain_access_error(error, region)
    return OperatingError(text) if text else error
