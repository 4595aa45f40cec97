"""The sinks of a deployment: what its settings switch on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.aws.incidents.chat_topic import ChatTopic
from functions.aws.incidents.event_bus import EventBus
from functions.aws.runtime import clients

if TYPE_CHECKING:
    from functions.domain.notices.events.ports import EventSink
    from functions.settings import DeployedSettings


def connect_sinks(settings: DeployedSettings) -> tuple[EventSink, ...]:
    """The bus and the topic for chat, as far as the deployment has them."""
    sinks: list[EventSink] = []
    if settings.has_events:
        sinks.append(EventBus(clients.make_event_bus_client()))
    if settings.chat_topic_arn:
        sinks.append(ChatTopic(clients.make_chat_client(), settings.chat_topic_arn))
    return tuple(sinks)
