"""Notices by SNS."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.domain.errors import NoticeUndeliveredError
from functions.domain.notices.layout import SUBJECT_LIMIT

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

    from functions.domain.notices.notice import Notice

IAM_ACTIONS: Final = frozenset({"sns:Publish"})

# SNS API, *Publish*: a message holds at most 262,144 bytes.
MOST_BODY_BYTES: Final = 262_144
_ELLIPSIS: Final = "..."
_CUT: Final = "\n[the rest was cut: SNS takes 262,144 bytes]\n"
_NO_SUBJECT: Final = "Loopbreaker"


class SnsPublisher:
    """The port `Publisher`."""

    def __init__(self, client: SNSClient, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, notice: Notice) -> None:
        """Send a notice, cut to what SNS takes, with attributes for the filters of subscriptions.

        Raises
        ------
        NoticeUndeliveredError
            When SNS does not accept it within the client's retries.
        """
        try:
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=fitting_subject(notice.subject),
                Message=fitting(notice.body),
                MessageAttributes=_describe(notice),
            )
        except AWS_ERRORS as error:
            raise NoticeUndeliveredError(get_message(error)) from error


def _describe(notice: Notice) -> dict[str, MessageAttributeValueTypeDef]:
    """The attributes by which subscriptions can filter.

    SNS API, *MessageAttributeValue*: a value must not be empty.
    """
    event = notice.event
    if event is None:
        return {}
    values = {
        "kind": event.kind.value,
        "severity": event.severity.value,
        "function": fitting_subject(event.function) if event.function else "",
    }
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in values.items()
        if value
    }


def fitting_subject(subject: str) -> str:
    """One line without control characters, below 100 characters."""
    printable = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in subject)
    line = " ".join(printable.split()) or _NO_SUBJECT
    if len(line) <= SUBJECT_LIMIT:
        return line
    return line[: SUBJECT_LIMIT - len(_ELLIPSIS)].rstrip() + _ELLIPSIS


def fitting(body: str) -> str:
    """The body, cut to the bytes that SNS takes; never empty, which SNS refuses."""
    encoded = body.encode("utf-8", errors="replace")
    if len(encoded) <= MOST_BODY_BYTES:
        return encoded.decode() or _NO_SUBJECT
    return encoded[: MOST_BODY_BYTES - len(_CUT)].decode("utf-8", errors="ignore") + _CUT
