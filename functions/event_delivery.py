"""The events of notices, which every Lambda function sends in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.aws.incidents.chat_topic import ChatTopic
from functions.aws.incidents.event_bus import EventBus
from functions.aws.runtime import clients
from functions.aws.runtime.clock import read_clock
from functions.aws.runtime.observability import POWERTOOLS_LOG
from functions.workflows.notices.events import EventDelivery

if TYPE_CHECKING:
    from functions.domain.notices.events.ports import EventSink
    from functions.domain.notices.notice import Deployment
    from functions.settings import DeployedSettings


def connect_events(settings: DeployedSettings, deployment: Deployment) -> EventDelivery:
    """The delivery to the bus and to the topic for chat, as far as the deployment has them."""
    sinks: list[EventSink] = []
    if settings.has_events:
        sinks.append(EventBus(clients.make_event_bus_client()))
    if settings.chat_topic_arn:
        sinks.append(ChatTopic(clients.make_chat_client(), settings.chat_topic_arn))
    return EventDelivery(
        to=tuple(sinks), deployment=deployment, clock=read_clock, log=POWERTOOLS_LOG
    )
