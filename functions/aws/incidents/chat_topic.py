"""Events for chat: a topic of their own, which Amazon Q Developer in chat applications reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.aws.runtime.errors import AWS_ERRORS, get_message
from functions.domain.notices.events.chat import compose_chat_message
from functions.domain.notices.events.ports import Receipt, Sink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_sns import SNSClient

    from functions.domain.notices.events.envelope import OutgoingEvent

IAM_ACTIONS: Final = frozenset({"sns:Publish"})


class ChatTopic:
    """The port `EventSink`, on an SNS topic."""

    name = Sink.CHAT

    def __init__(self, client: SNSClient, topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def put(self, events: Sequence[OutgoingEvent]) -> Receipt:
        """See the port. After the first refusal the others wait, which keeps their order."""
        taken: set[str] = set()
        for event in events:
            try:
                self._client.publish(TopicArn=self._topic_arn, Message=compose_chat_message(event))
            except AWS_ERRORS as error:
                return Receipt(taken=frozenset(taken), why=get_message(error))
            taken.add(event.id)
        return Receipt(taken=frozenset(taken))
