"""Connects `protect` with AWS."""

from __future__ import annotations

import functools
import os
from typing import Final

from functions.aws.deployment import account_traffic, guard_account
from functions.aws.deployment.account_traffic import AccountTraffic
from functions.aws.deployment.guard_account import GuardAccount
from functions.aws.incidents import chat_topic, event_bus, publisher
from functions.aws.incidents.publisher import SnsPublisher
from functions.aws.runtime import clients, custom_resource
from functions.domain.deployment.ports import ProtectionContext
from functions.domain.notices.notice import Deployment
from functions.event_delivery import connect_events
from functions.protect.settings import Settings

# The deployment allows what they declare.
ADAPTERS: Final = (
    account_traffic,
    chat_topic,
    custom_resource,
    event_bus,
    guard_account,
    publisher,
)


@functools.cache
def connect() -> ProtectionContext:
    """Read the settings and create the clients, once per execution environment."""
    settings = Settings.from_env(os.environ)
    return ProtectionContext(
        account=GuardAccount(clients.make_lambda_client()),
        traffic=AccountTraffic(clients.make_cloudwatch_client()),
        publisher=SnsPublisher(clients.make_sns_client(), settings.notice_topic_arn),
        stack_name=settings.stack_name,
        region=settings.region,
        account_id=settings.account,
        events=connect_events(
            settings,
            Deployment(
                region=settings.region, account=settings.account, stack_name=settings.stack_name
            ),
        ),
    )
