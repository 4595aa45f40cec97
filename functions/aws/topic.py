"""The SNS topic on which people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from functions.domain.errors import NoticeUndeliveredError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

IAM_ACTIONS: Final = frozenset({"sns:Publish"})


class Topic:
    """Publishes notices; the port `Publisher`."""

    def __init__(self, client: SNSClient, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, subject: str, body: str) -> None:
        """Send one notice.

        Raises
        ------
        NoticeUndeliveredError
            When SNS did not accept it within the client's retries.
        """
        try:
            self._client.publish(TopicArn=self._topic_arn, Subject=subject, Message=body)
        except (ClientError, BotoCoreError) as error:
            raise NoticeUndeliveredError(str(error)) from error
